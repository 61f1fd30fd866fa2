//! The compact form of a [`SyncRequest`](super::SyncRequest)'s fields, for sync ids: common values take one byte.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The id of a directory: a UUID as its 16 bytes.
pub(super) mod directory_id {
    use super::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    enum Written {
        Uuid([u8; 16]),
        Text(String),
    }

    pub(crate) fn serialize<S: Serializer>(id: &str, serializer: S) -> Result<S::Ok, S::Error> {
        let number = u128::from_str_radix(&id.replace('-', ""), 16).ok().filter(|number| uuid(*number) == id);
        let written = number.map_or_else(|| Written::Text(id.to_owned()), |number| Written::Uuid(number.to_be_bytes()));
        written.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
        Ok(match Written::deserialize(deserializer)? {
            Written::Uuid(bytes) => uuid(u128::from_be_bytes(bytes)),
            Written::Text(text) => text,
        })
    }

    /// A UUID as text (RFC 9562, section 4).
    fn uuid(number: u128) -> String {
        let group = |shift: u32| (number >> shift) & 0xffff;
        let (first, last) = (number >> 96, number & 0xffff_ffff_ffff);
        format!("{first:08x}-{:04x}-{:04x}-{:04x}-{last:012x}", group(80), group(64), group(48))
    }
}

/// The type of a directory: a known one as its number.
pub(super) mod directory_type {
    use super::{Deserialize, Deserializer, Serialize, Serializer};

    /// The types that can be synced. New ones are appended: ids contain the position.
    const KNOWN: [&str; 3] = ["ACTIVE_DIRECTORY_LDAP", "ACTIVE_DIRECTORY_IWA", "LDAP_DIRECTORY"];

    #[derive(Serialize, Deserialize)]
    enum Written {
        Absent,
        Known(usize),
        Other(String),
    }

    pub(crate) fn serialize<S: Serializer>(kind: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
        let written = kind.as_ref().map(|kind| match KNOWN.iter().position(|known| known == kind) {
            Some(at) => Written::Known(at),
            None => Written::Other(kind.clone()),
        });
        written.unwrap_or(Written::Absent).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
        Ok(match Written::deserialize(deserializer)? {
            Written::Absent => None,
            Written::Known(at) => KNOWN.get(at).map(|known| (*known).to_owned()),
            Written::Other(kind) => Some(kind),
        })
    }
}

/// The names of groups or users. Those of one request are similar: for each, the lengths shared with the previous name at its
/// beginning and end are written, and the part in between.
pub(super) mod names {
    use serde::de::Error as _;

    use super::{Deserialize as _, Deserializer, Serializer};
    use crate::directory::GroupQuery;

    pub(crate) fn serialize<S: Serializer>(groups: &[String], serializer: S) -> Result<S::Ok, S::Error> {
        let mut before = "";
        serializer.collect_seq(groups.iter().map(|group| {
            let written = difference(before, group);
            before = group;
            written
        }))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
        let written = Vec::<(usize, usize, String)>::deserialize(deserializer)?;
        if written.len() > GroupQuery::MAX {
            return Err(D::Error::custom("too many names"));
        }
        let mut groups: Vec<String> = Vec::with_capacity(written.len());
        for (start, end, between) in written {
            let before = groups.last().map_or("", String::as_str);
            groups.push(joined(before, start, end, &between).ok_or_else(|| D::Error::custom("no such name before"))?);
        }
        Ok(groups)
    }

    /// The number of bytes that `group` shares with `before` at the beginning and at the end, and the part in between.
    fn difference<'g>(before: &str, group: &'g str) -> (usize, usize, &'g str) {
        let same = |(one, other): (char, char)| (one == other).then(|| one.len_utf8());
        let start = before.chars().zip(group.chars()).map_while(same).sum();
        let (before, group) = (before.get(start..).unwrap_or_default(), group.get(start..).unwrap_or_default());
        let end: usize = before.chars().rev().zip(group.chars().rev()).map_while(same).sum();
        (start, end, group.get(..group.len().saturating_sub(end)).unwrap_or_default())
    }

    /// Restores a name. The shared parts of `before` do not overlap; otherwise names could grow without bound.
    fn joined(before: &str, start: usize, end: usize, between: &str) -> Option<String> {
        let rest = before.get(start..)?;
        let end = rest.get(rest.len().checked_sub(end)?..)?;
        Some([before.get(..start)?, between, end].concat())
    }
}

/// The size of `names` in bytes.
pub(super) fn size_of(names: &[String]) -> usize {
    #[derive(Serialize)]
    struct Names<'n>(#[serde(with = "names")] &'n [String]);
    postcard::to_allocvec(&Names(names)).map_or(usize::MAX, |written| written.len())
}

#[cfg(test)]
mod tests {
    use super::super::SyncRequest;
    use super::*;
    use crate::directory::SyncTarget;
    use proptest::prelude::*;

    fn read_again(request: &SyncRequest) -> SyncRequest {
        SyncRequest::of_bytes(&request.target, &request.to_bytes().unwrap()).unwrap()
    }

    proptest! {
        #[test]
        fn requests_survive_a_round_trip(
            directory in "[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}|[A-Fa-f0-9-]{1,40}|\\PC{0,40}",
            kind in proptest::option::of("ACTIVE_DIRECTORY_LDAP|LDAP_DIRECTORY|\\PC{0,20}"),
            groups in proptest::collection::vec("(gg-[ab]{0,3}|é|ê|\\PC){0,6}(@corp|,DC=é)?", 0..100),
            users in proptest::collection::vec("[ab]{0,3}@corp", 0..5),
        ) {
            let request = SyncRequest { directory, kind, groups, users, ..SyncRequest::example() };
            prop_assert_eq!(read_again(&request), request);
        }

        #[test]
        fn hostile_bytes_are_rejected_or_read_within_bounds(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Some(request) = SyncRequest::of_bytes(&SyncTarget::parse("t"), &bytes) {
                let longest = request.groups.iter().map(String::len).max().unwrap_or_default();
                prop_assert!(request.groups.len() <= 100 && longest <= bytes.len());
            }
        }
    }

    #[test]
    fn similar_groups_take_few_bytes() {
        let groups: Vec<_> = (0..100).map(|at| format!("CN=gg-app-{at:03},OU=Groups,DC=corp,DC=example")).collect();
        let size = size_of(&groups);
        assert!(size < 600, "{size}");
    }

    #[test]
    fn bytes_after_a_request_are_rejected() {
        let mut bytes = SyncRequest::example().to_bytes().unwrap();
        bytes.push(0);
        assert_eq!(SyncRequest::of_bytes(&SyncTarget::parse("default"), &bytes), None);
    }
}

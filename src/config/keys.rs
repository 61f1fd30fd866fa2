//! Callers with API keys; only the keys' digests are configured.

use std::time::{Duration, SystemTime};

use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::Reader;
use super::error::Place;
use super::grant::{self, Grant, IsTarget};
use super::key_digest::{KeyDigests, MOST_KEYS, NOT_A_DIGEST, digest};

/// A caller that authenticates with a key.
#[derive(Debug, Clone)]
pub struct ApiKey {
    /// Its name and permissions.
    pub grant: Grant,
    /// When this entry's keys expire.
    pub not_after: Option<SystemTime>,
    /// The digests of its keys. During a rotation there are several.
    digests: KeyDigests,
}

impl ApiKey {
    /// The caller that `key` belongs to, expired or not. Every digest of every entry is compared, each in constant time.
    #[must_use]
    pub fn find<'k>(keys: &'k [Self], key: &[u8]) -> Option<&'k Self> {
        let digest: [u8; 32] = Sha256::digest(key).into();
        let mut found = None;
        for entry in keys {
            if entry.digests.position(&digest).is_some() {
                found = Some(entry);
            }
        }
        found
    }

    /// The index of `key` in the entry, for the log; `None` for a key of another entry.
    #[must_use]
    pub fn which(&self, key: &[u8]) -> Option<usize> {
        self.digests.position(&Sha256::digest(key).into())
    }

    /// The digests of its keys, in the order of the configuration.
    pub(crate) fn digests(&self) -> &[[u8; 32]] {
        self.digests.as_slice()
    }

    /// Whether the entry's keys have expired at `now`.
    #[must_use]
    pub(crate) fn has_expired(&self, now: SystemTime) -> bool {
        self.not_after.is_some_and(|end| end < now)
    }
}

/// The variable.
const NAME: &str = "api_keys";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub(super) struct Entry {
    /// The caller's name, for the log. Unique among all callers.
    name: String,
    /// The SHA-256 digest of the key as 64 hexadecimal digits, or a list of 1 to 8 such digests: all of these keys are valid.
    sha256: Value,
    /// The caller's scopes; at least one.
    scopes: Vec<String>,
    /// The targets that the caller may use, as `NAME`, `vidm/NAME`, `vcf/NAME` or `fleet/NAME`. Without it: all targets.
    targets: Option<Vec<String>>,
    /// The addresses and networks that the caller's requests may come from: `["10.20.0.0/16", "192.0.2.7"]`. Without it: any. The
    /// address is the one that the host reports (Spin does), or that of `client_address_header`; an unknown address is rejected.
    from: Option<Vec<String>>,
    /// When the keys expire (RFC 3339, such as `2027-01-31T00:00:00Z`). Without it: never.
    #[serde(rename = "notAfter", alias = "not_after")]
    not_after: Option<String>,
}

/// Reads the keys. `taken` collects the callers' names; if `required`, an empty list is a mistake.
pub(super) fn read(
    reader: &mut Reader<'_>,
    required: bool,
    taken: &mut Vec<String>,
    is_target: IsTarget<'_>,
) -> Vec<ApiKey> {
    let before = reader.problems.len();
    let Some(entries) = grant::entries::<Entry>(reader, NAME) else {
        if required && reader.problems.len() == before {
            reader
                .problem(NAME, "is not set, so no caller is allowed; make an entry with: cargo xtask key --name NAME");
        }
        return Vec::new();
    };
    if required && entries.is_empty() {
        reader.problem(
            NAME,
            "is an empty list, so no caller is allowed; make an entry with: cargo xtask key --name NAME",
        );
    }
    let mut keys: Vec<ApiKey> = Vec::new();
    for (at, entry) in entries.into_iter().enumerate() {
        let mut grant = grant::read(reader, (NAME, at), (entry.name, &entry.scopes, entry.targets), taken, is_target);
        grant.from = entry.from.map(|texts| grant::networks(reader, (NAME, at), &texts));
        let mut key = ApiKey { grant, not_after: None, digests: KeyDigests::default() };
        if let Some(text) = entry.not_after {
            key.not_after = rfc3339(text.trim());
            if key.not_after.is_none() {
                let place = Place::in_entry(NAME, at, ".notAfter");
                reader.wrong(place, &text, "; use an RFC 3339 time: 2027-01-31T00:00:00Z");
            }
        }
        let texts = match entry.sha256 {
            Value::Array(texts) => {
                texts.into_iter().enumerate().map(|(n, text)| (format!(".sha256[{n}]"), text)).collect()
            }
            one => vec![(".sha256".to_owned(), one)],
        };
        if texts.is_empty() || texts.len() > MOST_KEYS {
            let place = Place::in_entry(NAME, at, ".sha256");
            reader.problem(place, format!("has {} digests; use 1 to {MOST_KEYS}", texts.len()));
        }
        for (place, text) in texts {
            let place = Place::in_entry(NAME, at, &place);
            match text.as_str().map_or(Err(NOT_A_DIGEST), digest) {
                Ok(digest) if keys.iter().chain([&key]).any(|known| known.digests().contains(&digest)) => {
                    reader.problem(place, "repeats another key; give each caller keys of its own");
                }
                Ok(digest) => key.digests.push(digest),
                Err(fault) => reader.problem(place, fault),
            }
        }
        keys.push(key);
    }
    keys
}

/// An RFC 3339 time, with `Z` or an offset.
fn rfc3339(text: &str) -> Option<SystemTime> {
    let (local, seconds) = match text.len().checked_sub(6).and_then(|at| text.split_at_checked(at)) {
        Some((local, offset)) if offset.starts_with(['+', '-']) => {
            let (hours, minutes) = offset.get(1..)?.split_once(':')?;
            let (hours, minutes): (u64, u64) = (digits(hours)?, digits(minutes)?);
            let seconds = (hours < 24 && minutes < 60).then_some(hours * 3600 + minutes * 60)?;
            (format!("{local}Z"), (offset.starts_with('+'), seconds))
        }
        _ => (text.to_owned(), (true, 0)),
    };
    let (is_ahead, seconds) = (seconds.0, Duration::from_secs(seconds.1));
    let local = humantime::parse_rfc3339(&local.to_ascii_uppercase()).ok()?;
    if is_ahead { local.checked_sub(seconds) } else { local.checked_add(seconds) }
}

fn digits(text: &str) -> Option<u64> {
    (text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_is_found_by_its_digest_only() {
        let key = |name: &str, texts: &[&str]| ApiKey {
            grant: Grant { name: name.into(), scopes: vec![], targets: None, from: None, variable: NAME },
            not_after: None,
            digests: texts.iter().map(|text| Sha256::digest(text).into()).collect(),
        };
        let keys = [key("a", &["alpha"]), key("b", &["beta", "next"])];
        assert_eq!(ApiKey::find(&keys, b"next").unwrap().grant.name, "b");
        assert_eq!((keys[1].which(b"beta"), keys[1].which(b"next"), keys[1].which(b"alpha")), (Some(0), Some(1), None));
        assert_eq!(ApiKey::find(&keys, b"beta").unwrap().grant.name, "b");
        assert!(ApiKey::find(&keys, b"gamma").is_none());
        assert!(ApiKey::find(&keys, b"").is_none());
        assert!(ApiKey::find(&[], b"alpha").is_none());
    }

    #[test]
    fn rfc_3339_times_are_read() {
        let at = |seconds| Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        for (text, seconds) in [
            ("2027-01-31T00:00:00Z", 1_801_353_600),
            ("2027-01-31t00:00:00z", 1_801_353_600),
            ("2027-01-31T02:00:00+02:00", 1_801_353_600),
            ("2027-01-30T18:30:00-05:30", 1_801_353_600),
        ] {
            assert_eq!(rfc3339(text), at(seconds), "{text}");
        }
        for text in [
            "",
            "2027-01-31",
            "2027-01-31T00:00:00",
            "31.01.2027",
            "2027-02-30T00:00:00Z",
            "2027-01-31T00:00:00+24:00",
            "2027-01-31T00:00:00+0200",
            "soon",
            "1801353600",
            "ä2027+02:00",
        ] {
            assert_eq!(rfc3339(text), None, "{text}");
        }
    }
}

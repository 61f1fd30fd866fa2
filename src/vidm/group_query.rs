//! Which group is meant: by its distinguished name, or by its name.

use super::dn::{self, Key};
use super::groups::Group;
use crate::error::{Error, FieldError, Result};

/// How long the name of one may be, in bytes.
const MAX_LENGTH: usize = 2_048;

/// Which group is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupQuery {
    /// By its distinguished name, `CN=…`.
    DistinguishedName(String),
    /// By its name: `name@domain` as vIDM calls a synced group, or the bare name.
    ///
    /// What a bare name means depends on who asks: [`Client::groups`](super::Client::groups) shows every group of that name
    /// with its domain, in whichever domain; [`Client::prove`](super::Client::prove) takes no other domain's group for the
    /// one that was meant, so there it is only a group whose whole name in vIDM it is, such as one of vIDM's own.
    Name(String),
}

/// What makes two queries the same, and a group the one that is meant. Case does not count, as in Active Directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Identity {
    Dn(Key),
    Name(String),
}

impl Identity {
    pub(super) fn of_dn(dn: &str) -> Self {
        Self::Dn(Key::of(dn))
    }

    pub(super) fn of_name(name: &str) -> Self {
        Self::Name(name.to_lowercase())
    }
}

impl GroupQuery {
    /// How many groups one request may name.
    pub const MAX: usize = 100;

    /// Reads a distinguished name (what begins with a type and an equals sign, RFC 4514) or a name. Blanks that mean nothing
    /// are dropped.
    ///
    /// # Errors
    /// What is wrong with it, in words fit to follow a field's name.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        if text.is_empty() {
            return Err("is empty: give a group's distinguished name (CN=…,DC=…) or its name (name@domain)");
        }
        if text.len() > MAX_LENGTH {
            return Err("is longer than 2,048 bytes");
        }
        if text.chars().any(char::is_control) {
            return Err("holds a control character");
        }
        if crate::template::is_unfilled(text) {
            return Err(crate::template::REFUSED);
        }
        if dn::is_dn(text) { dn::tidy(text).map(Self::DistinguishedName) } else { Ok(Self::Name(text.to_owned())) }
    }

    /// What is wrong with `text` as a group that a sync is to bring, in words fit to follow a field's name.
    #[must_use]
    pub fn fault(text: &str, add_to_profile: bool) -> Option<&'static str> {
        match Self::parse(text) {
            Err(why) => Some(why),
            Ok(Self::Name(_)) if add_to_profile => {
                Some("must be a DN (CN=…,DC=…) to be added to the profile: the connector looks groups up by DN only")
            }
            Ok(_) => None,
        }
    }

    /// Reads the groups that a request names in its field `groups`.
    ///
    /// # Errors
    /// `request_invalid`, with every one that is wrong under its place, `/groups/3`.
    pub fn parse_all<T: AsRef<str>>(texts: &[T]) -> Result<Vec<Self>> {
        if texts.len() > Self::MAX {
            let told = format!("names {} groups; at most {} in one request", texts.len(), Self::MAX);
            return Err(Error::invalid(vec![FieldError::new("/groups", told)]));
        }
        let (mut queries, mut fields) = (Vec::new(), Vec::new());
        for (at, text) in texts.iter().enumerate() {
            match Self::parse(text.as_ref()) {
                Ok(query) => queries.push(query),
                Err(why) => fields.push(FieldError::new(format!("/groups/{at}"), why)),
            }
        }
        if fields.is_empty() { Ok(queries) } else { Err(Error::invalid(fields)) }
    }

    /// The name or the distinguished name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::DistinguishedName(text) | Self::Name(text) => text,
        }
    }

    pub(super) fn identity(&self) -> Identity {
        match self {
            Self::DistinguishedName(dn) => Identity::of_dn(dn),
            Self::Name(name) => Identity::of_name(name),
        }
    }

    /// The SCIM filter for a bare name in every domain. vIDM knows `eq`, `co`, `sw` and the comparisons of order.
    pub(super) fn filter(&self) -> String {
        match self {
            Self::Name(name) if !name.contains('@') => format!("displayName sw {}", quoted(&format!("{name}@"))),
            _ => self.exact_filter(),
        }
    }

    /// The SCIM filter for this very name.
    pub(super) fn exact_filter(&self) -> String {
        match self {
            Self::DistinguishedName(dn) => format!("distinguishedName eq {}", quoted(dn)),
            Self::Name(name) => format!("displayName eq {}", quoted(name)),
        }
    }

    /// Whether `group` is one that is meant, a bare name in whichever domain, and not just something the filter let through.
    pub(super) fn is(&self, group: &Group) -> bool {
        let theirs = match self {
            Self::DistinguishedName(_) => group.distinguished_name.as_deref().map(Identity::of_dn),
            Self::Name(name) if name.contains('@') => group.display_name.as_deref().map(Identity::of_name),
            // A domain has no @, a group's name may.
            Self::Name(_) => {
                let bare = group.display_name.as_deref().and_then(|full| full.rsplit_once('@'));
                bare.map(|(bare, _)| Identity::of_name(bare))
            }
        };
        theirs == Some(self.identity())
    }
}

/// `text` in quotes, as SCIM filters (and JSON, whose rule they take over) want it.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::Endpoint as _;
    use crate::error::ErrorCode;
    use crate::vidm::groups::{FindGroups, Search};
    use crate::vidm::tests::answer;

    const GROUPS: &str = include_str!("../../tests/fixtures/vidm/groups.json");

    fn dn(text: &str) -> GroupQuery {
        GroupQuery::DistinguishedName(text.to_owned())
    }

    fn name(text: &str) -> GroupQuery {
        GroupQuery::Name(text.to_owned())
    }

    #[test]
    fn filters_are_quoted() {
        for (query, filter) in [
            (
                dn("CN=gg-new,OU=Groups,DC=corp,DC=example"),
                r#"distinguishedName eq "CN=gg-new,OU=Groups,DC=corp,DC=example""#,
            ),
            (dn(r#"CN=a\, "b",DC=c"#), r#"distinguishedName eq "CN=a\\, \"b\",DC=c""#),
            (name("gg-new@corp.example"), r#"displayName eq "gg-new@corp.example""#),
            (name("gg-new"), r#"displayName sw "gg-new@""#),
            (name(r#"x" or displayName sw ""#), r#"displayName sw "x\" or displayName sw \"@""#),
        ] {
            assert_eq!(query.filter(), filter);
        }
        assert_eq!(name("gg-\"é\\").exact_filter(), r#"displayName eq "gg-\"é\\""#);
    }

    #[test]
    fn only_the_very_group_is_meant() {
        let search = Search { filter: "", attributes: None, start: 1 };
        let groups = FindGroups(search).response(answer(200, GROUPS)).unwrap().groups;
        let found = |query: GroupQuery| {
            groups.iter().filter(|group| query.is(group)).map(|group| group.id.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(found(name("gg-new@corp.example")), ["g-1"]);
        assert_eq!(found(name("GG-New")), ["g-1", "g-3"]);
        assert_eq!(found(dn("cn=GG-new, ou=groups,dc=corp,dc=example")), ["g-1"]);
        assert!(found(name("gg")).is_empty());
        assert!(found(dn("CN=gg-new")).is_empty());
        assert_eq!(found(name("ALL USERS")), Vec::<&str>::new());
    }

    #[test]
    fn a_text_is_one_or_the_other() {
        for (text, query) in [
            (" gg-new@corp.example ", name("gg-new@corp.example")),
            ("Grüße, alle", name("Grüße, alle")),
            ("CN=gg, OU=x,DC=y", dn("CN=gg,OU=x,DC=y")),
            ("CN=gg\\, x,DC=y", dn("CN=gg\\, x,DC=y")),
            ("a b=c", name("a b=c")),
        ] {
            assert_eq!(GroupQuery::parse(text), Ok(query));
        }
        let long = "x".repeat(2_049);
        for (text, told) in [
            ("", "is empty"),
            (" \t", "is empty"),
            ("a\nb", "control"),
            ("CN=a\0,DC=x", "control"),
            ("CN=a,b", "a comma within a name is written \\,"),
            (long.as_str(), "longer"),
        ] {
            assert!(GroupQuery::parse(text).unwrap_err().contains(told), "{text}");
        }
    }

    #[test]
    fn each_wrong_one_is_told_by_its_place() {
        let error = GroupQuery::parse_all(&["gg@corp.example", "", "CN=a,DC=b", "x\u{7}"]).unwrap_err();
        assert_eq!(error.code(), ErrorCode::RequestInvalid);
        let places: Vec<_> = error.fields().iter().map(|field| field.pointer.as_str()).collect();
        assert_eq!(places, ["/groups/1", "/groups/3"]);
        assert_eq!(GroupQuery::parse_all(&["a@b", "a@b"]).unwrap().len(), 2);
        assert_eq!(GroupQuery::parse_all::<String>(&[]).unwrap(), []);
        let error = GroupQuery::parse_all(&["g"; 101]).unwrap_err();
        assert_eq!(error.fields()[0].pointer, "/groups");
    }
}

//! The names of groups and accounts as SDDC Manager and its users write them: `name@domain`, `DOMAIN\name`, or a name beside
//! its domain. Comparisons are exact but for case, as in Active Directory: a name is never a part of another.

use std::fmt;

use crate::vcf::{DomainName, SsoEntity, User};

/// A group of a domain.
#[derive(Debug, Clone)]
pub(crate) struct GroupName {
    pub(super) name: String,
    pub(super) domain: DomainName,
}

impl fmt::Display for GroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.domain.as_str())
    }
}

/// A name without its domain, and the domain in it, if there is one.
pub(super) fn split(text: &str) -> (&str, Option<&str>) {
    match (text.split_once('\\'), text.rsplit_once('@')) {
        (Some((domain, name)), _) => (name, Some(domain)),
        (None, Some((name, domain))) => (name, Some(domain)),
        (None, None) => (text, None),
    }
}

fn same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

impl GroupName {
    /// Whether both are the same group.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.is_written(&other.name, Some(other.domain.as_str()))
    }

    /// Whether an object with this name, and perhaps this domain beside it, has this name and domain.
    fn is_written(&self, written: &str, beside: Option<&str>) -> bool {
        let is_domain = |domain: Option<&str>| domain.is_some_and(|domain| same(domain, self.domain.as_str()));
        // The name of a group may contain an at sign.
        if same(written, &self.name) && is_domain(beside) {
            return true;
        }
        let (name, domain) = split(written);
        same(name, &self.name) && domain.is_some() && (is_domain(domain) || is_domain(beside))
    }

    /// Whether this entry of SDDC Manager's users is the group.
    pub(super) fn is_user(&self, user: &User) -> bool {
        let name = user.name.as_deref().unwrap_or_default();
        is_kind(user.kind.as_deref(), "GROUP") && self.is_written(name, user.domain.as_deref())
    }

    /// Whether this entity of the group's own domain is the group.
    pub(super) fn is_entity(&self, entity: &SsoEntity) -> bool {
        let name = entity.name.as_deref().unwrap_or_default();
        // The domain in the name may be the NetBIOS name: the path named the domain already.
        is_kind(entity.kind.as_deref(), "GROUP") && self.is_written(name, Some(self.domain.as_str()))
    }
}

/// Whether a user is the account with this login name.
pub(super) fn is_account(user: &User, login: &str) -> bool {
    let written = user.name.as_deref().unwrap_or_default();
    let ((name, domain), (wanted, wanted_domain)) = (split(written), split(login));
    let is_domain = |domain: Option<&str>| match (domain, wanted_domain) {
        (Some(domain), Some(wanted)) => same(domain, wanted),
        _ => false,
    };
    is_kind(user.kind.as_deref(), "USER")
        && same(name, wanted)
        && (is_domain(domain) || is_domain(user.domain.as_deref()))
}

pub(super) fn is_kind(kind: Option<&str>, wanted: &str) -> bool {
    kind.is_some_and(|kind| kind.eq_ignore_ascii_case(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn user(kind: &str, name: &str, domain: Option<&str>) -> User {
        serde_json::from_value(json!({"name": name, "domain": domain, "type": kind})).unwrap()
    }

    fn group(name: &str) -> GroupName {
        GroupName { name: name.to_owned(), domain: DomainName::parse("corp.example").unwrap() }
    }

    #[test]
    fn group_is_found_in_every_spelling_and_never_by_a_part() {
        for (kind, name, domain, is_it) in [
            ("GROUP", "CORP.EXAMPLE\\gg-admins", Some("CORP.EXAMPLE"), true),
            ("GROUP", "CORP\\GG-Admins", Some("corp.example"), true),
            ("group", "gg-admins@corp.example", None, true),
            ("GROUP", "gg-admins", Some("corp.example"), true),
            ("GROUP", "gg-admins", None, false),
            ("GROUP", "gg-admins", Some("emea.corp.example"), false),
            ("GROUP", "CORP\\gg-admins", None, false),
            ("GROUP", "gg-admins-emea", Some("corp.example"), false),
            ("GROUP", "x-gg-admins@corp.example", None, false),
            ("USER", "gg-admins@corp.example", Some("corp.example"), false),
            ("GROUP", "gg-admins@other.example", Some("other.example"), false),
        ] {
            assert_eq!(group("gg-admins").is_user(&user(kind, name, domain)), is_it, "{kind} {name} {domain:?}");
        }
        assert!(group("a@b").is_user(&user("GROUP", "a@b", Some("corp.example"))));
    }

    #[test]
    fn entity_of_the_domain_is_found_by_its_whole_name() {
        let entity = |kind: &str, name: &str| -> SsoEntity {
            serde_json::from_value(json!({"name": name, "type": kind})).unwrap()
        };
        for (kind, name, is_it) in [
            ("GROUP", "GG-ADMINS", true),
            ("GROUP", "CORP\\gg-admins", true),
            ("GROUP", "gg-admins@corp.example", true),
            ("GROUP", "gg-admins-2", false),
            ("GROUP", "", false),
            ("USER", "gg-admins", false),
        ] {
            assert_eq!(group("gg-admins").is_entity(&entity(kind, name)), is_it, "{kind} {name}");
        }
    }

    #[test]
    fn account_is_recognised_by_name_and_domain() {
        for (login, name, domain, is_it) in [
            ("administrator@vsphere.local", "Administrator@VSPHERE.LOCAL", None, true),
            ("administrator@vsphere.local", "administrator", Some("vsphere.local"), true),
            ("VSPHERE.LOCAL\\administrator", "administrator@vsphere.local", None, true),
            ("administrator@vsphere.local", "administrator@corp.example", Some("corp.example"), false),
            ("administrator", "administrator", None, false),
        ] {
            assert_eq!(is_account(&user("USER", name, domain), login), is_it, "{login} {name}");
        }
        assert!(!is_account(&user("GROUP", "administrator@vsphere.local", None), "administrator@vsphere.local"));
    }
}

//! A reference to a user: by name and domain.

use super::group_query::{GroupQuery, Identity};

/// A reference to a user, `name@domain`. The name is the account name (`sAMAccountName`) with the domain, or the user
/// principal name.
///
/// ```
/// use idhook::directory::UserQuery;
///
/// assert_eq!(UserQuery::parse(" jdoe@corp.example ").unwrap().as_str(), "jdoe@corp.example");
/// assert!(UserQuery::parse("jdoe").is_err());
/// assert!(UserQuery::parse("CN=jdoe,OU=Users,DC=corp,DC=example").is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserQuery(String);

impl UserQuery {
    /// Reads `name@domain`. Blanks around it are removed.
    ///
    /// # Errors
    /// The mistake and the fix, worded to follow a field's name.
    pub fn parse(text: &str) -> Result<Self, String> {
        const FORM: &str = "a user is named by account name and domain, jdoe@corp.example";
        if text.trim().is_empty() {
            return Err(format!("is empty: {FORM}"));
        }
        match GroupQuery::parse_name(text)? {
            Some(GroupQuery::Name(name)) => Ok(Self(name)),
            Some(GroupQuery::DistinguishedName(_)) => Err(format!("is a distinguished name: {FORM}")),
            None => Err(format!("has no domain: {FORM}")),
        }
    }

    /// The name with its domain.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name without its domain, and the domain.
    pub(crate) fn parts(&self) -> (&str, &str) {
        let (name, domain) = self.0.rsplit_once('@').unwrap_or((&self.0, ""));
        (name.trim(), domain.trim())
    }

    pub(crate) fn identity(&self) -> Identity {
        Identity::of_name(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_with_a_domain_are_users() {
        let user = UserQuery::parse(" j.doe@corp.example\n").unwrap();
        assert_eq!((user.as_str(), user.parts()), ("j.doe@corp.example", ("j.doe", "corp.example")));
        assert_eq!(UserQuery::parse("J.DOE@Corp.example").unwrap().identity(), user.identity());
        for (text, fault) in [
            ("", "is empty: a user is named"),
            (" ", "is empty: a user is named"),
            ("jdoe", "has no domain: a user is named"),
            ("CORP\\jdoe", "has no domain: a user is named"),
            ("@corp.example", "has no domain: a user is named"),
            ("CN=jdoe,DC=corp", "is a distinguished name: a user is named"),
            ("jdoe@corp.example,asmith@corp.example", "contains several names"),
            ("\"jdoe@corp.example\"", "is in quotation marks"),
            ("${user}@corp.example", "placeholder"),
            ("j\u{7}doe@corp.example", "contains a control character"),
        ] {
            let why = UserQuery::parse(text).unwrap_err();
            assert!(why.contains(fault), "{text}: {why}");
        }
        assert!(UserQuery::parse(&format!("{}@c", "x".repeat(2_047))).unwrap_err().contains("2,048"));
    }
}

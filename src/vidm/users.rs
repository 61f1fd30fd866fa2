//! One user in vIDM (SCIM 1.1), as far as comparing names requires.

use serde_json::{Map, Value};

use super::dialect::Path;
use super::scim::{Resource, WORKSPACE};
use crate::directory::Identity;
use crate::json::take_text;

/// A user. vIDM's `userName` is the account name unless the directory maps another attribute to it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct User {
    id: String,
    pub(super) user_name: Option<String>,
    /// The domain of its source.
    pub(super) domain: Option<String>,
    pub(super) principal_name: Option<String>,
    display_name: Option<String>,
}

impl Resource for User {
    const FIND: &'static str = "GET /SAAS/jersey/manager/api/scim/Users";
    const SEARCH: &'static str = "POST /SAAS/jersey/manager/api/scim/Users/.search";
    const PATHS: (Path, Path) = (Path::Users, Path::UsersSearch);
    const NOUN: &'static str = "user";

    fn read(resource: Value) -> Option<Self> {
        let Value::Object(mut item) = resource else { return None };
        let mut workspace = match item.get_mut(WORKSPACE) {
            Some(Value::Object(workspace)) => std::mem::take(workspace),
            _ => Map::new(),
        };
        Some(Self {
            id: take_text(&mut item, "id")?,
            user_name: take_text(&mut item, "userName"),
            domain: take_text(&mut workspace, "domain"),
            principal_name: take_text(&mut workspace, "userPrincipalName"),
            display_name: take_text(&mut item, "displayName"),
        })
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn identities(&self) -> Vec<Identity> {
        let with_domain = self.user_name.as_deref().zip(self.domain.as_deref());
        let with_domain = with_domain.map(|(name, domain)| format!("{name}@{domain}"));
        let own = self.user_name.as_deref().filter(|name| name.contains('@'));
        let names = [with_domain.as_deref(), self.principal_name.as_deref(), own];
        names.into_iter().flatten().map(Identity::of_name).collect()
    }

    fn display_name(&self) -> Option<&str> {
        self.display_name.as_deref().or(self.user_name.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn users_are_known_by_account_and_principal_name() {
        let user = User::read(json!({"id": "u", "userName": "JDoe", "name": {"givenName": "John"}, WORKSPACE: {
            "domain": "corp.example", "userPrincipalName": "john.doe@example.com", "internalUserType": "PROVISIONED"}}));
        let user = user.unwrap();
        let names = ["jdoe@corp.example", "john.doe@example.com"].map(Identity::of_name);
        assert_eq!((user.id(), user.identities(), user.display_name()), ("u", names.to_vec(), Some("JDoe")));
        let mapped = User::read(json!({"id": "u", "userName": "jdoe@corp.example", "displayName": "Doe"})).unwrap();
        assert_eq!(mapped.identities(), [Identity::of_name("jdoe@corp.example")]);
        assert_eq!(mapped.display_name(), Some("Doe"));
        assert!(User::read(json!({"id": "u", "userName": "jdoe"})).unwrap().identities().is_empty());
        for odd in [json!(7), json!({}), json!({"userName": "jdoe"})] {
            assert_eq!(User::read(odd), None);
        }
    }
}

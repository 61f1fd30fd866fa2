//! The users, groups and service accounts that have a role in SDDC Manager, and the calls that find them. Each entry has exactly one role, and there is no
//! call that changes it: an entry is removed and added again.

use std::fmt;

use bytes::Bytes;
use http::Method;
use serde::{Deserialize, Serialize};

use crate::error::{Error, FieldError, Result};
use crate::retry::Repeat;
use crate::upstream::path_segment::{self, MAX_ID};
use crate::upstream::{Endpoint, bare, json, segment, with_body};
use crate::vcf::page::elements;
use crate::vcf::{Client, DomainName, JSON, Role, Runtime, SsoEntity, Vcf, roles, sso_domains};

/// An entry (the vendor's `User`). A service account's API key is not read.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct User {
    /// Its id.
    pub(crate) id: Option<String>,
    /// Its name. PowerValidatedSolutions finds `DOMAIN\group` and `user@DOMAIN`; the vendor's guide has `user@domain`.
    pub(crate) name: Option<String>,
    /// Its domain.
    pub(crate) domain: Option<String>,
    /// `USER`, `GROUP` or `SERVICE`.
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    /// Its role.
    pub(crate) role: Option<RoleReference>,
}

/// A role by its id (the vendor's `RoleReference`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RoleReference {
    /// The role's id.
    pub(crate) id: String,
}

/// A group to add.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct NewGroup<'a> {
    /// The group's name, without its domain.
    pub(crate) name: &'a str,
    /// The domain in upper case, as the vendor's PowerVCF sends it for groups.
    pub(crate) domain: String,
    #[serde(rename = "type")]
    kind: &'static str,
    /// Its role.
    pub(crate) role: RoleReference,
}

impl<'a> NewGroup<'a> {
    /// The group `name` of `domain` with the role of this id.
    pub(crate) fn new(name: &'a str, domain: &str, role: &str) -> Self {
        let role = RoleReference { id: role.to_owned() };
        Self { name, domain: domain.to_uppercase(), kind: "GROUP", role }
    }
}

/// The id of an entry: 1 to 128 of `[A-Za-z0-9._-]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UserId(String);

impl UserId {
    /// Checks an id.
    ///
    /// # Errors
    /// `request_invalid` for a text that is not allowed in a path.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let wrong = |fault| Error::invalid(vec![FieldError::new("", format!("the user's id {fault}"))]);
        path_segment::check(text, MAX_ID).map(|()| Self(text.to_owned())).map_err(wrong)
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `GET /v1/users` (SDDC Manager API 5.2.1 and 9.1.0, Users, `getUsers`).
#[derive(Debug)]
pub(super) struct List;

impl Endpoint for List {
    type Api = Vcf;
    type Response = Vec<User>;
    const CALL: &'static str = "GET /v1/users";
    const REPEAT: Repeat = Repeat::Always;

    fn request(&self, (): &()) -> Result<http::Request<Bytes>> {
        bare(Method::GET, "/v1/users", JSON)
    }

    fn response(&self, answer: http::Response<Bytes>) -> Result<Vec<User>> {
        elements(Self::CALL, &answer)
    }
}

/// `POST /v1/users`, a list of users (SDDC Manager API 5.2.1 and 9.1.0, Users, `addUsers`).
///
/// Returns 201 with the added users. The list of users shows them afterwards, so the response is not read.
#[derive(Debug)]
pub(super) struct Add<'a> {
    pub(super) group: &'a NewGroup<'a>,
}

impl Endpoint for Add<'_> {
    type Api = Vcf;
    type Response = ();
    const CALL: &'static str = "POST /v1/users";
    const REPEAT: Repeat = Repeat::IfNeverArrived;

    fn request(&self, (): &()) -> Result<http::Request<Bytes>> {
        with_body(Method::POST, "/v1/users", JSON, JSON, json(&[self.group])?)
    }

    fn response(&self, _: http::Response<Bytes>) -> Result<()> {
        Ok(())
    }
}

/// `DELETE /v1/users/{id}` (SDDC Manager API 5.2.1 and 9.1.0, Users, `removeUser`).
///
/// Returns 204.
#[derive(Debug)]
pub(super) struct Remove<'a> {
    pub(super) id: &'a UserId,
}

impl Endpoint for Remove<'_> {
    type Api = Vcf;
    type Response = ();
    const CALL: &'static str = "DELETE /v1/users/{id}";
    const REPEAT: Repeat = Repeat::IfNeverArrived;

    fn request(&self, (): &()) -> Result<http::Request<Bytes>> {
        bare(Method::DELETE, &format!("/v1/users/{}", segment(&self.id.0)), JSON)
    }

    fn response(&self, _: http::Response<Bytes>) -> Result<()> {
        Ok(())
    }
}

impl<R: Runtime> Client<'_, R> {
    /// The domains of vCenter Single Sign-On.
    ///
    /// # Errors
    /// As any upstream call.
    pub(crate) async fn sso_domains(&self) -> Result<Vec<String>> {
        self.call(&sso_domains::List).await
    }

    /// The users and groups of a domain that a search for `name` finds; others may be among them.
    ///
    /// # Errors
    /// As any upstream call.
    pub(crate) async fn sso_entities(&self, domain: &DomainName, name: &str) -> Result<Vec<SsoEntity>> {
        self.call(&sso_domains::Entities { domain, name }).await
    }

    /// All roles.
    ///
    /// # Errors
    /// As any upstream call.
    pub(crate) async fn roles(&self) -> Result<Vec<Role>> {
        self.call(&roles::List).await
    }

    /// All users, groups and service accounts with a role.
    ///
    /// # Errors
    /// As any upstream call.
    pub(crate) async fn users(&self) -> Result<Vec<User>> {
        self.call(&List).await
    }

    /// Gives a group a role.
    ///
    /// # Errors
    /// As any upstream call.
    pub(crate) async fn add_group(&self, group: &NewGroup<'_>) -> Result<()> {
        self.call(&Add { group }).await
    }

    /// Takes the role of a user or group.
    ///
    /// # Errors
    /// As any upstream call.
    pub(crate) async fn remove_user(&self, id: &UserId) -> Result<()> {
        self.call(&Remove { id }).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vcf::testing::{read, wire};

    #[test]
    fn requests_are_the_documented_ones() {
        assert_eq!(wire(&List), "GET /v1/users\naccept: application/json\n\n");
        let group = NewGroup::new("gg-vcf-admins", "corp.example", "7b7b");
        assert_eq!(
            wire(&Add { group: &group }),
            "POST /v1/users\naccept: application/json\ncontent-type: application/json\n\n\
             [{\"name\":\"gg-vcf-admins\",\"domain\":\"CORP.EXAMPLE\",\"type\":\"GROUP\",\"role\":{\"id\":\"7b7b\"}}]"
        );
        let id = UserId::parse("c769fcc5-fb61-4d05-aa40-9c7786163fb5").unwrap();
        assert_eq!(
            wire(&Remove { id: &id }),
            "DELETE /v1/users/c769fcc5-fb61-4d05-aa40-9c7786163fb5\naccept: application/json\n\n"
        );
        for hostile in ["", "..", "a/b", "a?b", "a%2Fb"] {
            assert!(UserId::parse(hostile).is_err(), "{hostile}");
        }
    }

    #[test]
    fn responses_to_changes_are_not_read() {
        let group = NewGroup::new("a", "b", "c");
        for body in ["", "done", "\"done\"", "{\"elements\":[]}"] {
            assert!(read(&Add { group: &group }, body).is_ok(), "{body}");
            assert!(read(&Remove { id: &UserId::parse("a").unwrap() }, body).is_ok(), "{body}");
        }
    }

    #[test]
    fn users_are_read_without_api_keys() {
        let users = read(&List, include_str!("../../tests/fixtures/vcf/users.answer.json")).unwrap();
        let names: Vec<_> = users.iter().filter_map(|user| user.name.as_deref()).collect();
        assert_eq!(names, ["administrator@vsphere.local", "EMBEDDED-IDS.COM\\gg-vcf-operators", "svc-backup"]);
        assert!(!format!("{users:?}").contains("planted"), "{users:?}");
        assert!(read(&List, r#"{"elements":[{"role":null,"name":1}]}"#).is_err());
        let cut = r#"{"elements":[],"pageMetadata":{"totalElements":"1"}}"#;
        assert!(read(&List, cut).unwrap_err().detail().contains("0 of 1"));
    }
}

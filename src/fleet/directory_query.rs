//! `POST …/ldap-directories/{ldapDirectoryId}/groups/query`: looks groups up in Active Directory.

use bytes::Bytes;
use http::{Method, Request, Response};
use serde::Serialize;
use serde_json::{Map, Value};

use super::Client;
use super::api::{Fleet, JSON, directory_path};
use super::dn_proof::is_of_the_query;
use crate::dn::{Key, value_and_parent};
use crate::error::Result;
use crate::retry::Repeat;
use crate::runtime::Runtime;
use crate::upstream::{Endpoint, invalid, json, read_json, with_body};

/// `POST /suite-api/api/fleet-management/iam/identity-providers/{idpConfigId}/ldap-directories/{ldapDirectoryId}/groups/query`
/// (VCF Operations API, `lookupLdapGroups`)
///
/// Searches Active Directory at and below a base for groups; with a name, for those whose name begins with it. Responds with all of them at
/// once.
#[derive(Debug)]
pub(super) struct FindDirectoryGroups<'a> {
    pub(super) provider: &'a str,
    pub(super) directory: &'a str,
    /// Where to search: a distinguished name.
    pub(super) base: &'a str,
    /// The beginning of the groups' names; of which attribute is not documented. `None` finds every group at and below the base.
    pub(super) name: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    search_dn: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    search_term: Option<&'a str>,
}

impl Endpoint for FindDirectoryGroups<'_> {
    type Api = Fleet;
    /// The found groups, each as an entry of a sync profile.
    type Response = Vec<Value>;
    const CALL: &'static str = "POST /suite-api/api/fleet-management/iam/identity-providers/{idpConfigId}/ldap-directories/{ldapDirectoryId}/groups/query";
    /// Read-only.
    const REPEAT: Repeat = Repeat::Always;

    fn request(&self, (): &()) -> Result<Request<Bytes>> {
        let path = format!("{}/groups/query", directory_path(self.provider, self.directory));
        let body = Body { search_dn: self.base, search_term: self.name };
        with_body(Method::POST, &path, JSON, JSON, json(&body)?)
    }

    /// A response without the list, which is optional, finds nothing.
    fn response(&self, answer: Response<Bytes>) -> Result<Vec<Value>> {
        let mut body: Map<String, Value> = read_json(Self::CALL, &answer)?;
        match body.remove("ldapGroups") {
            Some(Value::Array(found)) => Ok(found),
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(_) => Err(invalid(Self::CALL, &answer, "its ldapGroups is not a list")),
        }
    }
}

impl<R: Runtime> Client<'_, R> {
    /// The group with this distinguished name in Active Directory, as an entry of a sync profile; `None` if there is none. The
    /// first search is for the first value of the name, where the group is. A second one, at the distinguished name, finds a group
    /// whose searched attribute has another value.
    ///
    /// # Errors
    /// Those of the login and the calls.
    pub(super) async fn directory_entry(&self, provider: &str, directory: &str, dn: &str) -> Result<Option<Value>> {
        let Some((name, parent)) = value_and_parent(dn) else { return Ok(None) };
        let wanted = Key::of(dn);
        let is_it = |entry: &Value| entry.get("dn").and_then(Value::as_str).is_some_and(|dn| Key::of(dn) == wanted);
        let by_name = FindDirectoryGroups { provider, directory, base: &parent, name: Some(&name) };
        if let Some(entry) = self.call(&by_name).await?.into_iter().find(is_it) {
            return Ok(Some(entry));
        }
        match self.call(&FindDirectoryGroups { provider, directory, base: dn, name: None }).await {
            Ok(entries) => Ok(entries.into_iter().find(is_it)),
            // A server may reject a base that does not exist, or a search without a name.
            Err(error) if is_of_the_query(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;
    use crate::fleet::testing::{answer, sent};

    const FIND: FindDirectoryGroups<'_> =
        FindDirectoryGroups { provider: "p", directory: "d", base: "OU=R\\, \"D\",DC=x", name: Some("gg-é") };

    #[test]
    fn request_is_encoded() {
        assert_eq!(
            sent(&FIND),
            "POST /suite-api/api/fleet-management/iam/identity-providers/p/ldap-directories/d/groups/query\n\
             accept: application/json\ncontent-type: application/json\n\n\
             {\"searchDn\":\"OU=R\\\\, \\\"D\\\",DC=x\",\"searchTerm\":\"gg-é\"}"
        );
        let at_dn = sent(&FindDirectoryGroups { base: "CN=a,DC=x", name: None, ..FIND });
        assert!(at_dn.ends_with("\n\n{\"searchDn\":\"CN=a,DC=x\"}"), "{at_dn}");
    }

    #[test]
    fn entries_are_returned_unchanged() {
        let body = r#"{"ldapGroups":[{"dn":"CN=a,DC=x","baseDn":"DC=x","unheardOf":7.50},null]}"#;
        let entries = FIND.response(answer(200, body)).unwrap();
        assert_eq!(
            serde_json::to_string(&entries[0]).unwrap(),
            r#"{"baseDn":"DC=x","dn":"CN=a,DC=x","unheardOf":7.50}"#
        );
        assert_eq!(entries[1], Value::Null);
        for body in ["{}", r#"{"ldapGroups":null}"#, r#"{"ldapGroups":[]}"#] {
            assert!(FIND.response(answer(200, body)).unwrap().is_empty(), "{body}");
        }
    }

    #[test]
    fn other_forms_are_rejected() {
        for body in ["", "[]", "<html>", r#"{"ldapGroups":{}}"#, r#"{"ldapGroups":"none"}"#] {
            assert_eq!(FIND.response(answer(200, body)).unwrap_err().code(), ErrorCode::UpstreamInvalid, "{body}");
        }
    }
}

//! `…/ldap-directories/{ldapDirectoryId}/sync-profile`: what a directory's sync imports, and when.

use bytes::Bytes;
use http::{Method, Request, Response};
use serde_json::{Map, Value};

use super::api::{Fleet, JSON, directory_path};
use crate::error::Result;
use crate::retry::Repeat;
use crate::upstream::{Api as _, Endpoint, bare, json, read_json, rejected_with_success, with_body};

/// `GET /suite-api/api/fleet-management/iam/identity-providers/{idpConfigId}/ldap-directories/{ldapDirectoryId}/sync-profile`
/// (VCF Operations API, `getLdapSyncProfile`)
///
/// Responds with the whole profile: attribute mappings, groups, users and schedule.
#[derive(Debug)]
pub(super) struct GetSyncProfile<'a> {
    pub(super) provider: &'a str,
    pub(super) directory: &'a str,
}

impl Endpoint for GetSyncProfile<'_> {
    type Api = Fleet;
    type Response = Map<String, Value>;
    const CALL: &'static str = "GET /suite-api/api/fleet-management/iam/identity-providers/{idpConfigId}/ldap-directories/{ldapDirectoryId}/sync-profile";
    const REPEAT: Repeat = Repeat::Always;

    fn request(&self, (): &()) -> Result<Request<Bytes>> {
        bare(Method::GET, &path(self.provider, self.directory), JSON)
    }

    fn response(&self, answer: Response<Bytes>) -> Result<Map<String, Value>> {
        read_json(Self::CALL, &answer)
    }
}

/// `PUT /suite-api/api/fleet-management/iam/identity-providers/{idpConfigId}/ldap-directories/{ldapDirectoryId}/sync-profile`
/// (VCF Operations API, `updateLdapSyncProfile`)
///
/// Takes the whole profile. Whether it replaces or merges lists, and whether it starts a sync, is not documented. So its
/// response decides nothing, and the profile is read again for the result.
#[derive(Debug)]
pub(super) struct PutSyncProfile<'a> {
    pub(super) provider: &'a str,
    pub(super) directory: &'a str,
    pub(super) profile: &'a Map<String, Value>,
}

impl Endpoint for PutSyncProfile<'_> {
    type Api = Fleet;
    type Response = ();
    const CALL: &'static str = "PUT /suite-api/api/fleet-management/iam/identity-providers/{idpConfigId}/ldap-directories/{ldapDirectoryId}/sync-profile";
    /// Sending it twice gives the same profile, but another writer may have changed it in between.
    const REPEAT: Repeat = Repeat::IfNeverArrived;

    fn request(&self, (): &()) -> Result<Request<Bytes>> {
        with_body(Method::PUT, &path(self.provider, self.directory), JSON, JSON, json(self.profile)?)
    }

    /// A success status with the vendor's error format is an error.
    fn response(&self, answer: Response<Bytes>) -> Result<()> {
        match Fleet::read_error(answer.body()) {
            Some(said) => Err(rejected_with_success(Self::CALL, &answer, said)),
            None => Ok(()),
        }
    }
}

fn path(provider: &str, directory: &str) -> String {
    format!("{}/sync-profile", directory_path(provider, directory))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;
    use crate::fleet::testing::{answer, sent};

    const PATH: &str = "/suite-api/api/fleet-management/iam/identity-providers/p-1/ldap-directories/d-1/sync-profile";

    fn put(profile: &Map<String, Value>) -> PutSyncProfile<'_> {
        PutSyncProfile { provider: "p-1", directory: "d-1", profile }
    }

    #[test]
    fn requests_are_encoded() {
        let get = GetSyncProfile { provider: "p-1", directory: "d-1" };
        assert_eq!(sent(&get), format!("GET {PATH}\naccept: application/json\n\n"));
        let profile =
            serde_json::from_str(r#"{"userAttributeMappings":[],"ldapGroups":[{"é":1.50}],"a":null}"#).unwrap();
        assert_eq!(
            sent(&put(&profile)),
            format!(
                "PUT {PATH}\naccept: application/json\ncontent-type: application/json\n\n\
                 {{\"a\":null,\"ldapGroups\":[{{\"é\":1.50}}],\"userAttributeMappings\":[]}}"
            )
        );
        let odd = GetSyncProfile { provider: "p/1", directory: ".." };
        assert!(sent(&odd).contains("/identity-providers/p%2F1/ldap-directories/%252E%252E/sync-profile\n"));
    }

    #[test]
    fn profile_is_read_as_an_object() {
        let read = |body| GetSyncProfile { provider: "p", directory: "d" }.response(answer(200, body));
        assert_eq!(read(r#"{"ldapGroups":[]}"#).unwrap()["ldapGroups"], Value::Array(Vec::new()));
        for body in ["", "[]", "<html>", "null", r#""{}""#] {
            assert_eq!(read(body).unwrap_err().code(), ErrorCode::UpstreamInvalid, "{body}");
        }
    }

    #[test]
    fn only_an_error_in_a_success_response_counts() {
        let profile = Map::new();
        for (status, body) in [(200, ""), (200, "{}"), (202, "[]"), (204, ""), (200, r#"{"userAttributeMappings":[]}"#)]
        {
            put(&profile).response(answer(status, body)).unwrap();
        }
        let error = put(&profile).response(answer(200, r#"{"message":"not now","apiErrorCode":1501}"#)).unwrap_err();
        assert_eq!(error.code(), ErrorCode::UpstreamRejected);
        assert!(error.detail().ends_with("returned an error: 1501: not now"), "{error}");
    }
}

//! `…/connectormanagement/directoryconfigs/{directory}/syncprofile`: the groups that a directory's sync imports.
//!
//! One URL; the content type of a PUT selects the part of the profile, here the groups. VMware's PowerValidatedSolutions
//! writes them like this, with every group to keep along with the new one: groups that are not sent are unselected.

use bytes::Bytes;
use http::{Method, Request, Response};
use serde_json::{Map, Value};

use super::api::Vidm;
use super::dialect::{Dialect, Media, Path};
use super::sync_start::check_no_error;
use crate::error::Result;
use crate::retry::Repeat;
use crate::upstream::{Endpoint, bare, json, read_json, with_body};

/// `GET /SAAS/jersey/manager/api/connectormanagement/directoryconfigs/{directory}/syncprofile` (not verified: known only
/// from one public script and a flag `isGetBeforeUpdate` of vRealize Suite Lifecycle Manager)
///
/// Its response is expected in the format of the PUT; [`Selection`](super::selection::Selection) rejects any other.
#[derive(Debug)]
pub(crate) struct GetSyncProfile<'a> {
    pub(crate) directory: &'a str,
}

impl Endpoint for GetSyncProfile<'_> {
    type Api = Vidm;
    type Response = Map<String, Value>;
    const CALL: &'static str =
        "GET /SAAS/jersey/manager/api/connectormanagement/directoryconfigs/{directory}/syncprofile";
    const REPEAT: Repeat = Repeat::Always;

    fn request(&self, dialect: &Dialect) -> Result<Request<Bytes>> {
        let path = dialect.directory_path(Path::SyncProfile, self.directory)?;
        bare(Method::GET, &path, &dialect.media(Media::SyncProfile))
    }

    fn response(&self, answer: Response<Bytes>) -> Result<Map<String, Value>> {
        read_json(Self::CALL, &answer)
    }
}

/// `PUT /SAAS/jersey/manager/api/connectormanagement/directoryconfigs/{directory}/syncprofile` (VMware's
/// PowerValidatedSolutions module, `Set-WSADirectoryGroup`)
///
/// Replaces the set of groups. Its response is not documented: the profile is read again for the result.
#[derive(Debug)]
pub(crate) struct PutSyncProfile<'a> {
    pub(crate) directory: &'a str,
    pub(crate) groups: &'a Map<String, Value>,
}

impl Endpoint for PutSyncProfile<'_> {
    type Api = Vidm;
    type Response = ();
    const CALL: &'static str =
        "PUT /SAAS/jersey/manager/api/connectormanagement/directoryconfigs/{directory}/syncprofile";
    /// Sending it twice gives the same set, but another writer may have changed it in between.
    const REPEAT: Repeat = Repeat::IfNeverArrived;

    fn request(&self, dialect: &Dialect) -> Result<Request<Bytes>> {
        let path = dialect.directory_path(Path::SyncProfile, self.directory)?;
        let media = dialect.media(Media::SyncProfile);
        with_body(Method::PUT, &path, &media, &media, json(self.groups)?)
    }

    fn response(&self, answer: Response<Bytes>) -> Result<()> {
        check_no_error(Self::CALL, &answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;
    use crate::vidm::tests::{answer, sent};

    const GROUPS: &str =
        "application/vnd.vmware.horizon.manager.connector.management.directory.sync.profile.groups+json";
    const JSON: &str = "application/json";
    const PATH: &str = "jersey/manager/api/connectormanagement/directoryconfigs/d-1/syncprofile";

    #[test]
    fn requests_are_encoded() {
        let groups = serde_json::from_str(r#"{"identityGroupInfo":{"é":1},"a":null}"#).unwrap();
        let get = GetSyncProfile { directory: "d-1" };
        let put = PutSyncProfile { directory: "d-1", groups: &groups };
        for (dialect, base, media) in [
            (Dialect::horizon(), "/SAAS", GROUPS),
            (Dialect::json(), "/SAAS", JSON),
            (Dialect::horizon().in_tenant(Some("t")), "/SAAS/t/t", GROUPS),
        ] {
            assert_eq!(sent(&get, &dialect), format!("GET {base}/{PATH}\naccept: {media}\n\n"));
            assert_eq!(
                sent(&put, &dialect),
                format!(
                    "PUT {base}/{PATH}\naccept: {media}\ncontent-type: {media}\n\n{{\"a\":null,\"identityGroupInfo\":{{\"é\":1}}}}"
                )
            );
        }
    }

    #[test]
    fn error_body_with_success_status_is_an_error() {
        let put = PutSyncProfile { directory: "d", groups: &Map::new() };
        for body in ["", "{}", "[]", r#"{"identityGroupInfo":{}}"#] {
            put.response(answer(200, body)).unwrap();
        }
        let error = put.response(answer(200, r#"{"errors":[{"code":"no","message":"not now"}]}"#)).unwrap_err();
        assert_eq!(error.code(), ErrorCode::UpstreamRejected);
        for body in ["", "[]", "<html>", "null"] {
            assert!(GetSyncProfile { directory: "d" }.response(answer(200, body)).is_err(), "{body}");
        }
    }
}

//! `GET /SAAS/jersey/manager/api/connectormanagement/directoryconfigs/{directory}/syncprofile/sync`: the state of the sync.

use bytes::Bytes;
use http::{Method, Request, Response};

use super::api::Vidm;
use super::dialect::{Dialect, Media, Path};
use crate::directory::SyncReport;
use crate::error::Result;
use crate::http::server_time;
use crate::retry::Repeat;
use crate::upstream::{Endpoint, bare};

/// `GET /SAAS/jersey/manager/api/connectormanagement/directoryconfigs/{directory}/syncprofile/sync` (a comment below "Manual
/// Sync of vIDM via API" suggests polling it; its response is not documented)
///
/// So any response is read as far as possible: see [`SyncReport`].
#[derive(Debug)]
pub(crate) struct GetSync<'a> {
    pub(crate) directory: &'a str,
}

impl Endpoint for GetSync<'_> {
    type Api = Vidm;
    type Response = SyncReport;
    const CALL: &'static str =
        "GET /SAAS/jersey/manager/api/connectormanagement/directoryconfigs/{directory}/syncprofile/sync";
    const REPEAT: Repeat = Repeat::Always;

    fn request(&self, dialect: &Dialect) -> Result<Request<Bytes>> {
        let path = dialect.directory_path(Path::Sync, self.directory)?;
        bare(Method::GET, &path, &dialect.media(Media::SyncState))
    }

    fn response(&self, answer: Response<Bytes>) -> Result<SyncReport> {
        Ok(SyncReport { server_time: server_time(answer.headers()), ..SyncReport::read(answer.body()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::SyncStatus;
    use crate::vidm::tests::{answer, sent};

    #[test]
    fn request_is_encoded() {
        let expected = |base: &str, media: &str| {
            format!(
                "GET {base}/jersey/manager/api/connectormanagement/directoryconfigs/d/syncprofile/sync\naccept: {media}, */*;q=0.5\n\n"
            )
        };
        let horizon = "application/vnd.vmware.horizon.manager.connector.management.directory.sync.profile.sync+json";
        let state = GetSync { directory: "d" };
        assert_eq!(sent(&state, &Dialect::horizon()), expected("/SAAS", horizon));
        assert_eq!(sent(&state, &Dialect::json()), expected("/SAAS", "application/json"));
        assert_eq!(sent(&state, &Dialect::horizon().in_tenant(Some("t"))), expected("/SAAS/t/t", horizon));
        assert_eq!(sent(&state, &Dialect::json().in_tenant(Some("t"))), expected("/SAAS/t/t", "application/json"));
    }

    #[test]
    fn empty_response_is_unknown() {
        let report = GetSync { directory: "d" }.response(answer(204, "")).unwrap();
        assert_eq!((report.status, report.upstream_word.as_deref()), (SyncStatus::Unknown, Some("no content")));
    }
}

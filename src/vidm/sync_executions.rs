//! `GET /SAAS/jersey/manager/api/connectormanagement/directoryconfigs/{directory}/syncexecutions`: the directory's runs.

use bytes::Bytes;
use http::{Method, Request, Response};

use super::api::Vidm;
use super::dialect::{Dialect, Media, Path};
use crate::directory::SyncReport;
use crate::error::Result;
use crate::http::server_time;
use crate::retry::Repeat;
use crate::upstream::{Endpoint, bare, invalid};

/// `GET /SAAS/jersey/manager/api/connectormanagement/directoryconfigs/{directory}/syncexecutions` ("Get Directory Sync
/// Executions" of a public vRealize Orchestrator package, automate-it.today 2017; its response is not documented)
///
/// So each item is read like the state of a sync, and the items are sorted by their times.
#[derive(Debug)]
pub(crate) struct ListSyncExecutions<'a> {
    pub(crate) directory: &'a str,
}

impl Endpoint for ListSyncExecutions<'_> {
    type Api = Vidm;
    /// Latest start first.
    type Response = Vec<SyncReport>;
    const CALL: &'static str =
        "GET /SAAS/jersey/manager/api/connectormanagement/directoryconfigs/{directory}/syncexecutions";
    const REPEAT: Repeat = Repeat::Always;

    fn request(&self, dialect: &Dialect) -> Result<Request<Bytes>> {
        let path = dialect.directory_path(Path::SyncExecutions, self.directory)?;
        bare(Method::GET, &path, &dialect.media(Media::SyncExecutions))
    }

    fn response(&self, answer: Response<Bytes>) -> Result<Vec<SyncReport>> {
        if answer.body().trim_ascii().is_empty() {
            return Ok(Vec::new());
        }
        let reports = SyncReport::read_all(answer.body(), server_time(answer.headers()));
        reports.ok_or_else(|| invalid(Self::CALL, &answer, "it is not a list of runs"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::{FailureReason, SyncStatus};
    use crate::error::ErrorCode;
    use crate::vidm::tests::{answer, sent};

    const LIST: ListSyncExecutions<'_> = ListSyncExecutions { directory: "d-1" };

    #[test]
    fn request_is_encoded() {
        let expected = |base: &str| {
            format!(
                "GET {base}/jersey/manager/api/connectormanagement/directoryconfigs/d-1/syncexecutions\n\
                 accept: application/json, */*;q=0.5\n\n"
            )
        };
        assert_eq!(sent(&LIST, &Dialect::horizon()), expected("/SAAS"));
        assert_eq!(sent(&LIST, &Dialect::json().in_tenant(Some("t"))), expected("/SAAS/t/t"));
    }

    #[test]
    fn runs_are_sorted_newest_first() {
        let body = include_str!("../../tests/fixtures/vidm/sync_executions.json");
        let told = |reports: Vec<SyncReport>| -> Vec<_> {
            reports.into_iter().map(|report| (report.status, report.reason)).collect()
        };
        let expected = [
            (SyncStatus::Running, None),
            (SyncStatus::Failed, Some(FailureReason::SafeguardTripped)),
            (SyncStatus::Succeeded, None),
            // Without a time its position is unknown.
            (SyncStatus::Failed, Some(FailureReason::SyncFailed)),
        ];
        assert_eq!(told(LIST.response(answer(200, body)).unwrap()), expected);
        let mut turned: serde_json::Value = serde_json::from_str(body).unwrap();
        turned["items"].as_array_mut().unwrap().reverse();
        assert_eq!(told(LIST.response(answer(200, &turned.to_string())).unwrap()), expected);
        assert_eq!(told(LIST.response(answer(200, &turned["items"].to_string())).unwrap()), expected);
    }

    #[test]
    fn empty_list_is_read_and_nonsense_is_rejected() {
        for body in ["", " ", "[]", r#"{"items":[]}"#, r#"{"items":[7]}"#] {
            assert_eq!(LIST.response(answer(200, body)).unwrap(), [], "{body}");
        }
        assert_eq!(LIST.response(answer(200, r#"{"status":"RUNNING"}"#)).unwrap().len(), 1);
        for body in ["<html>", "null", "7", "{}", r#"{"items":{}}"#, "\"RUNNING\""] {
            assert_eq!(LIST.response(answer(200, body)).unwrap_err().code(), ErrorCode::UpstreamInvalid, "{body}");
        }
    }

    #[test]
    fn runs_carry_the_servers_time() {
        let mut answer = answer(200, r#"[{"status":"RUNNING"},{"status":"FAILED"}]"#);
        answer.headers_mut().insert("date", "Sun, 06 Nov 1994 08:49:37 GMT".parse().unwrap());
        assert!(LIST.response(answer).unwrap().iter().all(|report| report.server_time.is_some()));
    }
}

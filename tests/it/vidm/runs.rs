//! Past runs, and the dry run.

use idhook::directory::SyncStatus;
use idhook::error::ErrorCode;
use serde_json::json;

use crate::support::script::{get, post};
use crate::support::vidm::Estate;

const DIRECTORY: &str = "https://vidm.corp.example/SAAS/jersey/manager/api/connectormanagement/directoryconfigs/d";

#[test]
fn runs_are_listed_newest_first_if_available() {
    let ask = |status: u16, body: &str| {
        let call = get(format!("{DIRECTORY}/syncexecutions")).answer(status, body.to_owned());
        Estate::warm(false).then([call]).run(async |client| client.executions("d").await)
    };
    let runs = ask(200, include_str!("../../fixtures/vidm/sync_executions.json")).unwrap().unwrap();
    assert_eq!((runs.len(), runs[0].status), (4, SyncStatus::Running));
    for status in [404, 405, 406] {
        assert_eq!(ask(status, "<html></html>").unwrap(), None);
    }
    assert_eq!(ask(403, "").unwrap_err().code(), ErrorCode::UpstreamForbidden);
    assert_eq!(ask(200, "<html></html>").unwrap_err().code(), ErrorCode::UpstreamInvalid);
}

#[test]
fn dry_run_result_is_passed_on_if_available() {
    let ask = |status: u16, body: &str| {
        let call = post(format!("{DIRECTORY}/syncprofile/dryrun")).body(r#"{"ignoreSafeguards":true}"#);
        let call = call.answer(status, body.to_owned());
        Estate::warm(false).then([call]).run(async |client| client.dry_run("d", true).await)
    };
    assert_eq!(ask(200, r#"{"groupsToAdd":["gg"]}"#).unwrap(), Some(json!({"groupsToAdd": ["gg"]})));
    for status in [404, 405, 501] {
        assert_eq!(ask(status, "").unwrap(), None);
    }
    assert_eq!(ask(415, "").unwrap_err().code(), ErrorCode::UpstreamRejected);
}

//! When a request came, on vIDM's clock: what another instance goes by where there is no store.

use std::time::{Duration, SystemTime};

use http::Method;
use idhook::runtime::Clock as _;
use serde_json::json;

use crate::script::get;
use crate::vidm_support::{CORP, classic, logs_in};
use crate::webhook_support::Door;

/// A state of the directory whose run began at `began`, as vIDM tells it at `now`.
fn ended(began: SystemTime, now: SystemTime) -> crate::script::Call {
    let ms = began.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis();
    get(format!(
        "https://vidm.corp.example/SAAS/jersey/manager/api/connectormanagement/directoryconfigs/{CORP}/syncprofile/sync"
    ))
    .answer(200, json!({"status": "COMPLETED", "startTime": u64::try_from(ms).unwrap()}).to_string())
    .answer_header("date", &httpdate::fmt_http_date(now))
}

#[test]
fn a_slow_login_does_not_make_an_older_run_look_like_ours() {
    let seconds = Duration::from_secs;
    let first = Door::new([]);
    let came = first.script.now();
    first.then([
        logs_in("t").takes(seconds(6)),
        // A run that somebody else began is joined without a word.
        classic(CORP).answer(200, "{}").answer_header("date", &httpdate::fmt_http_date(came + seconds(6))),
    ]);
    let started = first.send(Method::POST, &format!("/vidm/default/v1/directories/{CORP}/syncs"), "");
    assert_eq!(started.status(), 202, "{}", started.text());

    for (began, status) in [(came - seconds(3), "running"), (came + seconds(3), "succeeded")] {
        let other = Door::new([]);
        other.script.advance(seconds(8));
        // Chance is scripted too: without this its ledger would have the first one's id.
        other.get("/healthz");
        other.then([logs_in("t"), ended(began, came + seconds(8))]);
        let state = other.get(started.header("location")).json();
        assert_eq!(state["status"], status, "{state}");
    }
}

#[test]
fn a_run_that_began_before_a_group_was_selected_does_not_count() {
    let seconds = Duration::from_secs;
    let first = Door::new([]);
    let came = first.script.now();
    first.then([
        logs_in("t"),
        get(format!(
            "https://vidm.corp.example/SAAS/jersey/manager/api/connectormanagement/directoryconfigs/{CORP}/syncprofile"
        ))
        .answer(200, include_str!("../fixtures/vidm/sync_profile.json"))
        .takes(seconds(6)),
        classic(CORP).answer(200, "{}").answer_header("date", &httpdate::fmt_http_date(came + seconds(6))),
    ]);
    let body = json!({"groups": ["CN=gg-app,OU=Groups,DC=corp,DC=example"], "addToProfile": true}).to_string();
    let started = first.send(Method::POST, &format!("/vidm/default/v1/directories/{CORP}/syncs"), &body);
    assert_eq!(started.status(), 202, "{}", started.text());

    let other = Door::new([]);
    other.script.advance(seconds(8));
    other.get("/healthz");
    other.then([logs_in("t"), ended(came + seconds(3), came + seconds(8))]);
    let state = other.get(started.header("location")).json();
    assert_eq!(state["status"], "running", "{state}");
}

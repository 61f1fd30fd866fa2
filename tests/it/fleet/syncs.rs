//! Syncs of VCF Operations' directories over the webhook: each upstream call, and what tells runs apart.

use std::rc::Rc;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::support::fleet::{
    CORP, directories, directories_with, group, group_query, last_log, logs, logs_in, realms, starts,
};
use crate::support::memory_store::MemoryStore;
use crate::support::script::{Call, Script};
use crate::support::webhook::Instance;

const SYNCS: &str = "/fleet/default/v1/directories/corp.example/syncs";
const GROUP: &str = r#"{"groups":["gg-app@corp.example"]}"#;

fn start(instance: &Instance, body: &str, calls: impl IntoIterator<Item = Call>) -> (Value, String) {
    instance.then(calls);
    let answer = instance.send(Method::POST, SYNCS, body);
    assert_eq!(answer.status(), 202, "{}", answer.text());
    (answer.json(), answer.header("location").to_owned())
}

fn poll(instance: &Instance, place: &str, calls: impl IntoIterator<Item = Call>) -> Value {
    instance.script.advance(Duration::from_secs(2));
    instance.then(calls);
    let answer = instance.get(place);
    assert_eq!(answer.status(), 200, "{}", answer.text());
    answer.json()
}

/// Starts a sync and sees its run active; returns the path of its state.
fn begin_run(instance: &Instance, body: &str) -> String {
    let (_, place) = start(instance, body, [directories("COMPLETED", 5), last_log("log-1", true), starts()]);
    poll(instance, &place, [directories("IN_PROGRESS", 5)]);
    place
}

/// An instance with a store that has read the directories.
fn warm() -> (Instance, Rc<MemoryStore>) {
    let store = MemoryStore::new();
    let script = Script::new([logs_in("t1"), realms(), directories("COMPLETED", 5)]).with_store(&store);
    let instance = Instance::over(script, &[("rate_limit", "0")]);
    assert_eq!(instance.get("/fleet/default/v1/directories").status(), 200);
    store.calls();
    (instance, store)
}

#[test]
fn group_is_synced_and_proved_with_these_calls() {
    let instance = Instance::new([logs_in("t1"), realms()]);
    let calls = [directories("COMPLETED", 5), directories("COMPLETED", 5), last_log("log-1", true), starts()];
    let (started, place) = start(&instance, GROUP, calls);
    assert_eq!((&started["status"], &started["directory"]), (&json!("running"), &json!({"id": CORP, "name": "corp"})));
    assert!(place.starts_with("/fleet/default/v1/syncs/"), "{place}");
    // The log connects the start with the requests for its state.
    let sync_of_last_line =
        || serde_json::from_str::<Value>(instance.script.lines().last().unwrap()).unwrap()["sync"].clone();
    let logged = sync_of_last_line();
    assert!(logged.is_string(), "{logged}");
    assert_eq!(poll(&instance, &place, [directories("IN_PROGRESS", 5)])["status"], "running");
    assert_eq!(sync_of_last_line(), logged);

    let calls = [
        directories("COMPLETED", 9),
        last_log("log-2", true),
        group_query(&["gg-app"], "EQUALS", &json!([group("g-1", "gg-app"), group("g-2", "gg-app-2")])),
    ];
    let state = poll(&instance, &place, calls);
    assert_eq!(
        (&state["status"], &state["counts"]["groups"]["added"], &state["upstream"]),
        (&json!("succeeded"), &json!(2), &json!({"status": "COMPLETED"})),
        "{state}"
    );
    let group = json!({"requested": "gg-app@corp.example", "state": "present", "id": "g-1", "displayName": "gg-app",
        "provedBy": "name"});
    assert_eq!(
        (&state["groups"], &state["finishedAt"]),
        (&json!([group]), &json!("2023-11-14T22:13:20.000Z")),
        "{state}"
    );
}

#[test]
fn start_right_after_an_end_sends_one_start_even_if_its_group_is_absent() {
    let (instance, store) = warm();
    let (_, place) = start(&instance, GROUP, [directories("COMPLETED", 5), last_log("log-1", true), starts()]);
    assert_eq!(store.calls(), 4);
    let absent = |operator| group_query(&["gg-app"], operator, &json!([]));
    let ends = |time, log| [directories("COMPLETED", time), last_log(log, true), absent("EQUALS"), absent("LIKE")];
    assert_eq!(poll(&instance, &place, ends(9, "log-2"))["reason"], "group_absent");
    store.calls();

    // The end was seen a moment ago, but another run may have begun since: only an observation excludes that.
    let calls = [directories("COMPLETED", 9), last_log("log-2", true), starts()];
    let (started, place) = start(&instance, GROUP, calls);
    assert_eq!((&started["status"], store.calls()), (&json!("running"), 3));
    instance.script.advance(Duration::from_secs(9));
    let state = poll(&instance, &place, ends(12, "log-3"));
    assert_eq!((&state["status"], &state["reason"]), (&json!("failed"), &json!("group_absent")), "{state}");
    assert!(state["hint"].as_str().unwrap().contains("sync profile"), "{state}");
}

#[test]
fn run_that_was_seen_active_has_ended_although_no_mark_changed() {
    // The log's entry is late; the time of the last sync is late, or in whole seconds, or not reported.
    let time = |time: Option<u64>| match time {
        Some(time) => directories("COMPLETED", time),
        None => directories_with(&json!({"lastSyncStatus": "COMPLETED"})),
    };
    for at in [Some(5), None] {
        let (instance, _) = warm();
        let (_, place) = start(&instance, "", [time(at), last_log("log-1", false), starts()]);
        poll(&instance, &place, [directories("IN_PROGRESS", 5)]);
        instance.script.advance(Duration::from_secs(60));
        let ended = || poll(&instance, &place, [time(at), last_log("log-1", false)]);
        assert_eq!(ended()["status"], "running", "an entry with a failure may follow");
        instance.script.advance(Duration::from_secs(8));
        let state = ended();
        assert_eq!((&state["status"], &state["message"]), (&json!("succeeded"), &Value::Null), "{state}");
    }
}

#[test]
fn start_during_a_run_waits_for_its_end() {
    let (instance, _) = warm();
    let (started, place) = start(&instance, GROUP, [directories("STARTED", 5)]);
    assert_eq!(started["status"], "queued");
    assert_eq!(poll(&instance, &place, [directories("IN_PROGRESS", 5)])["status"], "queued");
    // The run that was active has ended: it may have missed the group, so another one is started.
    let state = poll(&instance, &place, [directories("COMPLETED", 9), last_log("log-2", true), starts()]);
    assert_eq!(state["status"], "running");
}

#[test]
fn instances_without_memory_do_not_start_run_after_run() {
    let key = [("state_key", "pOb2TGAdDhbFxUcP3RmTTnhVPXuR0NJ8")];
    let instance = Instance::with(&key, [logs_in("t1"), realms()]);
    let (started, place) = start(&instance, "", (0..2).map(|_| directories("IN_PROGRESS", 5)));
    assert_eq!(started["status"], "queued");
    // Each poll reaches another instance; the script has no start.
    let elsewhere = |calls: Vec<Call>| {
        let calls = [logs_in("t1"), realms(), directories("IN_PROGRESS", 5)].into_iter().chain(calls);
        poll(&instance.beside_with(&key), &place, calls)
    };
    assert_eq!(elsewhere(vec![directories("IN_PROGRESS", 5)])["status"], "queued");
    for at in [9, 12] {
        let state = elsewhere(vec![directories("COMPLETED", at), last_log(&format!("log-{at}"), true)]);
        assert_eq!(state["status"], "unknown", "{state}");
        assert!(state["hint"].as_str().unwrap().contains("start the sync again"), "{state}");
    }
}

#[test]
fn late_log_entry_says_nothing_about_the_new_run() {
    let (instance, _) = warm();
    let (_, place) = start(&instance, "", [directories("FAILED", 5), last_log("log-1", false), starts()]);
    poll(&instance, &place, [directories("IN_PROGRESS", 5)]);
    // The directory says that the new run succeeded, and the log still has the failed one.
    let state = poll(&instance, &place, [directories("COMPLETED", 9), last_log("log-1", false)]);
    assert_eq!(
        (&state["status"], &state["counts"], &state["message"]),
        (&json!("running"), &Value::Null, &Value::Null)
    );
    // Once it is written, it has the counts.
    let state = poll(&instance, &place, [directories("COMPLETED", 9), last_log("log-2", true)]);
    assert_eq!((&state["status"], &state["counts"]["groups"]["added"]), (&json!("succeeded"), &json!(2)));
}

#[test]
fn failure_in_a_late_log_entry_is_the_outcome() {
    let (instance, _) = warm();
    let place = begin_run(&instance, "");
    let state = poll(&instance, &place, [directories("COMPLETED", 9), last_log("log-1", true)]);
    assert_eq!(state["status"], "running", "{state}");
    let state = poll(&instance, &place, [directories("COMPLETED", 9), last_log("log-2", false)]);
    assert_eq!((&state["status"], &state["reason"]), (&json!("failed"), &json!("sync_failed")), "{state}");
}

#[test]
fn directory_without_the_log_entry_is_idle_for_others() {
    let (instance, _) = warm();
    let place = begin_run(&instance, "");
    poll(&instance, &place, [directories("COMPLETED", 9), last_log("log-1", true)]);
    let (started, _) = start(&instance, "", [directories("COMPLETED", 9), last_log("log-1", true), starts()]);
    assert_eq!(started["status"], "running", "{started}");
}

#[test]
fn present_groups_need_no_log_entry() {
    let (instance, _) = warm();
    let place = begin_run(&instance, GROUP);
    let found = group_query(&["gg-app"], "EQUALS", &json!([group("g-1", "gg-app")]));
    let state = poll(&instance, &place, [directories("COMPLETED", 9), last_log("log-1", true), found]);
    assert_eq!(state["status"], "succeeded", "{state}");
    assert!(state["message"].as_str().unwrap().contains("sync log does not have the run yet"), "{state}");
}

#[test]
fn failed_run_is_reported_with_the_vendors_key() {
    let (instance, _) = warm();
    let place = begin_run(&instance, "");
    // The directory may say COMPLETED although the log has a failure.
    for word in ["FAILED", "COMPLETED"] {
        let state = poll(&instance, &place, [directories(word, 9), last_log("log-2", false)]);
        assert_eq!((&state["status"], &state["reason"]), (&json!("failed"), &json!("sync_failed")), "{state}");
        assert_eq!(state["message"], "ldap.server.unreachable");
        assert_eq!(state["upstream"]["status"], word);
        assert!(state["hint"].as_str().unwrap().contains("VCF Operations"), "{state}");
    }
}

#[test]
fn directory_that_was_never_synced_gets_its_first_run() {
    let (instance, _) = warm();
    let empty = logs("last=true&page=0&pageSize=50").answer(200, r#"{"syncLogs":[]}"#);
    let (_, place) = start(&instance, "", [directories_with(&json!({})), empty, starts()]);
    let state = poll(&instance, &place, [directories("COMPLETED", 9), last_log("log-1", true)]);
    assert_eq!(state["status"], "succeeded");
}

#[test]
fn log_that_cannot_be_read_costs_only_the_counts() {
    let (instance, _) = warm();
    let denied = || logs("last=true&page=0&pageSize=50").answer(403, r#"{"message":"no"}"#);
    let (_, place) = start(&instance, "", [directories("COMPLETED", 5), denied(), starts()]);
    poll(&instance, &place, [directories("IN_PROGRESS", 5)]);
    let state = poll(&instance, &place, [directories("COMPLETED", 9), denied()]);
    assert_eq!((&state["status"], &state["counts"]), (&json!("succeeded"), &Value::Null));
}

#[test]
fn body_is_sent_only_if_the_server_asks_for_it() {
    let (instance, _) = warm();
    let refuses = starts().answer(415, "");
    let with_body = starts_with_body();
    start(&instance, "", [directories("COMPLETED", 5), last_log("log-1", true), refuses, with_body]);
}

fn starts_with_body() -> Call {
    use crate::support::fleet::{PROVIDER, post_iam};
    post_iam(&format!("/identity-providers/{PROVIDER}/ldap-directories/{CORP}/sync"))
        .header("content-type", "application/json")
        .body("{}")
        .answer(202, r#"{"syncStatus":"STARTED"}"#)
}

#[test]
fn start_that_joins_a_run_in_the_last_moment_waits() {
    let (instance, _) = warm();
    let conflict = starts().answer(409, r#"{"message":"A sync is already in progress","httpStatusCode":409}"#);
    let (started, _) = start(&instance, "", [directories("COMPLETED", 5), last_log("log-1", true), conflict]);
    assert_eq!(started["status"], "queued");
}

#[test]
fn safeguards_and_dry_run_are_not_supported_and_cost_no_call() {
    let (instance, _) = warm();
    for (body, field) in [(r#"{"ignoreSafeguards":true}"#, "/ignoreSafeguards"), (r#"{"dryRun":true}"#, "/dryRun")] {
        let answer = instance.send(Method::POST, SYNCS, body);
        assert_eq!(answer.status(), 422, "{}", answer.text());
        let problem = answer.problem("not_supported");
        assert_eq!(problem["errors"][0]["pointer"], field, "{problem}");
        assert!(problem["hint"].as_str().unwrap().contains("leave the field out"), "{problem}");
    }
}

#[test]
fn history_lists_the_log_latest_first() {
    let (instance, _) = warm();
    let entry = |id: &str, at: u64, success: bool| json!({"id": id, "timeStamp": at, "success": success});
    let listed = json!({"syncLogs": [entry("a", 1, true), entry("c", 3, false), entry("b", 2, true)]});
    instance.then([logs("last=false&page=0&pageSize=50").answer(200, listed.to_string())]);
    let history = instance.get("/fleet/default/v1/directories/corp/syncs").json();
    let words: Vec<_> = history["syncs"].as_array().unwrap().iter().map(|sync| sync["status"].clone()).collect();
    assert_eq!(words, ["failed", "succeeded", "succeeded"]);
}

#[test]
fn history_of_a_server_that_begins_with_the_oldest_run_is_its_end() {
    let page = |at: u64, runs: std::ops::Range<u64>| {
        let entries: Vec<_> =
            runs.map(|run| json!({"id": run.to_string(), "timeStamp": run, "success": run != 119})).collect();
        let body = json!({"pageInfo": {"totalCount": 120, "page": at, "pageSize": 50}, "syncLogs": entries});
        logs(&format!("last=false&page={at}&pageSize=50")).answer(200, body.to_string())
    };
    let (instance, _) = warm();
    instance.then([page(0, 0..50), page(2, 100..120), page(1, 50..100)]);
    let history = instance.get("/fleet/default/v1/directories/corp/syncs").json();
    let syncs = history["syncs"].as_array().unwrap();
    assert_eq!((syncs.len(), &syncs[0]["status"], &syncs[1]["status"]), (70, &json!("failed"), &json!("succeeded")));
    // A server that has only one page whatever is asked for.
    instance.then([page(0, 0..50), page(2, 0..50), page(1, 0..50)]);
    let history = instance.get("/fleet/default/v1/directories/corp/syncs").json();
    assert_eq!(history["syncs"].as_array().unwrap().len(), 50);
}

#[test]
fn ids_of_one_product_are_unknown_to_the_other() {
    let (instance, _) = warm();
    let (_, place) = start(&instance, "", [directories("COMPLETED", 5), last_log("log-1", true), starts()]);
    instance.get(&place.replace("/fleet/", "/vidm/")).problem("sync_not_found");
}

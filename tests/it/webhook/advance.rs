//! Syncs that nobody watches: one request looks at all that are open, begins queued runs and sends messages.

use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{Either, select};
use http::Method;
use idhook::http::TransportErrorKind;
use idhook::runtime::Clock as _;
use serde_json::{Value, json};

use crate::embedded::sessions::{PRESENT, proof};
use crate::support::memory_store::{MemoryStore, StoreFault};
use crate::support::script::{Call, START, get, post};
use crate::support::vidm::{CORP, LAB, classic, executions, idle, lists, logs_in, sync_state, v2};
use crate::support::webhook::{Instance, KEY, request};

const URL: &str = "https://tickets.corp.example/hook";
const ADVANCE: &str = "/vidm/default/v1/advance";
const MINUTE: Duration = Duration::from_secs(60);

fn sharing(store: &Rc<MemoryStore>, calls: impl IntoIterator<Item = Call>) -> Instance {
    let callbacks = r#"[{"name":"ticket","url":"https://tickets.corp.example/hook","secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}]"#;
    Instance::sharing(
        store,
        &[("callbacks", callbacks), ("state_key", "pOb2TGAdDhbFxUcP3RmTTnhVPXuR0NJ8"), ("rate_limit", "0")],
        calls,
    )
}

/// The directory's state, with a run that began this many seconds after the script, or before it.
fn shows(status: &str, began: i64) -> Call {
    let began = i64::try_from(START.as_millis()).unwrap() + began * 1000;
    sync_state(CORP).answer(200, format!(r#"{{"status":"{status}","startTime":{began}}}"#))
}

fn state(status: &str) -> Call {
    shows(status, 3)
}

/// Starts a sync with this body.
fn start(instance: &Instance, body: &str) {
    let started = instance.send(Method::POST, &format!("/vidm/default/v1/directories/{CORP}/syncs"), body);
    assert_eq!(started.status(), 202, "{}", started.text());
}

fn starts() -> [Call; 4] {
    [logs_in("t1"), lists(), idle(CORP), classic(CORP).answer(200, "{}")]
}

fn last_line(instance: &Instance) -> Value {
    serde_json::from_str(&instance.script.lines().pop().unwrap()).unwrap()
}

fn advance(instance: &Instance) -> Value {
    let answer = instance.send(Method::POST, ADVANCE, "");
    assert_eq!(answer.status(), 200, "{}", answer.text());
    answer.json()
}

/// Starts a sync with a callback, and looks after it a minute later.
fn looks_at_a_started_sync(calls: impl IntoIterator<Item = Call>) -> Instance {
    let instance = sharing(&MemoryStore::new(), starts());
    start(&instance, r#"{"callback":"ticket"}"#);
    instance.script.advance(MINUTE);
    instance.then(calls);
    advance(&instance);
    instance
}

fn none() -> Value {
    json!({"syncs": [], "hasMore": false})
}

#[test]
fn message_is_sent_although_nobody_watches() {
    let store = MemoryStore::new();
    let instance = sharing(&store, starts());
    start(&instance, r#"{"callback":"ticket","groups":[]}"#);
    // The timer's request comes to another instance.
    let timer = sharing(&store, [state("RUNNING")]);
    let seen = advance(&timer);
    assert_eq!(seen, json!({"syncs": [{"directory": CORP, "status": "running", "open": true}], "hasMore": false}));
    timer.script.advance(MINUTE);
    timer.then([state("COMPLETED"), post(URL).answer(204, "")]);
    let seen = advance(&timer);
    assert_eq!(seen["syncs"], json!([{"directory": CORP, "status": "succeeded", "open": false}]));
    assert!(!seen.to_string().contains("id"), "the sync's id is its starter's: {seen}");
    for _ in 0..3 {
        timer.script.advance(MINUTE);
        assert_eq!(advance(&timer), none());
    }
    // In the end the list itself is not read any more: the counter and the cursor are.
    store.calls();
    advance(&timer);
    assert_eq!(store.calls(), 3);
}

#[test]
fn message_that_could_not_be_sent_is_sent_by_a_later_look() {
    let store = MemoryStore::new();
    let instance = sharing(&store, starts());
    start(&instance, r#"{"callback":"ticket"}"#);
    instance.script.advance(MINUTE);
    instance.then([state("COMPLETED"), post(URL).fail(TransportErrorKind::HostNotAllowed)]);
    assert_eq!(advance(&instance)["syncs"], json!([{"directory": CORP, "status": "succeeded", "open": true}]));
    instance.script.advance(MINUTE);
    instance.then([state("COMPLETED"), post(URL).answer(204, "")]);
    assert_eq!(advance(&instance)["syncs"][0]["open"], false);
    instance.script.advance(MINUTE);
    assert_eq!(advance(&instance), none());
}

#[test]
fn message_whose_sender_crashed_stays_open() {
    let store = MemoryStore::new();
    let instance = sharing(&store, starts());
    start(&instance, r#"{"callback":"ticket"}"#);
    instance.script.advance(MINUTE);
    instance.then([state("COMPLETED"), post(URL).hang()]);
    let is_gone = instance.script.run(async {
        let looks = pin!(instance.ask(request(KEY, Method::POST, ADVANCE, &[], "")));
        matches!(select(looks, pin!(instance.script.sleep(Duration::from_secs(2)))).await, Either::Right(_))
    });
    assert!(is_gone);
    let other = sharing(&store, []);
    other.script.advance(MINUTE + Duration::from_secs(3));
    other.then([state("COMPLETED")]);
    assert_eq!(advance(&other)["syncs"][0]["open"], true);
    other.script.advance(MINUTE);
    other.then([state("COMPLETED"), post(URL).answer(204, "")]);
    assert_eq!(advance(&other)["syncs"][0]["open"], false);
}

#[test]
fn queued_run_begins_although_nobody_watches() {
    let store = MemoryStore::new();
    let instance = sharing(&store, [logs_in("t1"), lists(), shows("RUNNING", -60)]);
    let started = instance.send(Method::POST, &format!("/vidm/default/v1/directories/{CORP}/syncs"), "");
    assert_eq!(started.json()["status"], "queued", "{}", started.text());
    instance.script.advance(MINUTE);
    instance.then([shows("COMPLETED", -60), classic(CORP).answer(200, "{}")]);
    let seen = advance(&instance);
    assert_eq!((&seen["syncs"][0]["status"], &seen["syncs"][0]["open"]), (&json!("running"), &json!(true)), "{seen}");
}

#[test]
fn queue_of_a_sync_that_its_group_proved_early_stays_listed() {
    let store = MemoryStore::new();
    let path = format!("/vidm/default/v1/directories/{CORP}/syncs");
    let instance = sharing(&store, [logs_in("t1"), lists(), shows("RUNNING", -60), shows("RUNNING", -60)]);
    // Only the first of the two is listed: the run that begins after them serves both.
    start(&instance, &json!({"groups": [PRESENT]}).to_string());
    let second = instance.send(Method::POST, &path, "").json();
    assert_eq!(second["status"], "queued", "{second}");
    let looks = |state: Call| {
        instance.script.advance(MINUTE);
        instance.then([state]);
        instance.then([proof()]);
        advance(&instance)["syncs"].clone()
    };
    // The group is there, and the directory's state cannot be read: nothing has begun for the second sync.
    let seen = looks(sync_state(CORP).answer(500, ""));
    assert_eq!(seen, json!([{"directory": CORP, "status": "succeeded", "open": true}]));
    instance.script.advance(MINUTE);
    instance.then([shows("COMPLETED", -60), classic(CORP).answer(200, "{}")]);
    assert_eq!(advance(&instance)["syncs"][0]["status"], "running");
    let seen = looks(shows("COMPLETED", 180));
    assert_eq!(seen, json!([{"directory": CORP, "status": "succeeded", "open": false}]));
    instance.script.advance(MINUTE);
    assert_eq!(advance(&instance), none());
}

/// The call for a directory's connectors; they all share one.
fn connectors(id: &str) -> Call {
    let configurations = "https://vidm.corp.example/SAAS/jersey/manager/api/connectormanagement/directoryconfigs";
    get(format!("{configurations}/{id}/connectors")).answer(200, r#"{"items":[{"instanceId":"the only one"}]}"#)
}

/// The state of any directory.
fn of(id: &str, status: &str, began: i64) -> Call {
    let began = i64::try_from(START.as_millis()).unwrap() + began * 1000;
    sync_state(id).answer(200, format!(r#"{{"status":"{status}","startTime":{began}}}"#))
}

fn start_of(instance: &Instance, id: &str) -> Value {
    let started = instance.send(Method::POST, &format!("/vidm/default/v1/directories/{id}/syncs"), "");
    assert_eq!(started.status(), 202, "{}", started.text());
    started.json()
}

#[test]
fn directories_of_one_connector_begin_one_after_the_other() {
    let store = MemoryStore::new();
    let instance = sharing(&store, [logs_in("t1"), lists(), of(CORP, "RUNNING", -60), of(LAB, "RUNNING", -60)]);
    for id in [CORP, LAB] {
        assert_eq!(start_of(&instance, id)["status"], "queued");
    }
    instance.script.advance(MINUTE);
    // The observation before the kick-off of the first directory is a moment old, and shows it idle.
    instance.then([of(CORP, "COMPLETED", -60), classic(CORP).answer(200, "{}")]);
    instance.then([of(LAB, "COMPLETED", -60), connectors(LAB), connectors(CORP), of(CORP, "RUNNING", 60)]);
    let seen = advance(&instance);
    let states: Vec<_> = seen["syncs"].as_array().unwrap().iter().map(|sync| &sync["status"]).collect();
    assert_eq!(states, ["running", "queued"], "{seen}");
    instance.script.advance(MINUTE);
    instance.then([of(CORP, "COMPLETED", 60), of(LAB, "COMPLETED", -60), v2(LAB).answer(200, "{}")]);
    assert_eq!(advance(&instance)["syncs"][1]["status"], "running");
}

#[test]
fn crashed_holder_delays_directories_of_its_connector_for_its_lease_only() {
    let store = MemoryStore::new();
    let instance = sharing(&store, starts());
    start_of(&instance, CORP);
    instance.script.advance(MINUTE);
    instance.then([of(CORP, "COMPLETED", 3)]);
    assert_eq!(instance.get(&format!("/vidm/default/v1/directories/{CORP}/sync")).json()["status"], "succeeded");
    // A sync waits for the end of a run of the schedule. An instance claims its kick-off and crashes, and nobody asks again.
    instance.script.advance(2 * MINUTE);
    let before = store.counters();
    instance.then([of(CORP, "RUNNING", 150)]);
    assert_eq!(start_of(&instance, CORP)["status"], "queued");
    let is_new = |key: &&String| key.contains(CORP) && !before.contains(key);
    let counter = store.counters().iter().find(is_new).unwrap().clone();
    store.count(&counter, 1 << 24);
    instance.then([of(LAB, "COMPLETED", -60), connectors(LAB), connectors(CORP)]);
    let waiting = start_of(&instance, LAB);
    assert_eq!(waiting["status"], "queued", "{waiting}");
    instance.script.advance(Duration::from_secs(46));
    instance.then([of(LAB, "COMPLETED", -60), v2(LAB).answer(200, "{}")]);
    let state = instance.get(waiting["links"]["self"].as_str().unwrap()).json();
    assert_eq!(state["status"], "running", "{state}");
}

#[test]
fn claimed_directory_is_not_idle_although_its_last_run_has_ended() {
    let store = MemoryStore::new();
    let instance = sharing(&store, starts());
    start_of(&instance, CORP);
    // Nobody saw the end of its run. The next kick-off is claimed, and on its way.
    instance.script.advance(MINUTE);
    let before = store.counters();
    instance.then([of(CORP, "RUNNING", 3)]);
    assert_eq!(start_of(&instance, CORP)["status"], "queued");
    let is_new = |key: &&String| key.contains(CORP) && !before.contains(key);
    let counter = store.counters().iter().find(is_new).unwrap().clone();
    store.count(&counter, 1 << 24);
    instance.then([of(LAB, "COMPLETED", -60), connectors(LAB), connectors(CORP), of(CORP, "COMPLETED", 3)]);
    assert_eq!(start_of(&instance, LAB)["status"], "queued");
}

#[test]
fn sync_whose_state_cannot_be_read_stays_listed() {
    let store = MemoryStore::new();
    let instance = sharing(&store, starts());
    start(&instance, r#"{"callback":"ticket"}"#);
    instance.script.advance(MINUTE);
    instance.then([sync_state(CORP).fail(TransportErrorKind::Tls)]);
    let seen = advance(&instance);
    assert_eq!(
        (&seen["syncs"][0]["code"], &seen["syncs"][0]["open"]),
        (&json!("upstream_tls"), &json!(true)),
        "{seen}"
    );
    assert!(seen["syncs"][0]["status"].is_null() && seen["syncs"][0]["detail"].is_string(), "{seen}");
    // The response is 200, and the failure is in the log and counted.
    assert_eq!(
        last_line(&instance)["failed_syncs"],
        json!([{"directory": CORP, "code": "upstream_tls", "has_ended": false}])
    );
    let metrics = instance.send(Method::GET, "/metrics", "").text();
    assert!(metrics.contains("idhook_errors_total{code=\"upstream_tls\"} 1"), "{metrics}");
    instance.then([state("COMPLETED"), post(URL).answer(204, "")]);
    assert_eq!(advance(&instance)["syncs"][0]["open"], false);
    assert!(last_line(&instance).get("failed_syncs").is_none());
}

#[test]
fn rejected_login_shows_although_the_look_itself_succeeds() {
    let instance = looks_at_a_started_sync([sync_state(CORP).answer(401, ""), logs_in("t").answer(401, "")]);
    let line = last_line(&instance);
    assert_eq!((&line["level"], &line["status"]), (&json!("warn"), &json!(200)));
    assert_eq!(line["failed_syncs"][0]["code"], "upstream_auth", "{line}");
    assert!(line["problems"][0].as_str().unwrap().contains("login"), "{line}");
    let metrics = instance.get("/metrics").text();
    assert!(metrics.contains("idhook_rejected_logins_total{target=\"vidm/default\"} 1"), "{metrics}");
}

#[test]
fn failed_run_shows_in_the_log_and_is_no_error() {
    let failed = [state("FAILED"), executions(CORP).answer(404, ""), post(URL).answer(204, "")];
    let instance = looks_at_a_started_sync(failed);
    let line = last_line(&instance);
    assert_eq!(line["failed_syncs"], json!([{"directory": CORP, "code": "sync_failed", "has_ended": true}]));
    let metrics = instance.get("/metrics").text();
    assert!(
        !metrics.contains("idhook_errors_total{code=\"sync_failed\"}"),
        "a state that was read is no error: {metrics}"
    );
}

#[test]
fn place_that_is_not_written_yet_is_not_passed() {
    let store = MemoryStore::new();
    let instance = sharing(&store, starts());
    start(&instance, r#"{"callback":"ticket"}"#);
    instance.then([state("COMPLETED"), post(URL).answer(204, "")]);
    assert_eq!(advance(&instance)["syncs"][0]["open"], false);
    // A request elsewhere draws a serial, and writes its place only after the next look.
    let counter = store.counters().into_iter().find(|key| key.contains("due")).unwrap();
    store.count(&counter, 1);
    assert_eq!(advance(&instance), none());
    store.count(&counter, 1);
    let (place, sealed) = store.dump().into_iter().find(|(key, _)| key.contains("due")).unwrap();
    assert!(place.ends_with(":cursor") && !sealed.is_empty());
    instance.script.advance(MINUTE);
    instance.then(starts().into_iter().skip(2));
    start(&instance, r#"{"callback":"ticket"}"#);
    instance.then([state("COMPLETED"), post(URL).answer(204, "")]);
    assert_eq!(advance(&instance)["syncs"].as_array().unwrap().len(), 1, "behind two empty places");
}

#[test]
fn only_syncs_that_need_a_look_are_listed() {
    let store = MemoryStore::new();
    let instance = sharing(&store, starts());
    start(&instance, "");
    assert!(!store.keys().iter().any(|key| key.contains("due")), "{:?}", store.keys());
    assert_eq!(advance(&instance), none());
    let calls_of = |body: &str| {
        instance.script.advance(MINUTE);
        instance.then([sync_state(CORP).answer(200, r#"{"status":"COMPLETED"}"#), classic(CORP).answer(200, "{}")]);
        store.calls();
        start(&instance, body);
        store.calls()
    };
    let plain = calls_of("");
    assert_eq!(calls_of(r#"{"callback":"ticket"}"#), plain + 2, "a serial and a place");
}

#[test]
fn look_needs_a_store_and_the_scope_for_starts() {
    let without = Instance::new([]);
    let problem = without.send(Method::POST, ADVANCE, "").problem("not_supported");
    assert!(problem["hint"].as_str().unwrap().contains("key-value store"), "{problem}");
    let reader = without.send_as_reader(Method::POST, ADVANCE, "").problem("forbidden");
    assert_eq!(reader["detail"], "caller reader lacks the scope vidm:sync");
    let store = MemoryStore::new();
    let instance = sharing(&store, []);
    // A store that fails is another case than none: the timer's next request may find it well.
    for fault in [StoreFault::Fails, StoreFault::RefusesWrites] {
        store.set_fault(fault);
        let problem = instance.send(Method::POST, ADVANCE, "").problem("upstream_busy");
        assert_eq!((problem["status"].as_u64(), problem["retryAfter"].as_u64()), (Some(503), Some(10)), "{problem}");
    }
    store.set_fault(StoreFault::None);
    instance.script.advance(MINUTE);
    assert_eq!(advance(&instance), none());
    store.set_fault(StoreFault::Absent);
    instance.send(Method::POST, ADVANCE, "").problem("not_supported");
    without.send(Method::GET, ADVANCE, "").problem("method_not_allowed");
    without.send(Method::POST, "/vidm/nowhere/v1/advance", "").problem("target_not_found");
}

#[test]
fn many_open_syncs_do_not_keep_a_look_from_later_ones() {
    let store = MemoryStore::new();
    let instance = sharing(&store, [logs_in("t1"), lists()]);
    // They wait for the end of the run that is going on, each with a message of its own.
    for _ in 0..60 {
        instance.then([shows("RUNNING", -20)]);
        start(&instance, r#"{"callback":"ticket"}"#);
    }
    let look = |observations: usize| {
        instance.script.advance(MINUTE);
        instance.then((0..observations).map(|_| shows("RUNNING", -20)));
        let seen = advance(&instance);
        (seen["syncs"].as_array().unwrap().len(), seen["hasMore"].as_bool().unwrap())
    };
    assert_eq!(look(1), (50, true), "they share one observation");
    assert_eq!(look(1), (50, true), "the last 10 and the first 40");
    // One of them begins the run for all.
    instance.script.advance(MINUTE);
    instance.then([shows("COMPLETED", -20), classic(CORP).answer(200, "{}")]);
    assert_eq!(advance(&instance)["hasMore"], true);
    instance.script.advance(MINUTE);
    instance.then([shows("COMPLETED", 181)]);
    instance.then((0..50).map(|_| post(URL).answer(204, "")));
    assert_eq!(advance(&instance)["hasMore"], true);
    instance.script.advance(MINUTE);
    instance.then([shows("COMPLETED", 181)]);
    instance.then((0..10).map(|_| post(URL).answer(204, "")));
    let rest = advance(&instance);
    assert_eq!((rest["syncs"].as_array().unwrap().len(), &rest["hasMore"]), (10, &json!(false)), "{rest}");
    instance.script.advance(MINUTE);
    assert_eq!(advance(&instance), none());
}

//! Observations that are older than a request, and starts that began nothing: neither counts for the request.

use std::time::Duration;

use futures_util::future::join;
use http::Method;
use idhook::runtime::Clock as _;
use serde_json::json;

use super::truth::{STATE_KEY, elsewhere, guarded, kicked, poll, shows, start, warm, without_safeguards};
use crate::support::memory_store::MemoryStore;
use crate::support::script::Script;
use crate::support::vidm::{CORP, classic, executions, lists, logs_in, sync_state};
use crate::support::webhook::{Instance, KEY, OTHER, request};

#[test]
fn observation_that_began_before_the_request_is_not_its_baseline() {
    for store in [None, Some(MemoryStore::new())] {
        let instance = warm(store.as_ref());
        let path = format!("/vidm/default/v1/directories/{CORP}");
        // Another caller's observation is under way: vIDM shows an idle directory, and its response takes three seconds. After one second a
        // run of the schedule begins, and after two this request comes.
        instance.then([shows("COMPLETED", -60_000).takes(Duration::from_secs(3)), shows("RUNNING", 1_000)]);
        let watcher = instance.ask(request(KEY, Method::GET, &format!("{path}/sync"), &[], ""));
        let starter = async {
            instance.script.sleep(Duration::from_secs(2)).await;
            instance.ask(request(KEY, Method::POST, &format!("{path}/syncs"), &[], "")).await
        };
        let (seen, started) = instance.script.run(join(watcher, starter));
        assert_eq!((&seen.json()["status"], &started.json()["status"]), (&json!("succeeded"), &json!("queued")));
        let place = started.header("location").to_owned();
        assert_eq!(poll(&instance, &place, [shows("COMPLETED", 1_000), kicked()])["status"], "running");
        assert_eq!(poll(&instance, &place, [shows("COMPLETED", 6_000)])["status"], "succeeded");
    }
}

#[test]
fn queue_does_not_begin_by_an_observation_from_before_its_latest_request() {
    let store = MemoryStore::new();
    let one = warm(Some(&store));
    let two = Instance::over(Script::new([]).with_store(&store), &[STATE_KEY]);
    let pass = |milliseconds| {
        for instance in [&one, &two] {
            instance.script.advance(Duration::from_millis(milliseconds));
        }
    };
    start(&one, &json!({}), [shows("RUNNING", -20_000)]);
    pass(60_000);
    one.then([shows("COMPLETED", -20_000)]);
    one.get(&format!("/vidm/default/v1/directories/{CORP}/sync"));
    pass(1_000);
    // A run of the schedule began half a second ago, which the other instance sees when this request comes.
    let place = start(&two, &json!({}), [shows("RUNNING", 60_500)]);
    pass(500);
    // By the observation of 1.5 seconds ago the timer's request would begin what waits, and vIDM would continue that run.
    one.then([shows("RUNNING", 60_500)]);
    let advanced = one.send(Method::POST, "/vidm/default/v1/advance", "");
    assert_eq!(advanced.status(), 200, "{}", advanced.text());
    assert_eq!(poll(&two, &place, [shows("RUNNING", 60_500)])["status"], "queued");
    assert_eq!(poll(&two, &place, [shows("COMPLETED", 60_500), kicked()])["status"], "running");
    assert_eq!(poll(&two, &place, [shows("COMPLETED", 70_000)])["status"], "succeeded");
}

#[test]
fn rejected_second_start_does_not_count() {
    for store in [None, Some(MemoryStore::new())] {
        let instance = warm(store.as_ref());
        let before = || shows("COMPLETED", -60_000);
        // This start is lost.
        let place = start(&instance, &json!({}), [before(), kicked()]);
        instance.script.advance(Duration::from_secs(12));
        instance.then([before(), classic(CORP).answer(429, "").answer_header("retry-after", "30")]);
        let rejected = instance.get(&place);
        assert_eq!(rejected.json()["code"], "upstream_busy", "{}", rejected.text());
        instance.script.advance(Duration::from_secs(60));
        assert_eq!(poll(&instance, &place, [before(), kicked()])["status"], "running");
        assert_eq!(poll(&instance, &place, [shows("COMPLETED", 75_000)])["status"], "succeeded");
    }
}

#[test]
fn runs_without_safeguards_do_not_count_for_a_request_with_them() {
    let instance = guarded(&MemoryStore::new());
    let path = format!("/vidm/default/v1/directories/{CORP}/syncs");
    let plain = start(&instance, &json!({}), [shows("RUNNING", -20_000)]);
    let mut before = -20_000;
    for began in [100, 10_100] {
        instance.then([shows("COMPLETED", before), without_safeguards()]);
        let other = instance.send_by(OTHER, Method::POST, &path, r#"{"ignoreSafeguards":true}"#);
        assert_eq!(other.json()["status"], "running", "{}", other.text());
        instance.script.advance(Duration::from_secs(8));
        instance.then([shows("RUNNING", began)]);
        assert_eq!(instance.send_by(OTHER, Method::GET, other.header("location"), "").json()["status"], "running");
        before = began;
    }
    assert_eq!(poll(&instance, &plain, [shows("COMPLETED", before), kicked()])["status"], "running");
    assert_eq!(poll(&instance, &plain, [shows("COMPLETED", 30_000)])["status"], "succeeded");
}

#[test]
fn directory_that_was_never_synced_can_be() {
    for store in [None, Some(MemoryStore::new())] {
        let instance = warm(store.as_ref());
        // The list of runs is empty, too.
        let state = || sync_state(CORP).answer(200, r#"{"status":"NOT_STARTED","startTime":null}"#);
        let never = || [state(), executions(CORP).answer(200, r#"{"items":[]}"#)];
        let place = start(&instance, &json!({}), never().into_iter().chain([kicked()]));
        assert_eq!(poll(&instance, &place, never())["status"], "running");
        assert_eq!(poll(&instance, &place, [shows("COMPLETED", 1_000)])["status"], "succeeded");
    }
}

#[test]
fn start_by_a_clock_that_was_ahead_delays_nobody_until_its_time_comes() {
    let store = MemoryStore::new();
    let ahead = warm(Some(&store));
    let right = Instance::over(Script::new([]).with_store(&store), &[STATE_KEY]);
    ahead.script.advance(Duration::from_secs(600));
    let before = || shows("COMPLETED", -60_000);
    // This start is lost.
    start(&ahead, &json!({}), [logs_in("t2"), lists(), before(), kicked()]);
    let place = start(&right, &json!({}), [before(), kicked()]);
    assert_eq!(poll(&right, &place, [shows("COMPLETED", 1_000)])["status"], "succeeded");
}

#[test]
fn lost_start_of_a_lost_queue_is_not_repeated() {
    let instance = warm(None);
    let place = start(&instance, &json!({}), [shows("RUNNING", -20_000)]);
    // The instance that accepted the request is gone.
    let other = elsewhere(&instance);
    other.script.advance(Duration::from_secs(10));
    let ended = || shows("COMPLETED", -20_000);
    assert_eq!(poll(&other, &place, [logs_in("t2"), ended(), kicked()])["status"], "running");
    for status in ["queued", "unknown", "unknown"] {
        assert_eq!(poll(&other, &place, [ended()])["status"], status);
        other.script.advance(Duration::from_secs(12));
    }
    // A run that appears late still ends it.
    assert_eq!(poll(&other, &place, [shows("COMPLETED", 12_000)])["status"], "succeeded");
}

#[test]
fn request_outlives_the_values_of_its_store_without_further_starts() {
    let store = MemoryStore::new();
    let instance = warm(Some(&store));
    let untimed = |word: &str| shows(word, None);
    for _ in 0..6 {
        let place = start(&instance, &json!({}), [untimed("COMPLETED"), kicked()]);
        assert_eq!(poll(&instance, &place, [untimed("RUNNING")])["status"], "running");
        assert_eq!(poll(&instance, &place, [untimed("COMPLETED")])["status"], "succeeded");
    }
    let waits = start(&instance, &json!({}), [untimed("RUNNING")]);
    let timed = start(&instance, &json!({}), [shows("RUNNING", 1_000)]);
    store.clear();
    instance.script.advance(Duration::from_secs(15));
    // Nothing shows whether the ended run is the earlier one.
    assert_eq!(poll(&instance, &waits, [untimed("COMPLETED")])["status"], "unknown");
    // Here the start time does: one run follows.
    instance.script.advance(Duration::from_secs(15));
    assert_eq!(poll(&instance, &timed, [shows("COMPLETED", 1_000), kicked()])["status"], "running");
    assert_eq!(poll(&instance, &timed, [shows("COMPLETED", 31_000)])["status"], "succeeded");
}

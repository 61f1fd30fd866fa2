//! Which run serves a request, whatever a vIDM's clocks, and whatever memory and calls are missing.

use std::rc::Rc;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::embedded::sessions::{PRESENT, proof};
use crate::support::memory_store::{MemoryStore, StoreFault};
use crate::support::script::{Call, START, Script};
use crate::support::vidm::{CORP, classic, executions, idle, lists, logs_in, sync_state};
use crate::support::webhook::{Answer, Instance, OTHER};

const HOUR: i64 = 3_600_000;
pub(super) const STATE_KEY: (&str, &str) = ("state_key", "pOb2TGAdDhbFxUcP3RmTTnhVPXuR0NJ8");

/// A state of the directory, its run beginning this many milliseconds after the script, on a clock of its own.
pub(super) fn shows(status: &str, began: impl Into<Option<i64>>) -> Call {
    let mut state = json!({ "status": status });
    if let Some(began) = began.into() {
        state["startTime"] = json!(i64::try_from(START.as_millis()).unwrap() + began);
    }
    sync_state(CORP).answer(200, state.to_string())
}

pub(super) fn kicked() -> Call {
    classic(CORP).answer(200, "{}")
}

/// An instance that is logged in and knows the directories.
pub(super) fn warm(store: Option<&Rc<MemoryStore>>) -> Instance {
    let script = Script::new([logs_in("t1"), lists()]);
    let script = if let Some(store) = store { script.with_store(store) } else { script };
    let instance = Instance::over(script, &[STATE_KEY]);
    instance.get("/vidm/default/v1/directories");
    instance
}

/// Another instance without memory in common with `instance`, and with its own ledger.
pub(super) fn elsewhere(instance: &Instance) -> Instance {
    let other = instance.beside_with(&[STATE_KEY]);
    other.get("/healthz");
    other.get("/healthz");
    other
}

/// A start; returns the path of its state.
pub(super) fn start(instance: &Instance, body: &Value, calls: impl IntoIterator<Item = Call>) -> String {
    instance.then(calls);
    let answer = instance.send(Method::POST, &format!("/vidm/default/v1/directories/{CORP}/syncs"), &body.to_string());
    assert_eq!(answer.status(), 202, "{}", answer.text());
    answer.header("location").to_owned()
}

/// The state after two seconds.
pub(super) fn poll(instance: &Instance, place: &str, calls: impl IntoIterator<Item = Call>) -> Value {
    instance.script.advance(Duration::from_secs(2));
    instance.then(calls);
    let answer: Answer = instance.get(place);
    assert_eq!(answer.status(), 200, "{}", answer.text());
    answer.json()
}

fn last_line(instance: &Instance) -> Value {
    serde_json::from_str(&instance.script.lines().pop().unwrap()).unwrap()
}

#[test]
fn young_instance_does_not_take_an_old_observation_for_a_new_one() {
    let store = MemoryStore::new();
    let first = warm(Some(&store));
    let place = start(&first, &json!({}), [idle(CORP), kicked()]);
    first.script.advance(Duration::from_secs(2));
    first.then([shows("COMPLETED", 1000)]);
    let watched = first.send_with(Method::GET, &place, &[("prefer", "wait=1")], "");
    assert_eq!(watched.json()["status"], "succeeded", "{}", watched.text());
    // Another run is going on when the next request comes.
    let began_after = |milliseconds| {
        let script = Script::new([shows("RUNNING", 4000)]).with_store(&store);
        Instance::over(script.begun_after(Duration::from_millis(milliseconds)), &[STATE_KEY])
    };
    let place = start(&began_after(5000), &json!({}), []);
    // The instance that is asked for the state is younger than the request.
    let watched = began_after(5070).send_with(Method::GET, &place, &[("prefer", "wait=1")], "");
    assert_eq!(watched.json()["status"], "queued", "{}", watched.text());
}

#[test]
fn any_difference_between_clocks_costs_one_start() {
    for ahead in [0, 2_000, -2_000, 30_000, -30_000, HOUR, -HOUR, 14 * HOUR, -14 * HOUR, 450, -900] {
        for date in [Some(0), Some(2), Some(30), Some(-30), Some(14 * 3600), None] {
            for whole_seconds in [false, true] {
                let began = if whole_seconds { ahead / 1000 * 1000 } else { ahead + 3 };
                let dated = |call: Call| match date {
                    Some(ahead) => {
                        let at = START.checked_add_signed(ahead);
                        call.answer_header("date", &at)
                    }
                    None => call,
                };
                for store in [None, Some(MemoryStore::new())] {
                    let instance = warm(store.as_ref());
                    let idle = dated(shows("COMPLETED", ahead - 3_600_007));
                    let place = start(&instance, &json!({}), [idle, dated(kicked())]);
                    assert_eq!(poll(&instance, &place, [dated(shows("RUNNING", began))])["status"], "running");
                    let end = || dated(shows("COMPLETED", began));
                    assert_eq!(poll(&instance, &place, [end()])["status"], "succeeded", "{ahead} {date:?}");
                    // Any instance reaches the same result, with nothing but the id.
                    if store.is_none() {
                        assert_eq!(poll(&elsewhere(&instance), &place, [logs_in("t2"), end()])["status"], "succeeded");
                    }
                }
            }
        }
    }
}

/// A time of the script, formatted as a `Date` header.
trait CheckedAddSigned {
    fn checked_add_signed(self, seconds: i64) -> String;
}

impl CheckedAddSigned for Duration {
    fn checked_add_signed(self, seconds: i64) -> String {
        let at = Duration::from_secs(self.as_secs().checked_add_signed(seconds).unwrap());
        httpdate::fmt_http_date(std::time::SystemTime::UNIX_EPOCH + at)
    }
}

#[test]
fn foreign_run_delays_but_gives_no_success() {
    for store in [None, Some(MemoryStore::new())] {
        let instance = warm(store.as_ref());
        // It began twenty seconds before the request; vIDM would accept a start with 200 and continue it.
        let place = start(&instance, &json!({"groups": [PRESENT]}), [shows("RUNNING", -20_000)]);
        assert_eq!(poll(&instance, &place, [shows("RUNNING", -20_000)])["status"], "queued");
        // It ends, and the further run is started.
        assert_eq!(poll(&instance, &place, [shows("COMPLETED", -20_000), kicked()])["status"], "running");
        assert_eq!(poll(&instance, &place, [shows("RUNNING", 6_100)])["status"], "running");
        let ended = poll(&instance, &place, [shows("COMPLETED", 6_100), proof()]);
        assert_eq!((&ended["status"], &ended["groups"][0]["state"]), (&json!("succeeded"), &json!("present")));
    }
}

#[test]
fn queued_runs_begin_while_the_store_refuses_writes() {
    let store = MemoryStore::new();
    let instance = warm(Some(&store));
    let shared = start(&instance, &json!({}), [shows("RUNNING", -20_000)]);
    store.set_fault(StoreFault::RefusesWrites);
    // The request that the store knows, and one that only this instance knows.
    let own = start(&instance, &json!({}), [shows("RUNNING", -20_000)]);
    for place in [&shared, &own] {
        assert_eq!(poll(&instance, place, [shows("RUNNING", -20_000)])["status"], "queued", "{place}");
    }
    assert_eq!(poll(&instance, &own, [shows("COMPLETED", -20_000), kicked()])["status"], "running");
    for place in [&own, &shared] {
        assert_eq!(poll(&instance, place, [shows("RUNNING", 10_100)])["status"], "running", "{place}");
        instance.script.advance(Duration::from_secs(11));
    }
    for place in [&own, &shared] {
        assert_eq!(poll(&instance, place, [shows("COMPLETED", 10_100)])["status"], "succeeded", "{place}");
    }
}

#[test]
fn start_that_the_store_cannot_record_observes_once() {
    let store = MemoryStore::new();
    let instance = warm(Some(&store));
    let place = start(&instance, &json!({}), [shows("RUNNING", -20_000)]);
    instance.script.advance(Duration::from_secs(5));
    store.set_fault(StoreFault::RefusesWrites);
    // The store's ledger says that a start is due, and the instance's own takes it over.
    let observed = shows("COMPLETED", -20_000).takes(Duration::from_millis(30));
    assert_eq!(poll(&instance, &place, [observed, kicked()])["status"], "running");
    assert_eq!(poll(&instance, &place, [shows("RUNNING", 7_100)])["status"], "running");
}

#[test]
fn foreign_run_delays_on_instances_without_memory() {
    let instance = warm(None);
    let place = start(&instance, &json!({}), [shows("RUNNING", -20_000)]);
    assert_eq!(poll(&elsewhere(&instance), &place, [logs_in("t2"), shows("RUNNING", -20_000)])["status"], "queued");
    let calls = [logs_in("t3"), shows("COMPLETED", -20_000), kicked()];
    let queued = poll(&elsewhere(&instance), &place, calls);
    assert_eq!(queued["status"], "running", "{queued}");
    assert_eq!(poll(&elsewhere(&instance), &place, [logs_in("t4"), shows("COMPLETED", 4_000)])["status"], "succeeded");
}

#[test]
fn queued_request_says_why_its_start_failed() {
    let instance = warm(None);
    let place = start(&instance, &json!({}), [shows("RUNNING", -20_000)]);
    let failed = classic(CORP).answer(500, r#"{"errors":[{"message":"connector unreachable"}]}"#);
    let state = poll(&instance, &place, [shows("COMPLETED", -20_000), failed]);
    assert_eq!(state["status"], "queued", "{state}");
    assert!(state["message"].as_str().is_some_and(|message| message.contains("connector unreachable")), "{state}");
}

#[test]
fn start_that_never_shows_is_repeated_once_and_then_unknown() {
    for store in [None, Some(MemoryStore::new())] {
        let instance = warm(store.as_ref());
        let before = || shows("COMPLETED", -60_000);
        let place = start(&instance, &json!({}), [before(), kicked()]);
        for _ in 0..4 {
            assert_eq!(poll(&instance, &place, [before()])["status"], "running");
        }
        assert_eq!(poll(&instance, &place, [before(), kicked()])["status"], "running", "ten seconds are over");
        for _ in 0..4 {
            assert_eq!(poll(&instance, &place, [before()])["status"], "running");
        }
        for _ in 0..30 {
            let state = poll(&instance, &place, [before().answer_header("date", "Fri, 20 Nov 2026 09:59:00 GMT")]);
            assert_eq!(state["status"], "unknown");
            let message = state["message"].as_str().unwrap();
            for part in [
                "start times show 2026-11-20T09:59:00.000Z",
                "Date header 2026-11-20T09:59:00.000Z",
                "idhook's clock 2026-11-20T10:0",
            ] {
                assert!(message.contains(part), "{message}");
            }
            assert!(state["hint"].as_str().unwrap().contains("sync log"), "{state}");
            assert_eq!(last_line(&instance)["sync_unknown"], message);
        }
        if store.is_none() {
            let state = poll(&elsewhere(&instance), &place, [logs_in("t2"), before()]);
            assert_eq!(state["status"], "unknown", "without memory nothing is started again: {state}");
        }
        // A later run that appears still ends it.
        assert_eq!(poll(&instance, &place, [shows("COMPLETED", 500)])["status"], "succeeded");
    }
}

#[test]
fn start_right_after_an_end_observes_the_directory_again() {
    for store in [None, Some(MemoryStore::new())] {
        let instance = warm(store.as_ref());
        let place = start(&instance, &json!({}), [idle(CORP), kicked()]);
        assert_eq!(poll(&instance, &place, [shows("RUNNING", 40)])["status"], "running");
        assert_eq!(poll(&instance, &place, [shows("COMPLETED", 40)])["status"], "succeeded");
        // vIDM's schedule has begun a run since, and a start would join it.
        let place = start(&instance, &json!({}), [shows("RUNNING", 1_000)]);
        assert_eq!(poll(&instance, &place, [shows("COMPLETED", 1_000), kicked()])["status"], "running");
        assert_eq!(poll(&instance, &place, [shows("COMPLETED", 12_100)])["status"], "succeeded");
    }
}

#[test]
fn failed_observation_does_not_prevent_a_start() {
    for store in [None, Some(MemoryStore::new())] {
        let instance = warm(store.as_ref());
        let broken = || (0..3).map(|_| sync_state(CORP).answer(503, "")).collect::<Vec<_>>();
        for (failing, asked) in [(vec![sync_state(CORP).answer(500, "")], 1), (broken(), 3)] {
            let before = instance.calls();
            let place = start(&instance, &json!({"groups": [PRESENT]}), failing.into_iter().chain([kicked()]));
            assert_eq!(instance.calls() - before, asked + 1);
            let state = poll(&instance, &place, [sync_state(CORP).answer(500, ""), proof()]);
            assert_eq!((&state["status"], &state["groups"][0]["state"]), (&json!("succeeded"), &json!("present")));
            assert!(state["message"].as_str().unwrap().contains("could not be read"), "{state}");
        }
        // Without groups, the observation's failure is the result.
        let place = start(&instance, &json!({}), [sync_state(CORP).answer(500, ""), kicked()]);
        instance.then([sync_state(CORP).answer(500, "")]);
        instance.get(&place).problem("upstream_failed");
        // A failure that concerns every call does prevent a start.
        instance.then([sync_state(CORP).answer(429, "").answer_header("retry-after", "60")]);
        let path = format!("/vidm/default/v1/directories/{CORP}/syncs");
        instance.send(Method::POST, &path, "").problem("upstream_busy");
    }
}

#[test]
fn end_of_an_unobserved_start_proves_nothing() {
    // With a ledger a start with an observation follows.
    let instance = warm(None);
    let place = start(&instance, &json!({}), [sync_state(CORP).answer(500, ""), kicked()]);
    instance.script.advance(Duration::from_secs(10));
    let elsewhere = elsewhere(&instance);
    let state = poll(&elsewhere, &place, [logs_in("t2"), shows("COMPLETED", -1_000)]);
    assert_eq!(state["status"], "unknown", "it may have begun before: {state}");
    assert!(state["message"].as_str().unwrap().contains("clocks may differ"), "{state}");
    let state = poll(&instance, &place, [shows("COMPLETED", -1_000), kicked()]);
    assert_eq!(state["status"], "running", "{state}");
    assert_eq!(poll(&instance, &place, [shows("COMPLETED", 14_000)])["status"], "succeeded");
}

#[test]
fn first_sync_without_start_times_runs_once() {
    for store in [None, Some(MemoryStore::new())] {
        let instance = warm(store.as_ref());
        let place = start(&instance, &json!({}), [shows("COMPLETED", None), kicked()]);
        for _ in 0..4 {
            assert_eq!(poll(&instance, &place, [shows("RUNNING", None)])["status"], "running");
        }
        assert_eq!(poll(&instance, &place, [shows("COMPLETED", None)])["status"], "succeeded");
    }
}

#[test]
fn busy_directory_without_start_times_is_waited_for() {
    for store in [None, Some(MemoryStore::new())] {
        let instance = warm(store.as_ref());
        let place = start(&instance, &json!({}), [shows("RUNNING", None)]);
        assert_eq!(poll(&instance, &place, [shows("RUNNING", None)])["status"], "queued");
        assert_eq!(poll(&instance, &place, [shows("COMPLETED", None), kicked()])["status"], "running");
        assert_eq!(poll(&instance, &place, [shows("RUNNING", None)])["status"], "running");
        assert_eq!(poll(&instance, &place, [shows("COMPLETED", None)])["status"], "succeeded");
    }
}

#[test]
fn lost_queue_without_start_times_says_what_to_do() {
    let instance = warm(None);
    let place = start(&instance, &json!({}), [shows("RUNNING", None)]);
    let other = elsewhere(&instance);
    assert_eq!(poll(&other, &place, [logs_in("t2"), shows("RUNNING", None)])["status"], "queued");
    let state = poll(&other, &place, [shows("COMPLETED", None)]);
    assert_eq!(state["status"], "unknown");
    assert!(state["message"].as_str().unwrap().contains("no start times"), "{state}");
    assert!(state["hint"].as_str().unwrap().contains("start the sync again"), "{state}");
    assert!(last_line(&other)["sync_unknown"].is_string());
}

#[test]
fn later_failure_of_a_foreign_run_is_not_ours() {
    for store in [None, Some(MemoryStore::new())] {
        let instance = warm(store.as_ref());
        let failed = |began| {
            sync_state(CORP).answer(
            200,
            json!({"status": "FAILED", "message": "Failed to complete sync. Please check safeguards in the sync logs.",
                   "startTime": i64::try_from(START.as_millis()).unwrap() + began}).to_string(),
        )
        };
        let place = start(&instance, &json!({"groups": [PRESENT]}), [idle(CORP), kicked()]);
        // Ours was never seen; a later run fails. The list of runs decides, or else the groups.
        let state = poll(&instance, &place, [failed(600_000), executions(CORP).answer(404, ""), proof()]);
        assert_eq!((&state["status"], &state["reason"]), (&json!("succeeded"), &Value::Null), "{state}");
        assert!(state["message"].as_str().unwrap().contains("later"), "{state}");

        // If the list shows that no run succeeded, the groups existed before.
        let place = start(&instance, &json!({"groups": [PRESENT]}), [failed(600_000), kicked()]);
        let row =
            |began: i64| json!({"status": "FAILED", "startTime": i64::try_from(START.as_millis()).unwrap() + began});
        let list = json!({"items": [row(600_000), row(700_000)]}).to_string();
        let state = poll(&instance, &place, [failed(700_000), executions(CORP).answer(200, list)]);
        assert_eq!((&state["status"], &state["reason"]), (&json!("failed"), &json!("safeguard_tripped")));

        // Ours was seen active: its failure is its own.
        let place = start(&instance, &json!({"groups": [PRESENT]}), [failed(700_000), kicked()]);
        assert_eq!(poll(&instance, &place, [shows("RUNNING", 4_000)])["status"], "running");
        let state = poll(&instance, &place, [failed(4_000)]);
        assert_eq!((&state["status"], &state["reason"]), (&json!("failed"), &json!("safeguard_tripped")));
    }
}

/// An instance with an additional key that may override safeguards.
pub(super) fn guarded(store: &Rc<MemoryStore>) -> Instance {
    let digest = |key: &str| {
        use sha2::Digest as _;
        sha2::Sha256::digest(key).iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    let keys = json!([
        {"name": "plain", "sha256": digest(crate::support::webhook::KEY), "scopes": ["vidm:read", "vidm:sync"]},
        {"name": "override", "sha256": digest(OTHER), "scopes": ["vidm:read", "vidm:sync", "vidm:override"]},
    ]);
    let script = Script::new([logs_in("t1"), lists()]).with_store(store);
    let instance = Instance::over(script, &[STATE_KEY, ("api_keys", &keys.to_string())]);
    instance.get("/vidm/default/v1/directories");
    instance
}

pub(super) fn without_safeguards() -> Call {
    classic(CORP).body(r#"{"ignoreSafeguards":true}"#).answer(200, "{}")
}

#[test]
fn id_does_not_permit_ignoring_safeguards() {
    let instance = guarded(&MemoryStore::new());
    instance.then([shows("RUNNING", -20_000)]);
    let path = format!("/vidm/default/v1/directories/{CORP}/syncs");
    let started = instance.send_by(OTHER, Method::POST, &path, r#"{"ignoreSafeguards":true}"#);
    let place = started.header("location").to_owned();
    // The previous run ends; a caller without the scope sees why nothing happens.
    let state = poll(&instance, &place, [shows("COMPLETED", -20_000)]);
    assert_eq!(state["status"], "queued");
    assert!(state["message"].as_str().unwrap().contains("vidm:override"), "{state}");
    assert_eq!(last_line(&instance)["ignore_safeguards"], Value::Null);
    instance.then([shows("COMPLETED", -20_000), without_safeguards()]);
    assert_eq!(instance.send_by(OTHER, Method::GET, &place, "").json()["status"], "running");
    assert_eq!(last_line(&instance)["ignore_safeguards"], true);
}

#[test]
fn run_without_safeguards_serves_only_requests_for_it() {
    let instance = guarded(&MemoryStore::new());
    let path = format!("/vidm/default/v1/directories/{CORP}/syncs");
    let plain = start(&instance, &json!({}), [shows("RUNNING", -20_000)]);
    instance.then([shows("COMPLETED", -20_000), without_safeguards()]);
    let other = instance.send_by(OTHER, Method::POST, &path, r#"{"ignoreSafeguards":true}"#);
    let other = other.header("location").to_owned();
    assert_eq!(poll(&instance, &plain, [shows("RUNNING", 100)])["status"], "queued", "it is not for this request");
    assert_eq!(poll(&instance, &other, [shows("COMPLETED", 100)])["status"], "succeeded");
    assert_eq!(poll(&instance, &plain, [shows("COMPLETED", 100), kicked()])["status"], "running");
    assert_eq!(poll(&instance, &plain, [shows("COMPLETED", 6_100)])["status"], "succeeded");
}

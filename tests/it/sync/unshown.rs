//! Runs that the target does not show: refused starts, a state that cannot be read, runs without times.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use super::truth::{kicked, poll, shows, start, warm};
use crate::embedded::sessions::{PRESENT, proof};
use crate::support::memory_store::MemoryStore;
use crate::support::script::{Call, START};
use crate::support::vidm::{CORP, classic, executions, logs_in, sync_state};
use crate::support::webhook::Instance;

/// For how many seconds at least a token without a stated life is used.
const TOKEN_LIFE: u64 = 580;

/// The response to the search for [`PRESENT`] before it arrives.
fn absent() -> Call {
    proof().answer(200, r#"{"totalResults":0,"Resources":[]}"#)
}

fn refused() -> Call {
    classic(CORP).answer(409, r#"{"errors":[{"message":"Sync is already in progress"}]}"#)
}

/// The calls for the state and the list of runs, if only the latter can be read: the runs' starts, the latest first.
fn lists_ended(began: &[i64]) -> [Call; 2] {
    let start = i64::try_from(START.as_millis()).unwrap();
    let rows: Vec<_> = began.iter().map(|began| json!({"status": "COMPLETED", "startTime": start + began})).collect();
    [
        sync_state(CORP).answer(200, r#"{"status":"SYNC_STATE_7"}"#),
        executions(CORP).answer(200, json!({ "items": rows }).to_string()),
    ]
}

fn message(state: &Value) -> &str {
    state["message"].as_str().unwrap_or_else(|| panic!("{state}"))
}

/// A start that is refused although the directory is idle; returns the path of its state.
fn start_refused(instance: &Instance, has_store: bool) -> String {
    // Without a store the id holds what the directory shows after the refusal.
    let calls = [idle(), refused(), idle()].into_iter().take(if has_store { 2 } else { 3 });
    start(instance, &json!({}), calls)
}

fn idle() -> Call {
    shows("COMPLETED", -60_000)
}

#[test]
fn refused_start_is_repeated_less_and_less_often_and_for_about_an_hour() {
    for store in [None, Some(MemoryStore::new())] {
        let instance = warm(store.as_ref());
        let place = start_refused(&instance, store.is_some());
        let (mut pause, mut age) = (10, 0);
        for _ in 1..16 {
            // Polls advance the clock by two seconds.
            instance.script.advance(Duration::from_secs(pause - 4));
            age += pause;
            let login = (age >= TOKEN_LIFE).then(|| logs_in("t2"));
            age = if login.is_some() { 0 } else { age };
            let state = poll(&instance, &place, login.into_iter().chain([idle()]));
            assert_eq!(state["status"], "queued", "{state}");
            let told = "vIDM refused the start because a sync is running, but shows none; it is started again when this state is \
                        read in 2 seconds or later";
            assert_eq!(message(&state), told);
            let state = poll(&instance, &place, [idle(), refused()]);
            pause = (pause * 2).min(300);
            assert_eq!(state["status"], "queued", "{state}");
            assert!(message(&state).contains(&format!("in {pause} seconds")), "{state}");
        }
        let state = poll(&instance, &place, [idle()]);
        assert_eq!(state["status"], "unknown", "{state}");
        assert!(message(&state).contains("refused every start"), "{state}");
        assert!(state["hint"].as_str().unwrap().contains("console"), "{state}");
        instance.script.advance(Duration::from_hours(1));
        assert_eq!(
            poll(&instance, &place, [logs_in("t3"), idle(), kicked()])["status"],
            "running",
            "it is tried again later"
        );
    }
}

#[test]
fn many_requests_during_a_run_that_is_not_shown_cost_one_start() {
    for store in [None, Some(MemoryStore::new())] {
        let instance = warm(store.as_ref());
        let first = start_refused(&instance, store.is_some());
        let others: Vec<_> = (0..20).map(|_| start(&instance, &json!({}), [idle()])).collect();
        for place in [&first, &others[19]] {
            let state = poll(&instance, place, [idle()]);
            assert_eq!(state["status"], "queued", "{state}");
            assert!(message(&state).contains("shows none"), "{state}");
        }
        // The run in the way began before all of them, and serves none.
        assert_eq!(poll(&instance, &others[0], [shows("COMPLETED", -1_000), kicked()])["status"], "running");
        for place in [&first, &others[19]] {
            assert_eq!(poll(&instance, place, [shows("COMPLETED", 7_000)])["status"], "succeeded");
        }
    }
}

#[test]
fn refused_start_is_repeated_at_once_after_the_run_in_its_way() {
    for store in [None, Some(MemoryStore::new())] {
        let instance = warm(store.as_ref());
        let place = start_refused(&instance, store.is_some());
        assert_eq!(poll(&instance, &place, [idle()])["status"], "queued");
        assert_eq!(poll(&instance, &place, [shows("COMPLETED", -1_000), kicked()])["status"], "running");
        assert_eq!(poll(&instance, &place, [shows("COMPLETED", 4_000)])["status"], "succeeded");
    }
}

#[test]
fn run_of_a_start_with_an_unknown_outcome_may_appear_for_ten_seconds() {
    let path = format!("/vidm/default/v1/directories/{CORP}/syncs");
    // A redirect proves that nothing was started; a page with 200 does not.
    for (status, is_denied) in [(302, true), (200, false)] {
        let instance = warm(Some(&MemoryStore::new()));
        let failed = classic(CORP).answer(status, "<html>").answer_header("location", "https://sso.example/");
        instance.then([idle(), failed]);
        instance.send(Method::POST, &path, "").problem("upstream_invalid");
        if is_denied {
            let place = start(&instance, &json!({}), [idle(), kicked()]);
            assert_eq!(poll(&instance, &place, [shows("COMPLETED", 1_000)])["status"], "succeeded");
            continue;
        }
        let place = start(&instance, &json!({}), [idle()]);
        assert_eq!(poll(&instance, &place, [idle()])["status"], "queued");
        instance.script.advance(Duration::from_secs(8));
        assert_eq!(poll(&instance, &place, [idle(), kicked()])["status"], "running");
    }
}

#[test]
fn list_of_ended_runs_leaves_the_decision_to_the_groups() {
    for store in [None, Some(MemoryStore::new())] {
        let instance = warm(store.as_ref());
        let [state, list] = lists_ended(&[-60_000]);
        let place = start(&instance, &json!({"groups": [PRESENT]}), [state, list, kicked()]);
        for _ in 0..4 {
            let state = poll(&instance, &place, lists_ended(&[-60_000]));
            assert_eq!((&state["status"], &state["finishedAt"]), (&json!("running"), &Value::Null), "{state}");
        }
        // No second start follows after ten seconds: the run may be active.
        for _ in 0..20 {
            let [state, list] = lists_ended(&[-60_000]);
            let state = poll(&instance, &place, [state, list, absent()]);
            assert_eq!((&state["status"], &state["startedAt"]), (&json!("running"), &Value::Null), "{state}");
            assert!(message(&state).contains("only after its end"), "{state}");
        }
        let [state, list] = lists_ended(&[-60_000]);
        let state = poll(&instance, &place, [state, list, proof()]);
        assert_eq!(state["status"], "succeeded", "{state}");
        assert!(message(&state).contains("does not show the run"), "{state}");
    }
}

#[test]
fn run_in_the_list_of_ended_runs_may_have_begun_before_the_request() {
    for store in [None, Some(MemoryStore::new())] {
        let instance = warm(store.as_ref());
        let [state, list] = lists_ended(&[-60_000]);
        let place = start(&instance, &json!({}), [state, list, kicked()]);
        instance.script.advance(Duration::from_secs(30));
        // It was active when the request came.
        for _ in 0..3 {
            let state = poll(&instance, &place, lists_ended(&[-30_000, -60_000]));
            assert_eq!(state["status"], "unknown", "{state}");
            assert!(message(&state).contains("may have begun before the request"), "{state}");
            assert!(state["hint"].as_str().unwrap().contains("name groups"), "{state}");
        }
        // A group that is still absent may be in the next run.
        let [state, list] = lists_ended(&[-30_000, -60_000]);
        let place = start(&instance, &json!({"groups": [PRESENT]}), [state, list, kicked()]);
        instance.script.advance(Duration::from_secs(30));
        let [state, list] = lists_ended(&[5_000, -30_000]);
        assert_eq!(poll(&instance, &place, [state, list, absent(), kicked()])["status"], "running");
        instance.script.advance(Duration::from_secs(30));
        let [state, list] = lists_ended(&[50_000, 5_000]);
        assert_eq!(poll(&instance, &place, [state, list, proof()])["status"], "succeeded");
    }
}

#[test]
fn run_without_times_that_was_never_seen_active_may_begin_late() {
    for store in [None, Some(MemoryStore::new())] {
        let instance = warm(store.as_ref());
        let idle = || shows("COMPLETED", None);
        let begin = || start(&instance, &json!({"groups": [PRESENT]}), [idle(), kicked()]);
        let place = begin();
        for _ in 0..4 {
            assert_eq!(poll(&instance, &place, [idle()])["status"], "running");
        }
        for _ in 0..10 {
            assert_eq!(poll(&instance, &place, [idle(), absent()])["status"], "running");
        }
        assert_eq!(poll(&instance, &place, [shows("RUNNING", None)])["status"], "running");
        assert_eq!(poll(&instance, &place, [idle(), proof()])["status"], "succeeded");

        // A group that has arrived decides, also before the run is seen.
        let place = begin();
        instance.script.advance(Duration::from_secs(8));
        assert_eq!(poll(&instance, &place, [idle(), proof()])["status"], "succeeded");

        // After a minute a second start follows, and after another the end is doubtful.
        instance.script.advance(Duration::from_mins(1));
        let place = begin();
        instance.script.advance(Duration::from_mins(1));
        assert_eq!(poll(&instance, &place, [idle(), absent(), kicked()])["status"], "running");
        instance.script.advance(Duration::from_mins(1));
        let state = poll(&instance, &place, [idle(), absent()]);
        assert_eq!(state["status"], "unknown", "{state}");
        assert!(message(&state).contains("no run was seen active"), "{state}");
    }
}

#[test]
fn refused_second_start_keeps_the_first_whose_run_appears_late() {
    for store in [None, Some(MemoryStore::new())] {
        let instance = warm(store.as_ref());
        let first = start(&instance, &json!({}), [idle(), kicked()]);
        // It comes while the run of the first is about to appear.
        let place = start(&instance, &json!({}), [idle()]);
        assert_eq!(poll(&instance, &first, [shows("COMPLETED", 1_000)])["status"], "succeeded");
        assert_eq!(poll(&instance, &place, [shows("COMPLETED", 1_000), kicked()])["status"], "running");
        instance.script.advance(Duration::from_secs(12));
        // The run of that start is not shown yet, but refuses another.
        let state = poll(&instance, &place, [shows("COMPLETED", 1_000), refused()]);
        assert_eq!(state["status"], "queued", "{state}");
        assert_eq!(poll(&instance, &place, [shows("RUNNING", 19_000)])["status"], "running");
        assert_eq!(poll(&instance, &place, [shows("COMPLETED", 19_000)])["status"], "succeeded");
    }
}

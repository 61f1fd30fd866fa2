//! The store calls of requests. `docs/internals/sync-protocol.md` guarantees each number.

use std::rc::Rc;
use std::time::Duration;

use http::Method;
use serde_json::json;

use crate::support::memory_store::MemoryStore;
use crate::support::script::{Call, START, Script};
use crate::support::vidm::{CORP, LAB, classic, idle, lists, logs_in, sync_state, v2};
use crate::support::webhook::Instance;

/// An instance that is logged in and knows the directories, and its store. The rate limit is off: it costs calls every
/// twentieth request.
fn warm() -> (Instance, Rc<MemoryStore>) {
    let store = MemoryStore::new();
    let script = Script::new([logs_in("t1"), lists()]).with_store(&store);
    let instance = Instance::over(script, &[("rate_limit", "0"), ("state_key", "pOb2TGAdDhbFxUcP3RmTTnhVPXuR0NJ8")]);
    instance.get("/vidm/default/v1/directories");
    store.calls();
    (instance, store)
}

fn shows(status: &str, began_ms: u128) -> Call {
    sync_state(CORP).answer(200, json!({ "status": status, "startTime": START.as_millis() + began_ms }).to_string())
}

fn kicked() -> Call {
    classic(CORP).answer(200, "{}")
}

/// A start: the path of its state, and its store calls.
fn start(
    instance: &Instance,
    store: &MemoryStore,
    directory: &str,
    calls: impl IntoIterator<Item = Call>,
) -> (String, usize) {
    instance.then(calls);
    let answer = instance.send(Method::POST, &format!("/vidm/default/v1/directories/{directory}/syncs"), "");
    assert_eq!(answer.status(), 202, "{}", answer.text());
    (answer.header("location").to_owned(), store.calls())
}

fn poll(
    instance: &Instance,
    store: &MemoryStore,
    place: &str,
    calls: impl IntoIterator<Item = Call>,
) -> (String, usize) {
    instance.script.advance(Duration::from_secs(2));
    instance.then(calls);
    let status = instance.get(place).json()["status"].as_str().unwrap().to_owned();
    (status, store.calls())
}

#[test]
fn unchanged_list_costs_nothing() {
    let (instance, store) = warm();
    for _ in 0..3 {
        instance.then([lists()]);
        assert_eq!(instance.get("/vidm/default/v1/directories").status(), 200);
        assert_eq!(store.calls(), 0);
    }
    // It is written again before it expires.
    instance.script.advance(Duration::from_secs(301));
    instance.then([lists()]);
    instance.get("/vidm/default/v1/directories");
    assert_eq!(store.calls(), 1);
}

#[test]
fn start_that_joins_costs_two_and_then_one_and_the_first_is_listed_with_two() {
    let (instance, store) = warm();
    let joins = |cost| {
        let (place, calls) = start(&instance, &store, CORP, [shows("RUNNING", 0)]);
        assert_eq!(calls, cost);
        place
    };
    joins(2 + 2);
    joins(1);
    let place = joins(1);
    // Reading a state reads the ledger.
    assert_eq!(poll(&instance, &store, &place, [shows("RUNNING", 0)]), ("queued".to_owned(), 1));
}

#[test]
fn start_that_kicks_off_costs_three() {
    let (instance, store) = warm();
    // The first kick-off also adds the directory to its connector's list: read, claimed, confirmed, written, and the counter
    // deleted.
    let (place, calls) = start(&instance, &store, CORP, [idle(CORP), kicked()]);
    assert_eq!(calls, 4 + 5);
    // Only new observations are claimed and written.
    assert_eq!(poll(&instance, &store, &place, [shows("RUNNING", 10)]), ("running".to_owned(), 3));
    assert_eq!(poll(&instance, &store, &place, [shows("RUNNING", 10)]), ("running".to_owned(), 1));
    assert_eq!(poll(&instance, &store, &place, [shows("COMPLETED", 10)]), ("succeeded".to_owned(), 3));
    assert_eq!(poll(&instance, &store, &place, [shows("COMPLETED", 10)]), ("succeeded".to_owned(), 1));
    assert_eq!(start(&instance, &store, CORP, [shows("COMPLETED", 10), kicked()]).1, 3);
}

#[test]
fn other_directory_on_the_list_costs_two_more() {
    let (instance, store) = warm();
    let of_lab = |status: &str| {
        sync_state(LAB).answer(200, json!({ "status": status, "startTime": START.as_millis() + 10 }).to_string())
    };
    let (place, _) = start(&instance, &store, LAB, [idle(LAB), v2(LAB).answer(200, "{}")]);
    assert_eq!(poll(&instance, &store, &place, [of_lab("COMPLETED")]), ("succeeded".to_owned(), 3));
    let (place, _) = start(&instance, &store, CORP, [idle(CORP), kicked()]);
    assert_eq!(poll(&instance, &store, &place, [shows("COMPLETED", 10)]), ("succeeded".to_owned(), 3));
    assert_eq!(start(&instance, &store, CORP, [shows("COMPLETED", 10), kicked()]).1, 3 + 2);
}

#[test]
fn groups_without_room_in_the_id_cost_two_more_at_the_start_and_one_at_a_state() {
    let (instance, store) = warm();
    let joins = |count: usize| {
        let groups: Vec<_> = (0..count).map(|at| format!("CN=gg-{:x},DC=corp,DC=example", at * 0x1357_9bdf)).collect();
        instance.then([shows("RUNNING", 0)]);
        let path = format!("/vidm/default/v1/directories/{CORP}/syncs");
        let answer = instance.send(Method::POST, &path, &json!({ "groups": groups }).to_string());
        (answer.header("location").to_owned(), store.calls())
    };
    joins(0);
    assert_eq!(joins(5).1, 1);
    let (place, calls) = joins(50);
    assert_eq!(calls, 1 + 2);
    assert_eq!(poll(&instance, &store, &place, [shows("RUNNING", 0)]), ("queued".to_owned(), 1 + 1));
}

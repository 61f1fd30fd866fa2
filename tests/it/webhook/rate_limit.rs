//! The rate limit per caller: in one instance, and shared by instances.

use std::rc::Rc;
use std::time::Duration;

use http::{Method, StatusCode};

use crate::support::memory_store::{MemoryStore, StoreFault};
use crate::support::webhook::{Answer, Instance, KEY, READER};
use crate::webhook::senders::{ask, senders, signed};

const SYNCS: &str = "/vidm/default/v1/syncs";

fn instance(limit: &str, store: Option<&Rc<MemoryStore>>) -> Instance {
    let senders = senders();
    let variables =
        [("rate_limit", limit), ("webhook_secrets", &senders), ("state_key", "1fd28b8d51a2b5e4d7c9a60f3c8be417")];
    match store {
        Some(store) => Instance::sharing(store, &variables, []),
        None => Instance::with(&variables, []),
    }
}

/// A request without upstream calls: it is invalid without a directory.
fn knock(instance: &Instance, key: &str) -> (Answer, bool) {
    ask(instance, (Method::POST, SYNCS), &[("x-api-key", key.to_owned())], "{}")
}

#[track_caller]
fn passes(instance: &Instance, key: &str) {
    assert_eq!(knock(instance, key).0.status(), StatusCode::BAD_REQUEST, "the limit admits it");
}

#[track_caller]
fn stopped(instance: &Instance, key: &str) -> Answer {
    let (answer, was_read) = knock(instance, key);
    answer.problem("rate_limited");
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(!was_read, "its body is not buffered either");
    answer
}

#[test]
fn each_caller_has_its_own_limit() {
    let instance = instance("3", None);
    (0..3).for_each(|_| passes(&instance, KEY));
    let problem = stopped(&instance, KEY);
    assert_eq!((problem.header("retry-after"), &problem.json()["retryable"]), ("20", &true.into()));
    assert!(problem.json()["hint"].as_str().unwrap().contains("rate_limit"));
    // Another caller's requests, rejected for another reason, count as its own; public routes are free.
    let (other, _) = knock(&instance, READER);
    other.problem("forbidden");
    for path in ["/healthz", "/readyz"] {
        (0..5).for_each(|_| assert_eq!(ask(&instance, (Method::GET, path), &[], "").0.status(), StatusCode::OK));
    }
    // It refills evenly, up to one minute's requests.
    instance.script.advance(Duration::from_secs(19));
    assert_eq!(stopped(&instance, KEY).header("retry-after"), "1");
    instance.script.advance(Duration::from_secs(1));
    passes(&instance, KEY);
    stopped(&instance, KEY);
    instance.script.advance(Duration::from_secs(600));
    (0..3).for_each(|_| passes(&instance, KEY));
    stopped(&instance, KEY);
}

#[test]
fn only_proven_senders_are_counted() {
    let instance = instance("2", None);
    for _ in 0..5 {
        ask(&instance, (Method::POST, SYNCS), &signed("another body", 0), "{}").0.problem("signature_invalid");
        knock(&instance, "wrong").0.problem("unauthenticated");
    }
    for code in ["request_invalid", "request_invalid", "rate_limited"] {
        ask(&instance, (Method::POST, SYNCS), &signed("{}", 0), "{}").0.problem(code);
    }
}

#[test]
fn instances_count_together_and_leave_no_keys() {
    let store = MemoryStore::new();
    let (one, two) = (instance("3", Some(&store)), instance("3", Some(&store)));
    for _ in 0..10 {
        passes(&one, KEY);
        passes(&two, KEY);
        passes(&one, KEY);
        stopped(&two, KEY);
        stopped(&one, KEY);
        store.calls();
        // An instance that knows makes no store call.
        stopped(&two, KEY);
        assert_eq!(store.calls(), 0);
        // A new one learns it from the store, and it is not charged later.
        stopped(&instance_at(&one, &store), KEY);
        for instance in [&one, &two] {
            instance.script.advance(Duration::from_secs(60));
        }
    }
    assert_eq!(store.keys().len(), 2, "{:?}", store.keys());
}

#[test]
fn caller_beyond_its_limit_still_gets_its_limit() {
    let store = MemoryStore::new();
    let instances: Vec<_> = (0..4).map(|_| instance("30", Some(&store))).collect();
    let mut passed = 0;
    for _ in 0..300 {
        for instance in &instances {
            passed += usize::from(knock(instance, KEY).0.status() == StatusCode::BAD_REQUEST);
            instance.script.advance(Duration::from_secs(1));
        }
    }
    // The full bucket, and 30 in each of the five minutes.
    assert!((170..=180).contains(&passed), "{passed}");
}

#[test]
fn store_is_called_seldom_and_new_instances_learn_soon() {
    let store = MemoryStore::new();
    let (one, two) = (instance("600", Some(&store)), instance("600", Some(&store)));
    (0..3).for_each(|_| passes(&one, KEY));
    assert_eq!(store.calls(), 0, "an occasional caller costs nothing");
    passes(&one, KEY);
    assert_eq!(store.calls(), 3, "the counter, how full the bucket was, and is");
    (0..19).for_each(|_| passes(&one, KEY));
    assert_eq!(store.calls(), 0);
    passes(&one, KEY);
    assert_eq!(store.calls(), 3, "once for twenty");
    // Both together have 600, and at most one step more.
    (0..520).for_each(|_| passes(&one, KEY));
    (0..56).for_each(|_| passes(&two, KEY));
    stopped(&two, KEY);
    (0..19).for_each(|_| passes(&one, KEY));
    stopped(&one, KEY);
    let new = instance("600", Some(&store));
    (0..3).for_each(|_| passes(&new, KEY));
    stopped(&new, KEY);
}

#[test]
fn high_limit_holds_with_short_lived_instances() {
    let store = MemoryStore::new();
    let mut passed = 0;
    // As in Spin: 128 requests, then a new instance.
    for _ in 0..100 {
        let instance = instance("6000", Some(&store));
        let before = passed;
        passed += (0..128).filter(|_| knock(&instance, KEY).0.status() != StatusCode::TOO_MANY_REQUESTS).count();
        if passed - before < 10 {
            break;
        }
    }
    assert!((6000..6400).contains(&passed), "{passed}");
}

/// A new instance, at the time of `other`.
fn instance_at(other: &Instance, store: &Rc<MemoryStore>) -> Instance {
    let new = instance("3", Some(store));
    new.script.advance(idhook::runtime::Clock::elapsed(&*other.script));
    new
}

#[test]
fn clock_behind_adds_no_requests() {
    let store = MemoryStore::new();
    let (ahead, behind) = (instance("3", Some(&store)), instance("3", Some(&store)));
    ahead.script.advance(Duration::from_secs(60));
    (0..2).for_each(|_| passes(&ahead, KEY));
    passes(&behind, KEY);
    stopped(&behind, KEY);
    stopped(&ahead, KEY);
}

#[test]
fn failing_store_makes_instances_count_alone() {
    for fault in [StoreFault::Absent, StoreFault::RefusesWrites, StoreFault::Fails, StoreFault::Hangs] {
        let store = MemoryStore::new();
        let (one, two) = (instance("2", Some(&store)), instance("2", Some(&store)));
        store.set_fault(fault);
        for instance in [&one, &two] {
            (0..2).for_each(|_| passes(instance, KEY));
            stopped(instance, KEY);
        }
    }
}

#[test]
fn without_a_limit_the_store_is_not_called() {
    let store = MemoryStore::new();
    let instance = instance("0", Some(&store));
    (0..1000).for_each(|_| passes(&instance, KEY));
    assert_eq!(store.calls(), 0);
}

#[test]
fn clock_that_was_ahead_does_not_stop_callers_until_its_time_comes() {
    let store = MemoryStore::new();
    let (ahead, right) = (instance("60", Some(&store)), instance("60", Some(&store)));
    ahead.script.advance(Duration::from_secs(3600));
    (0..10).for_each(|_| passes(&ahead, KEY));
    for _ in 0..10 {
        right.script.advance(Duration::from_secs(60));
        (0..50).for_each(|_| passes(&right, KEY));
    }
}

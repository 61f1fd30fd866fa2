//! Repeated requests with an idempotency key: the response is replayed for a day, only to the same caller, and the work runs
//! once.

use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{Either, join, select};
use http::Method;
use idhook::http::TransportErrorKind;
use idhook::runtime::Clock as _;
use serde_json::Value;
use std::pin::pin;

use crate::support::memory_store::{MemoryStore, StoreFault};
use crate::support::script::{Call, Script, get, post};
use crate::support::webhook::{Answer, Instance, KEY, OTHER, request};
use crate::vcf::session::login;

const PROVIDER: &str = include_str!("../../fixtures/vcf/identity-provider-add.request.json");
const ADDED: &str = include_str!("../../fixtures/vcf/identity-provider-added.answer.txt");
const TOKEN: &str = include_str!("../../fixtures/vcf/sync-client.answer.json");
const ROOT: &str = "https://sddc.corp.example/v1/identity-providers";
const PATH: &str = "/vcf/default/v1/identity-providers";
const HOUR: Duration = Duration::from_secs(3600);

fn add() -> Call {
    post(ROOT).answer(201, ADDED)
}

fn over(store: &Rc<MemoryStore>, calls: impl IntoIterator<Item = Call>) -> Instance {
    Instance::over(Script::new(calls).with_store(store), &[])
}

fn keyed(instance: &Instance, key: &str, body: &str) -> Answer {
    instance.send_with(Method::POST, PATH, &[("idempotency-key", key)], body)
}

/// Whether this counter numbers the entries of a caller's ring: there is one of each kind, however many requests arrive.
fn is_of_ring(key: &str) -> bool {
    key.ends_with(":answers") || key.ends_with(":claims")
}

fn told(answer: &Answer) -> (u16, String) {
    (answer.status().as_u16(), answer.header("idempotency-status").to_owned())
}

#[test]
fn repeated_request_gets_the_stored_response() {
    for store in [Some(MemoryStore::new()), None] {
        let kept = if store.is_some() { "stored" } else { "best-effort" };
        let instance = match &store {
            Some(store) => over(store, [login(), add()]),
            None => Instance::new([login(), add()]),
        };
        let first = keyed(&instance, "\"k-1\"", PROVIDER);
        assert_eq!(told(&first), (201, kept.to_owned()));
        let again = keyed(&instance, "k-1", PROVIDER);
        assert_eq!(told(&again), (201, "replayed".to_owned()));
        assert_eq!(again.text(), first.text());
        for header in ["location", "content-type"] {
            assert_eq!(again.header(header), first.header(header));
        }
        assert_ne!(again.header("x-request-id"), first.header("x-request-id"));
        let line: Value = serde_json::from_str(instance.script.lines().last().unwrap()).unwrap();
        assert_eq!((&line["idempotency"], &line["status"]), (&"replayed".into(), &201.into()));
        if store.is_some() {
            assert_eq!(told(&keyed(&instance.beside(), "k-1", PROVIDER)).1, "replayed", "by another instance");
        }
        // For a day.
        instance.script.advance(24 * HOUR - Duration::from_secs(1));
        assert_eq!(told(&keyed(&instance, "k-1", PROVIDER)).1, "replayed");
        instance.script.advance(Duration::from_secs(1));
        instance.then([login(), add()]);
        assert_eq!(told(&keyed(&instance, "k-1", PROVIDER)), (201, kept.to_owned()));
    }
}

#[test]
fn key_belongs_to_one_request_of_one_caller() {
    for store in [Some(MemoryStore::new()), None] {
        let script = Script::new([login(), add()]);
        let script = match &store {
            Some(store) => script.with_store(store),
            None => script,
        };
        let instance = Instance::over(script, &[]);
        keyed(&instance, "k", PROVIDER);
        let other = keyed(&instance, "k", &PROVIDER.replace("My", "Your"));
        assert_eq!(other.status(), 422);
        assert_eq!(other.problem("idempotency_key_reused")["retryable"], false);
        for (method, path) in [(Method::PUT, PATH), (Method::PUT, "/vcf/default/v1/identity-providers?dryRun=true")] {
            instance.send_with(method, path, &[("idempotency-key", "k")], PROVIDER).problem("idempotency_key_reused");
        }
        // A read has no key; another kind of key is another key; another caller has its own keys.
        instance.then([Call::new(Method::GET, ROOT).answer(200, r#"{"elements":[]}"#), add(), add()]);
        let read = instance.send_with(Method::GET, PATH, &[("idempotency-key", "k")], "");
        assert_eq!(told(&read), (200, String::new()));
        let webhook = instance.send_with(Method::POST, PATH, &[("webhook-id", "k")], PROVIDER);
        assert_eq!(webhook.status(), 201);
        let theirs = instance.send_request(request(OTHER, Method::POST, PATH, &[("idempotency-key", "k")], PROVIDER));
        assert_eq!(theirs.status(), 201);
        assert_eq!(instance.calls(), 5);
        // Without the scope there is no response, not even a stored one.
        let path = "/vidm/default/v1/syncs";
        let refused = instance.send_request(request(OTHER, Method::POST, path, &[("idempotency-key", "k")], PROVIDER));
        refused.problem("forbidden");
    }
}

#[test]
fn event_identity_serves_as_key() {
    let instance = over(&MemoryStore::new(), [login(), add(), add()]);
    let event =
        |id: &str| format!(r#"{{"specversion":"1.0","id":"{id}","source":"/ä b","type":"t","data":{PROVIDER}}}"#);
    let headers = [("content-type", "application/cloudevents+json")];
    for (id, status) in [("1", "stored"), ("1", "replayed"), ("2", "stored")] {
        let answer = instance.send_with(Method::POST, PATH, &headers, &event(id));
        assert_eq!(told(&answer), (201, status.to_owned()), "{}", answer.text());
    }
}

#[test]
fn only_final_responses_are_stored() {
    let instance = over(&MemoryStore::new(), [login()]);
    let refused = || post(ROOT).answer(400, r#"{"errorCode":"IDENTITY_X","message":"no"}"#);
    for (call, expected) in [
        (post(ROOT).answer(500, ""), (502, "not-stored")),
        (post(ROOT).answer(503, "").answer_header("retry-after", "9"), (503, "not-stored")),
        (post(ROOT).fail(TransportErrorKind::Interrupted), (502, "not-stored")),
        (post(ROOT).answer(404, r#"{"errorCode":"NOT_FOUND","message":"no"}"#), (404, "not-stored")),
        (refused(), (422, "stored")),
    ] {
        instance.then([call]);
        let answer = keyed(&instance, "k", PROVIDER);
        assert_eq!(told(&answer), (expected.0, expected.1.to_owned()), "{}", answer.text());
    }
    let again = keyed(&instance, "k", PROVIDER);
    assert_eq!(told(&again), (422, "replayed".to_owned()));
    assert_eq!(again.problem("upstream_rejected")["upstream"]["code"], "IDENTITY_X");
    // A faulty request gets its errors each time, and can be corrected under the same key.
    assert_eq!(told(&keyed(&instance, "other", "{}")), (400, "not-stored".to_owned()));
    instance.then([add()]);
    assert_eq!(told(&keyed(&instance, "other", PROVIDER)), (201, "stored".to_owned()));
    keyed(&instance, "k y", PROVIDER).problem("request_invalid");
}

#[test]
fn concurrent_request_gets_retry_after() {
    for shares in [true, false] {
        let store = MemoryStore::new();
        let slow = [login(), add().takes(Duration::from_secs(3))];
        let instance = if shares { over(&store, slow) } else { Instance::new(slow) };
        let other = if shares { instance.beside() } else { instance.same() };
        let ask = |instance: &Instance, body: &str| {
            let request = request(KEY, Method::POST, PATH, &[("idempotency-key", "k")], body);
            let instance = instance.same();
            async move { instance.ask(request).await }
        };
        let late = async {
            instance.script.sleep(Duration::from_secs(1)).await;
            let (same, different) = (ask(&other, PROVIDER).await, ask(&other, "{}").await);
            (same, different)
        };
        let (first, (same, different)) = instance.script.run(join(ask(&instance, PROVIDER), late));
        assert_eq!(first.status(), 201);
        assert_eq!(same.status(), 409);
        assert_eq!(same.problem("idempotency_key_in_flight")["retryable"], true);
        assert_eq!(same.header("retry-after"), "5");
        different.problem("idempotency_key_reused");
        assert_eq!(told(&keyed(&other, "k", PROVIDER)), (201, "replayed".to_owned()));
    }
}

#[test]
fn key_is_released_after_crashed_holders_lease() {
    let store = MemoryStore::new();
    let instance = over(&store, [login(), add().hang()]);
    let is_gone = instance.script.run(async {
        let ask = pin!(instance.ask(request(KEY, Method::POST, PATH, &[("idempotency-key", "k")], PROVIDER)));
        matches!(select(ask, pin!(instance.script.sleep(Duration::from_secs(5)))).await, Either::Right(_))
    });
    assert!(is_gone);
    let other = instance.beside();
    keyed(&other, "k", PROVIDER).problem("idempotency_key_in_flight");
    // The request's 25 seconds and ten more.
    instance.script.advance(Duration::from_secs(29));
    keyed(&other, "k", PROVIDER).problem("idempotency_key_in_flight");
    instance.script.advance(Duration::from_secs(1));
    instance.then([add()]);
    assert_eq!(told(&keyed(&other, "k", PROVIDER)), (201, "stored".to_owned()));
    let counters = store.counters();
    assert!(counters.iter().all(|counter| is_of_ring(counter)) && counters.len() == 2, "{counters:?}");
}

#[test]
fn stored_responses_are_sealed_and_tampering_is_detected() {
    let store = MemoryStore::new();
    let instance = over(&store, [login(), add(), add()]);
    let first = keyed(&instance, "secret-key", PROVIDER);
    assert_eq!(told(&first), (201, "stored".to_owned()));
    let id = first.json()["id"].as_str().unwrap().to_owned();
    let mut planted = 0;
    for (key, value) in store.dump() {
        assert!(!String::from_utf8_lossy(&value).contains(&id) && !key.contains("secret-key"), "{key}");
        if key.contains(":idempotency:key:") {
            store.plant(&key, value[..value.len() - 1].to_vec());
            planted += 1;
        }
    }
    assert_eq!(planted, 1);
    assert_eq!(told(&keyed(&instance, "secret-key", PROVIDER)), (201, "stored".to_owned()));
}

#[test]
fn response_with_a_token_is_never_stored() {
    let path = "/vcf/default/v1/identity-providers/x/sync-client";
    let call = || {
        let before = get(format!("{ROOT}/x")).answer(200, r#"{"id":"x"}"#);
        [before, post(format!("{ROOT}/x/sync-client")).answer(200, TOKEN)]
    };
    for store in [Some(MemoryStore::new()), None] {
        let calls = [login()].into_iter().chain(call()).chain(call());
        let instance = match &store {
            Some(store) => over(store, calls),
            None => Instance::new(calls),
        };
        for _ in 0..2 {
            let answer = instance.send_with(Method::POST, path, &[("idempotency-key", "k")], "");
            assert_eq!(told(&answer), (200, "not-stored".to_owned()));
        }
        let records = store.iter().flat_map(|store| store.keys()).filter(|key| key.contains(":idempotency:key:"));
        assert_eq!(records.count(), 0);
    }
}

#[test]
fn noisy_caller_displaces_only_its_own_responses() {
    for store in [Some(MemoryStore::new()), None] {
        let instance = match &store {
            Some(store) => over(store, [login(), add()]),
            None => Instance::new([login(), add()]),
        };
        let theirs = |key: &str| {
            instance.send_request(request(OTHER, Method::POST, PATH, &[("idempotency-key", key)], PROVIDER))
        };
        let kept = told(&theirs("quiet")).1;
        let mut most = 0;
        for n in 0..1100 {
            instance.then([add()]);
            assert_eq!(told(&keyed(&instance, &format!("noisy-{n}"), PROVIDER)).1, kept);
            most = most.max(store.as_ref().map_or(0, |store| store.keys().len()));
        }
        assert_eq!(told(&theirs("quiet")).1, "replayed");
        assert_eq!(told(&keyed(&instance, "noisy-1099", PROVIDER)).1, "replayed");
        // Per caller at most 1024 responses (a record and its place in the ring), 256 claims and two counters; and the
        // tokens.
        assert!(most <= 2 * 1024 + 256 + 2 + 2 + 1 + 10, "{most} keys");
    }
}

#[test]
fn unstored_requests_displace_no_response() {
    let store = MemoryStore::new();
    let instance = over(&store, [login(), add()]);
    assert_eq!(told(&keyed(&instance, "k", PROVIDER)).1, "stored");
    let left = || store.keys().iter().filter(|key| key.contains(":idempotency:")).count();
    let before = left();
    for n in 0..600 {
        assert_eq!(told(&keyed(&instance, &format!("wrong-{n}"), "{}")), (400, "not-stored".to_owned()));
    }
    assert!(left() <= before + 256, "{} keys", left());
    assert_eq!(told(&keyed(&instance, "k", PROVIDER)).1, "replayed");
}

#[test]
fn claims_of_crashed_holders_are_deleted_in_turn() {
    let store = MemoryStore::new();
    let instance = over(&store, [login()]);
    for n in 0..300 {
        instance.then([add().hang()]);
        let key = format!("dead-{n}");
        instance.script.run(async {
            let ask =
                pin!(instance.ask(request(KEY, Method::POST, PATH, &[("idempotency-key", key.as_str())], PROVIDER)));
            assert!(matches!(select(ask, pin!(instance.script.sleep(Duration::from_secs(5)))).await, Either::Right(_)));
        });
    }
    // A ring of 256 places, each with a record and a counter.
    let left = store.keys().iter().filter(|key| key.contains(":idempotency:")).count();
    assert!(left <= 3 * 256 + 2, "{left} keys");
}

#[test]
fn caller_with_256_active_requests_gets_retry_after() {
    let store = MemoryStore::new();
    let instance = over(&store, [login(), add()]);
    keyed(&instance, "first", PROVIDER);
    let under_way = async |n: usize| {
        let key = format!("running-{n}");
        let ask = pin!(instance.ask(request(KEY, Method::POST, PATH, &[("idempotency-key", key.as_str())], PROVIDER)));
        match select(ask, pin!(instance.script.sleep(Duration::from_millis(10)))).await {
            Either::Left((answer, _)) => Some(answer),
            Either::Right(_) => None,
        }
    };
    for n in 0..255 {
        instance.then([add().hang()]);
        assert!(instance.script.run(under_way(n)).is_none(), "{n}");
    }
    // The next place is that of "first", which is free; then that of the first active one.
    instance.then([add().hang()]);
    assert!(instance.script.run(under_way(255)).is_none());
    let answer = instance.script.run(under_way(256)).unwrap();
    assert_eq!(answer.problem("rate_limited")["retryable"], true);
    assert_eq!(answer.header("retry-after"), "5");
}

#[test]
fn long_requests_do_not_block_the_places_of_others() {
    for open in [1, 100] {
        let store = MemoryStore::new();
        let instance = over(&store, [login(), add()]);
        keyed(&instance, "first", PROVIDER);
        for n in 0..open {
            instance.then([add().hang()]);
            let key = format!("open-{n}");
            let ask = instance.ask(request(KEY, Method::POST, PATH, &[("idempotency-key", key.as_str())], PROVIDER));
            let sleep = instance.script.sleep(Duration::from_millis(10));
            let (ask, sleep) = (pin!(ask), pin!(sleep));
            assert!(matches!(instance.script.run(select(ask, sleep)), Either::Right(_)), "{n}");
        }
        // These finish; their turns come to the places of the open ones.
        for n in 0..300 {
            let answer = keyed(&instance, &format!("done-{n}"), "{}");
            assert_eq!(told(&answer), (400, "not-stored".to_owned()), "{open} open, {n}");
        }
        let left = store.keys().iter().filter(|key| key.contains(":idempotency:")).count();
        assert!(left <= 2 * open + 256 + 2 + 2, "{left} keys");
        keyed(&instance, "open-0", PROVIDER).problem("idempotency_key_in_flight");
    }
}

#[test]
fn failing_store_leaves_the_instance_memory() {
    for fault in [StoreFault::Fails, StoreFault::RefusesWrites, StoreFault::Hangs, StoreFault::Absent] {
        let store = MemoryStore::new();
        let instance = over(&store, [login(), add()]);
        store.set_fault(fault);
        assert_eq!(told(&keyed(&instance, "k", PROVIDER)), (201, "best-effort".to_owned()), "{fault:?}");
        assert_eq!(told(&keyed(&instance, "k", PROVIDER)), (201, "replayed".to_owned()), "{fault:?}");
    }
}

#[test]
fn store_that_fails_during_the_work_leaves_the_instance_memory() {
    for fault in [StoreFault::Fails, StoreFault::RefusesWrites] {
        let store = MemoryStore::new();
        let instance = over(&store, [login(), add().takes(Duration::from_secs(3))]);
        let fails = async {
            instance.script.sleep(Duration::from_secs(1)).await;
            store.set_fault(fault);
        };
        let ask = instance.ask(request(KEY, Method::POST, PATH, &[("idempotency-key", "k")], PROVIDER));
        let (first, ()) = instance.script.run(join(ask, fails));
        assert_eq!(told(&first), (201, "best-effort".to_owned()), "{fault:?}");
        // The store still shows a request at work; later it shows none, and works again.
        for _ in 0..2 {
            assert_eq!(told(&keyed(&instance, "k", PROVIDER)), (201, "replayed".to_owned()), "{fault:?}");
            keyed(&instance, "k", "{}").problem("idempotency_key_reused");
            instance.script.advance(Duration::from_secs(60));
            store.set_fault(StoreFault::None);
        }
    }
}

#[test]
fn store_does_not_grow_beyond_its_slots() {
    let store = MemoryStore::new();
    let instance = over(&store, [login(), add(), add(), add()]);
    keyed(&instance, "first", PROVIDER);
    // As if the ring had gone round.
    let counters = store.counters();
    let serial = counters.iter().find(|key| key.ends_with(":answers")).unwrap();
    store.count(serial, 1023);
    let before = store.keys().len();
    assert_eq!(told(&keyed(&instance, "another", PROVIDER)).1, "stored");
    assert_eq!(store.keys().len(), before + 1, "one added, one removed; a claim has its place in the other ring");
    assert_eq!(told(&keyed(&instance, "another", PROVIDER)).1, "replayed");
    assert_eq!(told(&keyed(&instance, "first", PROVIDER)).1, "stored", "it is no longer stored");
}

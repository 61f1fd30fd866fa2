//! The limit of a caller's open waits and event streams.

use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, select};
use http::Method;
use idhook::runtime::Clock as _;
use idhook::webhook::Events;

use crate::support::memory_store::{MemoryStore, StoreFault};
use crate::support::script::{Script, get};
use crate::support::vidm::{CORP, LIST, classic, idle, lists, logs_in, sync_state};
use crate::support::webhook::{Answer, Instance, KEY, READER, Shared, request};

const LIMIT: (&str, &str) = ("watch_limit", "3");
const SECOND: Duration = Duration::from_secs(1);

/// The path of an active sync.
fn started(store: &Rc<MemoryStore>) -> String {
    let instance =
        Instance::over(Script::new([logs_in("t1"), lists(), idle(CORP), classic(CORP)]).with_store(store), &[LIMIT]);
    let answer = instance.send(Method::POST, &format!("/vidm/default/v1/directories/{CORP}/syncs"), "");
    assert_eq!(answer.status(), 202, "{}", answer.text());
    answer.header("location").to_owned()
}

/// Instances whose vIDM does not respond: streams stay open anyway.
fn instance(store: Option<&Rc<MemoryStore>>) -> Instance {
    let script = Script::refusing();
    Instance::over(if let Some(store) = store { script.with_store(store) } else { script }, &[LIMIT])
}

fn open(instance: &Instance, key: &str, place: &str) -> Result<Box<Events<Shared>>, Box<Answer>> {
    instance.script.run(instance.open(request(key, Method::GET, place, &[("accept", "text/event-stream")], "")))
}

fn refused(instance: &Instance, place: &str) {
    let Err(answer) = open(instance, KEY, place) else { panic!("a stream was opened") };
    assert_eq!(answer.status(), 429);
    let problem = answer.problem("rate_limited");
    assert!(problem["hint"].as_str().unwrap().contains("watch_limit"), "{problem}");
    assert_eq!(answer.header("retry-after"), "5");
}

#[test]
fn watches_beyond_the_limit_are_rejected() {
    let place = started(&MemoryStore::new());
    for store in [None, Some(MemoryStore::new())] {
        let instance = instance(store.as_ref());
        let mut streams: Vec<_> = (0..3).map(|_| open(&instance, KEY, &place).unwrap()).collect();
        refused(&instance, &place);
        refused(&instance, &place);
        // Another caller has its own limit, and requests without a wait are not counted.
        let theirs = open(&instance, READER, &place).unwrap();
        instance.get(&place).problem("upstream_unreachable");
        // Each disconnect makes room for one.
        for _ in 0..5 {
            streams.pop();
            streams.push(open(&instance, KEY, &place).unwrap());
            refused(&instance, &place);
        }
        drop(theirs);
    }
}

#[test]
fn waits_count_like_streams() {
    let place = started(&MemoryStore::new());
    let state = format!(
        "https://vidm.corp.example/SAAS/jersey/manager/api/connectormanagement/directoryconfigs/{CORP}/syncprofile/sync"
    );
    let instance = Instance::over(Script::new([logs_in("t1"), get(state).hang()]), &[LIMIT]);
    let ask = |headers: &[(&'static str, &str)]| {
        let request = request(KEY, Method::GET, &place, headers, "");
        let instance = instance.same();
        async move { instance.ask(request).await }
    };
    let streams: Vec<_> = (0..2).map(|_| open(&instance, KEY, &place).unwrap()).collect();
    instance.script.run(async {
        let (wait, late) = (pin!(ask(&[("prefer", "wait=60")])), pin!(instance.script.sleep(SECOND)));
        let Either::Right(((), _wait)) = select(wait, late).await else { panic!("it did not wait") };
        ask(&[("prefer", "wait=60")]).await.problem("rate_limited");
        let start = request(KEY, Method::POST, "/vidm/default/v1/syncs", &[("prefer", "wait=5")], "{}");
        instance.ask(start).await.problem("rate_limited");
        // Here the client disconnects.
    });
    let _third = open(&instance, KEY, &place).unwrap();
    refused(&instance, &place);
    drop(streams);
}

#[test]
fn instances_that_share_a_store_count_together() {
    let store = MemoryStore::new();
    let place = started(&store);
    let (one, two) = {
        let one = instance(Some(&store));
        let two = one.beside_with(&[LIMIT]);
        (one, two)
    };
    let (mut first, second) = (open(&one, KEY, &place).unwrap(), open(&two, KEY, &place).unwrap());
    let third = open(&one.beside_with(&[LIMIT]), KEY, &place).unwrap();
    refused(&one, &place);
    refused(&one.beside_with(&[LIMIT]), &place);
    // A properly closed one makes room at once.
    one.script.run(first.close());
    let mut again = open(&two, KEY, &place).unwrap();
    refused(&one, &place);
    // Active ones are counted as long as they last: one of the three here, the others' instances crashed.
    drop((first, second, third));
    let late = one.beside_with(&[LIMIT]);
    while one.script.elapsed() < 31 * SECOND {
        assert!(one.script.run(again.next()).is_some());
    }
    let _both = (open(&late, KEY, &place).unwrap(), open(&late, KEY, &place).unwrap());
    refused(&one.beside_with(&[LIMIT]), &place);
}

#[test]
fn stream_counts_while_the_targets_retry_after_runs() {
    let store = MemoryStore::new();
    let place = started(&store);
    let one_only = [("watch_limit", "1")];
    let busy = sync_state(CORP).answer(429, "").answer_header("retry-after", "60");
    let instance = Instance::sharing(&store, &one_only, [busy]);
    let mut stream = open(&instance, KEY, &place).unwrap();
    let mut next = || {
        let begun = instance.script.elapsed();
        let piece = instance.script.run(stream.next()).unwrap();
        (piece, instance.script.elapsed() - begun)
    };
    assert!(next().0.starts_with(b"event: problem"));
    for _ in 0..6 {
        assert_eq!(next(), (Bytes::from_static(b":\n\n"), 10 * SECOND));
        refused(&instance.beside_with(&one_only), &place);
    }
    instance.then([sync_state(CORP).answer(200, r#"{"status":"RUNNING"}"#)]);
    assert!(next().0.starts_with(b"event: state"));
}

#[test]
fn watching_leaves_few_keys_in_the_store() {
    let store = MemoryStore::new();
    let place = started(&store);
    let instance = instance(Some(&store));
    for round in 0..200_u64 {
        let mut stream = open(&instance, KEY, &place).unwrap();
        instance.script.run(async { (stream.next().await, stream.next().await) });
        if round % 2 == 0 {
            instance.script.run(stream.close());
        }
        instance.script.advance(Duration::from_secs(round % 50));
        let keys = store.keys().into_iter().filter(|key| key.contains(":watch:")).count();
        assert!(keys <= 5, "{keys} keys after {round} streams");
    }
}

#[test]
fn failing_store_leaves_the_instances_own_count() {
    for fault in [StoreFault::Fails, StoreFault::RefusesWrites] {
        let store = MemoryStore::new();
        let place = started(&store);
        let instance = instance(Some(&store));
        store.set_fault(fault);
        let _streams: Vec<_> = (0..3).map(|_| open(&instance, KEY, &place).unwrap()).collect();
        refused(&instance, &place);
    }
}

#[test]
fn wait_does_not_lengthen_a_request_that_does_not_wait() {
    let instance = Instance::over(Script::new([logs_in("t1"), get(LIST).hang()]), &[("first_byte_timeout", "600")]);
    let headers = [("prefer", "wait=300")];
    let answer = instance.send_with(Method::GET, "/vidm/default/v1/directories", &headers, "");
    assert!(answer.status().is_server_error(), "{}", answer.text());
    let took = instance.script.elapsed();
    assert!(took <= Duration::from_secs(26), "{took:?}");
}

//! Sync ids: their length, and requests that do not fit into one.

use std::rc::Rc;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::support::memory_store::{MemoryStore, StoreFault};
use crate::support::script::{Call, Script, get};
use crate::support::vidm::{CORP, DIRECTORIES, LIST, classic, idle, lists, logs_in, sync_state};
use crate::support::webhook::{Answer, Instance};

/// The longest name of a callback.
const CALLBACK: &str = "tickets-of-the-identity-team.production.europe-west.corp.exampl";

fn callbacks() -> String {
    let secret = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
    json!([{ "name": CALLBACK, "url": "https://other.corp.example/", "secret": secret }]).to_string()
}

/// The list of directories with another name for corp.example.
fn lists_with(name: &str) -> Call {
    get(LIST).answer(200, DIRECTORIES.replace("\"corp.example\"", &json!(name).to_string()))
}

/// `count` groups of `length` characters each that share almost nothing.
fn unlike(count: usize, length: usize, letter: char) -> Vec<String> {
    let name = |at: usize| {
        let letters = (0..length).map(|place| char::from(b'a' + u8::try_from((at * 7 + place * 11) % 26).unwrap()));
        letters.chain("@corp.example".chars()).map(|c| if c == 'b' { letter } else { c }).collect()
    };
    (0..count).map(name).collect()
}

fn alike(count: usize) -> Vec<String> {
    (0..count).map(|at| format!("CN=gg-app-{at:03},OU=Groups,DC=corp,DC=example")).collect()
}

fn instance(store: Option<&Rc<MemoryStore>>, calls: impl IntoIterator<Item = Call>) -> Instance {
    let script = Script::new(calls);
    let script = if let Some(store) = store { script.with_store(store) } else { script };
    Instance::over(script, &[("callbacks", &callbacks())])
}

fn start(instance: &Instance, body: &Value) -> Answer {
    instance.send(Method::POST, &format!("/vidm/default/v1/directories/{CORP}/syncs"), &body.to_string())
}

fn id(started: &Answer) -> String {
    assert_eq!(started.status(), 202, "{}", started.text());
    started.json()["id"].as_str().unwrap().to_owned()
}

/// The number of groups in the log line of the latest request.
fn logged_groups(instance: &Instance) -> Value {
    serde_json::from_str::<Value>(instance.script.lines().last().unwrap()).unwrap()["groups"].clone()
}

/// Starts a sync of these groups at a new instance, and reads its state at another one; returns the id.
fn round_trip(store: Option<&Rc<MemoryStore>>, directory: &str, groups: &[String], callback: Option<&str>) -> String {
    let running = || sync_state(CORP).answer(200, r#"{"status":"RUNNING"}"#);
    let one = instance(store, [logs_in("t1"), lists_with(directory), idle(CORP), classic(CORP).answer(200, "{}")]);
    let id = id(&start(&one, &json!({ "groups": groups, "callback": callback })));
    let token = if store.is_none() { vec![logs_in("t2")] } else { vec![] };
    let two = instance(store, token.into_iter().chain([running()]));
    let state = two.get(&format!("/vidm/default/v1/syncs/{id}"));
    assert_eq!((&state.json()["status"], &state.json()["id"]), (&json!("running"), &json!(id)), "{}", state.text());
    assert_eq!(logged_groups(&two), groups.len());
    id
}

#[test]
fn sync_id_with_a_store_has_at_most_255_characters() {
    for directory in ["corp.example", &"d".repeat(1000), &"目录".repeat(300)] {
        for groups in [vec![], alike(1), alike(100), unlike(100, 300, 'b'), unlike(100, 200, '組')] {
            for callback in [None, Some(CALLBACK)] {
                let id = round_trip(Some(&MemoryStore::new()), directory, &groups, callback);
                assert!(id.len() <= 255, "{}: {directory} {callback:?} {groups:?}", id.len());
            }
        }
    }
}

#[test]
fn sync_id_without_a_store_has_at_most_700_characters() {
    for directory in ["corp.example", &"d".repeat(1000), &"目录".repeat(300)] {
        for groups in [vec![], alike(1), alike(40), unlike(4, 60, 'b'), unlike(4, 52, 'é')] {
            for callback in [None, Some(CALLBACK)] {
                let id = round_trip(None, directory, &groups, callback);
                assert!(id.len() <= 700, "{}: {directory} {callback:?} {groups:?}", id.len());
            }
        }
    }
}

#[test]
fn oversized_groups_are_rejected_before_any_call() {
    let refused = start(&instance(None, []), &json!({ "groups": unlike(10, 60, 'b') })).problem("request_invalid");
    assert_eq!(refused["errors"][0]["pointer"], "/groups");
    let detail = "takes 644 bytes; at most 300 fit in a sync id without a key-value store";
    assert_eq!(refused["errors"][0]["detail"], detail);
    assert_eq!(refused["hint"], "give idhook a key-value store, or split the groups over several requests");

    let store = MemoryStore::new();
    let refused = start(&instance(Some(&store), []), &json!({ "groups": unlike(100, 800, 'b') }));
    assert_eq!(refused.problem("request_invalid")["hint"], "split the groups over several requests");
}

#[test]
fn groups_are_found_again_after_a_store_failure() {
    let store = MemoryStore::new();
    let instance = instance(Some(&store), [logs_in("t1"), lists(), idle(CORP), classic(CORP)]);
    let id = id(&start(&instance, &json!({ "groups": unlike(50, 30, 'b') })));
    let place = format!("/vidm/default/v1/syncs/{id}");
    store.set_fault(StoreFault::Fails);
    for _ in 0..2 {
        let answer = instance.get(&place);
        assert_eq!(answer.problem("upstream_busy")["retryable"], true);
        assert_eq!(answer.header("retry-after"), "10");
    }
    store.set_fault(StoreFault::None);
    instance.script.advance(Duration::from_secs(10));
    instance.then([sync_state(CORP).answer(200, r#"{"status":"RUNNING"}"#)]);
    assert_eq!(instance.get(&place).status(), 200);
    assert_eq!(logged_groups(&instance), 50);
}

#[test]
fn groups_are_found_in_a_store_that_refuses_writes() {
    let store = MemoryStore::new();
    let instance = instance(Some(&store), [logs_in("t1"), lists(), idle(CORP), classic(CORP)]);
    let id = id(&start(&instance, &json!({ "groups": unlike(50, 30, 'b') })));
    store.set_fault(StoreFault::RefusesWrites);
    instance.script.advance(Duration::from_secs(10));
    for _ in 0..2 {
        instance.then([sync_state(CORP).answer(200, r#"{"status":"RUNNING"}"#)]);
        assert_eq!(instance.get(&format!("/vidm/default/v1/syncs/{id}")).status(), 200);
    }
}

#[test]
fn lost_groups_are_an_error_and_never_a_success() {
    let groups = unlike(50, 30, 'b');
    let started = |store: &Rc<MemoryStore>, groups: &[String]| {
        let calls = [logs_in("t1"), lists(), idle(CORP), classic(CORP).answer(200, "{}")];
        id(&start(&instance(Some(store), calls), &json!({ "groups": groups })))
    };
    // The place of the groups is emptied, altered, expired, or used by another request.
    let losses: [fn(&MemoryStore, &str); 4] = [
        |store, _| store.clear(),
        |store, place| store.plant(place, vec![]),
        |store, place| store.plant(place, b"another program's".to_vec()),
        |_, _| {},
    ];
    for (at, lose) in losses.into_iter().enumerate() {
        let store = MemoryStore::new();
        let id = started(&store, &groups);
        let place = store.keys().into_iter().find(|key| key.contains(":request:")).unwrap();
        lose(&store, &place);
        if at == 0 {
            // The same place, with fewer groups.
            started(&store, &groups[..40]);
            assert!(store.keys().contains(&place));
        }
        let instance = instance(Some(&store), []);
        instance.script.advance(Duration::from_hours(if at == 3 { 49 } else { 0 }));
        let problem = instance.get(&format!("/vidm/default/v1/syncs/{id}")).problem("sync_not_found");
        assert_eq!(problem["detail"], "the store no longer has the groups of this sync", "{at}");
    }
}

#[test]
fn ids_become_longer_while_the_store_fails() {
    let calls = || [logs_in("t1"), lists(), idle(CORP), classic(CORP).answer(200, "{}")];
    for fault in [StoreFault::Fails, StoreFault::RefusesWrites] {
        let store = MemoryStore::new();
        store.set_fault(fault);
        let id = id(&start(&instance(Some(&store), calls()), &json!({ "groups": unlike(4, 60, 'b') })));
        assert!((256..=700).contains(&id.len()), "{}", id.len());
        let busy = start(&instance(Some(&store), calls()), &json!({ "groups": unlike(20, 60, 'b') }));
        assert!(busy.problem("upstream_busy")["hint"].as_str().unwrap().contains("send the same request again"));
    }
}

#[test]
fn responses_contain_one_link() {
    let instance = instance(None, [logs_in("t1"), lists(), idle(CORP), classic(CORP).answer(200, "{}")]);
    let started = start(&instance, &json!({}));
    let links = json!({ "self": started.header("location") });
    assert_eq!(started.json()["links"], links);
    instance.then([sync_state(CORP).answer(200, r#"{"status":"RUNNING"}"#)]);
    assert_eq!(instance.get(started.header("location")).json()["links"], links);
}

#[test]
fn rejected_starts_leave_no_groups_in_the_store() {
    let store = MemoryStore::new();
    let instance = Instance::over(Script::refusing().with_store(&store), &[]);
    for at in 0..100 {
        let refused = start(&instance, &json!({ "groups": unlike(50, 30 + at, 'b') }));
        assert!(refused.status().is_server_error(), "{}", refused.text());
        instance.script.advance(Duration::from_secs(60));
    }
    let left: Vec<_> = store.keys().into_iter().filter(|key| key.contains(":request")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn starts_for_unknown_ids_leave_nothing_in_the_store() {
    let store = MemoryStore::new();
    let instance = Instance::over(Script::new([logs_in("t1")]).with_store(&store), &[]);
    let mut first = 0;
    for at in 0..200 {
        // The list is requested, and any other call for the id returns 404.
        instance.then([lists()]);
        let path = format!("/vidm/default/v1/directories/99999999-7777-4888-8999-{at:012}/syncs");
        let body = json!({ "groups": unlike(50, 30, 'b') }).to_string();
        instance.send(Method::POST, &path, &body).problem("directory_not_found");
        if at == 0 {
            first = store.keys().len();
        }
    }
    assert!(store.keys().len() <= first + 2, "{:#?}", store.keys());
}

#[test]
fn kept_requests_are_bounded_per_caller() {
    let store = MemoryStore::new();
    let other = json!({"vidm": {"other": {"url": "https://vidm.corp.example", "username": "svc-sync", "password": "pässword"}}});
    let calls = || [lists(), idle(CORP), classic(CORP).answer(200, "{}")];
    let instance = Instance::sharing(&store, &[("targets", &other.to_string())], [logs_in("t1")]);
    let body = json!({ "groups": unlike(50, 30, 'b') }).to_string();
    let kept = || store.keys().into_iter().filter(|key| key.contains(":request:")).collect::<Vec<_>>();
    let mut places = Vec::new();
    for target in ["default", "other"] {
        instance.then(calls());
        let path = format!("/vidm/{target}/v1/directories/{CORP}/syncs");
        id(&instance.send(Method::POST, &path, &body));
        places.push(kept());
        // The ring's other places are used.
        let serial = store.counters().into_iter().find(|key| key.contains(":requests:")).unwrap();
        store.count(&serial, 4095);
    }
    assert_eq!(places[0], places[1], "one place for the requests of both targets");
    assert_eq!(places[0].len(), 1);
}

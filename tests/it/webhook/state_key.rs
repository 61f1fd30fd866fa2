//! The state key: generated if none is configured, replaced without interruption otherwise.

use http::Method;
use idhook::runtime::Runtime as _;
use serde_json::json;

use crate::support::memory_store::{MemoryStore, StoreFault};
use crate::support::script::{Call, get};
use crate::support::vidm::{CORP, LIST, classic, idle, lists, logs_in};
use crate::support::webhook::Instance;

const UNSET: (&str, &str) = ("state_key", "");
const OLD: &str = "pOb2TGAdDhbFxUcP3RmTTnhVPXuR0NJ8";
const NEW: &str = "1fd28b8d51a2b5e4d7c9a60f3c8be417";

fn starts() -> [Call; 4] {
    [logs_in("t1"), lists(), idle(CORP), classic(CORP).answer(200, "{}")]
}

fn state() -> Call {
    get(format!(
        "https://vidm.corp.example/SAAS/jersey/manager/api/connectormanagement/directoryconfigs/{CORP}/syncprofile/sync"
    ))
    .answer(200, r#"{"status":"RUNNING"}"#)
}

/// Starts a sync; returns the path of its state.
fn started(instance: &Instance) -> String {
    let answer = instance.send(Method::POST, "/vidm/default/v1/directories/corp.example/syncs", "");
    assert_eq!(answer.status(), 202, "{}", answer.text());
    answer.header("location").to_owned()
}

#[test]
fn instances_without_state_key_share_a_random_key_in_the_store() {
    let store = MemoryStore::new();
    let one = Instance::sharing(&store, &[UNSET], starts());
    let place = started(&one);
    let keys = store.keys();
    assert!(keys.iter().any(|key| key.starts_with("idhook:key:")), "{keys:?}");
    // The other instance reads the token, the list and the ledger too: it only requests the state.
    let two = Instance::sharing(&store, &[UNSET], [state()]);
    assert_eq!(two.get(&place).json()["status"], "running");
    let dump = store.dump();
    let (key, drawn) = dump.iter().find(|(key, _)| key.starts_with("idhook:key:")).unwrap();
    assert_eq!(drawn.len(), 33);
    for hidden in ["svc-sync", "vidm.corp", "pässword"] {
        assert!(!key.contains(hidden), "{key}");
    }
}

#[test]
fn ids_survive_a_changed_password_and_new_callers_without_state_key() {
    let store = MemoryStore::new();
    let place = started(&Instance::sharing(&store, &[UNSET], starts()));
    let changed = Instance::sharing(
        &store,
        &[UNSET, ("vidm_password", "another")],
        [crate::support::script::post(crate::support::vidm::LOGIN).answer(200, r#"{"sessionToken":"t2"}"#), state()],
    );
    assert_eq!(changed.get(&place).status(), 200);
}

#[test]
fn other_targets_on_the_same_store_have_another_key() {
    let store = MemoryStore::new();
    let place = started(&Instance::sharing(&store, &[UNSET], starts()));
    for (variable, value) in
        [("vidm_url", "https://other.corp.example"), ("vidm_username", "else"), ("vcf_url", "https://o")]
    {
        let other = Instance::sharing(&store, &[UNSET, (variable, value)], []);
        // A script's random numbers begin the same each time.
        other.script.random();
        other.get(&place).problem("sync_not_found");
    }
}

#[test]
fn ids_may_be_valid_while_the_store_with_their_key_fails() {
    let store = MemoryStore::new();
    let place = started(&Instance::sharing(&store, &[UNSET], starts()));
    for fault in [StoreFault::Fails, StoreFault::Hangs] {
        store.set_fault(fault);
        let young = Instance::sharing(&store, &[UNSET], []);
        young.script.random();
        let answer = young.get(&place);
        assert_eq!(answer.problem("upstream_busy")["retryable"], true, "{fault:?}");
        assert_eq!(answer.header("retry-after"), "10", "{fault:?}");
        // It recovers with the store.
        store.set_fault(StoreFault::None);
        young.script.advance(std::time::Duration::from_secs(11));
        young.then([state()]);
        assert_eq!(young.get(&place).json()["status"], "running", "{fault:?}");
    }
    // A configured key decides by itself.
    store.set_fault(StoreFault::Fails);
    let keyed = Instance::sharing(&store, &[("state_key", OLD)], []);
    keyed.get(&place).problem("sync_not_found");
}

#[test]
fn id_is_valid_only_at_its_instance_without_a_store() {
    for store in ["none", "auto"] {
        let one = Instance::with(&[UNSET, ("store", store)], starts());
        let place = started(&one);
        one.then([state()]);
        assert_eq!(one.get(&place).status(), 200);
        one.script.random();
        let problem = one.beside_with(&[UNSET, ("store", store)]).get(&place).problem("sync_not_found");
        assert!(problem["hint"].as_str().unwrap().contains("set state_key"), "{problem}");
    }
}

#[test]
fn sync_can_be_followed_with_a_failing_store() {
    let store = MemoryStore::new();
    store.set_fault(StoreFault::Fails);
    let one = Instance::sharing(&store, &[UNSET], starts());
    let place = started(&one);
    one.then([state()]);
    assert_eq!(one.get(&place).status(), 200);
    store.set_fault(StoreFault::None);
    one.script.advance(std::time::Duration::from_secs(11));
    one.then([state()]);
    assert_eq!(one.get(&place).status(), 200, "the instance's own key still opens");
}

#[test]
fn replaced_key_opens_ids_groups_tokens_and_stored_answers_of_the_old_one() {
    let both = json!([NEW, OLD]).to_string();
    let store = MemoryStore::new();
    let old = Instance::sharing(&store, &[("state_key", OLD)], starts());
    // Groups that are too long for an id are kept in the store.
    let groups: Vec<String> = (0..60).map(|n| format!("CN=gg-{n:040},OU=Groups,DC=corp,DC=example")).collect();
    let body = json!({ "groups": groups }).to_string();
    let path = "/vidm/default/v1/directories/corp.example/syncs";
    let key = [("idempotency-key", "one")];
    let first = old.send_with(Method::POST, path, &key, &body);
    assert_eq!(first.status(), 202, "{}", first.text());
    let place = first.header("location").to_owned();

    let new = Instance::sharing(&store, &[("state_key", &both)], []);
    let again = new.send_with(Method::POST, path, &key, &body);
    assert_eq!((again.status(), again.header("idempotency-status")), (first.status(), "replayed"), "{}", again.text());
    // No login: the token is found too.
    new.then([state()]);
    let found = new.get(&place);
    assert_eq!(found.status(), 200, "{}", found.text());
    let place = found.json()["links"]["self"].as_str().unwrap().to_owned();
    let last = Instance::sharing(&store, &[("state_key", NEW)], []);
    last.get(first.json()["links"]["self"].as_str().unwrap()).problem("sync_not_found");
    // Its groups are still under the old key; a state without them would be wrong.
    assert!(last.get(&place).status().is_client_error());
}

#[test]
fn revoked_token_of_an_old_key_does_not_come_back() {
    let both = json!([NEW, OLD]).to_string();
    let store = MemoryStore::new();
    let old = Instance::sharing(&store, &[("state_key", OLD)], [logs_in("t1"), lists()]);
    assert_eq!(old.get("/vidm/default/v1/directories").status(), 200);
    let lists_as = |token: &str, status| {
        get(LIST).header("authorization", format!("HZN {token}")).answer(status, r#"{"items":[]}"#)
    };
    let new =
        Instance::sharing(&store, &[("state_key", &both)], [lists_as("t1", 401), logs_in("t2"), lists_as("t2", 200)]);
    assert_eq!(new.get("/vidm/default/v1/directories").status(), 200);
    let another = Instance::sharing(&store, &[("state_key", &both)], [lists_as("t2", 200)]);
    assert_eq!(another.get("/vidm/default/v1/directories").status(), 200);
}

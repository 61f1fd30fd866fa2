//! State that instances share: each script here is one instance, over a common store.

use std::rc::Rc;

use std::time::Duration;

use http::HeaderMap;
use idhook::error::{ErrorCode, Result};
use idhook::http::Limits;
use idhook::runtime::Clock as _;
use idhook::secret::Secret;
use idhook::shared_state::StateKey;
use idhook::shared_state::StoreAccess;
use idhook::upstream::Outbound;
use idhook::vidm::{Cache, Client, Credentials, Target};

use crate::support::memory_store::{MemoryStore, StoreFault};
use crate::support::script::{Call, Script, post};
use crate::support::vidm::{CORP, LOGIN, NOBODY, classic, lists, logs_in, start, system, target};

const MINUTE: Duration = Duration::from_secs(60);

/// One instance: its script, its cache, its view of the store.
struct Instance {
    target: Target,
    memory: Cache,
    script: Script,
    access: StoreAccess,
}

impl Instance {
    fn new(store: &Rc<MemoryStore>, calls: impl IntoIterator<Item = Call>) -> Self {
        Self::keyed("k", store, calls)
    }

    fn keyed(key: &str, store: &Rc<MemoryStore>, calls: impl IntoIterator<Item = Call>) -> Self {
        Self {
            target: target(system()),
            memory: Cache::default(),
            script: Script::new(calls).with_store(store),
            access: StoreAccess::new(Rc::new(StateKey::of(key)), String::new()),
        }
    }

    /// One request's work, and the store's failure.
    fn run<T>(&self, work: impl AsyncFnOnce(&Outbound<'_, Script>, Client<'_, Script>) -> T) -> (T, Option<String>) {
        let out = Outbound::new(&self.script, Limits::default(), MINUTE, HeaderMap::new()).with_store(&self.access);
        let done = self.script.run(work(&out, Client::new(&self.target, &self.memory, &out)));
        (done, out.store().trouble())
    }

    fn start(&self, directory: &str) -> (Result<bool>, Option<String>) {
        self.run(async |_, client| start(&client, directory, false).await)
    }
}

fn starts(token: &str) -> Call {
    classic(CORP).header("authorization", format!("HZN {token}")).answer(200, "{}")
}

/// An instance that has logged in and read the list.
fn warm(store: &Rc<MemoryStore>) {
    let first = Instance::new(store, [logs_in("t1"), lists(), starts("t1")]);
    assert_eq!(first.start("corp.example").1, None);
}

#[test]
fn cold_instance_makes_one_call() {
    let store = MemoryStore::new();
    warm(&store);
    for directory in [CORP, "corp.example", "CORP.example"] {
        let (started, trouble) = Instance::new(&store, [starts("t1")]).start(directory);
        started.unwrap();
        assert_eq!(trouble, None, "{directory}");
    }
}

#[test]
fn store_contents_are_unreadable() {
    let store = MemoryStore::new();
    warm(&store);
    let dump = store.dump();
    assert_eq!(dump.len(), 2, "a token and a list: {:?}", store.keys());
    for (key, value) in dump {
        assert!(key.starts_with("idhook:"), "{key}");
        let shown = format!("{key} {}", String::from_utf8_lossy(&value));
        for secret in ["t1", "HZN", "pässword", "svc-sync", "corp.example", CORP, "vidm."] {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
    }
}

#[test]
fn expired_values_are_absent_and_deleted() {
    let store = MemoryStore::new();
    warm(&store);
    let later = Instance::new(&store, [logs_in("t2"), lists(), starts("t2")]);
    later.script.advance(Duration::from_secs(25 * 3600));
    let (kept, _) = later.run(async |out, _| {
        let store = out.store();
        assert!(store.set("x", b"1", MINUTE).await);
        out.runtime().sleep(MINUTE - Duration::from_millis(1)).await;
        store.get("x").await
    });
    assert!(kept.is_some());
    let (kept, _) = later.run(async |out, _| {
        out.runtime().sleep(Duration::from_millis(1)).await;
        out.store().get("x").await
    });
    assert_eq!(kept, None);
    assert_eq!(store.keys().iter().filter(|key| key.ends_with(":x")).count(), 0, "it is deleted");
    later.start("corp.example").0.unwrap();
}

#[test]
fn other_password_key_or_url_uses_other_entries() {
    let store = MemoryStore::new();
    warm(&store);
    let mut other = Instance::new(&store, [post(LOGIN).answer(200, r#"{"sessionToken":"t2"}"#), starts("t2")]);
    let Credentials::System { password, .. } = &mut other.target.credentials else { panic!() };
    *password = Secret::new("another");
    other.start(CORP).0.unwrap();
    Instance::keyed("another", &store, [logs_in("t3"), starts("t3")]).start(CORP).0.unwrap();
    Instance::new(&store, [starts("t1")]).start(CORP).0.unwrap();
}

#[test]
fn foreign_and_damaged_values_are_ignored() {
    let store = MemoryStore::new();
    warm(&store);
    let good = store.dump();
    let (first, second) = (&good[0], &good[1]);
    // Swapped, truncated, empty, of another version, plain.
    for (one, two) in [
        (second.1.clone(), first.1.clone()),
        (first.1[..first.1.len() - 1].to_vec(), second.1[..40].to_vec()),
        (Vec::new(), Vec::new()),
        ([&[9], &first.1[1..]].concat(), [&[0], &second.1[1..]].concat()),
        (b"HZN t1".to_vec(), br#"{"items":[],"domains":{}}"#.to_vec()),
    ] {
        store.plant(&first.0, one);
        store.plant(&second.0, two);
        let (started, trouble) = Instance::new(&store, [logs_in("t2"), lists(), starts("t2")]).start("corp.example");
        started.unwrap();
        assert_eq!(trouble, None, "an absent value is not a failure");
    }
}

#[test]
fn revoked_token_costs_one_login_and_is_replaced() {
    let store = MemoryStore::new();
    warm(&store);
    let refused = || classic(CORP).header("authorization", "HZN t1").answer(401, "");
    Instance::new(&store, [refused(), logs_in("t2"), starts("t2")]).start(CORP).0.unwrap();
    Instance::new(&store, [starts("t2")]).start(CORP).0.unwrap();
}

#[test]
fn newer_shared_token_is_used_before_a_login() {
    let store = MemoryStore::new();
    let first = Instance::new(&store, [logs_in("t1"), starts("t1")]);
    first.start(CORP).0.unwrap();
    let refused = |token: &str| classic(CORP).header("authorization", format!("HZN {token}")).answer(401, "");
    Instance::new(&store, [refused("t1"), logs_in("t2"), starts("t2")]).start(CORP).0.unwrap();
    first.script.then([refused("t1"), starts("t2")]);
    first.start(CORP).0.unwrap();
    // If that is rejected too, there is one login and no further attempt.
    Instance::new(&store, [refused("t2"), logs_in("t3"), starts("t3")]).start(CORP).0.unwrap();
    first.script.then([refused("t2"), refused("t3"), logs_in("t4"), refused("t4")]);
    assert_eq!(first.start(CORP).0.unwrap_err().code(), ErrorCode::UpstreamAuth);
}

#[test]
fn rejection_applies_to_all_instances_for_that_password() {
    let store = MemoryStore::new();
    let first = Instance::new(&store, [post(LOGIN).answer(401, "")]);
    let told = first.start(CORP).0.unwrap_err();
    for _ in 0..5 {
        let held = Instance::new(&store, []).start(CORP).0.unwrap_err();
        assert_eq!((held.code(), held.hint_text()), (ErrorCode::UpstreamAuth, told.hint_text()));
        assert!(held.detail().contains("so that the account is not locked"), "{held}");
    }
    let mut mended = Instance::new(&store, [post(LOGIN).answer(200, r#"{"sessionToken":"t2"}"#), starts("t2")]);
    let Credentials::System { password, .. } = &mut mended.target.credentials else { panic!() };
    *password = Secret::new("mended");
    mended.start(CORP).0.unwrap();
    let later = Instance::new(&store, [logs_in("t3"), starts("t3")]);
    later.script.advance(15 * MINUTE);
    later.start(CORP).0.unwrap();
}

#[test]
fn wrong_list_is_dropped_for_all_instances() {
    let store = MemoryStore::new();
    warm(&store);
    let gone =
        Instance::new(&store, [classic(CORP).answer(404, ""), lists(), crate::support::vidm::v2(CORP).answer(404, "")]);
    let before = store.dump();
    gone.start("corp.example").0.unwrap_err();
    assert_ne!(store.dump(), before, "the list was read anew");
    let unknown = Instance::new(&store, [classic(NOBODY).answer(404, ""), lists()]);
    assert_eq!(unknown.start(NOBODY).0.unwrap_err().code(), ErrorCode::DirectoryNotFound);
}

#[test]
fn failing_store_is_bypassed() {
    for (fault, told) in [
        (StoreFault::Absent, None),
        (StoreFault::Fails, Some("get: scripted")),
        (StoreFault::Hangs, Some("get: no response within 500 ms")),
    ] {
        let store = MemoryStore::new();
        store.set_fault(fault);
        let instance = Instance::new(&store, [logs_in("t1"), lists(), starts("t1")]);
        let (started, trouble) = instance.start("corp.example");
        started.unwrap();
        assert_eq!(trouble.as_deref(), told, "{fault:?}");
        assert_eq!(store.calls(), 1, "called once, then bypassed for the rest of the request");
        assert!(instance.script.elapsed() < Duration::from_millis(600));

        // The next requests bypass it too, for a while.
        store.set_fault(StoreFault::None);
        instance.script.then([starts("t1")]);
        assert_eq!(instance.start(CORP).1, None);
        assert_eq!(store.calls(), 0);
        instance.script.advance(Duration::from_secs(11));
        let (counted, _) = instance.run(async |out, _| out.store().increment("n", 2).await);
        assert_eq!(counted, Some(2));
    }
}

#[test]
fn store_that_refuses_writes_is_read() {
    let store = MemoryStore::new();
    warm(&store);
    store.set_fault(StoreFault::RefusesWrites);
    // Its token and its list are used.
    let instance = Instance::new(&store, [starts("t1")]);
    let (started, trouble) = instance.start("corp.example");
    started.unwrap();
    assert_eq!(trouble, None);
    store.calls();
    // For a while after the first failure nothing is written.
    let ((), trouble) = instance.run(async |out, _| {
        let shared = out.store();
        assert!(shared.is_there() && !shared.set("x", b"1", MINUTE).await && !shared.is_there());
        assert_eq!(shared.increment("x", 1).await, None);
        shared.delete("x").await;
    });
    assert_eq!((trouble.as_deref(), store.calls()), (Some("set: OOM command not allowed"), 1));
    assert_eq!(instance.run(async |out, _| out.store().get("x").await), (None, None));
    assert_eq!(store.calls(), 1);
    store.set_fault(StoreFault::None);
    instance.script.advance(Duration::from_secs(11));
    assert_eq!(instance.run(async |out, _| out.store().increment("n", 2).await), (Some(2), None));
}

#[test]
fn counters_and_values_have_separate_keys() {
    let store = MemoryStore::new();
    let instance = Instance::new(&store, []);
    let ((), trouble) = instance.run(async |out, _| {
        let shared = out.store();
        assert!(shared.set("x", b"1", MINUTE).await);
        assert_eq!(shared.increment("x", 1).await, Some(1));
        assert_eq!(shared.increment("x", 2).await, Some(3));
        assert_eq!(shared.get("x").await.unwrap().value, b"1");
        shared.delete("x").await;
        assert_eq!(shared.get("x").await, None);
        assert_eq!(shared.increment("x", 1).await, Some(4));
    });
    assert_eq!(trouble, None);
    let other = Instance::keyed("another", &store, []);
    assert_eq!(other.run(async |out, _| out.store().increment("x", 1).await).0, Some(1), "another key, another store");
    let keys = store.keys();
    assert!(keys.iter().all(|key| key.starts_with("idhook:n:")), "{keys:?}");
}

#[test]
fn store_without_access_is_not_called() {
    let store = MemoryStore::new();
    let script = Script::new([]).with_store(&store);
    let out = script.outbound();
    script.run(async {
        assert!(!out.store().is_there());
        assert!(!out.store().set("x", b"1", MINUTE).await);
        assert_eq!(out.store().increment("x", 1).await, None);
        assert_eq!(out.store().name("token", "prod", &[]), None);
    });
    assert_eq!(store.calls(), 0);
}

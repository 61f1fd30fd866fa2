//! The cost that one target's directories cause each other.

use http::Method;

use crate::support::memory_store::MemoryStore;
use crate::support::script::{Call, Script};
use crate::support::vidm::{CORP, classic, idle, lists, logs_in};
use crate::support::webhook::{Answer, Instance};

fn start(instance: &Instance, directory: &str, calls: impl IntoIterator<Item = Call>) -> Answer {
    instance.then(calls);
    instance.send(Method::POST, &format!("/vidm/default/v1/directories/{directory}/syncs"), "")
}

/// The store calls of a start after starts for this many unknown ids.
fn cost_after(strangers: u32) -> usize {
    let store = MemoryStore::new();
    let instance = Instance::over(Script::new([logs_in("t1"), lists()]).with_store(&store), &[]);
    instance.get("/vidm/default/v1/directories");
    for at in 0..strangers {
        let id = format!("99999999-7777-4888-8999-{at:012}");
        start(&instance, &id, [lists()]).problem("directory_not_found");
    }
    store.calls();
    assert_eq!(start(&instance, CORP, [idle(CORP), classic(CORP)]).status(), 202);
    store.calls()
}

#[test]
fn unknown_ids_do_not_slow_later_starts() {
    assert_eq!(cost_after(3), cost_after(9));
}

#[test]
fn unknown_ids_leave_nothing_in_the_store() {
    let store = MemoryStore::new();
    let instance = Instance::over(Script::new([logs_in("t1"), lists()]).with_store(&store), &[]);
    instance.get("/vidm/default/v1/directories");
    let before = store.keys().len();
    for at in 0..200 {
        let id = format!("99999999-7777-4888-8999-{at:012}");
        start(&instance, &id, [lists()]).problem("directory_not_found");
    }
    // The rate limit's own two.
    assert!(store.keys().len() <= before + 2, "{:?}", store.keys());
}

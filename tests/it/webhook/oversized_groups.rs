//! Groups that a sync's id has no room for.

use http::Method;
use serde_json::json;

use crate::support::memory_store::{Ailment, MemoryStore};
use crate::support::script::Script;
use crate::support::vidm::{CORP, classic, idle, lists, logs_in};
use crate::support::webhook::Door;

#[test]
fn a_store_that_ails_for_a_while_is_not_the_end_of_a_sync() {
    let store = MemoryStore::new();
    let door = Door::over(Script::new([logs_in("t1"), lists(), idle(CORP), classic(CORP)]).with_store(&store), &[]);
    let groups: Vec<_> = (0..50).map(|at| format!("gg-application-administrators-{at}@corp.example")).collect();
    let body = json!({ "groups": groups }).to_string();
    let started = door.send(Method::POST, &format!("/vidm/default/v1/directories/{CORP}/syncs"), &body);
    assert_eq!(started.status(), 202, "{}", started.text());
    let place = started.header("location");
    store.ail(Ailment::Fails);
    for _ in 0..2 {
        let answer = door.get(place);
        assert_eq!(answer.problem("upstream_busy")["retryable"], true);
        assert_eq!(answer.header("retry-after"), "10");
    }
    // Where it was lost for good, that is told.
    store.ail(Ailment::None);
    for key in store.keys().iter().filter(|key| key.contains(":groups:")) {
        store.plant(key, vec![]);
    }
    door.script.advance(std::time::Duration::from_secs(10));
    door.get(place).problem("sync_not_found");
}

fn many(at: usize) -> String {
    let groups: Vec<_> =
        (0..50).map(|group| format!("gg-application-administrators-{at}-{group}@corp.example")).collect();
    json!({ "groups": groups }).to_string()
}

#[test]
fn starts_that_are_refused_leave_no_groups_in_the_store() {
    let store = MemoryStore::new();
    let door = Door::over(Script::refusing().with_store(&store), &[]);
    for at in 0..100 {
        let path = format!("/vidm/default/v1/directories/{CORP}/syncs");
        let refused = door.send(Method::POST, &path, &many(at));
        assert!(refused.status().is_server_error(), "{}", refused.text());
        door.script.advance(std::time::Duration::from_secs(60));
    }
    let left: Vec<_> = store.keys().into_iter().filter(|key| key.contains(":groups:")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn starts_for_ids_that_vidm_does_not_have_leave_nothing_for_each() {
    let store = MemoryStore::new();
    let door = Door::over(Script::new([logs_in("t1")]).with_store(&store), &[]);
    let mut first = 0;
    for at in 0..200 {
        // The list is asked for, and whatever else is asked about the id is answered with 404.
        door.then([lists()]);
        let path = format!("/vidm/default/v1/directories/99999999-7777-4888-8999-{at:012}/syncs");
        door.send(Method::POST, &path, &many(at)).problem("directory_not_found");
        if at == 0 {
            first = store.keys().len();
        }
    }
    assert!(store.keys().len() <= first + 2, "{:#?}", store.keys());
}

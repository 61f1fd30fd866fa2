//! Groups that a sync's id has no room for.

use http::Method;
use serde_json::json;

use crate::memory_store::{Ailment, MemoryStore};
use crate::script::Script;
use crate::vidm_support::{CORP, classic, logs_in};
use crate::webhook_support::Door;

#[test]
fn a_store_that_ails_for_a_while_is_not_the_end_of_a_sync() {
    let store = MemoryStore::new();
    let door = Door::over(Script::new([logs_in("t1"), classic(CORP)]).with_store(&store), &[]);
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

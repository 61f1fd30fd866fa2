//! What the directories of one target cost each other.

use http::Method;

use crate::memory_store::MemoryStore;
use crate::script::{Call, Script};
use crate::vidm_support::{CORP, classic, lists, logs_in};
use crate::webhook_support::{Answer, Door};

fn start(door: &Door, directory: &str, calls: impl IntoIterator<Item = Call>) -> Answer {
    door.then(calls);
    door.send(Method::POST, &format!("/vidm/default/v1/directories/{directory}/syncs"), "")
}

/// How often the store is asked for a start that comes after others for so many ids that there are not.
fn cost_after(strangers: u32) -> usize {
    let store = MemoryStore::new();
    let door = Door::over(Script::new([logs_in("t1"), lists()]).with_store(&store), &[]);
    door.get("/vidm/default/v1/directories");
    for at in 0..strangers {
        let id = format!("99999999-7777-4888-8999-{at:012}");
        start(&door, &id, [classic(&id).answer(404, ""), lists()]).problem("directory_not_found");
    }
    store.calls();
    assert_eq!(start(&door, CORP, [classic(CORP)]).status(), 202);
    store.calls()
}

#[test]
fn ids_that_there_are_not_cost_those_who_come_later_nothing() {
    assert_eq!(cost_after(3), cost_after(9));
}

//! VCF Operations as functions: the same scenarios as over HTTP, without HTTP.

use std::rc::Rc;
use std::time::Duration;

use idhook::directory::SyncStatus;
use idhook::embedded::{self, EnsureOptions, Fleet, SyncOrder};
use idhook::error::ErrorCode;
use idhook::fleet::DirectoryFilter;
use serde_json::{Value, json};

use crate::support::fleet::{
    CORP, directories, get_iam, group, group_query, last_log, logs_in, realms, starts, version,
};
use crate::support::script::{Call, Script};
use crate::support::webhook::Shared;

const NAME: &str = "gg-app@corp.example";

fn fleet(calls: impl IntoIterator<Item = Call>) -> (Rc<Script>, Fleet<Shared>) {
    let script = Rc::new(Script::new(calls));
    let settings = json!({"url": "https://ops.corp.example", "username": "svc-sync", "password": "pässword",
        "authSource": "local"});
    (Rc::clone(&script), Fleet::from_json(Shared(Rc::clone(&script)), settings).unwrap())
}

fn order(body: Value) -> SyncOrder {
    embedded::read(body).unwrap()
}

/// The calls until the run has started.
fn started() -> Vec<Call> {
    let looks = [directories("COMPLETED", 5), directories("COMPLETED", 5), last_log("log-1", true)];
    [logs_in("t1"), realms()].into_iter().chain(looks).chain([starts()]).collect()
}

/// The calls that see its end and look [`NAME`] up.
fn ended(found: &Value) -> [Call; 3] {
    [directories("COMPLETED", 9), last_log("log-2", true), group_query(&["gg-app"], "EQUALS", found)]
}

#[test]
fn started_sync_is_awaited_and_proven_with_one_login() {
    let (script, fleet) = fleet(started());
    let started = script.run(fleet.start_sync("corp.example", order(json!({"groups": [NAME]})))).unwrap();
    assert_eq!((started.status, started.directory.id.as_str()), (SyncStatus::Running, CORP));
    script.then([directories("IN_PROGRESS", 5)]);
    script.then(ended(&json!([group("g-1", "gg-app")])));
    let done = script.run(fleet.wait_for_sync(started.id.as_deref().unwrap(), Duration::from_secs(60))).unwrap();
    assert_eq!(done.status, SyncStatus::Succeeded);
    let shown = serde_json::to_value(&done).unwrap();
    assert_eq!(
        shown["groups"],
        json!([{"requested": NAME, "state": "present", "id": "g-1", "displayName": "gg-app", "provedBy": "name"}])
    );
}

#[test]
fn ensure_groups_starts_waits_and_proves() {
    let (script, fleet) = fleet(started());
    script.then(ended(&json!([group("g-1", "gg-app")])));
    let ensured = fleet.ensure_groups("corp.example", vec![NAME.to_owned()], EnsureOptions::default(), |_| ());
    let done = script.run(ensured).unwrap();
    assert_eq!((done.status, done.groups.len()), (SyncStatus::Succeeded, 1));
}

#[test]
fn ids_of_another_product_are_rejected() {
    let (script, fleet) = fleet(started());
    let id = script.run(fleet.start_sync("corp.example", SyncOrder::default())).unwrap().id.unwrap();
    let settings = json!({"url": "https://vidm.corp.example", "username": "u", "password": "p"});
    let vidm = embedded::Vidm::from_json(Shared(Rc::clone(&script)), settings).unwrap();
    let problem = script.run(vidm.sync(&id)).unwrap_err();
    assert_eq!(problem.code, ErrorCode::SyncNotFound, "{problem}");
    assert!(problem.detail.contains("vIDM"), "{problem}");
}

#[test]
fn safeguards_cannot_be_ignored() {
    let (script, fleet) = fleet([]);
    let problem = script.run(fleet.start_sync("corp.example", order(json!({"ignoreSafeguards": true})))).unwrap_err();
    assert_eq!(problem.code, ErrorCode::NotSupported, "{problem}");
    assert!(problem.hint.is_some() && script.requests().is_empty(), "{problem}");
}

#[test]
fn version_without_the_calls_is_not_supported() {
    // VCF Operations 9.0 counts as 2.2, and does not know the path.
    let (script, fleet) = fleet([logs_in("t1"), get_iam("/ssorealms").answer(404, ""), version(2, 2, 0)]);
    let problem = script.run(fleet.directories(&DirectoryFilter::default())).unwrap_err();
    assert_eq!(problem.code, ErrorCode::NotSupported, "{problem}");
    assert!(problem.hint.as_deref().unwrap().contains("9.1"), "{problem}");
}

#[test]
fn groups_are_found_in_the_realm_of_their_domain() {
    let found = json!([group("g-1", "gg-app"), group("g-2", "gg-app-2")]);
    let query = group_query(&["gg-app"], "EQUALS", &found);
    let (script, fleet) = fleet([logs_in("t1"), realms(), directories("COMPLETED", 5), query]);
    let groups = script.run(fleet.groups(NAME)).unwrap();
    assert_eq!(groups.iter().map(|group| group.group_id.as_str()).collect::<Vec<_>>(), ["g-1"]);
}

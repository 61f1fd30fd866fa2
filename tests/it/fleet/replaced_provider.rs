//! Calls with cached ids, after the identity provider was replaced or its directory was removed.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::fleet::{
    CORP, REALM, directories, directory_url, get_iam, logs, logs_in, post_iam, realms, version,
};
use crate::support::script::{Call, get, post};
use crate::support::webhook::Instance;

const OTHER: &str = "a1b2c3d4-0000-4000-8000-00000000000b";
const SYNCS: &str = "/fleet/default/v1/directories/corp/syncs";
const A: &str = "CN=gg-a,OU=Groups,DC=corp,DC=example";
const B: &str = "CN=gg-b,OU=Groups,DC=corp,DC=example";
const C: &str = "CN=gg-c,OU=Groups,DC=corp,DC=example";

/// An instance that has read the directories.
fn warm() -> Instance {
    let instance = Instance::new([logs_in("t1"), realms(), directories("COMPLETED", 5)]);
    assert_eq!(instance.get("/fleet/default/v1/directories").status(), 200);
    instance
}

/// A rejection of the earlier provider's id.
fn stale(call: Call) -> Call {
    call.answer(400, r#"{"message":"InvalidParameter idpConfigId"}"#)
}

/// The path of the directory below the new provider.
fn of_other(rest: &str) -> String {
    format!("/identity-providers/{OTHER}/ldap-directories{rest}")
}

/// The realm with its new provider.
fn moved() -> Call {
    get_iam("/ssorealms").answer(200, json!({"ssoRealms": [{"id": REALM, "idpId": OTHER}]}).to_string())
}

/// The directories of the new provider.
fn lists() -> Call {
    let listed = json!({"ldapDirectories": [{"ldapConfigurationId": CORP, "name": "corp", "domains": ["corp.example"],
        "setupStatus": "COMPLETED", "lastSyncStatus": "COMPLETED", "lastSyncDateTime": 5}]});
    get_iam(&of_other("")).answer(200, listed.to_string())
}

#[test]
fn sync_profile_and_start_follow_the_directory() {
    const PROFILE: &str = include_str!("../../fixtures/fleet/sync_profile.json");
    let instance = warm();
    instance.then([
        stale(get(directory_url("/sync-profile"))),
        moved(),
        lists(),
        get_iam(&of_other(&format!("/{CORP}/sync-profile"))).answer(200, PROFILE),
        // The group is selected already. The observation before the start, and the start:
        lists(),
        get_iam(&of_other(&format!("/{CORP}/sync-logs?last=true&page=0&pageSize=50")))
            .answer(200, r#"{"syncLogs":[]}"#),
        post_iam(&of_other(&format!("/{CORP}/sync"))).answer(202, r#"{"syncStatus":"STARTED"}"#),
    ]);
    let order = json!({"groups": ["CN=gg-app,OU=Groups,DC=corp,DC=example"], "addToProfile": true}).to_string();
    let answer = instance.send(Method::POST, SYNCS, &order);
    assert_eq!((answer.status(), &answer.json()["status"]), (StatusCode::ACCEPTED, &json!("running")));
}

#[test]
fn list_of_syncs_follows_the_directory() {
    let instance = warm();
    let log = json!({"syncLogs": [{"id": "a", "timeStamp": 1, "success": true}]});
    instance.then([
        stale(logs("last=false&page=0&pageSize=50")),
        moved(),
        lists(),
        get_iam(&of_other(&format!("/{CORP}/sync-logs?last=false&page=0&pageSize=50"))).answer(200, log.to_string()),
    ]);
    let history = instance.get(SYNCS).json();
    assert_eq!(history["syncs"].as_array().unwrap().len(), 1, "{history}");
}

fn provisions(url: String, dn: &str) -> Call {
    let principal = json!({"principalId": "g-1", "name": "gg", "dn": dn, "principalType": "GROUP"});
    post(url).body(format!(r#"{{"dn":"{dn}","principalType":"GROUP"}}"#)).answer(201, principal.to_string())
}

/// Brings groups in with these calls after the version; returns the states of the groups.
fn provision(groups: &[&str], calls: impl IntoIterator<Item = Call>) -> (Value, Vec<Value>) {
    let instance = warm();
    instance.then([version(9, 1, 1)]);
    instance.then(calls);
    let order = json!({"groups": groups, "provision": true}).to_string();
    let document = instance.send(Method::POST, SYNCS, &order).json();
    let states = document["groups"].as_array().unwrap().iter().map(|group| group["state"].clone()).collect();
    (document, states)
}

#[test]
fn groups_are_brought_into_the_directory_where_it_is() {
    let other = format!(
        "https://ops.corp.example/suite-api/api/fleet-management/iam/identity-providers/{OTHER}/ldap-directories/{CORP}/principals"
    );
    let rejected = stale(provisions(directory_url("/principals"), A));
    let calls = [rejected, moved(), lists(), provisions(other.clone(), A), provisions(other, B)];
    let (document, states) = provision(&[A, B], calls);
    assert_eq!((&document["status"], states), (&json!("succeeded"), vec![json!("present"); 2]), "{document}");
}

#[test]
fn directory_that_has_not_moved_is_located_again_once() {
    let missing = |dn| {
        let missing = r#"{"message":"No such principal in the directory","httpStatusCode":404}"#;
        provisions(directory_url("/principals"), dn).answer(404, missing)
    };
    let (document, states) = provision(&[A, B], [missing(A), realms(), directories("COMPLETED", 5), missing(B)]);
    assert_eq!((&document["status"], states), (&json!("failed"), vec![json!("absent"); 2]), "{document}");
}

#[test]
fn directory_that_is_gone_does_not_hide_what_was_done() {
    let none = get_iam(&of_other("")).answer(200, r#"{"ldapDirectories":[]}"#);
    let calls = [
        provisions(directory_url("/principals"), A),
        stale(provisions(directory_url("/principals"), B)),
        moved(),
        none,
    ];
    let (document, states) = provision(&[A, B, C], calls);
    assert_eq!(states, ["present", "unknown", "unknown"].map(Value::from), "{document}");
    let details = [1, 2].map(|at| document["groups"][at]["detail"].as_str().unwrap());
    let gone = format!("no directory has the id \"{CORP}\"");
    assert_eq!(details, [gone.clone(), format!("not tried after: {gone}")]);
}

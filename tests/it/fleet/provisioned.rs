//! A start with `provision`: groups are brought in without a sync.

use http::Method;
use serde_json::{Value, json};

use crate::support::fleet::{CORP, PROVIDER, REALM, directories_with, group, logs_in, post_iam, realms, version};
use crate::support::script::{Call, Script};
use crate::support::webhook::{Answer, Instance, READER};

const A: &str = "CN=gg-a,OU=Groups,DC=corp,DC=example";
const B: &str = "CN=gg-b,OU=Groups,DC=corp,DC=example";
const PLACE: &str = "/fleet/default/v1/directories/corp/syncs";

/// A directory on demand, which no sync fills.
fn on_demand() -> Call {
    directories_with(&json!({"syncMode": "ON_DEMAND"}))
}

fn provisions(dn: &str) -> Call {
    post_iam(&format!("/identity-providers/{PROVIDER}/ldap-directories/{CORP}/principals"))
        .body(format!(r#"{{"dn":"{dn}","principalType":"GROUP"}}"#))
        .answer(201, json!({"principalId": "g-1", "name": "gg-a", "dn": dn, "principalType": "GROUP"}).to_string())
}

fn send(groups: &[&str], calls: impl IntoIterator<Item = Call>) -> Answer {
    let instance = Instance::new([logs_in("t1")]);
    instance.then(calls);
    instance.send(Method::POST, PLACE, &json!({"groups": groups, "provision": true}).to_string())
}

#[test]
fn group_is_brought_in_and_proved_by_its_id() {
    let answer = send(&[A], [version(9, 1, 1), realms(), on_demand(), provisions(A)]);
    assert_eq!(answer.status(), 200, "{}", answer.text());
    let document = answer.json();
    let proof = json!({"requested": A, "state": "present", "id": "g-1", "displayName": "gg-a", "provedBy": "id"});
    assert_eq!((&document["status"], &document["groups"]), (&json!("succeeded"), &json!([proof])), "{document}");
    assert_eq!((&document["id"], &document["retryAfter"]), (&Value::Null, &Value::Null));
    assert_eq!(document["links"]["self"], format!("/fleet/default/v1/directories/{CORP}/sync"));
}

#[test]
fn group_that_the_broker_has_already_is_proved_by_a_search() {
    let already = provisions(A).answer(409, r#"{"message":"Principal already exists","httpStatusCode":409}"#);
    let search = |found: Value| {
        post_iam(&format!("/ssorealms/{REALM}/groups/query?page=0&pageSize=50"))
            .answer(200, json!({ "vidbGroups": found }).to_string())
    };
    let calls = [version(9, 1, 1), realms(), on_demand(), already, search(json!([group("g-1", "gg-a")]))];
    let document = send(&[A], calls).json();
    assert_eq!((&document["status"], &document["groups"][0]["provedBy"]), (&json!("succeeded"), &json!("dn")));
}

#[test]
fn group_that_is_rejected_in_unknown_words_is_looked_up() {
    let rejected = || provisions(A).answer(400, r#"{"message":"Duplicate principal","httpStatusCode":400}"#);
    let search = |found: Value| {
        post_iam(&format!("/ssorealms/{REALM}/groups/query?page=0&pageSize=50"))
            .answer(200, json!({ "vidbGroups": found }).to_string())
    };
    let entry = || {
        post_iam(&format!("/identity-providers/{PROVIDER}/ldap-directories/{CORP}/groups/query"))
            .answer(200, r#"{"ldapGroups":[]}"#)
    };
    let started = || [version(9, 1, 1), realms(), on_demand(), rejected()];
    let document = send(&[A], started().into_iter().chain([search(json!([group("g-1", "gg-a")]))])).json();
    assert_eq!((&document["status"], &document["groups"][0]["state"]), (&json!("succeeded"), &json!("present")));
    let document = send(&[A], started().into_iter().chain([search(json!([])), entry(), entry()])).json();
    assert_eq!((&document["status"], &document["groups"][0]["state"]), (&json!("failed"), &json!("absent")));
    assert!(document["groups"][0]["detail"].as_str().unwrap().contains("Duplicate principal"), "{document}");
}

#[test]
fn group_that_active_directory_lacks_fails_alone() {
    let missing = provisions(B).answer(404, r#"{"message":"No such principal in the directory","httpStatusCode":404}"#);
    let calls = [version(9, 1, 1), realms(), on_demand(), provisions(A), missing];
    let document = send(&[A, B], calls).json();
    assert_eq!((&document["status"], &document["reason"]), (&json!("failed"), &json!("group_absent")), "{document}");
    assert_eq!(document["groups"][0]["state"], "present");
    assert!(document["groups"][1]["detail"].as_str().unwrap().contains("No such principal"), "{document}");
}

#[test]
fn failure_after_the_first_group_keeps_what_is_done() {
    const C: &str = "CN=gg-c,OU=Groups,DC=corp,DC=example";
    let denied = provisions(B).answer(403, r#"{"message":"no"}"#);
    let calls = [version(9, 1, 1), realms(), on_demand(), provisions(A), denied];
    let document = send(&[A, B, C], calls).json();
    let states: Vec<_> = document["groups"].as_array().unwrap().iter().map(|group| group["state"].clone()).collect();
    assert_eq!(
        (&document["status"], states),
        (&json!("unknown"), ["present", "unknown", "unknown"].map(Value::from).to_vec())
    );
    let denied = provisions(A).answer(403, r#"{"message":"no"}"#);
    send(&[A, B], [version(9, 1, 1), realms(), on_demand(), denied]).problem("upstream_forbidden");
}

#[test]
fn failed_search_for_one_group_keeps_the_others() {
    let already =
        |dn: &str| provisions(dn).answer(409, r#"{"message":"Principal already exists","httpStatusCode":409}"#);
    let search =
        || post_iam(&format!("/ssorealms/{REALM}/groups/query?page=0&pageSize=50")).answer(403, r#"{"message":"no"}"#);
    let document = send(&[A, B], [version(9, 1, 1), realms(), on_demand(), provisions(A), already(B), search()]).json();
    assert_eq!((&document["status"], &document["groups"][0]["state"]), (&json!("unknown"), &json!("present")));
    let detail = document["groups"][1]["detail"].as_str().unwrap();
    assert!(detail.contains("already exists") && detail.contains("403"), "{document}");
    // Without a group that is certainly there, the failure is the response.
    send(&[A], [version(9, 1, 1), realms(), on_demand(), already(A), search()]).problem("upstream_forbidden");
}

#[test]
fn no_group_is_brought_in_after_the_end_of_the_requests_time() {
    const C: &str = "CN=gg-c,OU=Groups,DC=corp,DC=example";
    let calls = [version(9, 1, 1), realms(), on_demand(), provisions(A), provisions(B).hang()];
    let document = send(&[A, B, C], calls).json();
    assert_eq!(document["groups"][0]["state"], "present", "{document}");
    assert!(document["groups"][2]["detail"].as_str().unwrap().starts_with("not tried after"), "{document}");
}

#[test]
fn version_and_product_without_the_call_change_nothing() {
    let answer = send(&[A], [version(9, 1, 0)]);
    assert_eq!(answer.status(), 422);
    assert!(answer.problem("not_supported")["hint"].as_str().unwrap().contains("addToProfile"));

    let instance = Instance::over(Script::new([]), &[]);
    let body = json!({"groups": [A], "provision": true}).to_string();
    let problem = instance.send(Method::POST, "/vidm/default/v1/directories/corp.example/syncs", &body);
    assert_eq!(problem.problem("not_supported")["errors"][0]["pointer"], "/provision");
}

#[test]
fn wrong_combinations_are_reported_together() {
    let instance = Instance::over(Script::new([]), &[]);
    let body = json!({"groups": ["gg-a@corp.example"], "provision": true, "addToProfile": true, "dryRun": true});
    let problem = instance.send(Method::POST, PLACE, &body.to_string()).problem("request_invalid");
    let pointers: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|error| error["pointer"].clone()).collect();
    assert_eq!(pointers, ["/addToProfile", "/dryRun", "/groups/0"], "{problem}");
    let body = json!({"groups": [A], "provision": true}).to_string();
    instance.send_by(READER, Method::POST, PLACE, &body).problem("forbidden");
}

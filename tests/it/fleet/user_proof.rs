//! The proof of users in the identity broker.

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::fleet::{REALM, directories, group, group_query, last_log, logs_in, post_iam, realms, starts};
use crate::support::script::Call;
use crate::support::webhook::Instance;

/// The state of a sync with this order after its success, proved with `calls`.
fn state(order: &Value, calls: impl IntoIterator<Item = Call>) -> Value {
    let instance = Instance::new([
        logs_in("t1"),
        realms(),
        directories("COMPLETED", 5),
        directories("COMPLETED", 5),
        last_log("log-1", true),
        starts(),
    ]);
    let answer = instance.send(Method::POST, "/fleet/default/v1/directories/corp/syncs", &order.to_string());
    instance.script.advance(Duration::from_secs(2));
    instance.then([directories("COMPLETED", 9), last_log("log-2", true)]);
    instance.then(calls);
    instance.get(answer.header("location")).json()
}

/// A query for users of `corp.example`.
fn user_query(names: &[&str], operator: &str, found: &Value) -> Call {
    let full: Vec<String> = names.iter().map(|name| format!("{name}@corp.example")).collect();
    let terms: Vec<&str> = names.iter().copied().chain(full.iter().map(String::as_str)).collect();
    post_iam(&format!("/ssorealms/{REALM}/users/query?page=0&pageSize=50"))
        .body(format!(
            r#"{{"searchTerms":{{"allOf":[{{"searchableField":"USERNAME","operator":"{operator}","terms":{}}},{{"searchableField":"DOMAIN","operator":"EQUALS","terms":["corp.example"]}}]}}}}"#,
            json!(terms)
        ))
        .answer(200, json!({"vidbUsers": found}).to_string())
}

fn user(id: &str, name: &str) -> Value {
    json!({"userId": id, "userName": name, "accountName": name, "firstName": "J", "domainName": "corp.example", "active": true})
}

#[test]
fn users_of_one_domain_are_one_query() {
    let found = json!([user("u-3", "asmith2"), user("u-2", "ASmith"), user("u-1", "jdoe@corp.example")]);
    let order = json!({"users": ["jdoe@corp.example", "asmith@corp.example"]});
    let state = state(&order, [user_query(&["jdoe", "asmith"], "EQUALS", &found)]);
    assert_eq!(state["status"], "succeeded");
    assert_eq!(
        state["users"],
        json!([
            {"requested": "jdoe@corp.example", "state": "present", "id": "u-1", "displayName": "jdoe@corp.example",
             "provedBy": "name"},
            {"requested": "asmith@corp.example", "state": "present", "id": "u-2", "displayName": "ASmith", "provedBy": "name"},
        ])
    );
}

#[test]
fn absent_user_fails_the_sync() {
    let order = json!({"groups": ["gg-app@corp.example"], "users": ["jdoe@corp.example"]});
    let elsewhere = json!([{"userId": "u-1", "userName": "jdoe", "domainName": "lab.example"}]);
    let calls = [
        group_query(&["gg-app"], "EQUALS", &json!([group("g-1", "gg-app")])),
        user_query(&["jdoe"], "EQUALS", &elsewhere),
        user_query(&["jdoe"], "LIKE", &json!([user("u-2", "jdoerpenrose")])),
    ];
    let state = state(&order, calls);
    assert_eq!((&state["status"], &state["reason"]), (&json!("failed"), &json!("user_absent")), "{state}");
    assert_eq!((&state["groups"][0]["state"], &state["users"][0]["state"]), (&json!("present"), &json!("absent")));
    assert!(state["hint"].as_str().unwrap().contains("neither the user nor a group of the user"), "{state}");
}

#[test]
fn user_is_found_by_its_account_name() {
    let found = json!([{"userId": "u-1", "userName": "john.doe@example.com", "accountName": "jdoe"}]);
    let order = json!({"users": "jdoe@corp.example"});
    let state = state(&order, [user_query(&["jdoe"], "EQUALS", &found)]);
    assert_eq!((&state["status"], &state["users"][0]["id"]), (&json!("succeeded"), &json!("u-1")), "{state}");
}

#[test]
fn users_without_a_domain_start_nothing() {
    let instance = Instance::new([]);
    let order = json!({"users": ["jdoe", "CN=jdoe,OU=Users,DC=corp,DC=example"]});
    let answer = instance.send(Method::POST, "/fleet/default/v1/directories/corp/syncs", &order.to_string());
    let problem = answer.json();
    assert_eq!((answer.status(), &problem["code"]), (StatusCode::BAD_REQUEST, &json!("request_invalid")));
    assert_eq!(
        (&problem["errors"][0]["pointer"], &problem["errors"][1]["pointer"]),
        (&json!("/users/0"), &json!("/users/1"))
    );
}

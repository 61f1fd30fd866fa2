//! The proof of groups in the identity broker.

use serde_json::{Value, json};

use crate::support::fleet::{REALM, directories, group, group_query, logs_in, post_iam, realms};
use crate::support::script::Call;
use crate::support::webhook::Instance;

fn find(query: &str, calls: impl IntoIterator<Item = Call>) -> Value {
    let instance = Instance::new([logs_in("t1"), realms(), directories("COMPLETED", 5)]);
    instance.then(calls);
    instance.get(&format!("/fleet/default/v1/groups?{query}")).json()
}

#[test]
fn only_equal_names_count() {
    let found = json!([group("g-1", "GG-App"), group("g-2", "gg-app-2"), group("g-3", "gg-app@corp.example")]);
    let answer = find("name=gg-app@corp.example", [group_query(&["gg-app"], "EQUALS", &found)]);
    let ids: Vec<_> = answer["groups"].as_array().unwrap().iter().map(|group| group["id"].clone()).collect();
    assert_eq!((ids, &answer["present"]), (vec![json!("g-1"), json!("g-3")], &json!(true)));
}

#[test]
fn group_of_another_domain_does_not_count() {
    let other = json!([{"groupId": "g-1", "displayName": "gg-app", "domainName": "lab.example"}]);
    let calls = [group_query(&["gg-app"], "EQUALS", &other), group_query(&["gg-app"], "LIKE", &other)];
    assert_eq!(find("name=gg-app@corp.example", calls), json!({"present": false, "groups": []}));
}

#[test]
fn case_sensitive_server_is_asked_once_more() {
    let found = json!([group("g-1", "GG-APP")]);
    let calls = [group_query(&["gg-app"], "EQUALS", &json!([])), group_query(&["gg-app"], "LIKE", &found)];
    assert_eq!(find("name=gg-app@corp.example", calls)["present"], true);
    // A server that rejects the operator has answered the exact query.
    let rejects = group_query(&["gg-app"], "LIKE", &json!([])).answer(400, r#"{"message":"LIKE"}"#);
    assert_eq!(
        find("name=gg-app@corp.example", [group_query(&["gg-app"], "EQUALS", &json!([])), rejects])["present"],
        false
    );
}

#[test]
fn further_pages_are_read() {
    let page = |at: usize, ids: std::ops::Range<usize>| {
        let groups: Vec<_> =
            ids.map(|id| group(&format!("g-{id}"), if id == 100 { "gg-app" } else { "another" })).collect();
        let info = json!({"totalCount": 101, "page": at, "pageSize": 100});
        post_iam(&format!("/ssorealms/{REALM}/groups/query?page={at}&pageSize=100"))
            .answer(200, json!({"vidbGroups": groups, "pageInfo": info}).to_string())
    };
    let answer = find("name=gg-app@corp.example", [page(0, 0..100), page(1, 100..101)]);
    assert_eq!(answer["groups"][0]["id"], "g-100");
}

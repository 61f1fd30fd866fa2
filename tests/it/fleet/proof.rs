//! The proof of groups in the identity broker.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::support::fleet::{
    CORP, PROVIDER, REALM, directories, group, group_query, group_query_for, group_query_in, last_log, logs_in,
    post_iam, realms, starts, version,
};
use crate::support::script::Call;
use crate::support::webhook::{Answer, Instance};

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
fn domain_is_sent_as_the_directory_spells_it_too() {
    let query =
        || group_query_in(&["corp.example", "CORP.Example"], &["gg-app"], "EQUALS", &json!([group("g-1", "gg-app")]));
    assert_eq!(find("name=gg-app@CORP.Example", [query()])["present"], true);
    let groups = proved(&["gg-app@CORP.Example"], [query()]);
    assert_eq!((&groups[0]["state"], &groups[0]["requested"]), (&json!("present"), &json!("gg-app@CORP.Example")));
}

#[test]
fn result_in_another_form_is_an_error_not_an_absent_group() {
    for body in ["{}", r#"{"groups": [{"groupId": "g-1", "displayName": "gg-app"}]}"#, r#"{"vidbGroups": null}"#] {
        let query = group_query(&["gg-app"], "EQUALS", &json!([])).answer(200, body);
        assert_eq!(find("name=gg-app@corp.example", [query])["code"], "upstream_invalid", "{body}");
    }
}

#[test]
fn group_behind_the_last_page_is_not_absent() {
    let page = |at: usize| {
        let groups: Vec<_> = (0..50).map(|id| group(&format!("g-{at}-{id}"), "gg-app-2")).collect();
        post_iam(&format!("/ssorealms/{REALM}/groups/query?page={at}&pageSize=50"))
            .answer(200, json!({"vidbGroups": groups}).to_string())
    };
    let problem = find("name=gg-app@corp.example", (0..20).chain(0..20).map(page));
    assert_eq!(problem["code"], "upstream_invalid", "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("more than 1000 results"), "{problem}");
}

#[test]
fn further_pages_are_read() {
    let page = |at: usize, ids: std::ops::Range<usize>| {
        let groups: Vec<_> =
            ids.map(|id| group(&format!("g-{id}"), if id == 50 { "gg-app" } else { "another" })).collect();
        let info = json!({"totalCount": 51, "page": at, "pageSize": 50});
        post_iam(&format!("/ssorealms/{REALM}/groups/query?page={at}&pageSize=50"))
            .answer(200, json!({"vidbGroups": groups, "pageInfo": info}).to_string())
    };
    let answer = find("name=gg-app@corp.example", [page(0, 0..50), page(1, 50..51)]);
    assert_eq!(answer["groups"][0]["id"], "g-50");
}

#[test]
fn cut_result_proves_no_absence() {
    // A server without an equal name, whose LIKE finds thousands.
    let page = |at: usize| {
        let groups: Vec<_> = (0..50).map(|id| group(&format!("g-{at}-{id}"), "gg-application")).collect();
        let info = json!({"totalCount": 2000, "page": at, "pageSize": 50});
        post_iam(&format!("/ssorealms/{REALM}/groups/query?page={at}&pageSize=50"))
            .answer(200, json!({"vidbGroups": groups, "pageInfo": info}).to_string())
    };
    let calls = std::iter::once(group_query(&["gg-app"], "EQUALS", &json!([]))).chain((0..20).map(page));
    let state = state_of(&["gg-app@corp.example"], calls);
    let group = &state["groups"][0];
    assert_eq!((&state["status"], &group["state"]), (&json!("unknown"), &json!("unknown")), "{state}");
    assert!(group["detail"].as_str().unwrap().contains("more than 1000 results"), "{state}");
    assert!(state["hint"].as_str().unwrap().starts_with("look for them in the console of VCF Operations"), "{state}");
}

const A: &str = "CN=gg-a,OU=Groups,DC=corp,DC=example";
const B: &str = "CN=gg-b,OU=Groups,DC=corp,DC=example";

/// A search for groups by distinguished name.
fn dn_query(dns: &[&str], found: &Value) -> Call {
    post_iam(&format!("/ssorealms/{REALM}/groups/query?page=0&pageSize=50"))
        .body(format!(
            r#"{{"searchTerms":{{"allOf":[{{"searchableField":"DN","operator":"EQUALS","terms":{}}}]}}}}"#,
            json!(dns)
        ))
        .answer(200, json!({"vidbGroups": found}).to_string())
}

/// A look-up in Active Directory.
fn directory_query(name: &str, found: &Value) -> Call {
    post_iam(&format!("/identity-providers/{PROVIDER}/ldap-directories/{CORP}/groups/query"))
        .body(format!(r#"{{"searchDn":"OU=Groups,DC=corp,DC=example","searchTerm":"{name}"}}"#))
        .answer(200, json!({"ldapGroups": found}).to_string())
}

/// The search at a group's distinguished name, which finds nothing.
fn nothing_at(dn: &str) -> Call {
    post_iam(&format!("/identity-providers/{PROVIDER}/ldap-directories/{CORP}/groups/query"))
        .body(json!({ "searchDn": dn }).to_string())
        .answer(200, r#"{"ldapGroups":[]}"#)
}

/// The groups of a sync for `groups` that has succeeded, proved with `calls`.
fn proved(groups: &[&str], calls: impl IntoIterator<Item = Call>) -> Vec<Value> {
    state_of(groups, calls)["groups"].as_array().unwrap().clone()
}

/// The state of a sync for these groups after a successful run.
fn state_of(groups: &[&str], calls: impl IntoIterator<Item = Call>) -> Value {
    let started = [
        logs_in("t1"),
        realms(),
        directories("COMPLETED", 5),
        directories("COMPLETED", 5),
        last_log("log-1", true),
        starts(),
    ];
    let instance = Instance::new(started);
    let body = json!({ "groups": groups }).to_string();
    let answer = instance.send(Method::POST, "/fleet/default/v1/directories/corp/syncs", &body);
    instance.script.advance(Duration::from_secs(2));
    instance.then([directories("COMPLETED", 9), last_log("log-2", true)]);
    instance.then(calls);
    instance.get(answer.header("location")).json()
}

#[test]
fn distinguished_names_are_one_query_since_9_1_1() {
    let found = json!([group("g-b", "gg-b"), group("g-a", "gg-a")]);
    let groups = proved(&[A, B], [version(9, 1, 1), dn_query(&[A, B], &found)]);
    for (group, id) in groups.iter().zip(["g-a", "g-b"]) {
        assert_eq!((&group["id"], &group["provedBy"]), (&json!(id), &json!("dn")), "{group}");
    }
}

#[test]
fn result_whose_name_is_not_the_groups_is_asked_for_alone() {
    // The broker's display name is another attribute than the CN.
    let calls = [
        version(9, 1, 1),
        dn_query(&[A, B], &json!([group("g-b", "Administrators of B")])),
        dn_query(&[A], &json!([])),
        dn_query(&[B], &json!([group("g-b", "Administrators of B")])),
        directory_query("gg-a", &json!([])),
        nothing_at(A),
    ];
    let groups = proved(&[A, B], calls);
    assert_eq!((&groups[0]["state"], &groups[1]["state"]), (&json!("absent"), &json!("present")));
    assert!(groups[0]["detail"].as_str().unwrap().contains("Active Directory has no group"), "{groups:?}");
}

#[test]
fn distinguished_name_is_resolved_to_its_name_on_9_1_0() {
    let entry =
        |name: &str, dn: &str| json!({"name": name, "dn": dn, "baseDn": "DC=corp,DC=example", "compliant": true});
    let calls = [
        version(9, 1, 0),
        // The search finds every name that begins so.
        directory_query("gg-a", &json!([entry("gg-a2", "CN=gg-a2,OU=Groups,DC=corp,DC=example"), entry("gg-a", A)])),
        directory_query("gg-b", &json!([entry("gg-b", B)])),
        group_query(&["gg-a", "gg-b"], "EQUALS", &json!([group("g-a", "gg-a")])),
        group_query(&["gg-b"], "LIKE", &json!([])),
    ];
    let groups = proved(&[A, B], calls);
    assert_eq!((&groups[0]["id"], &groups[0]["provedBy"]), (&json!("g-a"), &json!("name")), "{groups:?}");
    assert_eq!(groups[1]["state"], "absent");
    assert!(
        groups[1]["detail"].as_str().unwrap().contains("the identity broker has no gg-b@corp.example"),
        "{groups:?}"
    );
}

#[test]
fn entry_with_the_brokers_id_proves_the_group() {
    // A search that compares another spelling finds nothing, but the entry has the id.
    let entry = json!([{"name": "gg-a", "dn": "cn=gg-a, ou=groups,dc=corp,dc=example", "id": "g-a"}]);
    let groups = proved(&[A], [version(9, 1, 1), dn_query(&[A], &json!([])), directory_query("gg-a", &entry)]);
    assert_eq!((&groups[0]["id"], &groups[0]["provedBy"]), (&json!("g-a"), &json!("id")), "{groups:?}");
}

#[test]
fn rejected_look_up_of_one_group_leaves_the_others() {
    let calls = [
        version(9, 1, 0),
        directory_query("gg-a", &json!([])).answer(400, r#"{"message":"Invalid searchDn"}"#),
        directory_query("gg-b", &json!([{"name": "gg-b", "dn": B}])),
        group_query(&["gg-b"], "EQUALS", &json!([group("g-b", "gg-b")])),
    ];
    let groups = proved(&[A, B], calls);
    assert_eq!((&groups[0]["state"], &groups[1]["state"]), (&json!("unknown"), &json!("present")), "{groups:?}");
    assert!(groups[0]["detail"].as_str().unwrap().contains("Invalid searchDn"));
}

/// The response to a look-up of the group `A` by its distinguished name, after `calls`.
fn found_by_dn(calls: impl IntoIterator<Item = Call>) -> Answer {
    let instance = Instance::new([logs_in("t1"), realms(), directories("COMPLETED", 5), version(9, 1, 1)]);
    instance.then(calls);
    instance.get(&format!("/fleet/default/v1/groups?dn={}", A.replace('=', "%3D").replace(',', "%2C")))
}

#[test]
fn rejected_look_up_is_an_error_not_an_absent_group() {
    for (status, expected) in [(400, 422), (404, 404), (422, 422)] {
        let rejected = directory_query("gg-a", &json!([])).answer(status, r#"{"message":"Invalid searchDn"}"#);
        let answer = found_by_dn([dn_query(&[A], &json!([])), rejected]);
        assert_eq!(answer.status(), expected, "{}", answer.json());
        assert!(answer.json()["detail"].as_str().unwrap().contains("Invalid searchDn"), "{}", answer.json());
    }
    // A group that the search found does not need the look-up.
    assert_eq!(found_by_dn([dn_query(&[A], &json!([group("g-a", "gg-a")]))]).json()["present"], true);
}

#[test]
fn broker_that_ignores_the_dn_proves_nothing() {
    let page = json!([group("g-1", "gg-other"), group("g-2", "gg-a"), group("g-3", "gg-more")]);
    let absent = directory_query("gg-a", &json!([]));
    let answer = found_by_dn([dn_query(&[A], &page), absent, nothing_at(A)]);
    assert_eq!(answer.json(), json!({"present": false, "groups": []}));
    // The entry in Active Directory has the id.
    let entry = json!([{"name": "gg-a", "dn": A, "id": "g-9"}]);
    let answer = found_by_dn([dn_query(&[A], &page), directory_query("gg-a", &entry)]);
    assert_eq!(answer.json()["groups"][0]["id"], "g-9");
    // Several names: each is asked for alone, and the same group for two names proves neither.
    let one = || json!([group("g-1", "gg-other")]);
    let calls = [
        version(9, 1, 1),
        dn_query(&[A, B], &page),
        dn_query(&[A], &one()),
        dn_query(&[B], &one()),
        directory_query("gg-a", &json!([])),
        nothing_at(A),
        directory_query("gg-b", &json!([])),
        nothing_at(B),
    ];
    let groups = proved(&[A, B], calls);
    assert_eq!((&groups[0]["state"], &groups[1]["state"]), (&json!("absent"), &json!("absent")), "{groups:?}");
}

#[test]
fn group_with_another_account_name_is_found_at_its_dn_on_9_1_0() {
    let entry = json!({"ldapGroups": [{"name": "Application team", "dn": A}]});
    let calls = [
        version(9, 1, 0),
        directory_query("gg-a", &json!([])),
        nothing_at(A).answer(200, entry.to_string()),
        group_query(&["Application team"], "EQUALS", &json!([group("g-a", "Application team")])),
    ];
    assert_eq!(proved(&[A], calls)[0]["id"], "g-a");
}

#[test]
fn result_of_another_domain_does_not_prove_a_dn() {
    let other = json!([{"groupId": "g-1", "groupName": "gg-a", "displayName": "gg-a", "domainName": "lab.example"}]);
    let answer = found_by_dn([dn_query(&[A], &other), directory_query("gg-a", &json!([])), nothing_at(A)]);
    assert_eq!(answer.json()["present"], false);
}

/// Administrators often enter the suffix of the user principal names as a directory's domain.
#[test]
fn group_of_a_domain_that_the_directory_does_not_list_is_found_under_its_domains() {
    const IN_AD: &str = "CN=gg-a,OU=Groups,DC=ad,DC=corp,DC=example";
    let in_ad = || {
        post_iam(&format!("/identity-providers/{PROVIDER}/ldap-directories/{CORP}/groups/query"))
            .body(r#"{"searchDn":"OU=Groups,DC=ad,DC=corp,DC=example","searchTerm":"gg-a"}"#)
            .answer(200, json!({"ldapGroups": [{"name": "gg-a", "dn": IN_AD}]}).to_string())
    };
    let found = || json!([group("g-a", "gg-a")]);
    let both = ["ad.corp.example", "corp.example"];
    let by_name = |operator: &str, found: &Value| {
        let names = ["gg-a", "gg-a@ad.corp.example", "gg-a@corp.example"];
        group_query_for(&both, &names, operator, found)
    };
    let present = |calls: Vec<Call>| proved(&[IN_AD], calls).remove(0);
    let group = present(vec![version(9, 1, 0), in_ad(), by_name("EQUALS", &found())]);
    assert_eq!((&group["state"], &group["id"]), (&json!("present"), &json!("g-a")), "{group}");
    let group = present(vec![version(9, 1, 1), dn_query(&[IN_AD], &found())]);
    assert_eq!((&group["state"], &group["provedBy"]), (&json!("present"), &json!("dn")), "{group}");
    let none = || json!([]);
    let group = present(vec![version(9, 1, 0), in_ad(), by_name("EQUALS", &none()), by_name("LIKE", &none())]);
    let detail = group["detail"].as_str().unwrap();
    assert!(detail.ends_with("has no gg-a@ad.corp.example or gg-a@corp.example"), "{group}");
}

#[test]
fn display_name_equal_to_an_absent_groups_name_proves_only_its_own_dn() {
    // The display name of A is the CN of B.
    let found = || json!([group("g-a", "gg-b")]);
    let calls = [
        version(9, 1, 1),
        dn_query(&[A, B], &found()),
        dn_query(&[A], &found()),
        directory_query("gg-b", &json!([])),
        nothing_at(B),
    ];
    let groups = proved(&[A, B], calls);
    assert_eq!((&groups[0]["id"], &groups[0]["provedBy"]), (&json!("g-a"), &json!("dn")), "{groups:?}");
    assert_eq!(groups[1]["state"], "absent", "{groups:?}");
}

#[test]
fn upgrade_is_noticed_after_ten_minutes() {
    let path = format!("/fleet/default/v1/groups?dn={}", A.replace('=', "%3D").replace(',', "%2C"));
    let gone = || [directory_query("gg-a", &json!([])), nothing_at(A)];
    let instance = Instance::new([logs_in("t1"), realms(), directories("COMPLETED", 5), version(9, 1, 0)]);
    instance.then(gone());
    assert_eq!(instance.get(&path).status(), 200);
    instance.script.advance(Duration::from_secs(599));
    instance.then(gone());
    assert_eq!(instance.get(&path).status(), 200);
    instance.script.advance(Duration::from_secs(1));
    instance.then([realms(), directories("COMPLETED", 5), version(9, 1, 1)]);
    instance.then([dn_query(&[A], &json!([group("g-a", "gg-a")]))]);
    assert_eq!(instance.get(&path).json()["groups"][0]["id"], "g-a");
}

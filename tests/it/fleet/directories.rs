//! The directories of all realms.

use http::Method;
use serde_json::{Value, json};

use crate::support::fleet::{CORP, PROVIDER, REALM, directories, get_iam, last_log, logs_in, realms, starts};
use crate::support::script::Call;
use crate::support::webhook::Instance;

const SECOND: &str = "99000000-0000-4000-8000-000000000002";

/// Two realms with a provider each.
fn two_realms() -> Call {
    let realms = json!({"ssoRealms": [
        {"id": REALM, "name": "USA", "idpId": PROVIDER},
        {"id": "98000000-0000-4000-8000-000000000002", "name": "EMEA", "idpId": SECOND}]});
    get_iam("/ssorealms").answer(200, realms.to_string())
}

fn of_second(directories: &Value) -> Call {
    get_iam(&format!("/identity-providers/{SECOND}/ldap-directories"))
        .answer(200, json!({"ldapDirectories": directories}).to_string())
}

fn directory(id: &str, name: &str, domain: &str) -> Value {
    json!({"ldapConfigurationId": id, "name": name, "domains": [domain], "setupStatus": "COMPLETED"})
}

#[test]
fn directories_of_all_realms_are_one_list_with_filters() {
    let lists = || {
        [
            two_realms(),
            directories("COMPLETED", 5),
            of_second(&json!([directory("d-2", "emea", "emea.example"),
            {"ldapConfigurationId": "d-3", "name": "new", "setupStatus": "INITIAL"}])),
        ]
    };
    let instance = Instance::new([logs_in("t1")]);
    let names = |query: &str| -> Vec<Value> {
        instance.then(lists());
        let answer = instance.get(&format!("/fleet/default/v1/directories{query}"));
        answer.json()["directories"].as_array().unwrap().iter().map(|directory| directory["name"].clone()).collect()
    };
    assert_eq!(names(""), ["corp", "emea", "new"]);
    assert_eq!(names("?syncable=true"), ["corp", "emea"]);
    assert_eq!(names("?domain=EMEA.example"), ["emea"]);
    assert_eq!(names("?realm=usa"), ["corp"]);
    assert_eq!(names("?name=New&syncable=false"), ["new"]);
}

#[test]
fn directory_is_found_by_id_name_and_domain_without_further_calls() {
    let instance = Instance::new([logs_in("t1"), realms(), directories("COMPLETED", 5)]);
    instance.get("/fleet/default/v1/directories");
    for which in [CORP, "corp", "CORP", "corp.example"] {
        instance.then([directories("COMPLETED", 5), last_log("log-1", true)]);
        let state = instance.get(&format!("/fleet/default/v1/directories/{which}/sync")).json();
        assert_eq!(
            (&state["directory"]["id"], &state["status"]),
            (&json!(CORP), &json!("succeeded")),
            "{which}: {state}"
        );
    }
}

#[test]
fn name_in_two_realms_is_ambiguous() {
    let twin = of_second(&json!([directory("d9000000-0000-4000-8000-0000000000c1", "other", "corp.example")]));
    let instance = Instance::new([logs_in("t1"), two_realms(), directories("COMPLETED", 5), twin]);
    let problem = instance
        .send(Method::POST, "/fleet/default/v1/directories/corp.example/syncs", "")
        .problem("directory_ambiguous");
    // VCF Operations' list has no kind of directory.
    let candidates =
        json!([{"id": CORP, "name": "corp"}, {"id": "d9000000-0000-4000-8000-0000000000c1", "name": "other"}]);
    assert_eq!(problem["candidates"], candidates);
}

#[test]
fn directory_that_is_not_set_up_or_on_demand_is_not_syncable() {
    for (fields, why) in [
        (json!({"setupStatus": "INITIAL"}), "not set up"),
        (json!({"setupStatus": "COMPLETED", "syncMode": "ON_DEMAND"}), "on demand"),
    ] {
        let listed = crate::support::fleet::directories_with(&fields);
        let instance = Instance::new([logs_in("t1"), realms(), listed]);
        let problem = instance
            .send(Method::POST, "/fleet/default/v1/directories/corp/syncs", "")
            .problem("directory_not_syncable");
        assert!(problem["detail"].as_str().unwrap().contains(why), "{problem}");
    }
}

#[test]
fn provider_without_ldap_directories_is_passed_over() {
    let listed = |provider: Call, then: Option<Call>| {
        let instance = Instance::new([logs_in("t1"), two_realms(), directories("COMPLETED", 5), rejects(), provider]);
        instance.then(then);
        instance.get("/fleet/default/v1/directories").json()
    };
    // After a 400 the realms show whether there is such a provider.
    let rejected = kind("SCIM").answer(400, r#"{"message":"stale"}"#);
    for (provider, then) in
        [(kind("SCIM"), None), (kind("SCIM").answer(404, "{}"), None), (rejected, Some(two_realms()))]
    {
        assert_eq!(listed(provider, then)["directories"].as_array().unwrap().len(), 1);
    }
    // A provider with LDAP has directories: a list without them would call none of them stale.
    assert_eq!(listed(kind("LDAP"), None)["code"], "upstream_rejected");
}

/// The rejection of the second realm's directories.
fn rejects() -> Call {
    get_iam(&format!("/identity-providers/{SECOND}/ldap-directories"))
        .answer(400, r#"{"message":"Not an LDAP provider"}"#)
}

/// The second realm's provider.
fn kind(kind: &str) -> Call {
    get_iam(&format!("/identity-providers/{SECOND}"))
        .answer(200, json!({"id": SECOND, "provisionType": kind}).to_string())
}

#[test]
fn provider_that_is_passed_over_is_named_if_the_directory_is_not_found() {
    let instance = Instance::new([logs_in("t1"), two_realms(), directories("COMPLETED", 5), rejects(), kind("JIT")]);
    let problem = instance.get("/fleet/default/v1/directories/emea.example").problem("directory_not_found");
    let hint = problem["hint"].as_str().unwrap();
    assert!(hint.contains("\"corp\"") && hint.contains("Not an LDAP provider"), "{hint}");
}

/// Each realm has an identity broker of its own.
#[test]
fn realm_whose_broker_fails_does_not_stop_the_others() {
    let broken = || {
        get_iam(&format!("/identity-providers/{PROVIDER}/ldap-directories"))
            .answer(500, r#"{"message":"Identity broker is not reachable"}"#)
    };
    let emea = || of_second(&json!([directory("d-2", "emea", "emea.example")]));
    let log =
        get_iam(&format!("/identity-providers/{SECOND}/ldap-directories/d-2/sync-logs?last=true&page=0&pageSize=50"))
            .answer(200, "{}");
    let start = crate::support::fleet::post_iam(&format!("/identity-providers/{SECOND}/ldap-directories/d-2/sync"))
        .answer(202, "{}");
    let instance = Instance::new([logs_in("t1"), two_realms(), broken(), emea()]);
    instance.then([emea(), log, start]);
    let answer = instance.send(Method::POST, "/fleet/default/v1/directories/emea.example/syncs", "");
    assert_eq!(answer.status(), 202, "{}", answer.text());
    // A directory that is not found may be in the realm that cannot be read, and the whole list lacks that realm.
    for path in ["/corp", ""] {
        instance.then([two_realms(), broken()]);
        if path == "/corp" {
            instance.then([emea()]);
        }
        let problem = instance.get(&format!("/fleet/default/v1/directories{path}")).json();
        assert!(problem["detail"].as_str().unwrap().contains("Identity broker is not reachable"), "{problem}");
    }
}

#[test]
fn page_in_place_of_directories_is_reported() {
    for status in [400, 404] {
        let page = get_iam(&format!("/identity-providers/{SECOND}/ldap-directories"))
            .answer(status, "<html><title>No server is available</title></html>")
            .answer_header("content-type", "text/html");
        let instance = Instance::new([logs_in("t1"), two_realms(), directories("COMPLETED", 5), page]);
        let problem = instance.get("/fleet/default/v1/directories").json();
        assert!(problem["code"].as_str().unwrap_or_default().starts_with("upstream_"), "{problem}");
    }
}

#[test]
fn replaced_provider_is_found_again_at_the_start() {
    // The provider was made anew: the cached id is stale, and a stale id is answered with 400 or 404.
    for status in [400, 404] {
        let instance = Instance::new([logs_in("t1"), realms(), directories("COMPLETED", 5)]);
        instance.get("/fleet/default/v1/directories");
        let stale = || {
            crate::support::fleet::directories("COMPLETED", 5)
                .answer(status, r#"{"message":"InvalidParameter idpConfigId"}"#)
        };
        let moved = json!({"ssoRealms": [{"id": REALM, "name": "USA", "idpId": SECOND}]});
        let corp = of_second(&json!([{"ldapConfigurationId": CORP, "name": "corp", "domains": ["corp.example"],
            "setupStatus": "COMPLETED", "lastSyncStatus": "COMPLETED", "lastSyncDateTime": 5}]));
        let log = get_iam(&format!(
            "/identity-providers/{SECOND}/ldap-directories/{CORP}/sync-logs?last=true&page=0&pageSize=50"
        ))
        .answer(200, "{}");
        let start =
            crate::support::fleet::post_iam(&format!("/identity-providers/{SECOND}/ldap-directories/{CORP}/sync"))
                .answer(202, "{}");
        instance.then([stale(), get_iam("/ssorealms").answer(200, moved.to_string()), corp, log, start]);
        let answer = instance.send(Method::POST, "/fleet/default/v1/directories/corp/syncs", "");
        assert_eq!(answer.status(), 202, "{status}: {}", answer.text());
    }
}

#[test]
fn rejected_start_of_an_existing_directory_is_reported_as_it_is() {
    let instance = Instance::new([logs_in("t1"), realms(), directories("COMPLETED", 5)]);
    instance.get("/fleet/default/v1/directories");
    let rejects = starts().answer(400, r#"{"message":"The broker is not healthy.","apiErrorCode":1501}"#);
    instance.then([
        directories("COMPLETED", 5),
        last_log("log-1", true),
        rejects,
        realms(),
        directories("COMPLETED", 5),
    ]);
    let problem =
        instance.send(Method::POST, "/fleet/default/v1/directories/corp/syncs", "").problem("upstream_rejected");
    assert!(problem["detail"].as_str().unwrap().contains("The broker is not healthy."), "{problem}");
}

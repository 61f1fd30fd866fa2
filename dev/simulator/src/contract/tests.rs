//! The contract is compared, and each kind of violation is found.

use super::{Release, merge, violations};
use crate::calls::{Exchange, Server};
use crate::settings::{FleetVersion, SddcVersion};
use serde_json::json;

fn exchange(method: &str, path: &str, request: &str, status: u16, response: &str) -> Exchange {
    Exchange {
        server: Server::Fleet,
        contract: Some(Release::Fleet(FleetVersion::V9_1_0)),
        method: method.to_owned(),
        path_and_query: format!("/suite-api/api{path}"),
        request_type: (!request.is_empty()).then(|| "application/json".to_owned()),
        request: request.as_bytes().to_vec().into(),
        status,
        response_type: (!response.is_empty()).then(|| "application/json;charset=UTF-8".to_owned()),
        response: response.as_bytes().to_vec().into(),
    }
}

const DIRECTORY: &str = "/fleet-management/iam/identity-providers/a/ldap-directories/b";

#[test]
fn kept_contract_has_no_violation() {
    let groups = "/fleet-management/iam/ssorealms/a/groups/query?page=0&pageSize=50&_no_links=true";
    let calls = [
        exchange(
            "POST",
            "/auth/token/acquire",
            r#"{"username":"a","password":"b"}"#,
            200,
            r#"{"token":"x","validity":1}"#,
        ),
        exchange("POST", &format!("{DIRECTORY}/sync"), "", 202, r#"{"syncStatus":"STARTED"}"#),
        exchange("POST", groups, "{}", 200, r#"{"vidbGroups":[{"groupId":"a"}]}"#),
        exchange("GET", "/versions/current", "", 401, r#"{"message":"no"}"#),
    ];
    assert_eq!(violations(&calls), [""; 0]);
}

#[test]
fn each_kind_of_violation_is_found() {
    let groups = "/fleet-management/iam/ssorealms/a/groups/query";
    for (call, part) in [
        (exchange("GET", "/nowhere", "", 200, "{}"), "no such operation"),
        (exchange("POST", &format!("{DIRECTORY}/sync"), "{}", 202, "{}"), "the request has a body"),
        (exchange("POST", &format!("{DIRECTORY}/sync"), "", 202, r#"{"syncStatus":"DONE"}"#), "/syncStatus"),
        (exchange("POST", &format!("{DIRECTORY}/sync"), "", 200, "{}"), "the status is not declared"),
        (exchange("PUT", &format!("{DIRECTORY}/sync-profile"), "", 400, ""), "the request has no body"),
        (exchange("PUT", &format!("{DIRECTORY}/sync-profile"), "{}", 400, ""), "userAttributeMappings"),
        (exchange("POST", "/auth/token/acquire", r#"{"username":"a","password":"b","x":1}"#, 401, ""), "'x'"),
        (exchange("POST", &format!("{groups}?page=0"), "{}", 200, "{}"), "pageSize is missing"),
        (exchange("POST", &format!("{groups}?page=a&pageSize=1"), "{}", 200, "{}"), "parameter page"),
        (exchange("POST", &format!("{groups}?page=0&pageSize=1&q=1"), "{}", 200, "{}"), "q is not declared"),
        (exchange("GET", "/fleet-management/iam/ssorealms", "", 500, r#"{"error":1}"#), "message"),
        (exchange("GET", "/fleet-management/iam/tasks/a", "", 200, r#"{"taskId":"no uuid"}"#), "/taskId"),
    ] {
        let violations = violations(std::slice::from_ref(&call));
        assert!(violations.iter().any(|violation| violation.contains(part)), "{part}: {violations:?}");
    }
}

#[test]
fn violations_of_sddc_managers_document_are_found() {
    let of = |version, method, path: &str, request, status, response| Exchange {
        server: Server::Sddc,
        contract: Some(Release::Sddc(version)),
        path_and_query: format!("/v1{path}"),
        ..exchange(method, "", request, status, response)
    };
    let (login, pair) = (r#"{"username":"u","password":"p"}"#, r#"{"accessToken":"t","refreshToken":{"id":"i"}}"#);
    for version in [SddcVersion::V5_2, SddcVersion::V9_1] {
        let kept = [
            of(version, "POST", "/tokens", login, 201, pair),
            of(version, "PATCH", "/tokens/access-token/refresh", "\"i\"", 200, "\"t\""),
            of(version, "DELETE", "/tokens/refresh-token", "\"i\"", 204, ""),
            of(version, "POST", "/identity-providers/a/sync-client", "", 200, "{}"),
            of(version, "GET", "/identity-providers", "", 401, r#"{"errorCode":"E","cause":[]}"#),
        ];
        assert_eq!(violations(&kept), [""; 0], "{version:?}");
        for (call, part) in [
            (of(version, "POST", "/tokens", login, 200, pair), "the status is not declared"),
            (of(version, "POST", "/tokens", r#"{"user":"u"}"#, 201, pair), "'user'"),
            (of(version, "PATCH", "/tokens/access-token/refresh", "i", 200, "\"t\""), "not JSON"),
            (of(version, "PATCH", "/tokens/access-token/refresh", "\"i\"", 200, "t.t.t"), "not JSON"),
            (of(version, "POST", "/identity-providers", r#"{"name":"n"}"#, 201, ""), "\"type\" is a required"),
            (of(version, "GET", "/identity-providers", "", 401, r#"{"causes":[]}"#), "'causes'"),
            (of(version, "GET", "/identity-broker/prechecks?kind=x", "", 200, r#"{"status":"S"}"#), "kind is not"),
            (of(version, "GET", "/identity-broker/other", "", 200, "{}"), "no such operation"),
        ] {
            let violations = violations(std::slice::from_ref(&call));
            assert!(violations.iter().any(|violation| violation.contains(part)), "{part}: {violations:?}");
        }
    }
}

#[test]
fn requests_may_not_set_what_the_server_sets() {
    let body = r#"{"dn":"CN=a,DC=b","principalType":"GROUP","name":"a"}"#;
    let call = exchange("POST", &format!("{DIRECTORY}/principals"), body, 201, body);
    let call = Exchange { contract: Some(Release::Fleet(FleetVersion::V9_1_1)), ..call };
    let violations = violations(&[call]);
    assert!(violations.len() == 1 && violations[0].contains("'name'"), "{violations:?}");
}

#[test]
fn merge_patch_replaces_adds_and_removes() {
    let mut target = json!({"a": {"b": 1, "c": 2}, "d": [1, 2]});
    merge(&mut target, json!({"a": {"b": null, "e": {"f": 3}}, "d": [4]}));
    assert_eq!(target, json!({"a": {"c": 2, "e": {"f": 3}}, "d": [4]}));
}

//! Both logins of VCF Operations.

use std::time::Duration;

use serde_json::json;

use crate::support::fleet::{directories, get_iam, logs_in, realms, version};
use crate::support::script::{Call, get, post};
use crate::support::webhook::Instance;

const DIRECTORIES: &str = "/fleet/default/v1/directories";
const ACQUIRE: &str = "https://ops.corp.example/suite-api/api/auth/token/acquire";
const WELL_KNOWN: &str = "https://ops.corp.example/suite-api/api/auth/sources/vidb/well-known-url";
const EXCHANGE: &str = "https://vidb.corp.example/acs/t/CUSTOMER/token";
const TOKEN: &[(&str, &str)] =
    &[("fleet_username", ""), ("fleet_password", ""), ("fleet_auth_source", ""), ("fleet_api_token", "api+token")];

fn exchanges() -> Call {
    post(EXCHANGE)
        .without("authorization")
        .header("content-type", "application/x-www-form-urlencoded")
        .body("grant_type=urn%3Acustom%3Avcf%3Aparams%3Aoauth%3Agrant-type%3Aapi-token&api_token=api%2Btoken")
        .answer(200, r#"{"access_token":"e.e30.s","token_type":"Bearer","expires_in":1798}"#)
}

fn lists() -> Call {
    get("https://ops.corp.example/suite-api/api/fleet-management/iam/ssorealms")
        .header("authorization", "Bearer e.e30.s")
        .answer(200, r#"{"ssoRealms":[]}"#)
}

#[test]
fn session_token_is_used_for_all_calls() {
    let instance =
        Instance::new([logs_in("t1"), realms(), directories("COMPLETED", 1), realms(), directories("COMPLETED", 1)]);
    for _ in 0..2 {
        assert_eq!(instance.get(DIRECTORIES).status(), 200);
    }
}

#[test]
fn expired_session_is_renewed_whether_401_is_json_or_a_page() {
    let json = r#"{"message":"The provided token is either invalid or has expired.","httpStatusCode":401,"apiErrorCode":1512}"#;
    for (body, kind) in [(json, "application/json"), ("<html>Not Authorized</html>", "text/html")] {
        let refused = get_iam("/ssorealms").answer(401, body).answer_header("content-type", kind);
        let first = [logs_in("t1"), realms(), directories("COMPLETED", 1)];
        let instance =
            Instance::new(first.into_iter().chain([refused, logs_in("t1"), realms(), directories("COMPLETED", 1)]));
        for _ in 0..2 {
            assert_eq!(instance.get(DIRECTORIES).status(), 200);
        }
    }
}

#[test]
fn session_that_ended_is_renewed_whatever_vcf_operations_answers() {
    let page = "<html><title>Sign in</title></html>";
    for (status, body) in [(403, "{}"), (302, ""), (200, page)] {
        let ended = get_iam("/ssorealms").answer(status, body).answer_header("location", "/ui/login.action");
        let instance = Instance::new([logs_in("t1"), realms(), directories("COMPLETED", 1)]);
        assert_eq!(instance.get(DIRECTORIES).status(), 200);
        instance.script.advance(Duration::from_mins(5));
        instance.then([ended, logs_in("t1"), realms(), directories("COMPLETED", 1)]);
        assert_eq!(instance.get(DIRECTORIES).status(), 200, "{status}");
    }
}

/// The refusal of an account whose password VCF Operations does not check.
fn refuses_with_a_page() -> Call {
    post(ACQUIRE)
        .answer(401, "<html><body>HTTP Status 401</body></html>")
        .answer_header("content-type", "text/html")
        .answer_header("www-authenticate", "OpsToken, VCToken, SSO2Token, CSPToken, VIDBToken")
}

#[test]
fn account_of_single_sign_on_is_recognised() {
    for (username, may_be_active_directory) in [("ada", false), ("CORP\\ada", false), ("ada@corp.example", true)] {
        let instance = Instance::with(&[("fleet_username", username)], [refuses_with_a_page()]);
        let problem = instance.get(DIRECTORIES).problem("upstream_auth");
        let hint = problem["hint"].as_str().unwrap();
        assert!(hint.contains("single sign-on") && hint.contains("fleet_api_token"), "{problem}");
        assert_eq!(hint.contains("DOMAIN\\user"), may_be_active_directory, "{problem}");
    }
}

#[test]
fn refusal_without_a_password_check_bars_no_later_login() {
    let window = Duration::from_mins(15);
    let instance = Instance::new([refuses_with_a_page()]);
    for attempts in 1..4 {
        for _ in 0..3 {
            let problem = instance.get(DIRECTORIES).problem("upstream_auth");
            assert_eq!(problem["upstream"]["status"], 401, "{problem}");
            assert_eq!(instance.calls(), attempts);
        }
        instance.script.advance(window);
        instance.then([refuses_with_a_page()]);
    }
    instance.get(DIRECTORIES).problem("upstream_auth");
    // Somebody corrected the account in VCF Operations.
    instance.script.advance(window);
    instance.then([logs_in("t1"), realms(), directories("COMPLETED", 1)]);
    assert_eq!(instance.get(DIRECTORIES).status(), 200);
}

#[test]
fn wrong_password_is_tried_once() {
    let body = r#"{"type":"Error","message":"The provided username/password or token is not valid.","httpStatusCode":401,"apiErrorCode":401}"#;
    let instance = Instance::new([post(ACQUIRE).answer(401, body)]);
    for _ in 0..2 {
        let problem = instance.get(DIRECTORIES).problem("upstream_auth");
        assert!(problem["hint"].as_str().unwrap().contains("fleet_auth_source"), "{problem}");
        assert!(!problem.to_string().contains("pässword"), "{problem}");
    }
}

#[test]
fn api_token_is_exchanged_at_the_configured_broker() {
    let variables = [TOKEN, &[("fleet_broker_url", "https://vidb.corp.example")]].concat();
    let instance = Instance::with(&variables, [exchanges(), lists(), lists()]);
    for _ in 0..2 {
        assert_eq!(instance.get(DIRECTORIES).json(), json!({"directories": []}));
    }
}

#[test]
fn broker_is_found_through_the_well_known_address() {
    let found = |url: &str| get(WELL_KNOWN).without("authorization").answer(200, json!({ "url": url }).to_string());
    let url = "https://vidb.corp.example/acs/t/CUSTOMER/.well-known/openid-configuration";
    let instance = Instance::with(TOKEN, [found(url), exchanges(), lists()]);
    assert_eq!(instance.get(DIRECTORIES).status(), 200);

    // The API token is not sent without TLS.
    let instance = Instance::with(TOKEN, [found("http://vidb.corp.example/x")]);
    let problem = instance.get(DIRECTORIES).problem("not_configured");
    assert!(problem["hint"].as_str().unwrap().contains("fleet_broker_url"), "{problem}");

    let instance = Instance::with(TOKEN, [get(WELL_KNOWN).answer(409, "")]);
    assert!(instance.get(DIRECTORIES).json()["hint"].as_str().unwrap().contains("no identity broker"));
}

#[test]
fn gateway_that_hides_the_broker_does_not_count_as_a_rejected_token() {
    let (blocked, page) = (r#"{"message":"blocked"}"#, "<html><title>Blocked</title></html>");
    for (status, body) in [(403, blocked), (400, blocked), (401, page), (403, page)] {
        let hides = || get(WELL_KNOWN).answer(status, body);
        let found = get(WELL_KNOWN).answer(200, r#"{"url":"https://vidb.corp.example/x"}"#);
        let instance = Instance::with(TOKEN, [hides(), hides(), hides(), found, exchanges(), lists()]);
        for _ in 0..3 {
            let problem = instance.get(DIRECTORIES).problem("upstream_invalid");
            assert!(problem["hint"].as_str().unwrap().contains("fleet_broker_url"), "{problem}");
        }
        assert_eq!(instance.get(DIRECTORIES).status(), 200);
    }
}

#[test]
fn dead_api_token_is_reported_without_showing_it() {
    let body = r#"{"error":"invalid_client","error_description":"api+token is dead"}"#;
    let variables = [TOKEN, &[("fleet_broker_url", "https://vidb.corp.example")]].concat();
    let instance = Instance::with(&variables, [exchanges().answer(401, body)]);
    let problem = instance.get(DIRECTORIES).problem("upstream_auth");
    assert!(problem["hint"].as_str().unwrap().contains("30 to 180 days"), "{problem}");
    assert!(!problem.to_string().contains("api+token"), "{problem}");
    let instance = Instance::with(&variables, [exchanges().answer(400, r#"{"errors":[{"code":"dead"}]}"#)]);
    let problem = instance.get(DIRECTORIES).problem("upstream_invalid");
    assert!(problem["hint"].as_str().unwrap().contains("30 to 180 days"), "{problem}");
}

#[test]
fn version_without_the_calls_is_not_supported() {
    let missing = || get_iam("/ssorealms").answer(404, "<html>").answer_header("content-type", "text/html");
    let instance = Instance::new([logs_in("t1"), missing(), version(2, 2, 0)]);
    let answer = instance.get(DIRECTORIES);
    assert_eq!(answer.status(), 422);
    let problem = answer.problem("not_supported");
    assert!(problem["detail"].as_str().unwrap().contains("VCF Operations 2.2.0"), "{problem}");
    assert!(problem["hint"].as_str().unwrap().contains("9.1"), "{problem}");

    // A version that has the calls: the page is something else.
    let instance = Instance::new([logs_in("t1"), missing(), version(9, 1, 0)]);
    instance.get(DIRECTORIES).problem("upstream_invalid");
}

//! The doctor of VCF Operations: its version, and the expiry of certificates and of the API token.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::fleet::{PROVIDER, REALM, directories, get_iam, group_query, logs, logs_in, realms, version};
use crate::support::script::{Call, START, get, post};
use crate::support::webhook::Instance;

const DOCTOR: &str = "/fleet/default/v1/doctor";

const VALID: &str = include_str!("../../fixtures/vcf/chain.pem");
const EXPIRED: &str = include_str!("../../fixtures/vcf/expired.pem");

fn node() -> Call {
    get("https://ops.corp.example/suite-api/api/deployment/node/status")
        .without("authorization")
        .answer(200, r#"{"status":"ONLINE"}"#)
}

/// The check with that name.
fn check(diagnosis: &Value, name: &str) -> Value {
    let mut checks = diagnosis["checks"].as_array().unwrap().iter();
    checks.find(|check| check["check"] == name).unwrap().clone()
}

/// An instance whose VCF Operations passes the checks, and answers like this for its provider.
fn healthy(provider: Call) -> Instance {
    let groups = |operator| group_query(&["idhook-doctor"], operator, &json!([]));
    Instance::new([
        node(),
        logs_in("t1"),
        version(9, 1, 1),
        realms(),
        directories("COMPLETED", 1),
        groups("EQUALS"),
        groups("LIKE"),
        provider,
    ])
}

/// Whether no check failed, and the check `certificates`, if the provider is answered like this.
fn certificates(provider: Call) -> (Value, Value) {
    let instance = healthy(provider);
    let diagnosis = instance.get(DOCTOR).json();
    assert_eq!(check(&diagnosis, "api_token")["result"], "skipped", "{diagnosis}");
    (diagnosis["ok"].clone(), check(&diagnosis, "certificates"))
}

fn provider(chain: &[&str]) -> Call {
    let provider = json!({"id": PROVIDER, "name": "Corp AD", "certificateChain": chain});
    get_iam(&format!("/identity-providers/{PROVIDER}")).answer(200, provider.to_string())
}

#[test]
fn certificates_of_providers_are_checked_for_expiry() {
    for (chain, ok, result, words) in [
        (&[] as &[&str], true, "ok", "no identity provider has a certificate"),
        (
            &[VALID],
            true,
            "ok",
            "2 in total; first to expire: CN=Corp Issuing CA,DC=corp,DC=example of Corp AD expires in 1502",
        ),
        (&[VALID, EXPIRED], false, "failed", "CN=Corp Old CA,DC=corp,DC=example of Corp AD expired 2334 days ago"),
        (&["???"], true, "warning", "a certificate of Corp AD is not readable"),
    ] {
        let (healthy, check) = certificates(provider(chain));
        assert_eq!((healthy, &check["result"]), (json!(ok), &json!(result)), "{check}");
        assert!(check["detail"].as_str().unwrap().starts_with(words), "{check}");
    }
}

#[test]
fn rejected_provider_is_a_warning() {
    let (ok, check) = certificates(get_iam(&format!("/identity-providers/{PROVIDER}")).answer(403, ""));
    assert_eq!((ok, &check["result"]), (json!(true), &json!("warning")), "{check}");
    assert!(check["detail"].as_str().unwrap().contains("USA"), "{check}");
}

/// Whether no check failed, and the check `api_token`, if the realm's query for API tokens is answered like this.
fn api_token(status: u16, body: &str) -> (Value, Value) {
    const OPS: &str = "https://ops.corp.example/suite-api/api";
    let variables = [
        ("fleet_username", ""),
        ("fleet_password", ""),
        ("fleet_auth_source", ""),
        ("fleet_api_token", "planted-token-VWXYZ"),
        ("fleet_broker_url", "https://vidb.corp.example"),
    ];
    let bearer = |call: Call| call.header("authorization", "Bearer e.e30.s");
    let iam = |path: &str| bearer(get(format!("{OPS}/fleet-management/iam{path}")));
    let query = |path: &str| bearer(post(format!("{OPS}/fleet-management/iam/ssorealms/{REALM}{path}")));
    let realms = json!({"ssoRealms": [{"id": REALM, "name": "USA"}]}).to_string();
    let exchange = r#"{"access_token":"e.e30.s","token_type":"Bearer","expires_in":1798}"#;
    let order = "sortBy=EXPIRATION_DATE&sortOrder=DESCENDING";
    let instance = Instance::with(
        &variables,
        [
            node(),
            post("https://vidb.corp.example/acs/t/CUSTOMER/token").answer(200, exchange),
            bearer(get(format!("{OPS}/versions/current"))).answer(200, r#"{"major":9,"minor":1,"minorMinor":1}"#),
            iam("/ssorealms").answer(200, realms),
            query(&format!("/api-tokens/query?page=0&pageSize=50&{order}")).body("{}").answer(status, body.to_owned()),
        ],
    );
    let diagnosis = instance.get(DOCTOR).json();
    assert!(!diagnosis.to_string().contains("planted"), "{diagnosis}");
    (diagnosis["ok"].clone(), check(&diagnosis, "api_token"))
}

#[test]
fn expiry_of_the_api_token_is_checked() {
    let listed = |days: u64, last: &str| {
        let milliseconds = (START + Duration::from_hours(24 * days + 1)).as_millis();
        let other = json!({"tokenName": "other", "tokenLastChars": "12345", "expirationDate": 1});
        let own = json!({"tokenName": "idhook", "tokenLastChars": last, "expirationDate": milliseconds});
        json!({"apiTokens": [other, own]}).to_string()
    };
    for (status, body, ok, result, words) in [
        (200, listed(90, "VWXYZ"), true, "ok", "the API token idhook expires in 90 days"),
        (200, listed(12, "VWXYZ"), true, "warning", "the API token idhook expires in 12 days"),
        (200, listed(12, ""), true, "warning", "no realm lists the configured API token"),
        (200, "{}".to_owned(), true, "warning", "no realm lists the configured API token"),
        (403, String::new(), true, "warning", "the API token's expiry is unknown"),
    ] {
        let (healthy, check) = api_token(status, &body);
        assert_eq!((healthy, &check["result"]), (json!(ok), &json!(result)), "{check}");
        assert!(check["detail"].as_str().unwrap().starts_with(words), "{check}");
    }
}

/// VCF Operations 9.0 counts as 2.2.
#[test]
fn version_without_the_calls_is_a_failure() {
    let instance = Instance::new([node(), logs_in("t1"), version(2, 2, 0)]);
    let diagnosis = instance.get(DOCTOR).json();
    assert_eq!(diagnosis["ok"], false);
    let found = check(&diagnosis, "version");
    assert_eq!(
        (&found["result"], found["hint"].as_str()),
        (&json!("failed"), Some("upgrade VCF Operations to 9.1 or later"))
    );
    for name in ["realms", "certificates", "api_token"] {
        assert_eq!(check(&diagnosis, name)["result"], "skipped", "{diagnosis}");
    }
}

#[test]
fn stale_directory_fails_the_doctor_on_request() {
    let instance = healthy(provider(&[]));
    // The directory's state and its log.
    let log = logs("last=true&page=0&pageSize=50").answer(200, r#"{"syncLogs":[]}"#);
    instance.then([directories("COMPLETED", 1), log]);
    let diagnosis = instance.get(&format!("{DOCTOR}?staleAfter=2h")).json();
    let freshness = check(&diagnosis, "freshness");
    assert_eq!((&diagnosis["ok"], &freshness["result"]), (&json!(false), &json!("failed")), "{diagnosis}");
    assert!(freshness["detail"].as_str().unwrap().contains("(last sync "), "{freshness}");
}

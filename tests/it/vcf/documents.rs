//! SDDC Manager's documents as callers get them: what is blanked, and what is unchanged.

use http::Method;
use serde_json::{Value, json};

use crate::support::script::{get, post};
use crate::support::vcf::{ID, PATH, ROOT, SOURCE};
use crate::support::webhook::Instance;
use crate::vcf::session::login;

/// A provider with a secret in an unknown field at every level.
fn with_secrets() -> Value {
    let ldap = json!({
        "domainName": "corp.example", "bindPassword": "hunter2",
        "sourceDetails": {"usersBaseDn": "OU=U", "keystore-PASSWORD": "hunter2", "more": [{"Private_Key": "hunter2"}]}
    });
    json!({
        "id": ID, "name": "n", "type": "Embedded", "adminSecret": "hunter2", "passwordIsSet": true,
        "identitySources": [{"name": "s", "ldap": ldap, "apiTokens": ["hunter2"]}],
        "oidc": {"clientId": "c", "clientSecret": "hunter2", "tokenEndpoint": "https://idp.corp.example/token"},
        "fedIdp": {"name": "f", "syncClientTokenTTL": 60, "syncClientTokenInfo": {"token": "hunter2", "scimUrl": "https://s"},
                   "oidcInfo": {"client_secret": {"value": "hunter2"}}},
    })
}

#[test]
fn unknown_upstream_secrets_are_blanked_at_every_level() {
    let provider = with_secrets();
    let broker = "https://sddc.corp.example/v1/identity-broker";
    let instance = Instance::new([
        login(),
        get(ROOT).answer(200, json!({"elements": [provider], "sessionToken": "hunter2"}).to_string()),
        get(format!("{ROOT}/{ID}")).answer(200, provider.to_string()),
        get(format!("{broker}/prechecks"))
            .answer(200, json!({"status": "S", "details": [{"token": "hunter2"}]}).to_string()),
        get(format!("{broker}/sddc-manager-oidc"))
            .answer(200, json!({"oidcClientId": "i", "oidcClientSecret": "hunter2"}).to_string()),
        get(ROOT).answer(500, json!({"error": "x", "password": "hunter2"}).to_string()),
    ]);
    let shown = [
        instance.get(PATH),
        instance.get(&format!("{PATH}/{ID}")),
        instance.get("/vcf/default/v1/identity-broker/prechecks"),
        instance.get("/vcf/default/v1/identity-broker/sddc-manager-oidc"),
        instance.get(PATH),
    ];
    for answer in &shown {
        assert!(!answer.text().contains("hunter2"), "{}", answer.text());
        assert!(answer.text().contains('…'), "{}", answer.text());
    }
    let one = shown[1].json();
    assert_eq!(
        (&one["passwordIsSet"], &one["oidc"]["tokenEndpoint"]),
        (&json!(true), &json!("https://idp.corp.example/token"))
    );
    assert_eq!(one["fedIdp"]["syncClientTokenInfo"], json!({"scimUrl": "https://s"}));
}

#[test]
fn secrets_of_a_specification_are_sent_unchanged() {
    let instance = Instance::new([login(), post(format!("{ROOT}/{ID}/identity-sources")).answer(204, "")]);
    let mut spec: Value = serde_json::from_str(SOURCE).unwrap();
    spec["ldap"]["keystorePassword"] = json!("hunter2");
    let answer = instance.send(Method::POST, &format!("{PATH}/{ID}/identity-sources"), &spec.to_string());
    assert_eq!(answer.status(), 201, "{}", answer.text());
    let sent: Value = serde_json::from_slice(instance.script.requests()[1].body()).unwrap();
    assert_eq!(sent["ldap"]["keystorePassword"], "hunter2");
}

#[test]
fn problems_carry_the_vendors_names() {
    let failed = include_str!("../../fixtures/vcf/error.answer.json");
    let path = format!("{PATH}/{ID}/identity-sources");
    let upstream = format!("{ROOT}/{ID}/identity-sources");
    let instance = Instance::new([
        login(),
        post(&upstream).answer(400, failed),
        post(&upstream).answer(404, "<html><title>404</title>"),
    ]);
    let problem = instance.send(Method::POST, &path, SOURCE).problem("upstream_rejected");
    let theirs: Value = serde_json::from_str(failed).unwrap();
    for name in ["errorCode", "message", "remediationMessage", "referenceToken", "causes", "nestedErrors"] {
        assert_eq!(problem[name], theirs[name], "{name}");
    }
    // Without SDDC Manager's own error format, idhook's texts use its field names.
    let problem = instance.send(Method::POST, &path, SOURCE).problem("upstream_invalid");
    assert_eq!((&problem["errorCode"], &problem["message"]), (&json!("UPSTREAM_INVALID"), &problem["detail"]));
    assert_eq!((&problem["remediationMessage"], &problem["referenceToken"]), (&problem["hint"], &problem["instance"]));
    let problem = instance.send(Method::POST, &path, r#"{"name": "n"}"#).problem("request_invalid");
    assert_eq!(problem["errorCode"], "REQUEST_INVALID");
    assert_eq!(problem["causes"], json!([{"type": "/ldap", "message": "is required"}]));
}

#[test]
fn other_problems_lack_the_vendors_names() {
    let refused = include_str!("../../fixtures/vcf/login-refused.answer.json");
    let instance = Instance::new([post("https://sddc.corp.example/v1/tokens").answer(401, refused)]);
    let problem = instance.get("/vidm/nowhere/v1/directories").problem("target_not_found");
    assert_eq!((problem.get("errorCode"), problem.get("message")), (None, None));
    // A caller's SDK must not mistake our account's rejection for its own.
    let problem = instance.get(PATH).problem("upstream_auth");
    assert_eq!(problem["errorCode"], "UPSTREAM_AUTH");
}

/// Numbers that change when read as an integer or a float.
const NUMBERS: &str =
    "[12345678901234567890123,-12345678901234567890123,1.0,1.10,1e+400,-0,-0.0,1e-5,9007199254740993.0,7]";

#[test]
fn unknown_numbers_keep_their_digits_in_both_directions() {
    let provider = format!(
        r#"{{"id":"{ID}","type":"Embedded","n":{NUMBERS},"identitySources":[{{"ldap":{{"n":{NUMBERS},"sourceDetails":{{"n":{NUMBERS}}}}}}}]}}"#
    );
    let instance = Instance::new([
        login(),
        get(format!("{ROOT}/{ID}")).answer(200, provider),
        post(format!("{ROOT}/{ID}/identity-sources")).answer(204, ""),
    ]);
    let shown = instance.get(&format!("{PATH}/{ID}")).text();
    assert_eq!(shown.matches(NUMBERS).count(), 3, "{shown}");

    let spec = SOURCE.replacen('{', &format!("{{\"n\":{NUMBERS},\"deep\":{{\"n\":{NUMBERS}}},"), 1);
    let answer = instance.send(Method::POST, &format!("{PATH}/{ID}/identity-sources"), &spec);
    assert_eq!(answer.status(), 201, "{}", answer.text());
    let sent = String::from_utf8(instance.script.requests()[2].body().to_vec()).unwrap();
    assert_eq!(sent.matches(NUMBERS).count(), 2, "{sent}");
}

#[test]
fn numbers_where_another_kind_is_expected_are_request_invalid() {
    let instance = Instance::new([]);
    for number in ["1.5", "1e400", "-0", "12345678901234567890123"] {
        for (spec, pointer) in [
            (format!(r#"{{"name":"n","ldap":{number}}}"#), "/ldap"),
            (format!(r#"{{"name":{number},"ldap":{{}}}}"#), "/name"),
        ] {
            let problem =
                instance.send(Method::POST, &format!("{PATH}/{ID}/identity-sources"), &spec).problem("request_invalid");
            let pointers: Vec<_> =
                problem["errors"].as_array().unwrap().iter().map(|error| &error["pointer"]).collect();
            assert!(pointers.contains(&&json!(pointer)), "{spec}: {problem}");
        }
    }
}

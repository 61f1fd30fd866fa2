//! The configuration as callers and operators see it: `/readyz`, the doctor, expired and mistyped keys.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use idhook::api_key;
use idhook::webhook::{Body, Content, Webhook};
use serde_json::{Value, json};

use crate::support::memory_store::MemoryStore;
use crate::support::script::{Script, get};
use crate::support::vidm::{LIST, logs_in};
use crate::support::webhook::{Instance, Shared, digest};

fn list_with(instance: &Instance, key: &str) -> (StatusCode, Value) {
    let request = Request::get("/vidm/default/v1/directories").header("x-api-key", key);
    let answer = instance.send_request(request.body(Body::Whole(Bytes::new())).unwrap());
    (answer.status(), answer.json())
}

fn lists_nothing() -> crate::support::script::Call {
    get(LIST).answer(200, r#"{"items":[]}"#)
}

/// `/readyz` of a webhook with only these variables.
pub(crate) fn readiness(variables: &[(&str, &str)]) -> (StatusCode, Value) {
    let lookup = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    let webhook = Rc::new(Webhook::of_variables(lookup));
    let script = Rc::new(Script::new([]));
    let request = Request::get("/readyz").body(()).unwrap();
    let runtime = Shared(Rc::clone(&script));
    let response = script.run(webhook.handle(&runtime, request, async |(), _| Body::Whole(Bytes::new())));
    let status = response.status();
    match response.into_body() {
        Content::Whole(body) => (status, serde_json::from_slice(&body).unwrap()),
        Content::Events(_) => panic!("no events were requested"),
    }
}

/// The links of problems hold in a broken configuration too, where they are needed most.
#[test]
fn problems_link_to_the_configured_documentation() {
    let page = "https://docs.corp.example/idhook/reference/errors.html";
    let docs_url = ("docs_url", "https://docs.corp.example/idhook/");
    let (_, problem) = readiness(&[docs_url]);
    assert_eq!(problem["type"], format!("{page}#not_configured"));
    let instance = Instance::with(&[docs_url], []);
    let problem = instance.get("/vidm/none/v1/health").problem("target_not_found");
    assert_eq!(problem["type"], format!("{page}#target_not_found"));
    let problem = Instance::new([]).get("/vidm/none/v1/health").problem("target_not_found");
    assert_eq!(problem["type"], "urn:idhook:problem:target_not_found");
}

#[test]
fn readiness_lists_each_mistake_with_variable_pointer_detail_and_hint() {
    let (status, problem) = readiness(&[
        ("vidm_url", "https://vidm.corp.example:70000"),
        ("vidm_username", "svc"),
        ("vidm_password", "hunter2\n"),
        ("api_keys", r#"[{"name":"ci","sha256":"hunter2","scopes":["vidm:reed"]}]"#),
    ]);
    assert_eq!((status, &problem["code"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("not_configured")));
    let errors = problem["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 4, "{problem}");
    let reed = errors.iter().find(|error| error["pointer"] == "/0/scopes/0").unwrap();
    assert_eq!(
        *reed,
        json!({"variable": "api_keys", "pointer": "/0/scopes/0", "detail": "is not valid", "hint": "did you mean \"vidm:read\"?"})
    );
    let password = errors.iter().find(|error| error["variable"] == "vidm_password").unwrap();
    assert_eq!((&password["pointer"], &password["detail"]), (&json!(""), &json!("ends with a line break (U+000A)")));
    assert!(!problem.to_string().contains("hunter2"), "{problem}");
}

#[test]
fn readiness_warns_about_suspicious_settings() {
    let warned = |instance: &Instance| {
        let ready = instance.get("/readyz");
        assert_eq!(ready.status(), 200);
        let warnings = ready.json()["warnings"].as_array().unwrap().clone();
        warnings
            .iter()
            .map(|one| format!("{}{}", one["variable"].as_str().unwrap(), one["pointer"].as_str().unwrap()))
            .collect::<Vec<_>>()
    };
    assert_eq!(warned(&Instance::new([])), [""; 0]);
    assert_eq!(warned(&Instance::with(&[("vidm_url", "http://vidm.corp.example")], [])), ["vidm_url"]);
    assert_eq!(warned(&Instance::with(&[("vcf_password", "'hunter2'")], [])), ["vcf_password"]);
    let unset = Instance::with(&[("state_key", "")], []);
    assert_eq!(warned(&unset), ["state_key"]);
    assert!(unset.get("/readyz").text().contains("valid only at the instance"), "{}", unset.get("/readyz").text());
    let shared = Instance::sharing(&MemoryStore::new(), &[("state_key", "")], []);
    assert!(shared.get("/readyz").text().contains("kept in the store"), "{}", shared.get("/readyz").text());
    let near = json!([{"name": "ci", "sha256": digest("k"), "scopes": ["admin"], "notAfter": "2026-11-21T10:00:00Z"}])
        .to_string();
    let near = Instance::with(&[("api_keys", &near)], []);
    assert_eq!(warned(&near), ["api_keys/0/notAfter"]);
    near.script.advance(Duration::from_secs(2 * 24 * 3600));
    assert!(near.get("/readyz").text().contains("has passed"));
}

#[test]
fn expired_key_is_rejected_with_a_reason() {
    // The script's clock begins at 2026-11-20T10:00:00Z.
    let keys = json!([
        {"name": "ci", "sha256": [digest("old"), digest("new")], "scopes": ["vidm:read"], "notAfter": "2026-11-20T11:00:00+01:00"},
        {"name": "on", "sha256": digest("on"), "scopes": ["vidm:read"], "notAfter": "2026-11-20T10:00:01Z"},
    ]);
    let instance = Instance::with(
        &[("api_keys", &keys.to_string())],
        [logs_in("t"), lists_nothing(), lists_nothing(), lists_nothing()],
    );
    // Valid until that moment, both keys of the entry.
    assert_eq!(list_with(&instance, "old").0, 200);
    assert_eq!(list_with(&instance, "new").0, 200);
    assert_eq!(list_with(&instance, "on").0, 200);
    instance.script.advance(Duration::from_millis(500));
    for key in ["old", "new"] {
        let (status, problem) = list_with(&instance, key);
        assert_eq!((status.as_u16(), &problem["code"]), (401, &json!("unauthenticated")));
        assert!(problem["detail"].as_str().unwrap().contains("of ci expired at 2026-11-20T10:00:00.000Z"), "{problem}");
    }
    let (status, problem) = list_with(&instance, "other");
    assert!(
        status == 401 && !problem.to_string().contains("expired") && !problem.to_string().contains("ci "),
        "{problem}"
    );
}

#[test]
fn mistyped_key_differs_from_an_unknown_one() {
    let key = api_key::make(&[7; 32]);
    let keys = json!([{"name": "ci", "sha256": digest(&key), "scopes": ["vidm:read"]}]).to_string();
    let instance = Instance::with(&[("api_keys", &keys)], [logs_in("t"), lists_nothing()]);
    assert_eq!(list_with(&instance, &key).0, 200);
    let last = if key.ends_with('0') { "1" } else { "0" };
    for broken in [&key[..52], &key[..30], &format!("{}{last}", &key[..52]), &format!("{key}."), &key.to_uppercase()] {
        let (status, problem) = list_with(&instance, broken);
        assert!(
            status == 401 && problem["detail"].as_str().unwrap().contains("mistyped or truncated"),
            "{broken}: {problem}"
        );
    }
    for unknown in [api_key::make(&[8; 32]).as_str(), "some other key"] {
        let (status, problem) = list_with(&instance, unknown);
        assert!(
            status == 401 && problem["detail"].as_str().unwrap().contains("the API key is not configured"),
            "{problem}"
        );
    }
}

#[test]
fn key_that_the_shell_spoilt_is_recognised() {
    let instance = Instance::new([]);
    for (sent, says) in [
        ("$IDHOOK_KEY", "a variable that the shell did not replace"),
        ("%IDHOOK_KEY%", "a variable that the shell did not replace"),
        ("\"secret\"", "is in quotes"),
        ("'secret'", "is in quotes"),
    ] {
        let (status, problem) = list_with(&instance, sent);
        assert!(status == 401 && problem["detail"].as_str().unwrap().contains(says), "{sent}: {problem}");
        assert!(!problem.to_string().contains("secret"), "{problem}");
    }
}

#[test]
fn strict_doctor_returns_503_if_a_check_failed() {
    let fails = || {
        get("https://vidm.corp.example/SAAS/API/1.0/REST/system/health").fail(idhook::http::TransportErrorKind::Refused)
    };
    for (query, status) in [("", 200), ("?strict=true", 503), ("?strict=false", 200)] {
        let instance = Instance::with(&[("state_key", "")], [fails(), fails(), fails()]);
        let answer = instance.send(Method::GET, &format!("/vidm/default/v1/doctor{query}"), "");
        assert_eq!(
            (answer.status().as_u16(), &answer.json()["ok"]),
            (status, &json!(false)),
            "{query} {}",
            answer.text()
        );
        let first = &answer.json()["checks"][0];
        assert_eq!((&first["check"], &first["result"]), (&json!("configuration"), &json!("warning")), "{first}");
        assert!(first["detail"].as_str().unwrap().contains("state_key"), "{first}");
    }
    Instance::new([]).send(Method::GET, "/vidm/default/v1/doctor?strict=maybe", "").problem("request_invalid");
}

//! The gate: clients of SDDC Manager with an API key of idhook in place of the password.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use idhook::webhook::Body;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::support::memory_store::{MemoryStore, StoreFault};
use crate::support::script::{Call, get};
use crate::support::webhook::{Answer, Instance, KEY, READER};
use crate::vcf::session::{first_token, login};
use crate::webhook::config::readiness;

const ROOT: &str = "/vcf/default/v1";
const LIST: &str = "/vcf/default/v1/identity-providers";
const PROVIDERS: &str = include_str!("../../fixtures/vcf/identity-providers.answer.json");
const REFRESHED: &str = include_str!("../../fixtures/vcf/refresh.answer.txt");
const REJECTED: &str = include_str!("../../fixtures/vcf/error.answer.json");
const HOUR: Duration = Duration::from_secs(3600);

fn lists() -> Call {
    get("https://sddc.corp.example/v1/identity-providers").header("authorization", first_token()).answer(200, PROVIDERS)
}

fn ask(instance: &Instance, method: Method, path: &str, token: Option<&str>, body: &str) -> Answer {
    let mut request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    instance.send_request(request.body(Body::Whole(Bytes::copy_from_slice(body.as_bytes()))).unwrap())
}

/// Logs in with this key as PowerVCF does.
fn logs_in(instance: &Instance, root: &str, key: &str) -> Answer {
    let body = format!(r#"{{"username": "administrator@vsphere.local","password": "{key}"}}"#);
    ask(instance, Method::POST, &format!("{root}/tokens"), None, &body)
}

/// The access token and the id of the refresh token.
fn pair(answer: &Answer) -> (String, String) {
    assert_eq!(answer.status(), StatusCode::CREATED, "{}", answer.text());
    let pair = answer.json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&pair["accessToken"]), text(&pair["refreshToken"]["id"]))
}

fn reads(instance: &Instance, token: &str) -> Answer {
    ask(instance, Method::GET, LIST, Some(token), "")
}

fn refreshes(instance: &Instance, id: &str) -> Answer {
    ask(instance, Method::PATCH, &format!("{ROOT}/tokens/access-token/refresh"), None, id)
}

fn revokes(instance: &Instance, id: &str) -> Answer {
    ask(instance, Method::DELETE, &format!("{ROOT}/tokens/refresh-token"), None, id)
}

/// Asserts the vendor's form with this code, and returns it.
#[track_caller]
fn vendor(answer: &Answer, status: u16, code: &str) -> Value {
    assert_eq!(
        (answer.status().as_u16(), answer.header("content-type")),
        (status, "application/json"),
        "{}",
        answer.text()
    );
    let error = answer.json();
    assert_eq!(error["errorCode"], code, "{error}");
    for name in ["errorType", "message", "referenceToken"] {
        assert!(error[name].is_string(), "{name}: {error}");
    }
    for name in ["arguments", "causes", "nestedErrors"] {
        assert!(error[name].is_array(), "{name}: {error}");
    }
    error
}

/// `api_keys` with the key of the scenarios, and these members besides.
fn keys(key: &str, more: Value) -> String {
    let digest: String = Sha256::digest(key).iter().map(|byte| format!("{byte:02x}")).collect();
    let mut entry = json!({"name": "all", "sha256": digest, "scopes": ["vcf:read", "vcf:write"]});
    entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!([entry]).to_string()
}

#[test]
fn key_is_traded_for_a_token_that_reads_and_is_refreshed() {
    let instance = Instance::new([login(), lists()]);
    let (token, id) = pair(&logs_in(&instance, ROOT, KEY));
    assert_eq!(instance.calls(), 0, "no call to SDDC Manager, whose account is not the caller's");
    assert!(!id.contains('"') && token.starts_with("eyJ"));
    assert_eq!(reads(&instance, &token).status(), StatusCode::OK);
    instance.script.advance(HOUR - Duration::from_secs(1));
    // As many times as wanted, quoted or bare.
    let mut fresh = String::new();
    for body in [format!("\"{id}\""), id.clone(), format!("{id}\n")] {
        let answer = refreshes(&instance, &body);
        assert_eq!((answer.status(), answer.header("content-type")), (StatusCode::OK, "application/json"));
        fresh = serde_json::from_str(&answer.text()).unwrap();
    }
    instance.script.advance(Duration::from_secs(1));
    vendor(&reads(&instance, &token), 401, "TOKEN_EXPIRED");
    // SDDC Manager's own token has expired as well.
    let renewed = Call::new(Method::PATCH, "https://sddc.corp.example/v1/tokens/access-token/refresh");
    let list = get("https://sddc.corp.example/v1/identity-providers");
    instance.then([
        renewed.answer(200, REFRESHED),
        list.header("authorization", format!("Bearer {REFRESHED}")).answer(200, PROVIDERS),
    ]);
    assert_eq!(reads(&instance, &fresh).status(), StatusCode::OK);
}

#[test]
fn refresh_token_ends_after_a_day() {
    let instance = Instance::new([]);
    let (_, id) = pair(&logs_in(&instance, ROOT, KEY));
    instance.script.advance(24 * HOUR - Duration::from_secs(1));
    assert_eq!(refreshes(&instance, &id).status(), StatusCode::OK);
    instance.script.advance(Duration::from_secs(1));
    vendor(&refreshes(&instance, &id), 404, "NOT_FOUND");
    vendor(&refreshes(&instance, "\"3c6b2f0e-7a1d-4c53-9d5e-1f2a3b4c5d6e\""), 404, "NOT_FOUND");
    vendor(&refreshes(&instance, ""), 400, "REQUEST_INVALID");
}

#[test]
fn key_is_read_from_both_fields_and_the_name_is_not() {
    let instance = Instance::new([]);
    let tokens = |body: &Value| ask(&instance, Method::POST, "/vcf/default/v1/tokens", None, &body.to_string());
    for body in [
        json!({"password": KEY}),
        json!({"apiKey": KEY}),
        json!({"username": "someone", "password": KEY}),
        json!({"username": null, "password": "", "apiKey": KEY, "idToken": "x"}),
    ] {
        pair(&tokens(&body));
    }
    let error = vendor(&tokens(&json!({"username": KEY, "password": "wrong"})), 401, "IDENTITY_UNAUTHORIZED_ENTITY");
    assert!(!error.to_string().contains("wrong"), "{error}");
    for body in ["", "{}", r#"{"username":"u"}"#, r#"{"password":""}"#, "{", "[]", r#"{"password":{"a":1}}"#] {
        let answer = ask(&instance, Method::POST, "/vcf/default/v1/tokens", None, body);
        vendor(&answer, 400, "REQUEST_INVALID");
    }
    assert_eq!(instance.calls(), 0);
}

#[test]
fn too_large_token_call_names_the_limit_that_applies() {
    let instance = Instance::new([]);
    let request = Request::post(format!("{ROOT}/tokens")).header("content-type", "application/json");
    let answer = instance.send_request(request.body(Body::TooLarge).unwrap());
    assert_eq!(answer.status(), 413, "{}", answer.text());
    assert!(answer.text().contains("signed_body_limit"), "{}", answer.text());
}

#[test]
fn scopes_and_targets_are_those_of_the_key_at_the_time_of_use() {
    let before = Instance::with(&[("api_keys", &keys(KEY, json!({})))], []);
    let (token, id) = pair(&logs_in(&before, ROOT, KEY));
    let with = |more: Value| before.beside_with(&[("api_keys", &keys(KEY, more))]);
    let reader = with(json!({"scopes": ["vidm:read"]}));
    vendor(&reads(&reader, &token), 403, "FORBIDDEN");
    // This request's address is unknown.
    vendor(&reads(&with(json!({"from": ["10.0.0.0/8"]})), &token), 403, "FORBIDDEN");
    let elsewhere = with(json!({"targets": ["vidm/default"]}));
    vendor(&reads(&elsewhere, &token), 403, "FORBIDDEN");
    vendor(&refreshes(&elsewhere, &id), 403, "FORBIDDEN");
    vendor(&logs_in(&elsewhere, ROOT, KEY), 403, "FORBIDDEN");
    before.then([login(), lists()]);
    assert_eq!(reads(&with(json!({"scopes": ["vcf:read"]})), &token).status(), StatusCode::OK);
}

#[test]
fn removed_or_expired_key_ends_its_tokens() {
    let before = Instance::with(&[("api_keys", &keys(KEY, json!({})))], []);
    let (token, id) = pair(&logs_in(&before, ROOT, KEY));
    for list in [keys("another key", json!({})), keys(KEY, json!({"notAfter": "2026-01-01T00:00:00Z"}))] {
        let after = before.beside_with(&[("api_keys", &list)]);
        vendor(&reads(&after, &token), 401, "TOKEN_EXPIRED");
        vendor(&refreshes(&after, &id), 404, "NOT_FOUND");
        vendor(&logs_in(&after, ROOT, KEY), 401, "IDENTITY_UNAUTHORIZED_ENTITY");
    }
    assert_eq!(before.calls(), 0);
}

#[test]
fn token_works_only_below_its_target_and_only_as_bearer() {
    let targets =
        json!({"vcf": {"other": {"url": "https://other.example", "username": "u@vsphere.local", "password": "pw"}}});
    let instance = Instance::with(&[("targets", &targets.to_string())], []);
    let (token, id) = pair(&logs_in(&instance, ROOT, KEY));
    vendor(&ask(&instance, Method::GET, "/vcf/other/v1/identity-providers", Some(&token), ""), 401, "TOKEN_EXPIRED");
    let other = ask(&instance, Method::PATCH, "/vcf/other/v1/tokens/access-token/refresh", None, &id);
    vendor(&other, 404, "NOT_FOUND");
    for path in ["/vidm/default/v1/directories", "/fleet/default/v1/directories", "/hooks/x"] {
        let method = if path.starts_with("/hooks") { Method::POST } else { Method::GET };
        ask(&instance, method, path, Some(&token), "").problem("unauthenticated");
    }
    // A refresh token is no access token, and a token is neither a key nor a password.
    ask(&instance, Method::GET, LIST, Some(&id), "").problem("unauthenticated");
    let as_key = Request::get(LIST).header("x-api-key", &token).body(Body::Whole(Bytes::new())).unwrap();
    instance.send_request(as_key).problem("unauthenticated");
    vendor(&logs_in(&instance, ROOT, &token), 401, "IDENTITY_UNAUTHORIZED_ENTITY");
    vendor(&refreshes(&instance, &token), 404, "NOT_FOUND");
    assert_eq!(instance.calls(), 0);
}

#[test]
fn revoked_refresh_token_is_unknown_to_every_instance_of_the_store() {
    let store = MemoryStore::new();
    let one = Instance::sharing(&store, &[], []);
    let (token, id) = pair(&logs_in(&one, ROOT, KEY));
    let two = Instance::sharing(&store, &[], [login(), lists()]);
    store.calls();
    assert_eq!(refreshes(&two, &id).status(), StatusCode::OK);
    assert_eq!(store.calls(), 1, "one look at the revocation");
    for body in [format!("\"{id}\""), id.clone()] {
        let answer = revokes(&one, &body);
        assert_eq!((answer.status(), answer.text().as_str()), (StatusCode::NO_CONTENT, ""));
    }
    for instance in [&one, &two] {
        vendor(&refreshes(instance, &id), 404, "NOT_FOUND");
    }
    // Another login is not affected, nor is the access token.
    let (_, other) = pair(&logs_in(&one, ROOT, KEY));
    assert_eq!(refreshes(&two, &other).status(), StatusCode::OK);
    assert_eq!(reads(&two, &token).status(), StatusCode::OK);
}

#[test]
fn token_is_not_renewed_while_its_revocation_cannot_be_read() {
    let store = MemoryStore::new();
    let one = Instance::sharing(&store, &[], []);
    let (_, revoked) = pair(&logs_in(&one, ROOT, KEY));
    let (_, valid) = pair(&logs_in(&one, ROOT, KEY));
    let before = store.keys().len();
    assert_eq!(revokes(&one, &revoked).status(), StatusCode::NO_CONTENT);
    assert_eq!(store.keys().len(), before + 1, "one entry, whatever the number of tokens");
    // It can be read, but takes no further revocation.
    store.set_fault(StoreFault::RefusesWrites);
    let two = one.beside();
    vendor(&refreshes(&two, &revoked), 404, "NOT_FOUND");
    assert_eq!(refreshes(&two, &valid).status(), StatusCode::OK);
    assert_eq!(revokes(&two, &revoked).status(), StatusCode::NO_CONTENT);
    let error = vendor(&revokes(&two, &valid), 500, "UPSTREAM_BUSY");
    assert_eq!(error["message"], "the store with revoked tokens does not work");
    store.set_fault(StoreFault::Fails);
    let three = one.beside();
    for id in [&revoked, &valid] {
        let answer = refreshes(&three, id);
        vendor(&answer, 500, "UPSTREAM_BUSY");
        assert_eq!(answer.header("retry-after"), "10");
        vendor(&revokes(&three, id), 500, "UPSTREAM_BUSY");
    }
    store.set_fault(StoreFault::None);
    three.script.advance(Duration::from_secs(11));
    assert_eq!(refreshes(&three, &valid).status(), StatusCode::OK);
}

#[test]
fn revocation_holds_while_state_keys_are_rotated() {
    const OLD: &str = "q2nX8cJ0m4vTzR7yLw5eKpUa3HsDgB6f";
    const NEW: &str = "pOb2TGAdDhbFxUcP3RmTTnhVPXuR0NJ8";
    let store = MemoryStore::new();
    let keys = [json!([OLD, NEW]).to_string(), json!([NEW, OLD]).to_string()];
    let [before, after] = keys.each_ref().map(|keys| Instance::sharing(&store, &[("state_key", keys)], []));
    let ids: Vec<_> = (0..3).map(|_| pair(&logs_in(&before, ROOT, KEY)).1).collect();
    for (instance, id) in [(&before, &ids[0]), (&after, &ids[1]), (&before, &ids[2])] {
        assert_eq!(revokes(instance, id).status(), StatusCode::NO_CONTENT);
    }
    for id in &ids {
        for instance in [&before, &after] {
            vendor(&refreshes(instance, id), 404, "NOT_FOUND");
        }
    }
}

#[test]
fn token_is_not_renewed_if_the_time_for_its_revocation_is_over() {
    let store = MemoryStore::new();
    let variables = [("request_timeout", "0.4")];
    let instance = Instance::sharing(&store, &variables, []);
    let (_, id) = pair(&logs_in(&instance, ROOT, KEY));
    store.set_fault(StoreFault::Hangs);
    vendor(&refreshes(&instance, &id), 500, "UPSTREAM_BUSY");
}

#[test]
fn revocation_succeeds_without_effect_if_there_is_no_store() {
    let instance = Instance::new([]);
    let (_, id) = pair(&logs_in(&instance, ROOT, KEY));
    for body in [id.as_str(), "unknown"] {
        assert_eq!(revokes(&instance, body).status(), StatusCode::NO_CONTENT);
    }
    assert_eq!(refreshes(&instance, &id).status(), StatusCode::OK);
}

#[test]
fn tokens_need_a_common_state_key() {
    let unset = [("state_key", "")];
    let store = MemoryStore::new();
    let one = Instance::sharing(&store, &unset, []);
    let (token, id) = pair(&logs_in(&one, ROOT, KEY));
    // It draws its key anew, or finds it in the store.
    let two = Instance::sharing(&store, &unset, [login(), lists()]);
    assert_eq!(reads(&two, &token).status(), StatusCode::OK);
    assert_eq!(refreshes(&two, &id).status(), StatusCode::OK);
    store.set_fault(StoreFault::Absent);
    let alone = Instance::sharing(&store, &unset, []);
    // A script's random numbers begin the same each time.
    idhook::runtime::Runtime::random(&*alone.script);
    let error = vendor(&reads(&alone, &token), 401, "TOKEN_EXPIRED");
    assert!(error["remediationMessage"].as_str().unwrap().contains("state_key"), "{error}");
    let (own, _) = pair(&logs_in(&alone, ROOT, KEY));
    alone.then([login(), lists()]);
    assert_eq!(reads(&alone, &own).status(), StatusCode::OK, "this instance knows its own token");
}

#[test]
fn tokens_may_be_valid_while_the_store_with_their_key_fails() {
    let unset = [("state_key", "")];
    let store = MemoryStore::new();
    let (token, id) = pair(&logs_in(&Instance::sharing(&store, &unset, []), ROOT, KEY));
    store.set_fault(StoreFault::Fails);
    let young = Instance::sharing(&store, &unset, []);
    idhook::runtime::Runtime::random(&*young.script);
    for answer in [revokes(&young, &id), refreshes(&young, &id), reads(&young, &token)] {
        vendor(&answer, 500, "UPSTREAM_BUSY");
    }
    store.set_fault(StoreFault::None);
    young.script.advance(Duration::from_secs(11));
    assert_eq!(revokes(&young, &id).status(), StatusCode::NO_CONTENT);
    vendor(&refreshes(&young, &id), 404, "NOT_FOUND");
}

#[test]
fn token_calls_count_as_requests_of_the_key() {
    let instance = Instance::with(&[("rate_limit", "3")], []);
    let (token, id) = pair(&logs_in(&instance, ROOT, KEY));
    assert_eq!(refreshes(&instance, &id).status(), StatusCode::OK);
    assert_eq!(revokes(&instance, &id).status(), StatusCode::NO_CONTENT);
    let stopped = reads(&instance, &token);
    vendor(&stopped, 429, "RATE_LIMITED");
    assert_eq!(stopped.header("retry-after"), "20");
    vendor(&logs_in(&instance, ROOT, KEY), 429, "RATE_LIMITED");
    // Wrong keys cost no other caller anything.
    for _ in 0..5 {
        vendor(&logs_in(&instance, ROOT, "wrong"), 401, "IDENTITY_UNAUTHORIZED_ENTITY");
    }
    pair(&logs_in(&instance, ROOT, READER));
}

#[test]
fn errors_have_the_vendors_form_under_a_token_and_its_names_otherwise() {
    let source = include_str!("../../fixtures/vcf/identity-source-add.request.json");
    let sources = "/vcf/default/v1/identity-providers/cc81918d-6772-41ca-8b1b-494aa01c04a0/identity-sources";
    let rejects = || {
        Call::new(Method::POST, format!("https://sddc.corp.example{}", &sources["/vcf/default".len()..]))
            .answer(400, REJECTED)
    };
    let instance = Instance::new([login(), rejects(), rejects()]);
    let (token, _) = pair(&logs_in(&instance, ROOT, KEY));
    let theirs: Value = serde_json::from_str(REJECTED).unwrap();
    let error = ask(&instance, Method::POST, sources, Some(&token), source);
    let error = vendor(&error, 400, theirs["errorCode"].as_str().unwrap());
    for name in ["message", "remediationMessage", "referenceToken"] {
        assert_eq!(error[name], theirs[name], "{name}");
    }
    let plain = instance.send(Method::POST, sources, source);
    assert_eq!(plain.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(plain.problem("upstream_rejected")["errorCode"], theirs["errorCode"]);

    let wrong = vendor(&ask(&instance, Method::POST, sources, Some(&token), "{}"), 400, "REQUEST_INVALID");
    assert_eq!(wrong["causes"][0]["type"], "/name");
    let error =
        vendor(&ask(&instance, Method::DELETE, &format!("{ROOT}/nothing"), Some(&token), ""), 404, "ROUTE_NOT_FOUND");
    assert!(error.get("cause").is_none());
    let not_allowed = ask(&instance, Method::DELETE, &format!("{sources}/"), Some(&token), "");
    vendor(&not_allowed, 405, "METHOD_NOT_ALLOWED");
    assert!(not_allowed.header("allow").contains("POST"));
}

#[test]
fn failing_upstream_is_500_with_cause_on_a_list() {
    let call = || get("https://sddc.corp.example/v1/identity-providers").answer(502, "");
    let instance = Instance::new([login(), call(), call(), call()]);
    let (token, _) = pair(&logs_in(&instance, ROOT, KEY));
    let error = vendor(&reads(&instance, &token), 500, "UPSTREAM_FAILED");
    assert!(error["cause"].is_array(), "{error}");
}

#[test]
fn gate_serves_its_target_at_the_root() {
    let managers =
        || get("https://sddc.corp.example/v1/sddc-managers").answer(200, r#"{"elements":[{"version":"5.2.1.0-1"}]}"#);
    let instance = Instance::with(&[("gate", "default")], [login(), managers(), managers()]);
    let (token, id) = pair(&logs_in(&instance, "/v1", KEY));
    let answer = ask(&instance, Method::GET, "/v1/sddc-managers", Some(&token), "");
    assert_eq!(answer.text(), r#"{"elements":[{"version":"5.2.1.0-1"}]}"#);
    assert_eq!(ask(&instance, Method::PATCH, "/v1/tokens/access-token/refresh", None, &id).status(), StatusCode::OK);
    assert_eq!(instance.get("/v1/sddc-managers").status(), StatusCode::OK, "with a key as well");
    vendor(&ask(&instance, Method::GET, "/v1/hosts", Some(&token), ""), 404, "ROUTE_NOT_FOUND");
    let line: Value = serde_json::from_str(instance.script.lines().first().unwrap()).unwrap();
    assert_eq!(
        (&line["route"], &line["target"], &line["caller"]),
        (&json!("/vcf/{target}/v1/tokens"), &json!("default"), &json!("all"))
    );
    // Without the variable there is nothing at the root.
    let closed = Instance::new([]);
    ask(&closed, Method::POST, "/v1/tokens", None, "{}").problem("route_not_found");
}

#[test]
fn gate_names_a_configured_sddc_manager() {
    let account = [("vcf_username", "u@vsphere.local"), ("vcf_password", "pw"), ("vidm_url", "https://v.example")];
    let account = [account.as_slice(), &[("vidm_username", "u"), ("vidm_password", "pw")]].concat();
    let mistake = |gate, url| {
        let (_, problem) = readiness(&[account.as_slice(), &[("gate", gate), ("vcf_url", url)]].concat());
        let errors = problem["errors"].as_array().unwrap();
        let found = errors.iter().find(|error| error["variable"] == "gate").unwrap_or_else(|| panic!("{problem}"));
        format!("{}; {}", found["detail"].as_str().unwrap(), found["hint"].as_str().unwrap_or_default())
    };
    assert_eq!(mistake("defualt", "https://s.example"), "is \"defualt\"; did you mean \"default\"?");
    assert_eq!(
        mistake("default", ""),
        "needs an SDDC Manager target, and there is none; set vcf_url, or leave gate empty"
    );
}

#[test]
fn keys_and_tokens_are_not_logged() {
    let instance = Instance::new([login(), lists()]);
    let (token, id) = pair(&logs_in(&instance, ROOT, KEY));
    reads(&instance, &token);
    refreshes(&instance, &id);
    revokes(&instance, &id);
    logs_in(&instance, ROOT, "a wrong key");
    let log = instance.script.lines().join("\n");
    for hidden in [KEY, &token, &id, "a wrong key", "VMw@re1!"] {
        assert!(!log.contains(hidden), "{log}");
    }
}

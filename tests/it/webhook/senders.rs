//! Signed requests: which bodies are read, and the senders' permissions.

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use idhook::webhook::Body;
use serde_json::{Value, json};
use standardwebhooks::Webhook as Signer;

use crate::support::script::{Call, START};
use crate::support::vidm::{CORP, classic, idle, lists, logs_in};
use crate::support::webhook::{Answer, Instance, KEY};

pub(crate) const SIGNING: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
pub(crate) const HUB: &str = "It's a Secret to Everybody";
const SYNCS: &str = "/vidm/default/v1/syncs";

pub(crate) fn senders() -> String {
    json!([
        {"name": "n8n", "scheme": "standard", "secrets": [SIGNING], "scopes": ["vidm:read", "vidm:sync"]},
        {"name": "octo", "scheme": "github", "secrets": [HUB], "scopes": ["vidm:sync"], "targets": ["vidm/default"]},
        {"name": "elsewhere", "scheme": "gitlab", "secrets": ["a gitlab token that is long"], "scopes": ["vidm:sync"], "targets": ["vcf/default"]},
    ])
    .to_string()
}

/// The three headers of Standard Webhooks for `body`, `late` seconds ago.
pub(crate) fn signed(body: &str, late: u64) -> Vec<(&'static str, String)> {
    let sent = START.as_secs() - late;
    let signature = Signer::new(SIGNING).unwrap().sign("msg_1", sent.try_into().unwrap(), body.as_bytes()).unwrap();
    vec![("webhook-id", "msg_1".into()), ("webhook-timestamp", sent.to_string()), ("webhook-signature", signature)]
}

fn instance(calls: impl IntoIterator<Item = Call>) -> Instance {
    Instance::with(&[("webhook_secrets", &senders())], calls)
}

pub(crate) fn ask(
    instance: &Instance,
    (method, path): (Method, &str),
    headers: &[(&'static str, String)],
    body: &str,
) -> (Answer, bool) {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    instance.send_and_see(request.body(Body::Whole(Bytes::copy_from_slice(body.as_bytes()))).unwrap())
}

fn last_line(instance: &Instance) -> Value {
    serde_json::from_str(&instance.script.lines().pop().unwrap()).unwrap()
}

#[test]
fn signed_request_starts_a_sync_and_is_logged() {
    let instance = instance([logs_in("t1"), lists(), idle(CORP), classic(CORP)]);
    let body = json!({"directory": "corp.example"}).to_string();
    let (answer, _) = ask(&instance, (Method::POST, SYNCS), &signed(&body, 299), &body);
    assert_eq!(answer.status(), StatusCode::ACCEPTED, "{}", answer.text());
    let line = last_line(&instance);
    assert_eq!((&line["caller"], &line["status"]), (&json!("n8n"), &json!(202)));
    for secret in [SIGNING, "v1,"] {
        assert!(!instance.script.lines().join("").contains(secret));
    }
}

#[test]
fn bodies_are_read_only_if_they_can_prove_the_caller() {
    let body = json!({"directory": "corp.example"}).to_string();
    let good = signed(&body, 0);
    let with = |more: &[(&'static str, &str)], base: &[(&'static str, String)]| {
        let more = more.iter().map(|(name, value)| (*name, (*value).to_owned()));
        base.iter().cloned().chain(more).collect::<Vec<_>>()
    };
    let wrong = with(&[("x-api-key", "wrong")], &good);
    for (headers, code) in [
        (vec![], "unauthenticated"),
        (with(&[("authorization", "Bearer wrong")], &[]), "unauthenticated"),
        // A wrong key is rejected, whatever signature is sent with it.
        (wrong, "unauthenticated"),
        (good[..2].to_vec(), "unauthenticated"),
        (good[1..].to_vec(), "signature_invalid"),
        (with(&[("webhook-signature", "v1,nonsense")], &good[..2]), "signature_invalid"),
        (
            with(&[("webhook-signature", "v1a,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=")], &good[..2]),
            "signature_invalid",
        ),
        (with(&[("x-hub-signature-256", "sha256=757107")], &[]), "signature_invalid"),
        (with(&[("x-hub-signature", "sha1=2ba1f5e4e1c3f4f5f3bd5f7c1c7b8b0f0f4f5a5b")], &[]), "unauthenticated"),
        (with(&[("x-gitlab-token", "wrong")], &[]), "signature_invalid"),
        (signed(&body, 301), "signature_invalid"),
    ] {
        let instance = instance([]);
        let (answer, was_read) = ask(&instance, (Method::POST, SYNCS), &headers, &body);
        answer.problem(code);
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        assert!(!was_read, "{headers:?}");
    }
    // No sender with that scheme.
    let instance = Instance::new([]);
    let (answer, was_read) = ask(&instance, (Method::POST, SYNCS), &good, &body);
    assert!(answer.problem("signature_invalid")["hint"].as_str().unwrap().contains("webhook_secrets"));
    assert!(!was_read);
    // If the head proves the caller, a missing scope is rejected without reading the body.
    let instance = self::instance([]);
    let token = [("x-gitlab-token", "a gitlab token that is long".to_owned())];
    let (answer, was_read) = ask(&instance, (Method::POST, SYNCS), &token, &body);
    assert!(answer.problem("forbidden")["detail"].as_str().unwrap().contains("elsewhere"));
    assert!(!was_read);
}

#[test]
fn body_without_matching_signature_starts_nothing() {
    let body = json!({"directory": "corp.example"}).to_string();
    for headers in [
        signed("{}", 0),
        vec![("x-hub-signature-256", format!("sha256={}", "0".repeat(64)))],
        // GitHub's example with another body.
        vec![(
            "x-hub-signature-256",
            "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17".to_owned(),
        )],
    ] {
        let instance = instance([]);
        let (answer, was_read) = ask(&instance, (Method::POST, SYNCS), &headers, &body);
        let problem = answer.problem("signature_invalid");
        assert!(was_read && problem["detail"].as_str().unwrap().contains("no configured secret matches"));
        assert_eq!(last_line(&instance)["caller"], Value::Null);
        assert!(answer.header("www-authenticate").starts_with("Basic"));
    }
    // A proven body that is not JSON gets that error: the caller is checked first.
    let instance = instance([]);
    let hub = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17".to_owned();
    let (answer, _) = ask(&instance, (Method::POST, SYNCS), &[("x-hub-signature-256", hub)], "Hello, World!");
    answer.problem("request_invalid");
    assert_eq!(last_line(&instance)["caller"], "octo");
}

#[test]
fn sender_has_scopes_and_targets() {
    let instance = instance([]);
    let hub =
        [("x-hub-signature-256", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17".into())];
    let providers = (Method::POST, "/vcf/default/v1/identity-providers");
    let (answer, _) = ask(&instance, providers, &hub, "Hello, World!");
    let problem = answer.problem("forbidden");
    assert!(problem["detail"].as_str().unwrap().contains("octo lacks the scope vcf:write"));
    assert!(problem["hint"].as_str().unwrap().contains("webhook_secrets"));
    let overriding = json!({"directory": "corp.example", "ignoreSafeguards": true}).to_string();
    let (answer, _) = ask(&instance, (Method::POST, SYNCS), &signed(&overriding, 0), &overriding);
    assert!(answer.problem("forbidden")["detail"].as_str().unwrap().contains("vidm:override"));
}

#[test]
fn read_is_signed_with_the_dated_scheme() {
    let list = (Method::GET, "/vidm/default/v1/directories");
    let with_calls = instance([logs_in("t1"), lists()]);
    let (answer, was_read) = ask(&with_calls, list.clone(), &signed("", 0), "");
    assert_eq!((answer.status(), was_read), (StatusCode::OK, false), "{}", answer.text());
    let without = instance([]);
    ask(&without, list, &signed("{}", 0), "{}").0.problem("signature_invalid");
    let gone = (Method::DELETE, "/vcf/default/v1/identity-providers/x");
    ask(&without, gone, &signed("", 0), "").0.problem("signature_invalid");
}

#[test]
fn key_takes_precedence_over_a_signature() {
    let instance = instance([logs_in("t1"), lists(), idle(CORP), classic(CORP)]);
    let mut headers = signed("something else", 900);
    headers.push(("x-api-key", KEY.to_owned()));
    let path = format!("/vidm/default/v1/directories/{CORP}/syncs");
    let (answer, _) = ask(&instance, (Method::POST, &path), &headers, "{}");
    assert_eq!(answer.status(), StatusCode::ACCEPTED, "{}", answer.text());
    assert_eq!(last_line(&instance)["caller"], "all");
}

#[test]
fn captured_request_cannot_be_replayed_with_another_key() {
    let instance = instance([logs_in("t1"), lists(), idle(CORP), classic(CORP)]);
    let body = r#"{"directory":"corp.example"}"#;
    let first = ask(&instance, (Method::POST, SYNCS), &signed(body, 0), body).0;
    assert_eq!((first.status().as_u16(), first.header("idempotency-status")), (202, "best-effort"));
    // An observer sends it again, with a header that no signature covers.
    let mut again = signed(body, 0);
    again.push(("idempotency-key", "another".into()));
    let again = ask(&instance, (Method::POST, SYNCS), &again, body).0;
    assert_eq!(again.header("idempotency-status"), "replayed");
    assert_eq!((again.text(), instance.calls()), (first.text(), 4));
}

#[test]
fn svix_headers_start_a_sync_once() {
    let store = std::rc::Rc::new(crate::support::memory_store::MemoryStore::default());
    let instance = Instance::sharing(
        &store,
        &[("webhook_secrets", &senders())],
        [logs_in("t1"), lists(), idle(CORP), classic(CORP)],
    );
    let body = json!({"directory": "corp.example"}).to_string();
    let named = |name: &str| match name {
        "webhook-id" => "svix-id",
        "webhook-timestamp" => "svix-timestamp",
        _ => "svix-signature",
    };
    let mut headers: Vec<_> = signed(&body, 0).into_iter().map(|(name, value)| (named(name), value)).collect();
    let (answer, _) = ask(&instance, (Method::POST, SYNCS), &headers, &body);
    assert_eq!(answer.status(), StatusCode::ACCEPTED, "{}", answer.text());
    assert_eq!(answer.header("idempotency-status"), "stored");
    // The same message with an unsigned id, or under the standard's names, is still the same message.
    headers.push(("webhook-id", "another".to_owned()));
    for headers in [headers, signed(&body, 0)] {
        let (again, _) = ask(&instance, (Method::POST, SYNCS), &headers, &body);
        assert_eq!(again.header("idempotency-status"), "replayed", "{}", again.text());
    }
}

#[test]
fn unsupported_signature_is_named_with_supported_ones() {
    let instance = instance([]);
    for name in ["x-gogs-signature", "x-hub-signature", "stripe-signature", "x-shopify-hmac-sha256"] {
        let (answer, was_read) = ask(&instance, (Method::POST, SYNCS), &[(name, "0a".repeat(32))], "{}");
        let problem = answer.problem("unauthenticated");
        assert!(problem["detail"].as_str().unwrap().contains(name), "{problem}");
        let hint = problem["hint"].as_str().unwrap();
        for read in ["x-hub-signature-256", "svix-signature", "bitbucket", "x-gitlab-token"] {
            assert!(hint.contains(read), "{hint}");
        }
        assert!(!was_read);
    }
}

#[test]
fn placeholder_as_key_is_rejected() {
    let instance = Instance::new([]);
    for key in ["${sys_id}", "\"{{id}}\""] {
        let answer =
            instance.send_with(Method::POST, SYNCS, &[("idempotency-key", key)], r#"{"directory":"corp.example"}"#);
        assert!(answer.problem("request_invalid")["detail"].as_str().unwrap().contains("placeholder"), "{key}");
    }
    assert_eq!(instance.calls(), 0);
}

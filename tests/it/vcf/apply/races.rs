//! A job with a new password, with an expired token, and beside another writer.

use http::Method;
use serde_json::{Value, json};

use super::*;

const ERROR: &str = include_str!("../../../fixtures/vcf/error.answer.json");
const EXPIRED: &str = include_str!("../../../fixtures/vcf/error-response.answer.json");

fn updated() -> Call {
    Call::new(Method::PATCH, on(&format!("identity-providers/{ID}/identity-sources/new.example"))).answer(204, "")
}

fn has_role() -> Call {
    users_with("gg-vcf-admins", "NEW.EXAMPLE", ADMIN)
}

#[test]
fn forced_job_sends_the_new_password_although_nothing_differs() {
    let mut body = whole();
    body["identitySource"]["ldap"]["password"] = json!("rotated");
    let mut sent = absent();
    sent["ldap"]["password"] = json!("rotated");
    let instance = Instance::new([
        login(),
        listed_with_new(),
        roles(),
        has_role(),
        listed_with_new(),
        updated(),
        embedded_with_new(),
    ]);
    let document = apply(&instance, "?force=true", &body).json();
    assert_eq!(steps(&document), ["ensure updated", "verify passed", "roles unchanged"]);
    assert!(!document.to_string().contains("rotated"), "{document}");
    let requests = instance.script.requests();
    let update = requests.iter().find(|request| request.method() == Method::PATCH).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(update.body()).unwrap(), sent);
}

#[test]
fn source_that_another_writer_adds_first_is_left_to_the_next_run() {
    let instance = Instance::new([login(), listed(), roles(), users(), listed(), added().answer(400, ERROR)]);
    let problem = apply(&instance, "", &whole()).problem("upstream_rejected");
    assert_eq!(steps(&problem), ["ensure failed", "verify skipped", "roles skipped"]);
    instance.then([listed_with_new(), roles(), has_role()]);
    let document = apply(&instance, "", &whole()).json();
    assert_eq!(steps(&document), ["ensure unchanged", "verify passed", "roles unchanged"]);
}

#[test]
fn token_that_ends_during_a_job_is_renewed_and_the_step_sent_once_more() {
    let other = r#"{"accessToken":"other.access.token","refreshToken":{"id":"other-refresh"}}"#;
    let instance = Instance::new([
        login(),
        listed(),
        roles(),
        users(),
        listed(),
        added().answer(401, EXPIRED),
        login().answer(201, other),
        added().header("authorization", "Bearer other.access.token"),
        Call::new(Method::DELETE, on("tokens/refresh-token")).answer(204, ""),
        embedded_with_new(),
        entities("new.example", "gg-vcf-admins", &[("GROUP", "gg-vcf-admins")]),
        add("gg-vcf-admins", "NEW.EXAMPLE", ADMIN),
        has_role(),
    ]);
    let document = apply(&instance, "", &whole()).json();
    assert_eq!(steps(&document), ["ensure created", "verify passed", "roles created"]);
}

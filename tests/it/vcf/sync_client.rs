//! A new SCIM token for a federated provider, in the response or shown by the provider.

use http::Method;
use serde_json::{Value, json};

use crate::support::script::{Call, get, post};
use crate::support::vcf::{ADFS, PATH, ROOT};
use crate::support::webhook::{Answer, Instance};
use crate::vcf::session::login;

const INFO: &str = include_str!("../../fixtures/vcf/sync-client.answer.json");

/// The provider with this token.
fn shows(token: &str) -> Call {
    let mut info: Value = serde_json::from_str(INFO).unwrap();
    info["token"] = token.into();
    get(format!("{ROOT}/{ADFS}")).answer(200, json!({"id": ADFS, "fedIdp": {"syncClientTokenInfo": info}}).to_string())
}

fn generates() -> Call {
    post(format!("{ROOT}/{ADFS}/sync-client")).answer(200, "")
}

fn generate(calls: impl IntoIterator<Item = Call>) -> Answer {
    let instance = Instance::new([login()]);
    instance.then(calls);
    instance.send(Method::POST, &format!("{PATH}/{ADFS}/sync-client"), "")
}

#[test]
fn token_in_the_response_is_passed_on() {
    let answer = generate([shows("old"), generates().answer(200, INFO)]);
    assert_eq!((answer.status().as_u16(), answer.json()), (200, serde_json::from_str(INFO).unwrap()));
}

/// Specifications since 5.2 name no response.
#[test]
fn token_that_only_the_provider_shows_is_read_from_there() {
    // It is shown late.
    let answer = generate([shows("old"), generates(), shows("old"), shows("new")]);
    let token = answer.json();
    assert_eq!((&token["token"], &token["expireIn"]), (&json!("new"), &json!(15_552_000)), "{token}");
    let first = get(format!("{ROOT}/{ADFS}")).answer(200, json!({ "id": ADFS }).to_string());
    assert_eq!(generate([first, generates().answer(204, ""), shows("new")]).json()["token"], "new");
}

#[test]
fn former_token_is_never_passed_on_as_the_new_one() {
    let answer = generate([shows("old"), generates(), shows("old"), shows("old"), shows("old")]);
    let problem = answer.problem("upstream_invalid");
    assert!(problem["detail"].as_str().unwrap().contains("shows no new one"), "{problem}");
    assert!(problem["hint"].as_str().unwrap().contains("user interface"), "{problem}");
    assert!(!answer.text().contains("old\""), "{problem}");
    let unread = shows("new").answer(400, "");
    generate([shows("old"), generates(), unread]).problem("upstream_invalid");
    // Without the former token nothing is changed.
    generate([shows("old").answer(403, "")]).problem("upstream_forbidden");
}

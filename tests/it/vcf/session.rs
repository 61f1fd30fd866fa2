//! SDDC Manager's tokens over several calls: the number of calls, and their tokens.

use std::time::Duration;

use idhook::error::ErrorCode;
use idhook::http::TransportErrorKind;
use idhook::secret::Secret;
use idhook::upstream::BaseUrl;
use idhook::vcf::{Cache, Client, Credentials, Target};

use crate::support::script::{Call, Script, get, post};

const TOKENS: &str = include_str!("../../fixtures/vcf/tokens.answer.json");
const REFRESHED: &str = include_str!("../../fixtures/vcf/refresh.answer.txt");
const REFUSED: &str = include_str!("../../fixtures/vcf/login-refused.answer.json");
const EXPIRED: &str = include_str!("../../fixtures/vcf/error-response.answer.json");
const PROVIDERS: &str = include_str!("../../fixtures/vcf/identity-providers.answer.json");
const REFRESH_ID: &str = "3c6b2f0e-7a1d-4c53-9d5e-1f2a3b4c5d6e";
const HOUR: Duration = Duration::from_secs(3600);

pub(crate) fn target() -> Target {
    Target {
        name: "mgmt".to_owned(),
        url: BaseUrl::parse("https://sddc.corp.example").unwrap(),
        credentials: Credentials::Account {
            username: "administrator@vsphere.local".to_owned(),
            password: Secret::new("VMw@re1!"),
        },
    }
}

pub(crate) fn login() -> Call {
    post("https://sddc.corp.example/v1/tokens")
        .without("authorization")
        .body(r#"{"username":"administrator@vsphere.local","password":"VMw@re1!"}"#)
        .answer(201, TOKENS)
}

fn refresh() -> Call {
    Call::new(http::Method::PATCH, "https://sddc.corp.example/v1/tokens/access-token/refresh")
        .without("authorization")
        .header("content-type", "application/json")
}

pub(crate) fn first_token() -> String {
    let pair: serde_json::Value = serde_json::from_str(TOKENS).unwrap();
    format!("Bearer {}", pair["accessToken"].as_str().unwrap())
}

fn list(token: &str) -> Call {
    get("https://sddc.corp.example/v1/identity-providers").header("authorization", token).answer(200, PROVIDERS)
}

/// Lists the providers with a new view, as each request does; returns the number of calls.
fn lists(script: &Script, memory: &Cache) -> Result<usize, idhook::error::Error> {
    let (target, out) = (target(), script.outbound());
    let list = script.run(Client::new(&target, memory, &out).identity_providers())?;
    assert_eq!(list.elements.len(), 2);
    Ok(out.calls().len())
}

#[test]
fn cold_list_makes_two_calls_and_a_warm_one_makes_one() {
    let script = Script::new([login(), list(&first_token()), list(&first_token())]);
    let memory = Cache::default();
    assert_eq!(lists(&script, &memory).unwrap(), 2);
    assert_eq!(lists(&script, &memory).unwrap(), 1);
}

#[test]
fn tokens_of_vcf_4_5_arrive_with_200() {
    let script = Script::new([login().answer(200, TOKENS), list(&first_token())]);
    assert_eq!(lists(&script, &Cache::default()).unwrap(), 2);
}

#[test]
fn expired_token_is_refreshed_without_the_password() {
    let second = format!("Bearer {REFRESHED}");
    let script = Script::new([
        login(),
        list(&first_token()),
        refresh().body(format!("\"{REFRESH_ID}\"")).answer(200, format!("\"{REFRESHED}\"")),
        list(&second),
        list(&second),
    ]);
    let memory = Cache::default();
    lists(&script, &memory).unwrap();
    script.advance(HOUR);
    assert_eq!(lists(&script, &memory).unwrap(), 2);
    assert_eq!(lists(&script, &memory).unwrap(), 1);
}

#[test]
fn refresh_token_is_used_repeatedly() {
    let second = format!("Bearer {REFRESHED}");
    let again = || [refresh().body(format!("\"{REFRESH_ID}\"")).answer(200, REFRESHED), list(&second)];
    let script = Script::new([login(), list(&first_token())]);
    script.then(again());
    script.then(again());
    let memory = Cache::default();
    for _ in 0..3 {
        assert_eq!(lists(&script, &memory).unwrap(), 2);
        script.advance(HOUR);
    }
}

#[test]
fn rejected_quoted_id_is_sent_unquoted() {
    for status in [400, 404, 415] {
        let script = Script::new([
            login(),
            list(&first_token()),
            refresh().body(format!("\"{REFRESH_ID}\"")).answer(status, "{}"),
            refresh().body(REFRESH_ID).answer(200, REFRESHED),
            list(&format!("Bearer {REFRESHED}")),
        ]);
        let memory = Cache::default();
        lists(&script, &memory).unwrap();
        script.advance(HOUR);
        assert_eq!(lists(&script, &memory).unwrap(), 3, "{status}");
    }
}

#[test]
fn rejected_refresh_is_followed_by_a_login() {
    for (refusals, calls) in [
        (vec![refresh().answer(404, EXPIRED), refresh().answer(404, EXPIRED)], 4),
        (vec![refresh().answer(400, EXPIRED), refresh().answer(500, "")], 4),
        (vec![refresh().answer(401, EXPIRED)], 3),
        (vec![refresh().answer(500, EXPIRED)], 3),
        (vec![refresh().answer(200, "<html>")], 3),
    ] {
        let script = Script::new([login(), list(&first_token())]);
        script.then(refusals);
        script.then([login(), list(&first_token())]);
        let memory = Cache::default();
        lists(&script, &memory).unwrap();
        script.advance(HOUR);
        assert_eq!(lists(&script, &memory).unwrap(), calls);
    }
}

#[test]
fn unanswered_refresh_is_not_followed_by_a_login() {
    let script = Script::new([
        login(),
        list(&first_token()),
        refresh().fail(TransportErrorKind::Timeout),
        refresh().answer(503, ""),
        refresh().answer(200, REFRESHED),
        list(&format!("Bearer {REFRESHED}")),
    ]);
    let memory = Cache::default();
    lists(&script, &memory).unwrap();
    script.advance(HOUR);
    assert_eq!(lists(&script, &memory).unwrap_err().code(), ErrorCode::UpstreamTimeout);
    assert_eq!(lists(&script, &memory).unwrap_err().code(), ErrorCode::UpstreamBusy);
    assert_eq!(lists(&script, &memory).unwrap(), 2);
}

#[test]
fn rejected_cached_token_causes_login_and_one_replay() {
    let denied = || list(&first_token()).answer(401, EXPIRED);
    let other = r#"{"accessToken":"other.access.token","refreshToken":{"id":"other-refresh"}}"#;
    let script = Script::new([
        login(),
        list(&first_token()),
        denied(),
        login().answer(201, other),
        list("Bearer other.access.token"),
        // Beside the list, and given up when that is done.
        Call::new(http::Method::DELETE, "https://sddc.corp.example/v1/tokens/refresh-token")
            .body(format!("\"{REFRESH_ID}\"")),
    ]);
    let memory = Cache::default();
    lists(&script, &memory).unwrap();
    assert_eq!(lists(&script, &memory).unwrap(), 3);

    // A call with a new token is not replayed.
    let script = Script::new([login(), denied()]);
    let error = lists(&script, &Cache::default()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::UpstreamAuth);
    assert!(error.hint_text().unwrap().contains("role"), "{error}");
    assert_eq!(error.evidence().unwrap().reference.as_deref(), Some("K1M2N3"));
}

#[test]
fn rejected_credentials_are_not_tried_again() {
    for (status, body) in [(401, REFUSED), (400, REFUSED), (401, ""), (403, REFUSED)] {
        let script = Script::new([login().answer(status, body)]);
        let memory = Cache::default();
        let error = lists(&script, &memory).unwrap_err();
        assert_eq!(error.code(), ErrorCode::UpstreamAuth, "{status}");
        assert_eq!(error.target(), Some("mgmt"));
        assert!(error.hint_text().unwrap().contains("administrator@vsphere.local"), "{error}");
        assert!(!format!("{error:?}").contains("VMw@re1!"));
        // The script has no second login.
        assert_eq!(lists(&script, &memory).unwrap_err().code(), ErrorCode::UpstreamAuth);
    }
    // Another server at that URL says nothing about the credentials or providers.
    for status in [404, 405, 409] {
        let error =
            lists(&Script::new([login().answer(status, REFUSED.replace("IDENTITY", "OTHER"))]), &Cache::default())
                .unwrap_err();
        assert_eq!((error.code(), error.answer_status()), (ErrorCode::UpstreamInvalid, None), "{status}");
        assert!(error.hint_text().unwrap().contains("URL"), "{error}");
    }
    // A failing server says nothing about the credentials.
    let script = Script::new([login().answer(500, ""), login(), list(&first_token())]);
    let memory = Cache::default();
    assert_eq!(lists(&script, &memory).unwrap_err().code(), ErrorCode::UpstreamFailed);
    assert_eq!(lists(&script, &memory).unwrap(), 2);
}

#[test]
fn cached_tokens_are_not_printed() {
    let script = Script::new([login(), list(&first_token())]);
    let memory = Cache::default();
    lists(&script, &memory).unwrap();
    let printed = format!("{memory:?} {:?}", target());
    for secret in [REFRESH_ID, &first_token()["Bearer ".len()..], "VMw@re1!"] {
        assert!(!printed.contains(secret), "{printed}");
    }
}

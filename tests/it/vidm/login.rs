//! Logins, and the errors when one fails.

use std::time::Duration;

use futures_util::future::join;
use idhook::error::ErrorCode;
use idhook::http::TransportErrorKind;
use idhook::secret::{Scheme, Secret};
use idhook::vidm::{Credentials, Dialect};

use crate::support::script::{Call, get, post};
use crate::support::vidm::{Estate, LIST, LOGIN, lists, logs_in};

const OAUTH: &str = "https://vidm.corp.example/SAAS/auth/oauthtoken";

fn client() -> Credentials {
    Credentials::Client { id: "idhook".into(), secret: Secret::new("c-secret") }
}

fn account() -> Credentials {
    Credentials::Password {
        client_id: "idhook".into(),
        client_secret: Secret::new("c-secret"),
        username: "svc-sync".into(),
        password: Secret::new("a&b"),
        domain: "corp.example".into(),
    }
}

fn estate(credentials: Credentials, calls: impl IntoIterator<Item = Call>) -> Estate {
    let mut estate = Estate::new(calls);
    estate.target.credentials = credentials;
    estate
}

fn list(estate: &Estate) -> Result<usize, idhook::error::Error> {
    estate.run(async |client| client.directories().await).map(|directories| directories.len())
}

#[test]
fn session_token_uses_the_configured_scheme() {
    for (scheme, header) in [(Scheme::Hzn, "HZN t1"), (Scheme::Bearer, "Bearer t1")] {
        let credentials =
            Credentials::System { username: "svc-sync".into(), password: Secret::new("pässword"), scheme };
        let estate = estate(credentials, [logs_in("t1"), lists().header("authorization", header)]);
        assert_eq!(list(&estate).unwrap(), 5);
    }
}

#[test]
fn oauth_clients_and_domain_accounts_log_in() {
    let token = include_str!("../../fixtures/vidm/login_oauth.json");
    for (credentials, body) in [
        (client(), "grant_type=client_credentials"),
        (account(), "grant_type=password&username=svc-sync&password=a%26b&domain=corp.example"),
    ] {
        let login = post(OAUTH).header("authorization", "Basic aWRob29rOmMtc2VjcmV0").body(body).answer(200, token);
        let estate = estate(credentials, [login, lists().header("authorization", "Bearer oauth-token-1")]);
        list(&estate).unwrap();
        // It lives 10,799 seconds and is dropped a minute earlier.
        estate.script.advance(Duration::from_secs(10_730));
        let estate = estate.then([lists()]);
        list(&estate).unwrap();
        estate.script.advance(Duration::from_secs(10));
        let estate = estate.then([post(OAUTH).answer(200, token), lists()]);
        list(&estate).unwrap();
    }
}

#[test]
fn tenant_is_in_every_path() {
    let tenant = |uri: &str| uri.replace("/SAAS/", "/SAAS/t/corp/");
    let mut estate =
        Estate::new([post(tenant(LOGIN)).answer(200, r#"{"sessionToken":"t"}"#), get(tenant(LIST)).answer(200, "[]")]);
    estate.target.tenant = Some("corp".into());
    list(&estate).unwrap();
}

#[test]
fn rejection_has_a_hint_and_is_not_repeated() {
    let forbidden = include_str!("../../fixtures/vidm/error_forbidden.json");
    let oauth = include_str!("../../fixtures/vidm/error_oauth.json");
    for (credentials, uri, body, word) in [
        (crate::support::vidm::system(), LOGIN, forbidden, "System Domain"),
        (client(), OAUTH, oauth, "client_credentials"),
        (account(), OAUTH, oauth, "grant password"),
    ] {
        for status in [400, 401, 403] {
            let estate = estate(credentials.clone(), [post(uri).answer(status, body)]);
            let error = list(&estate).unwrap_err();
            assert_eq!((error.code(), error.target()), (ErrorCode::UpstreamAuth, Some("prod")), "{status}");
            assert!(error.hint_text().unwrap().contains(word), "{error}");
            assert!(error.evidence().unwrap().code.is_some(), "{error}");
            // The next request makes no call: the script would panic.
            assert_eq!(list(&estate).unwrap_err().code(), ErrorCode::UpstreamAuth);
        }
    }
}

#[test]
fn refused_login_in_a_tenant_path_names_the_tenant() {
    let tenant = |uri: &str| uri.replace("/SAAS/", "/SAAS/t/corp/");
    for (credentials, uri) in [(crate::support::vidm::system(), LOGIN), (client(), OAUTH), (account(), OAUTH)] {
        let mut estate = estate(credentials, [post(tenant(uri)).answer(401, "")]);
        estate.target.tenant = Some("corp".into());
        let hint = list(&estate).unwrap_err().hint_text().unwrap().to_owned();
        assert!(hint.contains("vidm_tenant") && hint.contains("\"corp\""), "{hint}");
    }
}

#[test]
fn page_on_a_login_is_not_about_the_credentials() {
    let page = "<html><head><title>400 The plain HTTP request was sent to HTTPS port</title></head></html>";
    for (credentials, uri) in [(crate::support::vidm::system(), LOGIN), (client(), OAUTH), (account(), OAUTH)] {
        for status in [400, 401, 403] {
            let error = list(&estate(credentials.clone(), [post(uri).answer(status, page)])).unwrap_err();
            assert_eq!(error.code(), ErrorCode::UpstreamInvalid, "{status}");
            assert!(error.detail().contains("plain HTTP request was sent"), "{error}");
            let hint = error.hint_text().unwrap();
            assert!(hint.contains("scheme") && hint.contains("gateway") && !hint.contains("password"), "{hint}");
        }
        // It says nothing about the account, so nothing is held.
        let again = post(uri).answer(400, page);
        let estate = estate(credentials, [post(uri).answer(400, page), again]);
        list(&estate).unwrap_err();
        assert_eq!(list(&estate).unwrap_err().code(), ErrorCode::UpstreamInvalid);
    }
    // A 400 without vIDM's format may be any proxy's.
    let estate = Estate::new([post(LOGIN).answer(400, "Request Header Or Cookie Too Large"), logs_in("t1"), lists()]);
    let error = list(&estate).unwrap_err();
    assert_eq!(error.code(), ErrorCode::UpstreamInvalid);
    assert!(error.hint_text().unwrap().contains("gateway"), "{error}");
    list(&estate).unwrap();
}

#[test]
fn missing_login_hints_at_url_and_tenant() {
    let estate = Estate::new([post(LOGIN).answer(404, "<html><title>Not Found</title></html>")]);
    let error = list(&estate).unwrap_err();
    assert_eq!(error.code(), ErrorCode::UpstreamInvalid);
    assert!(error.hint_text().unwrap().contains("vidm_tenant"), "{error}");
}

#[test]
fn login_is_repeated_only_if_it_never_arrived() {
    let estate = Estate::new([post(LOGIN).fail(TransportErrorKind::Refused), logs_in("t1"), lists()]);
    list(&estate).unwrap();
    for call in [post(LOGIN).fail(TransportErrorKind::Interrupted), post(LOGIN).answer(503, "")] {
        list(&Estate::new([call])).unwrap_err();
    }
    // Nothing was changed, so it may be repeated, but not at once.
    let error = list(&Estate::new([post(LOGIN).fail(TransportErrorKind::Timeout)])).unwrap_err();
    assert!(error.is_retryable() && error.hint_text().unwrap().contains("the login may have counted"), "{error}");
}

#[test]
fn revoked_token_costs_one_login() {
    let estate = Estate::warm(true).then([
        get(LIST).header("authorization", "HZN t1").answer(401, ""),
        logs_in("t2"),
        lists().header("authorization", "HZN t2"),
    ]);
    list(&estate).unwrap();
}

#[test]
fn rejected_new_token_is_not_tried_again() {
    let estate = Estate::new([logs_in("t1"), get(LIST).answer(401, "")]);
    let error = list(&estate).unwrap_err();
    assert_eq!(error.code(), ErrorCode::UpstreamAuth);
    assert!(error.hint_text().unwrap().contains("HZN"), "{error}");
}

#[test]
fn concurrent_requests_log_in_once() {
    let estate = Estate::new([logs_in("t1").takes(Duration::from_secs(1)), lists(), lists()]);
    let (one, other) = estate.run(async |client| join(client.directories(), client.directories()).await);
    assert_eq!(one.unwrap().len() + other.unwrap().len(), 10);
}

#[test]
fn paths_and_types_of_the_target_are_used() {
    let one = |name: &str, value: &str| [(name.to_owned(), value.to_owned())].into();
    let (paths, media_types) = (one("oauth_token", "/acs/token"), one("directories", "application/json"));
    let mut estate = estate(
        client(),
        [
            post("https://vidm.corp.example/acs/token").answer(200, r#"{"access_token":"t"}"#),
            get(LIST).header("accept", "application/json").answer(200, "[]"),
        ],
    );
    estate.target.dialect = Dialect::horizon().with(&paths, &media_types).unwrap();
    list(&estate).unwrap();
}

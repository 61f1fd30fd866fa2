use crate::client::{API, Admin, DIRECTORIES, Got, LIST, LOGIN, log_in, send, start};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use idhook_simulator::{Options, Simulator, credentials};
use serde_json::{Value, json};
use std::time::Duration;

const JSON: (&str, &str) = ("content-type", "application/json");
const TAKES_JSON: (&str, &str) = ("accept", "application/json");
const OAUTH: &str = "/SAAS/auth/oauthtoken";

async fn login(simulator: &Simulator, headers: &[(&str, &str)], body: Value) -> Got {
    send("POST", &format!("{}{LOGIN}", simulator.vidm_url()), headers, body.to_string()).await
}

fn right(issue: impl Into<Value>) -> Value {
    let (username, password) = (credentials::VIDM_USERNAME, credentials::VIDM_PASSWORD);
    json!({"username": username, "password": password, "issueToken": issue.into()})
}

#[tokio::test]
async fn a_login_gives_a_session_token_with_the_real_claims() {
    let simulator = start().await;
    let got = login(&simulator, &[JSON, TAKES_JSON], right("true")).await;
    assert_eq!(got.status, 200);
    let body = got.json();
    assert_eq!(body["admin"], false);
    assert_eq!(body["id"], Value::Null);
    let token = body["sessionToken"].as_str().unwrap();
    let claims = token.split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 28_800);
    assert_eq!(claims["domain"], "System Domain");
    assert_eq!(claims["prn"], "svc-idhook@SIMULATOR");
}

#[tokio::test]
async fn without_issue_token_there_is_no_session_token() {
    let simulator = start().await;
    for issue in [json!(false), json!("yes"), Value::Null] {
        let got = login(&simulator, &[JSON, TAKES_JSON], right(issue)).await;
        assert_eq!((got.status, &got.json()["sessionToken"]), (200, &Value::Null));
    }
}

#[tokio::test]
async fn a_login_without_the_json_content_type_is_415() {
    let simulator = start().await;
    assert_eq!(login(&simulator, &[TAKES_JSON], right(true)).await.status, 415);
    assert_eq!(login(&simulator, &[("content-type", "text/plain"), TAKES_JSON], right(true)).await.status, 415);
}

#[tokio::test]
async fn a_login_without_accept_json_is_answered_in_xml() {
    let simulator = start().await;
    for headers in [&[JSON][..], &[JSON, ("accept", "*/*")]] {
        let got = login(&simulator, headers, right(true)).await;
        assert_eq!((got.status, got.header("content-type")), (200, "application/xml"));
        assert!(got.body.contains("<userSession><admin>false</admin><sessionToken>eyJ"), "{}", got.body);
    }
}

#[tokio::test]
async fn refused_logins_lock_the_account() {
    let simulator = start().await;
    simulator.configure_vidm(|settings| settings.lockout_after = 2);
    let wrong = json!({"username": credentials::VIDM_USERNAME, "password": "wrong", "issueToken": true});
    for _ in 0..2 {
        let got = login(&simulator, &[JSON, TAKES_JSON], wrong.clone()).await;
        assert_eq!((got.status, got.code().as_str()), (401, "invalid.credentials"));
        assert!(got.header("content-type").starts_with("application/vnd.vmware.horizon.manager.error+json"));
    }
    let got = login(&simulator, &[JSON, TAKES_JSON], right(true)).await;
    assert_eq!((got.status, got.code().as_str()), (401, "account.locked"));
    simulator.unlock_accounts();
    assert_eq!(login(&simulator, &[JSON, TAKES_JSON], right(true)).await.status, 200);
}

#[tokio::test]
async fn account_lock_expires() {
    let simulator = start().await;
    simulator.configure_vidm(|settings| {
        settings.lockout_after = 1;
        settings.lockout_duration = Duration::from_millis(50);
    });
    let wrong = json!({"username": credentials::VIDM_USERNAME, "password": "wrong"});
    login(&simulator, &[JSON, TAKES_JSON], wrong).await;
    tokio::time::sleep(Duration::from_millis(80)).await;
    assert_eq!(login(&simulator, &[JSON, TAKES_JSON], right(true)).await.status, 200);
}

#[tokio::test]
async fn a_domain_account_cannot_use_the_system_login() {
    let simulator = start().await;
    let (username, password) = (credentials::VIDM_DOMAIN_USERNAME, credentials::VIDM_DOMAIN_PASSWORD);
    let body = json!({"username": username, "password": password, "issueToken": true});
    let got = login(&simulator, &[JSON, TAKES_JSON], body).await;
    assert_eq!((got.status, got.code().as_str()), (401, "invalid.credentials"));
}

#[tokio::test]
async fn a_plain_user_logs_in_but_may_not_manage() {
    let simulator = start().await;
    let base = simulator.vidm_url();
    let token = log_in(&base, credentials::VIDM_PLAIN_USERNAME, credentials::VIDM_PLAIN_PASSWORD).await;
    for path in [DIRECTORIES, &format!("{API}/scim/Groups")] {
        let got = send("GET", &format!("{base}{path}"), &[("authorization", &token)], "").await;
        assert_eq!((got.status, got.code().as_str()), (403, "forbidden"));
        assert_eq!(got.json()["errors"][0]["message"], "User is not authorized to perform the task.");
        assert_eq!(got.json()["errors"][0]["parameters"], Value::Null);
    }
}

#[tokio::test]
async fn session_token_is_accepted_with_hzn_and_bearer() {
    let admin = Admin::new().await;
    let bearer = admin.token.replacen("HZN ", "Bearer ", 1);
    let url = format!("{}{DIRECTORIES}", admin.simulator.vidm_url());
    assert_eq!(send("GET", &url, &[("authorization", &admin.token)], "").await.status, 200);
    assert_eq!(send("GET", &url, &[("authorization", &bearer)], "").await.status, 200);
    let basic = admin.token.replacen("HZN ", "Basic ", 1);
    assert_eq!(send("GET", &url, &[("authorization", &basic)], "").await.status, 401);
}

#[tokio::test]
async fn missing_wrong_and_expired_tokens_are_401() {
    let admin = Admin::new().await;
    let url = format!("{}{DIRECTORIES}", admin.simulator.vidm_url());
    let got = send("GET", &url, &[], "").await;
    assert_eq!((got.status, got.code().as_str()), (401, "unauthorized"));
    assert_eq!(send("GET", &url, &[("authorization", "HZN eyJ.x.y")], "").await.status, 401);
    admin.simulator.expire_tokens();
    assert_eq!(admin.get(DIRECTORIES).await.status, 401);
}

#[tokio::test]
async fn token_expires_after_its_stated_lifetime() {
    let mut options = Options::default();
    options.vidm.session_lifetime = Duration::from_millis(30);
    let admin = Admin::at(Simulator::start(options).await.unwrap()).await;
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert_eq!(admin.get(DIRECTORIES).await.status, 401);
}

async fn oauth(simulator: &Simulator, client: (&str, &str), form: &[(&str, &str)]) -> Got {
    let basic = format!("Basic {}", STANDARD.encode(format!("{}:{}", client.0, client.1)));
    let body = form.iter().map(|(name, value)| format!("{name}={}", crate::client::encode(value)));
    let headers = [("authorization", basic.as_str()), ("content-type", "application/x-www-form-urlencoded")];
    let body = body.collect::<Vec<_>>().join("&");
    send("POST", &format!("{}{OAUTH}", simulator.vidm_url()), &headers, body).await
}

const CLIENT: (&str, &str) = (credentials::VIDM_CLIENT_ID, credentials::VIDM_CLIENT_SECRET);

#[tokio::test]
async fn client_credentials_yield_a_bearer_token_only() {
    let simulator = start().await;
    let got = oauth(&simulator, CLIENT, &[("grant_type", "client_credentials")]).await;
    assert_eq!(got.status, 200, "{}", got.body);
    let body = got.json();
    assert_eq!(
        (&body["token_type"], &body["expires_in"], &body["scope"]),
        (&json!("Bearer"), &json!(10_800), &json!("admin"))
    );
    let token = body["access_token"].as_str().unwrap();
    let url = format!("{}{DIRECTORIES}", simulator.vidm_url());
    assert_eq!(send("GET", &url, &[("authorization", &format!("Bearer {token}"))], "").await.status, 200);
    assert_eq!(send("GET", &url, &[("authorization", &format!("HZN {token}"))], "").await.status, 401);
}

#[tokio::test]
async fn the_grant_type_may_be_in_the_query_and_the_client_in_the_form() {
    let simulator = start().await;
    let url = format!("{}{OAUTH}?grant_type=client_credentials", simulator.vidm_url());
    let basic = format!("Basic {}", STANDARD.encode(format!("{}:{}", CLIENT.0, CLIENT.1)));
    assert_eq!(send("POST", &url, &[("authorization", &basic)], "").await.status, 200);
    let encode = crate::client::encode;
    let form = format!("client_id={}&client_secret={}", encode(CLIENT.0), encode(CLIENT.1));
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    assert_eq!(send("POST", &url, &headers, form).await.status, 200);
    // Unencoded, the plus is a space and the ampersand ends the secret.
    let naive = format!("client_id={}&client_secret={}", CLIENT.0, CLIENT.1);
    assert_eq!(send("POST", &url, &headers, naive).await.status, 401);
}

#[tokio::test]
async fn oauth_errors_have_their_own_body_and_status() {
    let simulator = start().await;
    let got = oauth(&simulator, (CLIENT.0, "wrong"), &[("grant_type", "client_credentials")]).await;
    assert_eq!((got.status, &got.json()["error"]), (401, &json!("invalid_client")));
    assert!(got.json()["error_description"].is_string());
    assert_eq!(oauth(&simulator, CLIENT, &[]).await.status, 500);
    assert_eq!(oauth(&simulator, CLIENT, &[("grant_type", "magic")]).await.status, 500);
    let url = format!("{}{OAUTH}", simulator.vidm_url());
    assert_eq!(send("GET", &url, &[], "").await.status, 405);
    // Not a form: the grant type isn't seen.
    let basic = format!("Basic {}", STANDARD.encode(format!("{}:{}", CLIENT.0, CLIENT.1)));
    let got = send("POST", &url, &[("authorization", &basic), JSON], r#"{"grant_type":"client_credentials"}"#).await;
    assert_eq!(got.status, 500);
}

#[tokio::test]
async fn the_password_grant_is_for_domain_accounts_and_needs_a_client_that_has_it() {
    let simulator = start().await;
    let form = |password: &'static str, domain: &'static str| {
        let username = credentials::VIDM_DOMAIN_USERNAME;
        [("grant_type", "password"), ("username", username), ("password", password), ("domain", domain)]
    };
    let (password, domain) = (credentials::VIDM_DOMAIN_PASSWORD, credentials::VIDM_DOMAIN);
    let got = oauth(&simulator, CLIENT, &form(password, domain)).await;
    assert_eq!(got.status, 200, "{}", got.body);
    let got = oauth(&simulator, CLIENT, &form("wrong", domain)).await;
    assert_eq!((got.status, &got.json()["error"]), (400, &json!("invalid_grant")));
    assert_eq!(oauth(&simulator, CLIENT, &form(password, "other.example")).await.status, 400);
    let limited = (credentials::VIDM_LIMITED_CLIENT_ID, credentials::VIDM_LIMITED_CLIENT_SECRET);
    let got = oauth(&simulator, limited, &form(password, domain)).await;
    assert_eq!((got.status, &got.json()["error"]), (400, &json!("unauthorized_client")));
}

#[tokio::test]
async fn refused_password_grants_lock_the_domain_account() {
    let simulator = start().await;
    simulator.configure_vidm(|settings| settings.lockout_after = 1);
    let (username, domain) = (credentials::VIDM_DOMAIN_USERNAME, credentials::VIDM_DOMAIN);
    for password in ["wrong", credentials::VIDM_DOMAIN_PASSWORD] {
        let form = [("grant_type", "password"), ("username", username), ("password", password), ("domain", domain)];
        assert_eq!(oauth(&simulator, CLIENT, &form).await.json()["error"], "invalid_grant");
    }
}

#[tokio::test]
async fn a_tenant_in_the_path_has_its_own_tokens_and_directories() {
    let simulator = start().await;
    let here = log_in(&simulator.vidm_url(), credentials::VIDM_USERNAME, credentials::VIDM_PASSWORD).await;
    let tenant = format!("{}/SAAS/t/corp", simulator.vidm_url());
    let body = right(true).to_string();
    let got = send("POST", &format!("{tenant}/API/1.0/REST/auth/system/login"), &[JSON, TAKES_JSON], body).await;
    let there = format!("HZN {}", got.json()["sessionToken"].as_str().unwrap());
    let list = format!("{tenant}/jersey/manager/api/connectormanagement/directoryconfigs");
    assert_eq!(send("GET", &list, &[("authorization", &here)], "").await.status, 401);
    let got = send("GET", &list, &[("authorization", &there), ("accept", LIST)], "").await;
    assert_eq!(got.status, 200);
    let corp = got.json()["items"][1]["directoryId"].as_str().unwrap().to_owned();
    assert_ne!(corp, idhook_simulator::seeds::CORP);
    let list_here = format!("{}{DIRECTORIES}", simulator.vidm_url());
    assert_eq!(send("GET", &list_here, &[("authorization", &there)], "").await.status, 401);
}

#[tokio::test]
async fn an_unknown_tenant_an_unknown_path_and_a_wrong_method_get_tomcats_page() {
    let simulator = start().await;
    let base = simulator.vidm_url();
    for (method, path, status) in [
        ("POST", "/SAAS/t/nobody/API/1.0/REST/auth/system/login".to_owned(), 404),
        ("GET", "/SAAS/nowhere".to_owned(), 404),
        ("GET", LOGIN.to_owned(), 405),
        ("DELETE", format!("{DIRECTORIES}/x/syncprofile/sync"), 405),
    ] {
        let got = send(method, &format!("{base}{path}"), &[], "").await;
        assert_eq!((got.status, got.header("content-type")), (status, "text/html;charset=utf-8"), "{path}");
        assert!(got.body.contains(&format!("HTTP Status {status}")), "{}", got.body);
    }
    assert_eq!(send("GET", &format!("{base}{LOGIN}"), &[], "").await.header("allow"), "POST");
}

#[tokio::test]
async fn health_needs_no_login_and_speaks_in_strings() {
    let simulator = start().await;
    let base = simulator.vidm_url();
    for path in ["/SAAS/API/1.0/REST/system/health", "/SAAS/jersey/manager/api/system/health"] {
        let got = send("GET", &format!("{base}{path}"), &[], "").await;
        assert_eq!((got.status, &got.json()["AllOk"]), (200, &json!("true")));
        assert!(got.json().as_object().unwrap().values().all(Value::is_string), "{}", got.body);
    }
    simulator.configure_vidm(|settings| settings.healthy = false);
    let got = send("GET", &format!("{base}/SAAS/API/1.0/REST/system/health"), &[], "").await;
    assert_eq!(got.json()["AllOk"], "false");
    let got = send("GET", &format!("{base}/SAAS/API/1.0/REST/system/health/heartbeat"), &[], "").await;
    assert_eq!(got.body, "ok");
    assert_eq!(send("GET", &format!("{base}/hc/API/1.0/REST/system/health/allOk"), &[], "").await.body, "false");
}

use crate::client::{Got, send, start};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use idhook_simulator::{RefreshBody, Simulator, credentials};
use serde_json::{Value, json};
use std::time::Duration;

const JSON: (&str, &str) = ("content-type", "application/json");

async fn create(simulator: &Simulator, password: &str) -> Got {
    let body = json!({"username": credentials::SDDC_USERNAME, "password": password}).to_string();
    send("POST", &format!("{}/v1/tokens", simulator.sddc_url()), &[JSON], body).await
}

/// The Authorization header and the refresh token id.
pub(crate) async fn pair(simulator: &Simulator) -> (String, String) {
    let got = create(simulator, credentials::SDDC_PASSWORD).await;
    assert!(got.status < 300, "{}", got.body);
    let body = got.json();
    let id = body["refreshToken"]["id"].as_str().unwrap().to_owned();
    (format!("Bearer {}", body["accessToken"].as_str().unwrap()), id)
}

async fn list(simulator: &Simulator, authorization: &str) -> Got {
    let url = format!("{}/v1/identity-providers", simulator.sddc_url());
    send("GET", &url, &[("authorization", authorization)], "").await
}

async fn refresh(simulator: &Simulator, headers: &[(&str, &str)], body: String) -> Got {
    send("PATCH", &format!("{}/v1/tokens/access-token/refresh", simulator.sddc_url()), headers, body).await
}

#[tokio::test]
async fn a_token_opens_the_other_calls() {
    let simulator = start().await;
    let (token, _) = pair(&simulator).await;
    assert_eq!(list(&simulator, &token).await.status, 200);
    simulator.configure_sddc(|settings| settings.token_status = 201);
    assert_eq!(create(&simulator, credentials::SDDC_PASSWORD).await.status, 201);
}

#[tokio::test]
async fn wrong_credentials_are_401_with_the_vendors_code() {
    let simulator = start().await;
    let got = create(&simulator, "wrong").await;
    assert_eq!((got.status, &got.json()["errorCode"]), (401, &json!("IDENTITY_UNAUTHORIZED_ENTITY")));
    assert_eq!(got.json()["message"], "User is not authorized");
    assert!(got.json()["referenceToken"].is_string());
}

#[tokio::test]
async fn reads_and_writes_have_different_401_bodies_and_basic_is_refused() {
    let simulator = start().await;
    let basic =
        format!("Basic {}", STANDARD.encode(format!("{}:{}", credentials::SDDC_USERNAME, credentials::SDDC_PASSWORD)));
    let got = list(&simulator, &basic).await;
    assert_eq!((got.status, &got.json()["cause"], got.json().get("causes")), (401, &json!([]), None));
    let url = format!("{}/v1/identity-providers", simulator.sddc_url());
    let got = send("POST", &url, &[JSON], "{}").await;
    assert_eq!((got.status, &got.json()["causes"], got.json().get("cause")), (401, &json!([]), None));
}

#[tokio::test]
async fn refresh_accepts_the_quoted_id_and_returns_bare_text_as_json() {
    let simulator = start().await;
    let (old, id) = pair(&simulator).await;
    simulator.expire_tokens();
    assert_eq!(list(&simulator, &old).await.status, 401);
    assert_eq!(refresh(&simulator, &[JSON], id.clone()).await.status, 400);
    assert_eq!(refresh(&simulator, &[], format!("\"{id}\"")).await.status, 415);
    let got = refresh(&simulator, &[JSON], format!("\"{id}\"")).await;
    assert_eq!((got.status, got.header("content-type")), (200, "application/json"));
    assert!(got.body.starts_with("eyJ"), "{}", got.body);
    assert_eq!(list(&simulator, &format!("Bearer {}", got.body)).await.status, 200);
}

#[tokio::test]
async fn refresh_can_require_the_bare_id_and_return_it_quoted() {
    let simulator = start().await;
    simulator.configure_sddc(|settings| {
        settings.refresh_body = RefreshBody::Bare;
        settings.quoted_answers = true;
    });
    let (_, id) = pair(&simulator).await;
    assert_eq!(refresh(&simulator, &[JSON], format!("\"{id}\"")).await.status, 404);
    let got = refresh(&simulator, &[JSON], id).await;
    assert!(matches!(got.json(), Value::String(token) if token.starts_with("eyJ")));
}

#[tokio::test]
async fn a_revoked_refresh_token_is_gone() {
    let simulator = start().await;
    let (_, id) = pair(&simulator).await;
    let url = format!("{}/v1/tokens/refresh-token", simulator.sddc_url());
    assert_eq!(send("DELETE", &url, &[JSON], format!("\"{id}\"")).await.status, 204);
    assert_eq!(refresh(&simulator, &[JSON], format!("\"{id}\"")).await.status, 404);
    let (_, id) = pair(&simulator).await;
    simulator.expire_refresh_tokens();
    assert_eq!(refresh(&simulator, &[JSON], format!("\"{id}\"")).await.status, 404);
}

#[tokio::test]
async fn both_tokens_expire_after_their_stated_lifetimes() {
    let simulator = start().await;
    simulator.configure_sddc(|settings| {
        settings.access_lifetime = Duration::from_millis(30);
        settings.refresh_lifetime = Duration::from_millis(30);
    });
    let (access, id) = pair(&simulator).await;
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert_eq!(list(&simulator, &access).await.status, 401);
    assert_eq!(refresh(&simulator, &[JSON], format!("\"{id}\"")).await.status, 404);
}

#[tokio::test]
async fn unknown_paths_get_nginxs_page() {
    let simulator = start().await;
    let got = send("GET", &format!("{}/v1/nothing", simulator.sddc_url()), &[], "").await;
    assert_eq!((got.status, got.header("content-type")), (404, "text/html"));
    assert_eq!(send("PUT", &format!("{}/v1/tokens", simulator.sddc_url()), &[], "").await.status, 405);
}

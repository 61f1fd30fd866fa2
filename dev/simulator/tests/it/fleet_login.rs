use crate::client::send;
use crate::ops::{ACQUIRE, IAM, JSON, Ops, acquire, log_in};
use idhook_simulator::{DeadApiToken, Fault, FaultKind, FleetVersion, Server, UnauthorizedForm, credentials};
use serde_json::json;
use std::time::Duration;

const GRANT: &str = "urn%3Acustom%3Avcf%3Aparams%3Aoauth%3Agrant-type%3Aapi-token";

async fn exchange(ops: &Ops, api_token: &str) -> crate::client::Got {
    let url = format!("{}/acs/t/CUSTOMER/token", ops.simulator.broker_url());
    let body = format!("grant_type={GRANT}&api_token={}", crate::client::encode(api_token));
    send("POST", &url, &[("content-type", "application/x-www-form-urlencoded")], body).await
}

async fn realms(ops: &Ops, authorization: &str) -> crate::client::Got {
    let url = format!("{}{IAM}/ssorealms", ops.simulator.fleet_url());
    send("GET", &url, &[("authorization", authorization), ("accept", "application/json")], "").await
}

#[tokio::test]
async fn session_token_works_with_both_schemes_until_released() {
    let ops = Ops::new(FleetVersion::V9_1_0).await;
    let token = ops.token.strip_prefix("OpsToken ").unwrap();
    assert!(token.len() == 74 && token.contains("::"), "{token}");
    assert_eq!(realms(&ops, &ops.token).await.status, 200);
    assert_eq!(realms(&ops, &format!("vRealizeOpsToken {token}")).await.status, 200);
    assert_eq!(realms(&ops, &format!("Bearer {token}")).await.status, 401);
    let release = format!("{}/suite-api/api/auth/token/release", ops.simulator.fleet_url());
    let got = send("POST", &release, &[("authorization", &ops.token)], "").await;
    assert_eq!((got.status, got.body.as_str()), (200, ""));
    let got = realms(&ops, &ops.token).await;
    assert_eq!((got.status, &got.json()["apiErrorCode"]), (401, &json!(1512)));
}

#[tokio::test]
async fn each_call_extends_a_session() {
    let ops = Ops::new(FleetVersion::V9_1_0).await;
    ops.simulator.configure_fleet(|settings| settings.session_lifetime = Duration::from_millis(400));
    let token = log_in(&ops.simulator, credentials::FLEET_USERNAME, credentials::FLEET_PASSWORD).await;
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(realms(&ops, &token).await.status, 200);
    }
    tokio::time::sleep(Duration::from_millis(450)).await;
    assert_eq!(realms(&ops, &token).await.status, 401);
}

#[tokio::test]
async fn logins_are_refused_in_the_measured_forms() {
    let ops = Ops::new(FleetVersion::V9_1_0).await;
    let wrong = json!({"username": credentials::FLEET_USERNAME, "password": "x", "authSource": "LOCAL"});
    let got = acquire(&ops.simulator, &wrong).await;
    assert_eq!((got.status, &got.json()["apiErrorCode"]), (401, &json!(401)));
    let sso = json!({"username": credentials::FLEET_SSO_USERNAME, "password": "x"});
    let got = acquire(&ops.simulator, &sso).await;
    assert_eq!((got.status, got.header("content-type")), (401, "text/html;charset=utf-8"));
    assert!(got.header("www-authenticate").contains("VIDBToken"));
    let ad = |source| json!({"username": credentials::FLEET_AD_USERNAME, "password": credentials::FLEET_AD_PASSWORD, "authSource": source});
    assert_eq!(acquire(&ops.simulator, &ad(credentials::FLEET_AD_SOURCE)).await.status, 200);
    assert_eq!(acquire(&ops.simulator, &ad("local")).await.status, 401);
    let upn = json!({"username": "svc-idhook@corp.example", "password": credentials::FLEET_AD_PASSWORD, "authSource": credentials::FLEET_AD_SOURCE});
    let got = acquire(&ops.simulator, &upn).await;
    assert_eq!((got.status, got.header("content-type")), (401, "text/html;charset=utf-8"));
    assert_eq!(acquire(&ops.simulator, &json!({"username": "a"})).await.status, 400);
    ops.simulator.configure_fleet(|settings| settings.lockout_after = Some(2));
    acquire(&ops.simulator, &wrong).await;
    let right = json!({"username": credentials::FLEET_USERNAME, "password": credentials::FLEET_PASSWORD});
    let got = acquire(&ops.simulator, &right).await;
    assert!(got.status == 401 && got.body.contains("locked"), "{}", got.body);
    ops.simulator.unlock_fleet_accounts();
    assert_eq!(acquire(&ops.simulator, &right).await.status, 200);
}

#[tokio::test]
async fn api_token_is_exchanged_for_a_bearer_token() {
    let ops = Ops::new(FleetVersion::V9_1_0).await;
    let got = exchange(&ops, credentials::FLEET_API_TOKEN).await;
    assert_eq!((got.status, &got.json()["expires_in"]), (200, &json!(1798)));
    let bearer = format!("Bearer {}", got.json()["access_token"].as_str().unwrap());
    assert_eq!(realms(&ops, &bearer).await.status, 200);
    ops.switch(FleetVersion::V9_0);
    let current = format!("{}/suite-api/api/auth/currentuser", ops.simulator.fleet_url());
    let headers = [("authorization", bearer.as_str()), ("accept", "application/json")];
    assert_eq!(send("GET", &current, &headers, "").await.status, 401);
    ops.switch(FleetVersion::V9_1_0);
    let got = send("GET", &current, &headers, "").await;
    assert_eq!((got.status, &got.json()["username"]), (200, &json!("svc-idhook-client")));
    let dead = exchange(&ops, credentials::FLEET_EXPIRED_API_TOKEN).await;
    assert_eq!((dead.status, &dead.json()["error"]), (401, &json!("invalid_client")));
    ops.simulator.configure_fleet(|settings| settings.dead_api_token = DeadApiToken::InvalidGrant);
    let dead = exchange(&ops, credentials::FLEET_EXPIRED_API_TOKEN).await;
    assert_eq!((dead.status, &dead.json()["error"]), (400, &json!("invalid_grant")));
    let url = format!("{}/acs/t/CUSTOMER/token", ops.simulator.broker_url());
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let got = send("POST", &url, &form, "grant_type=password").await;
    assert_eq!((got.status, &got.json()["error"]), (400, &json!("unsupported_grant_type")));
}

#[tokio::test]
async fn broker_is_found_without_a_login() {
    let ops = Ops::new(FleetVersion::V9_1_0).await;
    let url = format!("{}/suite-api/api/auth/sources/vidb/well-known-url", ops.simulator.fleet_url());
    let well_known = send("GET", &url, &[], "").await.json()["url"].as_str().unwrap().to_owned();
    assert!(well_known.starts_with(&ops.simulator.broker_url()), "{well_known}");
    let configuration = send("GET", &well_known, &[], "").await.json();
    assert_eq!(configuration["token_endpoint"], format!("{}/acs/t/CUSTOMER/token", ops.simulator.broker_url()));
    ops.simulator.configure_fleet(|settings| settings.has_broker = false);
    assert_eq!(send("GET", &url, &[], "").await.status, 409);
}

#[tokio::test]
async fn rights_separate_reading_from_changing() {
    let mut ops = Ops::new(FleetVersion::V9_1_0).await;
    ops.token = log_in(&ops.simulator, credentials::FLEET_READER_USERNAME, credentials::FLEET_READER_PASSWORD).await;
    assert_eq!(ops.at("GET", "/ssorealms", "").await.status, 200);
    assert_eq!(ops.sync(idhook_simulator::seeds::FLEET_CORP).await.status, 403);
    ops.token = log_in(&ops.simulator, credentials::FLEET_PLAIN_USERNAME, credentials::FLEET_PLAIN_PASSWORD).await;
    assert_eq!(ops.at("GET", "/ssorealms", "").await.status, 403);
    let bearer = exchange(&ops, credentials::FLEET_PLAIN_API_TOKEN).await.json();
    ops.token = format!("Bearer {}", bearer["access_token"].as_str().unwrap());
    assert_eq!(ops.at("GET", "/ssorealms", "").await.status, 403);
}

#[tokio::test]
async fn versions_report_their_odd_numbers() {
    let ops = Ops::new(FleetVersion::V9_1_0).await;
    let url = format!("{}/suite-api/api/versions/current", ops.simulator.fleet_url());
    for (version, numbers) in
        [(FleetVersion::V9_0, [2, 0, 0]), (FleetVersion::V9_1_0, [9, 1, 0]), (FleetVersion::V9_1_1, [9, 1, 1])]
    {
        ops.switch(version);
        let body = send("GET", &url, &JSON, "").await.json();
        assert_eq!(
            [&body["major"], &body["minor"], &body["minorMinor"]],
            numbers.map(|number| json!(number)).each_ref()
        );
        let status = ops.at("GET", "/ssorealms", "").await.status;
        assert_eq!(status, if version == FleetVersion::V9_0 { 404 } else { 200 });
    }
    ops.simulator.configure_fleet(|settings| settings.open_version = false);
    let got = send("GET", &url, &JSON, "").await;
    assert!(got.status == 401 && got.body.contains("Not Authorized"), "{}", got.body);
    let headers = [("authorization", ops.token.as_str()), ("accept", "application/json")];
    assert_eq!(send("GET", &url, &headers, "").await.status, 200);
}

#[tokio::test]
async fn json_must_be_asked_for() {
    let ops = Ops::new(FleetVersion::V9_1_0).await;
    let body = json!({"username": credentials::FLEET_USERNAME, "password": credentials::FLEET_PASSWORD}).to_string();
    let url = format!("{}{ACQUIRE}", ops.simulator.fleet_url());
    let got = send("POST", &url, &JSON[..1], body.clone()).await;
    assert!(got.header("content-type") == "application/xml" && got.body.contains("<ops:token>"), "{}", got.body);
    assert_eq!(send("POST", &url, &JSON[1..], body).await.status, 415);
    let realms = format!("{}{IAM}/ssorealms", ops.simulator.fleet_url());
    let headers = [("authorization", ops.token.as_str())];
    assert_eq!(send("GET", &realms, &headers, "").await.status, 406);
    ops.simulator.configure_fleet(|settings| settings.strict_accept = false);
    assert_eq!(send("GET", &realms, &headers, "").await.status, 200);
    let status = format!("{}/suite-api/api/deployment/node/status", ops.simulator.fleet_url());
    assert_eq!(send("GET", &status, &JSON, "").await.json()["status"], "ONLINE");
}

#[tokio::test]
async fn faults_have_the_form_of_the_server() {
    let ops = Ops::new(FleetVersion::V9_1_0).await;
    ops.simulator.add_fault(Fault::new(FaultKind::ExpiredToken).on(Server::Fleet));
    assert_eq!(realms(&ops, &ops.token).await.json()["apiErrorCode"], 1512);
    ops.simulator.configure_fleet(|settings| settings.unauthorized = UnauthorizedForm::Html);
    ops.simulator.add_fault(Fault::new(FaultKind::ExpiredToken).on(Server::Fleet));
    let got = realms(&ops, &ops.token).await;
    assert!(got.status == 401 && got.header("content-type").starts_with("text/html"), "{}", got.body);
    ops.simulator.add_fault(Fault::new(FaultKind::ExpiredToken).on(Server::Broker));
    assert_eq!(exchange(&ops, credentials::FLEET_API_TOKEN).await.json()["error"], "invalid_client");
    ops.simulator.add_fault(Fault::new(FaultKind::Html { status: 503 }).on(Server::Fleet));
    let got = realms(&ops, &ops.token).await;
    assert!(got.status == 503 && got.body.contains("IETF//DTD HTML"), "{}", got.body);
    ops.simulator.expire_tokens();
    assert_eq!(realms(&ops, &ops.token).await.status, 401);
}

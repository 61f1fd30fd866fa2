use crate::client::send;
use crate::ops::Ops;
use idhook_simulator::{FleetVersion, seeds};
use serde_json::{Value, json};
use std::time::Duration;

const DAY: u64 = 86_400_000;

fn realm(path: &str) -> String {
    format!("/ssorealms/{}{path}", seeds::FLEET_REALM)
}

async fn post(ops: &Ops, path: &str, body: &Value) -> crate::client::Got {
    ops.at("POST", &realm(path), &body.to_string()).await
}

/// The Bearer token of an API token, if the broker gives one.
async fn exchange(ops: &Ops, api_token: &str) -> Option<String> {
    let url = format!("{}/acs/t/CUSTOMER/token", ops.simulator.broker_url());
    let grant = "urn%3Acustom%3Avcf%3Aparams%3Aoauth%3Agrant-type%3Aapi-token";
    let body = format!("grant_type={grant}&api_token={}", crate::client::encode(api_token));
    let got = send("POST", &url, &[("content-type", "application/x-www-form-urlencoded")], body).await;
    (got.status == 200).then(|| format!("Bearer {}", got.json()["access_token"].as_str().unwrap()))
}

#[tokio::test]
async fn client_role_and_token_lead_to_a_login() {
    let mut ops = Ops::new(FleetVersion::V9_1_0).await;
    let client = json!({"clientId": "ci", "clientName": "CI", "clientDescription": "for tests"});
    let got = post(&ops, "/api-clients", &client).await;
    assert_eq!(got.status, 201, "{}", got.body);
    assert_eq!(post(&ops, "/api-clients", &client).await.status, 409);
    let uuid = got.json()["clientUuid"].as_str().unwrap().to_owned();
    let body = json!({"apiClientId": "ci", "tokenName": "nightly", "tokenType": "API_CLIENT"});
    let got = post(&ops, "/api-tokens", &body).await;
    assert_eq!((got.status, &got.json()["apiTokenTtl"]), (201, &json!(43_200)));
    let token = got.json();
    let secret = token["token"].as_str().unwrap().to_owned();
    assert!(secret.ends_with(token["tokenLastChars"].as_str().unwrap()));
    assert_eq!(token["tokenEndpointUrl"], format!("{}/acs/t/CUSTOMER/token", ops.simulator.broker_url()));
    let bearer = exchange(&ops, &secret).await.unwrap();
    let session = std::mem::replace(&mut ops.token, bearer);
    assert_eq!(ops.at("GET", "/ssorealms", "").await.status, 403);
    ops.token = session;
    let roles =
        json!({"vcfRoleAssignments": [{"roleName": "vcf_administrator", "roleScope": {"scopeType": "SSO_REALM"}}]});
    let path = realm(&format!("/principals/{uuid}/roles"));
    assert_eq!(ops.at("PUT", &path, &roles.to_string()).await.status, 200);
    assert_eq!(ops.get(&path).await, roles);
    ops.token = exchange(&ops, &secret).await.unwrap();
    assert_eq!(ops.at("GET", "/ssorealms", "").await.status, 200);
    let path = realm(&format!("/api-tokens/{}", token["id"].as_str().unwrap()));
    let shown = ops.get(&path).await;
    assert!(shown.get("token").is_none() && shown["lastUsedDate"].is_u64(), "{shown}");
    let fresh = ops.at("POST", &format!("{path}/regenerate"), "").await.json();
    assert!(exchange(&ops, &secret).await.is_none());
    assert!(exchange(&ops, fresh["token"].as_str().unwrap()).await.is_some());
    assert_eq!(ops.at("DELETE", &path, "").await.status, 204);
    assert_eq!(ops.at("GET", &path, "").await.status, 404);
    assert!(exchange(&ops, fresh["token"].as_str().unwrap()).await.is_none());
}

#[tokio::test]
async fn tokens_are_queried_with_their_expiry() {
    let ops = Ops::new(FleetVersion::V9_1_0).await;
    let all = post(&ops, "/api-tokens/query?sortBy=EXPIRATION_DATE", &json!({})).await.json();
    let rows = all["apiTokens"].as_array().unwrap();
    assert_eq!(rows.iter().map(|row| &row["tokenStatus"]).collect::<Vec<_>>(), ["EXPIRED", "ACTIVE", "ACTIVE"]);
    let query = json!({
        "filters": {"tokenStatus": ["ACTIVE"]},
        "searchTerms": {"allOf": [{"field": "CLIENT_ID", "operator": "EQUALS", "terms": ["svc-idhook-client"]}]},
    });
    ops.simulator.expire_api_token_in(seeds::FLEET_API_TOKEN_ID, Duration::from_millis(5 * DAY)).unwrap();
    let found = post(&ops, "/api-tokens/query?page=0&pageSize=10", &query).await.json();
    let now = u64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap();
    let left = found["apiTokens"][0]["expirationDate"].as_u64().unwrap() - now;
    assert!((5 * DAY - 60_000..=5 * DAY).contains(&left), "{left}");
    let clients = post(&ops, "/api-clients/query", &json!({})).await.json();
    assert_eq!(clients["pageInfo"]["totalCount"], 2);
    let client = ops.get(&realm("/api-clients/svc-idhook-client")).await;
    assert_eq!(client["roles"][0]["roleName"], "vcf_administrator");
    let bad =
        json!({"searchTerms": {"allOf": [{"searchableField": "CLIENT_ID", "operator": "EQUALS", "terms": ["a"]}]}});
    assert_eq!(post(&ops, "/api-tokens/query", &bad).await.status, 400);
    for bad in [json!({"apiClientId": "nobody", "tokenName": "a"}), json!({"apiClientId": "plain-client"})] {
        let status = post(&ops, "/api-tokens", &bad).await.status;
        assert!(matches!(status, 400 | 404), "{bad}: {status}");
    }
    let short = json!({"apiClientId": "plain-client", "tokenName": "a", "apiTokenTtl": 60});
    assert_eq!(post(&ops, "/api-tokens", &short).await.status, 400);
}

//! SDDC Manager's operations.

use idhook_simulator::{Options as SimulatorOptions, SddcFront, SourceAdded, seeds};
use reqwest::Method;
use serde_json::{Value, json};
use xtask::artifact::Artifact;

use crate::scene::{Scene, Setting};

stories! {
    all:
    identity_sources_are_managed,
    identity_sources_over_https_and_with_the_newer_204,
    external_provider_is_added_and_deleted,
    faults_are_reported_before_any_call,
    cold_list_makes_two_calls_and_warm_one,
    the_operations_of_5_1_and_later,
    only_documented_routes_are_reachable_through_nginx,
}

const PROVIDERS: &str = "/vcf/default/v1/identity-providers";

pub(crate) fn source(domain: &str) -> Value {
    json!({
        "name": "research",
        "ldap": {
            "type": "ActiveDirectory", "domainName": domain, "domainAlias": "R",
            "username": "svc@research.example", "password": "p\"w",
            "sourceDetails": {
                "usersBaseDn": "OU=P", "groupsBaseDn": "OU=G", "certChain": [],
                "serverEndpoints": ["ldap://dc01.research.example"]
            }
        },
        "aFieldOfTomorrow": {"kept": true}
    })
}

pub(crate) fn adfs() -> Value {
    json!({
        "name": "My ADFS", "type": "AD_FS", "certChain": [],
        "ldap": {
            "domainName": "external-idp.com", "domainAlias": "external-idp", "username": "u@domain.com", "password": "x",
            "sourceDetails": {"usersBaseDn": "u", "groupsBaseDn": "g", "certChain": [], "serverEndpoints": ["ldap://dns01.domain.com"]}
        },
        "oidc": {"clientId": "id", "clientSecret": "s", "discoveryEndpoint": "https://domain.com/.well-known/openid-configuration"}
    })
}

fn domains(provider: &Value) -> Vec<String> {
    let sources = provider["identitySources"].as_array().unwrap();
    sources.iter().filter_map(|source| Some(source["domainNames"][0].as_str()?.to_owned())).collect()
}

/// SDDC Manager behind its nginx, with routes for all operations.
pub(crate) fn behind_nginx() -> SimulatorOptions {
    let mut options = SimulatorOptions::default();
    options.sddc.front = Some(SddcFront { routes_oidc: true });
    options
}

async fn behind(artifact: Artifact) -> Scene {
    Scene::with(Setting { simulator: behind_nginx(), ..Setting::of(artifact) }).await
}

async fn sources_come_and_go(scene: &Scene) {
    let listed = scene.get(PROVIDERS).await;
    assert_eq!(listed.status, 200, "{}", listed.text);
    let id = listed.json()["elements"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(id, seeds::EMBEDDED_PROVIDER);
    let sources = format!("{PROVIDERS}/{id}/identity-sources");

    let added = scene.post(&sources, &source("research.example").to_string()).await;
    assert_eq!(added.status, 201, "{}", added.text);
    assert_eq!(added.json()["domainName"], "research.example");
    let place = added.header("location").to_owned();
    assert_eq!(place, format!("{sources}/research.example"));
    let provider = scene.get(&format!("{PROVIDERS}/{id}")).await.json();
    assert!(domains(&provider).contains(&"research.example".to_owned()), "{provider}");
    assert!(!provider.to_string().contains("p\\\"w"), "a password is not given back");

    let twice = scene.post(&sources, &source("research.example").to_string()).await;
    assert_eq!(twice.status, 422, "{}", twice.text);
    let problem = twice.problem("upstream_rejected");
    assert!(problem["upstream"]["code"].is_string() && problem["upstream"]["reference"].is_string(), "{problem}");

    assert_eq!(scene.write(Method::PATCH, &place, &source("research.example").to_string()).await.status, 204);
    let deleted = scene.write(Method::DELETE, &place, "").await;
    assert_eq!((deleted.status.as_u16(), deleted.text.as_str()), (204, ""));
    assert_eq!(scene.write(Method::DELETE, &place, "").await.status, 404);
    let provider = scene.get(&format!("{PROVIDERS}/{id}")).await.json();
    assert!(!domains(&provider).contains(&"research.example".to_owned()));

    // Each change has a Content-Length, also without a body; servers reject an empty one in chunks.
    let calls = scene.simulator.calls();
    let changes: Vec<_> = calls.iter().filter(|call| call.method != "GET").collect();
    assert!(changes.iter().any(|call| call.method == "DELETE"));
    for call in changes {
        let length = call.content_length.as_deref().and_then(|length| length.parse().ok());
        assert_eq!((length, call.transfer_encoding.as_deref()), (Some(call.body_length), None), "{call:?}");
    }
}

async fn identity_sources_are_managed(artifact: Artifact) {
    sources_come_and_go(&behind(artifact).await).await;
}

async fn identity_sources_over_https_and_with_the_newer_204(artifact: Artifact) {
    let mut simulator = behind_nginx();
    simulator.sddc.source_added = SourceAdded::NoContent;
    sources_come_and_go(&Scene::with(Setting { tls: true, simulator, ..Setting::of(artifact) }).await).await;
}

async fn external_provider_is_added_and_deleted(artifact: Artifact) {
    let scene = behind(artifact).await;
    let added = scene.post(PROVIDERS, &adfs().to_string()).await;
    assert_eq!(added.status, 201, "{}", added.text);
    let id = added.json()["id"].as_str().unwrap().to_owned();
    let place = added.header("location").to_owned();
    assert_eq!(place, format!("{PROVIDERS}/{id}"));
    assert_eq!(scene.get(&place).await.json()["name"], "My ADFS");
    assert_eq!(scene.write(Method::PATCH, &place, &adfs().to_string()).await.status, 204);
    assert_eq!(scene.post(PROVIDERS, &adfs().to_string()).await.status, 422, "there can be only one");
    assert_eq!(scene.write(Method::DELETE, &place, "").await.status, 204);
    assert_eq!(scene.get(&place).await.status, 404);
}

async fn faults_are_reported_before_any_call(artifact: Artifact) {
    let scene = behind(artifact).await;
    let mut spec = source("research.example");
    spec["name"] = json!(" ");
    spec["ldap"]["password"] = Value::Null;
    spec["ldap"]["sourceDetails"]["serverEndpoints"] = json!(["ldaps://dc01", "http://dc02"]);
    let refused = scene.post(&format!("{PROVIDERS}/x/identity-sources"), &spec.to_string()).await;
    let problem = refused.problem("request_invalid");
    let pointers: Vec<_> =
        problem["errors"].as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap()).collect();
    for pointer in ["/name", "/ldap/password", "/ldap/sourceDetails/certChain", "/ldap/sourceDetails/serverEndpoints/1"]
    {
        assert!(pointers.contains(&pointer), "{pointer} in {problem}");
    }
    assert_eq!(scene.asked(), [""; 0]);

    let wrong = scene.post(PROVIDERS, r#"{"name":"n","type":"t","ldap":{"domainName":{"of":"hunter2"}}}"#).await;
    let problem = wrong.problem("request_invalid");
    assert_eq!(problem["errors"][0]["pointer"], "/ldap/domainName", "{problem}");
    assert!(!wrong.text.contains("hunter2"));
}

async fn cold_list_makes_two_calls_and_warm_one(artifact: Artifact) {
    let scene = behind(artifact).await;
    scene.get(PROVIDERS).await;
    assert_eq!(scene.asked(), ["POST /v1/tokens", "GET /v1/identity-providers"]);
    scene.get(PROVIDERS).await;
    if !scene.remembers() {
        assert_eq!(scene.asked(), ["POST /v1/tokens", "GET /v1/identity-providers"], "nothing was remembered");
        return;
    }
    assert_eq!(scene.asked(), ["GET /v1/identity-providers"]);

    // An invalidated token costs one rejected call, a login and a replay.
    scene.simulator.expire_tokens();
    assert_eq!(scene.get(PROVIDERS).await.status, 200);
    // The former refresh token is revoked beside the replay.
    let mut asked = scene.asked();
    asked.retain(|call| call != "DELETE /v1/tokens/refresh-token");
    assert_eq!(asked, ["GET /v1/identity-providers", "POST /v1/tokens", "GET /v1/identity-providers"]);
}

async fn the_operations_of_5_1_and_later(artifact: Artifact) {
    let scene = Scene::with(Setting {
        simulator: SimulatorOptions { external_provider: true, ..behind_nginx() },
        ..Setting::of(artifact)
    })
    .await;
    let oidc = scene.get("/vcf/default/v1/identity-broker/sddc-manager-oidc").await;
    assert_eq!(oidc.status, 200, "{}", oidc.text);
    assert!(oidc.json()["oidcClientId"].is_string());
    let checks = scene.get("/vcf/default/v1/identity-broker/prechecks").await;
    assert_eq!(checks.status, 200, "{}", checks.text);
    scene.post(&format!("{PROVIDERS}/x/sync-client?syncClientTokenTTL=soon"), "").await.problem("request_invalid");
}

async fn only_documented_routes_are_reachable_through_nginx(artifact: Artifact) {
    let scene = behind(artifact).await;
    scene.get(PROVIDERS).await;
    scene.simulator.clear_calls();
    // The client itself resolves dots.
    let hostile = [
        "..%2Fcredentials",
        "%2e%2e%2fcredentials",
        "..%252Fcredentials",
        "..%2Fhosts%2Fh1",
        "x%2F..%2F..%2Fcredentials",
        "..%5Ccredentials",
        "a%2Fb",
        "a%3Fb=c",
        "x%0Ay",
        "x%0D%0Ay",
        "a%23b",
        "%00",
        "%20",
        "m%C3%BCller.example",
        "a.css",
        "A.JS",
        "a%25b",
        "a%3Bb",
        "%EF%BC%8F",
        "%E2%80%A5",
    ];
    for text in hostile {
        let (one, source) = (
            format!("{PROVIDERS}/{text}"),
            format!("{PROVIDERS}/{}/identity-sources/{text}", seeds::EMBEDDED_PROVIDER),
        );
        let spec = source_spec();
        for (method, path, body) in [
            (Method::GET, one.clone(), ""),
            (Method::DELETE, one.clone(), ""),
            (Method::PATCH, one.clone(), spec.as_str()),
            (Method::POST, format!("{one}/sync-client"), ""),
            (Method::POST, format!("{one}/identity-sources"), spec.as_str()),
            (Method::DELETE, source.clone(), ""),
            (Method::PUT, source.clone(), spec.as_str()),
        ] {
            let answer = scene.write(method.clone(), &path, body).await;
            assert!(!answer.text.contains("planted-estate-password"), "{method} {path}: {}", answer.text);
            assert!(answer.status.is_client_error(), "{method} {path}: {}", answer.text);
        }
    }
    let calls = scene.simulator.calls();
    assert!(calls.is_empty(), "{calls:?}");
}

fn source_spec() -> String {
    source("research.example").to_string()
}

//! SDDC Manager of each version: its calls, statuses and forms, and that 5.2 and 9.1 keep the vendor's documents.

use crate::client::{Got, send};
use crate::sddc_tokens::pair;
use idhook_simulator::{Options, SddcSettings, SddcVersion, Simulator, contract, credentials, seeds};
use serde_json::{Value, json};

const JSON: (&str, &str) = ("content-type", "application/json");

struct Server {
    simulator: Simulator,
    authorization: String,
}

impl Server {
    async fn start(version: SddcVersion) -> Self {
        let options = Options { sddc: SddcSettings::of(version), ..Options::default() };
        let simulator = Simulator::start(options).await.unwrap();
        simulator.record_bodies();
        let (authorization, _) = pair(&simulator).await;
        Self { simulator, authorization }
    }

    async fn ask(&self, method: &str, path: &str, body: &str) -> Got {
        let headers = [JSON, ("authorization", self.authorization.as_str())];
        let headers = if body.is_empty() { &headers[1..] } else { &headers[..] };
        send(method, &format!("{}{path}", self.simulator.sddc_url()), headers, body.to_owned()).await
    }
}

fn ldap(domain: &str) -> Value {
    json!({
        "type": "ActiveDirectory", "domainName": domain, "domainAlias": "A", "username": "svc@corp.example", "password": "p",
        "sourceDetails": {"usersBaseDn": "OU=U", "groupsBaseDn": "OU=G", "serverEndpoints": ["ldap://dc.corp.example"]},
    })
}

fn adfs() -> Value {
    let oidc = json!({"clientId": "c", "clientSecret": "s", "discoveryEndpoint": "https://idp.example/.well-known/openid-configuration"});
    json!({"name": "n", "type": "AD_FS", "ldap": ldap("corp.example"), "oidc": oidc})
}

/// All operations in order: their names and the statuses.
async fn operations(server: &Server) -> Vec<(&'static str, u16)> {
    let mut seen = Vec::new();
    let mut see = |name, got: &Got| seen.push((name, got.status));
    let providers = "/v1/identity-providers";
    let sources = format!("{providers}/{}/identity-sources", seeds::EMBEDDED_PROVIDER);
    see("list", &server.ask("GET", providers, "").await);
    let source = json!({"name": "s", "ldap": ldap("corp.example")}).to_string();
    see("add source", &server.ask("POST", &sources, &source).await);
    see("update source", &server.ask("PATCH", &format!("{sources}/corp.example"), &source).await);
    see("remove source", &server.ask("DELETE", &format!("{sources}/corp.example"), "").await);
    let added = server.ask("POST", providers, &adfs().to_string()).await;
    see("add", &added);
    let one = format!("{providers}/{}", added.body.trim_matches('"'));
    see("get", &server.ask("GET", &one, "").await);
    see("update", &server.ask("PATCH", &one, &adfs().to_string()).await);
    see("sync-client", &server.ask("POST", &format!("{one}/sync-client"), "").await);
    see("prechecks", &server.ask("GET", "/v1/identity-broker/prechecks", "").await);
    see("oidc", &server.ask("GET", "/v1/identity-broker/sddc-manager-oidc", "").await);
    see("remove", &server.ask("DELETE", &one, "").await);
    see("wsas", &server.ask("GET", "/v1/wsas", "").await);
    seen
}

#[tokio::test]
async fn version_decides_calls_and_statuses() {
    for (version, source, broker, wsas) in
        [(SddcVersion::V5_0, 201, 404, 200), (SddcVersion::V5_2, 204, 200, 200), (SddcVersion::V9_1, 204, 200, 404)]
    {
        let server = Server::start(version).await;
        let expected = [
            ("list", 200),
            ("add source", source),
            ("update source", 204),
            ("remove source", 204),
            ("add", 201),
            ("get", 200),
            ("update", 204),
            // The provider is not federated.
            ("sync-client", 404),
            ("prechecks", broker),
            ("oidc", broker),
            ("remove", 204),
            ("wsas", wsas),
        ];
        assert_eq!(operations(&server).await, expected, "{version:?}");
        let exchanges = server.simulator.exchanges();
        assert_eq!(contract::violations(&exchanges), [""; 0], "{version:?}");
        let compared = exchanges.iter().filter(|exchange| contract::operation_id(exchange).is_some()).count();
        assert_eq!(
            compared,
            if version == SddcVersion::V5_0 { 0 } else { 12 },
            "{version:?}: the login, and all but wsas"
        );
    }
}

#[tokio::test]
async fn version_decides_forms_of_texts() {
    for (version, status, quoted) in
        [(SddcVersion::V5_0, 200, false), (SddcVersion::V5_2, 201, true), (SddcVersion::V9_1, 201, true)]
    {
        let server = Server::start(version).await;
        let login = json!({"username": credentials::SDDC_USERNAME, "password": credentials::SDDC_PASSWORD}).to_string();
        let got = send("POST", &format!("{}/v1/tokens", server.simulator.sddc_url()), &[JSON], login).await;
        assert_eq!(got.status, status, "{version:?}");
        let id = got.json()["refreshToken"]["id"].as_str().unwrap().to_owned();
        for (body, is_accepted) in [(id.clone(), !quoted), (format!("\"{id}\""), quoted)] {
            let url = format!("{}/v1/tokens/access-token/refresh", server.simulator.sddc_url());
            let got = send("PATCH", &url, &[JSON], body).await;
            assert_eq!(got.status == 200, is_accepted, "{version:?}: {}", got.body);
            assert!(!is_accepted || got.body.starts_with('"') == quoted, "{version:?}: {}", got.body);
        }
        let got = server.ask("GET", "/v1/sddc-managers", "").await;
        let expected = ["5.0.0.0-", "5.2.1.0-", "9.1.0.0-"][version as usize];
        assert!(got.json()["elements"][0]["version"].as_str().unwrap().starts_with(expected), "{}", got.body);
    }
}

#[tokio::test]
async fn federation_is_unknown_before_5_1() {
    let spec = json!({"name": "n", "type": "Okta", "fedIdpSpec": {}}).to_string();
    for (version, words) in [(SddcVersion::V5_0, "fedIdpSpec: is unknown"), (SddcVersion::V5_2, "fedIdpSpec.")] {
        let server = Server::start(version).await;
        let got = server.ask("POST", "/v1/identity-providers", &spec).await;
        assert!(got.status == 400 && got.body.contains(words), "{version:?}: {}", got.body);
    }
}

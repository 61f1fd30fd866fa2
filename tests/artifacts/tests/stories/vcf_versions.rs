//! The main operations against SDDC Managers of several versions: the same results, however each version answers. Every call
//! keeps the vendor's OpenAPI document of 5.2.1 and 9.1.0, which the scene compares at its end.

use idhook_simulator::{Options as SimulatorOptions, SddcFront, SddcSettings, SddcVersion, seeds};
use reqwest::Method;
use serde_json::{Value, json};
use xtask::artifact::Artifact;

use crate::scene::{Scene, Setting};
use crate::vcf;

stories! {
    in_spin:
    operations_are_the_same_with_each_version,
}

const PROVIDERS: &str = "/vcf/default/v1/identity-providers";
const PRECHECKS: &str = "/vcf/default/v1/identity-broker/prechecks";
const OIDC: &str = "/vcf/default/v1/identity-broker/sddc-manager-oidc";
const DOCTOR: &str = "/vcf/default/v1/doctor";

fn source(alias: &str) -> Value {
    json!({
        "name": "research",
        "ldap": {
            "type": "ActiveDirectory", "domainName": "research.example", "domainAlias": alias,
            "username": "svc@research.example", "password": "p\"w",
            "sourceDetails": {
                "usersBaseDn": "OU=P", "groupsBaseDn": "OU=G", "certChain": [],
                "serverEndpoints": ["ldap://dc01.research.example"]
            }
        }
    })
}

/// An external provider with all fields that the vendor's schema requires.
fn adfs() -> Value {
    let mut spec = vcf::adfs();
    spec["ldap"]["type"] = json!("ActiveDirectory");
    spec
}

/// A row: a call and its result in each version, as a status or the code of a problem.
type Row = (Method, String, String, [&'static str; 3]);

fn rows(provider: &str) -> Vec<Row> {
    let sources = format!("{PROVIDERS}/{}/identity-sources", seeds::EMBEDDED_PROVIDER);
    let one = format!("{sources}/research.example");
    let external = format!("{PROVIDERS}/{provider}");
    let row = |method, path: &str, body: &str, results| (method, path.to_owned(), body.to_owned(), results);
    let same = |result| [result; 3];
    vec![
        row(Method::GET, PROVIDERS, "", same("200")),
        row(Method::PUT, &one, &source("R").to_string(), same("201 created")),
        row(Method::PUT, &one, &source("R").to_string(), same("200 unchanged")),
        row(Method::PUT, &one, &source("S").to_string(), same("200 updated")),
        row(Method::PATCH, &one, &source("T").to_string(), same("204")),
        row(Method::DELETE, &one, "", same("204")),
        row(Method::PATCH, &external, &adfs().to_string(), same("204")),
        // Unknown before the doctor has read the version: SDDC Manager rejects it.
        row(Method::GET, PRECHECKS, "", ["upstream_invalid", "200", "200"]),
        row(Method::GET, OIDC, "", ["upstream_invalid", "200", "200"]),
        row(Method::GET, DOCTOR, "", same("200")),
        row(Method::GET, PRECHECKS, "", ["not_supported", "200", "200"]),
        row(Method::GET, OIDC, "", ["not_supported", "200", "200"]),
        row(Method::DELETE, &external, "", same("204")),
    ]
}

async fn operations_are_the_same_with_each_version(artifact: Artifact) {
    let versions = [SddcVersion::V5_0, SddcVersion::V5_2, SddcVersion::V9_1];
    for (at, version) in versions.into_iter().enumerate() {
        let mut simulator = SimulatorOptions { sddc: SddcSettings::of(version), ..SimulatorOptions::default() };
        simulator.sddc.front = Some(SddcFront { routes_oidc: true });
        let scene = Scene::with(Setting { simulator, ..Setting::of(artifact) }).await;
        let added = scene.post(PROVIDERS, &adfs().to_string()).await;
        assert_eq!(added.status, 201, "{version:?}: {}", added.text);
        let id = added.json()["id"].as_str().unwrap().to_owned();
        for (method, path, body, expected) in rows(&id) {
            let call = format!("{version:?}: {method} {path}");
            let answer =
                if method == Method::GET { scene.get(&path).await } else { scene.write(method, &path, &body).await };
            let document = if answer.text.is_empty() { Value::Null } else { answer.json() };
            let result = match (document["code"].as_str(), document["outcome"].as_str()) {
                (Some(code), _) => code.to_owned(),
                (None, Some(outcome)) => format!("{} {outcome}", answer.status.as_u16()),
                (None, None) => answer.status.as_u16().to_string(),
            };
            // An instance that is made for each request does not know the version.
            let expected = match expected[at] {
                "not_supported" if !artifact.keeps_instances() => "upstream_invalid",
                expected => expected,
            };
            assert_eq!(result, expected, "{call}: {}", answer.text);
        }
        // A renewal in the form that the version accepts, then with the token of its answer.
        scene.simulator.configure_sddc(|settings| settings.access_lifetime = std::time::Duration::from_secs(30));
        scene.simulator.expire_tokens();
        for _ in 0..2 {
            assert_eq!(scene.get(PROVIDERS).await.status, 200, "{version:?}");
        }
        let doctor = scene.get(DOCTOR).await.json();
        let told = |name: &str| {
            let checks = doctor["checks"].as_array().unwrap();
            checks.iter().find(|check| check["check"] == name).unwrap()["result"].as_str().unwrap().to_owned()
        };
        let expected = [("ok", "ok"), ("ok", "ok"), ("warning", "skipped")][at];
        assert_eq!(
            (told("version").as_str(), told("workspace_one_access").as_str()),
            expected,
            "{version:?}: {doctor}"
        );
    }
}

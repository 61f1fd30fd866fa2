//! The doctor, without faults and with several.

use std::time::Duration;

use idhook_simulator::{Fault, Options as SimulatorOptions, StatusShape, credentials, seeds};
use serde_json::Value;
use xtask::artifact::Artifact;

use crate::scene::{FleetLogin, Scene, Setting};

stories! {
    all:
    healthy_targets_pass_over_https,
    connection_failures_are_diagnosed,
    login_failures_are_diagnosed,
    degraded_vidm_is_diagnosed,
    expiring_api_token_is_diagnosed,
    echoed_secrets_are_removed,
}

stories! {
    in_one_instance:
    stale_directory_is_diagnosed,
}

const VIDM: &str = "/vidm/default/v1/doctor";
const VCF: &str = "/vcf/default/v1/doctor";
const FLEET: &str = "/fleet/default/v1/doctor";

async fn examined(scene: &Scene, path: &str) -> Value {
    let answer = scene.get(path).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    for secret in ["planted-", "eyJ", credentials::VIDM_PASSWORD, credentials::SDDC_PASSWORD] {
        assert!(!answer.text.contains(secret), "{secret}: {}", answer.text);
    }
    answer.json()
}

/// The names of the checks of each result.
fn of(told: &Value, result: &str) -> Vec<String> {
    let checks = told["checks"].as_array().unwrap().iter().filter(|check| check["result"] == result);
    checks.map(|check| check["check"].as_str().unwrap().to_owned()).collect()
}

/// Detail and hint of a check.
fn says(told: &Value, name: &str) -> String {
    let check = told["checks"].as_array().unwrap().iter().find(|check| check["check"] == name).unwrap();
    format!("{} {}", check["detail"].as_str().unwrap(), check["hint"].as_str().unwrap_or_default())
}

async fn healthy_targets_pass_over_https(artifact: Artifact) {
    let simulator = SimulatorOptions { external_provider: true, ..SimulatorOptions::default() };
    let scene = Scene::with(Setting { tls: true, simulator, ..Setting::of(artifact) }).await;
    let told = examined(&scene, VIDM).await;
    // If the scene sets no state_key, `configuration` is a warning.
    let ok = if of(&told, "warning").is_empty() { 10 } else { 9 };
    assert_eq!((&told["ok"], of(&told, "ok").len()), (&Value::Bool(true), ok), "{told}");
    assert!(says(&told, "directories").contains(seeds::CORP_NAME), "{told}");
    let told = examined(&scene, VCF).await;
    assert_eq!((&told["ok"], of(&told, "skipped")), (&Value::Bool(true), vec!["scim_token".to_owned()]), "{told}");
    assert!(says(&told, "embedded_provider").contains(seeds::LDAPS_SOURCE_DOMAIN), "{told}");
    assert!(says(&told, "external_provider").contains(seeds::EXTERNAL_PROVIDER), "{told}");
    assert!(says(&told, "certificates").contains(seeds::LDAPS_SOURCE_DOMAIN), "{told}");
    assert_eq!(says(&told, "version").trim(), "SDDC Manager 5.2.1.0-24307856");
    assert!(
        says(&told, "workspace_one_access")
            .contains("https://vidm.corp.example (3.3.7.0-21173100, ACTIVE), not configured"),
        "{told}"
    );
    // It only reads.
    for call in scene.asked() {
        assert!(call.starts_with("GET ") || call.ends_with("/login") || call.ends_with("/tokens"), "{call}");
    }
    let line = scene.log().pop().unwrap();
    assert_eq!((&line["route"], line["calls"].as_array().unwrap().len()), (&Value::from("/vcf/{target}/v1/doctor"), 4));
}

async fn stale_directory_is_diagnosed(artifact: Artifact) {
    let scene = Scene::with(Setting::with_fleet(artifact)).await;
    let told = examined(&scene, FLEET).await;
    assert_eq!(told["ok"], true, "{told}");
    let told = examined(&scene, &format!("{FLEET}?staleAfter=8d")).await;
    assert_eq!((&told["ok"], of(&told, "failed")), (&Value::Bool(false), vec!["freshness".to_owned()]), "{told}");
    assert!(says(&told, "freshness").contains("no successful sync within 8days: "), "{told}");
}

/// Such a token lives for 30 to 180 days, and every sync ends with it.
async fn expiring_api_token_is_diagnosed(artifact: Artifact) {
    let scene = Scene::with(Setting { fleet: Some(FleetLogin::ApiToken), ..Setting::of(artifact) }).await;
    let days = |count: u64| Duration::from_hours(24 * count + 1);
    scene.simulator.expire_api_token_in(seeds::FLEET_API_TOKEN_ID, days(90)).unwrap();
    let healthy = examined(&scene, FLEET).await;
    assert!(of(&healthy, "ok").contains(&"api_token".to_owned()), "{healthy}");
    scene.simulator.expire_api_token_in(seeds::FLEET_API_TOKEN_ID, days(12)).unwrap();
    let ending = examined(&scene, FLEET).await;
    assert!(of(&ending, "warning").contains(&"api_token".to_owned()), "{ending}");
    assert!(says(&ending, "api_token").contains("expires in 12 days"), "{ending}");
}

async fn connection_failures_are_diagnosed(artifact: Artifact) {
    let targets = r#"{"vidm":{"lab":{"url":"http://127.0.0.1:9","username":"u","password":"planted"}}}"#;
    let variables = vec![("targets", targets.to_owned()), ("vidm_url", "https://vidm.invalid".to_owned())];
    let scene = Scene::with(Setting { tls: true, trusted: false, variables, ..Setting::of(artifact) }).await;
    let not_granted = if artifact.manifest().is_some() { "allowed_outbound_hosts" } else { "no connection" };
    for (path, check, words) in [
        (VIDM, "reach", "does not resolve"),
        ("/vidm/lab/v1/doctor", "reach", not_granted),
        (VCF, "tls", "ca_roots_file"),
    ] {
        let told = examined(&scene, path).await;
        assert_eq!((&told["ok"], of(&told, "failed")), (&Value::Bool(false), vec![check.to_owned()]), "{told}");
        assert!(says(&told, check).contains(words), "{told}");
        assert!(!of(&told, "skipped").is_empty());
    }
    let down = Setting { variables: vec![("vidm_url", "http://127.0.0.1:9".to_owned())], ..Setting::of(artifact) };
    let told = examined(&Scene::with(down).await, VIDM).await;
    assert!(says(&told, "reach").contains("no connection") && says(&told, "reach").contains("firewall"), "{told}");
}

async fn login_failures_are_diagnosed(artifact: Artifact) {
    let with = async |variables: &[(&'static str, &str)], path: &str| {
        let variables = variables.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        examined(&Scene::with(Setting { variables, ..Setting::of(artifact) }).await, path).await
    };
    let told = with(&[("vidm_password", "planted-wrong")], VIDM).await;
    assert_eq!(of(&told, "failed"), ["login"], "{told}");
    assert!(says(&told, "login").contains("System Domain"), "{told}");
    let told = with(&[("vcf_password", "planted-wrong")], VCF).await;
    assert_eq!(of(&told, "failed"), ["login"], "{told}");
    let account =
        [("vidm_username", credentials::VIDM_PLAIN_USERNAME), ("vidm_password", credentials::VIDM_PLAIN_PASSWORD)];
    let told = with(&account, VIDM).await;
    assert!(of(&told, "failed").contains(&"permission".to_owned()), "{told}");
    // The media types of Omnissa Access, for a vIDM that knows only the vendor's.
    let told = with(&[("vidm_profile", "json")], VIDM).await;
    assert!(of(&told, "failed").contains(&"media_types".to_owned()), "{told}");
    assert!(says(&told, "media_types").contains("vidm_profile"), "{told}");
}

async fn degraded_vidm_is_diagnosed(artifact: Artifact) {
    let mut simulator = SimulatorOptions::default();
    simulator.vidm.healthy = false;
    simulator.vidm.status_shape = StatusShape::Word("PERCOLATING".to_owned());
    let scene = Scene::with(Setting { simulator, ..Setting::of(artifact) }).await;
    scene.post(&format!("/vidm/default/v1/directories/{}/syncs", seeds::CORP), "").await;
    let told = examined(&scene, VIDM).await;
    assert_eq!(of(&told, "failed"), ["health"], "{told}");
    assert!(of(&told, "warning").contains(&"sync_state".to_owned()), "{told}");
    assert!(says(&told, "sync_state").contains("PERCOLATING"), "{told}");
}

async fn echoed_secrets_are_removed(artifact: Artifact) {
    let password = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    let (vidm, sddc) = (password(credentials::VIDM_PASSWORD), password(credentials::SDDC_PASSWORD));
    let echo = format!(r#"{{"errors":[{{"code":"bad","message":"{vidm}"}}],"message":"{sddc}","errorCode":"E"}}"#);
    for status in [400, 401, 500] {
        let scene = Scene::of(artifact).await;
        scene.simulator.add_fault(Fault::answer(status, "application/json", &echo).always());
        for path in [VIDM, VCF] {
            assert_eq!(examined(&scene, path).await["ok"], false);
        }
    }
}

//! The OpenAPI document is correct: every response in any story is compared with it, and this story produces each
//! operation's successful responses.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::Duration;

use idhook_simulator::{Fault, FaultKind, Options as SimulatorOptions, Outcome, SyncDuration, seeds};
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use xtask::artifact::Artifact;

use crate::fleet_providers::ad;
use crate::scene::{Answer, Scene, Setting, send};

stories! {
    all:
    both_documents_are_served,
    every_operation_returns_each_successful_response,
}

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| idhook_openapi::document().unwrap());

/// Headers that may occur only if they are documented.
const DOCUMENTED: [&str; 8] = [
    "location",
    "retry-after",
    "preference-applied",
    "www-authenticate",
    "etag",
    "allow",
    "x-request-id",
    "idempotency-status",
];

/// The document's entry for `path`; the most specific one if several match.
fn item(path: &str) -> Option<(&'static str, &'static Value)> {
    let path = path.split('?').next().unwrap();
    let segments: Vec<_> = path.strip_suffix('/').filter(|rest| !rest.is_empty()).unwrap_or(path).split('/').collect();
    let fits = |template: &str| {
        let template: Vec<_> = template.split('/').collect();
        template.len() == segments.len()
            && template
                .iter()
                .zip(&segments)
                .all(|(wanted, segment)| wanted == segment || (wanted.starts_with('{') && !segment.is_empty()))
    };
    let all = DOCUMENT["paths"].as_object().unwrap().iter();
    all.filter(|(template, _)| fits(template))
        .min_by_key(|(template, _)| template.matches('{').count())
        .map(|(template, item)| (template.as_str(), item))
}

fn resolved(value: &'static Value) -> &'static Value {
    match value["$ref"].as_str() {
        Some(target) => DOCUMENT.pointer(target.trim_start_matches('#')).unwrap(),
        None => value,
    }
}

/// Compares a response with the document. Returns the operation, if there is one.
#[track_caller]
pub(crate) fn holds(
    method: &Method,
    path: &str,
    status: StatusCode,
    headers: &HeaderMap,
    text: &str,
) -> Option<&'static str> {
    let what = format!("{method} {path} gave {status}: {text}");
    let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap());
    let Some((_, item)) = item(path) else {
        assert_eq!(status, 404, "not in the document: {what}");
        return None;
    };
    let asked = if method == Method::HEAD { "get" } else { &method.as_str().to_ascii_lowercase() };
    let Some(operation) = item.get(asked) else {
        assert!(header("allow").is_some_and(|allow| allow.ends_with("OPTIONS")), "{what}");
        assert_eq!(status, if method == Method::OPTIONS { 204 } else { 405 }, "not in the document: {what}");
        return None;
    };
    let response = operation["responses"].get(status.as_str()).unwrap_or_else(|| panic!("not in the document: {what}"));
    let response = resolved(response);
    let documented = response["headers"].as_object().unwrap();
    for name in DOCUMENTED.iter().filter(|name| headers.contains_key(**name)) {
        let known = documented.keys().any(|known| known.eq_ignore_ascii_case(name));
        assert!(known, "the header {name} is not in the document: {what}");
    }
    for (name, header) in documented {
        let required = resolved(header)["required"].as_bool().unwrap_or(false);
        assert!(!required || headers.contains_key(name.as_str()), "{name} is missing: {what}");
    }
    match response.get("content").and_then(Value::as_object) {
        None => assert!(text.is_empty() && header("content-type").is_none(), "it has a body: {what}"),
        Some(content) => {
            let kind = header("content-type").unwrap_or_default();
            let media = content
                .get(kind.split(';').next().unwrap())
                .unwrap_or_else(|| panic!("{kind} is not in the document: {what}"));
            if method != Method::HEAD && kind.ends_with("json") {
                let body: Value = serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {what}"));
                // References in the schema point to the document's components.
                let schema = json!({ "components": DOCUMENT["components"], "allOf": [media["schema"]] });
                let schema = jsonschema::validator_for(&schema).unwrap();
                let faults: Vec<_> =
                    schema.iter_errors(&body).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
                assert!(faults.is_empty(), "{faults:#?}\n{what}");
            }
        }
    }
    operation["operationId"].as_str()
}

async fn both_documents_are_served(artifact: Artifact) {
    let scene = Scene::of(artifact).await;
    for (path, (file, text)) in ["/openapi.json", "/openapi-3.0.json"].into_iter().zip(idhook_openapi::files().unwrap())
    {
        let answer = send(scene.request(Method::GET, path)).await;
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/json"));
        assert_eq!(answer.header("cache-control"), "public, max-age=300");
        assert_eq!(answer.json(), serde_json::from_str::<Value>(&text).unwrap(), "{}", file.display());
        let etag = answer.header("etag").to_owned();
        let again = send(scene.request(Method::GET, path).header("if-none-match", &etag)).await;
        assert_eq!((again.status.as_u16(), again.text.as_str(), again.header("etag")), (304, "", etag.as_str()));
        assert_eq!(again.header("content-length"), "", "it would be the document's (RFC 9110, section 8.6)");
        let head = send(scene.request(Method::HEAD, path)).await;
        assert_eq!((head.status.as_u16(), head.text.as_str()), (200, ""));
    }
}

/// The parts of the document seen so far.
struct Seen<'s> {
    scene: &'s Scene,
    operations: BTreeSet<(String, u16)>,
}

impl Seen<'_> {
    async fn ask(&mut self, method: Method, path: &str, status: u16, body: &str) -> Answer {
        self.ask_with(method, path, status, body, &[]).await
    }

    async fn ask_with(
        &mut self,
        method: Method,
        path: &str,
        status: u16,
        body: &str,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = self.scene.request(method.clone(), path).bearer_auth(&self.scene.keys.all);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = send(request.body(body.to_owned())).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text);
        let (_, item) = item(path).unwrap();
        let id = item[method.as_str().to_ascii_lowercase()]["operationId"].as_str().unwrap();
        self.operations.insert((id.to_owned(), status));
        answer
    }
}

async fn every_operation_returns_each_successful_response(artifact: Artifact) {
    let simulator = SimulatorOptions { external_provider: true, ..SimulatorOptions::default() };
    let hook = json!({
        "name": "corp", "senders": ["all"], "directory": seeds::CORP_NAME, "on": [{"pointer": "/ref", "equals": "main"}]
    });
    let variables = vec![("hooks", json!([hook]).to_string())];
    let scene = Scene::with(Setting { simulator, variables, ..Setting::with_fleet(artifact) }).await;
    scene.simulator.configure_vidm(|vidm| vidm.dry_run = Some(json!({ "usersAdded": 3 })));
    let mut seen = Seen { scene: &scene, operations: BTreeSet::new() };
    idhook(&mut seen).await;
    vidm(&mut seen).await;
    vcf(&mut seen).await;
    fleet(&mut seen).await;

    let mut missing = Vec::new();
    // Without a store no syncs are listed.
    let is_possible = |id: &str| artifact.has_store() || !id.starts_with("advance");
    for item in DOCUMENT["paths"].as_object().unwrap().values() {
        for operation in item.as_object().unwrap().values().filter(|value| value.is_object()) {
            let id = operation["operationId"].as_str().unwrap();
            let statuses =
                operation["responses"].as_object().unwrap().keys().map(|status| status.parse::<u16>().unwrap());
            missing.extend(
                statuses
                    .filter(|status| {
                        *status < 400 && is_possible(id) && !seen.operations.contains(&(id.to_owned(), *status))
                    })
                    .map(|status| (id, status)),
            );
        }
    }
    assert!(missing.is_empty(), "the document promises what was not seen: {missing:?}");
}

async fn idhook(seen: &mut Seen<'_>) {
    for path in ["/healthz", "/readyz", "/metrics"] {
        seen.ask(Method::GET, path, 200, "").await;
    }
    for path in ["/", "/openapi.json", "/openapi-3.0.json"] {
        seen.ask(Method::GET, path, 200, "").await;
        seen.ask_with(Method::GET, path, 304, "", &[("if-none-match", "*")]).await;
    }
}

/// A directory with the name and the groups of [`seeds::CORP`], whose syncs are started, watched and listed.
struct Synced {
    /// The target's routes.
    target: &'static str,
    id: &'static str,
}

impl Synced {
    fn set_duration(&self, scene: &Scene, duration: SyncDuration) {
        match self.target {
            VIDM => scene.simulator.set_sync_duration(duration),
            _ => scene.simulator.configure_fleet(|fleet| fleet.sync_duration = duration),
        }
    }

    fn end(&self, scene: &Scene) {
        match self.target {
            VIDM => scene.simulator.finish_sync(self.id, Outcome::Completed).unwrap(),
            _ => scene.simulator.finish_fleet_sync(self.id, Outcome::Completed).unwrap(),
        }
    }
}

const VIDM: &str = "/vidm/default/v1";
const FLEET: &str = "/fleet/default/v1";
const SHORT: SyncDuration = SyncDuration::Fixed(Duration::from_millis(100));

/// The routes that vIDM and VCF Operations have in common.
async fn syncs(seen: &mut Seen<'_>, synced: &Synced) {
    synced.set_duration(seen.scene, SHORT);
    let directories = format!("{}/directories", synced.target);
    seen.ask(Method::GET, &directories, 200, "").await;
    let one = format!("{directories}/{}", synced.id);
    seen.ask(Method::GET, &one, 200, "").await;
    let (named, body) = (format!("{}/syncs", synced.target), json!({"directory": seeds::CORP_NAME}).to_string());
    seen.ask(Method::POST, &named, 202, &body).await;
    seen.ask_with(Method::POST, &named, 200, &body, &[("prefer", "wait=20")]).await;
    let syncs = format!("{one}/syncs");
    let groups = json!({"groups": [seeds::PRESENT_GROUP_NAME]}).to_string();
    let started = seen.ask(Method::POST, &syncs, 202, &groups).await;
    let waited = seen.ask_with(Method::POST, &syncs, 200, &groups, &[("prefer", "wait=20")]).await;
    assert_eq!(waited.json()["status"], "succeeded", "{}", waited.text);
    let sync = started.header("location").to_owned();
    seen.ask(Method::GET, &sync, 200, "").await;
    let events = seen.ask_with(Method::GET, &sync, 200, "", &[("accept", "text/event-stream")]).await;
    assert!(events.text.contains("event: state"), "{}", events.text);
    // As an `EventSource` that connects again.
    let again = [("accept", "text/event-stream"), ("last-event-id", "final")];
    seen.ask_with(Method::GET, &sync, 204, "", &again).await;
    synced.set_duration(seen.scene, SyncDuration::Manual);
    let runs = seen.ask(Method::POST, &syncs, 202, "").await;
    seen.ask(Method::GET, &format!("{}?running=202", runs.header("location")), 202, "").await;
    synced.end(seen.scene);
    synced.set_duration(seen.scene, SHORT);
    let listed = if seen.scene.stage.artifact.has_store() { 200 } else { 422 };
    seen.ask(Method::POST, &format!("{}/advance", synced.target), listed, "").await;
    seen.ask(Method::GET, &format!("{one}/sync"), 200, "").await;
    let history = seen.ask(Method::GET, &syncs, 200, "").await;
    assert!(!history.json()["syncs"].as_array().unwrap().is_empty(), "{}", history.text);
    seen.ask(Method::GET, &format!("{}/groups?name={}", synced.target, seeds::PRESENT_GROUP_NAME), 200, "").await;
    doctor(seen, synced.target).await;
}

/// The checks, and the failed checks, which have a status of their own with `strict`.
async fn doctor(seen: &mut Seen<'_>, target: &str) {
    seen.ask(Method::GET, &format!("{target}/doctor"), 200, "").await;
    seen.scene.simulator.add_fault(Fault::new(FaultKind::Html { status: 500 }).always());
    let failed = seen.ask(Method::GET, &format!("{target}/doctor?strict=true"), 503, "").await;
    assert_eq!((failed.header("content-type"), &failed.json()["ok"]), ("application/json", &json!(false)));
    seen.scene.simulator.clear_faults();
}

async fn vidm(seen: &mut Seen<'_>) {
    syncs(seen, &Synced { target: VIDM, id: seeds::CORP }).await;
    seen.ask(Method::POST, &format!("{VIDM}/directories/{}/syncs", seeds::CORP), 200, r#"{"dryRun":true}"#).await;
    seen.ask(Method::POST, "/hooks/corp", 202, r#"{"ref":"main"}"#).await;
    seen.ask(Method::POST, "/hooks/corp", 200, r#"{"ref":"topic"}"#).await;
    seen.ask(Method::GET, &format!("{VIDM}/health"), 200, "").await;
}

async fn fleet(seen: &mut Seen<'_>) {
    syncs(seen, &Synced { target: FLEET, id: seeds::FLEET_CORP }).await;

    let providers = format!("{FLEET}/identity-providers");
    let ca = seen.scene.simulator.ca_pem().to_owned();
    let spec = ad(&ca, &["research.example"]).to_string();
    seen.ask(Method::GET, &providers, 200, "").await;
    let created = seen.ask(Method::PUT, &providers, 201, &spec).await;
    seen.ask(Method::PUT, &providers, 200, &spec).await;
    let place = created.header("location").to_owned();
    seen.ask(Method::GET, &place, 200, "").await;
    seen.ask_with(Method::GET, &place, 304, "", &[("if-none-match", "*")]).await;
    let deleted = seen.ask(Method::DELETE, &place, 202, "").await;
    seen.ask(Method::GET, deleted.header("location"), 200, "").await;
    until_gone(seen.scene, &place).await;
    let created = seen.ask(Method::POST, &providers, 201, &spec).await;
    seen.ask_with(Method::DELETE, created.header("location"), 200, "", &[("prefer", "wait=20")]).await;

    let client = format!("{providers}/{}/sync-client", seeds::FLEET_SCIM_PROVIDER);
    seen.ask(Method::POST, &client, 201, "").await;
    seen.ask(Method::GET, &client, 200, "").await;
    let broker = &seen.scene.get(&providers).await.json()["elements"][0]["realm"]["vidbResourceId"];
    let metadata = json!({"vidbResourceId": broker, "metadata": "https://corp.okta.example/saml/metadata"});
    seen.ask(Method::POST, &format!("{FLEET}/saml-metadata/validate"), 200, &metadata.to_string()).await;
}

/// Waits for a deletion that goes on after its response.
async fn until_gone(scene: &Scene, place: &str) {
    for _ in 0..100 {
        if scene.get(place).await.status == 404 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{place} is still there");
}

async fn vcf(seen: &mut Seen<'_>) {
    let providers = "/vcf/default/v1/identity-providers";
    let ldap = json!({
        "type": "ActiveDirectory", "domainName": "research.example", "username": "svc@research.example", "password": "x",
        "sourceDetails": { "usersBaseDn": "OU=P", "groupsBaseDn": "OU=G", "serverEndpoints": ["ldap://dc01"] }
    });
    let source = json!({ "name": "research", "ldap": ldap }).to_string();
    let external = json!({
        "name": "My ADFS", "type": "AD_FS", "ldap": ldap,
        "oidc": { "clientId": "c", "clientSecret": "s", "discoveryEndpoint": "https://a.example/.well-known/openid-configuration" }
    })
    .to_string();

    seen.ask(Method::GET, providers, 200, "").await;
    let present = format!("{providers}/{}", seeds::EXTERNAL_PROVIDER);
    seen.ask(Method::GET, &present, 200, "").await;
    seen.ask_with(Method::GET, &present, 304, "", &[("if-none-match", "*")]).await;
    seen.ask(Method::PATCH, &present, 204, &external).await;
    seen.ask(Method::DELETE, &format!("{providers}/external"), 204, "").await;
    seen.ask(Method::DELETE, &format!("{present}?absent=ok"), 200, "").await;
    seen.ask(Method::PUT, providers, 201, &external).await;
    let put = seen.ask(Method::PUT, providers, 200, &external).await;
    let made = format!("{providers}/{}", put.json()["id"].as_str().unwrap());
    let secret = json!({ "clientSecret": "new", "certChain": [], "password": "x" }).to_string();
    seen.ask(Method::POST, &format!("{providers}/external/client-secret"), 200, &secret).await;
    seen.ask(Method::DELETE, &made, 204, "").await;
    let added = seen.ask(Method::POST, providers, 201, &external).await;
    seen.ask(Method::DELETE, added.header("location"), 204, "").await;

    let sources = format!("{providers}/embedded/identity-sources");
    let place = format!("{sources}/research.example");
    seen.ask(Method::POST, &sources, 201, &source).await;
    seen.ask(Method::PATCH, &place, 204, &source).await;
    seen.ask(Method::DELETE, &place, 204, "").await;
    seen.ask(Method::DELETE, &format!("{place}?absent=ok"), 200, "").await;
    seen.ask(Method::PUT, &place, 201, &source).await;
    seen.ask_with(Method::GET, &place, 304, "", &[("if-none-match", "*")]).await;
    let put = seen.ask(Method::PUT, &place, 200, &source).await;
    let read = seen.ask(Method::GET, &place, 200, "").await;
    assert_eq!(put.header("etag"), read.header("etag"));
    seen.ask_with(Method::PATCH, &place, 204, &source, &[("if-match", read.header("etag"))]).await;
    seen.ask(Method::POST, &format!("{place}/credentials"), 200, r#"{"password": "new"}"#).await;
    let chain = json!({ "certChain": [seen.scene.simulator.ca_pem()], "password": "new" }).to_string();
    seen.ask(Method::POST, &format!("{place}/certificates"), 200, &chain).await;
    let role = json!({ "group": format!("{}@research.example", seeds::VCF_GROUP), "role": "VIEWER" });
    let job = json!({ "identitySource": { "name": "research", "ldap": ldap }, "roles": [role] }).to_string();
    seen.ask(Method::POST, "/vcf/default/v1/apply", 200, &job).await;

    let federated = json!({
        "name": "Entra", "type": "MICROSOFT_ENTRA_ID",
        "fedIdpSpec": {
            "name": "Entra", "syncClientTokenTTL": 3600,
            "directory": { "name": "entra", "defaultDomain": "corp.example", "domains": ["corp.example"], "federatedIdpSourceType": "MICROSOFT_ENTRA_ID" },
            "oidcSpec": { "clientId": "c", "clientSecret": "s", "discoveryEndpoint": "https://a.example/.well-known/openid-configuration" }
        }
    });
    let added = seen.ask(Method::POST, providers, 201, &federated.to_string()).await;
    seen.ask(Method::POST, &format!("{}/sync-client?syncClientTokenTTL=60", added.header("location")), 200, "").await;
    seen.ask(Method::GET, providers, 200, "").await;
    seen.ask(Method::GET, "/vcf/default/v1/identity-broker/prechecks", 200, "").await;
    seen.ask(Method::GET, "/vcf/default/v1/identity-broker/sddc-manager-oidc", 200, "").await;
    seen.ask(Method::GET, "/vcf/default/v1/sddc-managers", 200, "").await;
    let key = json!({ "username": "anybody", "password": seen.scene.keys.all }).to_string();
    let pair = seen.ask(Method::POST, "/vcf/default/v1/tokens", 201, &key).await.json();
    let id = pair["refreshToken"]["id"].to_string();
    if seen.scene.remembers() || seen.scene.stage.variables.contains_key("state_key") {
        seen.ask(Method::PATCH, "/vcf/default/v1/tokens/access-token/refresh", 200, &id).await;
    }
    seen.ask(Method::DELETE, "/vcf/default/v1/tokens/refresh-token", 204, &id).await;
    doctor(seen, "/vcf/default/v1").await;
}

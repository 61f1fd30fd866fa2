//! Identity providers of VCF Operations: made so, deleted with their task, SCIM sync client, SAML metadata.

use std::time::Duration;

use idhook_simulator::{Fault, FleetSettings, Server, TaskCall, seeds};
use reqwest::Method;
use serde_json::{Value, json};
use xtask::artifact::Artifact;

use crate::scene::{Answer, Scene, Setting, send};

stories! {
    all:
    provider_is_made_so_and_deleted,
}

stories! {
    in_one_instance:
    quoted_secret_of_a_change_is_masked,
    provider_that_another_writer_changed_is_kept,
    provider_of_another_kind_is_kept,
    deletion_is_followed_however_its_task_is_reported,
    failed_deletion_has_the_vendors_reason,
    sync_client_is_generated_and_masked,
    saml_metadata_is_checked,
}

const PROVIDERS: &str = "/fleet/default/v1/identity-providers";
const PASSWORD: &str = "planted-in-a-provider";

async fn fleet(artifact: Artifact) -> Scene {
    Scene::with(Setting::with_fleet(artifact)).await
}

/// A scene whose VCF Operations behaves like this.
async fn behaving(artifact: Artifact, change: impl FnOnce(&mut FleetSettings)) -> Scene {
    let scene = fleet(artifact).await;
    scene.simulator.configure_fleet(change);
    scene
}

/// An Active Directory over LDAPS for the realm without provider.
pub(crate) fn ad(certificate: &str, domains: &[&str]) -> Value {
    json!({
        "name": "Research AD", "ssoRealmId": seeds::FLEET_EMPTY_REALM,
        "idpType": "ADLDAP", "idpProtocol": "LDAP_BIND", "provisionType": "LDAP",
        "provisioningConfig": {"ldapConfigurations": [{
            "name": "research", "domains": domains,
            "ldapBindConfiguration": {
                "type": "ACTIVE_DIRECTORY_LDAP", "baseDn": "DC=research,DC=example",
                "bindDn": "CN=svc,DC=research,DC=example", "bindDnPassword": PASSWORD,
                "primaryDomainController": {
                    "host": "dc1.research.example", "port": 636, "protocol": "LDAPS", "certificate": certificate
                }
            }
        }]}
    })
}

async fn put(scene: &Scene, query: &str, spec: &Value) -> Answer {
    let answer = scene.write(Method::PUT, &format!("{PROVIDERS}{query}"), &spec.to_string()).await;
    assert!(!answer.text.contains(PASSWORD), "{}", answer.text);
    answer
}

/// A request that waits for a deletion.
async fn delete(scene: &Scene, id: &str, query: &str) -> Answer {
    let request = scene.request(Method::DELETE, &format!("{PROVIDERS}/{id}{query}")).bearer_auth(&scene.keys.all);
    send(request.header("prefer", "wait=20")).await
}

/// The provider of a realm in the list.
async fn listed(scene: &Scene, realm: &str) -> Value {
    let list = scene.get(PROVIDERS).await.json();
    let elements = list["elements"].as_array().unwrap();
    elements.iter().find(|element| element["realm"]["id"] == realm).unwrap()["provider"].clone()
}

/// Two writers read the same provider; the second one's change and deletion are rejected.
async fn provider_that_another_writer_changed_is_kept(artifact: Artifact) {
    let scene = fleet(artifact).await;
    let pem = scene.simulator.ca_pem().to_owned();
    let created = put(&scene, "", &ad(&pem, &["research.example"])).await;
    let place = created.header("location").to_owned();
    let read = scene.get(&place).await.header("etag").to_owned();
    assert_eq!(created.header("etag"), read);

    let change = async |method: Method, path: &str, tag: &str, body: String| {
        let request = scene.request(method, path).bearer_auth(&scene.keys.all).header("if-match", tag);
        send(request.header("content-type", "application/json").body(body)).await
    };
    let spec = |domains: &[&str]| ad(&pem, domains).to_string();
    let domains = [["research.example", "a.example"], ["research.example", "b.example"]];
    let first = change(Method::PUT, PROVIDERS, &read, spec(&domains[0])).await;
    assert_eq!((first.status.as_u16(), &first.json()["verified"]), (200, &json!(true)), "{}", first.text);
    for second in [
        change(Method::PUT, PROVIDERS, &read, spec(&domains[1])).await,
        change(Method::DELETE, &place, &read, String::new()).await,
    ] {
        assert_eq!(second.status, 412, "{}", second.text);
        assert_eq!(second.json()["code"], "precondition_failed");
    }
    let kept = scene.get(&place).await.json();
    assert_eq!(kept["provisioningConfig"]["ldapConfigurations"][0]["domains"], json!(domains[0]));
    let second = change(Method::PUT, PROVIDERS, first.header("etag"), spec(&domains[1])).await;
    assert_eq!(second.status, 200, "{}", second.text);
}

/// Four runs of one pipeline, and the end of the provider.
async fn provider_is_made_so_and_deleted(artifact: Artifact) {
    let scene = fleet(artifact).await;
    let pem = scene.simulator.ca_pem().to_owned();
    let spec = ad(&pem, &["research.example"]);
    let dry = put(&scene, "?dryRun=true", &spec).await;
    assert_eq!((dry.status.as_u16(), &dry.json()["outcome"]), (200, &json!("created")), "{}", dry.text);
    assert_eq!(listed(&scene, seeds::FLEET_EMPTY_REALM).await, Value::Null);

    let created = put(&scene, "", &spec).await;
    assert_eq!((created.status.as_u16(), &created.json()["remaining"]), (201, &json!([])), "{}", created.text);
    let id = created.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(created.header("location"), format!("{PROVIDERS}/{id}"));

    assert_eq!(put(&scene, "", &spec).await.json()["outcome"], "unchanged");
    let before = listed(&scene, seeds::FLEET_EMPTY_REALM).await;

    let more = put(&scene, "", &ad(&pem, &["research.example", "dev.research.example"])).await;
    assert_eq!((&more.json()["outcome"], &more.json()["remaining"]), (&json!("updated"), &json!([])), "{}", more.text);
    let after = scene.get(&format!("{PROVIDERS}/{id}")).await.json();
    let directory = |provider: &Value| provider["provisioningConfig"]["ldapConfigurations"][0].clone();
    assert_eq!(directory(&after)["domains"], json!(["research.example", "dev.research.example"]));
    let id_of = |provider| directory(provider)["ldapConfigurationId"].clone();
    assert_eq!((id_of(&after), id_of(&before).is_string()), (id_of(&before), true), "the directory is the same");

    let deleted = delete(&scene, &id, "").await;
    assert_eq!((deleted.status.as_u16(), &deleted.json()["deleted"]), (200, &json!(true)), "{}", deleted.text);
    assert_eq!(deleted.json()["task"]["taskStatus"], "COMPLETED");
    assert_eq!(listed(&scene, seeds::FLEET_EMPTY_REALM).await, Value::Null);
    scene.get(&format!("{PROVIDERS}/{id}")).await.problem("not_found");
    assert!(!scene.host.output().contains(PASSWORD));
}

async fn quoted_secret_of_a_change_is_masked(artifact: Artifact) {
    let scene = fleet(artifact).await;
    let said = json!({"message": format!("bind as CN=svc with {PASSWORD} failed")}).to_string();
    let fault = Fault::answer(400, "application/json", &said).on(Server::Fleet);
    scene.simulator.add_fault(fault.method("POST").path("/identity-providers$"));
    let answer = put(&scene, "", &ad(scene.simulator.ca_pem(), &["research.example"])).await;
    let problem = answer.problem("upstream_rejected");
    assert_eq!(problem["upstream"]["message"], "bind as CN=svc with … failed", "{problem}");
    assert!(!scene.host.output().contains(PASSWORD), "{}", scene.host.output());
}

async fn provider_of_another_kind_is_kept(artifact: Artifact) {
    let scene = fleet(artifact).await;
    let mut spec = ad(scene.simulator.ca_pem(), &["corp.example"]);
    spec["ssoRealmId"] = json!(seeds::FLEET_SCIM_REALM);
    let problem = put(&scene, "?force=true", &spec).await.problem("request_invalid");
    assert!(problem["hint"].as_str().unwrap().contains(seeds::FLEET_SCIM_PROVIDER), "{problem}");
    let calls = scene.asked();
    assert!(calls.iter().all(|call| !call.starts_with("PUT")), "{calls:?}");
}

async fn deletion_is_followed_however_its_task_is_reported(artifact: Artifact) {
    for task_call in [TaskCall::Works, TaskCall::NotFound, TaskCall::Fails] {
        let scene = behaving(artifact, |settings| settings.providers.task_call = task_call).await;
        let at_once = scene.write(Method::DELETE, &format!("{PROVIDERS}/{}", seeds::FLEET_BRANCH_PROVIDER), "").await;
        assert_eq!((at_once.status.as_u16(), &at_once.json()["deleted"]), (202, &json!(false)), "{}", at_once.text);
        assert!(at_once.header("location").starts_with("/fleet/default/v1/tasks/"), "{task_call:?}");
        let waited = delete(&scene, seeds::FLEET_SCIM_PROVIDER, "").await;
        assert_eq!((waited.status.as_u16(), &waited.json()["deleted"]), (200, &json!(true)), "{task_call:?}");
    }
}

async fn failed_deletion_has_the_vendors_reason(artifact: Artifact) {
    let scene = behaving(artifact, |settings| {
        settings.providers.task_fails = Some("idp.reset.failed".to_owned());
        settings.providers.task_duration = Duration::from_millis(100);
    })
    .await;
    let problem = delete(&scene, seeds::FLEET_SCIM_PROVIDER, "?force=true").await.problem("upstream_failed");
    assert!(problem["detail"].as_str().unwrap().contains("idp.reset.failed"), "{problem}");
    assert!(listed(&scene, seeds::FLEET_SCIM_REALM).await.is_object());
}

async fn sync_client_is_generated_and_masked(artifact: Artifact) {
    let scene = fleet(artifact).await;
    let place = format!("{PROVIDERS}/{}/sync-client", seeds::FLEET_SCIM_PROVIDER);
    let generated = scene.post(&format!("{place}?tokenTtl=180"), "").await;
    assert_eq!(generated.status, 201, "{}", generated.text);
    let client = generated.json();
    let token = client["accessTokenDetails"]["accessToken"].as_str().unwrap();
    let secret = client["scimClientDetails"]["clientSecret"].as_str().unwrap();
    assert_eq!(client["scimClientDetails"]["tokenTtl"], 180);
    let shown = scene.get(&place).await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    assert!(!shown.text.contains(token) && !shown.text.contains(secret), "{}", shown.text);
    assert_eq!(shown.json()["accessTokenDetails"]["accessToken"], "…");
    assert!(!scene.host.output().contains(token) && !scene.host.output().contains(secret));
    let synced = format!("{PROVIDERS}/{}/sync-client", seeds::FLEET_PROVIDER);
    scene.get(&synced).await.problem("request_invalid");
}

async fn saml_metadata_is_checked(artifact: Artifact) {
    let scene = fleet(artifact).await;
    let realms = scene.get(PROVIDERS).await.json();
    let broker = realms["elements"][0]["realm"]["vidbResourceId"].clone();
    let path = "/fleet/default/v1/saml-metadata/validate";
    let body = json!({"vidbResourceId": broker, "metadata": "https://corp.okta.example/saml/metadata"});
    let checked = scene.post(path, &body.to_string()).await;
    assert_eq!(checked.status, 200, "{}", checked.text);
    assert!(checked.json()["preferredBinding"].is_string(), "{}", checked.text);
    scene.post(path, r#"{"metadata": "<EntityDescriptor/>"}"#).await.problem("request_invalid");
}

//! PUT of identity sources and of the external provider.

use idhook_simulator::{Options as SimulatorOptions, SourceAdded, seeds};
use reqwest::Method;
use serde_json::{Value, json};
use xtask::artifact::Artifact;

use crate::scene::{Answer, Scene, Setting};

stories! {
    all:
    put_creates_and_updates_a_source,
    a_source_over_https_and_with_the_newer_204,
    certificate_forms_are_equal,
    external_provider_is_updated_and_replaced_only_on_request,
}

const PROVIDERS: &str = "/vcf/default/v1/identity-providers";
const PASSWORD: &str = "planted-in-a-spec";

fn place(domain: &str) -> String {
    format!("{PROVIDERS}/{}/identity-sources/{domain}", seeds::EMBEDDED_PROVIDER)
}

fn source(endpoint: &str) -> Value {
    json!({
        "name": "research",
        "ldap": {
            "type": "ActiveDirectory", "domainAlias": "R", "username": "svc@research.example", "password": PASSWORD,
            "sourceDetails": {"usersBaseDn": "OU=P", "groupsBaseDn": "OU=G", "serverEndpoints": [endpoint]}
        }
    })
}

fn adfs() -> Value {
    json!({
        "name": "My ADFS", "type": "AD_FS",
        "ldap": {
            "domainName": "external-idp.com", "username": "u@domain.com", "password": PASSWORD,
            "sourceDetails": {"usersBaseDn": "u", "groupsBaseDn": "g", "serverEndpoints": ["ldap://dns01.domain.com"]}
        },
        "oidc": {"clientId": "id", "clientSecret": PASSWORD, "discoveryEndpoint": "https://domain.com/.well-known/openid-configuration"}
    })
}

async fn put(scene: &Scene, path: &str, spec: &Value) -> Answer {
    let answer = scene.write(Method::PUT, path, &spec.to_string()).await;
    assert!(!answer.text.contains(PASSWORD), "{}", answer.text);
    answer
}

/// Three runs of one pipeline: the first creates, the second changes nothing, the third updates.
async fn a_source_is_made_so(scene: &Scene) {
    let (place, list) = (place("research.example"), format!("GET /v1/identity-providers/{}", seeds::EMBEDDED_PROVIDER));
    let dry = put(scene, &format!("{place}?dryRun=true"), &source("ldap://dc01")).await;
    assert_eq!((dry.status.as_u16(), &dry.json()["outcome"]), (200, &json!("created")), "{}", dry.text);
    assert_eq!(scene.asked_once_in(), [list.as_str()]);

    let created = put(scene, &place, &source("ldap://dc01")).await;
    assert_eq!((created.status.as_u16(), created.header("location")), (201, place.as_str()), "{}", created.text);
    assert_eq!((&created.json()["outcome"], &created.json()["verified"]), (&json!("created"), &json!(true)));
    scene.asked();

    let again = put(scene, &place, &source("ldap://DC01:389/")).await;
    let mut again = again.json();
    again.as_object_mut().unwrap().remove("etag").unwrap();
    assert_eq!(
        again,
        json!({"outcome": "unchanged", "domainName": "research.example", "secretsCompared": false, "notCompared": ["/ldap/password"]})
    );
    assert_eq!(scene.asked_once_in(), [list.as_str()]);

    let moved = put(scene, &place, &source("ldap://dc02")).await.json();
    let pointer = "/ldap/sourceDetails/serverEndpoints";
    assert_eq!(moved["changes"], json!([{"pointer": pointer, "from": ["ldap://dc01"], "to": ["ldap://dc02"]}]));
    assert_eq!((&moved["verified"], scene.asked_once_in().len()), (&json!(true), 3), "read, write, read");
    let shown = scene.get(&format!("{PROVIDERS}/{}", seeds::EMBEDDED_PROVIDER)).await.text;
    assert!(shown.contains("ldap://dc02") && !shown.contains("ldap://dc01\""), "{shown}");
    scene.asked();

    let forced = put(scene, &format!("{place}?force=true"), &source("ldap://dc02")).await.json();
    assert_eq!((&forced["outcome"], &forced["changes"]), (&json!("updated"), &json!([])));
    assert_eq!(scene.asked_once_in().len(), 3);
    assert!(!scene.host.output().contains(PASSWORD));
}

async fn put_creates_and_updates_a_source(artifact: Artifact) {
    a_source_is_made_so(&Scene::of(artifact).await).await;
}

async fn a_source_over_https_and_with_the_newer_204(artifact: Artifact) {
    let mut simulator = SimulatorOptions::default();
    simulator.sddc.source_added = SourceAdded::NoContent;
    a_source_is_made_so(&Scene::with(Setting { tls: true, simulator, ..Setting::of(artifact) }).await).await;
}

async fn certificate_forms_are_equal(artifact: Artifact) {
    let scene = Scene::of(artifact).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    scene.simulator.write_ca(file.path()).unwrap();
    let pem = std::fs::read_to_string(file.path()).unwrap();
    let domain = seeds::LDAPS_SOURCE_DOMAIN;
    let spec = json!({
        "name": "secure-ids-name",
        "ldap": {
            "type": "ActiveDirectory", "domainName": domain, "username": format!("svc-ldap@{domain}"), "password": PASSWORD,
            "sourceDetails": {
                "usersBaseDn": "CN=Users,DC=ids,DC=example", "groupsBaseDn": "CN=Users,DC=ids,DC=example", "certChain": [pem],
                "serverEndpoints": ["ldaps://dc01.secure-ids.example", "ldaps://dc02.secure-ids.example"]
            }
        }
    });
    let answer = put(&scene, &place(domain), &spec).await;
    assert_eq!(answer.json()["outcome"], "unchanged", "{}", answer.text);
    assert_eq!(answer.json()["certificates"].as_array().unwrap().len(), 1);

    let sources = format!("{PROVIDERS}/embedded/identity-sources/{domain}");
    let set = async |part: &str, body: Value| {
        let answer = scene.write(Method::POST, &format!("{sources}/{part}"), &body.to_string()).await;
        assert!(!answer.text.contains(PASSWORD), "{}", answer.text);
        answer.json()
    };
    let kept = set(
        "certificates",
        json!({"certChain": [spec["ldap"]["sourceDetails"]["certChain"][0]], "keep": true, "password": PASSWORD}),
    );
    assert_eq!(kept.await["outcome"], "unchanged");
    scene.asked();
    let new = set("credentials", json!({"password": PASSWORD, "username": format!("other@{domain}")})).await;
    assert_eq!((&new["outcome"], &new["verified"]), (&json!("updated"), &json!(true)), "{new}");
    assert_eq!(scene.asked_once_in().len(), 3, "read, write, read");
    let shown = scene.get(&sources).await.json();
    assert_eq!(shown["ldap"]["username"], format!("other@{domain}"));
    assert_eq!(shown["ldap"]["sourceDetails"]["certChain"].as_array().unwrap().len(), 1);
}

async fn external_provider_is_updated_and_replaced_only_on_request(artifact: Artifact) {
    let scene = Scene::of(artifact).await;
    let created = put(&scene, PROVIDERS, &adfs()).await;
    assert_eq!(created.status, 201, "{}", created.text);
    let id = created.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(created.header("location"), format!("{PROVIDERS}/{id}"));
    scene.asked();

    let again = put(&scene, PROVIDERS, &adfs()).await.json();
    assert_eq!((&again["outcome"], &again["id"]), (&json!("unchanged"), &json!(id)));
    assert_eq!(scene.asked_once_in(), ["GET /v1/identity-providers"]);

    let mut other = adfs();
    other["oidc"]["clientId"] = json!("id2");
    let changed = put(&scene, PROVIDERS, &other).await.json();
    assert_eq!(changed["changes"], json!([{"pointer": "/oidc/clientId", "from": "id", "to": "id2"}]));
    let list = "GET /v1/identity-providers".to_owned();
    assert_eq!(scene.asked_once_in(), [list.clone(), format!("PATCH /v1/identity-providers/{id}"), list.clone()]);

    let mut another = adfs();
    another["name"] = json!("Another");
    let refused = put(&scene, &format!("{PROVIDERS}?force=true"), &another).await;
    assert_eq!(refused.status, 400);
    assert_eq!(refused.problem("request_invalid")["errors"][0]["pointer"], "/name");
    assert_eq!(scene.get(&format!("{PROVIDERS}/external")).await.json()["name"], "My ADFS");
    put(&scene, &format!("{PROVIDERS}?replace=true"), &another).await.problem("request_invalid");
    scene.asked();
    let replaced = put(&scene, &format!("{PROVIDERS}?replace=true&confirm=My%20ADFS"), &another).await;
    assert_eq!((replaced.status.as_u16(), &replaced.json()["outcome"]), (201, &json!("replaced")), "{}", replaced.text);
    assert_eq!(
        scene.asked_once_in(),
        [list.clone(), format!("DELETE /v1/identity-providers/{id}"), "POST /v1/identity-providers".to_owned(), list]
    );
    assert_eq!(scene.get(&format!("{PROVIDERS}/external")).await.json()["name"], "Another");
}

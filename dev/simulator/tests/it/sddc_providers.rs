use crate::client::{Got, encode, send};
use crate::sddc_tokens::pair;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use idhook_simulator::{Options, Simulator, SourceAdded, seeds};
use serde_json::{Value, json};

struct Admin {
    simulator: Simulator,
    token: String,
}

impl Admin {
    async fn new() -> Self {
        Self::with(Options::default()).await
    }

    async fn with(options: Options) -> Self {
        let simulator = Simulator::start(options).await.unwrap();
        let (token, _) = pair(&simulator).await;
        Self { simulator, token }
    }

    async fn send(&self, method: &str, path: &str, body: Value) -> Got {
        let headers = [("authorization", self.token.as_str()), ("content-type", "application/json")];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        send(method, &format!("{}/v1/{path}", self.simulator.sddc_url()), &headers, body).await
    }

    async fn providers(&self) -> Value {
        self.send("GET", "identity-providers", Value::Null).await.json()["elements"].clone()
    }
}

const SOURCES: &str = "identity-providers/b9103988-0000-4000-8000-42c93d480bbe/identity-sources";

fn source(domain: &str) -> Value {
    json!({
        "name": "My AD Identity Source",
        "ldap": {
            "type": "ActiveDirectory", "domainName": domain, "domainAlias": "new", "username": "svc@new.example",
            "password": "planted-ldap-password",
            "sourceDetails": {
                "usersBaseDn": "DC=new", "groupsBaseDn": "DC=new", "certChain": [],
                "serverEndpoints": ["ldap://dc01.new.example"],
            },
        },
    })
}

/// As the 5.0.0 guide shows it: without `ldap.type`.
fn adfs() -> Value {
    let mut ldap = source("external.example")["ldap"].clone();
    ldap.as_object_mut().unwrap().remove("type");
    let oidc = json!({
        "clientId": "6619e3ff", "clientSecret": "planted-oidc-secret",
        "discoveryEndpoint": "https://adfs.example/.well-known/openid-configuration",
    });
    json!({"name": "My ADFS", "type": "ActiveDirectory", "certChain": [], "ldap": ldap, "oidc": oidc})
}

fn okta() -> Value {
    json!({
        "name": "Okta", "type": "OKTA",
        "fedIdpSpec": {
            "name": "Okta",
            "directory": {
                "name": "okta dir", "defaultDomain": "fed.example", "domains": ["fed.example"],
                "federatedIdpSourceType": "OKTA",
            },
            "oidcSpec": {
                "clientId": "0oa", "clientSecret": "planted-oidc-secret",
                "discoveryEndpoint": "https://okta.example/.well-known/openid-configuration",
            },
        },
    })
}

fn set(value: &Value, pointer: &str, to: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let mut changed = value.clone();
    let object = changed.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    match to {
        Value::Null => object.remove(name),
        to => object.insert(name.to_owned(), to),
    };
    changed
}

#[tokio::test]
async fn the_list_begins_with_the_embedded_provider_and_its_sources() {
    let admin = Admin::new().await;
    let providers = admin.providers().await;
    assert_eq!(providers.as_array().unwrap().len(), 1);
    let embedded = &providers[0];
    assert_eq!((&embedded["type"], &embedded["status"]), (&json!("Embedded"), &json!("active")));
    assert_eq!(embedded["id"], seeds::EMBEDDED_PROVIDER);
    let kinds: Vec<_> = embedded["identitySources"].as_array().unwrap().iter().map(|source| &source["type"]).collect();
    assert_eq!(kinds, ["SystemDomain", "LocalOs", "ActiveDirectory", "ActiveDirectory"]);
    let secure = &embedded["identitySources"][3]["ldap"]["sourceDetails"];
    assert!(secure["serverEndpoints"][0].as_str().unwrap().starts_with("ldaps://"));
    let certificate = STANDARD.decode(secure["certChain"][0].as_str().unwrap()).unwrap();
    assert!(certificate.starts_with(b"-----BEGIN CERTIFICATE-----"));
}

#[tokio::test]
async fn a_provider_is_added_as_the_guide_shows_and_no_secret_comes_back() {
    let admin = Admin::new().await;
    let got = admin.send("POST", "identity-providers", adfs()).await;
    assert_eq!((got.status, got.header("content-type"), got.body.len()), (201, "application/json", 36));
    let providers = admin.providers().await;
    assert_eq!((&providers[0]["status"], &providers[1]["status"]), (&json!("inactive"), &json!("active")));
    assert_eq!((&providers[1]["type"], &providers[1]["ldap"]["type"]), (&json!("Microsoft ADFS"), &json!("Oidc")));
    assert!(!providers.to_string().contains("planted-"), "{providers}");
    let one = admin.send("GET", &format!("identity-providers/{}", got.body), Value::Null).await;
    assert_eq!(one.json()["oidc"]["clientId"], "6619e3ff");
}

#[tokio::test]
async fn only_one_external_provider_fits() {
    let admin = Admin::with(Options { external_provider: true, ..Options::default() }).await;
    assert_eq!(admin.providers().await[1]["id"], seeds::EXTERNAL_PROVIDER);
    let got = admin.send("POST", "identity-providers", adfs()).await;
    assert_eq!((got.status, &got.json()["errorCode"]), (400, &json!("EXTERNAL_IDENTITY_PROVIDER_EXISTS")));
}

#[tokio::test]
async fn a_provider_is_updated_whole_and_deleted() {
    let admin = Admin::with(Options { external_provider: true, ..Options::default() }).await;
    let path = format!("identity-providers/{}", seeds::EXTERNAL_PROVIDER);
    let got = admin.send("PATCH", &path, json!({"name": "only a name"})).await;
    assert_eq!((got.status, &got.json()["arguments"][0]), (400, &json!("type")));
    assert_eq!(admin.send("PATCH", &path, set(&adfs(), "/name", json!("Renamed"))).await.status, 204);
    assert_eq!(admin.providers().await[1]["name"], "Renamed");
    assert_eq!(admin.send("DELETE", &path, Value::Null).await.status, 204);
    assert_eq!(admin.providers().await[0]["status"], "active");
    let got = admin.send("DELETE", &path, Value::Null).await;
    assert_eq!((got.status, &got.json()["errorCode"]), (404, &json!("IDENTITY_PROVIDER_NOT_FOUND")));
}

#[tokio::test]
async fn embedded_provider_cannot_be_deleted() {
    let admin = Admin::new().await;
    let path = format!("identity-providers/{}", seeds::EMBEDDED_PROVIDER);
    assert_eq!(admin.send("DELETE", &path, Value::Null).await.status, 400);
    assert_eq!(admin.send("PATCH", &path, adfs()).await.status, 400);
    let built_in = admin.send("DELETE", &format!("{SOURCES}/vsphere.local"), Value::Null).await;
    assert_eq!(built_in.status, 400);
}

#[tokio::test]
async fn added_source_is_answered_with_text_that_is_not_json() {
    let admin = Admin::new().await;
    let got = admin.send("POST", SOURCES, source("new.example")).await;
    assert_eq!((got.status, got.header("content-type")), (201, "application/json"));
    assert_eq!(got.body, "Added Identity source with domain name new.example successfully");
    let added = &admin.providers().await[0]["identitySources"][4];
    assert_eq!((&added["domainNames"][0], &added["ldap"]["domainAlias"]), (&json!("new.example"), &json!("new")));
    assert!(!added.to_string().contains("planted-"), "{added}");
}

#[tokio::test]
async fn a_source_may_be_answered_in_quotes_or_without_content() {
    let admin = Admin::new().await;
    admin.simulator.configure_sddc(|settings| settings.quoted_answers = true);
    assert!(admin.send("POST", SOURCES, source("one.example")).await.json().is_string());
    admin.simulator.configure_sddc(|settings| settings.source_added = SourceAdded::NoContent);
    let got = admin.send("POST", SOURCES, source("two.example")).await;
    assert_eq!((got.status, got.body.as_str()), (204, ""));
}

#[tokio::test]
async fn domain_exists_once() {
    let admin = Admin::new().await;
    let got = admin.send("POST", SOURCES, source("Embedded-IDs.example")).await;
    assert_eq!((got.status, &got.json()["errorCode"]), (400, &json!("IDENTITY_SOURCE_ALREADY_EXISTS")));
}

#[tokio::test]
async fn a_source_is_updated_and_deleted_by_its_domain() {
    let admin = Admin::new().await;
    let domain = "a b/c.example";
    assert_eq!(admin.send("POST", SOURCES, source(domain)).await.status, 201);
    let path = format!("{SOURCES}/{}", encode(domain));
    assert_eq!(admin.send("PATCH", &path, source("other.example")).await.status, 400);
    assert_eq!(admin.send("PATCH", &path, set(&source(domain), "/name", json!("Renamed"))).await.status, 204);
    assert_eq!(admin.providers().await[0]["identitySources"][4]["name"], "Renamed");
    assert_eq!(admin.send("DELETE", &path, Value::Null).await.status, 204);
    let got = admin.send("DELETE", &path, Value::Null).await;
    assert_eq!((got.status, &got.json()["errorCode"]), (404, &json!("IDENTITY_SOURCE_NOT_FOUND")));
}

#[tokio::test]
async fn body_that_violates_the_model_is_400_with_the_field() {
    let admin = Admin::new().await;
    let secure = json!(["ldaps://dc01.new.example"]);
    let cases = [
        (SOURCES, set(&source("x.example"), "/name", Value::Null), "name"),
        (SOURCES, set(&source("x.example"), "/ldap/type", Value::Null), "ldap.type"),
        (SOURCES, set(&source("x.example"), "/ldap/type", json!("Novell")), "ldap.type"),
        (SOURCES, set(&source("x.example"), "/ldap/domainName", json!("")), "ldap.domainName"),
        (SOURCES, set(&source("x.example"), "/ldap/password", Value::Null), "ldap.password"),
        (SOURCES, set(&source("x.example"), "/ldap/username", json!("bare")), "ldap.username"),
        (SOURCES, set(&source("x.example"), "/ldap/sourceDetails", json!([])), "ldap.sourceDetails"),
        (
            SOURCES,
            set(&source("x.example"), "/ldap/sourceDetails/serverEndpoints", json!([])),
            "ldap.sourceDetails.serverEndpoints",
        ),
        (
            SOURCES,
            set(&source("x.example"), "/ldap/sourceDetails/serverEndpoints", secure),
            "ldap.sourceDetails.certChain",
        ),
        (
            SOURCES,
            set(&source("x.example"), "/ldap/sourceDetails/certChain", json!(["-----BEGIN"])),
            "ldap.sourceDetails.certChain",
        ),
        ("identity-providers", set(&adfs(), "/oidc", Value::Null), "oidc"),
        ("identity-providers", set(&adfs(), "/oidc/clientSecret", Value::Null), "oidc.clientSecret"),
        ("identity-providers", set(&adfs(), "/certChain", json!("one")), "certChain"),
        (
            "identity-providers",
            set(&okta(), "/fedIdpSpec/directory/domains", json!("x")),
            "fedIdpSpec.directory.domains",
        ),
        ("identity-providers", set(&okta(), "/fedIdpSpec/directory/name", json!("a/b")), "fedIdpSpec.directory.name"),
        (
            "identity-providers",
            set(&okta(), "/fedIdpSpec/directory/federatedIdpSourceType", json!("AZURE")),
            "fedIdpSpec.directory.federatedIdpSourceType",
        ),
    ];
    for (path, body, field) in cases {
        let got = admin.send("POST", path, body).await;
        assert_eq!((got.status, &got.json()["arguments"]), (400, &json!([field])), "{}", got.body);
        for name in ["errorCode", "message", "remediationMessage", "referenceToken", "causes", "nestedErrors"] {
            assert!(got.json().get(name).is_some(), "{name}");
        }
    }
    let before = admin.providers().await;
    assert_eq!((before.as_array().unwrap().len(), before[0]["identitySources"].as_array().unwrap().len()), (1, 4));
}

#[tokio::test]
async fn a_provider_without_ldap_type_and_domain_is_taken() {
    let admin = Admin::new().await;
    let spec = set(&adfs(), "/ldap/domainName", Value::Null);
    assert_eq!(admin.send("POST", "identity-providers", spec).await.status, 201);
}

#[tokio::test]
async fn a_federated_provider_has_a_sync_client() {
    let admin = Admin::new().await;
    let embedded = format!("identity-providers/{}/sync-client", seeds::EMBEDDED_PROVIDER);
    assert_eq!(admin.send("POST", &embedded, Value::Null).await.status, 404);
    let id = admin.send("POST", "identity-providers", okta()).await.body;
    let path = format!("identity-providers/{id}/sync-client");
    let got = admin.send("POST", &format!("{path}?syncClientTokenTTL=60"), Value::Null).await;
    assert_eq!((got.status, &got.json()["expireIn"]), (200, &json!(60)));
    assert!(got.json()["scimUrl"].is_string());
    assert_eq!(admin.send("POST", &format!("{path}?syncClientTokenTTL=soon"), Value::Null).await.status, 400);
    let listed = &admin.providers().await[1];
    assert_eq!(listed["fedIdp"]["syncClientTokenInfo"]["token"], got.json()["token"]);
    assert!(!listed.to_string().contains("planted-oidc-secret"));
    assert_eq!(listed["type"], "Okta");
}

#[tokio::test]
async fn the_identity_broker_answers() {
    let admin = Admin::new().await;
    let got = admin.send("GET", "identity-broker/prechecks?type=OKTA", Value::Null).await;
    assert_eq!((got.status, &got.json()["status"]), (200, &json!("SUCCESS")));
    let got = admin.send("GET", "identity-broker/sddc-manager-oidc", Value::Null).await;
    for field in ["oidcClientId", "oidcAuthorizationEndpoint", "oidcEndSessionEndpoint", "idpType", "source"] {
        assert!(got.json()[field].is_string(), "{field}");
    }
}

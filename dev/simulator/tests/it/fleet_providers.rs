use crate::client::Got;
use crate::ops::{Ops, path_of};
use idhook_simulator::{FleetVersion, TaskCall, TokenExpiresAt, seeds};
use serde_json::{Value, json};
use std::time::Duration;

const PROVIDERS: &str = "/identity-providers";

async fn ops() -> Ops {
    Ops::new(FleetVersion::V9_1_0).await
}

fn provider(id: &str) -> String {
    format!("{PROVIDERS}/{id}")
}

/// An Active Directory provider for the realm without one.
fn over_ldap(pem: &str) -> Value {
    json!({
        "name": "New AD",
        "ssoRealmId": seeds::FLEET_EMPTY_REALM,
        "idpType": "ADLDAP",
        "idpProtocol": "LDAP_BIND",
        "provisionType": "LDAP",
        "provisioningConfig": {"ldapConfigurations": [{
            "name": "west.example",
            "domains": ["west.example"],
            "ldapBindConfiguration": {
                "type": "ACTIVE_DIRECTORY_LDAP",
                "baseDn": "DC=west,DC=example",
                "bindDn": "CN=svc,DC=west,DC=example",
                "bindDnPassword": "planted-bind",
                "directorySearchAttribute": "sAMAccountName",
                "primaryDomainController": {"host": "dc1.west.example", "protocol": "LDAPS", "port": 636, "certificate": pem},
            },
        }]},
    })
}

/// An OIDC provider with SCIM provisioning for the same realm.
fn over_scim(pem: &str) -> Value {
    json!({
        "name": "Okta West",
        "ssoRealmId": seeds::FLEET_EMPTY_REALM,
        "idpType": "OKTA",
        "idpProtocol": "OIDC",
        "provisionType": "SCIM",
        "idpConfig": {"oidcConfiguration": {
            "discoveryEndpoint": "https://okta.example/.well-known/openid-configuration",
            "clientId": "0oa2",
            "clientSecret": "planted-client",
        }},
        "directories": [{"name": "Okta West", "domains": ["west.example"], "defaultDomain": "west.example"}],
        "certificateChain": [pem],
    })
}

async fn create(ops: &Ops, body: &Value) -> Got {
    ops.at("POST", PROVIDERS, &body.to_string()).await
}

/// Sets the value at a JSON Pointer; adds the last field if it is missing.
fn with(mut body: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    match body.pointer_mut(parent).unwrap() {
        Value::Object(fields) => drop(fields.insert(name.to_owned(), value)),
        other => panic!("{parent} is {other}"),
    }
    body
}

#[tokio::test]
async fn new_provider_has_a_directory_and_no_secret() {
    let ops = ops().await;
    let got = create(&ops, &over_ldap(ops.simulator.ca_pem())).await;
    assert_eq!(got.status, 201, "{}", got.body);
    assert!(!got.body.contains("planted"), "{}", got.body);
    let body = got.json();
    let id = body["id"].as_str().unwrap();
    assert_eq!(ops.get(&provider(id)).await, body);
    let realm = ops.get(&format!("/ssorealms/{}", seeds::FLEET_EMPTY_REALM)).await;
    assert_eq!(realm["idpId"], id);
    let directories = ops.get(&format!("{}/ldap-directories", provider(id))).await;
    let row = &directories["ldapDirectories"][0];
    let configuration = &body["provisioningConfig"]["ldapConfigurations"][0];
    assert_eq!(row["ldapConfigurationId"], configuration["ldapConfigurationId"]);
    assert_eq!((&row["setupStatus"], &row["domainControllerHost"]), (&json!("INITIAL"), &json!("dc1.west.example")));
    assert_eq!(configuration["ldapBindConfiguration"]["communicationMode"], "SECURE");
    assert_eq!(create(&ops, &over_ldap(ops.simulator.ca_pem())).await.status, 409);
    // The setup is complete once the sync profile has been written.
    let path = format!("{}/ldap-directories/{}", provider(id), row["ldapConfigurationId"].as_str().unwrap());
    assert_eq!(ops.at("POST", &format!("{path}/sync"), "").await.status, 400);
    let profile = ops.get(&format!("{path}/sync-profile")).await;
    assert_eq!(ops.at("PUT", &format!("{path}/sync-profile"), &profile.to_string()).await.status, 200);
    assert_eq!(ops.at("POST", &format!("{path}/sync"), "").await.status, 202);
}

#[tokio::test]
async fn pitfalls_of_new_providers_are_rejected() {
    let ops = ops().await;
    let pem = ops.simulator.ca_pem();
    let (ldap, scim) = (over_ldap(pem), over_scim(pem));
    let bind = "/provisioningConfig/ldapConfigurations/0/ldapBindConfiguration";
    let controller = format!("{bind}/primaryDomainController");
    let lines: Vec<&str> = pem.lines().take(3).collect();
    for (body, part) in [
        (
            with(scim.clone(), "/certificateChain", json!([pem, pem, pem, pem])),
            "idp.pem.certificate.chains.max.exceeded",
        ),
        (with(scim.clone(), "/certificateChain", json!(lines)), "idp.pem.certificate.invalid"),
        (with(scim.clone(), "/certificateChain", json!([format!("{pem}{pem}")])), "idp.pem.certificate.invalid"),
        (
            with(scim.clone(), "/directories", json!([{"name": "okta.west", "domains": ["a"]}])),
            "directories[0].validName",
        ),
        (with(scim.clone(), "/directories", json!([])), "directories.required"),
        (
            with(scim.clone(), "/directories", json!([{"name": "a", "domains": ["a"], "id": seeds::FLEET_CORP}])),
            "directories[0].id",
        ),
        (with(scim.clone(), "/directories", json!([{"name": "a", "domains": []}])), "FederatedIdentityProvider"),
        (with(scim.clone(), "/idpConfig", json!({})), "idpConfig.oidcConfiguration"),
        (with(scim.clone(), "/idpConfig/oidcConfiguration/clientSecret", json!("")), "clientSecret"),
        (with(scim.clone(), "/idpConfig/oidcConfiguration/discoveryEndpoint", json!("http://a")), "oidc.discovery"),
        (with(scim.clone(), "/idpType", json!("UNKNOWN")), "idpType"),
        (with(scim.clone(), "/idpType", json!("GOOGLE")), "FederatedIdentityProvider"),
        (with(scim.clone(), "/colour", json!("red")), "'colour'"),
        (with(scim.clone(), "/idpProtocol", json!("LDAP_BIND")), "idp.type.protocol.mismatch"),
        (with(scim.clone(), "/provisionType", json!("LDAP")), "idp.ldap.configurations"),
        (with(scim, "/ssoRealmId", json!(seeds::FLEET_CORP)), "InvalidParameter: ssoRealmId"),
        (with(ldap.clone(), &format!("{bind}/bindDnPassword"), Value::Null), "FederatedIdentityProvider"),
        (with(ldap.clone(), &format!("{bind}/bindDnPassword"), json!("")), "bindDnPassword"),
        (with(ldap.clone(), &format!("{controller}/certificate"), json!("none")), "ldap.certificate.required"),
        (with(ldap.clone(), &format!("{controller}/protocol"), json!("LDAP")), "ldap.certificate.not.expected"),
        (with(ldap.clone(), &format!("{controller}/port"), json!(70_000)), "FederatedIdentityProvider"),
        (with(ldap, "/provisioningConfig/ldapConfigurations/0/domains", json!([])), "domains"),
    ] {
        let got = create(&ops, &body).await;
        assert!(got.status == 400 && got.body.contains(part), "{part}: {} {}", got.status, got.body);
    }
    let realm = ops.get(&format!("/ssorealms/{}", seeds::FLEET_EMPTY_REALM)).await;
    assert!(realm.get("idpId").is_none());
}

#[tokio::test]
async fn saml_provider_needs_its_metadata() {
    let ops = ops().await;
    let saml = |config: Value| {
        let scim = with(over_scim(ops.simulator.ca_pem()), "/idpProtocol", json!("SAML"));
        with(scim, "/idpConfig", json!({"samlConfiguration": config}))
    };
    let no_url = saml(json!({"metadataSourceType": "URL", "nameIdAttributeMappings": []}));
    assert!(create(&ops, &no_url).await.body.contains("saml.metadata.invalid"));
    let mapping = json!({"idpAttribute": "a", "vidbAttribute": "email"});
    let two = saml(
        json!({"metadataSourceType": "XML", "metadataXml": "PGE+", "nameIdAttributeMappings": [mapping, mapping]}),
    );
    assert_eq!(create(&ops, &two).await.status, 400);
    let good = saml(json!({"metadataSourceType": "XML", "metadataXml": "PGE+", "nameIdAttributeMappings": [mapping]}));
    assert_eq!(create(&ops, &good).await.status, 201);
}

#[tokio::test]
async fn update_keeps_ids_and_may_omit_secrets() {
    let ops = ops().await;
    let put = async |body: &Value| ops.at("PUT", PROVIDERS, &body.to_string()).await;
    let old = ops.get(&provider(seeds::FLEET_PROVIDER)).await;
    let renamed = with(old.clone(), "/name", json!("Renamed"));
    let got = put(&renamed).await;
    assert_eq!((got.status, &got.json()["name"]), (200, &json!("Renamed")));
    assert_eq!(got.json()["createdAt"], old["createdAt"]);
    assert!(got.json()["updatedAt"].as_u64() > old["updatedAt"].as_u64());
    let mut without_id = renamed.clone();
    let configuration = without_id.pointer_mut("/provisioningConfig/ldapConfigurations/0").unwrap();
    configuration.as_object_mut().unwrap().remove("ldapConfigurationId");
    let got = put(&without_id).await;
    assert!(got.status == 400 && got.body.contains("ldapConfigurations.id"), "{}", got.body);
    let moved = with(renamed.clone(), "/ssoRealmId", json!(seeds::FLEET_BRANCH_REALM));
    assert!(put(&moved).await.body.contains("idp.sso.realm.mismatch"));
    assert_eq!(put(&with(renamed.clone(), "/id", json!(seeds::FLEET_CORP))).await.status, 404);
    ops.simulator.configure_fleet(|settings| settings.providers.put_needs_secrets = true);
    assert!(put(&renamed).await.body.contains("bindDnPassword"));
    ops.simulator.configure_fleet(|settings| settings.providers.put_needs_secrets = false);
    let scim = ops.get(&provider(seeds::FLEET_SCIM_PROVIDER)).await;
    assert_eq!(put(&scim).await.status, 200);
    let mut no_id = scim;
    no_id["directories"][0].as_object_mut().unwrap().remove("id");
    assert!(put(&no_id).await.body.contains("directories[0].id"));
    // The directories and what they know survive.
    assert_eq!(ops.directory(seeds::FLEET_CORP).await["numberOfGroups"], 6);
}

#[tokio::test]
async fn removal_is_a_task() {
    let ops = ops().await;
    ops.simulator.configure_fleet(|settings| settings.providers.task_duration = Duration::from_millis(600));
    let path = provider(seeds::FLEET_BRANCH_PROVIDER);
    let got = ops.at("DELETE", &path, "").await;
    let body = got.json();
    assert_eq!((got.status, body.as_object().unwrap().len()), (202, 1));
    let task = format!("/tasks/{}", body["taskId"].as_str().unwrap());
    let status = async || ops.get(&task).await["taskStatus"].as_str().unwrap().to_owned();
    assert_eq!(status().await, "QUEUED");
    assert_eq!(ops.at("GET", &path, "").await.status, 200);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(status().await, "IN_PROGRESS");
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(
        ops.get(&task).await,
        json!({"taskId": body["taskId"], "taskStatus": "COMPLETED", "taskType": "IDP_RESET"})
    );
    assert_eq!(ops.at("GET", &path, "").await.status, 404);
    for (call, status) in [(TaskCall::NotFound, 404), (TaskCall::Fails, 500)] {
        ops.simulator.configure_fleet(|settings| settings.providers.task_call = call);
        assert_eq!(ops.at("GET", &task, "").await.status, status);
    }
}

#[tokio::test]
async fn failed_removal_leaves_the_provider() {
    let ops = ops().await;
    ops.simulator.configure_fleet(|settings| {
        settings.providers.task_duration = Duration::ZERO;
        settings.providers.task_fails = Some("idp.reset.failed".to_owned());
        settings.providers.removal_needs_force = true;
    });
    let path = provider(seeds::FLEET_BRANCH_PROVIDER);
    assert_eq!(ops.at("DELETE", &path, "").await.status, 409);
    let body = ops.at("DELETE", &format!("{path}?force=true"), "").await.json();
    let task = ops.get(&format!("/tasks/{}", body["taskId"].as_str().unwrap())).await;
    assert_eq!(
        (&task["taskStatus"], &task["errorDetails"]["errorCode"]),
        (&json!("FAILED"), &json!("idp.reset.failed"))
    );
    assert_eq!(ops.at("GET", &path, "").await.status, 200);
    assert_eq!(ops.at("GET", &format!("/tasks/{}", seeds::FLEET_CORP), "").await.status, 404);
}

#[tokio::test]
async fn realms_are_made_for_free_brokers_and_removed_by_a_task() {
    let ops = ops().await;
    let body = json!({"vidbResourceId": seeds::FLEET_FREE_BROKER}).to_string();
    let got = ops.at("POST", "/ssorealms", &body).await;
    assert_eq!((got.status, &got.json()["vidbResourceId"]), (201, &json!(seeds::FLEET_FREE_BROKER)));
    assert_eq!(ops.at("POST", "/ssorealms", &body).await.status, 409);
    let unknown = json!({"vidbResourceId": seeds::FLEET_CORP}).to_string();
    assert_eq!(ops.at("POST", "/ssorealms", &unknown).await.status, 400);
    let realm = format!("/ssorealms/{}", got.json()["id"].as_str().unwrap());
    ops.simulator.configure_fleet(|settings| settings.providers.task_duration = Duration::ZERO);
    assert_eq!(ops.at("DELETE", &format!("/ssorealms/{}", seeds::FLEET_REALM), "").await.status, 409);
    assert_eq!(ops.at("DELETE", &realm, "").await.status, 202);
    assert_eq!(ops.at("GET", &realm, "").await.status, 400);
}

#[tokio::test]
async fn scim_client_is_made_and_shown_without_its_secret() {
    let ops = ops().await;
    let path =
        format!("{}/directories/{}/sync-client", provider(seeds::FLEET_SCIM_PROVIDER), seeds::FLEET_SCIM_DIRECTORY);
    assert_eq!(ops.at("GET", &path, "").await.status, 404);
    let got = ops.at("POST", &path, r#"{"generateToken":true,"tokenTtl":180}"#).await;
    let made = got.json();
    assert!(got.status == 201 && made["scimClientDetails"]["clientSecret"].is_string(), "{made}");
    let now = u64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap();
    assert!(made["accessTokenDetails"]["tokenExpiresAt"].as_u64().unwrap() > now);
    let shown = ops.get(&path).await;
    assert_eq!(shown["scimClientDetails"], json!({"clientId": made["scimClientDetails"]["clientId"], "tokenTtl": 180}));
    assert_eq!(shown["accessTokenDetails"]["accessToken"], made["accessTokenDetails"]["accessToken"]);
    ops.simulator.configure_fleet(|settings| {
        settings.providers.scim_get_shows_token = false;
        settings.providers.token_expires_at = TokenExpiresAt::Minutes;
    });
    assert!(ops.get(&path).await.get("accessTokenDetails").is_none());
    let again = ops.at("POST", &path, r#"{"generateToken":true}"#).await.json();
    assert_eq!(again["accessTokenDetails"]["tokenExpiresAt"], 262_800);
    let without = ops.at("POST", &path, "{}").await.json();
    assert!(without.get("accessTokenDetails").is_none());
    assert_eq!(ops.at("POST", &path, r#"{"tokenTtl":0}"#).await.status, 400);
    let other = format!("{}/directories/{}/sync-client", provider(seeds::FLEET_PROVIDER), seeds::FLEET_CORP);
    assert_eq!(ops.at("POST", &other, "{}").await.status, 404);
}

#[tokio::test]
async fn saml_metadata_is_checked() {
    let ops = ops().await;
    let check = async |ops: &Ops, body: Value| ops.at("POST", "/saml-metadata/validate", &body.to_string()).await;
    let vidb = seeds::FLEET_FREE_BROKER;
    // <EntityDescriptor/>
    let good = check(&ops, json!({"vidbResourceId": vidb, "metadata": "PEVudGl0eURlc2NyaXB0b3IvPg=="})).await;
    assert!(good.status == 200 && good.json()["preferredBinding"].is_string(), "{}", good.body);
    assert_eq!(check(&ops, json!({"vidbResourceId": vidb, "metadata": "https://idp.example/saml"})).await.status, 200);
    assert_eq!(check(&ops, json!({"vidbResourceId": vidb, "metadata": "PGE+"})).await.status, 400);
    assert_eq!(check(&ops, json!({"vidbResourceId": seeds::FLEET_CORP, "metadata": "https://a"})).await.status, 400);
    let pem = ops.simulator.ca_pem().to_owned();
    let with_pem = json!({"vidbResourceId": vidb, "metadata": "https://a", "certificate": pem});
    assert_eq!(check(&ops, with_pem.clone()).await.status, 400);
    ops.switch(FleetVersion::V9_1_1);
    assert_eq!(check(&ops, with_pem).await.status, 200);
}

#[tokio::test]
async fn lifetimes_are_read_and_written() {
    let ops = ops().await;
    let settings = ops.get("/settings").await;
    assert_eq!(settings["accessTokenTtl"], 480);
    let changed = with(settings.clone(), "/accessTokenTtl", json!(30));
    assert_eq!(ops.at("PUT", "/settings", &changed.to_string()).await.json(), changed);
    assert_eq!(ops.get("/settings").await, changed);
    let bad = with(settings, "/accessTokenTtl", json!(10));
    assert_eq!(ops.at("PUT", "/settings", &bad.to_string()).await.status, 400);
}

#[tokio::test]
async fn on_demand_directory_survives_an_update_by_a_9_1_0_client() {
    let ops = ops().await;
    let body = ops.get(&provider(seeds::FLEET_PROVIDER)).await;
    assert_eq!(ops.at("PUT", PROVIDERS, &body.to_string()).await.status, 200);
    ops.switch(FleetVersion::V9_1_1);
    assert_eq!(ops.directory(seeds::FLEET_ON_DEMAND).await["syncMode"], "ON_DEMAND");
    assert_eq!(ops.at("GET", &format!("{}/sync-profile", path_of(seeds::FLEET_ON_DEMAND)), "").await.status, 200);
}

//! Identity providers: list, get, create, SCIM sync client, SAML metadata.

use http::Method;
use serde_json::{Value, json};

use crate::support::script::{Call, get, post};
use crate::support::webhook::{Instance, KEY, READER, digest};

pub(crate) const OPS: &str = "https://ops.corp.example";
pub(crate) const IAM: &str = "https://ops.corp.example/suite-api/api/fleet-management/iam";
pub(crate) const LIST: &str = "/fleet/default/v1/identity-providers";
pub(crate) const REALM: &str = "d222d5e3-5f84-4cd8-b51d-5f80bccd8f36";
pub(crate) const EMPTY_REALM: &str = "70b2b25d-6968-44af-aa8e-b5385c6217d2";
pub(crate) const PROVIDER: &str = "3acffa05-a0cc-454e-9d0f-5187be78d61f";
const BIND_PASSWORD: &str = "a-bind-password";

/// A webhook with a VCF Operations, and a script of `calls`.
pub(crate) fn instance(calls: impl IntoIterator<Item = Call>) -> Instance {
    let keys = json!([
        {"name": "all", "sha256": digest(KEY), "scopes": ["fleet:read", "fleet:write"]},
        {"name": "reader", "sha256": digest(READER), "scopes": ["fleet:read"]},
    ]);
    let variables = [
        ("fleet_url", OPS),
        ("fleet_username", "svc"),
        ("fleet_password", "pässword"),
        ("api_keys", &keys.to_string()),
    ];
    Instance::with(&variables, calls)
}

pub(crate) fn login() -> Call {
    post(format!("{OPS}/suite-api/api/auth/token/acquire"))
        .answer(200, r#"{"token":"a-session::token","validity":1795190400000}"#)
}

pub(crate) fn realms() -> Call {
    let realms = json!({"ssoRealms": [
        {"id": REALM, "name": "Europe", "idpId": PROVIDER, "apiToken": "hunter2"}, {"id": EMPTY_REALM, "name": "Asia"}
    ]});
    get(format!("{IAM}/ssorealms")).answer(200, realms.to_string())
}

pub(crate) fn read(provider: &Value) -> Call {
    get(format!("{IAM}/identity-providers/{PROVIDER}")).answer(200, provider.to_string())
}

/// An Active Directory to create.
pub(crate) fn spec() -> Value {
    json!({
        "name": "Corp AD", "ssoRealmId": REALM, "idpType": "ADLDAP", "idpProtocol": "LDAP_BIND", "provisionType": "LDAP",
        "provisioningConfig": {"ldapConfigurations": [{
            "name": "corp", "domains": ["corp.example"],
            "ldapBindConfiguration": {
                "type": "ACTIVE_DIRECTORY_LDAP", "baseDn": "DC=corp,DC=example", "bindDn": "CN=svc,DC=corp,DC=example",
                "bindDnPassword": BIND_PASSWORD,
                "primaryDomainController": {"host": "dc1.corp.example", "port": 389, "protocol": "LDAP"}
            }
        }]}
    })
}

/// The same as VCF Operations returns it.
pub(crate) fn shown() -> Value {
    let mut shown = spec();
    shown["id"] = json!(PROVIDER);
    let directory = &mut shown["provisioningConfig"]["ldapConfigurations"][0];
    directory["ldapConfigurationId"] = json!("8d0e2e7a-3b0c-4f4e-a8d0-2f6d0d3f5c11");
    directory["ldapBindConfiguration"].as_object_mut().unwrap().remove("bindDnPassword");
    shown
}

/// A provider with SCIM.
fn scim() -> Value {
    json!({"id": PROVIDER, "name": "Okta", "provisionType": "SCIM", "directories": [{"id": "d-1", "name": "okta"}],
        "idpConfig": {"oidcConfiguration": {"clientId": "c", "clientSecret": "hunter2"}}})
}

#[test]
fn list_reads_each_realms_provider() {
    let instance = instance([login(), realms(), read(&scim())]);
    let answer = instance.get(LIST);
    assert_eq!((answer.status().as_u16(), instance.calls()), (200, 3));
    assert!(!answer.text().contains("hunter2"), "{}", answer.text());
    let mut provider = scim();
    provider["idpConfig"]["oidcConfiguration"]["clientSecret"] = json!("…");
    let listed = json!({"elements": [
        {"realm": {"id": REALM, "name": "Europe", "idpId": PROVIDER, "apiToken": "…"}, "provider": provider},
        {"realm": {"id": EMPTY_REALM, "name": "Asia"}, "provider": null}
    ]});
    assert_eq!(answer.json(), listed);
}

#[test]
fn provider_that_vanishes_during_the_list_is_null() {
    let gone = get(format!("{IAM}/identity-providers/{PROVIDER}"))
        .answer(404, r#"{"message":"no such provider","apiErrorCode":404}"#);
    let instance = instance([login(), realms(), gone]);
    let listed = instance.get(LIST).json();
    assert_eq!((&listed["elements"][0]["provider"], listed["elements"].as_array().unwrap().len()), (&Value::Null, 2));
}

#[test]
fn vcf_operations_9_0_is_not_supported() {
    let page = || get(format!("{IAM}/ssorealms")).answer(404, "<html>no such page</html>");
    let version = || {
        get(format!("{OPS}/suite-api/api/versions/current"))
            .answer(200, r#"{"releaseName":"VCF Operations 9.0.2","major":2,"minor":2}"#)
    };
    let instance = instance([login(), page(), version()]);
    let problem = instance.get(LIST).problem("not_supported");
    assert!(problem["detail"].as_str().unwrap().contains("9.0.2"), "{problem}");
}

#[test]
fn unknown_id_that_is_answered_with_400_is_not_found() {
    const OTHER: &str = "a1b2c3d4-0000-4000-8000-0000000000ff";
    let said = r#"{"message":"InvalidParameter idpConfigId","httpStatusCode":400}"#;
    let rejects = |id: &str| get(format!("{IAM}/identity-providers/{id}")).answer(400, said);
    let instance = instance([login(), rejects(OTHER), realms()]);
    let problem = instance.get(&format!("{LIST}/{OTHER}")).problem("not_found");
    assert!(problem["detail"].as_str().unwrap().contains(OTHER), "{problem}");
    // A realm has this one, so the rejection is about something else.
    instance.then([rejects(PROVIDER), realms()]);
    let problem = instance.get(&format!("{LIST}/{PROVIDER}")).problem("upstream_rejected");
    assert!(problem["detail"].as_str().unwrap().contains("InvalidParameter"), "{problem}");
}

#[test]
fn absent_provider_is_not_found_where_the_version_has_the_call() {
    let gone = || {
        get(format!("{IAM}/identity-providers/{PROVIDER}"))
            .answer(404, r#"{"message":"no such provider","apiErrorCode":404}"#)
    };
    let version = |major| {
        let version = json!({"releaseName": "VCF Operations", "major": major, "minor": 1});
        get(format!("{OPS}/suite-api/api/versions/current")).answer(200, version.to_string())
    };
    let instance = instance([login(), gone(), version(9), gone(), version(2)]);
    instance.get(&format!("{LIST}/{PROVIDER}")).problem("not_found");
    instance.get(&format!("{LIST}/{PROVIDER}")).problem("not_supported");
}

#[test]
fn provider_is_shown_without_its_secrets() {
    let instance = instance([login(), read(&scim())]);
    let answer = instance.get(&format!("{LIST}/{PROVIDER}"));
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.json()["idpConfig"]["oidcConfiguration"]["clientSecret"], "…");
    for id in ["..", "a%2Fb", "a%20b"] {
        instance.get(&format!("{LIST}/{id}")).problem("request_invalid");
    }
    assert_eq!(instance.calls(), 2);
}

#[test]
fn provider_is_created_with_its_secrets() {
    let body = spec().to_string();
    let created = post(format!("{IAM}/identity-providers")).answer(201, shown().to_string());
    let instance = instance([login(), created]);
    let answer = instance.send(Method::POST, LIST, &body);
    assert_eq!((answer.status().as_u16(), answer.json()), (201, json!({"id": PROVIDER})));
    assert_eq!(answer.header("location"), format!("{LIST}/{PROVIDER}"));
    let sent: Value = serde_json::from_slice(instance.script.requests()[1].body()).unwrap();
    assert_eq!(sent, spec());
}

#[test]
fn invalid_provider_makes_no_call() {
    let instance = instance([]);
    let mut body = spec();
    body["idpType"] = json!("ADLDA");
    body["id"] = json!(PROVIDER);
    body["provisioningConfig"]["ldapConfigurations"][0]["ldapBindConfiguration"]["bindDn"] = json!("svc@corp.example");
    // As another document's inputs, with a list as one object.
    body["provisioningConfig"]["ldapConfigurations"] = body["provisioningConfig"]["ldapConfigurations"][0].clone();
    let answer = instance.send(Method::POST, LIST, &json!({"inputs": body}).to_string());
    assert!(!answer.text().contains(BIND_PASSWORD), "{}", answer.text());
    let problem = answer.problem("request_invalid");
    let pointers: Vec<_> =
        problem["errors"].as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap()).collect();
    let bind_dn = "/inputs/provisioningConfig/ldapConfigurations/ldapBindConfiguration/bindDn";
    assert_eq!(pointers, ["/inputs/idpType", bind_dn, "/inputs/id"]);
    instance.send(Method::PUT, LIST, "{}").problem("request_invalid");
    let refused = instance.send_as_reader(Method::POST, LIST, &spec().to_string());
    assert!(refused.problem("forbidden")["detail"].as_str().unwrap().contains("fleet:write"));
    assert_eq!(instance.calls(), 0);
}

#[test]
fn rejections_show_the_vendors_validation_failures() {
    let rejected = post(format!("{IAM}/identity-providers")).answer(
        400,
        r#"{"message":"Invalid request","apiErrorCode":1501,"validationFailures":[{"failureMessage":"idp.pem.certificate.chains.max.exceeded","violationPath":"certificateChain"}]}"#,
    );
    let instance = instance([login(), rejected]);
    let problem = instance.send(Method::POST, LIST, &spec().to_string()).problem("upstream_rejected");
    assert!(problem.to_string().contains("certificateChain: idp.pem.certificate.chains.max.exceeded"), "{problem}");
}

const CLIENT: &str = r#"{"scimClientDetails":{"clientId":"c","clientSecret":"s3cr3t","tokenTtl":180},"accessTokenDetails":{"accessToken":"hunter2","tokenExpiresAt":180}}"#;

#[test]
fn sync_client_is_generated_for_the_providers_directory() {
    let path = format!("{IAM}/identity-providers/{PROVIDER}/directories/d-1/sync-client");
    let generated = post(&path).body(r#"{"tokenTtl":180,"generateToken":true}"#).answer(201, CLIENT);
    let instance = instance([login(), read(&scim()), generated, read(&scim()), get(path).answer(200, CLIENT)]);
    let place = format!("{LIST}/{PROVIDER}/sync-client");
    let answer = instance.send(Method::POST, &format!("{place}?tokenTtl=180"), "");
    assert_eq!((answer.status().as_u16(), answer.text().as_str()), (201, CLIENT));
    let answer = instance.send_as_reader(Method::GET, &place, "");
    let masked = CLIENT.replace("s3cr3t", "…").replace("hunter2", "…");
    assert_eq!((answer.status().as_u16(), answer.text()), (200, masked));
    for ttl in ["0", "-1", "x", "2147483648"] {
        let problem = instance.send(Method::POST, &format!("{place}?tokenTtl={ttl}"), "").problem("request_invalid");
        assert!(problem["detail"].as_str().unwrap().contains("tokenTtl"), "{problem}");
    }
    instance.send_as_reader(Method::POST, &place, "").problem("forbidden");
}

#[test]
fn generated_secrets_are_not_kept_for_an_idempotency_key() {
    let path = format!("{IAM}/identity-providers/{PROVIDER}/directories/d-1/sync-client");
    let generated = || post(&path).answer(201, CLIENT);
    let instance = instance([login(), read(&scim()), generated(), read(&scim()), generated()]);
    let headers = [("idempotency-key", "k-1")];
    for _ in 0..2 {
        let answer = instance.send_with(Method::POST, &format!("{LIST}/{PROVIDER}/sync-client"), &headers, "");
        assert_eq!(answer.status(), 201);
    }
    assert_eq!(instance.calls(), 5);
}

#[test]
fn provider_without_a_directory_has_no_sync_client() {
    let instance = instance([login(), read(&shown())]);
    let problem = instance.get(&format!("{LIST}/{PROVIDER}/sync-client")).problem("request_invalid");
    assert!(problem["detail"].as_str().unwrap().contains("its provisionType is LDAP"), "{problem}");
    let mut unnamed = scim();
    unnamed["directories"][0].as_object_mut().unwrap().remove("id");
    instance.then([read(&unnamed)]);
    let problem = instance.get(&format!("{LIST}/{PROVIDER}/sync-client")).problem("upstream_invalid");
    assert!(problem["detail"].as_str().unwrap().contains("without its id"), "{problem}");
}

#[test]
fn saml_metadata_is_checked() {
    let path = "/fleet/default/v1/saml-metadata/validate";
    let body =
        r#"{"vidbResourceId":"14e95251-8149-44ca-beee-4c943484ecfd","metadata":"https://corp.okta.example/saml"}"#;
    let content = r#"{"nameIdFormatAttributeMappings":[{"nameIdFormat":"urn:x","nameIdValue":"userName"}],"preferredBinding":"urn:y"}"#;
    let instance = instance([login(), post(format!("{IAM}/saml-metadata/validate")).body(body).answer(200, content)]);
    // The identity broker reads the URL: a reader could try which servers it reaches.
    instance.send_as_reader(Method::POST, path, body).problem("forbidden");
    let answer = instance.send(Method::POST, path, body);
    assert_eq!((answer.status().as_u16(), answer.text().as_str()), (200, content));
    let problem = instance.send(Method::POST, path, r#"{"metadata":"<x/>"}"#).problem("request_invalid");
    assert_eq!(problem["errors"].as_array().unwrap().len(), 2, "{problem}");
}

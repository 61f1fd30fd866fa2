use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::*;
use crate::vcf::testing::{self, wire};
use crate::vcf::{identity_providers, identity_sources};

const LIST: &str = include_str!("../../../tests/fixtures/vcf/identity-providers.answer.json");
const FEDERATED: &str = include_str!("../../../tests/fixtures/vcf/identity-provider-federated.answer.json");
const CHAIN: &str = include_str!("../../../tests/fixtures/vcf/chain.pem");
const HEAD: &str = "accept: application/json\ncontent-type: application/json\n\n";

/// 2027-01-01T00:00:00Z.
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_798_761_600)
}

/// The source of the vendor's guide, with these fields of its `sourceDetails` replaced.
fn source(details: Value) -> IdentitySource {
    let mut list: Value = serde_json::from_str(LIST).unwrap();
    let mut source = list["elements"][0]["identitySources"][2].take();
    for (name, value) in details.as_object().unwrap() {
        source["ldap"]["sourceDetails"][name] = value.clone();
    }
    serde_json::from_value(source).unwrap()
}

fn ldaps(chain: Value) -> IdentitySource {
    source(json!({"serverEndpoints": ["ldaps://dns01.domain.com"], "certChain": chain}))
}

fn adfs() -> Value {
    let mut list: Value = serde_json::from_str(LIST).unwrap();
    list["elements"][1].take()
}

/// The certificates of the fixture as SDDC Manager holds them: base64 of PEM.
fn certificates() -> [String; 2] {
    const END: &str = "-----END CERTIFICATE-----\n";
    let mut parts = CHAIN.split_inclusive(END).filter(|part| part.contains(END)).map(|pem| STANDARD.encode(pem));
    [parts.next().unwrap(), parts.next().unwrap()]
}

/// The request that changes the source to `spec`.
fn source_request(spec: Result<Checked<IdentitySourceSpec>, Vec<FieldError>>) -> String {
    let spec = spec.unwrap();
    let (provider, domain_name) = (&testing::id("p"), &testing::domain("embedded-ids.com"));
    wire(&identity_sources::Update { provider, domain_name, spec: spec.spec() })
}

fn with_credentials(present: &IdentitySource, new: Value) -> Result<Checked<IdentitySourceSpec>, Vec<FieldError>> {
    let new = Checked::<NewCredentials>::to_set(serde_json::from_value(new).unwrap(), now()).unwrap();
    new.in_source(present, &testing::domain("embedded-ids.com"), now())
}

fn with_certificates(present: &IdentitySource, new: Value) -> Result<Checked<IdentitySourceSpec>, Vec<FieldError>> {
    let new = Checked::<NewCertificates>::to_set(serde_json::from_value(new).unwrap(), now()).unwrap();
    new.in_source(present, &testing::domain("embedded-ids.com"), now())
}

fn with_client_secret(present: Value, new: Value) -> Result<Checked<IdentityProviderSpec>, Vec<FieldError>> {
    let new = Checked::<NewClientSecret>::to_set(serde_json::from_value(new).unwrap(), now()).unwrap();
    new.in_provider(&serde_json::from_value(present).unwrap(), now())
}

fn provider_request(spec: Result<Checked<IdentityProviderSpec>, Vec<FieldError>>) -> String {
    let spec = spec.unwrap();
    wire(&identity_providers::Update { id: &testing::id("p"), spec: spec.spec() })
}

/// The body that changes the guide's source: its account, its password and its details.
fn source_body(username: &str, password: &str, details: &str) -> String {
    format!(
        "PATCH /v1/identity-providers/p/identity-sources/embedded-ids.com\n{HEAD}{{\"name\":\"embedded-ids-name\",\"ldap\":\
         {{\"type\":\"ActiveDirectory\",\"domainName\":\"embedded-ids.com\",\"domainAlias\":\"embedded-ids\",\"username\":\
         \"{username}\",\"password\":\"{password}\",\"sourceDetails\":{{\"usersBaseDn\":\"users-base-dn\",\"groupsBaseDn\":\
         \"groups-base-dn\",{details}}}}}}}"
    )
}

#[test]
fn new_password_goes_with_everything_that_is_shown() {
    let details = r#""certChain":[],"serverEndpoints":["ldap://dns01.domain.com","ldap://dns02.domain.com"]"#;
    let request = source_request(with_credentials(&source(json!({})), json!({"password": "n\"w"})));
    assert_eq!(request, source_body("test-user@domain.com", r#"n\"w"#, details));
    let new = json!({"password": "new", "username": "DOMAIN\\svc"});
    let request = source_request(with_credentials(&source(json!({})), new));
    assert_eq!(request, source_body(r"DOMAIN\\svc", "new", details));
}

#[test]
fn new_password_keeps_or_sets_the_chain_of_ldaps_servers() {
    let [old, new] = certificates();
    let details = |chain: &str| format!(r#""certChain":["{chain}"],"serverEndpoints":["ldaps://dns01.domain.com"]"#);
    let request = source_request(with_credentials(&ldaps(json!([old])), json!({"password": "p"})));
    assert_eq!(request, source_body("test-user@domain.com", "p", &details(&old)));
    let sent = json!({"password": "p", "certChain": [new]});
    let request = source_request(with_credentials(&ldaps(json!([old])), sent.clone()));
    assert_eq!(request, source_body("test-user@domain.com", "p", &details(&new)));
    // Without a chain, an update would lose the one that is not shown.
    for hidden in [json!([]), Value::Null] {
        let faults = with_credentials(&ldaps(hidden.clone()), json!({"password": "p"})).unwrap_err();
        assert_eq!((faults.len(), faults[0].pointer.as_str()), (1, "/certChain"));
        assert!(with_credentials(&ldaps(hidden), sent.clone()).is_ok());
    }
}

#[test]
fn new_certificates_replace_the_present_ones_or_join_them() {
    let [old, new] = certificates();
    let body = |chain: &str| {
        let details = format!(r#""certChain":[{chain}],"serverEndpoints":["ldaps://dns01.domain.com"]"#);
        source_body("test-user@domain.com", "p", &details)
    };
    let set = |keep: bool, chain: &[&String]| {
        let new = json!({"certChain": chain, "keep": keep, "password": "p"});
        source_request(with_certificates(&ldaps(json!([old])), new))
    };
    assert_eq!(set(false, &[&new]), body(&format!("\"{new}\"")));
    assert_eq!(set(true, &[&new]), body(&format!("\"{new}\",\"{old}\"")));
    // One that is already there is not sent twice.
    assert_eq!(set(true, &[&new, &old]), body(&format!("\"{new}\",\"{old}\"")));
    let faults = with_certificates(&ldaps(json!([])), json!({"certChain": [new], "keep": true, "password": "p"}));
    assert_eq!(faults.unwrap_err()[0].pointer, "/keep");
}

#[test]
fn client_secret_of_adfs_goes_with_its_directory() {
    let request =
        provider_request(with_client_secret(adfs(), json!({"clientSecret": "s", "certChain": [], "password": "p"})));
    let body =
        r#"{"name":"My AD Identity Source","type":"AD_FS","certChain":[],"ldap":{"domainName":"external-idp.com","#;
    let (line, rest) = request.split_once(HEAD).unwrap();
    assert_eq!(line, "PATCH /v1/identity-providers/p\n");
    assert!(rest.starts_with(body), "the kind Oidc is not sent: {rest}");
    assert!(rest.contains(r#""password":"p""#) && rest.contains(r#""clientSecret":"s""#), "{rest}");
    for (new, pointer) in [
        (json!({"clientSecret": "s", "certChain": []}), "/password"),
        (json!({"clientSecret": "s", "certChain": [], "password": " "}), "/password"),
    ] {
        assert_eq!(with_client_secret(adfs(), new).unwrap_err()[0].pointer, pointer);
    }
    let new = json!({"clientSecret": "s", "certChain": [], "password": "p", "type": "ActiveDirectory"});
    assert!(provider_request(with_client_secret(adfs(), new)).contains(r#""type":"ActiveDirectory""#));
}

#[test]
fn client_secret_of_a_federated_provider_goes_with_its_directory_of_users() {
    let present: Value = serde_json::from_str(FEDERATED).unwrap();
    let new = json!({"clientSecret": "s", "certChain": []});
    let request = provider_request(with_client_secret(present.clone(), new.clone()));
    let body: Value = serde_json::from_str(request.split_once(HEAD).unwrap().1).unwrap();
    assert_eq!(body["fedIdpSpec"]["oidcSpec"]["clientSecret"], "s", "{body}");
    assert_eq!(body["fedIdpSpec"]["directory"]["defaultDomain"], present["fedIdp"]["directoryList"]["defaultDomain"]);
    assert!(body.get("ldap").is_none() && body.get("oidc").is_none(), "{body}");
    let faults = with_client_secret(present.clone(), json!({"clientSecret": "s", "certChain": [], "password": "p"}));
    assert_eq!(faults.unwrap_err()[0].pointer, "/password", "it has no directory with a bind password");
    let mut several = present;
    let one = several["fedIdp"]["directoryList"].take();
    several["fedIdp"]["directoryList"] = json!([one, one]);
    assert!(with_client_secret(several, new).unwrap_err()[0].detail.contains("several directories"));
    let bare = json!({"id": "p", "name": "n", "type": "OKTA"});
    let faults = with_client_secret(bare, json!({"clientSecret": "s", "certChain": []})).unwrap_err();
    assert!(faults[0].detail.contains("no OpenID Connect client"));
}

#[test]
fn unknown_fields_are_sent_back_unless_a_secret_is_struck() {
    let mut present = source(json!({"aFieldOfTomorrow": [1, null]}));
    let request = source_request(with_credentials(&present, json!({"password": "p"})));
    assert!(request.contains(r#""aFieldOfTomorrow":[1,null]"#), "{request}");
    present.extra.0.insert("tomorrow".to_owned(), json!({"deep": [{"bindToken": "hunter2"}]}));
    crate::redact::blank_secrets_in(&mut present.extra.0);
    let faults = with_credentials(&present, json!({"password": "p"})).unwrap_err();
    assert!(faults[0].detail.contains("/tomorrow") && !faults[0].detail.contains("hunter2"), "{faults:?}");
}

#[test]
fn faults_of_the_shown_part_name_their_origin() {
    let broken = source(json!({"usersBaseDn": " "}));
    let faults = with_credentials(&broken, json!({"password": "p"})).unwrap_err();
    assert_eq!((faults.len(), faults[0].pointer.as_str()), (1, ""));
    assert!(faults[0].detail.starts_with("/ldap/sourceDetails/usersBaseDn, as SDDC Manager shows it"), "{faults:?}");
    let faults = with_credentials(&source(json!({})), json!({"password": "p", "username": "svc"})).unwrap_err();
    assert_eq!(faults[0].pointer, "/username");
    let [_, new] = certificates();
    let present = ldaps(json!(["no certificate"]));
    let kept = with_certificates(&present, json!({"certChain": [new], "keep": true, "password": "p"})).unwrap_err();
    assert_eq!(kept[0].pointer, "/keep", "{kept:?}");
}

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const PROVIDER: &str = include_str!("../../../tests/fixtures/vcf/identity-provider-add.request.json");
const SOURCE: &str = include_str!("../../../tests/fixtures/vcf/identity-source-add.request.json");
const FEDERATED: &str = include_str!("../../../tests/fixtures/vcf/identity-provider-federated.request.json");
const CHAIN: &str = include_str!("../../../tests/fixtures/vcf/chain.pem");
const EXPIRED: &str = include_str!("../../../tests/fixtures/vcf/expired.pem");

/// 2027-01-01T00:00:00Z.
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_798_761_600)
}

fn provider(json: &Value) -> Result<Vec<CertificateFacts>, Vec<FieldError>> {
    serde_json::from_value::<IdentityProviderSpec>(json.clone()).unwrap().validate(Purpose::Create, now())
}

fn source(json: &Value) -> Result<Vec<CertificateFacts>, Vec<FieldError>> {
    serde_json::from_value::<IdentitySourceSpec>(json.clone()).unwrap().validate(Purpose::Create, now())
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn pointers(outcome: Result<Vec<CertificateFacts>, Vec<FieldError>>) -> Vec<String> {
    outcome.unwrap_err().into_iter().map(|error| error.pointer).collect()
}

/// `json` with the value at `pointer` replaced.
fn with(json: &str, pointer: &str, value: Value) -> Value {
    let mut json = parsed(json);
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    json.pointer_mut(parent).unwrap()[name] = value;
    json
}

#[test]
fn published_examples_pass() {
    assert_eq!(provider(&parsed(PROVIDER)), Ok(vec![]));
    assert_eq!(source(&parsed(SOURCE)), Ok(vec![]));
    assert_eq!(provider(&parsed(FEDERATED)), Ok(vec![]));
    // PowerVCF's sample for ADFS omits the domain's name and the directory's type.
    let mut sample = parsed(PROVIDER);
    sample["ldap"].as_object_mut().unwrap().remove("domainName");
    sample["type"] = json!("AD_FS");
    assert_eq!(provider(&sample), Ok(vec![]));
    // VCF 5.1 does not know the source's type.
    assert_eq!(provider(&with(FEDERATED, "/fedIdpSpec/directory/federatedIdpSourceType", Value::Null)), Ok(vec![]));
}

#[test]
fn missing_fields_are_reported_together() {
    assert_eq!(pointers(provider(&json!({}))), ["/name", "/type"]);
    assert_eq!(pointers(source(&json!({"name": " "}))), ["/name", "/ldap"]);
    assert_eq!(
        pointers(source(&json!({"name": "n", "ldap": {}}))),
        ["/ldap/type", "/ldap/domainName", "/ldap/username", "/ldap/password", "/ldap/sourceDetails"]
    );
    assert_eq!(
        pointers(provider(
            &json!({"name": "n", "type": "t", "ldap": {"sourceDetails": {}}, "oidc": {}, "fedIdpSpec": {}})
        )),
        [
            "/ldap/username",
            "/ldap/password",
            "/ldap/sourceDetails/usersBaseDn",
            "/ldap/sourceDetails/groupsBaseDn",
            "/ldap/sourceDetails/serverEndpoints",
            "/oidc/clientId",
            "/oidc/clientSecret",
            "/oidc/discoveryEndpoint",
            "/fedIdpSpec/name",
            "/fedIdpSpec/directory",
            "/fedIdpSpec/oidcSpec",
        ]
    );
    let directory = json!({"domains": ["a", ""]});
    assert_eq!(
        pointers(provider(&with(FEDERATED, "/fedIdpSpec/directory", directory))),
        ["/fedIdpSpec/directory/name", "/fedIdpSpec/directory/defaultDomain", "/fedIdpSpec/directory/domains/1"]
    );
}

#[test]
fn update_requires_secrets_and_says_why() {
    let spec: IdentitySourceSpec = serde_json::from_value(with(SOURCE, "/ldap/password", json!(""))).unwrap();
    let errors = spec.validate(Purpose::Update, now()).unwrap_err();
    assert_eq!(errors[0].pointer, "/ldap/password");
    assert!(errors[0].detail.contains("no partial update"), "{}", errors[0].detail);
    assert!(!spec.validate(Purpose::Create, now()).unwrap_err()[0].detail.contains("update"));
}

#[test]
fn endpoints_are_ldap_urls() {
    let at = "/ldap/sourceDetails/serverEndpoints";
    for good in [
        "ldap://dc01",
        "ldap://dc01.corp.example:389",
        "LDAP://10.0.0.1:3268/",
        "ldap://[2001:db8::1]:389",
        "ldap://dc_01.corp",
    ] {
        assert_eq!(source(&with(SOURCE, at, json!([good]))), Ok(vec![]), "{good}");
    }
    for bad in [
        "",
        "dc01",
        "dc01:389",
        "http://dc01",
        "ldap:dc01",
        "ldap://",
        "ldap://:389",
        "ldap://dc01:0",
        "ldap://dc01:65536",
        "ldap://dc01:",
        "ldap://dc01:x",
        "ldap://user@dc01",
        "ldap://dc01/dc=corp",
        "ldap://dc01?x",
        "ldap://a b",
        " ldap://dc01",
        "ldap://dc01:+389",
    ] {
        assert_eq!(pointers(source(&with(SOURCE, at, json!(["ldap://dc01", bad])))), [format!("{at}/1")], "{bad}");
    }
    assert_eq!(pointers(source(&with(SOURCE, at, json!([])))), [at]);
    assert_eq!(source(&with(SOURCE, at, json!(["ldap://a", "ldap://b", "ldap://c"]))), Ok(vec![]));
}

#[test]
fn ldaps_requires_certificates() {
    let ldaps = with(SOURCE, "/ldap/sourceDetails/serverEndpoints", json!(["ldap://dc01", "ldaps://dc02:636"]));
    assert_eq!(pointers(source(&ldaps)), ["/ldap/sourceDetails/certChain"]);
    let mut trusted = ldaps;
    trusted["ldap"]["sourceDetails"]["certChain"] = json!([STANDARD.encode(CHAIN)]);
    let facts = source(&trusted).unwrap();
    assert_eq!(facts.len(), 2);
    assert_eq!(facts[0].pointer, "/ldap/sourceDetails/certChain/0");
    trusted["ldap"]["sourceDetails"]["certChain"] = json!([CHAIN, STANDARD.encode(EXPIRED), "junk"]);
    assert_eq!(pointers(source(&trusted)), ["/ldap/sourceDetails/certChain/1", "/ldap/sourceDetails/certChain/2"]);
}

#[test]
fn root_certificates_are_checked() {
    assert_eq!(provider(&with(PROVIDER, "/certChain", json!([CHAIN]))).unwrap().len(), 2);
    assert_eq!(pointers(provider(&with(PROVIDER, "/certChain", json!([CHAIN, EXPIRED])))), ["/certChain/1"]);
}

#[test]
fn texts_follow_the_vendors_rules() {
    for good in ["svc@corp.example", "CORP\\svc", "cn=svc,dc=corp,dc=example"] {
        assert_eq!(source(&with(SOURCE, "/ldap/username", json!(good))), Ok(vec![]), "{good}");
    }
    assert_eq!(pointers(source(&with(SOURCE, "/ldap/username", json!("svc")))), ["/ldap/username"]);
    for bad in [".", "..", "corp\n.example", "\u{0}", "a/b", "..%2Fcredentials", "müller.example", "corp.css"] {
        assert_eq!(pointers(source(&with(SOURCE, "/ldap/domainName", json!(bad)))), ["/ldap/domainName"], "{bad:?}");
    }
    for bad in ["idp.corp.example", "ftp://idp", "https://", "/.well-known/openid-configuration", "https://a b"] {
        assert_eq!(
            pointers(provider(&with(PROVIDER, "/oidc/discoveryEndpoint", json!(bad)))),
            ["/oidc/discoveryEndpoint"],
            "{bad}"
        );
    }
    for bad in ["{{ username }}", "svc@${domain}"] {
        assert_eq!(pointers(source(&with(SOURCE, "/ldap/username", json!(bad)))), ["/ldap/username"], "{bad}");
    }
    for (name, good) in [("Größe 2_a-b", true), ("目录", true), ("a.b", false), ("a\tb", false)] {
        assert_eq!(provider(&with(FEDERATED, "/fedIdpSpec/directory/name", json!(name))).is_ok(), good, "{name}");
    }
    for ttl in [0, -1] {
        assert_eq!(
            pointers(provider(&with(FEDERATED, "/fedIdpSpec/syncClientTokenTTL", json!(ttl)))),
            ["/fedIdpSpec/syncClientTokenTTL"]
        );
    }
}

#[test]
fn errors_show_no_secret() {
    let mut json = with(PROVIDER, "/ldap/username", json!(""));
    json["oidc"]["clientId"] = json!("");
    let told = format!("{:?}", provider(&json).unwrap_err());
    assert!(!told.contains("xxxxxxxxx") && !told.contains("23bf3c38"), "{told}");
}

proptest! {
    #[test]
    fn checks_never_panic(a in "\\PC*", b in any::<String>(), seconds in any::<u32>()) {
        let details = json!({"usersBaseDn": a, "certChain": [a, b], "serverEndpoints": [a, b, format!("ldaps://{a}"), format!("ldap://h:{b}")]});
        let ldap = json!({"type": b, "domainName": b, "username": a, "password": b, "sourceDetails": details});
        let oidc = json!({"clientId": a, "discoveryEndpoint": format!("https://{b}")});
        let federated = json!({"name": a, "directory": {"name": b, "domains": [a, b]}, "oidcSpec": oidc});
        let json = json!({"name": a, "type": b, "certChain": [b], "ldap": ldap, "oidc": oidc, "fedIdpSpec": federated});
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.into());
        for purpose in [Purpose::Create, Purpose::Update] {
            let spec: IdentityProviderSpec = serde_json::from_value(json.clone()).unwrap();
            let _ = spec.validate(purpose, now);
            let spec: IdentitySourceSpec = serde_json::from_value(json.clone()).unwrap();
            let _ = spec.validate(purpose, now);
        }
    }
}

#[test]
fn misspelt_fields_are_rejected_newer_fields_pass() {
    let wrong = |text: &str| {
        let spec: IdentitySourceSpec = serde_json::from_str(text).unwrap();
        let faults = spec.validate(Purpose::Create, SystemTime::UNIX_EPOCH).unwrap_err();
        let meant =
            faults.into_iter().filter(|fault| fault.detail.contains("did you mean") || fault.detail.contains("query"));
        meant.map(|fault| (fault.pointer, fault.detail)).collect::<Vec<_>>()
    };
    for (text, pointer, says) in [
        (r#"{"Name":"x"}"#, "/Name", "`name`"),
        (r#"{"dryRun":true}"#, "/dryRun", "?dryRun=true"),
        (r#"{"dry_run":true}"#, "/dry_run", "?dryRun=true"),
        (r#"{"Force":true}"#, "/Force", "?force=true"),
        (r#"{"ldap":{"userName":"x"}}"#, "/ldap/userName", "`username`"),
        (r#"{"ldap":{"domain_name":"x"}}"#, "/ldap/domain_name", "`domainName`"),
        (r#"{"ldap":{"sourceDetails":{"userBaseDN":"x"}}}"#, "/ldap/sourceDetails/userBaseDN", "`usersBaseDn`"),
        (
            r#"{"ldap":{"sourceDetails":{"serverEndpoint":[]}}}"#,
            "/ldap/sourceDetails/serverEndpoint",
            "`serverEndpoints`",
        ),
    ] {
        let found = wrong(text);
        assert!(found.len() == 1 && found[0].0 == pointer && found[0].1.contains(says), "{text}: {found:?}");
    }
    for text in [r#"{"id":"x","status":"active"}"#, r#"{"ldap":{"usernames2":"x","username":"a@b"}}"#] {
        assert_eq!(wrong(text), [], "{text}");
    }
}

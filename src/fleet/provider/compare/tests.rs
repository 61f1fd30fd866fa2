use serde_json::json;

use super::*;

const RESPONSE: &str = include_str!("../../../../tests/fixtures/fleet/identity-provider.answer.json");
const CHAIN: &str = include_str!("../../../../tests/fixtures/vcf/chain.pem");
const EXPIRED: &str = include_str!("../../../../tests/fixtures/vcf/expired.pem");
const BIND: &str = "/provisioningConfig/ldapConfigurations/0/ldapBindConfiguration";

fn provider(json: &Value) -> FederatedIdentityProvider {
    serde_json::from_value(json.clone()).unwrap()
}

/// The vendor's example, with its PEM texts replaced by a certificate.
fn ad() -> Value {
    let mut json: Value = serde_json::from_str(RESPONSE).unwrap();
    for name in ["primaryDomainController", "secondaryDomainController"] {
        json.pointer_mut(BIND).unwrap()[name]["certificate"] = json!(EXPIRED);
    }
    json
}

fn oidc() -> Value {
    json!({"name": "n", "idpType": "OKTA", "idpProtocol": "OIDC", "provisionType": "JIT",
        "idpConfig": {"oidcConfiguration": {"discoveryEndpoint": "https://h/x", "clientId": "c", "clientSecret": "hunter2",
            "openIdUserIdentifierAttribute": "sub"}},
        "directories": [{"name": "d", "domains": ["a.example", "b.example"], "defaultDomain": "a.example"}],
        "provisioningConfig": {"jitConfiguration": {
            "jitProvisioningGroups": [],
            "oidcJitConfiguration": {
                "openIdUserIdentifierAttribute": "sub", "internalUserIdentifierAttribute": "ExternalId",
                "userAttributeMappings": [
                    {"attributeName": "email", "directoryName": "email"},
                    {"attributeName": "given_name", "directoryName": "firstName"}
                ]},
            "samlJitConfiguration": {"groupMembershipAttribute": "memberOf", "passthroughClaimNames": ["x", "y"]}
        }},
        "certificateChain": [CHAIN]})
}

fn with(json: &Value, pointer: &str, value: Value) -> Value {
    let mut json = json.clone();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    json.pointer_mut(parent).unwrap()[name] = value;
    json
}

fn changes(wanted: &Value, shown: &Value) -> Vec<String> {
    provider(wanted).difference(&provider(shown)).changes.into_iter().map(|change| change.pointer).collect()
}

#[test]
fn provider_equals_itself() {
    for json in [ad(), oidc()] {
        assert_eq!(provider(&json).difference(&provider(&json)).changes, []);
    }
    assert_eq!(
        provider(&oidc()).difference(&provider(&oidc())).not_compared,
        ["/idpConfig/oidcConfiguration/clientSecret"]
    );
}

fn without(json: &Value, pointer: &str) -> Value {
    let mut json = json.clone();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    json.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name).unwrap();
    json
}

#[test]
fn omitted_fields_are_listed_with_their_values() {
    let oidc = with(&oidc(), "/certificateChain", json!([EXPIRED]));
    let jit = "/provisioningConfig/jitConfiguration";
    for (json, pointer) in [
        (ad(), format!("{BIND}/secondaryDomainController")),
        (ad(), format!("{BIND}/secondaryDomainController/port")),
        (ad(), format!("{BIND}/secondaryDomainController/certificate")),
        (with(&ad(), &format!("{BIND}/syncMode"), json!("ON_DEMAND")), format!("{BIND}/syncMode")),
        (ad(), BIND.to_owned()),
        (ad(), "/provisioningConfig/ldapConfigurations".to_owned()),
        (ad(), "/provisioningConfig".to_owned()),
        (oidc.clone(), "/certificateChain".to_owned()),
        (oidc.clone(), "/directories".to_owned()),
        (oidc.clone(), "/idpConfig".to_owned()),
        (oidc.clone(), "/idpConfig/oidcConfiguration".to_owned()),
        (oidc.clone(), "/idpConfig/oidcConfiguration/openIdUserIdentifierAttribute".to_owned()),
        (oidc.clone(), format!("{jit}/oidcJitConfiguration")),
        // The vendor's server fills these in.
        (oidc.clone(), format!("{jit}/oidcJitConfiguration/openIdUserIdentifierAttribute")),
        (oidc.clone(), format!("{jit}/oidcJitConfiguration/userAttributeMappings")),
    ] {
        let found = provider(&without(&json, &pointer)).difference(&provider(&json));
        let omitted: Vec<_> = found.omitted.iter().map(|field| field.pointer.as_str()).collect();
        assert_eq!((omitted, found.changes), (vec![pointer.as_str()], vec![]), "{pointer}");
        let text = serde_json::to_string(&found.omitted).unwrap();
        assert!(text.contains(r#""from""#) && !text.contains(r#""to""#), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
    // A secret is not shown, and an empty object is no value.
    let secret = without(&oidc, "/idpConfig/oidcConfiguration/clientSecret");
    assert_eq!(provider(&secret).difference(&provider(&secret)).omitted, []);
    let empty = with(&oidc, "/idpConfig/samlConfiguration", json!({}));
    assert_eq!(provider(&oidc).difference(&provider(&empty)).omitted, []);
    let groups = without(&oidc, &format!("{jit}/jitProvisioningGroups"));
    assert_eq!(provider(&groups).difference(&provider(&oidc)).omitted, [], "an empty list is no value");
}

#[test]
fn spelling_is_no_difference() {
    let controller = format!("{BIND}/primaryDomainController");
    let mut other = with(&ad(), &format!("{BIND}/baseDn"), json!("dc=Example, dc=COM"));
    other = with(&other, &format!("{controller}/host"), json!("AD-Primary.example.com"));
    other = with(&other, &format!("{controller}/certificate"), json!(EXPIRED.replace('\n', "\r\n")));
    assert_eq!(changes(&other, &ad()), [""; 0]);
    let mut other = with(&oidc(), "/directories/0/domains", json!(["B.example", "a.example"]));
    other = with(&other, "/idpConfig/oidcConfiguration/discoveryEndpoint", json!("HTTPS://H:443/x"));
    const JIT: &str = "/provisioningConfig/jitConfiguration";
    let mappings = format!("{JIT}/oidcJitConfiguration/userAttributeMappings");
    other =
        with(&other, &mappings, oidc().pointer(&mappings).unwrap().as_array().unwrap().iter().rev().cloned().collect());
    other = with(&other, &format!("{JIT}/samlJitConfiguration/groupMembershipAttribute"), Value::Null);
    other = with(&other, &format!("{JIT}/samlJitConfiguration/passthroughClaimNames"), json!(["y", "x"]));
    let groups = |json: &Value, domain: &str, names: [&str; 2]| {
        with(json, &format!("{JIT}/jitProvisioningGroups"), json!([{"domain": domain, "groupNames": names}]))
    };
    let shown = groups(&oidc(), "a.example", ["y", "x"]);
    assert_eq!(changes(&groups(&other, "a.example", ["x", "y"]), &shown), [""; 0]);
}

/// A server may omit what is not set.
#[test]
fn field_that_is_not_shown_is_a_change() {
    const JIT: &str = "/provisioningConfig/jitConfiguration";
    for field in ["oidcJitConfiguration/openIdUserIdentifierAttribute", "oidcJitConfiguration", "samlJitConfiguration"]
    {
        let pointer = format!("{JIT}/{field}");
        assert_eq!(changes(&oidc(), &without(&oidc(), &pointer)), [pointer]);
    }
    assert_eq!(changes(&oidc(), &without(&oidc(), &format!("{JIT}/jitProvisioningGroups"))), [""; 0], "an empty list");
}

/// The vendor's examples of responses have one line of a PEM text in each element.
#[test]
fn chain_in_lines_is_the_same_chain() {
    let lines = with(&oidc(), "/certificateChain", CHAIN.lines().collect());
    assert_eq!(changes(&oidc(), &lines), [""; 0]);
    assert_eq!(changes(&with(&oidc(), "/certificateChain", json!([EXPIRED])), &lines), ["/certificateChain"]);
}

#[test]
fn every_field_is_compared() {
    let controller = format!("{BIND}/secondaryDomainController");
    for (pointer, value) in [
        (format!("{BIND}/baseDn"), json!("DC=x")),
        (format!("{BIND}/bindDn"), json!("CN=x")),
        (format!("{BIND}/type"), json!("x")),
        (format!("{BIND}/communicationMode"), json!("UNSECURE")),
        (format!("{BIND}/directorySearchAttribute"), json!("userPrincipalName")),
        (format!("{BIND}/dnsLookupCertificateChain"), json!([EXPIRED])),
        (format!("{BIND}/syncMode"), json!("ON_DEMAND")),
        (format!("{controller}/host"), json!("x")),
        (format!("{controller}/port"), json!(3269)),
        (format!("{controller}/protocol"), json!("LDAP")),
        (format!("{controller}/certificate"), json!(CHAIN)),
        (format!("{controller}/certificateName"), json!("x")),
        ("/provisioningConfig/ldapConfigurations/0/domains".to_owned(), json!(["x"])),
        ("/name".to_owned(), json!("x")),
    ] {
        assert_eq!(changes(&with(&ad(), &pointer, value), &ad()), [pointer]);
    }
    for (pointer, value) in [
        ("/idpConfig/oidcConfiguration/clientId", json!("x")),
        ("/idpConfig/oidcConfiguration/discoveryEndpoint", json!("https://h/y")),
        ("/idpConfig/oidcConfiguration/openIdUserIdentifierAttribute", json!("x")),
        ("/idpConfig/oidcConfiguration/internalUserIdentifierAttribute", json!("x")),
        ("/directories/0/name", json!("x")),
        ("/directories/0/domains", json!(["x"])),
        ("/directories/0/defaultDomain", json!("x")),
        ("/certificateChain", json!([])),
        ("/provisioningConfig/jitConfiguration/jitProvisioningGroups", json!([{"domain": "x", "groupNames": ["y"]}])),
        ("/provisioningConfig/jitConfiguration/oidcJitConfiguration/openIdUserIdentifierAttribute", json!("x")),
        ("/provisioningConfig/jitConfiguration/oidcJitConfiguration/internalUserIdentifierAttribute", json!("x")),
        (
            "/provisioningConfig/jitConfiguration/oidcJitConfiguration/userAttributeMappings",
            json!([{"attributeName": "email", "directoryName": "userName"}]),
        ),
        ("/provisioningConfig/jitConfiguration/samlJitConfiguration/groupMembershipAttribute", json!("x")),
        ("/provisioningConfig/jitConfiguration/samlJitConfiguration/passthroughClaimNames", json!(["x"])),
    ] {
        assert_eq!(changes(&with(&oidc(), pointer, value), &oidc()), [pointer]);
    }
    let saml = json!({"idpConfig": {"samlConfiguration": {"metadataXml": "PGE+", "nameIdAttributeMappings": [{"idpAttribute": "a"}]}}});
    for (name, value) in [
        ("metadataSourceType", json!("URL")),
        ("metadataUrl", json!("https://h/")),
        ("metadataXml", json!("PGI+")),
        ("nameIdFormatType", json!("x")),
        ("authenticationContext", json!("x")),
        ("nameIdAttributeMappings", json!([{"idpAttribute": "b"}])),
    ] {
        let pointer = format!("/idpConfig/samlConfiguration/{name}");
        assert_eq!(changes(&with(&saml, &pointer, value), &saml), [pointer]);
    }
}

#[test]
fn omitted_fields_are_the_servers_choice() {
    let bare = json!({"provisioningConfig": {"ldapConfigurations": [{"name": "LDAP Directory Configuration"}]}});
    assert_eq!(changes(&bare, &ad()), [""; 0]);
    assert_eq!(changes(&json!({}), &oidc()), [""; 0]);
}

#[test]
fn added_and_removed_directories_are_changes_of_the_list() {
    const LIST: &str = "/provisioningConfig/ldapConfigurations";
    let list = |names: &[&str]| {
        let list: Vec<_> = names.iter().map(|name| json!({"name": name})).collect();
        json!({"provisioningConfig": {"ldapConfigurations": list}})
    };
    let found = provider(&list(&["b", "c"])).difference(&provider(&list(&["a", "b"]))).changes;
    assert_eq!(
        (found[0].pointer.as_str(), &found[0].from, &found[0].to),
        (LIST, &Some(json!(["a", "b"])), &Some(json!(["b", "c"])))
    );
    assert_eq!(changes(&list(&["b", "a"]), &list(&["a", "b"])), [""; 0]);
    assert_eq!(changes(&list(&["a"]), &list(&["a", "b"])), [LIST]);
    // The only one was renamed.
    assert_eq!(changes(&list(&["b"]), &list(&["a"])), [format!("{LIST}/0/name")]);
}

#[test]
fn another_provider_is_recognised() {
    let faults = |wanted: &Value| -> Vec<String> {
        provider(wanted).is_another_than(&provider(&ad())).into_iter().map(|fault| fault.pointer).collect()
    };
    assert_eq!(faults(&ad()), [""; 0]);
    let renamed = with(&ad(), "/name", json!("x"));
    assert_eq!(faults(&renamed), [""; 0], "the id is that of the provider");
    assert_eq!(faults(&with(&renamed, "/id", Value::Null)), ["/name"]);
    assert_eq!(faults(&with(&ad(), "/id", json!("x"))), ["/id"]);
    for pointer in ["/idpType", "/idpProtocol", "/provisionType"] {
        assert_eq!(faults(&with(&ad(), pointer, json!("x"))), [pointer]);
    }
}

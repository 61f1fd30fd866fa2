use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// The vendor's examples of requests, by title; of each `certificateChain` only three lines are kept.
const EXAMPLES: &str = include_str!("../../../../tests/fixtures/fleet/identity-provider-requests.json");
const CHAIN: &str = include_str!("../../../../tests/fixtures/vcf/chain.pem");
const REALM: &str = "d222d5e3-5f84-4cd8-b51d-5f80bccd8f36";

/// 2027-01-01T00:00:00Z.
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_798_761_600)
}

fn spec(json: &Value) -> FederatedIdentityProvider {
    serde_json::from_value(json.clone()).unwrap()
}

/// The faults of a provider to create.
fn faults(json: &Value) -> Vec<(String, String)> {
    let faults = Checked::<FederatedIdentityProvider>::to_add(spec(json), now()).err().unwrap_or_default();
    faults.into_iter().map(|fault| (fault.pointer, fault.detail)).collect()
}

/// The only fault of a provider to create.
fn fault(json: &Value) -> (String, String) {
    let mut faults = faults(json);
    assert_eq!(faults.len(), 1, "{faults:?}");
    faults.remove(0)
}

/// `json` with the value at `pointer` replaced, added, or removed with null.
fn with(json: &Value, pointer: &str, value: Value) -> Value {
    let mut json = json.clone();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = json.pointer_mut(parent).unwrap();
    match parent.as_array_mut() {
        Some(items) => items.push(value),
        None => parent[name] = value,
    }
    json
}

/// Both certificates of the chain.
fn certificates() -> [String; 2] {
    let at = CHAIN.rfind("-----BEGIN").unwrap();
    [CHAIN[..at].to_owned(), CHAIN[at..].to_owned()]
}

const BIND: &str = "/provisioningConfig/ldapConfigurations/0/ldapBindConfiguration";

/// An Active Directory over LDAPS.
fn ad() -> Value {
    let [certificate, _] = certificates();
    json!({
        "name": "Corp AD", "ssoRealmId": REALM, "idpType": "ADLDAP", "idpProtocol": "LDAP_BIND", "provisionType": "LDAP",
        "provisioningConfig": {"ldapConfigurations": [{
            "name": "corp", "domains": ["corp.example"],
            "ldapBindConfiguration": {
                "type": "ACTIVE_DIRECTORY_LDAP", "baseDn": "DC=corp,DC=example",
                "bindDn": "CN=svc,OU=Service,DC=corp,DC=example", "bindDnPassword": "hunter2",
                "primaryDomainController": {
                    "host": "dc1.corp.example", "port": 636, "protocol": "LDAPS", "certificate": certificate
                }
            }
        }]}
    })
}

/// An OIDC provider with SCIM.
fn oidc() -> Value {
    json!({
        "name": "Okta", "ssoRealmId": REALM, "idpType": "OKTA", "idpProtocol": "OIDC", "provisionType": "SCIM",
        "idpConfig": {"oidcConfiguration": {
            "discoveryEndpoint": "https://corp.okta.example/.well-known/openid-configuration",
            "clientId": "vcf", "clientSecret": "hunter2"
        }},
        "directories": [{"name": "Okta corp", "domains": ["corp.example"], "defaultDomain": "CORP.example"}],
        "certificateChain": certificates()
    })
}

#[test]
fn complete_providers_pass_with_their_certificates() {
    assert_eq!(faults(&ad()), []);
    let checked = Checked::<FederatedIdentityProvider>::to_add(spec(&oidc()), now()).unwrap();
    let pointers: Vec<_> = checked.certificates().iter().map(|facts| facts.pointer.as_str()).collect();
    assert_eq!(pointers, ["/certificateChain/0", "/certificateChain/1"]);
}

#[test]
fn vendor_examples_have_only_their_known_faults() {
    let examples: BTreeMap<String, Value> = serde_json::from_str(EXAMPLES).unwrap();
    assert_eq!(examples.len(), 8);
    for (title, example) in examples {
        let checked = Checked::<FederatedIdentityProvider>::to_put(spec(&example), now());
        for fault in checked.err().unwrap_or_default() {
            let known = [
                ("/certificateChain/0", "is a line of a PEM text"),
                // The text between the lines is "AD Primary Certificate".
                ("DomainController/certificate", "send the text of a PEM file"),
                ("/nameIdAttributeMappings", "has 4 mappings"),
            ];
            let is_known = |(place, text): &(&str, &str)| fault.pointer.ends_with(place) && fault.detail.contains(text);
            assert!(known.iter().any(is_known), "{title}: {fault:?}");
        }
    }
}

#[test]
fn all_missing_fields_are_reported_together() {
    let pointers: Vec<_> = faults(&json!({})).into_iter().map(|(pointer, _)| pointer).collect();
    assert_eq!(pointers, ["/name", "/ssoRealmId", "/idpType", "/idpProtocol", "/provisionType"]);
    let empty = json!({"idpProtocol": "OIDC", "provisionType": "LDAP", "idpConfig": {"oidcConfiguration": {}},
        "provisioningConfig": {"ldapConfigurations": [{"ldapBindConfiguration": {"primaryDomainController": {}}}]}});
    let pointers: Vec<_> = faults(&empty).into_iter().map(|(pointer, _)| pointer).collect();
    let bind = |name: &str| format!("{BIND}/{name}");
    for pointer in [
        "/idpConfig/oidcConfiguration/discoveryEndpoint".to_owned(),
        "/idpConfig/oidcConfiguration/clientId".to_owned(),
        "/provisioningConfig/ldapConfigurations/0/name".to_owned(),
        "/provisioningConfig/ldapConfigurations/0/domains".to_owned(),
        bind("type"),
        bind("baseDn"),
        bind("bindDn"),
        bind("primaryDomainController/host"),
        bind("primaryDomainController/protocol"),
    ] {
        assert!(pointers.contains(&pointer), "{pointer} is not in {pointers:?}");
    }
}

#[test]
fn unknown_words_get_a_suggestion() {
    for (pointer, word, part) in [
        ("/idpType", "OKTAA", "did you mean \"OKTA\""),
        ("/idpType", "UNKNOWN", "must be one of OKTA, "),
        ("/idpProtocol", "oidc", "did you mean \"OIDC\""),
        ("/provisionType", "scim", "did you mean \"SCIM\""),
    ] {
        let (place, detail) = fault(&with(&oidc(), pointer, json!(word)));
        assert!(place == pointer && detail.contains(part), "{place}: {detail}");
    }
    let (place, detail) = fault(&with(&ad(), "/certifcateChain", json!([])));
    assert_eq!((place.as_str(), detail.as_str()), ("/certifcateChain", "did you mean `certificateChain`?"));
    assert!(fault(&with(&oidc(), "/dryRun", json!(true))).1.contains("?dryRun=true"));
}

#[test]
fn kinds_and_settings_must_fit() {
    let cases = [
        (with(&ad(), "/idpType", json!("ADFS")), "/idpType", "must be ADLDAP or OPENLDAP"),
        (with(&oidc(), "/idpType", json!("ADLDAP")), "/idpProtocol", "must be LDAP_BIND"),
        (with(&oidc(), "/directories", Value::Null), "/directories", "required with the provisionType SCIM"),
        (
            with(&oidc(), "/idpConfig", Value::Null),
            "/idpConfig/oidcConfiguration",
            "required with the idpProtocol OIDC",
        ),
        (
            with(&oidc(), "/provisioningConfig", ad()["provisioningConfig"].clone()),
            "/provisioningConfig/ldapConfigurations",
            "belongs to the provisionType LDAP",
        ),
        (
            with(&oidc(), "/provisioningConfig", json!({"jitConfiguration": {}})),
            "/provisioningConfig/jitConfiguration",
            "belongs to the provisionType JIT",
        ),
        (
            with(&ad(), "/idpConfig", oidc()["idpConfig"].clone()),
            "/idpConfig/oidcConfiguration",
            "belongs to the idpProtocol OIDC, but this one is LDAP_BIND",
        ),
        (
            with(&ad(), "/provisioningConfig", json!({"ldapConfigurations": []})),
            "/provisioningConfig/ldapConfigurations",
            "at least one directory",
        ),
    ];
    for (json, pointer, part) in cases {
        let (place, detail) = fault(&json);
        assert!(place == pointer && detail.contains(part), "{place}: {detail}");
    }
    let scim = with(&ad(), "/provisionType", json!("SCIM"));
    assert!(faults(&scim).iter().any(|(pointer, _)| pointer == "/provisionType"));
}

#[test]
fn saml_needs_its_metadata_and_one_mapping() {
    let saml = json!({
        "name": "ADFS", "ssoRealmId": REALM, "idpType": "ADFS", "idpProtocol": "SAML", "provisionType": "JIT",
        "idpConfig": {"samlConfiguration": {
            "metadataSourceType": "XML", "metadataXml": STANDARD.encode("<EntityDescriptor/>"),
            "nameIdAttributeMappings": [{"idpAttribute": "mail", "vidbAttribute": "email"}]
        }},
        "directories": {"name": "adfs", "domains": "corp.example"}
    });
    assert_eq!(faults(&saml), []);
    const AT: &str = "/idpConfig/samlConfiguration";
    let at = |name: &str| format!("{AT}/{name}");
    for (name, value, place, part) in [
        ("metadataXml", json!("<EntityDescriptor/>"), "metadataXml", "base64 -w0 metadata.xml"),
        ("metadataSourceType", json!("URL"), "metadataUrl", "is required"),
        ("metadataSourceType", json!("FILE"), "metadataSourceType", "must be one of XML, URL"),
        ("nameIdAttributeMappings", Value::Null, "nameIdAttributeMappings", "is required"),
        ("nameIdAttributeMappings", json!([{"idpAttribute": "a"}]), "nameIdAttributeMappings/0/vidbAttribute", "blank"),
    ] {
        let (pointer, detail) = fault(&with(&saml, &at(name), value));
        assert!(pointer == at(place) && detail.contains(part), "{pointer}: {detail}");
    }
}

#[test]
fn just_in_time_settings_are_checked() {
    let jit = json!({"jitConfiguration": {
        "jitProvisioningGroups": [{"domain": "corp.example", "groupNames": []}, {"groupNames": ["a"]}],
        "oidcJitConfiguration": {
            "userAttributeMapping": [], "userAttributeMappings": [{"attributeName": "email"}, {"attrName": "a", "directoryName": "b"}]
        },
        "samlJitConfiguration": {"groupMembershipAttributes": "memberOf"}
    }});
    let json = with(&with(&oidc(), "/provisionType", json!("JIT")), "/provisioningConfig", jit);
    let pointers: Vec<_> = faults(&json).into_iter().map(|(pointer, _)| pointer).collect();
    let at = |place: &str| format!("/provisioningConfig/jitConfiguration/{place}");
    assert_eq!(
        pointers,
        [
            at("samlJitConfiguration"),
            at("oidcJitConfiguration/userAttributeMapping"),
            at("oidcJitConfiguration/userAttributeMappings/0/directoryName"),
            at("oidcJitConfiguration/userAttributeMappings/1/attrName"),
            at("oidcJitConfiguration/userAttributeMappings/1/attributeName"),
            at("samlJitConfiguration/groupMembershipAttributes"),
            at("jitProvisioningGroups/0/groupNames"),
            at("jitProvisioningGroups/1/domain"),
        ]
    );
}

/// Scripts for the internal API of 9.0 and 9.1 are common; with their names the public API would make a provider without
/// certificates.
#[test]
fn names_of_the_internal_api_are_pointed_out() {
    for (internal, public) in
        [("ssoDomainId", "ssoRealmId"), ("idpConfigTag", "idpProtocol"), ("trustedCertChain", "certificateChain")]
    {
        let both = with(&oidc(), &format!("/{internal}"), json!({"x": 1}));
        let public_alone = with(&oidc(), "/certificateChain", json!([CHAIN]));
        assert_eq!(faults(&public_alone), []);
        let found = faults(&with(&both, &format!("/{public}"), Value::Null));
        let expected = (format!("/{internal}"), format!("is the internal API's name; send `{public}`"));
        assert!(found.contains(&expected), "{found:?}");
        // A later version may show both.
        let both = with(&both, "/certificateChain", json!([CHAIN]));
        assert_eq!(faults(&both), []);
    }
}

#[test]
fn directory_names_have_an_alphabet_and_a_length() {
    let name = |name: &str| with(&oidc(), "/directories/0/name", json!(name));
    let long = "a".repeat(128);
    for good in ["a", "Corp Directory_1-x", "Größe", &long] {
        assert_eq!(faults(&name(good)), [], "{good}");
    }
    let (pointer, detail) = fault(&name("corp.example"));
    assert!(pointer == "/directories/0/name" && detail.contains("contains '.'"), "{detail}");
    assert!(fault(&name(&"a".repeat(129))).1.contains("has 129 characters"));
    assert_eq!(fault(&with(&oidc(), "/directories/0/defaultDomain", json!("x"))).0, "/directories/0/defaultDomain");
    let two = with(&oidc(), "/directories/1", oidc()["directories"][0].clone());
    assert!(fault(&two).1.contains("has 2 directories"));
}

#[test]
fn chain_has_at_most_three_elements_of_whole_texts() {
    let [issuing, root] = certificates();
    let chain = |entries: Value| with(&oidc(), "/certificateChain", entries);
    assert_eq!(faults(&chain(json!([issuing, root, issuing]))), []);
    let (pointer, detail) = fault(&chain(json!([issuing, root, issuing, root])));
    assert!(pointer == "/certificateChain" && detail.contains("has 4 elements"), "{detail}");
    // A script for 9.1 sends the file of its whole chain as one element.
    let sent = |element: &str| {
        let whole = Checked::<FederatedIdentityProvider>::to_add(spec(&chain(json!([element]))), now()).unwrap();
        whole.spec().certificate_chain.clone().unwrap()
    };
    assert_eq!(sent(CHAIN), [issuing.clone(), root.clone()]);
    let long = format!("{CHAIN}{CHAIN}");
    assert_eq!(sent(&long), [long.as_str()], "more elements than the server accepts");
    let lines: Vec<_> = issuing.lines().collect();
    let (pointer, detail) = fault(&chain(json!(lines)));
    assert!(pointer == "/certificateChain/0" && detail.contains("is a line of a PEM text"), "{detail}");
    assert!(fault(&chain(json!(["???"]))).1.contains("text of a PEM file"));
}

#[test]
fn domain_controllers_need_a_certificate_for_ldaps_only() {
    let controller = |name: &str, value: Value| with(&ad(), &format!("{BIND}/primaryDomainController/{name}"), value);
    for (name, value, place, part) in [
        ("certificate", Value::Null, "certificate", "required with the protocol LDAPS"),
        ("certificate", json!(CHAIN), "certificate", "contains 2 certificates"),
        ("certificate", json!(""), "certificate", "required with the protocol LDAPS"),
        ("certificate", json!("x"), "certificate", "PEM"),
        ("protocol", json!("LDAP"), "certificate", "omit it with LDAP"),
        ("port", json!(65_536), "port", "from 1 to 65535"),
        ("host", json!("ldaps://dc1.corp.example"), "host", "without scheme"),
    ] {
        let (pointer, detail) = fault(&controller(name, value));
        assert!(pointer == format!("{BIND}/primaryDomainController/{place}") && detail.contains(part), "{detail}");
    }
    assert_eq!(faults(&controller("port", json!("636"))), []);
    assert!(fault(&with(&ad(), &format!("{BIND}/bindDn"), json!("svc@corp.example"))).1.contains("distinguished name"));
    // A response may have a blank one.
    let plain =
        with(&controller("protocol", json!("LDAP")), &format!("{BIND}/primaryDomainController/certificate"), json!(""));
    assert_eq!(faults(&plain), []);
}

#[test]
fn open_ldap_has_settings_of_its_own() {
    let settings = json!({
        "bindUserFilterQuery": "a", "groupsFilterQuery": "b", "usersFilterQuery": "c", "objectUuidAttribute": "d"
    });
    let at = format!("{BIND}/openLdapConfiguration");
    let (_, detail) = fault(&with(&ad(), &at, settings.clone()));
    assert!(detail.contains("belongs to the idpType OPENLDAP"), "{detail}");
    let open = with(&ad(), "/idpType", json!("OPENLDAP"));
    assert_eq!(faults(&with(&open, &at, settings.clone())), []);
    let (pointer, detail) = fault(&with(&open, &at, with(&settings, "/membershipAttributes", json!("member"))));
    assert_eq!(
        (pointer, detail),
        (format!("{at}/membershipAttributes"), "did you mean `membershipAttribute`?".to_owned())
    );
    let (pointer, _) = fault(&with(&open, &at, with(&settings, "/usersFilterQuery", Value::Null)));
    assert_eq!(pointer, format!("{at}/usersFilterQuery"));
}

#[test]
fn ids_are_assigned_by_the_server() {
    let id = "3acffa05-a0cc-454e-9d0f-5187be78d61f";
    let place = "/provisioningConfig/ldapConfigurations/0/ldapConfigurationId";
    for pointer in ["/id", place] {
        let json = with(&ad(), pointer, json!(id));
        assert_eq!(fault(&json).0, pointer);
        assert!(Checked::<FederatedIdentityProvider>::to_put(spec(&json), now()).is_ok());
        let json = with(&ad(), pointer, json!("7"));
        let faults = Checked::<FederatedIdentityProvider>::to_put(spec(&json), now()).unwrap_err();
        assert_eq!((faults.len(), faults[0].pointer.as_str()), (1, pointer));
    }
}

#[test]
fn certificates_in_other_forms_are_converted() {
    let [issuing, root] = certificates();
    let mut json = with(&ad(), "/certificateChain", json!([STANDARD.encode(&issuing), root]));
    json = with(&json, &format!("{BIND}/dnsLookupCertificateChain"), json!(STANDARD.encode(CHAIN)));
    json = with(&json, &format!("{BIND}/primaryDomainController/certificate"), json!(issuing.replace('\n', "\\n")));
    let checked = Checked::<FederatedIdentityProvider>::to_add(spec(&json), now()).unwrap();
    assert_eq!(checked.certificates().len(), 5);
    let sent = serde_json::to_value(checked.spec()).unwrap();
    assert_eq!(sent["certificateChain"], json!([issuing, root]));
    let bind = sent.pointer(BIND).unwrap();
    assert_eq!(bind["dnsLookupCertificateChain"], json!([CHAIN]));
    assert_eq!(bind["primaryDomainController"]["certificate"], json!(issuing));
}

#[test]
fn masked_and_blank_secrets_are_rejected() {
    for (mark, part) in [("…", "the mark"), (" ", "must not be blank")] {
        let (pointer, detail) = fault(&with(&ad(), &format!("{BIND}/bindDnPassword"), json!(mark)));
        assert!(pointer.ends_with("/bindDnPassword") && detail.contains(part), "{detail}");
        let (pointer, _) = fault(&with(&oidc(), "/idpConfig/oidcConfiguration/clientSecret", json!(mark)));
        assert!(pointer.ends_with("/clientSecret"));
    }
    // The server may keep the old one.
    assert_eq!(faults(&with(&ad(), &format!("{BIND}/bindDnPassword"), Value::Null)), []);
}

proptest! {
    #[test]
    fn any_provider_can_be_checked(text in "\\PC*", number in any::<i64>()) {
        let mut json = with(&ad(), "/name", json!(text));
        for pointer in ["primaryDomainController/certificate", "bindDn", "type", "communicationMode"] {
            json = with(&json, &format!("{BIND}/{pointer}"), json!(text));
        }
        faults(&with(&json, &format!("{BIND}/primaryDomainController/port"), json!(number)));
        faults(&with(&oidc(), "/certificateChain", json!([text, text])));
        faults(&with(&oidc(), "/directories/0/name", json!(text)));
    }
}

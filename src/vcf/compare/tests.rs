use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::vcf::IdentityProviders;

const SOURCE: &str = include_str!("../../../tests/fixtures/vcf/identity-source-add.request.json");
const PROVIDER: &str = include_str!("../../../tests/fixtures/vcf/identity-provider-add.request.json");
const FEDERATED: &str = include_str!("../../../tests/fixtures/vcf/identity-provider-federated.request.json");
const LIST: &str = include_str!("../../../tests/fixtures/vcf/identity-providers.answer.json");
const FEDERATED_ANSWER: &str = include_str!("../../../tests/fixtures/vcf/identity-provider-federated.answer.json");
const CHAIN: &str = include_str!("../../../tests/fixtures/vcf/chain.pem");
const EXPIRED: &str = include_str!("../../../tests/fixtures/vcf/expired.pem");

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// `json` with the value at `pointer` replaced, or added.
fn with(mut json: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    json.pointer_mut(parent).unwrap()[name] = value;
    json
}

/// The guide's source as a request, and as shown; the guide names them differently.
fn source() -> (Value, Value) {
    let shown = parsed(LIST)["elements"][0]["identitySources"][2].clone();
    (with(parsed(SOURCE), "/name", shown["name"].clone()), shown)
}

/// The guide's AD FS as a request, and as shown; adapted to be the same.
fn adfs() -> (Value, Value) {
    let shown = parsed(LIST)["elements"][1].clone();
    let spec = with(parsed(PROVIDER), "/name", shown["name"].clone());
    (with(spec, "/oidc/clientId", shown["oidc"]["clientId"].clone()), shown)
}

fn federated() -> (Value, Value) {
    (parsed(FEDERATED), parsed(FEDERATED_ANSWER))
}

fn compare_source(spec: &Value, shown: &Value) -> Difference {
    let spec: IdentitySourceSpec = serde_json::from_value(spec.clone()).unwrap();
    spec.difference(&serde_json::from_value(shown.clone()).unwrap())
}

fn compare_provider(spec: &Value, shown: &Value) -> Difference {
    let spec: IdentityProviderSpec = serde_json::from_value(spec.clone()).unwrap();
    spec.difference(&serde_json::from_value(shown.clone()).unwrap())
}

fn same_server(one: &str, other: &str) -> bool {
    same_servers(&[one.to_owned()], &[other.to_owned()])
}

type Pair = (Value, Value);
type Compare = fn(&Value, &Value) -> Difference;

/// Of each kind, a matching specification and response, and the comparison.
fn kinds() -> [(Pair, Compare); 3] {
    [(source(), compare_source), (adfs(), compare_provider), (federated(), compare_provider)]
}

#[test]
fn equal_objects_have_no_changes() {
    let hidden: [&[&str]; 3] = [
        &["/ldap/password"],
        &["/type", "/ldap/password", "/oidc/clientSecret"],
        &["/type", "/fedIdpSpec/oidcSpec/clientSecret"],
    ];
    for (((spec, shown), compare), hidden) in kinds().into_iter().zip(hidden) {
        let Difference { changes, not_compared, .. } = compare(&spec, &shown);
        assert_eq!(changes, []);
        assert_eq!(not_compared, hidden);
    }
    let (spec, shown) = adfs();
    let spec = with(with(spec, "/certChain", json!(["x"])), "/ldap/type", json!("ActiveDirectory"));
    let hidden = ["/type", "/certChain", "/ldap/type", "/ldap/password", "/oidc/clientSecret"];
    assert_eq!(compare_provider(&spec, &shown).not_compared, hidden);
}

#[test]
fn every_differing_field_is_listed() {
    let table: &[(usize, &str, Value)] = &[
        (0, "/name", json!("other")),
        (0, "/ldap/type", json!("OpenLdap")),
        (0, "/ldap/domainName", json!("other.com")),
        (0, "/ldap/domainAlias", json!("other")),
        (0, "/ldap/username", json!("other-user@domain.com")),
        (0, "/ldap/sourceDetails/usersBaseDn", json!("other")),
        (0, "/ldap/sourceDetails/groupsBaseDn", json!("other")),
        (0, "/ldap/sourceDetails/serverEndpoints", json!(["ldap://dns01.domain.com"])),
        (1, "/ldap/username", json!("other@domain.com")),
        (1, "/oidc/clientId", json!("other")),
        (1, "/oidc/discoveryEndpoint", json!("https://other.com/.well-known/openid-configuration")),
        (2, "/fedIdpSpec/name", json!("other")),
        (2, "/fedIdpSpec/directory/directoryId", json!("other")),
        (2, "/fedIdpSpec/directory/name", json!("other")),
        (2, "/fedIdpSpec/directory/defaultDomain", json!("eu.corp.example")),
        (2, "/fedIdpSpec/directory/domains", json!(["corp.example"])),
        (2, "/fedIdpSpec/oidcSpec/clientId", json!("other")),
        (2, "/fedIdpSpec/oidcSpec/discoveryEndpoint", json!("https://other.example/")),
        (2, "/fedIdpSpec/syncClientTokenTTL", json!(60)),
    ];
    for (kind, pointer, value) in table {
        let ((spec, shown), compare) = kinds()[*kind].clone();
        let from = spec.pointer(pointer).cloned();
        let changes = compare(&with(spec, pointer, value.clone()), &shown).changes;
        let [change] = changes.as_slice() else { panic!("{pointer}: {changes:?}") };
        assert_eq!((change.pointer.as_str(), &change.to), (*pointer, &Some(value.clone())));
        // It was equal before, so this is the shown value.
        if let Some(from) = from {
            assert_eq!(change.from, Some(from), "{pointer}");
        }
    }
}

#[test]
fn other_spellings_are_equal() {
    let table: &[(usize, &str, Value)] = &[
        (0, "/ldap/type", json!("activedirectory")),
        (0, "/ldap/domainName", json!("Embedded-IDs.com")),
        (0, "/ldap/domainAlias", json!("EMBEDDED-IDS")),
        (0, "/ldap/sourceDetails/serverEndpoints", json!(["LDAP://DNS01.domain.com:389", "ldap://dns02.domain.com/"])),
        // Omitted fields are the server's choice.
        (0, "/ldap/domainAlias", json!(null)),
        (0, "/ldap/sourceDetails/certChain", json!(null)),
        (1, "/ldap", json!(null)),
        (1, "/ldap/domainName", json!(null)),
        (2, "/fedIdpSpec/directory/domains", json!(["EU.corp.example", "corp.example", "corp.example"])),
        (2, "/fedIdpSpec/syncClientTokenTTL", json!(null)),
        (2, "/fedIdpSpec/directory/federatedIdpSourceType", json!(null)),
    ];
    for (kind, pointer, value) in table {
        let ((spec, shown), compare) = kinds()[*kind].clone();
        assert_eq!(compare(&with(spec, pointer, value.clone()), &shown).changes, [], "{pointer} {value}");
    }
}

#[test]
fn order_of_servers_matters() {
    let (spec, shown) = source();
    let turned = json!(["ldap://dns02.domain.com", "ldap://dns01.domain.com"]);
    let changes = compare_source(&with(spec, "/ldap/sourceDetails/serverEndpoints", turned.clone()), &shown).changes;
    assert_eq!((changes.len(), &changes[0].to), (1, &Some(turned)));
    // The default port of the other scheme is not a default.
    let same = same_server;
    assert!(
        same("ldaps://h:636", "ldaps://h") && !same("ldaps://h:389", "ldaps://h") && !same("ldap://h", "ldaps://h")
    );
    assert!(same_server("ldap://[2001:db8::389]", "ldap://[2001:DB8::389]:389/"));
}

#[test]
fn certificates_are_compared_by_content() {
    let (spec, shown) = source();
    let pointer = "/ldap/sourceDetails/certChain";
    let known = STANDARD.encode(CHAIN);
    let split = CHAIN.find("-----END CERTIFICATE-----\n").unwrap() + "-----END CERTIFICATE-----\n".len();
    let (issuing, root) = CHAIN.split_at(split);
    let shown = with(shown, pointer, json!([known]));
    for chain in [json!([known]), json!([CHAIN]), json!([root, issuing]), json!([STANDARD.encode(issuing), CHAIN])] {
        assert_eq!(compare_source(&with(spec.clone(), pointer, chain.clone()), &shown).changes, [], "{chain}");
    }
    let changes = compare_source(&with(spec.clone(), pointer, json!([issuing, EXPIRED])), &shown).changes;
    let lines = |value: &Option<Value>| -> Vec<String> { serde_json::from_value(value.clone().unwrap()).unwrap() };
    let (from, to) = (lines(&changes[0].from), lines(&changes[0].to));
    assert_eq!((from.len(), to.len()), (2, 2));
    assert_eq!(from[0], to[0]);
    assert!(
        from[0].starts_with("CN=Corp Issuing CA,DC=corp,DC=example, until 2031-01-01T00:00:00Z, SHA-256 "),
        "{from:?}"
    );
    assert!(from[1].starts_with("CN=Corp Root CA") && to[1].starts_with("CN=Corp Old CA"), "{from:?} {to:?}");
    // An empty list requests none.
    let changes = compare_source(&with(spec.clone(), pointer, json!([])), &shown).changes;
    assert_eq!(changes[0].to, Some(json!([])));
    // The server may show something else entirely.
    let odd = with(shown, pointer, json!(["???"]));
    let changes = compare_source(&with(spec, pointer, json!([CHAIN])), &odd).changes;
    assert!(lines(&changes[0].from)[0].starts_with("not a readable certificate"), "{changes:?}");
}

#[test]
fn unknown_fields_are_compared_but_not_shown() {
    for (pointer, in_answer) in [
        ("/new~1field", "/new~1field"),
        ("/ldap/new~1field", "/ldap/new~1field"),
        ("/ldap/sourceDetails/new~1field", "/ldap/sourceDetails/new~1field"),
    ] {
        let add = |json: Value, at: &str, value: Value| {
            let mut json = json;
            let (parent, _) = at.rsplit_once('/').unwrap();
            json.pointer_mut(parent).unwrap()["new/field"] = value;
            json
        };
        let (spec, shown) = source();
        let spec = add(spec, pointer, json!("hunter2"));
        let unknown = compare_source(&spec, &shown);
        assert!(unknown.changes.is_empty() && unknown.not_compared.contains(&pointer.to_owned()), "{unknown:?}");
        assert_eq!(compare_source(&spec, &add(shown.clone(), in_answer, json!("hunter2"))).changes, []);
        let changes = compare_source(&spec, &add(shown, in_answer, json!("***"))).changes;
        assert_eq!(serde_json::to_value(&changes).unwrap(), json!([{"pointer": pointer}]));
    }
}

#[test]
fn absent_values_are_null() {
    let (spec, _) = source();
    let changes = compare_source(&spec, &json!({"domainNames": ["embedded-ids.com"]})).changes;
    let pointers: Vec<_> = changes.iter().map(|change| change.pointer.as_str()).collect();
    assert_eq!(
        pointers,
        [
            "/name",
            "/ldap/type",
            "/ldap/domainName",
            "/ldap/domainAlias",
            "/ldap/username",
            "/ldap/sourceDetails/usersBaseDn",
            "/ldap/sourceDetails/groupsBaseDn",
            "/ldap/sourceDetails/serverEndpoints"
        ]
    );
    assert_eq!(changes[0].from, Some(Value::Null));
    assert_eq!(serde_json::to_value(&changes[0]).unwrap()["from"], Value::Null);
    let difference = compare_provider(&federated().0, &json!({}));
    assert_eq!(difference.changes.len(), 7);
    let ttl = "/fedIdpSpec/syncClientTokenTTL".to_owned();
    assert!(difference.not_compared.contains(&ttl), "{difference:?}");
}

#[test]
fn directory_is_found_in_a_list() {
    let (spec, shown) = federated();
    let one = shown["fedIdp"]["directoryList"].clone();
    let other = json!({"name": "Another", "domains": []});
    assert_eq!(compare_provider(&spec, &with(shown, "/fedIdp/directoryList", json!([other, one]))).changes, []);
}

#[test]
fn other_provider_differs_from_a_changed_one() {
    let pointers = |spec: &Value, shown: &Value| -> Vec<String> {
        let spec: IdentityProviderSpec = serde_json::from_value(spec.clone()).unwrap();
        let fields = spec.is_another_than(&serde_json::from_value(shown.clone()).unwrap());
        fields.into_iter().map(|field| field.pointer).collect()
    };
    let ((adfs, adfs_shown), (entra, entra_shown)) = (adfs(), federated());
    assert_eq!(pointers(&adfs, &adfs_shown), [""; 0]);
    assert_eq!(pointers(&entra, &entra_shown), [""; 0]);
    // Fields missing in the response prove nothing.
    assert_eq!(pointers(&adfs, &json!({"id": "i"})), [""; 0]);
    assert_eq!(pointers(&with(adfs.clone(), "/name", json!("Other")), &adfs_shown), ["/name"]);
    assert_eq!(pointers(&adfs, &entra_shown), ["/name", "/type"]);
    assert_eq!(pointers(&entra, &adfs_shown), ["/name", "/type"]);
    let okta = with(entra.clone(), "/fedIdpSpec/directory/federatedIdpSourceType", json!("OKTA"));
    assert_eq!(pointers(&okta, &entra_shown), ["/fedIdpSpec/directory/federatedIdpSourceType"]);
    // VCF 5.1.1 uses another word.
    assert_eq!(pointers(&entra, &with(entra_shown, "/fedIdp/source", json!("AZURE"))), [""; 0]);
}

#[test]
fn secrets_are_not_shown() {
    for (((spec, shown), compare), secret) in kinds().into_iter().zip(["xxxxxxxxx", "23bf3c38-28bb", "23bf3c38-28bb"]) {
        assert!(spec.to_string().contains(secret));
        for shown in [&shown, &json!({}), &json!({"ldap": {"password": "other"}, "oidc": {"clientSecret": "other"}})] {
            let difference = compare(&spec, shown);
            assert!(!format!("{difference:?}").contains(secret), "{difference:?}");
        }
    }
}

#[test]
fn spellings_of_one_value_are_equal() {
    for (wanted, shown) in
        [("ou=Users, dc=corp,dc=example", "OU=Users,DC=corp,DC=example"), ("OU=R\\2CD,DC=corp", "ou=r\\,d, dc=CORP")]
    {
        assert!(same_dn(wanted, shown), "{wanted}");
    }
    assert!(!same_dn("OU=Users,DC=corp", "OU=Users,OU=x,DC=corp"));
    for (wanted, shown) in [
        ("SVC@corp.example", "svc@corp.example"),
        ("CORP\\Svc", "corp\\svc"),
        ("cn=Svc, dc=corp", "CN=svc,DC=corp"),
        ("MÜLLER@corp.example", "müller@corp.example"),
    ] {
        assert!(same_account(wanted, shown), "{wanted}");
    }
    assert!(!same_account("svc@corp.example", "svc2@corp.example"));
    for (wanted, shown) in [
        ("https://ADFS.corp.example/adfs/.well-known/x", "https://adfs.corp.example/adfs/.well-known/x"),
        ("HTTPS://h:443/a", "https://h/a"),
        ("https://h", "https://h/"),
    ] {
        assert!(same_url(wanted, shown), "{wanted}");
    }
    for (wanted, shown) in
        [("https://h/A", "https://h/a"), ("https://h:8443/a", "https://h/a"), ("http://h/a", "https://h/a")]
    {
        assert!(!same_url(wanted, shown), "{wanted}");
    }
}

#[test]
fn unknown_secrets_are_not_compared() {
    let spec = json!({"name": "n", "apiToken": "mine", "more": {"pin": 1, "bindSecret": "mine"}});
    let shown = json!({"name": "n", "apiToken": "…", "more": {"pin": 1, "bindSecret": "…"}});
    let difference = compare_source(&spec, &shown);
    assert_eq!(
        (difference.changes, difference.not_compared),
        (vec![], vec!["/apiToken".to_owned(), "/more".to_owned()])
    );
    let difference = compare_source(&spec, &json!({"name": "n", "more": {"pin": 2, "bindSecret": "…"}}));
    let pointers: Vec<_> = difference.changes.iter().map(|change| change.pointer.as_str()).collect();
    assert_eq!(pointers, ["/more"]);
}

proptest! {
    #[test]
    fn any_values_can_be_compared(text in "\\PC*", other in "\\PC*") {
        let spec = json!({"name": text, "ldap": {"domainName": other, "sourceDetails": {
            "serverEndpoints": [text, other], "certChain": [text]}}, "new": text});
        let shown = json!({"name": other, "ldap": {"sourceDetails": {
            "serverEndpoints": [other, text], "certChain": [other]}}, "new": other});
        compare_source(&spec, &shown);
        let list: IdentityProviders = serde_json::from_str(LIST).unwrap();
        let spec: IdentityProviderSpec = serde_json::from_value(spec).unwrap();
        for provider in &list.elements {
            prop_assert!(spec.difference(provider).changes.len() < 10);
            prop_assert!(spec.is_another_than(provider).len() < 4);
        }
        prop_assert_eq!(same_server(&text, &other), same_server(&other, &text));
    }
}

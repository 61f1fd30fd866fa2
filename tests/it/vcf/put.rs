//! PUT of an identity source and of the external provider: the calls to SDDC Manager, and the response.

use http::Method;
use serde_json::{Value, json};

use crate::support::script::{Call, get, post};
use crate::support::vcf::{ADFS, ID, LIST, PROVIDER, ROOT, SOURCE};
use crate::support::webhook::{Answer, Instance};
use crate::vcf::session::login;

const ADDED: &str = include_str!("../../fixtures/vcf/identity-provider-added.answer.txt");
const CHAIN: &str = include_str!("../../fixtures/vcf/chain.pem");

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// The request for the embedded provider by its id.
fn embedded() -> Call {
    get(format!("{ROOT}/{ID}")).answer(200, parsed(LIST)["elements"][0].to_string())
}

fn listed() -> Call {
    get(ROOT).answer(200, LIST)
}

fn patch(path: &str) -> Call {
    Call::new(Method::PATCH, format!("{ROOT}/{path}"))
}

/// The Embedded provider with `source` in place of the guide's.
fn embedded_with(source: &Value) -> Call {
    let mut provider = parsed(LIST)["elements"][0].clone();
    let mut shown = source.clone();
    shown["ldap"].as_object_mut().unwrap().remove("password");
    shown["type"] = json!("ActiveDirectory");
    shown["domainNames"] = json!([source["ldap"]["domainName"]]);
    provider["identitySources"][2] = shown;
    get(format!("{ROOT}/{ID}")).answer(200, provider.to_string())
}

/// The list with `provider` in place of the guide's AD FS.
fn listed_with(provider: &Value) -> Call {
    let mut list = parsed(LIST);
    list["elements"][1] = provider.clone();
    get(ROOT).answer(200, list.to_string())
}

/// The outcome without the tag of the state.
fn untagged(answer: &Answer) -> Value {
    let mut outcome = answer.json();
    let etag = outcome.as_object_mut().unwrap().remove("etag");
    assert_eq!(answer.header("etag"), etag.as_ref().and_then(Value::as_str).unwrap_or_default());
    outcome
}

/// The guide's source in its current state.
fn source() -> Value {
    let mut spec = parsed(SOURCE);
    spec["name"] = json!("embedded-ids-name");
    spec
}

/// The guide's AD FS in its current state.
fn adfs() -> Value {
    let mut spec = parsed(PROVIDER);
    spec["name"] = json!("My AD Identity Source");
    spec["oidc"]["clientId"] = json!("4be2e29f-2be3-49a2-87b9-3614dea398ba");
    spec
}

fn place(domain: &str) -> String {
    format!("/vcf/default/v1/identity-providers/{ID}/identity-sources/{domain}")
}

const EXTERNAL: &str = "/vcf/default/v1/identity-providers";

fn put(instance: &Instance, path: &str, spec: &Value) -> Answer {
    let answer = instance.send(Method::PUT, path, &spec.to_string());
    for secret in ["xxxxxxxxx", "23bf3c38"] {
        assert!(!answer.text().contains(secret), "{}", answer.text());
    }
    answer
}

#[test]
fn unchanged_source_is_not_written() {
    let instance = Instance::new([login(), embedded(), embedded()]);
    let unchanged = json!({
        "outcome": "unchanged", "domainName": "embedded-ids.com",
        "secretsCompared": false, "notCompared": ["/ldap/password"]
    });
    let answer = put(&instance, &place("embedded-ids.com"), &source());
    assert_eq!((answer.status().as_u16(), untagged(&answer), instance.calls()), (200, unchanged.clone(), 2));
    // A warm instance makes one call; the domain may be only in the path.
    let mut spec = source();
    spec["ldap"].as_object_mut().unwrap().remove("domainName");
    assert_eq!(untagged(&put(&instance, &place("embedded-ids.com"), &spec)), unchanged);
    assert_eq!(instance.calls(), 3);
}

#[test]
fn changed_source_is_updated_by_the_servers_name() {
    let mut spec = source();
    spec["ldap"]["domainName"] = json!("EMBEDDED-IDS.com");
    spec["ldap"]["username"] = json!("svc@domain.com");
    spec["ldap"]["sourceDetails"]["certChain"] = json!([CHAIN]);
    let path = format!("{ID}/identity-sources/embedded-ids.com");
    let instance = Instance::new([login(), embedded(), patch(&path).answer(204, ""), embedded_with(&spec)]);
    let answer = put(&instance, &place("Embedded-IDs.com"), &spec);
    assert_eq!((answer.status().as_u16(), instance.calls()), (200, 4));
    assert_eq!((&answer.json()["verified"], &answer.json()["remaining"]), (&json!(true), &json!([])));
    let told = answer.json();
    assert_eq!(
        (&told["outcome"], &told["secretsCompared"], told.get("dryRun")),
        (&json!("updated"), &json!(false), None)
    );
    assert_eq!(
        told["changes"][0],
        json!({"pointer": "/ldap/username", "from": "test-user@domain.com", "to": "svc@domain.com"})
    );
    assert_eq!(told["changes"][1]["pointer"], "/ldap/sourceDetails/certChain");
    assert_eq!(told["changes"][1]["from"], json!([]));
    assert!(
        told["changes"][1]["to"][1].as_str().unwrap().starts_with("CN=Corp Root CA,DC=corp,DC=example, until 2046-")
    );
    assert_eq!(told["changes"].as_array().unwrap().len(), 2, "{told}");
    assert_eq!(told["certificates"].as_array().unwrap().len(), 2, "{told}");
    // The sent specification is complete, its password included.
    let sent = parsed(std::str::from_utf8(instance.script.requests()[2].body()).unwrap());
    assert_eq!((&sent["ldap"]["password"], &sent["ldap"]["username"]), (&json!("xxxxxxxxx"), &json!("svc@domain.com")));
}

#[test]
fn absent_source_is_created() {
    let mut spec = source();
    spec["ldap"]["domainName"] = Value::Null;
    let sentence = "Added Identity source with domain name new.example successfully";
    let mut shown = source();
    shown["ldap"]["domainName"] = json!("new.example");
    let added = post(format!("{ROOT}/{ID}/identity-sources")).answer(201, sentence);
    let instance = Instance::new([login(), embedded(), added, embedded_with(&shown)]);
    let answer = put(&instance, &place("new.example"), &spec);
    assert_eq!(answer.status(), 201);
    assert_eq!(answer.header("location"), place("new.example"));
    assert_eq!(
        untagged(&answer),
        json!({
            "outcome": "created", "domainName": "new.example", "message": sentence, "verified": true, "remaining": [],
            "secretsCompared": false, "notCompared": ["/ldap/password"]
        })
    );
    let sent = parsed(std::str::from_utf8(instance.script.requests()[2].body()).unwrap());
    assert_eq!(sent["ldap"]["domainName"], "new.example");
}

#[test]
fn force_writes_a_new_password() {
    let path = format!("{ID}/identity-sources/embedded-ids.com");
    let instance = Instance::new([login(), embedded(), patch(&path).answer(204, ""), embedded()]);
    let answer = put(&instance, &format!("{}?force=true", place("embedded-ids.com")), &source());
    assert_eq!((answer.status().as_u16(), &answer.json()["outcome"]), (200, &json!("updated")));
    assert_eq!(answer.json()["changes"], json!([]));
}

#[test]
fn dry_run_changes_nothing() {
    let mut other = source();
    other["name"] = json!("other");
    let instance = Instance::new([login(), embedded(), embedded(), embedded(), embedded()]);
    let dry = |query: &str, domain: &str, spec: &Value| {
        let mut spec = spec.clone();
        spec["ldap"]["domainName"] = json!(domain);
        let answer = put(&instance, &format!("{}?dryRun=true{query}", place(domain)), &spec);
        assert_eq!((answer.status().as_u16(), answer.header("location")), (200, ""));
        assert_eq!(answer.json()["dryRun"], true);
        answer.json()
    };
    assert_eq!(dry("", "embedded-ids.com", &source())["outcome"], "unchanged");
    assert_eq!(dry("&force=1", "embedded-ids.com", &source())["outcome"], "updated");
    let changes = json!([{"pointer": "/name", "from": "embedded-ids-name", "to": "other"}]);
    assert_eq!(dry("", "embedded-ids.com", &other)["changes"], changes);
    assert_eq!(
        dry("", "new.example", &source()),
        json!({"outcome": "created", "dryRun": true, "domainName": "new.example"})
    );
}

#[test]
fn invalid_specifications_make_no_call() {
    let instance = Instance::new([]);
    let mut spec = source();
    spec["ldap"]["domainName"] = json!("other.example");
    spec["ldap"]["password"] = Value::Null;
    let problem = put(&instance, &place("embedded-ids.com"), &spec).problem("request_invalid");
    let pointers: Vec<_> =
        problem["errors"].as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap()).collect();
    assert_eq!(pointers, ["/ldap/password", "/ldap/domainName"]);
    let problem = put(&instance, &format!("{}?force=perhaps", place("embedded-ids.com")), &source());
    assert!(problem.problem("request_invalid")["detail"].as_str().unwrap().contains("force"));
    put(&instance, &place("embedded-ids.com"), &json!({})).problem("request_invalid");
    let refused = instance.send_as_reader(Method::PUT, &place("embedded-ids.com"), &source().to_string());
    assert!(refused.problem("forbidden")["detail"].as_str().unwrap().contains("vcf:write"));
    let refused = instance.send_as_reader(Method::PUT, EXTERNAL, &adfs().to_string());
    assert!(refused.problem("forbidden")["detail"].as_str().unwrap().contains("vcf:write"));
}

#[test]
fn provider_without_sources_is_rejected() {
    let external = get(format!("{ROOT}/{ADFS}")).answer(200, parsed(LIST)["elements"][1].to_string());
    let instance = Instance::new([login(), external, embedded()]);
    let path = place("embedded-ids.com").replace(ID, ADFS);
    let problem = put(&instance, &path, &source()).problem("request_invalid");
    assert!(problem["detail"].as_str().unwrap().contains("Microsoft ADFS"), "{problem}");
    let mut spec = source();
    spec["ldap"]["domainName"] = json!("vsphere.local");
    let problem = put(&instance, &place("vsphere.local"), &spec).problem("request_invalid");
    assert_eq!(problem["errors"][0]["pointer"], "/ldap/domainName");
    assert!(problem["detail"].as_str().unwrap().contains("SystemDomain"), "{problem}");
}

#[test]
fn absent_external_provider_is_created() {
    let mut list = parsed(LIST);
    list["elements"].as_array_mut().unwrap().truncate(1);
    let spec = parsed(PROVIDER);
    let mut shown = spec.clone();
    shown["id"] = json!(ADDED.trim());
    let none = || get(ROOT).answer(200, list.to_string());
    let instance = Instance::new([
        login(),
        none(),
        none(),
        post(ROOT)
            .body(PROVIDER.split_whitespace().collect::<String>().replace("MyADFS", "My ADFS"))
            .answer(201, ADDED),
        listed_with(&shown),
    ]);
    let dry = put(&instance, &format!("{EXTERNAL}?dryRun=true"), &spec);
    assert_eq!((dry.status().as_u16(), dry.json()), (200, json!({"outcome": "created", "dryRun": true})));
    let answer = put(&instance, EXTERNAL, &spec);
    assert_eq!(answer.status(), 201);
    assert_eq!(
        untagged(&answer),
        json!({
            "outcome": "created", "id": ADDED.trim(), "verified": true, "remaining": [], "secretsCompared": false,
            "notCompared": ["/type", "/ldap/password", "/oidc/clientSecret"]
        })
    );
    assert_eq!(answer.header("location"), format!("{EXTERNAL}/{}", ADDED.trim()));
}

#[test]
fn external_provider_is_kept_or_updated() {
    let instance = Instance::new([login(), listed()]);
    let answer = put(&instance, EXTERNAL, &adfs());
    assert_eq!(answer.status(), 200);
    assert_eq!(
        untagged(&answer),
        json!({
            "outcome": "unchanged", "id": ADFS, "secretsCompared": false,
            "notCompared": ["/type", "/ldap/password", "/oidc/clientSecret"]
        })
    );
    // Another writer sets the former endpoint again.
    instance.then([listed(), patch(ADFS).answer(204, ""), listed(), listed(), listed()]);
    let mut spec = adfs();
    spec["oidc"]["discoveryEndpoint"] = json!("https://adfs.corp.example/.well-known/openid-configuration");
    let told = put(&instance, EXTERNAL, &spec).json();
    assert_eq!((&told["outcome"], &told["id"]), (&json!("updated"), &json!(ADFS)));
    assert_eq!(told["changes"][0]["pointer"], "/oidc/discoveryEndpoint");
    assert_eq!((&told["verified"], &told["remaining"]), (&json!(false), &told["changes"]));
    assert_eq!(instance.calls(), 7, "a change that is not shown is looked at three times");
}

#[test]
fn other_external_provider_is_never_replaced() {
    let instance = Instance::new([login(), listed(), listed()]);
    for query in ["", "?force=true"] {
        let answer = put(&instance, &format!("{EXTERNAL}{query}"), &parsed(PROVIDER));
        assert_eq!(answer.status(), 400);
        let problem = answer.problem("request_invalid");
        assert_eq!(problem["errors"][0]["pointer"], "/name");
        assert!(problem["detail"].as_str().unwrap().contains("My AD Identity Source"), "{problem}");
        let hint = problem["hint"].as_str().unwrap();
        assert!(hint.contains("replace=true") && hint.contains(&format!("DELETE {EXTERNAL}/{ADFS}")), "{problem}");
    }
}

#[test]
fn change_that_cannot_be_read_again_is_reported_as_not_verified() {
    let path = format!("{ID}/identity-sources/embedded-ids.com");
    let written = || patch(&path).answer(204, "");
    let again = || get(format!("{ROOT}/{ID}"));
    let mut gone = parsed(LIST)["elements"][0].clone();
    gone["identitySources"].as_array_mut().unwrap().truncate(2);
    for (read, words) in [
        ((500, String::new()), "could not be read again"),
        ((200, gone.to_string()), "no identity source of the domain embedded-ids.com"),
    ] {
        let instance = Instance::new([login(), embedded(), written()]);
        instance.then((0..3).map(|_| again().answer(read.0, read.1.clone())));
        let answer = put(&instance, &format!("{}?force=true", place("embedded-ids.com")), &source());
        let outcome = answer.json();
        assert_eq!((answer.status().as_u16(), &outcome["outcome"]), (200, &json!("updated")));
        assert_eq!((&outcome["verified"], outcome.get("remaining"), outcome.get("etag")), (&json!(false), None, None));
        assert!(outcome["message"].as_str().unwrap().contains(words), "{outcome}");
    }
}

#[test]
fn vendor_error_details_are_kept_in_a_put() {
    let failed = include_str!("../../fixtures/vcf/error.answer.json");
    let path = format!("{ID}/identity-sources/embedded-ids.com");
    let instance = Instance::new([login(), embedded(), patch(&path).answer(400, failed)]);
    let answer = put(&instance, &format!("{}?force=true", place("embedded-ids.com")), &source());
    assert_eq!(answer.problem("upstream_rejected")["upstream"]["reference"], "H0IJ5E");
}

#[test]
fn further_domain_of_a_source_does_not_overwrite_the_source() {
    let mut list = parsed(LIST);
    list["elements"][0]["identitySources"][2]["domainNames"] = json!(["embedded-ids.com", "emea.embedded-ids.com"]);
    let listed = || get(ROOT).answer(200, list.to_string());
    let instance = Instance::new([login(), listed()]);
    let mut spec = source();
    spec["ldap"]["domainName"] = json!("emea.embedded-ids.com");
    let path = "/vcf/default/v1/identity-providers/embedded/identity-sources/emea.embedded-ids.com";
    let problem = instance.send(Method::PUT, path, &spec.to_string()).problem("request_invalid");
    assert_eq!(problem["errors"][0]["pointer"], "/ldap/domainName", "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("identity source of embedded-ids.com"), "{problem}");
    instance.then([listed()]);
    let path = path.replace("emea.", "");
    assert_eq!(instance.send(Method::PUT, &path, &source().to_string()).json()["outcome"], "unchanged");
}

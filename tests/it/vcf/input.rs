//! Specifications as callers write them: lists of one, strings in place of lists, JSON in a string, `inputs`, placeholders,
//! and equivalent spellings.

use http::Method;
use serde_json::{Value, json};

use crate::support::script::{get, post};
use crate::support::vcf::{ID, LIST, PATH, ROOT, SOURCE};
use crate::support::webhook::Instance;
use crate::vcf::session::login;

const FEDERATED: &str = include_str!("../../fixtures/vcf/identity-provider-federated.request.json");

fn source() -> Value {
    serde_json::from_str(SOURCE).unwrap()
}

/// The document that SDDC Manager gets for this body.
fn sent(body: &str) -> Value {
    let instance = Instance::new([login(), post(format!("{ROOT}/{ID}/identity-sources")).answer(204, "")]);
    let answer = instance.send(Method::POST, &format!("{PATH}/{ID}/identity-sources"), body);
    assert_eq!(answer.status(), 201, "{body}: {}", answer.text());
    serde_json::from_slice(instance.script.requests()[1].body()).unwrap()
}

#[test]
fn lists_and_strings_are_converted() {
    let mut plain = source();
    plain["ldap"]["sourceDetails"]["serverEndpoints"] = json!(["ldap://dc1.corp.example:389"]);
    plain["ldap"]["sourceDetails"]["certChain"] = json!([]);
    let expected = sent(&plain.to_string());
    let with = |pointer: &str, value: Value| {
        let mut spec = plain.clone();
        *spec.pointer_mut(pointer).unwrap() = value;
        spec
    };
    let kind = plain["ldap"]["type"].clone();
    for spec in [
        with("/ldap/sourceDetails/serverEndpoints", json!("ldap://dc1.corp.example:389")),
        with("/ldap/sourceDetails/serverEndpoints", json!("[\"ldap://dc1.corp.example:389\"]")),
        with("/ldap/sourceDetails/serverEndpoints", json!([["ldap://dc1.corp.example:389"]])),
        with("/ldap/sourceDetails/certChain", json!("")),
        with("/ldap/type", json!([kind])),
        with("/ldap/password", json!([plain["ldap"]["password"]])),
        with("/ldap", json!([plain["ldap"]])),
        with("/ldap", json!(plain["ldap"].to_string())),
        with("/ldap/sourceDetails", json!([plain["ldap"]["sourceDetails"]])),
        json!({"inputs": plain, "__metadata": {"x": 1}, "requestId": "r"}),
    ] {
        assert_eq!(sent(&spec.to_string()), expected, "{spec}");
    }
}

#[test]
fn federated_providers_are_converted_too() {
    let plain: Value = serde_json::from_str(FEDERATED).unwrap();
    let sent = |spec: &Value| -> Value {
        let instance = Instance::new([login(), post(ROOT).answer(201, "")]);
        let answer = instance.send(Method::POST, PATH, &spec.to_string());
        assert_eq!(answer.status(), 201, "{spec}: {}", answer.text());
        serde_json::from_slice(instance.script.requests()[1].body()).unwrap()
    };
    let mut odd = plain.clone();
    odd["fedIdpSpec"]["directory"]["domains"] = odd["fedIdpSpec"]["directory"]["defaultDomain"].clone();
    odd["fedIdpSpec"]["syncClientTokenTTL"] = json!(plain["fedIdpSpec"]["syncClientTokenTTL"].to_string());
    odd["type"] = json!([plain["type"]]);
    let mut expected = plain.clone();
    expected["fedIdpSpec"]["directory"]["domains"] = json!([plain["fedIdpSpec"]["directory"]["defaultDomain"]]);
    assert_eq!(sent(&odd), sent(&expected));
}

#[test]
fn mistakes_have_pointers_into_the_original_body() {
    let instance = Instance::new([]);
    let pointers = |spec: Value| -> Vec<String> {
        let problem = instance.send(Method::POST, &format!("{PATH}/{ID}/identity-sources"), &spec.to_string());
        let problem = problem.problem("request_invalid");
        problem["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|error| error["pointer"].as_str().unwrap().to_owned())
            .collect()
    };
    let mut spec = source();
    spec["ldap"]["sourceDetails"]["serverEndpoints"] = json!("http://dc1");
    assert_eq!(pointers(spec.clone()), ["/ldap/sourceDetails/serverEndpoints"]);
    assert_eq!(pointers(json!({"inputs": spec})), ["/inputs/ldap/sourceDetails/serverEndpoints"]);
    let mut listed = source();
    listed["ldap"] = json!([{"type": "ActiveDirectory", "domainName": "corp.example"}]);
    assert_eq!(pointers(listed), ["/ldap/0/username", "/ldap/0/password", "/ldap/0/sourceDetails"]);
    for (pointer, wrong) in [
        ("/ldap/type", json!(["a", "b"])),
        ("/ldap/domainName", json!(["hunter2", "x"])),
        ("/ldap/password", json!({"a": "hunter2"})),
        ("/ldap/sourceDetails/serverEndpoints", json!("[1]")),
        ("/ldap/sourceDetails", json!("no object")),
        ("/ldap", json!([{}, {}])),
    ] {
        let mut spec = source();
        *spec.pointer_mut(pointer).unwrap() = wrong;
        let answer = instance.send(Method::POST, &format!("{PATH}/{ID}/identity-sources"), &spec.to_string());
        assert!(!answer.text().contains("hunter2"), "{}", answer.text());
        let told = pointers(spec);
        assert!(told.iter().any(|told| told.starts_with(pointer)), "{pointer}: {told:?}");
    }
}

#[test]
fn placeholders_are_rejected_before_any_call() {
    let instance = Instance::new([]);
    for placeholder in ["{{ users_base_dn }}", "${users_base_dn}", "OU={{ou}},DC=corp"] {
        let mut spec = source();
        spec["ldap"]["sourceDetails"]["usersBaseDn"] = json!(placeholder);
        for (body, pointer) in [
            (spec.clone(), "/ldap/sourceDetails/usersBaseDn"),
            (json!({"inputs": spec}), "/inputs/ldap/sourceDetails/usersBaseDn"),
        ] {
            let problem = instance.send(Method::POST, &format!("{PATH}/{ID}/identity-sources"), &body.to_string());
            assert_eq!(problem.problem("unresolved_placeholder")["errors"][0]["pointer"], pointer);
        }
        let mut unknown = source();
        unknown["someday"] = json!([{ "x": placeholder }]);
        let path = format!("{PATH}/{ID}/identity-sources/embedded-ids.com");
        for method in [Method::PUT, Method::PATCH] {
            instance.send(method, &path, &unknown.to_string()).problem("unresolved_placeholder");
        }
    }
    for path in [
        "/vcf/default/v1/identity-broker/prechecks?type=%7B%7Btype%7D%7D",
        "/vcf/default/v1/identity-providers/%7B%7B%20id%20%7D%7D",
        "/vcf/default/v1/identity-providers/$%7Bid%7D",
    ] {
        instance.get(path).problem("unresolved_placeholder");
    }
}

#[test]
fn equivalent_spelling_is_not_a_change() {
    let list: Value = serde_json::from_str(LIST).unwrap();
    let mut shown = list["elements"][0].clone();
    let sources = shown["identitySources"].as_array_mut().unwrap();
    let place = sources.iter().position(|one| one["domainNames"][0] == "embedded-ids.com").unwrap();
    let ldap = &mut sources[place]["ldap"];
    ldap["username"] = json!("svc@corp.example");
    ldap["sourceDetails"]["usersBaseDn"] = json!("OU=Users,DC=corp,DC=example");
    let mut spec = source();
    spec["name"] = json!("embedded-ids-name");
    spec["ldap"]["username"] = json!("SVC@corp.example");
    spec["ldap"]["sourceDetails"]["usersBaseDn"] = json!("ou=Users, dc=corp,dc=example");
    let one = || get(format!("{ROOT}/{ID}")).answer(200, shown.to_string());
    let path = format!("{PATH}/{ID}/identity-sources/embedded-ids.com");
    let instance = Instance::new([login(), one()]);
    assert_eq!(instance.send(Method::PUT, &path, &spec.to_string()).json()["outcome"], "unchanged");
    instance.then([one()]);
    spec["ldap"]["sourceDetails"]["usersBaseDn"] = json!("OU=Other,DC=corp,DC=example");
    let told = instance.send(Method::PUT, &format!("{path}?dryRun=true"), &spec.to_string()).json();
    assert_eq!(
        (&told["outcome"], &told["changes"][0]["pointer"]),
        (&json!("updated"), &json!("/ldap/sourceDetails/usersBaseDn"))
    );
}

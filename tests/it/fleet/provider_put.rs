//! PUT of a realm's identity provider: the calls, and the outcome.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use super::providers::{EMPTY_REALM, IAM, LIST, OPS, PROVIDER, instance, login, read, realms, shown, spec};
use crate::support::script::{Call, get, post};
use crate::support::webhook::{Answer, Instance};

const SECRET: &str = "/provisioningConfig/ldapConfigurations/0/ldapBindConfiguration/bindDnPassword";

fn put_call() -> Call {
    Call::new(Method::PUT, format!("{IAM}/identity-providers")).answer(200, "{}")
}

fn put(instance: &Instance, query: &str, spec: &Value) -> Answer {
    let answer = instance.send(Method::PUT, &format!("{LIST}{query}"), &spec.to_string());
    assert!(!answer.text().contains("a-bind-password"), "{}", answer.text());
    answer
}

/// The outcome without its tag, which the header `ETag` repeats.
fn untagged(answer: &Answer) -> Value {
    let mut outcome = answer.json();
    let etag = outcome.as_object_mut().unwrap().remove("etag");
    assert_eq!(etag, Some(json!(answer.header("etag"))));
    outcome
}

/// The body of the last request.
fn sent(instance: &Instance, index: usize) -> Value {
    serde_json::from_slice(instance.script.requests()[index].body()).unwrap()
}

/// The specification with one more domain.
fn changed() -> Value {
    let mut spec = spec();
    spec["provisioningConfig"]["ldapConfigurations"][0]["domains"] = json!(["corp.example", "dev.corp.example"]);
    spec
}

/// The provider after that change.
fn after() -> Value {
    let mut after = shown();
    after["provisioningConfig"]["ldapConfigurations"][0]["domains"] = json!(["dev.corp.example", "corp.example"]);
    after
}

#[test]
fn unchanged_provider_is_not_written() {
    let instance = instance([login(), realms(), read(&shown()), realms(), read(&shown())]);
    let unchanged = json!({"outcome": "unchanged", "id": PROVIDER, "secretsCompared": false, "notCompared": [SECRET]});
    let answer = put(&instance, "", &spec());
    assert_eq!((answer.status().as_u16(), untagged(&answer)), (200, unchanged.clone()));
    assert_eq!(untagged(&put(&instance, "?dryRun=false", &spec())), unchanged);
    assert_eq!(instance.calls(), 5, "warm, an unchanged provider is two calls");
}

/// A server may show defaults, lists in another order, and a chain in lines, as the vendor's examples do.
#[test]
fn provider_with_users_created_at_login_is_unchanged() {
    let examples: Value =
        serde_json::from_str(include_str!("../../fixtures/fleet/identity-provider-requests.json")).unwrap();
    let mut shown = examples["OIDC based IDP creation request with JIT provisioning type."].clone();
    let chain = include_str!("../../fixtures/vcf/chain.pem");
    shown["ssoRealmId"] = spec()["ssoRealmId"].clone();
    shown["certificateChain"] = json!([chain]);
    let mut wanted = shown.clone();
    let oidc = &mut wanted["provisioningConfig"]["jitConfiguration"]["oidcJitConfiguration"];
    oidc["userAttributeMappings"].as_array_mut().unwrap().reverse();
    oidc.as_object_mut().unwrap().remove("openIdUserIdentifierAttribute").unwrap();
    shown["id"] = json!(PROVIDER);
    shown["certificateChain"] = chain.lines().collect();
    shown["idpConfig"]["oidcConfiguration"].as_object_mut().unwrap().remove("clientSecret");

    let instance = instance([login(), realms(), read(&shown)]);
    let told = put(&instance, "", &wanted).json();
    assert_eq!((&told["outcome"], told.get("changes")), (&json!("unchanged"), None), "{told}");
}

#[test]
fn changed_provider_is_updated_with_its_ids_and_read_again() {
    let instance = instance([login(), realms(), read(&shown()), put_call(), read(&after())]);
    let answer = put(&instance, "", &changed());
    let pointer = "/provisioningConfig/ldapConfigurations/0/domains";
    assert_eq!(
        untagged(&answer),
        json!({
            "outcome": "updated", "id": PROVIDER, "secretsCompared": false, "notCompared": [SECRET],
            "changes": [{"pointer": pointer, "from": ["corp.example"], "to": ["corp.example", "dev.corp.example"]}],
            "remaining": [], "verified": true
        })
    );
    let mut expected = changed();
    expected["id"] = json!(PROVIDER);
    expected["provisioningConfig"]["ldapConfigurations"][0]["ldapConfigurationId"] =
        json!("8d0e2e7a-3b0c-4f4e-a8d0-2f6d0d3f5c11");
    assert_eq!(sent(&instance, 3), expected);
}

#[test]
fn directory_ids_that_the_provider_lacks_are_looked_up() {
    let mut bare = shown();
    bare["provisioningConfig"]["ldapConfigurations"][0].as_object_mut().unwrap().remove("ldapConfigurationId");
    let listed = get(format!("{IAM}/identity-providers/{PROVIDER}/ldap-directories")).answer(
        200,
        r#"{"ldapDirectories":[{"ldapConfigurationId":"x","name":"other"},{"ldapConfigurationId":"y","name":"corp"}]}"#,
    );
    let instance = instance([login(), realms(), read(&bare), listed, put_call()]);
    instance.then([read(&shown()), read(&shown()), read(&shown())]);
    let told = put(&instance, "", &changed()).json();
    assert_eq!(sent(&instance, 4)["provisioningConfig"]["ldapConfigurations"][0]["ldapConfigurationId"], "y");
    assert_eq!(
        told["remaining"][0]["to"],
        json!(["corp.example", "dev.corp.example"]),
        "the server ignored the change"
    );
}

#[test]
fn directory_without_an_id_is_not_updated() {
    let mut bare = shown();
    bare["provisioningConfig"]["ldapConfigurations"][0].as_object_mut().unwrap().remove("ldapConfigurationId");
    let listed =
        |list: &'static str| get(format!("{IAM}/identity-providers/{PROVIDER}/ldap-directories")).answer(200, list);
    let instance = instance([login(), realms(), read(&bare), listed(r#"{"ldapDirectories":[]}"#)]);
    let problem = put(&instance, "", &changed()).problem("upstream_invalid");
    assert!(problem["detail"].as_str().unwrap().contains("no id of the directory corp"), "{problem}");
    // The only one is the same, whatever the list calls it.
    let other = r#"{"ldapDirectories":[{"ldapConfigurationId":"x","name":"Corp AD"}]}"#;
    instance.then([realms(), read(&bare), listed(other), put_call(), read(&after())]);
    put(&instance, "", &changed());
    assert_eq!(sent(&instance, 7)["provisioningConfig"]["ldapConfigurations"][0]["ldapConfigurationId"], "x");
}

/// An update replaces the whole provider: a directory that it lacks is removed, with its users, its groups and their roles.
#[test]
fn directory_of_the_provider_is_not_removed() {
    const LAB: &str = "8d0e2e7a-3b0c-4f4e-a8d0-2f6d0d3f5c12";
    let mut present = shown();
    let mut second = present["provisioningConfig"]["ldapConfigurations"][0].clone();
    second["name"] = json!("lab");
    second["ldapConfigurationId"] = json!(LAB);
    present["provisioningConfig"]["ldapConfigurations"].as_array_mut().unwrap().push(second.clone());
    let mut renamed = spec();
    let mut new_name = renamed["provisioningConfig"]["ldapConfigurations"][0].clone();
    new_name["name"] = json!("laboratory");
    renamed["provisioningConfig"]["ldapConfigurations"].as_array_mut().unwrap().push(new_name);
    for (spec, query) in [(spec(), ""), (spec(), "?dryRun=true"), (renamed.clone(), "")] {
        let instance = instance([login(), realms(), read(&present)]);
        let problem = put(&instance, query, &spec).problem("request_invalid");
        assert_eq!(problem["errors"][0]["pointer"], "/provisioningConfig/ldapConfigurations", "{problem}");
        assert!(
            problem["errors"][0]["detail"]
                .as_str()
                .unwrap()
                .contains("lab (ldapConfigurationId 8d0e2e7a-3b0c-4f4e-a8d0-2f6d0d3f5c12)")
        );
        assert!(problem["hint"].as_str().unwrap().contains("a renamed one with its ldapConfigurationId"), "{problem}");
    }
    renamed["provisioningConfig"]["ldapConfigurations"][1]["ldapConfigurationId"] = json!(LAB);
    let instance = instance([login(), realms(), read(&present), put_call()]);
    let mut after = present.clone();
    after["provisioningConfig"]["ldapConfigurations"][1]["name"] = json!("laboratory");
    instance.then([read(&after)]);
    let outcome = put(&instance, "", &renamed).json();
    assert_eq!(outcome["outcome"], "updated", "{outcome}");
}

fn created_and_read() -> Value {
    json!({
        "outcome": "created", "id": PROVIDER, "remaining": [], "verified": true, "secretsCompared": false,
        "notCompared": [SECRET]
    })
}

#[test]
fn absent_provider_is_created_and_read_again() {
    let mut spec = spec();
    spec["ssoRealmId"] = json!(EMPTY_REALM);
    spec["provisioningConfig"]["ldapConfigurations"][0]["ldapConfigurationId"] = json!(PROVIDER);
    let created = || post(format!("{IAM}/identity-providers")).answer(201, shown().to_string());
    let instance = instance([login(), realms(), realms(), created(), read(&shown())]);
    let dry = put(&instance, "?dryRun=true", &spec);
    assert_eq!((dry.status().as_u16(), dry.json()), (200, json!({"outcome": "created", "dryRun": true})));
    let answer = put(&instance, "", &spec);
    assert_eq!(answer.status(), 201);
    assert_eq!(untagged(&answer), created_and_read());
    assert_eq!(answer.header("location"), format!("{LIST}/{PROVIDER}"));
    let directory = &sent(&instance, 3)["provisioningConfig"]["ldapConfigurations"][0];
    assert_eq!(directory.get("ldapConfigurationId"), None, "an id of another provider is not sent");
}

#[test]
fn id_of_a_created_provider_is_found_in_its_realm() {
    let mut spec = spec();
    spec["ssoRealmId"] = json!(EMPTY_REALM);
    let created = || post(format!("{IAM}/identity-providers")).answer(201, "Created");
    let realms_after = get(format!("{IAM}/ssorealms"))
        .answer(200, json!({"ssoRealms": [{"id": EMPTY_REALM, "idpId": PROVIDER}]}).to_string());
    let instance = instance([login(), realms(), created(), realms_after, read(&shown())]);
    assert_eq!(untagged(&put(&instance, "", &spec)), created_and_read());

    let fails = || get(format!("{IAM}/ssorealms")).answer(403, r#"{"message":"no"}"#);
    instance.then([realms(), created(), fails()]);
    let told = put(&instance, "", &spec);
    assert_eq!(told.status(), 201);
    let message = told.json()["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("the change was made, but it could not be read again"), "{message}");
}

#[test]
fn dry_run_changes_nothing() {
    let instance = instance([login(), realms(), read(&shown()), realms(), read(&shown())]);
    let told = put(&instance, "?dryRun=true", &changed()).json();
    assert_eq!((&told["outcome"], &told["dryRun"]), (&json!("updated"), &json!(true)));
    assert_eq!(told["changes"].as_array().unwrap().len(), 1);
    assert_eq!(put(&instance, "?dryRun=true&force=true", &spec()).json()["changes"], json!([]));
}

#[test]
fn unsent_secret_is_reported_after_a_change() {
    let mut spec = changed();
    let bind = &mut spec["provisioningConfig"]["ldapConfigurations"][0]["ldapBindConfiguration"];
    bind.as_object_mut().unwrap().remove("bindDnPassword");
    let instance = instance([login(), realms(), read(&shown()), put_call(), read(&after())]);
    let message = put(&instance, "", &spec).json()["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with(SECRET) && message.contains("check that users can log in"), "{message}");
}

/// The domains of a directory name the servers of a bind without domain controllers.
#[test]
fn stored_password_is_needed_to_change_the_domains() {
    let mut spec = spec();
    let directory = &mut spec["provisioningConfig"]["ldapConfigurations"][0];
    directory["domains"] = json!(["evil.example"]);
    let bind = directory["ldapBindConfiguration"].as_object_mut().unwrap();
    bind.remove("bindDnPassword");
    bind.remove("primaryDomainController");
    let instance = instance([login(), realms(), read(&shown())]);
    let problem = put(&instance, "", &spec).problem("request_invalid");
    assert_eq!(problem["errors"][0]["pointer"], SECRET, "{problem}");
}

/// Otherwise a caller who does not know the password could have VCF Operations send it to a server of their choice.
#[test]
fn stored_password_is_sent_to_no_other_server() {
    for (field, value) in [("host", json!("dc.evil.example")), ("port", json!(1389))] {
        let mut spec = changed();
        let bind = &mut spec["provisioningConfig"]["ldapConfigurations"][0]["ldapBindConfiguration"];
        bind["primaryDomainController"][field] = value;
        bind.as_object_mut().unwrap().remove("bindDnPassword");
        for query in ["", "?dryRun=true"] {
            let instance = instance([login(), realms(), read(&shown())]);
            let problem = put(&instance, query, &spec).problem("request_invalid");
            assert_eq!(problem["errors"].as_array().unwrap().len(), 1, "{field}: {problem}");
            assert_eq!(problem["errors"][0]["pointer"], SECRET, "{field}: {problem}");
        }
    }
}

/// A server with several nodes may show the former state for a moment.
#[test]
fn change_that_is_shown_late_is_verified() {
    let instance = instance([login(), realms(), read(&shown()), put_call(), read(&shown()), read(&after())]);
    let told = put(&instance, "", &changed()).json();
    assert_eq!((&told["verified"], &told["remaining"]), (&json!(true), &json!([])), "{told}");
    assert_eq!(instance.script.slept(), [Duration::from_secs(1)]);

    // A created one may not be found at first.
    let mut spec = spec();
    spec["ssoRealmId"] = json!(EMPTY_REALM);
    let gone =
        get(format!("{IAM}/identity-providers/{PROVIDER}")).answer(404, r#"{"message":"none","apiErrorCode":404}"#);
    let created = post(format!("{IAM}/identity-providers")).answer(201, shown().to_string());
    instance.then([realms(), created, gone, read(&shown())]);
    assert_eq!(put(&instance, "", &spec).json()["verified"], true);

    // Near the end of the request's time there is one look.
    instance.then([realms(), read(&shown()), put_call().takes(Duration::from_secs(23)), read(&shown())]);
    assert_eq!(put(&instance, "", &changed()).json()["verified"], false);
}

/// A PUT takes the whole provider, and it is not documented what becomes of the fields that it omits.
#[test]
fn omitted_fields_are_named_before_the_change_and_after_their_loss() {
    const MODE: &str = "/provisioningConfig/ldapConfigurations/0/ldapBindConfiguration/syncMode";
    let spec = changed();
    let with_mode = |domains: &[&str], mode: Option<&str>| {
        let mut shown = shown();
        let directory = &mut shown["provisioningConfig"]["ldapConfigurations"][0];
        directory["domains"] = json!(domains);
        directory["ldapBindConfiguration"]["syncMode"] = json!(mode);
        read(&shown)
    };
    let before = || with_mode(&["corp.example"], Some("ON_DEMAND"));
    let after = |mode| with_mode(&["corp.example", "dev.corp.example"], mode);
    let instance = instance([login(), realms(), before()]);
    let omitted = json!([{"pointer": MODE, "from": "ON_DEMAND"}]);
    let told = put(&instance, "?dryRun=true", &spec).json();
    assert_eq!((&told["omitted"], told.get("message")), (&omitted, None), "{told}");

    instance.then([realms(), before(), put_call(), after(Some("ON_DEMAND"))]);
    let told = put(&instance, "", &spec).json();
    assert_eq!((&told["omitted"], told.get("message")), (&omitted, None), "{told}");

    for mode in [None, Some("FULL")] {
        instance.then([realms(), before(), put_call(), after(mode)]);
        let told = put(&instance, "", &spec).json();
        assert_eq!((&told["omitted"], &told["verified"]), (&omitted, &json!(true)), "{told}");
        assert!(told["message"].as_str().unwrap().contains(&format!("no longer shows the same at {MODE}")), "{told}");
    }
}

#[test]
fn change_that_cannot_be_read_again_is_still_reported() {
    let failed =
        get(format!("{IAM}/identity-providers/{PROVIDER}")).answer(400, r#"{"message":"busy","apiErrorCode":7}"#);
    let instance = instance([login(), realms(), read(&shown()), put_call(), failed, realms()]);
    let answer = put(&instance, "?force=true", &spec());
    let told = answer.json();
    assert_eq!((answer.status().as_u16(), &told["outcome"], told.get("remaining")), (200, &json!("updated"), None));
    assert!(told["message"].as_str().unwrap().contains("could not be read again"), "{told}");
}

#[test]
fn other_provider_is_never_replaced() {
    let mut other = shown();
    other["name"] = json!("Other AD");
    let instance = instance([login(), realms(), read(&other), realms(), read(&other)]);
    let problem = put(&instance, "", &spec()).problem("request_invalid");
    assert_eq!(problem["errors"][0]["pointer"], "/name");
    let hint = problem["hint"].as_str().unwrap();
    assert!(hint.contains(&format!("DELETE {LIST}/{PROVIDER}")), "{hint}");
    let mut kind = spec();
    kind["idpType"] = json!("OPENLDAP");
    kind["id"] = json!(PROVIDER);
    let problem = put(&instance, "?force=true", &kind).problem("request_invalid");
    assert_eq!(problem["errors"][0]["pointer"], "/idpType");
    assert_eq!(problem["errors"].as_array().unwrap().len(), 1, "the id allows another name");
}

#[test]
fn unknown_realm_is_rejected_with_the_known_ones() {
    let mut spec = spec();
    spec["ssoRealmId"] = json!(PROVIDER);
    let none = get(format!("{IAM}/ssorealms")).answer(200, "{}");
    let instance = instance([login(), realms(), none]);
    let problem = put(&instance, "", &spec).problem("request_invalid");
    let detail = problem["detail"].as_str().unwrap();
    assert!(problem["errors"][0]["pointer"] == "/ssoRealmId" && detail.contains("(Europe)"), "{problem}");
    let problem = put(&instance, "", &spec).problem("request_invalid");
    assert!(problem["detail"].as_str().unwrap().contains("has no realm"), "{problem}");
}

#[test]
fn update_is_not_repeated_and_its_error_is_kept() {
    let failed = put_call().answer(500, r#"{"message":"broken","apiErrorCode":1500}"#);
    let instance = instance([login(), realms(), read(&shown()), failed]);
    let problem = put(&instance, "", &changed()).problem("upstream_failed");
    assert!(problem["detail"].as_str().unwrap().contains("broken"), "{problem}");
    assert_eq!(instance.calls(), 4);
    assert!(instance.script.requests().iter().all(|request| request.uri().to_string().starts_with(OPS)));
}

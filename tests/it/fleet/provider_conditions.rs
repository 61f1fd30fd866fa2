//! `ETag` and `If-Match` of a realm's identity provider: a change is made only in the state that the caller read.

use http::Method;
use serde_json::{Value, json};

use super::providers::{EMPTY_REALM, IAM, LIST, OPS, PROVIDER, instance, login, read, realms, shown, spec};
use crate::support::script::{Call, get};
use crate::support::webhook::{Answer, Instance};

fn one() -> String {
    format!("{LIST}/{PROVIDER}")
}

/// The provider after another writer changed it.
fn moved() -> Value {
    let mut moved = shown();
    moved["provisioningConfig"]["ldapConfigurations"][0]["domains"] = json!(["other.example"]);
    moved
}

/// The tag of the present provider.
fn tag(instance: &Instance) -> String {
    instance.then([login(), read(&shown())]);
    instance.get(&one()).header("etag").to_owned()
}

fn put(instance: &Instance, query: &str, tag: &str, spec: &Value) -> Answer {
    instance.send_with(Method::PUT, &format!("{LIST}{query}"), &[("if-match", tag)], &spec.to_string())
}

fn delete(instance: &Instance, tag: &str) -> Answer {
    instance.send_with(Method::DELETE, &one(), &[("if-match", tag)], "")
}

fn deleted() -> Call {
    Call::new(Method::DELETE, format!("{IAM}/identity-providers/{PROVIDER}")).answer(202, r#"{"taskId":"t-1"}"#)
}

#[test]
fn provider_that_another_writer_changed_is_left_alone() {
    let instance = instance([]);
    let tag = tag(&instance);
    instance.then([realms(), read(&moved()), read(&moved())]);
    for answer in [put(&instance, "", &tag, &spec()), delete(&instance, &tag)] {
        let problem = answer.problem("precondition_failed");
        assert_eq!(answer.status(), 412);
        assert!(problem["detail"].as_str().unwrap().contains("changed since it was read"), "{problem}");
    }
}

#[test]
fn provider_in_the_state_that_the_caller_read_is_changed() {
    let instance = instance([]);
    let tag = tag(&instance);
    let updated = || Call::new(Method::PUT, format!("{IAM}/identity-providers")).answer(200, "{}");
    let mut wanted = moved();
    wanted["provisioningConfig"]["ldapConfigurations"][0].as_object_mut().unwrap().remove("ldapConfigurationId");
    instance.then([realms(), read(&shown()), updated(), read(&moved())]);
    let answer = put(&instance, "", &tag, &wanted);
    assert_eq!(answer.json()["outcome"], "updated", "{}", answer.text());
    let next = answer.header("etag").to_owned();
    assert_ne!(next, tag);
    // The outcome has the tag for the next change.
    instance.then([read(&moved()), deleted()]);
    assert_eq!(delete(&instance, &next).status(), 202);
    instance.then([read(&shown()), deleted()]);
    assert_eq!(delete(&instance, "*").status(), 202);
}

/// The page sends the tag of its preview with the change.
#[test]
fn dry_run_has_the_tag_that_a_read_has() {
    let instance = instance([]);
    let tag = tag(&instance);
    instance.then([realms(), read(&shown())]);
    let told = put(&instance, "?dryRun=true", "*", &moved());
    assert_eq!((&told.json()["etag"], told.header("etag")), (&json!(tag), tag.as_str()));
    instance.then([read(&shown())]);
    let again = instance.send_with(Method::GET, &one(), &[("if-none-match", &tag)], "");
    assert_eq!((again.status().as_u16(), again.text().as_str()), (304, ""));
}

#[test]
fn absent_provider_fulfils_no_condition() {
    let mut wanted = spec();
    wanted["ssoRealmId"] = json!(EMPTY_REALM);
    let instance = instance([login(), realms(), realms()]);
    for query in ["", "?dryRun=true"] {
        let problem = put(&instance, query, "*", &wanted).problem("precondition_failed");
        assert!(problem["detail"].as_str().unwrap().contains("does not exist"), "{problem}");
    }
    let gone = read(&shown()).answer(404, r#"{"message":"no such provider","apiErrorCode":404}"#);
    let version = get(format!("{OPS}/suite-api/api/versions/current")).answer(200, r#"{"major":9,"minor":1}"#);
    instance.then([gone, version]);
    assert_eq!(delete(&instance, "*").status(), 404);
}

/// A change must not look protected where it is not.
#[test]
fn conditions_that_are_not_evaluated_are_rejected_before_any_call() {
    let instance = instance([]);
    for (method, path, header) in [
        (Method::POST, LIST.to_owned(), "if-match"),
        (Method::POST, LIST.to_owned(), "if-none-match"),
        (Method::PUT, LIST.to_owned(), "if-none-match"),
        (Method::DELETE, one(), "if-none-match"),
        (Method::POST, format!("{}/sync-client", one()), "if-match"),
    ] {
        let problem =
            instance.send_with(method, &path, &[(header, "*")], &spec().to_string()).problem("request_invalid");
        assert!(problem["detail"].as_str().unwrap().to_lowercase().contains(header), "{problem}");
    }
    put(&instance, "", "no-quotes", &spec()).problem("request_invalid");
    delete(&instance, "no-quotes").problem("request_invalid");
    assert_eq!(instance.calls(), 0);
}

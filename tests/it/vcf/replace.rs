//! Replacing the external provider by another: what is refused, the calls, and a failure at each of them.

use std::time::Duration;

use http::Method;
use idhook::http::TransportErrorKind;
use serde_json::{Value, json};

use crate::support::script::{Call, get, post};
use crate::support::vcf::{ADFS, LIST, PROVIDER, ROOT};
use crate::support::webhook::{Answer, Instance};
use crate::vcf::aliases::listed;
use crate::vcf::session::login;

const ADDED: &str = include_str!("../../fixtures/vcf/identity-provider-added.answer.txt");
const FAILED: &str = include_str!("../../fixtures/vcf/error.answer.json");
const CONFIRMED: &str = "?replace=true&confirm=My%20AD%20Identity%20Source";

fn put(instance: &Instance, query: &str) -> Answer {
    let answer = instance.send(Method::PUT, &format!("/vcf/default/v1/identity-providers{query}"), PROVIDER);
    assert!(!answer.text().contains("23bf3c38"), "{}", answer.text());
    answer
}

fn deletion() -> Call {
    Call::new(Method::DELETE, format!("{ROOT}/{ADFS}")).without("content-type").body("")
}

fn addition() -> Call {
    post(ROOT).body(PROVIDER.split_whitespace().collect::<String>().replace("MyADFS", "My ADFS"))
}

fn none() -> Call {
    let mut list: Value = serde_json::from_str(LIST).unwrap();
    list["elements"].as_array_mut().unwrap().truncate(1);
    get(ROOT).answer(200, list.to_string())
}

fn replaced() -> Call {
    let mut list: Value = serde_json::from_str(LIST).unwrap();
    list["elements"][1] = serde_json::from_str(PROVIDER).unwrap();
    list["elements"][1]["id"] = json!(ADDED.trim());
    get(ROOT).answer(200, list.to_string())
}

#[test]
fn replacement_needs_the_present_name_and_lists_what_disappears() {
    let instance = Instance::new([login(), listed(), listed(), listed()]);
    for query in
        ["?replace=true", "?replace=true&confirm=My%20ADFS", "?replace=true&confirm=my%20ad%20identity%20source"]
    {
        let problem = put(&instance, query).problem("request_invalid");
        let detail = problem["detail"].as_str().unwrap();
        for word in ["My AD Identity Source", "Microsoft ADFS", "users and groups of external-idp.com", "confirm"] {
            assert!(detail.contains(word), "{detail}");
        }
        assert!(problem["hint"].as_str().unwrap().contains("percent-encoded"), "{problem}");
    }
    assert_eq!(instance.calls(), 4);
}

#[test]
fn confirmed_replacement_deletes_then_adds_and_reads() {
    let instance =
        Instance::new([login(), listed(), deletion().answer(204, ""), addition().answer(201, ADDED), replaced()]);
    let answer = put(&instance, CONFIRMED);
    assert_eq!(answer.status(), 201);
    assert_eq!(answer.header("location"), format!("/vcf/default/v1/identity-providers/{}", ADDED.trim()));
    let outcome = answer.json();
    assert_eq!((&outcome["outcome"], &outcome["id"]), (&json!("replaced"), &json!(ADDED.trim())));
    assert_eq!(outcome["verified"], true);
    assert_eq!(
        outcome["removed"],
        json!(["the provider My AD Identity Source (type Microsoft ADFS)", "the users and groups of external-idp.com"])
    );
    // The same request again finds it in place, although the name to confirm is gone.
    instance.then([replaced()]);
    let again = put(&instance, CONFIRMED);
    assert_eq!((again.status().as_u16(), &again.json()["outcome"]), (200, &json!("unchanged")));
}

#[test]
fn dry_run_lists_what_would_disappear() {
    let instance = Instance::new([login(), listed()]);
    let answer = put(&instance, "?replace=true&dryRun=true");
    assert_eq!((answer.status().as_u16(), &answer.json()["outcome"]), (200, &json!("replaced")));
    assert_eq!((&answer.json()["dryRun"], answer.json()["removed"].as_array().unwrap().len()), (&json!(true), 2));
}

#[test]
fn federated_provider_disappears_with_its_directory_and_token() {
    let mut list: Value = serde_json::from_str(LIST).unwrap();
    list["elements"][1] = json!({
        "id": ADFS, "name": "Okta", "type": "Okta",
        "fedIdp": {"name": "Okta", "source": "OKTA", "directoryList": {"name": "corp dir", "domains": ["corp.example", "b.example"]}}
    });
    let instance = Instance::new([login(), get(ROOT).answer(200, list.to_string())]);
    let removed = put(&instance, "?replace=true&dryRun=true").json()["removed"].to_string();
    for words in ["Okta", "corp.example and b.example", "corp dir", "SCIM token"] {
        assert!(removed.contains(words), "{removed}");
    }
}

#[test]
fn failed_deletion_adds_nothing() {
    for call in [
        deletion().answer(500, FAILED),
        deletion().answer(400, FAILED),
        deletion().fail(TransportErrorKind::Interrupted),
    ] {
        let instance = Instance::new([login(), listed(), call]);
        let answer = put(&instance, CONFIRMED);
        let problem = answer.json();
        assert!(problem["detail"].as_str().unwrap().contains("could not be deleted"), "{problem}");
        assert!(problem["hint"].as_str().unwrap().contains("was not added"), "{problem}");
    }
}

#[test]
fn failed_addition_says_what_is_in_place_and_a_second_run_completes_it() {
    let instance = Instance::new([login(), listed(), deletion().answer(204, ""), addition().answer(400, FAILED)]);
    let problem = put(&instance, CONFIRMED).problem("upstream_rejected");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("My AD Identity Source was deleted, but My ADFS could not be added"), "{detail}");
    assert!(problem["hint"].as_str().unwrap().contains("send the same request again"), "{problem}");
    assert_eq!(problem["upstream"]["reference"], "H0IJ5E");
    instance.then([none(), addition().answer(201, ADDED), replaced()]);
    assert_eq!(put(&instance, CONFIRMED).json()["outcome"], "created");
}

#[test]
fn provider_deleted_by_another_writer_is_added_all_the_same() {
    let gone = deletion().answer(404, r#"{"errorCode":"NOT_FOUND","message":"gone"}"#);
    let instance = Instance::new([login(), listed(), gone, addition().answer(201, ADDED), replaced()]);
    assert_eq!(put(&instance, CONFIRMED).json()["outcome"], "replaced");
}

#[test]
fn provider_is_not_deleted_when_the_time_to_add_the_new_one_is_nearly_over() {
    // The default request_timeout is 25 s.
    let instance = Instance::new([login(), listed().takes(Duration::from_secs(21))]);
    let problem = put(&instance, CONFIRMED).problem("upstream_timeout");
    assert!(problem["detail"].as_str().unwrap().contains("was not removed"), "{problem}");
    assert_eq!(problem["retryable"], true);
}

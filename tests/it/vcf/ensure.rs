//! PUT and the plan of a job between other writers, expiring tokens and a failing server: what each request reports, and that the
//! same request again completes the work.

use http::Method;
use idhook::http::TransportErrorKind;
use serde_json::{Value, json};

use crate::support::script::{Call, get, post};
use crate::support::vcf::{ID, LIST, ROOT, SOURCE};
use crate::support::webhook::{Answer, Instance};
use crate::vcf::aliases::listed;
use crate::vcf::session::login;

const FAILED: &str = include_str!("../../fixtures/vcf/error.answer.json");
const EXPIRED: &str = include_str!("../../fixtures/vcf/error-response.answer.json");
const PATH: &str = "/vcf/default/v1/identity-providers/embedded/identity-sources/new.example";

/// A specification that the vendor's list does not have.
fn spec() -> Value {
    let mut spec: Value = serde_json::from_str(SOURCE).unwrap();
    spec["ldap"]["domainName"] = json!("new.example");
    spec
}

/// The embedded provider with the source of this specification.
fn provider_with(spec: &Value) -> Value {
    let mut provider = serde_json::from_str::<Value>(LIST).unwrap()["elements"][0].take();
    let mut source = spec.clone();
    source["ldap"].as_object_mut().unwrap().remove("password");
    source["type"] = json!("ActiveDirectory");
    source["domainNames"] = json!(["new.example"]);
    provider["identitySources"].as_array_mut().unwrap().push(source);
    provider
}

fn listed_with(spec: &Value) -> Call {
    let mut list: Value = serde_json::from_str(LIST).unwrap();
    list["elements"][0] = provider_with(spec);
    get(ROOT).answer(200, list.to_string())
}

fn read_again(spec: &Value) -> Call {
    get(format!("{ROOT}/{ID}")).answer(200, provider_with(spec).to_string())
}

fn added() -> Call {
    post(format!("{ROOT}/{ID}/identity-sources")).answer(204, "")
}

fn updated() -> Call {
    Call::new(Method::PATCH, format!("{ROOT}/{ID}/identity-sources/new.example")).answer(204, "")
}

/// The same source with another server.
fn moved() -> Value {
    let mut spec = spec();
    spec["ldap"]["sourceDetails"]["serverEndpoints"] = json!(["ldap://dc09.example"]);
    spec
}

fn put(instance: &Instance, query: &str) -> Answer {
    instance.send(Method::PUT, &format!("{PATH}{query}"), &spec().to_string())
}

#[track_caller]
fn outcome(answer: &Answer) -> String {
    answer.json()["outcome"].as_str().unwrap_or_else(|| panic!("{}", answer.text())).to_owned()
}

#[test]
fn source_that_another_writer_adds_after_the_read_is_found_by_the_next_request() {
    let instance = Instance::new([login(), listed(), added().answer(400, FAILED)]);
    let problem = put(&instance, "").problem("upstream_rejected");
    assert_eq!(problem["upstream"]["call"], "POST /v1/identity-providers/{id}/identity-sources", "{problem}");
    instance.then([listed_with(&spec())]);
    assert_eq!(outcome(&put(&instance, "")), "unchanged");
}

#[test]
fn source_that_another_writer_deletes_after_the_read_is_added_by_the_next_request() {
    let instance = Instance::new([login(), listed_with(&moved()), updated().answer(404, FAILED)]);
    put(&instance, "").problem("not_found");
    instance.then([listed(), added(), read_again(&spec())]);
    let answer = put(&instance, "");
    assert_eq!((answer.status().as_u16(), outcome(&answer).as_str()), (201, "created"));
}

#[test]
fn source_that_another_writer_changes_after_the_write_is_not_verified() {
    let instance = Instance::new([login(), listed(), added()]);
    instance.then([read_again(&moved()), read_again(&moved()), read_again(&moved())]);
    let answer = put(&instance, "").json();
    assert_eq!((&answer["outcome"], &answer["verified"]), (&json!("created"), &json!(false)), "{answer}");
    assert_eq!(answer["remaining"][0]["pointer"], "/ldap/sourceDetails/serverEndpoints");
    // With the tag of what the caller knows, the other writer's change is not overwritten.
    instance.then([listed_with(&spec())]);
    let known = put(&instance, "").json()["etag"].as_str().unwrap().to_owned();
    instance.then([listed_with(&moved())]);
    let answer = instance.send_with(Method::PUT, PATH, &[("if-match", &known)], &spec().to_string());
    answer.problem("precondition_failed");
}

#[test]
fn token_that_ends_between_read_and_write_is_renewed_and_the_write_sent_once_more() {
    let other = r#"{"accessToken":"other.access.token","refreshToken":{"id":"other-refresh"}}"#;
    let instance = Instance::new([login(), listed_with(&spec())]);
    assert_eq!(outcome(&put(&instance, "")), "unchanged");
    instance.then([
        listed_with(&moved()),
        updated().answer(401, EXPIRED),
        login().answer(201, other),
        updated().header("authorization", "Bearer other.access.token"),
        Call::new(Method::DELETE, "https://sddc.corp.example/v1/tokens/refresh-token").answer(204, ""),
        read_again(&spec()),
    ]);
    let answer = put(&instance, "").json();
    assert_eq!((&answer["outcome"], &answer["verified"]), (&json!("updated"), &json!(true)), "{answer}");
}

#[test]
fn failure_at_each_call_of_a_put_is_reported_and_the_next_request_completes_it() {
    let lost = |call: Call| call.fail(TransportErrorKind::Timeout);
    for (calls, code) in [
        (vec![login().answer(500, "")], "upstream_failed"),
        (vec![login(), listed().answer(400, FAILED)], "upstream_rejected"),
        (vec![login(), listed(), added().answer(500, FAILED)], "upstream_failed"),
        (vec![login(), listed(), lost(added())], "upstream_timeout"),
        (vec![login(), listed_with(&moved()), updated().answer(500, FAILED)], "upstream_failed"),
    ] {
        let has_token = calls.len() > 1;
        let instance = Instance::new(calls);
        put(&instance, "").problem(code);
        let reads = [listed_with(&moved()), updated(), read_again(&spec())];
        instance.then((!has_token).then(login).into_iter().chain(reads));
        assert_eq!(outcome(&put(&instance, "")), "updated", "{code}");
    }
}

#[test]
fn plan_reports_absent_same_and_different_and_a_failure_at_each_read() {
    let job = json!({"identitySource": spec(), "roles": [{"group": "gg-new@new.example", "role": "ADMIN"}]});
    let plan = |instance: &Instance| instance.send(Method::POST, "/vcf/default/v1/apply?dryRun=true", &job.to_string());
    let (roles, users) = (
        || get("https://sddc.corp.example/v1/roles").answer(200, include_str!("../../fixtures/vcf/roles.answer.json")),
        || get("https://sddc.corp.example/v1/users").answer(200, r#"{"elements":[]}"#),
    );
    let groups = || {
        get("https://sddc.corp.example/v1/sso-domains/new.example/entities?entityName=gg-new")
            .answer(200, r#"{"elements":[{"type":"GROUP","name":"gg-new","id":"S-1"}]}"#)
    };
    let domains = || get("https://sddc.corp.example/v1/sso-domains");
    for (list, ensure) in
        [(listed(), "wouldCreate"), (listed_with(&spec()), "unchanged"), (listed_with(&moved()), "wouldUpdate")]
    {
        let is_new = ensure == "wouldCreate";
        let mut calls = vec![login(), list, roles(), users()];
        if !is_new {
            calls.push(groups());
        }
        let document = plan(&Instance::new(calls)).json();
        assert_eq!(document["steps"][0]["outcome"], ensure, "{document}");
        assert_eq!(document["steps"][2]["outcome"], "wouldCreate", "{document}");
        assert_eq!(document["dryRun"], true);
    }
    let refuse = |call: Call| call.answer(400, FAILED);
    for (calls, failed) in [
        (vec![login(), refuse(listed())], 0),
        (vec![login(), listed_with(&spec()), refuse(roles())], 2),
        (vec![login(), listed_with(&spec()), roles(), refuse(users())], 2),
        (vec![login(), listed_with(&spec()), roles(), users(), refuse(groups()), refuse(domains())], 2),
    ] {
        let problem = plan(&Instance::new(calls)).problem("upstream_rejected");
        assert_eq!(problem["steps"][failed]["outcome"], "failed", "{problem}");
        assert!(problem["hint"].as_str().unwrap().contains("no earlier step changed anything"), "{problem}");
    }
}

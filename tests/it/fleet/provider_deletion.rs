//! Deletion of an identity provider: the vendor's task, and the realms where the task does not show its state.

use std::time::Duration;

use http::Method;
use idhook::runtime::Clock as _;
use serde_json::{Value, json};

use super::providers::{EMPTY_REALM, IAM, LIST, PROVIDER, instance, login, realms};
use crate::support::script::{Call, get};
use crate::support::webhook::{Answer, Instance};

const TASK: &str = "d33220f1-9c27-4671-81d5-95c1dd55330d";

fn delete_call(query: &str) -> Call {
    Call::new(Method::DELETE, format!("{IAM}/identity-providers/{PROVIDER}{query}"))
        .answer(202, json!({"taskId": TASK}).to_string())
}

fn task(status: &str) -> Call {
    let task = json!({"taskId": TASK, "taskStatus": status, "taskType": "IDP_RESET"});
    get(format!("{IAM}/tasks/{TASK}")).answer(200, task.to_string())
}

/// The realms without a provider.
fn realms_without() -> Call {
    get(format!("{IAM}/ssorealms")).answer(200, json!({"ssoRealms": [{"id": EMPTY_REALM}]}).to_string())
}

fn delete(instance: &Instance, query: &str, wait: &str) -> Answer {
    let headers = [("prefer", wait)];
    instance.send_with(Method::DELETE, &format!("{LIST}/{PROVIDER}{query}"), &headers, "")
}

fn told(answer: &Answer) -> (u16, Value) {
    (answer.status().as_u16(), answer.json())
}

#[test]
fn deletion_returns_its_task_at_once() {
    let instance = instance([login(), delete_call("?force=true"), task("IN_PROGRESS")]);
    let answer = delete(&instance, "?force=true", "");
    assert_eq!(told(&answer), (202, json!({"id": PROVIDER, "deleted": false, "task": {"taskId": TASK}})));
    let place = answer.header("location").to_owned();
    assert_eq!(
        (place.as_str(), answer.header("retry-after")),
        (format!("/fleet/default/v1/tasks/{TASK}").as_str(), "5")
    );
    let answer = instance.send_as_reader(Method::GET, &place, "");
    assert_eq!(told(&answer), (200, json!({"taskId": TASK, "taskStatus": "IN_PROGRESS", "taskType": "IDP_RESET"})));
    instance.send_as_reader(Method::DELETE, &format!("{LIST}/{PROVIDER}"), "").problem("forbidden");
}

#[test]
fn deletion_is_followed_until_it_is_complete() {
    let instance = instance([
        login(),
        delete_call(""),
        task("QUEUED"),
        task("IN_PROGRESS"),
        task("IN_PROGRESS"),
        task("COMPLETED"),
    ]);
    let answer = delete(&instance, "", "wait=60");
    let task = json!({"taskId": TASK, "taskStatus": "COMPLETED", "taskType": "IDP_RESET"});
    assert_eq!(told(&answer), (200, json!({"id": PROVIDER, "deleted": true, "task": task})));
    assert_eq!((answer.header("preference-applied"), answer.header("location")), ("wait=60", ""));
    // 1 s, then half as long again each time.
    assert_eq!(instance.script.elapsed(), Duration::from_millis(1000 + 1500 + 2250 + 3375));
}

#[test]
fn deletion_that_takes_too_long_goes_on() {
    let instance = instance([login(), delete_call(""), task("IN_PROGRESS"), task("IN_PROGRESS"), task("IN_PROGRESS")]);
    let answer = delete(&instance, "", "wait=4");
    assert_eq!(instance.script.elapsed(), Duration::from_secs(3), "the last look is a second before the end");
    let (status, document) = told(&answer);
    assert_eq!(
        (status, &document["deleted"], &document["task"]["taskStatus"]),
        (202, &json!(false), &json!("IN_PROGRESS"))
    );
    assert_eq!(answer.header("location"), format!("/fleet/default/v1/tasks/{TASK}"));
}

#[test]
fn failed_task_is_an_error_with_its_reason() {
    let failed = json!({"taskId": TASK, "taskStatus": "FAILED", "errorDetails": {"errorCode": "1500", "errorMessage": "in use"}});
    let failed = get(format!("{IAM}/tasks/{TASK}")).answer(200, failed.to_string());
    let instance = instance([login(), delete_call(""), failed]);
    let problem = delete(&instance, "", "wait=60").problem("upstream_failed");
    assert!(problem["detail"].as_str().unwrap().ends_with("1500: in use"), "{problem}");
    assert!(problem["hint"].as_str().unwrap().contains("force=true"), "{problem}");
}

#[test]
fn realms_decide_where_the_task_shows_no_state() {
    let unreadable = |status, body: &'static str| get(format!("{IAM}/tasks/{TASK}")).answer(status, body);
    for (name, look) in [
        ("unknown", vec![task("UNKNOWN")]),
        ("without a state", vec![unreadable(200, "{}")]),
        ("not found", vec![unreadable(404, r#"{"message":"no such task"}"#)]),
        ("no JSON", vec![unreadable(200, "?")]),
        ("rejected", vec![unreadable(400, r#"{"message":"x"}"#)]),
    ] {
        let mut calls = vec![login(), delete_call(""), task("UNKNOWN"), realms()];
        calls.extend(look);
        calls.push(realms_without());
        let answer = delete(&instance(calls), "", "wait=60");
        assert_eq!((answer.status().as_u16(), &answer.json()["deleted"]), (200, &json!(true)), "{name}");
    }
}

#[test]
fn server_error_of_the_task_does_not_end_the_wait() {
    let broken = || get(format!("{IAM}/tasks/{TASK}")).answer(500, r#"{"message":"broken"}"#);
    let instance = instance([login(), delete_call(""), broken(), realms(), broken(), realms_without()]);
    assert_eq!(delete(&instance, "", "wait=60").status(), 200);
}

#[test]
fn deletion_without_a_readable_task_is_followed_by_the_realms() {
    let accepted = Call::new(Method::DELETE, format!("{IAM}/identity-providers/{PROVIDER}")).answer(202, "Accepted");
    let instance = instance([login(), accepted, realms(), realms_without()]);
    let answer = delete(&instance, "", "wait=60");
    assert_eq!(told(&answer), (200, json!({"id": PROVIDER, "deleted": true, "task": {}})));
}

#[test]
fn empty_list_of_realms_proves_no_deletion() {
    let empty = get(format!("{IAM}/ssorealms")).answer(200, r#"{"ssoRealms":[]}"#);
    let instance = instance([login(), delete_call(""), task("UNKNOWN"), empty]);
    let answer = delete(&instance, "", "wait=2");
    assert_eq!((answer.status().as_u16(), &answer.json()["deleted"]), (202, &json!(false)));
}

#[test]
fn rejected_deletion_is_not_repeated() {
    let busy =
        Call::new(Method::DELETE, format!("{IAM}/identity-providers/{PROVIDER}")).answer(500, r#"{"message":"x"}"#);
    let instance = instance([login(), busy]);
    delete(&instance, "", "wait=60").problem("upstream_failed");
    assert_eq!(instance.calls(), 2);
}

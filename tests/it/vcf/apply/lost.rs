//! Another role for a group when a response is lost or the time is nearly over: the group does not lose its role unnoticed.

use std::time::Duration;

use super::*;

const OPERATORS: &str = "gg-vcf-operators@embedded-ids.com";

fn wants(role: &Value) -> Value {
    json!({"roles": [role]})
}

fn found() -> Call {
    entities("embedded-ids.com", "gg-vcf-operators", &[("GROUP", "gg-vcf-operators")])
}

fn gone() -> Call {
    users_after(|users| drop(users.remove(1)))
}

fn has_role(role: &'static str) -> Call {
    users_after(|users| users[1]["role"]["id"] = json!(role))
}

/// Removals that SDDC Manager may have made.
fn lost() -> [Call; 3] {
    [
        remove(GROUP_ID).fail(TransportErrorKind::Timeout),
        remove(GROUP_ID).fail(TransportErrorKind::Interrupted),
        remove(GROUP_ID).answer(504, "<html><title>504 Gateway Time-out</title></html>"),
    ]
}

#[test]
fn role_is_replaced_although_the_response_to_the_removal_is_lost() {
    for lost in lost() {
        let add = add("gg-vcf-operators", "EMBEDDED-IDS.COM", ADMIN);
        let instance = Instance::new([login(), roles(), users(), found(), lost, gone(), add, has_role(ADMIN)]);
        let document = apply(&instance, "", &wants(&json!({"group": OPERATORS, "role": "ADMIN"}))).json();
        assert_eq!(steps(&document), ["roles updated"], "{document}");
    }
}

#[test]
fn role_is_removed_although_the_response_is_lost() {
    for lost in lost() {
        let instance = Instance::new([login(), roles(), users(), lost, gone(), gone()]);
        let document = apply(&instance, "", &wants(&json!({"group": OPERATORS, "state": "absent"}))).json();
        assert_eq!(steps(&document), ["roles removed"], "{document}");
    }
}

#[test]
fn failed_removal_is_an_error_that_says_what_may_be_lost() {
    let body = wants(&json!({"group": OPERATORS, "role": "ADMIN"}));
    let instance = Instance::new([login(), roles(), users(), found(), remove(GROUP_ID).answer(500, "")]);
    // It may take effect late.
    instance.then([users(), users(), users()]);
    let problem = apply(&instance, "", &body).problem("upstream_failed");
    assert!(!problem["detail"].as_str().unwrap().contains("no role now"), "{problem}");
    // A rejection is certain, so nothing is read again.
    let instance = Instance::new([login(), roles(), users(), found(), remove(GROUP_ID).answer(403, "")]);
    apply(&instance, "", &body).problem("upstream_forbidden");
    let [lost, ..] = lost();
    let unread = get(on("users")).answer(400, "");
    let instance = Instance::new([login(), roles(), users(), found(), lost, unread]);
    let problem = apply(&instance, "", &body).problem("upstream_timeout");
    assert!(problem["detail"].as_str().unwrap().ends_with("gg-vcf-operators@embedded-ids.com may have no role now"));
}

#[test]
fn role_is_not_taken_when_the_time_to_give_the_new_one_is_nearly_over() {
    // The default request_timeout is 25 s.
    let slow = found().takes(Duration::from_secs(21));
    let instance = Instance::new([login(), roles(), users(), slow]);
    let body = wants(&json!({"group": OPERATORS, "role": "ADMIN"}));
    let problem = apply(&instance, "", &body).problem("upstream_timeout");
    assert_eq!((steps(&problem), &problem["retryable"]), (vec!["roles failed".to_owned()], &json!(true)));
    assert!(problem["hint"].as_str().unwrap().contains("Prefer: wait=N"), "{problem}");
    let add = add("gg-vcf-operators", "EMBEDDED-IDS.COM", ADMIN);
    instance.then([roles(), users(), found().takes(Duration::from_secs(19)), remove(GROUP_ID), add, has_role(ADMIN)]);
    assert_eq!(steps(&apply(&instance, "", &body).json()), ["roles updated"]);
}

#[test]
fn caller_can_allow_more_time_for_a_job() {
    let slow = found().takes(Duration::from_secs(50));
    let add = add("gg-vcf-operators", "EMBEDDED-IDS.COM", ADMIN);
    let instance = Instance::new([login(), roles(), users(), slow, remove(GROUP_ID), add, has_role(ADMIN)]);
    let body = wants(&json!({"group": OPERATORS, "role": "ADMIN"})).to_string();
    let answer = instance.send_with(Method::POST, PATH, &[("prefer", "wait=60")], &body);
    assert_eq!(steps(&answer.json()), ["roles updated"]);
    assert_eq!(answer.header("preference-applied"), "wait=60");
}

#[test]
fn old_role_is_not_given_back_while_the_new_one_may_be_there() {
    let body = wants(&json!({"group": OPERATORS, "role": "ADMIN"}));
    let unread = || get(on("users")).answer(400, "");
    for lost in [post(on("users")).fail(TransportErrorKind::Timeout), post(on("users")).answer(502, "")] {
        let instance = Instance::new([login(), roles(), users(), found(), remove(GROUP_ID), lost, unread()]);
        let problem = apply(&instance, "", &body).json();
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.ends_with("was removed, and it is unknown whether it has a role now"), "{problem}");
    }
    // After some time without the group the old role is given back.
    let instance = Instance::new([login(), roles(), users(), found(), remove(GROUP_ID)]);
    let old = || add("gg-vcf-operators", "EMBEDDED-IDS.COM", OPERATOR);
    instance.then([post(on("users")).answer(502, ""), gone(), gone(), gone(), old()]);
    let problem = apply(&instance, "", &body).json();
    assert!(problem["detail"].as_str().unwrap().ends_with("its old role OPERATOR is restored"), "{problem}");
    // A rejection is certain.
    let instance = Instance::new([login(), roles(), users(), found(), remove(GROUP_ID)]);
    instance.then([post(on("users")).answer(400, ""), unread(), old()]);
    let problem = apply(&instance, "", &body).json();
    assert!(problem["detail"].as_str().unwrap().ends_with("its old role OPERATOR is restored"), "{problem}");
    // Another writer gave the group another role meanwhile.
    let instance = Instance::new([login(), roles(), users(), found(), remove(GROUP_ID)]);
    instance.then([post(on("users")).answer(500, ""), users()]);
    let problem = apply(&instance, "", &body).json();
    assert!(problem["detail"].as_str().unwrap().contains("unknown whether"), "{problem}");
}

#[test]
fn role_that_appears_late_after_a_lost_response_is_not_given_twice() {
    let instance = Instance::new([login(), roles(), users(), found(), remove(GROUP_ID)]);
    instance.then([post(on("users")).answer(502, ""), gone(), has_role(ADMIN), has_role(ADMIN)]);
    let document = apply(&instance, "", &wants(&json!({"group": OPERATORS, "role": "ADMIN"}))).json();
    assert_eq!(steps(&document), ["roles updated"], "{document}");
}

#[test]
fn not_found_of_another_server_does_not_prove_that_the_role_is_gone() {
    let missing = || remove(GROUP_ID).answer(404, "<html><title>404 Not Found</title></html>");
    let body = wants(&json!({"group": OPERATORS, "state": "absent"}));
    let instance = Instance::new([login(), roles(), users(), missing(), users(), users(), users()]);
    apply(&instance, "", &body).problem("upstream_invalid");
    let instance = Instance::new([login(), roles(), users(), missing(), gone()]);
    assert_eq!(steps(&apply(&instance, "", &body).json()), ["roles unchanged"]);
}

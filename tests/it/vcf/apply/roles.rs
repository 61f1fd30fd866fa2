//! Roles of groups: present, absent, another one, guards, other writers.

use idhook::runtime::Clock as _;
use serde_json::{Value, json};

use super::*;

const OPERATORS: &str = "gg-vcf-operators@embedded-ids.com";

/// A job with only this role.
fn job(role: Value) -> Value {
    json!({"roles": [role]})
}

fn found() -> Call {
    entities("embedded-ids.com", "gg-vcf-operators", &[("GROUP", "gg-vcf-operators")])
}

/// The users after the operators got another role.
fn users_now(role: &'static str) -> Call {
    users_after(|users| users[1]["role"]["id"] = json!(role))
}

/// A job that makes the group `gg-a` an administrator.
fn admin() -> Value {
    job(json!({"group": "gg-a@embedded-ids.com", "role": "ADMIN"}))
}

/// An instance for that job: the group has no role, and these calls follow its look-up.
fn adding(calls: impl IntoIterator<Item = Call>) -> Instance {
    let instance =
        Instance::new([login(), roles(), users(), entities("embedded-ids.com", "gg-a", &[("GROUP", "gg-a")])]);
    instance.then(calls);
    instance
}

fn refused(call: Call) -> Call {
    call.answer(400, include_str!("../../../fixtures/vcf/error.answer.json"))
}

#[test]
fn group_with_the_role_is_unchanged_in_any_spelling() {
    for group in [
        json!(OPERATORS),
        json!("EMBEDDED-IDS.com\\GG-VCF-Operators"),
        json!({"name": "gg-vcf-operators", "domain": "embedded-ids.com"}),
    ] {
        let instance = Instance::new([login(), roles(), users()]);
        let document = apply(&instance, "", &job(json!({"group": group, "role": "operator"}))).json();
        assert_eq!(steps(&document), ["roles unchanged"]);
    }
}

#[test]
fn other_role_is_replaced_and_reported() {
    let instance = Instance::new([
        login(),
        roles(),
        users(),
        found(),
        remove(GROUP_ID),
        add("gg-vcf-operators", "EMBEDDED-IDS.COM", ADMIN),
        users_now(ADMIN),
    ]);
    let document = apply(&instance, "", &job(json!({"group": OPERATORS, "role": "ADMIN"}))).json();
    assert_eq!(steps(&document), ["roles updated"]);
    assert_eq!(document["steps"][0]["detail"], "OPERATOR became ADMIN");
}

#[test]
fn role_that_cannot_be_replaced_is_restored() {
    let replaced = |old: Call| {
        Instance::new([
            login(),
            roles(),
            users(),
            found(),
            remove(GROUP_ID),
            refused(post(on("users"))),
            users_after(|users| drop(users.remove(1))),
            old,
        ])
    };
    let body = job(json!({"group": OPERATORS, "role": "ADMIN"}));
    let instance = replaced(add("gg-vcf-operators", "EMBEDDED-IDS.COM", OPERATOR));
    let problem = apply(&instance, "", &body).problem("upstream_rejected");
    assert_eq!(steps(&problem), ["roles failed"]);
    assert!(problem["detail"].as_str().unwrap().ends_with("its old role OPERATOR is restored"), "{problem}");
    let instance = replaced(refused(post(on("users"))));
    let problem = apply(&instance, "", &body).problem("upstream_rejected");
    assert!(problem["detail"].as_str().unwrap().contains("may have no role now"), "{problem}");
}

#[test]
fn group_that_does_not_exist_keeps_its_entry() {
    // Nothing is removed before the group is found: it could not be added again.
    let domains = get(on("sso-domains")).answer(200, include_str!("../../../fixtures/vcf/sso-domains.answer.json"));
    let nothing = entities("embedded-ids.com", "gg-vcf-operators", &[("USER", "gg-vcf-operators")]);
    let instance = Instance::new([login(), roles(), users(), nothing, domains]);
    let problem = apply(&instance, "", &job(json!({"group": OPERATORS, "role": "ADMIN"}))).problem("not_found");
    assert!(problem["detail"].as_str().unwrap().contains("has no group"), "{problem}");
}

#[test]
fn unknown_domain_is_reported_with_the_known_ones() {
    let domains = get(on("sso-domains")).answer(200, include_str!("../../../fixtures/vcf/sso-domains.answer.json"));
    let failing = get(on("sso-domains/other.example/entities?entityName=gg-a"))
        .answer(404, include_str!("../../../fixtures/vcf/error-response.answer.json"));
    let instance = Instance::new([login(), roles(), users(), failing, domains]);
    let problem =
        apply(&instance, "", &job(json!({"group": "gg-a@other.example", "role": "ADMIN"}))).problem("not_found");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("other.example") && detail.contains("vsphere.local, embedded-ids.com"), "{detail}");
}

#[test]
fn ambiguous_names_are_rejected_with_the_candidates() {
    let two = entities("embedded-ids.com", "gg-a", &[("GROUP", "GG-A"), ("GROUP", "Gg-a")]);
    let instance = Instance::new([login(), roles(), users(), two]);
    let body = job(json!({"group": "gg-a@embedded-ids.com", "role": "ADMIN"}));
    let problem = apply(&instance, "", &body).problem("request_invalid");
    assert_eq!(problem["errors"][0]["pointer"], "/roles/0/group");
    assert_eq!(problem["candidates"].as_array().unwrap().len(), 2, "{problem}");
    // The one that is written as requested is meant.
    let instance = Instance::new([
        login(),
        roles(),
        users(),
        entities("embedded-ids.com", "gg-a", &[("GROUP", "GG-A"), ("GROUP", "gg-a")]),
        add("gg-a", "EMBEDDED-IDS.COM", ADMIN),
        users_with("gg-a", "EMBEDDED-IDS.COM", ADMIN),
    ]);
    assert_eq!(steps(&apply(&instance, "", &body).json()), ["roles created"]);
    // Two entries for one group are for a person to sort out.
    let twice = users_after(|users| users.push(group("gg-vcf-operators", "EMBEDDED-IDS.COM", ADMIN)));
    let instance = Instance::new([login(), roles(), twice]);
    let problem = apply(&instance, "", &job(json!({"group": OPERATORS, "state": "absent"}))).problem("request_invalid");
    assert!(problem["detail"].as_str().unwrap().contains("2 times"), "{problem}");
}

#[test]
fn role_is_removed_only_if_it_is_the_named_one() {
    let body = |role: Value| job(json!({"group": OPERATORS, "role": role, "state": "absent"}));
    let gone = || users_after(|users| drop(users.remove(1)));
    let instance = Instance::new([login(), roles(), users(), remove(GROUP_ID), gone()]);
    let document = apply(&instance, "", &body(Value::Null)).json();
    assert_eq!(
        (steps(&document), &document["steps"][0]["detail"]),
        (vec!["roles removed".to_owned()], &json!("OPERATOR"))
    );
    instance.then([roles(), users(), remove(GROUP_ID), gone()]);
    assert_eq!(steps(&apply(&instance, "", &body(json!("OPERATOR"))).json()), ["roles removed"]);
    instance.then([roles(), users()]);
    let document = apply(&instance, "", &body(json!("VIEWER"))).json();
    assert_eq!(steps(&document), ["roles unchanged"]);
    assert!(document["steps"][0]["detail"].as_str().unwrap().contains("OPERATOR, which is kept"), "{document}");
    instance.then([roles(), gone()]);
    assert_eq!(steps(&apply(&instance, "", &body(Value::Null)).json()), ["roles unchanged"]);
}

#[test]
fn unknown_role_is_rejected_before_any_change() {
    let instance = Instance::new([login(), listed(), roles(), users()]);
    let mut body = whole();
    body["roles"][0]["role"] = json!("ADMNI");
    let problem = apply(&instance, "", &body).problem("request_invalid");
    assert_eq!(problem["errors"][0]["pointer"], "/roles/0/role");
    assert!(problem["detail"].as_str().unwrap().contains("ADMIN, OPERATOR, VIEWER"), "{problem}");
    assert_eq!(steps(&problem), ["ensure skipped", "verify skipped", "roles failed"]);
}

#[test]
fn last_administrator_is_never_removed() {
    // The service account does not count: nobody can use it in the user interface.
    let only_group = || {
        users_after(|users| {
            users.remove(0);
            users[0]["role"]["id"] = json!(ADMIN);
        })
    };
    for role in [json!({"group": OPERATORS, "state": "absent"}), json!({"group": OPERATORS, "role": "VIEWER"})] {
        for query in ["", "?dryRun=true"] {
            let instance = Instance::new([login(), roles(), only_group()]);
            let problem = apply(&instance, query, &job(role.clone())).problem("request_invalid");
            assert!(
                problem["detail"].as_str().unwrap().contains("the last user or group with the role ADMIN"),
                "{problem}"
            );
            assert_eq!(steps(&problem), ["roles failed"]);
        }
    }
}

#[test]
fn administrators_that_idhooks_account_may_need_are_kept() {
    // Another administrator remains, but idhook's account may have its role through the group.
    let without_account = || {
        users_after(|users| {
            users[0]["name"] = json!("root@vsphere.local");
            users[1]["role"]["id"] = json!(ADMIN);
        })
    };
    let wanted = job(json!({"group": OPERATORS, "state": "absent"}));
    let instance = Instance::new([login(), roles(), without_account()]);
    let problem = apply(&instance, "", &wanted).problem("request_invalid");
    assert!(problem["detail"].as_str().unwrap().contains("administrator@vsphere.local has no ADMIN role"), "{problem}");
    // The account behind a refresh token has no name.
    let variables =
        [("vcf_username", ""), ("vcf_password", ""), ("vcf_refresh_token", "5b2a0b1c-0d0e-4f00-8000-000000000001")];
    let refresh = Call::new(Method::PATCH, on("tokens/access-token/refresh")).answer(200, "\"an.access.token\"");
    let instance = Instance::with(&variables, [refresh, roles(), without_account()]);
    let problem = apply(&instance, "", &wanted).problem("request_invalid");
    assert!(problem["hint"].as_str().unwrap().contains("vcf_username"), "{problem}");
    // SDDC Manager's own account is in no group, and in no list of users.
    let gone = users_after(|users| {
        users[0]["name"] = json!("root@vsphere.local");
        users.remove(1);
    });
    let login = login().body(r#"{"username":"Admin@local","password":"VMw@re1!"}"#);
    let calls = [login, roles(), without_account(), without_account(), remove(GROUP_ID), gone];
    let instance = Instance::with(&[("vcf_username", "Admin@local")], calls);
    assert_eq!(steps(&apply(&instance, "", &wanted).json()), ["roles removed"]);
}

#[test]
fn guard_decides_by_the_holders_at_the_time_of_the_removal() {
    // The administrator loses the role between the plan and the removal.
    let later = users_after(|users| {
        users[0]["role"]["id"] = json!(OPERATOR);
        users[1]["role"]["id"] = json!(ADMIN);
    });
    let instance = Instance::new([login(), roles(), users_now(ADMIN), later]);
    let problem = apply(&instance, "", &job(json!({"group": OPERATORS, "state": "absent"}))).problem("request_invalid");
    assert!(problem["detail"].as_str().unwrap().contains("the last user or group"), "{problem}");
    // With the account as administrator the group is removed.
    let gone = users_after(|users| drop(users.remove(1)));
    let instance = Instance::new([login(), roles(), users_now(ADMIN), users_now(ADMIN), remove(GROUP_ID), gone]);
    let document = apply(&instance, "", &job(json!({"group": OPERATORS, "state": "absent"}))).json();
    assert_eq!(steps(&document), ["roles removed"]);
}

#[test]
fn role_that_the_server_shows_late_is_verified() {
    let instance = adding([
        add("gg-a", "EMBEDDED-IDS.COM", ADMIN),
        users(),
        users(),
        users_with("gg-a", "EMBEDDED-IDS.COM", ADMIN),
    ]);
    assert_eq!(steps(&apply(&instance, "", &admin()).json()), ["roles created"]);
    assert_eq!(instance.script.elapsed(), Duration::from_secs(3));
}

#[test]
fn other_writers_are_noticed() {
    // Another writer adds the group first.
    let instance = adding([
        refused(post(on("users"))),
        users_with("gg-a", "EMBEDDED-IDS.COM", ADMIN),
        users_with("gg-a", "EMBEDDED-IDS.COM", ADMIN),
    ]);
    let document = apply(&instance, "", &admin()).json();
    assert_eq!(steps(&document), ["roles created"]);
    assert!(document["steps"][0]["detail"].as_str().unwrap().contains("although it returned"), "{document}");
    // Another writer removes it first.
    let missing = remove(GROUP_ID).answer(404, r#"{"errorCode":"USER_NOT_FOUND","message":"User not found"}"#);
    let instance = Instance::new([login(), roles(), users(), missing]);
    let document = apply(&instance, "", &job(json!({"group": OPERATORS, "state": "absent"}))).json();
    assert_eq!(steps(&document), ["roles unchanged"]);
    // Another writer takes it away again: the job does not report success.
    let instance = adding([add("gg-a", "EMBEDDED-IDS.COM", ADMIN), users(), users(), users()]);
    let problem = apply(&instance, "", &admin()).problem("upstream_invalid");
    assert!(problem["detail"].as_str().unwrap().contains("without a role"), "{problem}");
}

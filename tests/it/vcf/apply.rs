//! The whole job in one call: its calls to SDDC Manager, its steps, and how it continues after a failure.

use std::time::Duration;

use http::Method;
use idhook::http::TransportErrorKind;
use serde_json::{Value, json};

use crate::support::script::{Call, get, post};
use crate::support::vcf::{ID, LIST, SOURCE};
use crate::support::webhook::{Answer, Instance, OTHER};
use crate::vcf::session::login;

mod lost;
mod names;
mod races;
mod roles;

const PROVIDER: &str = include_str!("../../fixtures/vcf/identity-provider-federated.request.json");
const USERS: &str = include_str!("../../fixtures/vcf/users.answer.json");
const ROLES: &str = include_str!("../../fixtures/vcf/roles.answer.json");
const HOST: &str = "https://sddc.corp.example";
const ADMIN: &str = "317cb292-802f-ca6a-e57e-3ac2b707fe34";
const OPERATOR: &str = "59adcd39-0ca0-4e6b-9a04-3b4ce6de4d29";
const GROUP_ID: &str = "c769fcc5-fb61-4d05-aa40-9c7786163fb5";
const PATH: &str = "/vcf/default/v1/apply";

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn on(path: &str) -> String {
    format!("{HOST}/v1/{path}")
}

fn listed() -> Call {
    get(on("identity-providers")).answer(200, LIST)
}

/// The embedded provider with the guide's sources, as it is read again.
fn embedded() -> Call {
    get(on(&format!("identity-providers/{ID}"))).answer(200, parsed(LIST)["elements"][0].to_string())
}

/// The same with the source of [`absent`].
fn with_new() -> Value {
    let mut provider = parsed(LIST)["elements"][0].clone();
    let mut source = absent();
    source["type"] = json!("ActiveDirectory");
    source["domainNames"] = json!(["new.example"]);
    source["ldap"].as_object_mut().unwrap().remove("password");
    provider["identitySources"].as_array_mut().unwrap().push(source);
    provider
}

fn embedded_with_new() -> Call {
    get(on(&format!("identity-providers/{ID}"))).answer(200, with_new().to_string())
}

fn listed_with_new() -> Call {
    let mut list = parsed(LIST);
    list["elements"][0] = with_new();
    get(on("identity-providers")).answer(200, list.to_string())
}

/// The guide's source in its current state.
fn source() -> Value {
    let mut spec = parsed(SOURCE);
    spec["name"] = json!("embedded-ids-name");
    spec
}

/// A source that does not exist yet.
fn absent() -> Value {
    let mut spec = source();
    spec["ldap"]["domainName"] = json!("new.example");
    spec
}

fn added() -> Call {
    post(on(&format!("identity-providers/{ID}/identity-sources"))).answer(204, "")
}

fn roles() -> Call {
    get(on("roles")).answer(200, ROLES)
}

fn users() -> Call {
    get(on("users")).answer(200, USERS)
}

/// The users with these changes.
fn users_after(change: impl Fn(&mut Vec<Value>)) -> Call {
    let mut users = parsed(USERS);
    change(users["elements"].as_array_mut().unwrap());
    get(on("users")).answer(200, users.to_string())
}

fn group(name: &str, domain: &str, role: &str) -> Value {
    json!({"id": format!("id-of-{name}"), "name": format!("{domain}\\{name}"), "domain": domain, "type": "GROUP", "role": {"id": role}})
}

fn users_with(name: &'static str, domain: &'static str, role: &'static str) -> Call {
    users_after(|users| users.push(group(name, domain, role)))
}

fn entities(domain: &str, name: &str, found: &[(&str, &str)]) -> Call {
    let found: Vec<_> = found.iter().map(|(kind, name)| json!({"type": kind, "name": name, "id": "S-1"})).collect();
    get(on(&format!("sso-domains/{domain}/entities?entityName={name}")))
        .answer(200, json!({"elements": found}).to_string())
}

fn add(name: &str, domain: &str, role: &str) -> Call {
    let body = format!(r#"[{{"name":"{name}","domain":"{domain}","type":"GROUP","role":{{"id":"{role}"}}}}]"#);
    post(on("users")).header("content-type", "application/json").body(body).answer(201, r#"{"elements":[]}"#)
}

fn remove(id: &str) -> Call {
    Call::new(Method::DELETE, on(&format!("users/{id}"))).answer(204, "")
}

fn apply(instance: &Instance, query: &str, body: &Value) -> Answer {
    let answer = instance.send(Method::POST, &format!("{PATH}{query}"), &body.to_string());
    for secret in ["xxxxxxxxx", "planted-api-key"] {
        assert!(!answer.text().contains(secret), "{}", answer.text());
    }
    answer
}

/// The steps of a document as `step outcome`.
#[track_caller]
fn steps(document: &Value) -> Vec<String> {
    let word = |step: &Value, name: &str| step[name].as_str().unwrap().to_owned();
    let steps = document["steps"].as_array().unwrap_or_else(|| panic!("no steps: {document}"));
    steps.iter().map(|step| format!("{} {}", word(step, "step"), word(step, "outcome"))).collect()
}

fn whole() -> Value {
    json!({
        "identitySource": absent(),
        "roles": [{"group": "gg-vcf-admins@new.example", "role": "ADMIN"}]
    })
}

#[test]
fn absent_source_is_created_and_its_group_gets_the_role() {
    let instance = Instance::new([
        login(),
        listed(),
        roles(),
        users(),
        listed(),
        added(),
        embedded_with_new(),
        entities("new.example", "gg-vcf-admins", &[("GROUP", "gg-vcf-admins-2"), ("GROUP", "gg-vcf-admins")]),
        add("gg-vcf-admins", "NEW.EXAMPLE", ADMIN),
        users_with("gg-vcf-admins", "NEW.EXAMPLE", ADMIN),
    ]);
    let answer = apply(&instance, "", &whole());
    assert_eq!(answer.status(), 200, "{}", answer.text());
    let document = answer.json();
    assert_eq!(steps(&document), ["ensure created", "verify passed", "roles created"]);
    assert_eq!(document["steps"][0]["object"], "identity source new.example");
    assert_eq!(
        (&document["steps"][2]["object"], &document["steps"][2]["detail"]),
        (&json!("gg-vcf-admins@new.example"), &json!("ADMIN"))
    );
    assert_eq!(document["change"]["outcome"], "created");
    assert_eq!(document.get("dryRun"), None);
}

#[test]
fn second_run_only_reads_and_reports_unchanged() {
    let instance =
        Instance::new([login(), listed_with_new(), roles(), users_with("gg-vcf-admins", "NEW.EXAMPLE", ADMIN)]);
    let document = apply(&instance, "", &whole()).json();
    assert_eq!(steps(&document), ["ensure unchanged", "verify passed", "roles unchanged"]);
    assert_eq!((&document["change"]["outcome"], document["change"].get("dryRun")), (&json!("unchanged"), None));
    assert!(instance.script.requests().iter().skip(1).all(|request| request.method() == Method::GET));
}

#[test]
fn plan_reports_all_changes_and_sends_only_reads() {
    let mut body = whole();
    body["roles"].as_array_mut().unwrap().extend([
        json!({"group": "gg-vcf-operators@embedded-ids.com", "role": "VIEWER"}),
        json!({"group": "gg-old@embedded-ids.com", "state": "absent"}),
        json!({"group": "gg-other@embedded-ids.com", "role": "OPERATOR"}),
    ]);
    let instance = Instance::new([
        login(),
        listed(),
        roles(),
        users_with("gg-old", "EMBEDDED-IDS.COM", OPERATOR),
        entities("embedded-ids.com", "gg-vcf-operators", &[("GROUP", "gg-vcf-operators")]),
        entities("embedded-ids.com", "gg-other", &[("GROUP", "GG-Other")]),
    ]);
    let answer = apply(&instance, "?dryRun=true", &body);
    let document = answer.json();
    assert_eq!(answer.status(), 200, "{document}");
    assert_eq!(
        steps(&document),
        [
            "ensure wouldCreate",
            "verify skipped",
            "roles wouldCreate",
            "roles wouldUpdate",
            "roles wouldRemove",
            "roles wouldCreate"
        ]
    );
    assert_eq!(document["dryRun"], true);
    assert_eq!(document["steps"][3]["detail"], "OPERATOR becomes VIEWER");
    assert_eq!(document["change"], json!({"outcome": "created", "dryRun": true, "domainName": "new.example"}));
    assert!(instance.script.requests().iter().skip(1).all(|request| request.method() == Method::GET));
}

#[test]
fn changed_source_is_updated_and_compared_again() {
    let mut spec = source();
    spec["ldap"]["username"] = json!("svc@domain.com");
    let path = format!("identity-providers/{ID}/identity-sources/embedded-ids.com");
    let patched = || Call::new(Method::PATCH, on(&path)).answer(204, "");
    let mut shown = parsed(LIST)["elements"][0].clone();
    let at =
        shown["identitySources"].as_array().unwrap().iter().position(|one| one["name"] == "embedded-ids-name").unwrap();
    shown["identitySources"][at]["ldap"]["username"] = json!("svc@domain.com");
    let shown = get(on(&format!("identity-providers/{ID}"))).answer(200, shown.to_string());
    let instance = Instance::new([login(), listed(), listed(), patched(), shown]);
    let body = json!({"identitySource": spec});
    let document = apply(&instance, "", &body).json();
    assert_eq!(steps(&document), ["ensure updated", "verify passed"]);
    // A server that accepts a change and does not make it is not trusted.
    instance.then([listed(), listed(), patched(), embedded(), embedded(), embedded()]);
    let problem = apply(&instance, "", &body).problem("upstream_invalid");
    assert_eq!(steps(&problem), ["ensure updated", "verify failed"]);
    assert!(problem["detail"].as_str().unwrap().contains("/ldap/username"), "{problem}");
    assert!(
        problem["hint"].as_str().unwrap().contains("already in place: identity source embedded-ids.com"),
        "{problem}"
    );
}

#[test]
fn federated_provider_is_prechecked_first() {
    let mut list = parsed(LIST);
    list["elements"].as_array_mut().unwrap().truncate(1);
    let none = || get(on("identity-providers")).answer(200, list.to_string());
    let precheck = |status: &str| {
        let body = json!({"status": status, "details": [{"type": "ELM", "message": "a vCenter is too old"}]});
        get(on("identity-broker/prechecks")).answer(200, body.to_string())
    };
    let body = json!({"identityProvider": parsed(PROVIDER)});
    let instance = Instance::new([login(), none(), precheck("FAILURE")]);
    let problem = apply(&instance, "", &body).problem("upstream_rejected");
    assert_eq!(steps(&problem), ["precheck failed", "ensure skipped", "verify skipped"]);
    assert!(problem["detail"].as_str().unwrap().contains("ELM: a vCenter is too old"), "{problem}");
    assert!(problem["hint"].as_str().unwrap().contains("no earlier step changed anything"), "{problem}");

    instance.then([none(), precheck("WARNING")]);
    let document = apply(&instance, "?dryRun=true", &body).json();
    assert_eq!(steps(&document), ["precheck passed", "ensure wouldCreate", "verify skipped"]);
    assert_eq!(document["steps"][0]["detail"], "WARNING: ELM: a vCenter is too old");

    let mut without = body.clone();
    without["precheck"] = json!("false");
    instance.then([none()]);
    assert_eq!(steps(&apply(&instance, "?dryRun=true", &without).json()), ["ensure wouldCreate", "verify skipped"]);
}

#[test]
fn failure_at_each_step_names_it_and_a_second_run_continues() {
    let failed = include_str!("../../fixtures/vcf/error.answer.json");
    let refuse = |call: Call| call.answer(400, failed);
    let found = || entities("new.example", "gg-vcf-admins", &[("GROUP", "gg-vcf-admins")]);
    let reads = || vec![login(), listed(), roles(), users()];
    let with = |mut calls: Vec<Call>, more: Vec<Call>| {
        calls.extend(more);
        calls
    };
    let cases: [(&str, Vec<Call>, [&str; 3], &str); 5] = [
        (
            "list",
            vec![login(), refuse(get(on("identity-providers")))],
            ["failed", "skipped", "skipped"],
            "no earlier step",
        ),
        (
            "roles",
            vec![login(), listed(), refuse(get(on("roles")))],
            ["skipped", "skipped", "failed"],
            "no earlier step",
        ),
        (
            "add source",
            with(reads(), vec![listed(), refuse(added())]),
            ["failed", "skipped", "skipped"],
            "no earlier step",
        ),
        (
            "add group",
            with(reads(), vec![listed(), added(), embedded_with_new(), found(), refuse(post(on("users"))), users()]),
            ["created", "passed", "failed"],
            "already in place: identity source new.example",
        ),
        (
            "read back",
            with(
                reads(),
                vec![
                    listed(),
                    added(),
                    embedded_with_new(),
                    found(),
                    add("gg-vcf-admins", "NEW.EXAMPLE", ADMIN),
                    refuse(get(on("users"))),
                ],
            ),
            ["created", "passed", "failed"],
            "already in place: identity source new.example",
        ),
    ];
    for (name, calls, outcomes, hint) in cases {
        let instance = Instance::new(calls);
        let problem = apply(&instance, "", &whole()).problem("upstream_rejected");
        let words: Vec<_> =
            outcomes.iter().zip(["ensure", "verify", "roles"]).map(|(word, step)| format!("{step} {word}")).collect();
        assert_eq!(steps(&problem), words, "{name}: {problem}");
        let told = problem["hint"].as_str().unwrap();
        assert!(told.contains(hint) && told.contains("send the same request again"), "{name}: {told}");
        assert_eq!(problem["upstream"]["reference"], "H0IJ5E", "{name}");
    }
    // After any of the later ones, the second run finds the source and adds the group.
    let instance = Instance::new([
        login(),
        listed_with_new(),
        roles(),
        users(),
        found(),
        add("gg-vcf-admins", "NEW.EXAMPLE", ADMIN),
        users_with("gg-vcf-admins", "NEW.EXAMPLE", ADMIN),
    ]);
    let document = apply(&instance, "", &whole()).json();
    assert_eq!(steps(&document), ["ensure unchanged", "verify passed", "roles created"]);
}

#[test]
fn source_that_cannot_be_read_again_fails_the_verification() {
    let failing = || embedded().answer(500, include_str!("../../fixtures/vcf/error.answer.json"));
    let instance = Instance::new([login(), listed(), roles(), users(), listed(), added()]);
    instance.then([failing(), failing(), failing()]);
    let problem = apply(&instance, "", &whole()).problem("upstream_invalid");
    assert_eq!(steps(&problem), ["ensure created", "verify failed", "roles skipped"]);
    assert!(problem["detail"].as_str().unwrap().contains("could not be read again"), "{problem}");
    assert!(problem["hint"].as_str().unwrap().contains("already in place: identity source new.example"), "{problem}");
}

#[test]
fn group_of_a_new_source_is_awaited_within_the_time_limit() {
    let nothing = || entities("new.example", "gg-vcf-admins", &[("GROUP", "gg-vcf-admins-2")]);
    let unknown = || {
        get(on("sso-domains/new.example/entities?entityName=gg-vcf-admins")).answer(404, r#"{"errorCode":"NO_DOMAIN"}"#)
    };
    let before = || vec![login(), listed(), roles(), users(), listed(), added(), embedded_with_new()];
    let mut calls = before();
    calls.extend([
        unknown(),
        nothing(),
        entities("new.example", "gg-vcf-admins", &[("GROUP", "NEW\\gg-vcf-admins")]),
        add("gg-vcf-admins", "NEW.EXAMPLE", ADMIN),
        users_with("gg-vcf-admins", "NEW.EXAMPLE", ADMIN),
    ]);
    let instance = Instance::new(calls);
    let document = apply(&instance, "", &whole()).json();
    assert_eq!(steps(&document), ["ensure created", "verify passed", "roles created"]);
    assert_eq!(instance.script.slept(), [Duration::from_secs(1), Duration::from_millis(1500)]);

    let mut calls = before();
    // The request may take 25 s, of which 5 are kept for the calls after the search.
    calls.extend((0..7).map(|_| nothing()));
    calls.push(get(on("sso-domains")).answer(200, r#"{"elements":["vsphere.local","NEW.example"]}"#));
    let instance = Instance::new(calls);
    let problem = apply(&instance, "", &whole()).problem("not_found");
    assert_eq!(steps(&problem), ["ensure created", "verify passed", "roles failed"]);
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.starts_with("new.example has no group \"gg-vcf-admins\" within 1"), "{problem}");
    assert!(problem["hint"].as_str().unwrap().contains("groupsBaseDn"), "{problem}");
}

#[test]
fn source_that_another_writer_adds_first_is_not_added_again() {
    let instance = Instance::new([login(), listed(), listed_with_new()]);
    let document = apply(&instance, "", &json!({"identitySource": absent()})).json();
    assert_eq!(steps(&document), ["ensure unchanged", "verify passed"]);
}

#[test]
fn roles_need_a_scope_of_their_own() {
    let instance = Instance::new([]);
    let refused = instance.send_by(OTHER, Method::POST, PATH, &whole().to_string());
    let problem = refused.problem("forbidden");
    assert!(problem["detail"].as_str().unwrap().contains("lacks the scope vcf:roles"), "{problem}");
    let refused = instance.send_as_reader(Method::POST, PATH, &whole().to_string());
    assert!(refused.problem("forbidden")["detail"].as_str().unwrap().contains("vcf:write"));
    // Without roles, the scope vcf:write is enough.
    instance.then([login(), listed()]);
    let body = json!({"identitySource": source()});
    assert_eq!(instance.send_by(OTHER, Method::POST, PATH, &body.to_string()).status(), 200);
}

#[test]
fn invalid_jobs_make_no_call() {
    let instance = Instance::new([]);
    let problem = apply(&instance, "", &json!({})).problem("request_invalid");
    assert!(problem["detail"].as_str().unwrap().contains("nothing to do"), "{problem}");
    let mut body = whole();
    body["identitySource"]["ldap"]["password"] = Value::Null;
    body["roles"] = json!({"group": "gg-a", "role": "ADMIN"});
    let problem = apply(&instance, "", &body).problem("request_invalid");
    let pointers: Vec<_> =
        problem["errors"].as_array().unwrap().iter().map(|one| one["pointer"].as_str().unwrap()).collect();
    assert_eq!(pointers, ["/identitySource/ldap/password", "/roles/group"]);
    let body = json!({"inputs": {"roles": [{"group": "${group}@corp.example", "role": "ADMIN"}]}});
    let problem = apply(&instance, "", &body).problem("unresolved_placeholder");
    assert_eq!(problem["errors"][0]["pointer"], "/inputs/roles/0/group");
}

#[test]
fn lost_connection_reports_the_steps_too() {
    let instance = Instance::new([login(), listed(), listed(), added().fail(TransportErrorKind::Timeout)]);
    let problem = apply(&instance, "", &json!({"identitySource": absent()})).json();
    assert_eq!(steps(&problem), ["ensure failed", "verify skipped"]);
}

//! Hooks: what a sender's payload starts, what is skipped, and which callers are admitted.

use std::fmt::Write as _;

use http::{Method, StatusCode};
use idhook::shared_state::hmac;
use serde_json::{Value, json};

use crate::support::fleet;
use crate::support::script::Call;
use crate::support::vidm::{CORP, classic, idle, lists, logs_in};
use crate::support::webhook::{Answer, Instance, KEY, READER};
use crate::webhook::senders::{HUB, ask, senders, signed};

fn hooks() -> String {
    json!([
        {"name": "infra", "senders": ["octo", "all", "n8n", "reader"], "directory": {"pointer": "/repository/name"},
         "on": [{"pointer": "/ref", "equals": ["refs/heads/main", "refs/heads/live"]}, {"header": "x-github-event", "equals": "push"}]},
        {"name": "event", "senders": ["n8n", "elsewhere"], "directory": {"pointer": "/data/directory"},
         "groups": {"pointer": "/data/groups"}},
        {"name": "fixed", "senders": ["all"], "directory": CORP},
    ])
    .to_string()
}

fn instance(calls: impl IntoIterator<Item = Call>) -> Instance {
    Instance::with(&[("webhook_secrets", &senders()), ("hooks", &hooks())], calls)
}

fn push() -> String {
    // A commit's texts are neither placeholders nor options.
    json!({"ref": "refs/heads/main", "repository": {"name": "corp.example"}, "ignoreSafeguards": true, "dryRun": true,
           "head_commit": {"message": "expand ${HOME}"}})
    .to_string()
}

fn by_github(event: &str, body: &str) -> Vec<(&'static str, String)> {
    let mut value = "sha256=".to_owned();
    for byte in hmac(HUB.as_bytes(), body.as_bytes()) {
        write!(value, "{byte:02x}").unwrap();
    }
    vec![("x-hub-signature-256", value), ("x-github-event", event.to_owned())]
}

fn send(instance: &Instance, hook: &str, headers: &[(&'static str, String)], body: &str) -> Answer {
    ask(instance, (Method::POST, &format!("/hooks/{hook}")), headers, body).0
}

fn last_line(instance: &Instance) -> Value {
    serde_json::from_str(&instance.script.lines().pop().unwrap()).unwrap()
}

#[test]
fn push_starts_a_sync_without_waiting() {
    let instance = instance([logs_in("t1"), lists(), idle(CORP), classic(CORP)]);
    let mut headers = by_github("push", &push());
    headers.push(("prefer", "wait=60".to_owned()));
    let answer = send(&instance, "infra", &headers, &push());
    assert_eq!(answer.status(), StatusCode::ACCEPTED, "{}", answer.text());
    let document = answer.json();
    assert_eq!((&document["status"], &document["directory"]["name"]), (&json!("running"), &json!("corp.example")));
    assert_eq!(answer.header("location"), document["links"]["self"].as_str().unwrap());
    assert!(answer.header("location").starts_with("/vidm/default/v1/syncs/"));
    let line = last_line(&instance);
    assert_eq!(
        (&line["route"], &line["target"], &line["caller"]),
        (&json!("/hooks/{hook}"), &json!("default"), &json!("octo"))
    );
    assert_eq!(line["ignore_safeguards"], Value::Null);
}

#[test]
fn one_event_for_two_hooks_starts_two_syncs() {
    let instance = instance([logs_in("t1"), lists(), idle(CORP), classic(CORP), idle(CORP)]);
    let key = ("x-api-key", KEY.to_owned());
    // GitHub sends an event to all its webhooks with the same id.
    let id = ("x-github-delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958".to_owned());
    let headers = [key, id, ("x-github-event", "push".to_owned())];
    for (hook, status) in [("infra", "best-effort"), ("fixed", "best-effort"), ("infra", "replayed")] {
        let answer = send(&instance, hook, &headers, &push());
        assert_eq!(answer.status(), StatusCode::ACCEPTED, "{hook}: {}", answer.text());
        assert_eq!(answer.header("idempotency-status"), status, "{hook}");
    }
}

#[test]
fn form_with_a_payload_is_read_as_its_json() {
    let instance = instance([logs_in("t1"), lists(), idle(CORP), classic(CORP)]);
    let encoded: String = push().bytes().map(|byte| format!("%{byte:02x}")).collect();
    let body = format!("payload={encoded}");
    let mut headers = by_github("push", &body);
    headers.push(("content-type", "application/x-www-form-urlencoded".to_owned()));
    assert_eq!(send(&instance, "infra", &headers, &body).status(), StatusCode::ACCEPTED);
}

#[test]
fn pointers_address_the_whole_cloud_event() {
    let event = json!({"specversion": "1.0", "id": "1", "source": "s", "type": "t",
                       "data": {"directory": "corp.example", "groups": ["CN=gg-new,OU=Groups,DC=corp,DC=example"]}});
    let of = |media: &str, body: &Value, calls: Vec<Call>| {
        let body = body.to_string();
        let mut headers = signed(&body, 0);
        headers.push(("content-type", media.to_owned()));
        send(&instance(calls), "event", &headers, &body)
    };
    // Senders that collect events send a list of one.
    for (media, body) in
        [("application/cloudevents+json", event.clone()), ("application/cloudevents-batch+json", json!([event]))]
    {
        let answer = of(media, &body, vec![logs_in("t1"), lists(), idle(CORP), classic(CORP)]);
        assert_eq!(answer.status(), StatusCode::ACCEPTED, "{}", answer.text());
    }
    let problem = of("application/cloudevents-batch+json", &json!([event, event]), vec![]).problem("request_invalid");
    assert!(problem["detail"].as_str().unwrap().contains("the batch has 2 events"), "{problem}");
}

#[test]
fn fixed_hook_needs_no_body() {
    let instance = instance([logs_in("t1"), lists(), idle(CORP), classic(CORP)]);
    let answer = send(&instance, "fixed", &[("x-api-key", KEY.to_owned())], "");
    assert_eq!(answer.status(), StatusCode::ACCEPTED, "{}", answer.text());
}

#[test]
fn pings_and_unmet_conditions_start_nothing() {
    let instance = instance([]);
    let ping = json!({"zen": "Keep it logically awesome.", "hook_id": 1}).to_string();
    let answer = send(&instance, "infra", &by_github("ping", &ping), &ping);
    assert_eq!((answer.status(), answer.json()), (StatusCode::OK, json!({"pong": true})));
    let bitbucket = [("x-api-key", KEY.to_owned()), ("x-event-key", "diagnostics:ping".to_owned())];
    assert_eq!(send(&instance, "fixed", &bitbucket, r#"{"test": true}"#).json(), json!({"pong": true}));
    let elsewhere = push().replace("heads/main", "heads/topic");
    for (event, body, reason) in
        [("push", elsewhere.as_str(), "/ref"), ("release", &push(), "x-github-event"), ("push", "{}", "/ref")]
    {
        let answer = send(&instance, "infra", &by_github(event, body), body);
        let told = answer.json();
        assert_eq!((answer.status(), &told["skipped"]), (StatusCode::OK, &json!(true)), "{told}");
        assert!(told["reason"].as_str().unwrap().contains(reason), "{told}");
    }
}

/// Knative counts a response with a body that is no CloudEvent as a failed delivery, and sends the event again.
#[test]
fn event_of_knative_gets_a_success_without_body() {
    let instance = instance([logs_in("t1"), lists(), idle(CORP), classic(CORP)]);
    let event = |hook: &str, id: &str, prefer: &str, body: &str| {
        let attributes = [("ce-specversion", "1.0"), ("ce-id", id), ("ce-source", "/vmware"), ("ce-type", "t")];
        let more = [("x-api-key", KEY), ("prefer", prefer), ("content-type", "application/json")];
        let headers: Vec<_> =
            attributes.into_iter().chain(more).map(|(name, value)| (name, value.to_owned())).collect();
        send(&instance, hook, &headers, body)
    };
    for _ in ["first", "sent again"] {
        let answer = event("fixed", "1", "reply", "{}");
        assert_eq!((answer.status(), answer.text().as_str()), (StatusCode::ACCEPTED, ""));
        assert_eq!(answer.header("content-type"), "");
        assert!(answer.header("location").starts_with("/vidm/default/v1/syncs/"));
    }
    let skipped = event("infra", "2", "reply", r#"{"ref": "refs/heads/topic"}"#);
    assert_eq!((skipped.status(), skipped.text().as_str()), (StatusCode::OK, ""));
    // An error says why, and without the preference a success has its body.
    event("infra", "3", "reply", "{").problem("request_invalid");
    assert!(event("infra", "4", "respond-async", "{}").json()["skipped"].as_bool().unwrap());
}

#[test]
fn pointer_to_nothing_is_reported() {
    let instance = instance([]);
    let body = json!({"ref": "refs/heads/live", "repository": {"full_name": "corp/infra"}}).to_string();
    let problem = send(&instance, "infra", &by_github("push", &body), &body).problem("request_invalid");
    assert_eq!(problem["errors"][0]["pointer"], "/repository/name");
    let body = json!({"data": {"directory": 5}}).to_string();
    let problem = send(&instance, "event", &signed(&body, 0), &body).problem("request_invalid");
    let pointers: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|error| &error["pointer"]).collect();
    assert_eq!(pointers, ["/data/directory", "/data/groups"]);
    // The response stays bounded, however many there are.
    let body = json!({"data": {"directory": "d", "groups": vec!["CN="; 9000]}}).to_string();
    let answer = send(&instance, "event", &signed(&body, 0), &body);
    assert_eq!(answer.problem("request_invalid")["errors"].as_array().unwrap().len(), 51);
    // A body that is not JSON.
    send(&instance, "event", &signed("<a/>", 0), "<a/>").problem("request_invalid");
}

#[test]
fn unauthenticated_callers_cannot_enumerate_hooks() {
    let instance = instance([]);
    let told = |answer: Answer| {
        let mut problem = answer.json();
        problem["instance"] = Value::Null;
        (answer.status(), problem)
    };
    for headers in [vec![], vec![("x-api-key", "wrong".to_owned())], by_github("push", "another body"), signed("", 900)]
    {
        let known = told(send(&instance, "infra", &headers, &push()));
        assert_eq!(known, told(send(&instance, "nope", &headers, &push())));
        assert_eq!(known.0, StatusCode::UNAUTHORIZED);
    }
    // An authenticated caller gets the reason.
    send(&instance, "nope", &[("x-api-key", KEY.to_owned())], "{}").problem("route_not_found");
    assert_eq!(ask(&instance, (Method::GET, "/hooks/infra"), &[], "").0.header("allow"), "POST, OPTIONS");
}

#[test]
fn hook_requires_its_sender_scope_and_target() {
    let instance = instance([]);
    let detail = |answer: Answer| answer.problem("forbidden")["detail"].as_str().unwrap().to_owned();
    let not_named = send(&instance, "fixed", &by_github("push", "{}"), "{}");
    assert!(detail(not_named).contains("octo is not allowed to use this hook"));
    let without_scope = send(&instance, "infra", &[("x-api-key", READER.to_owned())], &push());
    assert!(detail(without_scope).contains("reader lacks the scope vidm:sync"));
    let elsewhere = [("x-gitlab-token", "a gitlab token that is long".to_owned())];
    assert!(detail(send(&instance, "event", &elsewhere, "{}")).contains("elsewhere is not allowed to use this target"));
}

#[test]
fn hook_of_vcf_operations_requires_the_scope_of_its_syncs() {
    let callers = json!([
        {"name": "old", "scheme": "gitlab", "secrets": ["a token for syncs of vidm"], "scopes": ["vidm:sync"]},
        {"name": "new", "scheme": "gitlab", "secrets": ["a token for syncs of fleet"], "scopes": ["fleet:sync"]},
    ]);
    let hooks = json!([
        {"name": "nine", "senders": ["old", "new"], "target": "fleet/default", "directory": "corp"},
        {"name": "eight", "senders": ["old", "new"], "directory": CORP},
    ]);
    let settings = [("webhook_secrets", callers.to_string()), ("hooks", hooks.to_string())];
    let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let instance = Instance::with(&settings, []);
    let call = |hook: &str, token: &str| send(&instance, hook, &[("x-gitlab-token", token.to_owned())], "{}");
    for (hook, token, lacks) in [
        ("nine", "a token for syncs of vidm", "old lacks the scope fleet:sync"),
        ("eight", "a token for syncs of fleet", "new lacks the scope vidm:sync"),
        ("none", "a token for syncs of fleet", "new lacks the scope vidm:sync"),
    ] {
        let problem = call(hook, token).problem("forbidden");
        assert!(problem["detail"].as_str().unwrap().contains(lacks), "{problem}");
    }
    instance.then([fleet::logs_in("t1"), fleet::realms()]);
    instance.then([fleet::directories("COMPLETED", 5), fleet::directories("COMPLETED", 5)]);
    instance.then([fleet::last_log("log-1", true), fleet::starts()]);
    let answer = call("nine", "a token for syncs of fleet");
    assert_eq!(answer.status(), StatusCode::ACCEPTED, "{}", answer.text());
    assert!(answer.header("location").starts_with("/fleet/default/v1/syncs/"));
}

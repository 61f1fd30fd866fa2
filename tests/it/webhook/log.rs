//! The log as the audit trail: who requested what, from where, with which key, and the outcome.

use http::{Method, Request};
use idhook::webhook::{Body, ClientAddress, Events};
use serde_json::{Value, json};

use crate::support::memory_store::MemoryStore;
use crate::support::script::{Call, START, Script, post};
use crate::support::vidm::{CORP, LOGIN, classic, idle, lists, logs_in, sync_state};
use crate::support::webhook::{Instance, KEY, Shared, request};
use crate::vcf::session::login;
use crate::webhook::senders::{ask, senders, signed};

const STATE_KEY: (&str, &str) = ("state_key", "pOb2TGAdDhbFxUcP3RmTTnhVPXuR0NJ8");
const CALLBACKS: (&str, &str) = (
    "callbacks",
    r#"[{"name":"ticket","url":"https://tickets.corp.example/","secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}]"#,
);

fn last_line(instance: &Instance) -> Value {
    serde_json::from_str(instance.script.lines().last().unwrap()).unwrap()
}

/// The fields of a line that identify the request.
fn subject(line: &Value) -> Value {
    let mut line = line.clone();
    for field in ["time", "level", "request_id", "ms", "calls", "method", "status", "caller", "key", "target"] {
        line.as_object_mut().unwrap().remove(field);
    }
    line
}

#[test]
fn start_is_logged_with_its_options() {
    let instance = Instance::with(&[STATE_KEY, CALLBACKS], [logs_in("t1"), lists(), idle(CORP), classic(CORP)]);
    let body = json!({"groups": ["gg-a@corp.example", "gg-b@corp.example"], "callback": "ticket"}).to_string();
    let started = instance.send(Method::POST, "/vidm/default/v1/directories/corp.example/syncs", &body);
    assert_eq!(started.status(), 202, "{}", started.text());
    let line = last_line(&instance);
    assert_eq!((&line["caller"], &line["key"], &line["target"]), (&json!("all"), &json!(0), &json!("default")));
    let sync = line["sync"].as_str().unwrap().to_owned();
    assert_eq!(
        subject(&line),
        json!({"route": "/vidm/{target}/v1/directories/{directory}/syncs", "directory": CORP, "sync": sync,
               "groups": 2, "callback": "ticket"})
    );
    // The id itself is nowhere in the log; reading the state logs the same short id.
    let id = started.json()["id"].as_str().unwrap().to_owned();
    assert!(!instance.script.lines().concat().contains(&id));
    let script = Script::refusing();
    let reader = Instance::over(script, &[STATE_KEY, CALLBACKS]);
    reader.get(started.header("location")).problem("upstream_unreachable");
    let line = last_line(&reader);
    assert_eq!((&line["sync"], &line["directory"]), (&json!(sync), &json!(CORP)));
    assert_eq!((&line["groups"], &line["callback"]), (&json!(2), &json!("ticket")));
    assert!(!reader.script.lines().concat().contains(&id));
}

const WATCH: [(&str, &str); 1] = [("accept", "text/event-stream")];

/// The path of a started sync.
fn started() -> String {
    let instance = Instance::with(&[STATE_KEY], [logs_in("t1"), lists(), idle(CORP), classic(CORP)]);
    let answer = instance.send(Method::POST, &format!("/vidm/default/v1/directories/{CORP}/syncs"), "");
    answer.header("location").to_owned()
}

/// Its event stream at an instance with these variables, whose vIDM gives these answers.
fn stream(variables: &[(&str, &str)], answers: impl IntoIterator<Item = Call>) -> (Instance, Box<Events<Shared>>) {
    let instance = Instance::with(&[&[STATE_KEY], variables].concat(), answers);
    let watch = request(KEY, Method::GET, &started(), &WATCH, "");
    let stream = instance.script.run(instance.open(watch)).unwrap();
    (instance, stream)
}

fn lines(instance: &Instance) -> Vec<Value> {
    instance.script.lines().iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn run(status: &str) -> Call {
    let began = START.as_millis() + 10;
    sync_state(CORP).answer(200, json!({ "status": status, "startTime": began }).to_string())
}

/// The rest of a stream.
fn rest(instance: &Instance, events: &mut Events<Shared>) -> String {
    let pieces = std::iter::from_fn(|| instance.script.run(events.next()));
    pieces.map(|piece| String::from_utf8(piece.to_vec()).unwrap()).collect()
}

#[test]
fn last_event_of_a_stream_has_an_id_with_which_nobody_connects_again() {
    let (instance, mut events) = stream(&[], [logs_in("t2"), run("RUNNING"), run("COMPLETED")]);
    let text = rest(&instance, &mut events);
    assert_eq!(text.matches("id: ").count(), 1, "{text}");
    assert!(
        text.starts_with("event: state\ndata: {") && text.contains("\n\nid: final\nevent: state\ndata: {"),
        "{text}"
    );
    // A permanent problem ends a stream too, a transient one does not.
    let (instance, mut events) = stream(&[], [logs_in("t2"), sync_state(CORP).answer(403, "")]);
    let text = rest(&instance, &mut events);
    assert!(text.starts_with("id: final\nevent: problem\n"), "{text}");
    let instance = Instance::over(Script::refusing(), &[STATE_KEY]);
    let mut events = instance.script.run(instance.open(request(KEY, Method::GET, &started(), &WATCH, ""))).unwrap();
    assert!(instance.script.run(events.next()).unwrap().starts_with(b"event: problem\n"));
    // The client that connects again stops, without a call.
    let again = [WATCH[0], ("last-event-id", "final")];
    let instance = Instance::with(&[STATE_KEY], []);
    let answer = instance.send_with(Method::GET, &started(), &again, "");
    assert_eq!((answer.status().as_u16(), answer.text().as_str()), (204, ""));
    // Another id is one of no stream of ours, and without the media type there is no stream.
    let instance = Instance::with(&[STATE_KEY], [logs_in("t2"), run("COMPLETED")]);
    let other = request(KEY, Method::GET, &started(), &[WATCH[0], ("last-event-id", "7")], "");
    assert!(instance.script.run(instance.open(other)).is_ok());
    assert_eq!(instance.send_with(Method::GET, &started(), &again[1..], "").status(), 200);
}

#[test]
fn stream_has_a_line_at_its_start_and_one_at_its_end_with_its_calls() {
    let (instance, mut events) = stream(&[], [logs_in("t2"), run("RUNNING"), run("COMPLETED")]);
    while instance.script.run(events.next()).is_some() {}
    instance.script.run(events.close());
    drop(events);
    let lines = lines(&instance);
    let [begun, ended] = lines.as_slice() else { panic!("{lines:#?}") };
    assert_eq!((&begun["stream"], &begun["status"], begun.get("calls")), (&json!("begun"), &json!(200), None));
    assert_eq!((&ended["stream"], &ended["status"], &ended["level"]), (&json!("ended"), &json!(200), &json!("info")));
    let calls: Vec<_> = ended["calls"].as_array().unwrap().iter().map(|call| call["call"].as_str().unwrap()).collect();
    let observed = "GET /SAAS/jersey/manager/api/connectormanagement/directoryconfigs/{directory}/syncprofile/sync";
    assert_eq!(calls, ["POST /SAAS/API/1.0/REST/auth/system/login", observed, observed]);
    assert!(ended["ms"].as_u64().unwrap() >= 1000, "the whole stream: {ended}");
    for field in ["request_id", "time", "route", "caller", "key", "target", "directory", "sync", "groups"] {
        assert_eq!(begun[field], ended[field], "{field}");
    }
}

#[test]
fn stream_that_nobody_reads_any_more_is_logged_once() {
    for closes in [true, false] {
        let (instance, mut events) = stream(&[], [logs_in("t2"), run("RUNNING")]);
        assert!(instance.script.run(events.next()).is_some());
        if closes {
            instance.script.run(events.close());
        }
        drop(events);
        let parts: Vec<_> = lines(&instance).iter().map(|line| line["stream"].clone()).collect();
        assert_eq!(parts, [json!("begun"), json!("left")]);
        assert_eq!(lines(&instance)[1]["calls"].as_array().map(Vec::len), Some(2));
    }
    // Without a body there is no stream.
    let instance = Instance::with(&[STATE_KEY], []);
    assert_eq!(instance.send_with(Method::HEAD, &started(), &WATCH, "").status(), 200);
    assert_eq!((lines(&instance).len(), last_line(&instance).get("stream")), (1, None));
}

#[test]
fn stream_that_ends_with_a_problem_is_an_error_in_the_log() {
    let rejects = || post(LOGIN).answer(401, "{}");
    for variables in [&[][..], &[("log_level", "error")]] {
        let (instance, mut events) = stream(variables, [rejects()]);
        while instance.script.run(events.next()).is_some() {}
        let line = last_line(&instance);
        assert_eq!((&line["stream"], &line["level"], &line["status"]), (&json!("ended"), &json!("error"), &json!(200)));
        assert_eq!((&line["code"], &line["calls"][0]["status"]), (&json!("upstream_auth"), &json!(401)));
        let begun = if variables.is_empty() { 1 } else { 0 };
        assert_eq!(lines(&instance).len(), begun + 1);
    }
    // A problem that passed is only in the calls.
    let fails = || sync_state(CORP).answer(500, "");
    let (instance, mut events) = stream(&[], [logs_in("t2"), fails(), fails(), fails(), run("COMPLETED")]);
    while instance.script.run(events.next()).is_some() {}
    let line = last_line(&instance);
    assert_eq!((&line["level"], line.get("code")), (&json!("info"), None), "{line}");
    assert_eq!(line["calls"][1]["status"], 500);
}

#[test]
fn rejected_start_is_logged_with_its_options() {
    let instance = Instance::over(Script::refusing(), &[]);
    let dn = "CN=gg,OU=Groups,DC=corp,DC=example";
    for (body, marks) in [
        (json!({"groups": [dn, dn], "addToProfile": true}), json!({"groups": 2, "add_to_profile": true})),
        (json!({"dryRun": true}), json!({"groups": 0, "dry_run": true})),
        (json!({"groups": [" ", dn]}), json!({"groups": 1})),
    ] {
        let answer = instance.send(Method::POST, "/vidm/default/v1/directories/corp.example/syncs", &body.to_string());
        assert!(answer.status().as_u16() >= 400, "{}", answer.text());
        let line = last_line(&instance);
        assert_eq!(line["directory"], "corp.example", "the caller's text, as it was not located");
        for field in ["groups", "add_to_profile", "dry_run"] {
            assert_eq!(line[field], marks[field], "{field} of {body}");
        }
    }
}

#[test]
fn changes_at_sddc_manager_are_logged_with_provider_and_domain() {
    const ROOT: &str = "https://sddc.corp.example/v1/identity-providers";
    let provider = include_str!("../../fixtures/vcf/identity-provider-add.request.json");
    let added = include_str!("../../fixtures/vcf/identity-provider-added.answer.txt");
    let delete = Call::new(Method::DELETE, format!("{ROOT}/p-1/identity-sources/corp.example")).answer(204, "");
    let instance = Instance::over(
        Script::new([login(), post(ROOT).answer(201, added), delete]).with_store(&MemoryStore::new()),
        &[],
    );
    let answer = instance.send(Method::POST, "/vcf/default/v1/identity-providers", provider);
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(last_line(&instance)["provider"], json!(id), "the new one's id");
    instance.send(Method::DELETE, "/vcf/default/v1/identity-providers/p-1/identity-sources/corp.example", "");
    let line = last_line(&instance);
    assert_eq!((&line["provider"], &line["domain"]), (&json!("p-1"), &json!("corp.example")));
    // Rejected before any call, but logged.
    let path = "/vcf/default/v1/identity-providers/p-1/identity-sources";
    instance.send(Method::POST, path, r#"{"ldap":{"domainName":"lab.example"}}"#).problem("request_invalid");
    let line = last_line(&instance);
    assert_eq!((&line["provider"], &line["domain"]), (&json!("p-1"), &json!("lab.example")));
    let path = format!("{path}/corp.example?dryRun=true");
    instance.send(Method::PUT, &path, "{}");
    assert_eq!((&last_line(&instance)["dry_run"], &last_line(&instance)["status"]), (&json!(true), &json!(400)));
}

#[test]
fn client_address_comes_from_the_host() {
    let from = |instance: &Instance, headers: &[(&'static str, &str)], address: Option<&str>| {
        let mut request: Request<Body> = request(KEY, Method::GET, "/vidm/none/v1/health", headers, "");
        if let Some(address) = address {
            let mut host = http::HeaderMap::new();
            host.insert("spin-client-addr", address.parse().unwrap());
            request.extensions_mut().insert(ClientAddress::of_spin(&host).unwrap());
        }
        instance.send_request(request);
        let line = last_line(instance);
        (line["client"].clone(), line["forwarded_for"].clone())
    };
    let made_up = [("x-forwarded-for", "6.6.6.6"), ("spin-client-addr", "6.6.6.6:6"), ("forwarded", "for=6.6.6.6")];
    let instance = Instance::new([]);
    assert_eq!(from(&instance, &made_up, None), (Value::Null, Value::Null), "a host that reports none");
    assert_eq!(from(&instance, &made_up, Some("192.0.2.7:5")), (json!("192.0.2.7:5"), Value::Null));
    // Only if the operator declares a proxy header, and then only the proxy's value.
    let instance = Instance::with(&[("client_address_header", "X-Forwarded-For")], []);
    let behind = [("x-forwarded-for", "6.6.6.6, 198.51.100.9")];
    assert_eq!(from(&instance, &behind, Some("127.0.0.1:5")), (json!("127.0.0.1:5"), json!("198.51.100.9")));
    assert_eq!(from(&instance, &[("x-forwarded-for", "\u{2066}1.1.1.1")], None), (Value::Null, Value::Null));
}

#[test]
fn logged_key_is_the_one_that_was_used() {
    let hooks =
        json!([{"name": "infra", "senders": ["n8n"], "directory": CORP, "on": [{"pointer": "/x", "equals": 1}]}]);
    let instance = Instance::with(&[("webhook_secrets", &senders()), ("hooks", &hooks.to_string())], []);
    let headers = signed("{}", 0);
    ask(&instance, (Method::POST, "/hooks/infra"), &headers, "{}");
    let line = last_line(&instance);
    assert_eq!((&line["hook"], &line["caller"], &line["key"]), (&json!("infra"), &json!("n8n"), &json!(0)));
    // No caller is proven: there is no key.
    instance.send_request(request("wrong", Method::GET, "/vidm/default/v1/health", &[], ""));
    assert_eq!((&last_line(&instance)["caller"], &last_line(&instance)["key"]), (&Value::Null, &Value::Null));
}

#[test]
fn path_text_cannot_forge_a_log_line() {
    let instance = Instance::new([]);
    let names = ["%E2%80%A8%7B%22caller%22:%22all%22%7D", "%E2%80%AEevil", "%EF%BB%BFx", "%C2%85x", "%F3%A0%81%81x"];
    for name in names {
        for path in [
            format!("/vidm/{name}/v1/directories/{name}/syncs"),
            format!("/vidm/default/v1/syncs/{name}"),
            format!("/vcf/{name}/v1/identity-providers/{name}/identity-sources/{name}"),
            format!("/hooks/{name}"),
        ] {
            let request = Request::builder().uri(path).body(Body::Whole(bytes::Bytes::new())).unwrap();
            instance.send_request(request);
        }
    }
    for line in instance.script.lines() {
        assert!(line.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{line}");
        assert!(serde_json::from_str::<Value>(&line).unwrap()["caller"].is_null(), "{line}");
    }
}

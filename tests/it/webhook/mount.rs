//! idhook below a path, states for pollers that go by the status, and the handshake of CloudEvents senders.

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use idhook::webhook::{BasePath, Body};
use serde_json::json;

use crate::support::script::{Call, get};
use crate::support::vidm::{CORP, classic, lists, logs_in};
use crate::support::webhook::{Answer, Instance, KEY, request};

const SYNCS: &str = "/vidm/default/v1/syncs";
const BODY: &str = r#"{"directory":"corp.example"}"#;

fn state() -> Call {
    get(format!(
        "https://vidm.corp.example/SAAS/jersey/manager/api/connectormanagement/directoryconfigs/{CORP}/syncprofile/sync"
    ))
}

/// A start of a directory whose last run ended an hour ago.
fn start() -> [Call; 4] {
    let began = (crate::support::script::START - std::time::Duration::from_secs(3600)).as_millis();
    let idle = state().answer(200, format!(r#"{{"status":"COMPLETED","startTime":{began}}}"#));
    [logs_in("t1"), lists(), idle, classic(CORP)]
}

/// The same, as Spin passes it to a component with the route `/idhook/...`.
fn through_spin(instance: &Instance, method: Method, path: &str, body: &str) -> Answer {
    let rest = path.strip_prefix("/idhook").unwrap_or(path).to_owned();
    let headers = [("spin-raw-component-route", "/idhook/..."), ("spin-path-info", rest.as_str())];
    let mut request = request(KEY, method, path, &headers, body);
    if let Some(base) = BasePath::of_spin(request.headers(), request.uri().path()) {
        request.extensions_mut().insert(base);
    }
    instance.send_request(request)
}

#[test]
fn component_below_a_spin_route_responds_there() {
    let instance = Instance::new([]);
    assert_eq!(through_spin(&instance, Method::GET, "/idhook/healthz", "").status(), StatusCode::OK);
    instance.then(start());
    let started = through_spin(&instance, Method::POST, &format!("/idhook{SYNCS}"), BODY);
    assert_eq!(started.status(), StatusCode::ACCEPTED, "{}", started.text());
    let place = started.header("location").to_owned();
    assert!(place.starts_with("/idhook/vidm/default/v1/syncs/"), "{place}");
    assert_eq!(started.json()["links"], json!({ "self": place }));
    through_spin(&instance, Method::GET, "/idhook/vidm/default/v1/syncs/x", "").problem("sync_not_found");
}

#[test]
fn headers_alone_do_not_mount() {
    let instance = Instance::new([]);
    let headers = [("spin-raw-component-route", "/idhook/..."), ("spin-path-info", "/healthz")];
    let answer = instance.send_with(Method::GET, "/idhook/healthz", &headers, "");
    assert_eq!(answer.status(), StatusCode::NOT_FOUND, "only a binding that runs under Spin reads them");
}

#[test]
fn configured_base_path_is_optional_in_requests() {
    let instance = Instance::with(&[("base_path", "/idhook/")], []);
    for path in ["/healthz", "/idhook/healthz", "/idhook/", "/idhook/openapi.json"] {
        assert_eq!(instance.get(path).status(), StatusCode::OK, "{path}");
    }
    for path in ["/idhook", "/idhookx/healthz", "/other/healthz", "/idhook/idhook/healthz"] {
        assert_eq!(instance.get(path).status(), StatusCode::NOT_FOUND, "{path}");
    }
    instance.then(start());
    let started = instance.send(Method::POST, &format!("/idhook{SYNCS}"), BODY);
    assert!(started.header("location").starts_with("/idhook/vidm/default/v1/syncs/"), "{}", started.text());
    let instance = Instance::with(&[("base_path", "/idhook")], start());
    let stripped = instance.send(Method::POST, SYNCS, BODY);
    assert!(stripped.header("location").starts_with("/idhook/vidm/default/v1/syncs/"), "{}", stripped.text());
}

#[test]
fn invalid_configuration_is_reported_below_its_base_path() {
    let webhook = idhook::webhook::Webhook::of_variables(|name| (name == "base_path").then(|| "/idhook".to_owned()));
    let webhook = std::rc::Rc::new(webhook);
    let script = std::rc::Rc::new(crate::support::script::Script::new([]));
    let request = Request::get("/idhook/healthz").body(Body::Whole(Bytes::new())).unwrap();
    let runtime = crate::support::webhook::Shared(std::rc::Rc::clone(&script));
    let response = script.run(webhook.handle(&runtime, request, async |body, _| body));
    assert_eq!(response.status(), StatusCode::OK);
}

#[test]
fn poller_by_status_gets_202_until_the_end() {
    let instance = Instance::new(start());
    let started = instance.send(Method::POST, &format!("{SYNCS}?running=202"), BODY);
    assert_eq!(started.status(), StatusCode::ACCEPTED, "{}", started.text());
    let place = started.header("location").to_owned();
    assert!(place.ends_with("?running=202"), "{place}");
    instance.then([state().answer(200, r#"{"status":"RUNNING"}"#)]);
    let running = instance.get(&place);
    assert_eq!(running.status(), StatusCode::ACCEPTED, "{}", running.text());
    assert_eq!(running.header("location"), place);
    assert!(!running.header("retry-after").is_empty());
    for wrong in ["running=203", "running=true"] {
        instance.send(Method::POST, &format!("{SYNCS}?{wrong}"), BODY).problem("request_invalid");
    }
}

#[test]
fn cloud_events_handshake_is_granted_by_allowing_hooks() {
    let hooks = json!([
        {"name": "azure", "senders": ["all"], "directory": CORP, "origins": ["eventgrid.azure.net"]},
        {"name": "any", "senders": ["all"], "directory": CORP, "origins": ["*"]},
        {"name": "none", "senders": ["all"], "directory": CORP},
    ]);
    let instance = Instance::with(&[("hooks", &hooks.to_string()), ("rate_limit", "120")], []);
    let asked = |path: &str, origins: &[&str]| {
        let mut request = Request::options(path);
        for origin in origins {
            request = request.header("webhook-request-origin", *origin);
        }
        let answer = instance.send_request(request.body(Body::Whole(Bytes::new())).unwrap());
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
        (answer.header("webhook-allowed-origin").to_owned(), answer.header("webhook-allowed-rate").to_owned())
    };
    let allowed = |origin: &str| (origin.to_owned(), "120".to_owned());
    assert_eq!(asked("/hooks/azure", &["eventgrid.azure.net"]), allowed("eventgrid.azure.net"));
    assert_eq!(asked("/hooks/any", &["x.example"]), allowed("x.example"));
    // Version 1.0 of the specification has the sender's name in the `Origin` of each delivery too.
    let delivered = |path: &str, origins: &[&str], calls: Vec<Call>| {
        let mut request = Request::post(path).header("x-api-key", KEY).header("host", "idhook.corp.example");
        for origin in origins {
            request = request.header("origin", *origin);
        }
        let instance = Instance::with(&[("hooks", &hooks.to_string())], calls);
        instance.send_request(request.body(Body::Whole(Bytes::new())).unwrap())
    };
    for (path, origin) in [("/hooks/azure", "EventGrid.azure.net"), ("/hooks/any", "x.example")] {
        assert_eq!(delivered(path, &[origin], start().into()).status(), StatusCode::ACCEPTED, "{path} {origin}");
    }
    for (path, origins) in [
        ("/hooks/azure", &["x.example"][..]),
        ("/hooks/azure", &["eventgrid.azure.net", "eventgrid.azure.net"]),
        ("/hooks/azure", &["https://eventgrid.azure.net"]),
        ("/hooks/none", &["eventgrid.azure.net"]),
        // Those of browsers.
        ("/hooks/any", &["https://x.example"]),
        ("/hooks/any", &["null"]),
        (SYNCS, &["x.example"]),
    ] {
        delivered(path, origins, Vec::new()).problem("forbidden");
    }
    // Without authentication an existing hook and a missing one look the same.
    for path in ["/hooks/azure", "/hooks/none", "/hooks/absent"] {
        let request = Request::post(path).header("host", "idhook.corp.example").header("origin", "eventgrid.azure.net");
        instance.send_request(request.body(Body::Whole(Bytes::new())).unwrap()).problem("unauthenticated");
    }
    let refused = (String::new(), String::new());
    for (path, origins) in [
        ("/hooks/azure", &["evil.example"][..]),
        ("/hooks/azure", &[]),
        ("/hooks/azure", &["eventgrid.azure.net", "eventgrid.azure.net"]),
        ("/hooks/none", &["eventgrid.azure.net"]),
        ("/hooks/absent", &["eventgrid.azure.net"]),
        (SYNCS, &["eventgrid.azure.net"]),
    ] {
        assert_eq!(asked(path, origins), refused, "{path} {origins:?}");
    }
}

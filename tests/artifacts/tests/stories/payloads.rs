//! Real callers' payloads with the shipped component: each with the outcome that its user expects.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use idhook::error::ErrorCode;
use idhook_host::{Host, Options};
use idhook_simulator::{Outcome, seeds};
use reqwest::{Method, RequestBuilder};
use serde_json::json;
use xtask::artifact::Artifact;

use crate::scene::{Answer, Scene, send};

stories! {
    all:
    every_payload_starts_the_intended_sync,
    invalid_payloads_are_rejected_with_a_reason,
    terraform_reads_with_get_and_head,
}

stories! {
    all, several_threads:
    hostile_requests_crash_no_instance,
}

const SYNCS: &str = "/vidm/default/v1/syncs";

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("../../../fixtures/callers/", $name)).as_slice()
    };
}

/// One caller's request: path, headers, body, and the expected number of groups.
struct Payload {
    of: &'static str,
    path: String,
    headers: Vec<(&'static str, &'static str)>,
    body: Vec<u8>,
    groups: usize,
}

/// A payload with the directory and the groups.
fn order(of: &'static str, headers: &[(&'static str, &'static str)], body: impl AsRef<[u8]>, groups: usize) -> Payload {
    Payload { of, path: SYNCS.to_owned(), headers: headers.to_vec(), body: body.as_ref().to_vec(), groups }
}

/// A payload that only reports an event; the URL says what to do.
fn news(of: &'static str, headers: &[(&'static str, &'static str)], body: impl AsRef<[u8]>) -> Payload {
    let path = format!("/vidm/default/v1/directories/{}/syncs", seeds::CORP_NAME);
    Payload { path, ..order(of, headers, body, 0) }
}

/// `text` as a value in a form.
fn encoded(text: &[u8]) -> String {
    text.iter().map(|byte| format!("%{byte:02X}")).collect()
}

const JSON: (&str, &str) = ("content-type", "application/json");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const BINARY: [(&str, &str); 5] = [
    ("ce-specversion", "1.0"),
    ("ce-id", "28179137-b8e0-4973-b05f-8f212bf5003b"),
    ("ce-source", "https://vcenter-01:443/sdk"),
    ("ce-type", "com.vmware.vsphere.VmPoweredOnEvent.v0"),
    JSON,
];

fn payloads() -> Vec<Payload> {
    let event = fixture!("event.structured.json");
    // Another event has another id; the same event in any form is the same request.
    let batch = format!("[{}]", String::from_utf8_lossy(event).replace("08179137-", "18179137-"));
    vec![
        order("Aria ABX, an event's inputs", &[JSON], fixture!("aria-event.json"), 1),
        order("Aria ABX, a custom resource", &[JSON], fixture!("aria-resource.json"), 1),
        order("Aria Event Broker to Orchestrator", &[JSON], fixture!("event-broker.json"), 1),
        order(
            "Orchestrator, a string",
            &[("content-type", "text/plain; charset=ISO-8859-1")],
            fixture!("orchestrator.txt"),
            1,
        ),
        order("Orchestrator, no media type", &[], fixture!("orchestrator.txt"), 1),
        order(
            "ServiceNow",
            &[("content-type", "application/json;charset=UTF-8"), ("user-agent", "ServiceNow/1.0")],
            fixture!("servicenow.json"),
            1,
        ),
        order("ServiceNow, a form", &[FORM, ("user-agent", "ServiceNow/1.0")], fixture!("servicenow.form"), 2),
        order("n8n", &[JSON], fixture!("n8n.json"), 1),
        order("Ansible", &[JSON], fixture!("ansible.json"), 1),
        order("curl, a file with a BOM", &[FORM], fixture!("powershell-bom.json"), 1),
        news("GitHub", &[JSON, ("x-github-event", "push")], fixture!("github-push.json")),
        news("GitHub, a form", &[FORM], format!("payload={}", encoded(fixture!("github-push.json")))),
        news("GitLab", &[JSON, ("x-gitlab-event", "Push Hook")], fixture!("gitlab-push.json")),
        news(
            "Event Broker Appliance, structured",
            &[("content-type", "application/cloudevents+json; charset=UTF-8")],
            event,
        ),
        news("Event Broker Appliance, binary", &BINARY, fixture!("event.data.json")),
        news("a batch of one event", &[("content-type", "application/cloudevents-batch+json")], batch),
        news("curl -X POST", &[], ""),
        news("a JSON client with no body", &[JSON], ""),
    ]
}

fn request(scene: &Scene, path: &str, headers: &[(&'static str, &'static str)], body: Vec<u8>) -> RequestBuilder {
    let request = scene.request(Method::POST, path).bearer_auth(&scene.keys.all).body(body);
    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
}

async fn every_payload_starts_the_intended_sync(artifact: Artifact) {
    let scene = Scene::of(artifact).await;
    for Payload { of, path, headers, body, groups } in payloads() {
        let started = send(request(&scene, &path, &headers, body)).await;
        assert_eq!(started.status, 202, "{of}: {}", started.text);
        assert_eq!(started.json()["directory"]["id"], seeds::CORP, "{of}");
        scene.simulator.finish_sync(seeds::CORP, Outcome::Completed).unwrap();
        let state = scene.get(started.header("location")).await.json();
        assert_eq!(state["status"], "succeeded", "{of}: {state}");
        assert_eq!(state["groups"].as_array().map_or(0, Vec::len), groups, "{of}: {state}");
    }
    // Knative, through which the Event Broker Appliance delivers, takes only a CloudEvent as a response's body.
    let of_knative = [BINARY.as_slice(), &[("prefer", "reply")]].concat();
    let Payload { path, body, .. } = news("Knative", &of_knative, fixture!("event.data.json"));
    let started = send(request(&scene, &path, &of_knative, body)).await;
    assert_eq!(started.status, 202);
    assert_eq!(started.text, "");
    assert!(started.header("location").starts_with("/vidm/default/v1/syncs/"));
}

async fn invalid_payloads_are_rejected_with_a_reason(artifact: Artifact) {
    let scene = Scene::of(artifact).await;
    scene.get("/vidm/default/v1/directories").await;
    scene.asked();
    let fields = |answer: &Answer| -> Vec<String> {
        let errors = answer.json()["errors"].clone();
        let errors = errors.as_array().unwrap_or_else(|| panic!("{}", answer.text));
        errors.iter().map(|e| e["pointer"].as_str().unwrap().to_owned()).collect()
    };
    let unresolved = send(request(&scene, SYNCS, &[JSON], fixture!("servicenow-unresolved.json").to_vec())).await;
    assert_eq!(unresolved.status, 400);
    unresolved.problem("unresolved_placeholder");
    assert_eq!(fields(&unresolved), ["/directory", "/groups/0"], "what is not ours is not looked at");
    let in_path = "/vidm/default/v1/directories/$%7Bdirectory%7D/syncs?x=$%7By%7D";
    let unresolved = send(request(&scene, in_path, &[JSON], fixture!("servicenow-unresolved.json").to_vec())).await;
    let detail = unresolved.problem("unresolved_placeholder")["detail"].as_str().unwrap().to_owned();
    for place in ["{directory} in the path", "query parameter x", "/groups/0"] {
        assert!(detail.contains(place), "{detail}");
    }

    let batch = |events: usize| format!("[{}]", vec!["{}"; events].join(",")).into_bytes();
    let two = send(request(&scene, SYNCS, &[("content-type", "application/cloudevents-batch+json")], batch(2))).await;
    assert_eq!(two.status, 400);
    assert!(two.problem("request_invalid")["detail"].as_str().unwrap().contains("batch has 2 events"));
    let version = [("ce-specversion", "0.3"), ("ce-id", "1"), ("ce-source", "/s"), ("ce-type", "t")];
    assert!(send(request(&scene, SYNCS, &version, Vec::new())).await.text.contains("ce-specversion"));

    let twice = br#"{"directory":"corp.example","directory":"lab.example"}"#.to_vec();
    assert_eq!(fields(&send(request(&scene, SYNCS, &[JSON], twice)).await), ["/directory"]);
    let wrong = br#"{"inputs":{"directory":7,"groups":["CN=a",{}],"dryRun":"maybe"}}"#.to_vec();
    let wrong = send(request(&scene, SYNCS, &[JSON], wrong)).await;
    let mut pointers = fields(&wrong);
    pointers.sort();
    assert_eq!(pointers, ["/inputs/directory", "/inputs/dryRun", "/inputs/groups/1"]);
    let not_a_dn = br#"{"inputs":{"directory":"corp.example","groups":["ok@corp.example","CN=a,,"]}}"#.to_vec();
    assert_eq!(fields(&send(request(&scene, SYNCS, &[JSON], not_a_dn)).await), ["/inputs/groups/1"]);
    let many = json!({"directory": "corp.example", "groups": vec!["a@b"; 101]}).to_string().into_bytes();
    assert_eq!(fields(&send(request(&scene, SYNCS, &[JSON], many)).await), ["/groups"]);
    assert_eq!(scene.asked(), [""; 0], "no upstream call was made");
}

async fn terraform_reads_with_get_and_head(artifact: Artifact) {
    let scene = Scene::of(artifact).await;
    let path = format!("/vidm/default/v1/directories/{}", seeds::CORP_NAME);
    for method in [Method::GET, Method::HEAD] {
        // Its http data source sends the configured Content-Type even without a body.
        let read = scene.request(method.clone(), &path).bearer_auth(&scene.keys.all).header(JSON.0, JSON.1);
        let read = send(read.header("accept", "application/json")).await;
        assert_eq!((read.status.as_u16(), read.header("content-type")), (200, "application/json"), "{method}");
        assert_eq!(read.text.is_empty(), method == Method::HEAD);
    }
}

/// Sends bytes unchanged, and returns the response until the connection ends or is silent.
fn raw(scene: &Scene, bytes: &[u8]) -> String {
    let url = scene.host.url();
    let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(std::time::Duration::from_millis(500))).unwrap();
    stream.write_all(bytes).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(length @ 1..) = stream.read(&mut piece) {
        answer.extend_from_slice(&piece[..length]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

async fn hostile_requests_crash_no_instance(artifact: Artifact) {
    let mut scene = Scene::of(artifact).await;
    let options = Options { max_instance_reuse_count: Some(10_000), ..scene.stage.options() };
    scene.host = Host::start(options).await.unwrap();
    let paths = [
        "/vidm/default/v1/syncs",
        "/vidm/default/v1/directories/%FF%2F..%2F/syncs",
        "/vidm/nowhere/v1/syncs",
        "/vcf/nowhere/v1/identity-providers",
        "/vcf/default/v1/identity-providers/x/identity-sources",
        "/%00/;/*",
    ];
    let types =
        ["application/json", "application/x-www-form-urlencoded", "application/cloudevents+json", "text/xml", ";;"];
    let bodies: Vec<Vec<u8>> = vec![
        b"{".to_vec(),
        b"{\"directory\":\"\xFF\"}".to_vec(),
        format!("{}1{}", "{\"inputs\":".repeat(5000), "}".repeat(5000)).into_bytes(),
        format!("{{{}}}", vec!["\"a\":1"; 20_000].join(",")).into_bytes(),
        format!("{{\"groups\":[{}]}}", vec!["\"${x}\""; 10_000].join(",")).into_bytes(),
        b"{\"directory\":1e400}".to_vec(),
        b"\xEF\xBB\xBF\xEF\xBB\xBF{}".to_vec(),
        "directory=%".repeat(1000).into_bytes(),
        b"{\"specversion\":\"1.0\",\"id\":\"i\",\"source\":\"s\",\"type\":\"t\",\"data_base64\":\"e30\"}".to_vec(),
        vec![0; 70_000],
        vec![b'['; 300_000],
    ];
    let mut count = 0;
    for path in paths {
        for content_type in types {
            for body in &bodies {
                let request = scene.request(Method::POST, path).bearer_auth(&scene.keys.all).body(body.clone());
                let answer = send(request.header("content-type", content_type).header("prefer", "wait=1")).await;
                let problem = answer.json();
                let code = ErrorCode::ALL.iter().find(|code| problem["code"] == code.as_str()).unwrap();
                assert!(answer.status.is_client_error() && code.status() == answer.status, "{problem}");
                assert!(answer.text.len() < 32 << 10, "{}", answer.text.len());
                count += 1;
            }
        }
    }
    assert!(count >= 300, "{count}");
    let key = scene.keys.all.clone();
    for (head, rest) in [
        ("POST /vidm/default/v1/syncs HTTP/1.1\r\nHost: x\r\nContent-Length: 100", "{\"directory\":"),
        ("POST /vidm/default/v1/syncs HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked", "5\r\n{\"dir\r\nZZ\r\n"),
        ("POST /vidm/default/v1/syncs HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nX-Request-Id: a\x01b", "{}"),
        ("BREW /vidm/default/v1/syncs HTTP/1.1\r\nHost: x", ""),
        ("GET /vidm/default/v1/groups?dn=%0d%0aX:%20y HTTP/1.1\r\nHost: x", ""),
    ] {
        let answer = raw(&scene, format!("{head}\r\nX-API-Key: {key}\r\nConnection: close\r\n\r\n{rest}").as_bytes());
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{head}: {answer}");
    }
    assert_eq!(scene.get("/vidm/default/v1/directories").await.status, 200);
    // The host reports each instance that traps.
    let output = scene.host.output();
    assert!(!output.contains("an instance failed"), "{output}");
    assert!(scene.log().len() > count, "each left its line of log");
}

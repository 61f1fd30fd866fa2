//! Authentication, and the handling of requests.

use reqwest::Method;
use serde_json::json;
use xtask::artifact::Artifact;

use crate::scene::{Scene, Setting, send};

stories! {
    all:
    requests_without_a_valid_key_are_rejected,
    key_is_accepted_in_three_headers,
    unconfigured_idhook_reports_what_is_missing,
    readiness_lists_the_targets,
    unsuitable_methods_paths_and_bodies_are_rejected,
    request_id_and_trace_are_forwarded,
}

stories! {
    in_spin:
    runaway_caller_is_limited_on_every_instance,
}

const DIRECTORIES: &str = "/vidm/default/v1/directories";

async fn requests_without_a_valid_key_are_rejected(artifact: Artifact) {
    let scene = Scene::of(artifact).await;
    let none = send(scene.request(Method::GET, DIRECTORIES)).await;
    none.problem("unauthenticated");
    let challenges: Vec<_> =
        none.headers.get_all("www-authenticate").iter().map(|value| value.to_str().unwrap()).collect();
    assert!(challenges.len() == 2 && challenges[0].starts_with("Basic") && challenges[1].starts_with("Bearer"));
    send(scene.request(Method::GET, DIRECTORIES).bearer_auth("wrong")).await.problem("unauthenticated");
    let elsewhere = send(scene.request(Method::GET, DIRECTORIES).bearer_auth(&scene.keys.elsewhere)).await;
    assert_eq!(elsewhere.status, 403);
    elsewhere.problem("forbidden");
    let scope =
        send(scene.request(Method::POST, &format!("{DIRECTORIES}/x/syncs")).bearer_auth(&scene.keys.reader)).await;
    assert!(scope.problem("forbidden")["detail"].as_str().unwrap().contains("vidm:sync"));
    // The caller is checked before its body is read.
    let request = scene.request(Method::POST, "/vidm/default/v1/syncs").bearer_auth("wrong").body("{");
    send(request).await.problem("unauthenticated");
    assert_eq!(scene.asked(), [""; 0]);
}

async fn key_is_accepted_in_three_headers(artifact: Artifact) {
    let scene = Scene::of(artifact).await;
    let key = &scene.keys.reader;
    for request in [
        scene.request(Method::GET, DIRECTORIES).bearer_auth(key),
        scene.request(Method::GET, DIRECTORIES).header("x-api-key", key),
        scene.request(Method::GET, DIRECTORIES).basic_auth("anybody", Some(key)),
    ] {
        assert_eq!(send(request).await.status, 200);
    }
    let line = scene.log().pop().unwrap();
    assert_eq!((&line["caller"], &line["route"]), (&json!("reader"), &json!("/vidm/{target}/v1/directories")));
}

async fn unconfigured_idhook_reports_what_is_missing(artifact: Artifact) {
    let variables =
        vec![("api_keys", String::new()), ("vidm_password", String::new()), ("connect_timeout", "soon".to_owned())];
    let scene = Scene::with(Setting { variables, ..Setting::of(artifact) }).await;
    let alive = send(scene.request(Method::GET, "/healthz")).await;
    assert_eq!((alive.status.as_u16(), &alive.json()["name"]), (200, &json!("idhook")));
    let ready = send(scene.request(Method::GET, "/readyz")).await;
    assert_eq!(ready.status, 503);
    let detail = ready.problem("not_configured")["detail"].as_str().unwrap().to_owned();
    for name in ["api_keys", "vidm_password", "connect_timeout"] {
        assert!(detail.contains(name), "{name} in {detail}");
    }
    scene.get(DIRECTORIES).await.problem("not_configured");
    assert!(scene.log().iter().any(|line| line["problems"].to_string().contains("vidm_password")));
}

async fn readiness_lists_the_targets(artifact: Artifact) {
    let scene = Scene::of(artifact).await;
    let ready = send(scene.request(Method::GET, "/readyz")).await;
    let mut ready = ready.json();
    let warnings = ready.as_object_mut().unwrap().remove("warnings");
    assert_eq!(ready, json!({"status": "ready", "vidm": ["default"], "vcf": ["default"], "fleet": []}));
    // Nothing is wrong, but without a state_key the generated one is in the store, or ends with the instance.
    let warned = warnings.as_ref().and_then(|warnings| warnings.get(0)).map(|warning| &warning["variable"]);
    assert_eq!(warned, artifact.keeps_instances().then_some(&json!("state_key")));
}

async fn unsuitable_methods_paths_and_bodies_are_rejected(artifact: Artifact) {
    let scene = Scene::of(artifact).await;
    scene.get("/vidm").await.problem("route_not_found");
    scene.get("/vidm/nowhere/v1/directories").await.problem("target_not_found");
    let wrong = scene.write(Method::PUT, DIRECTORIES, "").await;
    wrong.problem("method_not_allowed");
    assert_eq!(wrong.header("allow"), "GET, HEAD, OPTIONS");
    let options = send(scene.request(Method::OPTIONS, DIRECTORIES)).await;
    assert_eq!((options.status.as_u16(), options.header("allow")), (204, "GET, HEAD, OPTIONS"));
    assert_eq!(scene.get(&format!("{DIRECTORIES}/")).await.status, 200);
    let head = send(scene.request(Method::HEAD, DIRECTORIES).bearer_auth(&scene.keys.all)).await;
    assert_eq!((head.status.as_u16(), head.text.as_str()), (200, ""));

    let syncs = "/vidm/default/v1/syncs";
    scene.post(syncs, "{\"directory\":").await.problem("request_invalid");
    scene.post(syncs, "[1]").await.problem("request_invalid");
    scene.post(syncs, r#"{"directory":"${resource.name}"}"#).await.problem("unresolved_placeholder");
    let big = scene.post(syncs, &format!("{{\"directory\":\"{}\"}}", "x".repeat(300_000))).await;
    assert_eq!(big.status, 413);
    big.problem("body_too_large");
    let xml =
        scene.request(Method::POST, syncs).bearer_auth(&scene.keys.all).header("content-type", "text/xml").body("<a/>");
    send(xml).await.problem("unsupported_media_type");
}

async fn request_id_and_trace_are_forwarded(artifact: Artifact) {
    let scene = Scene::of(artifact).await;
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let request = scene.request(Method::GET, DIRECTORIES).bearer_auth(&scene.keys.all);
    let answer = send(request.header("x-request-id", "job-42").header("traceparent", trace)).await;
    assert_eq!(answer.header("x-request-id"), "job-42");
    let line = scene.log().pop().unwrap();
    assert_eq!(
        (&line["request_id"], &line["trace_id"]),
        (&json!("job-42"), &json!("4bf92f3577b34da6a3ce929d0e0e4736"))
    );
    assert_eq!(line["calls"].as_array().unwrap().len(), 2, "{line}");
    assert!(line["calls"][0]["ms"].is_u64() && line["calls"][0]["status"] == json!(200));
    for call in scene.simulator.calls() {
        // A login contains nothing that the caller chose.
        let is_login = call.path_and_query.ends_with("/login");
        assert_eq!(call.request_id.as_deref(), (!is_login).then_some("job-42"), "{call:?}");
        assert_eq!(call.traceparent.as_deref(), (!is_login).then_some(trace), "{call:?}");
    }
    let own = scene.get("/healthz").await;
    assert_eq!(own.header("x-request-id").len(), 32);
    assert_eq!(own.header("cache-control"), "no-store");
}

async fn runaway_caller_is_limited_on_every_instance(artifact: Artifact) {
    let scene = Scene::with(Setting { variables: vec![("rate_limit", "5".to_owned())], ..Setting::of(artifact) }).await;
    let other = scene.another_host(|_| {}).await;
    let ask = |url: String, key: &str| {
        let request = scene.client.post(format!("{url}/vidm/default/v1/syncs")).bearer_auth(key).body("{}");
        send(request)
    };
    // Some are refilled meanwhile.
    let mut stopped = None;
    for _ in 0..12 {
        let answer = ask(scene.host.url(), &scene.keys.syncer).await;
        if answer.status == 429 {
            stopped = Some(answer);
            break;
        }
        answer.problem("request_invalid");
    }
    let stopped = stopped.unwrap();
    assert_eq!(stopped.problem("rate_limited")["retryable"], json!(true));
    let wait: u64 = stopped.header("retry-after").parse().unwrap();
    assert!((1..=12).contains(&wait));
    // At other instances too, until one is refilled; other callers are not affected.
    if wait > 5 {
        ask(other.url(), &scene.keys.syncer).await.problem("rate_limited");
    }
    ask(other.url(), &scene.keys.all).await.problem("request_invalid");
    assert_eq!(send(scene.request(Method::GET, "/healthz")).await.status, 200);
    assert_eq!(scene.asked(), [""; 0]);
}

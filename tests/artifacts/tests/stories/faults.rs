//! Faults of the upstream and the network, and the caller's results.

use std::time::{Duration, Instant};

use idhook_simulator::{Fault, FaultKind, RetryAfter, credentials, seeds};
use serde_json::Value;
use xtask::artifact::Artifact;

use crate::scene::{Scene, Setting};

stories! {
    all:
    each_fault_has_its_problem,
    transient_fault_is_hidden_on_a_read,
    start_is_never_sent_twice_by_accident,
    huge_retry_after_date_is_handled,
    login_errors_are_not_errors_of_the_directory,
    slow_response_ends_with_the_request_time,
    expired_token_is_replaced_once,
    wrong_password_is_tried_once,
    missing_permission_differs_from_wrong_password,
    untrusted_certificate_is_reported_with_a_fix,
    unreachable_and_unknown_servers_are_reported,
}

stories! {
    in_spin:
    host_missing_in_the_manifest_is_reported,
}

const DIRECTORIES: &str = "/vidm/default/v1/directories";
const PROVIDERS: &str = "/vcf/default/v1/identity-providers";

fn corp_syncs() -> String {
    format!("{DIRECTORIES}/{}/syncs", seeds::CORP)
}

/// One fault at every list call, and the resulting problem.
async fn each_fault_has_its_problem(artifact: Artifact) {
    let variables = vec![("first_byte_timeout", "0.3".to_owned()), ("upstream_body_limit", "100000".to_owned())];
    let scene = Scene::with(Setting { variables, ..Setting::of(artifact) }).await;
    let redirect =
        FaultKind::Redirect { status: 302, location: "https://elsewhere.example/login?x=planted-query".to_owned() };
    let answer = |status: u16, content_type: &str, body: &str| FaultKind::Answer {
        status,
        content_type: content_type.to_owned(),
        body: body.to_owned(),
    };
    let table: Vec<(&str, FaultKind, &str, u16)> = vec![
        ("reset", FaultKind::Reset, "upstream_failed", 502),
        ("silence", FaultKind::Delay { milliseconds: 60_000 }, "upstream_timeout", 504),
        ("busy for long", FaultKind::Busy { status: 503, retry_after: RetryAfter::Seconds(120) }, "upstream_busy", 503),
        ("limit", FaultKind::Busy { status: 429, retry_after: RetryAfter::DateIn(90) }, "upstream_busy", 503),
        ("gateway page", FaultKind::Html { status: 500 }, "upstream_failed", 502),
        ("not found page", FaultKind::Html { status: 404 }, "upstream_invalid", 502),
        ("cut", FaultKind::CutBody, "upstream_failed", 502),
        ("redirect", redirect, "upstream_invalid", 502),
        ("oversized", FaultKind::Oversized { bytes: 200_000, chunked: false }, "upstream_invalid", 502),
        ("oversized, chunked", FaultKind::Oversized { bytes: 200_000, chunked: true }, "upstream_invalid", 502),
        ("garbage", FaultKind::GarbageJson, "upstream_invalid", 502),
        ("a page with 200", answer(200, "text/html", "<html>Log in"), "upstream_invalid", 502),
        (
            "forbidden",
            answer(403, "application/json", r#"{"errors":[{"code":"forbidden","message":"no"}]}"#),
            "upstream_forbidden",
            502,
        ),
    ];
    for (what, kind, code, status) in table {
        for (path, part) in [(DIRECTORIES, "directoryconfigs"), (PROVIDERS, "identity-providers")] {
            // A held rejection of the previous case must not apply to this one.
            scene.simulator.add_fault(Fault::new(kind.clone()).path(part).always());
            let answer = scene.get(path).await;
            let problem = answer.problem(code);
            assert_eq!(answer.status.as_u16(), status, "{what} {path}: {problem}");
            assert!(answer.text.len() < 4000, "{what}: {} bytes", answer.text.len());
            assert!(!answer.text.contains("planted"), "{what}: {problem}");
            if code == "upstream_busy" {
                assert!(
                    (60..=120).contains(&answer.header("retry-after").parse::<u64>().unwrap()),
                    "{what}: {problem}"
                );
            }
            scene.simulator.clear_faults();
            assert_eq!(scene.get(path).await.status, 200, "{what}: it goes on when the fault is gone");
        }
    }
}

async fn transient_fault_is_hidden_on_a_read(artifact: Artifact) {
    let scene = Scene::of(artifact).await;
    for kind in
        [FaultKind::Reset, FaultKind::CutBody, FaultKind::Busy { status: 503, retry_after: RetryAfter::Seconds(0) }]
    {
        scene.simulator.add_fault(Fault::new(kind).path("directoryconfigs").times(2));
        assert_eq!(scene.get(DIRECTORIES).await.status, 200);
    }
}

async fn start_is_never_sent_twice_by_accident(artifact: Artifact) {
    for kind in
        [FaultKind::LoseAnswer, FaultKind::Reset, FaultKind::Busy { status: 503, retry_after: RetryAfter::Absent }]
    {
        let scene = Scene::of(artifact).await;
        scene.simulator.add_fault(Fault::new(kind.clone()).path("syncprofile/sync").method("POST").always());
        let answer = scene.post(&corp_syncs(), "").await;
        assert!(answer.status.is_server_error(), "{kind:?}: {}", answer.text);
        let mut asked = scene.asked();
        asked.retain(|call| call.starts_with("POST") && call.ends_with("syncprofile/sync"));
        assert_eq!(asked.len(), 1, "{kind:?}: {asked:?}");
    }
    let scene = Scene::of(artifact).await;
    scene.simulator.add_fault(Fault::new(FaultKind::LoseAnswer).path("syncprofile/sync").method("POST"));
    let lost = scene.post(&corp_syncs(), "").await.problem("upstream_failed");
    assert!(lost["hint"].as_str().unwrap().contains("may have been processed"), "{lost}");
    assert_eq!(lost["retryable"], false, "{lost}");
}

async fn huge_retry_after_date_is_handled(artifact: Artifact) {
    let scene = Scene::of(artifact).await;
    let body = r#"{"status":"COMPLETED","endTime":"9999-12-31T23:59:59.999-05:00","startTime":"0000-01-01T00:00:00Z"}"#;
    scene.simulator.add_fault(Fault::answer(200, "application/json", body).path("syncprofile/sync").method("GET"));
    let path = format!("{DIRECTORIES}/{}/sync", seeds::CORP);
    let state = scene.get(&path).await;
    assert_eq!((state.status.as_u16(), &state.json()["status"]), (200, &Value::from("succeeded")), "{}", state.text);
    assert!(state.json().get("finishedAt").is_none(), "{}", state.text);
}

async fn login_errors_are_not_errors_of_the_directory(artifact: Artifact) {
    for (status, body) in [
        (404, r#"{"errors":[{"code":"not.found","message":"planted"}]}"#),
        (405, "<html>planted"),
        (400, r#"{"errors":[{"code":"a","message":"A sync is already running."}]}"#),
        (409, ""),
    ] {
        let scene = Scene::of(artifact).await;
        scene.simulator.add_fault(Fault::answer(status, "application/json", body).path("login").always());
        scene.simulator.add_fault(Fault::answer(status, "application/json", body).path("/v1/tokens").always());
        for answer in [
            scene.post(&corp_syncs(), "").await,
            scene.get(&format!("{DIRECTORIES}/{}/sync", seeds::CORP)).await,
            scene.get(PROVIDERS).await,
            scene.write(reqwest::Method::DELETE, &format!("{PROVIDERS}/x"), "").await,
        ] {
            assert_eq!(answer.status.as_u16(), 502, "{status}: {}", answer.text);
            assert!(!answer.text.contains("planted") && answer.text.contains("hint"), "{}", answer.text);
        }
    }
}

async fn slow_response_ends_with_the_request_time(artifact: Artifact) {
    let scene =
        Scene::with(Setting { variables: vec![("request_timeout", "1".to_owned())], ..Setting::of(artifact) }).await;
    scene
        .simulator
        .add_fault(Fault::new(FaultKind::Drip { bytes: 5, milliseconds: 200 }).path("directoryconfigs").always());
    let started = Instant::now();
    scene.get(DIRECTORIES).await.problem("upstream_timeout");
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

async fn expired_token_is_replaced_once(artifact: Artifact) {
    let scene = Scene::of(artifact).await;
    scene.get(DIRECTORIES).await;
    scene.asked();
    if scene.remembers() {
        scene.simulator.expire_tokens();
        assert_eq!(scene.get(DIRECTORIES).await.status, 200);
        assert_eq!(scene.asked().len(), 3, "refused, login, again");
    }
    scene.simulator.add_fault(Fault::new(FaultKind::ExpiredToken).path("directoryconfigs").always());
    scene.get(DIRECTORIES).await.problem("upstream_auth");
    // A token made for this request is not replaced.
    assert_eq!(scene.asked().len(), if scene.remembers() { 3 } else { 2 }, "and not more than once");
}

async fn wrong_password_is_tried_once(artifact: Artifact) {
    let variables = vec![("vidm_password", "planted-wrong".to_owned()), ("vcf_password", "planted-wrong".to_owned())];
    let scene = Scene::with(Setting { variables, ..Setting::of(artifact) }).await;
    for path in [DIRECTORIES, PROVIDERS] {
        let refused = scene.get(path).await;
        assert_eq!(refused.status, 502);
        assert!(refused.problem("upstream_auth")["hint"].is_string());
        for _ in 0..5 {
            scene.get(path).await.problem("upstream_auth");
        }
        let logins = if scene.remembers() { 1 } else { 6 };
        assert_eq!(scene.asked().len(), logins, "where something is remembered the account is not locked");
    }
    // Concurrent requests do not each try it.
    let scene = Scene::with(Setting {
        variables: vec![("vidm_password", "planted-wrong".to_owned())],
        ..Setting::of(artifact)
    })
    .await;
    let (a, b, c) = tokio::join!(scene.get(DIRECTORIES), scene.get(DIRECTORIES), scene.get(DIRECTORIES));
    for answer in [a, b, c] {
        answer.problem("upstream_auth");
    }
}

async fn missing_permission_differs_from_wrong_password(artifact: Artifact) {
    let variables = vec![
        ("vidm_username", credentials::VIDM_PLAIN_USERNAME.to_owned()),
        ("vidm_password", credentials::VIDM_PLAIN_PASSWORD.to_owned()),
    ];
    let scene = Scene::with(Setting { variables, ..Setting::of(artifact) }).await;
    let problem = scene.get(DIRECTORIES).await.problem("upstream_forbidden");
    assert_eq!(problem["upstream"]["code"], "forbidden");
    assert_eq!(problem["upstream"]["status"], 403);
}

async fn untrusted_certificate_is_reported_with_a_fix(artifact: Artifact) {
    let scene = Scene::with(Setting { tls: true, trusted: false, ..Setting::of(artifact) }).await;
    for path in [DIRECTORIES, PROVIDERS] {
        let refused = scene.get(path).await;
        assert_eq!(refused.status, 502);
        let problem = refused.problem("upstream_tls");
        assert!(problem["hint"].as_str().unwrap().contains("ca_roots_file"), "{problem}");
        assert_eq!(problem["upstream"]["target"], "default");
    }
    assert_eq!(scene.asked(), [""; 0], "no password went out");
}

async fn unreachable_and_unknown_servers_are_reported(artifact: Artifact) {
    let at = async |url: &str| {
        let scene =
            Scene::with(Setting { variables: vec![("vidm_url", url.to_owned())], ..Setting::of(artifact) }).await;
        scene.get(DIRECTORIES).await.problem("upstream_unreachable")
    };
    let down = at("http://127.0.0.1:9").await;
    assert!(down["retryable"] == Value::Bool(true) && down["hint"].as_str().unwrap().contains("127.0.0.1:9"), "{down}");
    let nowhere = at("https://vidm.invalid").await;
    assert!(nowhere["detail"].as_str().unwrap().contains("resolve"), "{nowhere}");
}

async fn host_missing_in_the_manifest_is_reported(artifact: Artifact) {
    let targets = r#"{"vidm":{"lab":{"url":"http://127.0.0.1:9","username":"u","password":"planted"}}}"#;
    let scene =
        Scene::with(Setting { variables: vec![("targets", targets.to_owned())], ..Setting::of(artifact) }).await;
    let problem = scene.get("/vidm/lab/v1/directories").await.problem("upstream_unreachable");
    let hint = problem["hint"].as_str().unwrap();
    assert_eq!(problem["retryable"], false, "{problem}");
    assert!(hint.contains("allowed_outbound_hosts") && hint.contains("http://127.0.0.1:9"), "{problem}");
}

use crate::client::{Admin, DIRECTORIES, try_send};
use idhook_simulator::{Fault, FaultKind, Outcome, RetryAfter, Server, SyncDuration, seeds};
use std::io;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const HEALTH: &str = "/SAAS/API/1.0/REST/system/health";

/// Sends a GET over a bare socket and reads until the end.
async fn raw(url: &str, path: &str) -> (String, io::Result<usize>) {
    let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).await.unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await.unwrap();
    let mut received = Vec::new();
    let end = stream.read_to_end(&mut received).await;
    (String::from_utf8(received).unwrap(), end)
}

#[tokio::test]
async fn fault_applies_to_its_matches_the_given_number_of_times() {
    let admin = Admin::new().await;
    admin
        .simulator
        .add_fault(Fault::new(FaultKind::Html { status: 502 }).on(Server::Vidm).method("get").path("health").times(2));
    assert_eq!(admin.get(DIRECTORIES).await.status, 200);
    let got = admin.get(HEALTH).await;
    assert_eq!((got.status, got.header("content-type")), (502, "text/html;charset=utf-8"));
    assert_eq!(admin.get(HEALTH).await.status, 502);
    assert_eq!(admin.get(HEALTH).await.status, 200);
    admin.simulator.add_fault(Fault::new(FaultKind::Html { status: 500 }).always());
    for _ in 0..3 {
        assert_eq!(admin.get(HEALTH).await.status, 500);
    }
    admin.simulator.clear_faults();
    assert_eq!(admin.get(HEALTH).await.status, 200);
}

#[tokio::test]
async fn fault_can_skip_calls_and_match_the_end_of_the_path() {
    let admin = Admin::new().await;
    let profile = format!("{DIRECTORIES}/{}/syncprofile", seeds::CORP);
    admin.simulator.add_fault(Fault::new(FaultKind::Html { status: 502 }).path("/syncprofile$").after(1));
    for (path, status) in [(&profile, 200), (&format!("{profile}/sync"), 200), (&profile, 502), (&profile, 200)] {
        assert_eq!(admin.get(path).await.status, status, "{path}");
    }
}

#[tokio::test]
async fn reset_leaves_the_request_undone() {
    let admin = Admin::new().await;
    admin.simulator.add_fault(Fault::new(FaultKind::Reset).always());
    let (received, end) = raw(&admin.simulator.vidm_url(), HEALTH).await;
    assert_eq!((received.as_str(), end.unwrap_err().kind()), ("", io::ErrorKind::ConnectionReset));
    let url = format!("{}{DIRECTORIES}/{}/syncprofile/sync", admin.simulator.vidm_url(), seeds::CORP);
    let headers = [("authorization", admin.token.as_str()), ("content-type", crate::client::SYNC)];
    assert!(try_send("POST", &url, &headers, "").await.is_err());
    assert_eq!(admin.simulator.runs_started(seeds::CORP).unwrap(), 0);
    assert_eq!(admin.simulator.calls().last().unwrap().status, None);
}

#[tokio::test]
async fn lost_response_leaves_the_request_carried_out() {
    let admin = Admin::new().await;
    admin.simulator.set_sync_duration(SyncDuration::Manual);
    admin.simulator.add_fault(Fault::new(FaultKind::LoseAnswer).method("POST"));
    let url = format!("{}{DIRECTORIES}/{}/syncprofile/sync", admin.simulator.vidm_url(), seeds::CORP);
    let headers = [("authorization", admin.token.as_str()), ("content-type", crate::client::SYNC)];
    assert!(try_send("POST", &url, &headers, "").await.is_err());
    admin.simulator.finish_sync(seeds::CORP, Outcome::Completed).unwrap();
}

#[tokio::test]
async fn a_cut_body_promises_more_than_it_holds() {
    let admin = Admin::new().await;
    admin.simulator.add_fault(Fault::new(FaultKind::CutBody).always());
    let (received, end) = raw(&admin.simulator.vidm_url(), HEALTH).await;
    end.unwrap();
    let (head, body) = received.split_once("\r\n\r\n").unwrap();
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ").map(str::to_owned));
    assert_eq!(length.unwrap().parse::<usize>().unwrap(), body.len() + 100);
    assert!(body.ends_with('}'), "{body}");
    assert!(try_send("GET", &format!("{}{HEALTH}", admin.simulator.vidm_url()), &[], "").await.is_err());
}

#[tokio::test]
async fn busy_response_has_retry_after() {
    let admin = Admin::new().await;
    let busy = |status, retry_after| admin.simulator.add_fault(Fault::new(FaultKind::Busy { status, retry_after }));
    busy(429, RetryAfter::Seconds(7));
    let got = admin.get(HEALTH).await;
    assert_eq!((got.status, got.header("retry-after")), (429, "7"));
    busy(503, RetryAfter::DateIn(60));
    let got = admin.get(HEALTH).await;
    assert_eq!(got.status, 503);
    let ahead =
        httpdate::parse_http_date(got.header("retry-after")).unwrap().duration_since(std::time::SystemTime::now());
    assert!((55..=60).contains(&ahead.unwrap().as_secs()));
    busy(503, RetryAfter::Absent);
    assert_eq!(admin.get(HEALTH).await.header("retry-after"), "");
}

#[tokio::test]
async fn delays_and_drips_take_their_time() {
    let admin = Admin::new().await;
    admin.simulator.add_fault(Fault::delay(Duration::from_millis(80)));
    admin.simulator.add_fault(Fault::new(FaultKind::Html { status: 502 }));
    let begin = Instant::now();
    assert_eq!(admin.get(HEALTH).await.status, 502);
    assert!(begin.elapsed() >= Duration::from_millis(80));
    admin.simulator.add_fault(Fault::new(FaultKind::Drip { bytes: 200, milliseconds: 40 }));
    let begin = Instant::now();
    assert_eq!(admin.get(HEALTH).await.json()["AllOk"], "true");
    assert!(begin.elapsed() >= Duration::from_millis(80));
}

#[tokio::test]
async fn the_body_can_be_large_garbled_or_mislabelled() {
    let admin = Admin::new().await;
    let add = |kind| admin.simulator.add_fault(Fault::new(kind));
    for chunked in [false, true] {
        add(FaultKind::Oversized { bytes: 3_000_000, chunked });
        let got = admin.get(HEALTH).await;
        assert_eq!((got.body.len(), got.header("content-length").is_empty()), (3_000_000, chunked));
        got.json();
    }
    add(FaultKind::GarbageJson);
    let got = admin.get(HEALTH).await;
    assert!(got.status == 200 && serde_json::from_str::<serde_json::Value>(&got.body).is_err());
    add(FaultKind::WrongContentType { content_type: "text/html".to_owned() });
    let got = admin.get(HEALTH).await;
    assert_eq!((got.header("content-type"), &got.json()["AllOk"]), ("text/html", &serde_json::json!("true")));
    admin.simulator.add_fault(Fault::answer(418, "text/plain", "tea"));
    let got = admin.get(HEALTH).await;
    assert_eq!((got.status, got.body.as_str()), (418, "tea"));
}

#[tokio::test]
async fn redirect_and_expired_token_are_simulated() {
    let admin = Admin::new().await;
    let location = "https://elsewhere.example/".to_owned();
    admin.simulator.add_fault(Fault::new(FaultKind::Redirect { status: 302, location }));
    let got = admin.get(DIRECTORIES).await;
    assert_eq!((got.status, got.header("location")), (302, "https://elsewhere.example/"));
    admin.simulator.add_fault(Fault::new(FaultKind::ExpiredToken));
    let got = admin.get(DIRECTORIES).await;
    assert_eq!((got.status, got.code().as_str()), (401, "unauthorized"));
    assert_eq!(admin.get(DIRECTORIES).await.status, 200);
}

#[tokio::test]
async fn calls_are_recorded_without_credentials() {
    let admin = Admin::new().await;
    admin.simulator.clear_calls();
    admin.send("GET", &format!("{DIRECTORIES}?a=b"), &[("x-request-id", "r1"), ("accept", "*/*")], "").await;
    let calls = admin.simulator.calls();
    assert_eq!(calls.len(), 1);
    let call = &calls[0];
    assert_eq!((call.server, call.tls, call.method.as_str(), call.path()), (Server::Vidm, false, "GET", DIRECTORIES));
    assert_eq!(call.path_and_query, format!("{DIRECTORIES}?a=b"));
    assert_eq!((call.authorization.as_deref(), call.status), (Some("HZN"), Some(200)));
    assert_eq!(
        (call.request_id.as_deref(), call.accept.as_deref(), call.traceparent.as_deref()),
        (Some("r1"), Some("*/*"), None)
    );
    assert!(!format!("{calls:?}").contains("eyJ"));
}

#[tokio::test]
async fn dropping_the_simulator_closes_its_ports() {
    let admin = Admin::new().await;
    let address = admin.simulator.vidm_url().replace("http://", "");
    drop(admin);
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(TcpStream::connect(address).await.is_err());
}

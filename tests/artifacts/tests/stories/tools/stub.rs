//! An idhook that answers as it is told to, for what the real one does not do on demand: to ask for patience, and to report a success
//! that lacks a group.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// How long it asks to be left alone.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(3);

/// The server, until it is dropped.
pub(crate) struct Stub {
    pub(crate) url: String,
    /// When each request came, and its first line.
    requests: Arc<Mutex<Vec<(Instant, String)>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Stub {
    /// One whose first look at the sync is answered by 503 with a Retry-After, and whose further ones show a success with `proven`.
    pub(crate) async fn start(proven: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                // One after the other is enough. Who goes away is gone.
                let _ = answer(stream, proven, &seen).await;
            }
        });
        Self { url, requests, task }
    }

    /// The request, and the time since the one before.
    pub(crate) fn requests(&self) -> Vec<(String, Duration)> {
        let requests = self.requests.lock().unwrap();
        let before = requests.iter().take(1).chain(requests.iter()).map(|(at, _)| *at);
        requests.iter().zip(before).map(|((at, line), before)| (line.clone(), *at - before)).collect()
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(
    stream: TcpStream,
    proven: &[&str],
    seen: &Mutex<Vec<(Instant, String)>>,
) -> Result<(), std::io::Error> {
    let mut stream = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 || line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        head.push_str(&line);
    }
    stream.read_exact(&mut vec![0; length]).await?;
    let line = head.lines().next().unwrap_or_default().to_owned();
    let is_start = line.starts_with("POST ");
    let looks = {
        let mut seen = seen.lock().unwrap();
        seen.push((Instant::now(), line));
        seen.iter().filter(|(_, line)| line.starts_with("GET ")).count()
    };
    let groups: Vec<Value> = proven.iter().map(|group| json!({"requested": group, "state": "present"})).collect();
    let sync = |status: &str, groups: &[Value]| {
        json!({
            "id": "AXstub", "status": status, "directory": {"id": "d", "name": "corp.example"}, "groups": groups,
            "requestedAt": "2026-11-26T10:00:00.000Z", "links": {"self": "/vidm/default/v1/syncs/AXstub"}
        })
    };
    let (status, kind, body) = match (is_start, looks) {
        (true, _) => {
            let mut started = sync("running", &[]);
            started["retryAfter"] = json!(1);
            ("202 Accepted", "application/json", started)
        }
        (false, 1) => {
            let problem = json!({
                "type": "urn:idhook:problem:upstream_busy", "title": "The upstream is busy", "status": 503,
                "detail": "vIDM is busy", "code": "upstream_busy", "retryable": true, "retryAfter": RETRY_AFTER.as_secs()
            });
            ("503 Service Unavailable", "application/problem+json", problem)
        }
        (false, _) => ("200 OK", "application/json", sync("succeeded", &groups)),
    };
    let wait =
        if status.starts_with("503") { format!("retry-after: {}\r\n", RETRY_AFTER.as_secs()) } else { String::new() };
    let body = body.to_string();
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n{wait}connection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}

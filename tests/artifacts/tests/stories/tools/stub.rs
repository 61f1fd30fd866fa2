//! A server that answers as it is told to: an idhook that does what the real one does not do on demand (to ask for patience, and to report a
//! success that lacks a group), or something else at idhook's address.

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
    /// When each request came, and its head.
    requests: Arc<Mutex<Vec<(Instant, String)>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Stub {
    /// One whose first look at the sync is answered by 503 with a Retry-After, and whose further ones show a success with `proven`.
    pub(crate) async fn start(proven: &'static [&'static str]) -> Self {
        Self::answering(move |is_start, looks| idhook(proven, is_start, looks)).await
    }

    /// The same behind a proxy, which restarts at the second look.
    pub(crate) async fn behind_a_proxy(proven: &'static [&'static str]) -> Self {
        let page = || ("502 Bad Gateway", "content-type: text/html\r\n".to_owned(), "<h1>Bad Gateway</h1>".to_owned());
        Self::answering(move |is_start, looks| if looks == 2 { page() } else { idhook(proven, is_start, looks) }).await
    }

    /// One that gives each request the same answer: a status, and further headers, a line each.
    pub(crate) async fn repeating(status: &'static str, headers: String, body: &'static str) -> Self {
        Self::answering(move |_, _| (status, headers.clone(), body.to_owned())).await
    }

    async fn answering(answers: impl Fn(bool, usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                // One after the other is enough. Who goes away is gone.
                let _ = answer(stream, &answers, &seen).await;
            }
        });
        Self { url, requests, task }
    }

    /// The head of each request, and the time since the one before.
    pub(crate) fn requests(&self) -> Vec<(String, Duration)> {
        let requests = self.requests.lock().unwrap();
        let before = requests.iter().take(1).chain(requests.iter()).map(|(at, _)| *at);
        requests.iter().zip(before).map(|((at, head), before)| (head.clone(), *at - before)).collect()
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A status, further headers, and a body.
type Answer = (&'static str, String, String);

async fn answer(
    stream: TcpStream,
    answers: &impl Fn(bool, usize) -> Answer,
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
    let is_start = head.starts_with("POST ");
    let looks = {
        let mut seen = seen.lock().unwrap();
        seen.push((Instant::now(), head));
        seen.iter().filter(|(_, head)| head.starts_with("GET ")).count()
    };
    let (status, headers, body) = answers(is_start, looks);
    let answer =
        format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}

fn idhook(proven: &[&str], is_start: bool, looks: usize) -> Answer {
    let groups: Vec<Value> = proven.iter().map(|group| json!({"requested": group, "state": "present"})).collect();
    let sync = |status: &str, groups: &[Value]| {
        json!({
            "id": "AXstub", "status": status, "directory": {"id": "d", "name": "corp.example"}, "groups": groups,
            "requestedAt": "2026-11-26T10:00:00.000Z", "links": {"self": "/vidm/default/v1/syncs/AXstub"}
        })
    };
    let is_json = |kind: &str| format!("content-type: application/{kind}\r\n");
    match (is_start, looks) {
        (true, _) => {
            let mut started = sync("running", &[]);
            started["retryAfter"] = json!(1);
            ("202 Accepted", is_json("json"), started.to_string())
        }
        (false, 1) => {
            let problem = json!({
                "type": "urn:idhook:problem:upstream_busy", "title": "The upstream is busy", "status": 503,
                "detail": "vIDM is busy", "code": "upstream_busy", "retryable": true, "retryAfter": RETRY_AFTER.as_secs()
            });
            let wait = format!("retry-after: {}\r\n", RETRY_AFTER.as_secs());
            ("503 Service Unavailable", is_json("problem+json") + &wait, problem.to_string())
        }
        (false, _) => ("200 OK", is_json("json"), sync("succeeded", &groups).to_string()),
    }
}

//! The client: spreads requests over the hosts, and repeats them at another host when a connection fails, as a load balancer's
//! client does.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Result;
use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;

use super::tally::Tally;

/// The pause before the next host is tried.
const PAUSE: Duration = Duration::from_millis(50);

/// How long one of the hosts must have answered.
const UNANSWERED: Duration = Duration::from_secs(60);

/// What a request may take beyond the wait that it asks for: `request_timeout` is 25 s.
const TIME: Duration = Duration::from_secs(35);

/// The longest pause between two pieces of an event stream; the slowest watcher sends a heartbeat every 10 s.
const SILENCE: Duration = Duration::from_secs(30);

/// One request.
#[derive(Clone, Debug)]
pub(super) struct Call<'c> {
    /// Its name in the counts.
    pub(super) name: &'static str,
    pub(super) method: Method,
    pub(super) path: &'c str,
    pub(super) key: &'c str,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Option<String>,
    /// The wait that it asks for.
    pub(super) wait: Duration,
    /// The expected statuses.
    pub(super) expects: &'static [u16],
}

impl<'c> Call<'c> {
    pub(super) fn get(name: &'static str, path: &'c str, key: &'c str) -> Self {
        let (headers, body, wait) = (Vec::new(), None, Duration::ZERO);
        Self { name, method: Method::GET, path, key, headers, body, wait, expects: &[200] }
    }

    pub(super) fn post(name: &'static str, path: &'c str, key: &'c str, body: String) -> Self {
        Self { method: Method::POST, body: Some(body), ..Self::get(name, path, key) }
    }
}

/// The fate of one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Answered,
    /// No connection: the request did not arrive.
    Refused,
    /// The connection ended before the response was complete: the request may have been carried out.
    Broken,
}

/// One attempt.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attempt {
    pub(super) sent: SystemTime,
    pub(super) done: SystemTime,
    pub(super) fate: Fate,
}

/// A complete response, and the attempts that led to it.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
    pub(super) attempts: Vec<Attempt>,
}

impl Reply {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The pause that it asks for.
    pub(super) fn pause(&self) -> Duration {
        Duration::from_secs(self.header("retry-after").parse().unwrap_or(1))
    }

    pub(super) fn code(&self) -> String {
        self.json().get("code").and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// How many attempts broke off after they were sent.
    pub(super) fn broken(&self) -> usize {
        self.attempts.iter().filter(|attempt| attempt.fate == Fate::Broken).count()
    }

    /// When the answered attempt was sent.
    pub(super) fn sent(&self) -> SystemTime {
        self.attempts.last().map_or(SystemTime::UNIX_EPOCH, |attempt| attempt.sent)
    }
}

/// The client of all callers.
#[derive(Clone, Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    hosts: Arc<[SocketAddr]>,
    tally: Arc<Tally>,
}

impl Client {
    pub(super) fn new(hosts: &[SocketAddr], tally: &Arc<Tally>) -> Result<Self> {
        let http = reqwest::Client::builder().connect_timeout(Duration::from_secs(5)).build()?;
        Ok(Self { http, hosts: hosts.into(), tally: Arc::clone(tally) })
    }

    fn request(&self, host: usize, call: &Call<'_>) -> RequestBuilder {
        let address = self.hosts.get(host).map(SocketAddr::to_string).unwrap_or_default();
        let mut request = self.http.request(call.method.clone(), format!("http://{address}{}", call.path));
        request = request.bearer_auth(call.key);
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        match &call.body {
            Some(body) => request.header("content-type", "application/json").body(body.clone()),
            None => request,
        }
    }

    /// Sends it to a random host, and to others until one responds. `None`: none did in time.
    pub(super) async fn send(&self, call: &Call<'_>, random: &mut fastrand::Rng) -> Option<Reply> {
        let mut begun = Instant::now();
        let mut host = random.usize(0..self.hosts.len());
        let mut attempts = Vec::new();
        while begun.elapsed() < UNANSWERED + call.wait {
            let (fate, reply) = self.attempt(host, call, &mut attempts).await;
            if let Some(reply) = reply {
                return Some(Reply { attempts, ..reply });
            }
            match fate {
                Fate::Refused => tokio::time::sleep(PAUSE).await,
                // It had an answer coming; a long wait may be cut again and again.
                _ => begun = Instant::now(),
            }
            host = self.another(host, random);
        }
        self.tally.broke("no request hangs", format!("{} {}: no host responded", call.method, call.name));
        None
    }

    /// Sends it to this host alone.
    pub(super) async fn send_to(&self, host: usize, call: &Call<'_>) -> Option<Reply> {
        let mut attempts = Vec::new();
        let reply = self.attempt(host, call, &mut attempts).await.1?;
        Some(Reply { attempts, ..reply })
    }

    fn another(&self, host: usize, random: &mut fastrand::Rng) -> usize {
        let others = self.hosts.len().saturating_sub(1).max(1);
        (host + 1 + random.usize(0..others)) % self.hosts.len()
    }

    async fn attempt(&self, host: usize, call: &Call<'_>, attempts: &mut Vec<Attempt>) -> (Fate, Option<Reply>) {
        let sent = SystemTime::now();
        let began = Instant::now();
        let got = async {
            let response = self.request(host, call).timeout(TIME + call.wait).send().await?;
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            let text = response.text().await?;
            Ok::<_, reqwest::Error>(Reply { status, headers, text, attempts: Vec::new() })
        };
        let got = got.await;
        let fate = match &got {
            Ok(reply) => {
                self.tally.time(call.name, began.elapsed());
                self.judge(call, reply);
                Fate::Answered
            }
            Err(e) => self.failed(call.name, e),
        };
        attempts.push(Attempt { sent, done: SystemTime::now(), fate });
        (fate, got.ok())
    }

    fn failed(&self, name: &'static str, e: &reqwest::Error) -> Fate {
        if e.is_connect() {
            self.tally.count("connections refused");
            return Fate::Refused;
        }
        if e.is_timeout() {
            self.tally.broke("no request hangs", format!("{name}: no complete response in time"));
        }
        self.tally.count("connections cut");
        Fate::Broken
    }

    fn judge(&self, call: &Call<'_>, reply: &Reply) {
        let code = if reply.status < 400 { String::new() } else { reply.code() };
        let what = format!("{} {} {code}", call.name, reply.status);
        let is_expected = call.expects.contains(&reply.status);
        self.tally.response(what.trim_end().to_owned(), is_expected, || reply.text.clone());
        if reply.status >= 500 && code.is_empty() {
            self.tally.broke("every 5xx names a reason", format!("{}: {} {}", call.name, reply.status, reply.text));
        }
    }

    /// Opens an event stream at a random host, or at others until one responds.
    pub(super) async fn open(&self, call: &Call<'_>, random: &mut fastrand::Rng) -> Option<Opened> {
        let begun = Instant::now();
        let mut host = random.usize(0..self.hosts.len());
        while begun.elapsed() < UNANSWERED {
            match tokio::time::timeout(TIME, self.request(host, call).send()).await {
                Ok(Ok(response)) if response.status().is_success() => {
                    self.tally.response(format!("{} 200", call.name), true, String::new);
                    return Some(Opened::Stream(Stream { response, text: String::new() }));
                }
                Ok(Ok(response)) => {
                    let (status, headers) = (response.status().as_u16(), response.headers().clone());
                    let text = response.text().await.unwrap_or_default();
                    let reply = Reply { status, headers, text, attempts: Vec::new() };
                    self.judge(call, &reply);
                    return Some(Opened::Refused(reply));
                }
                Ok(Err(e)) => _ = self.failed(call.name, &e),
                Err(_) => self.tally.broke("no request hangs", format!("{}: no response", call.name)),
            }
            tokio::time::sleep(PAUSE).await;
            host = self.another(host, random);
        }
        self.tally.broke("no request hangs", format!("{}: no host responded", call.name));
        None
    }
}

/// The response to the request for a stream.
#[derive(Debug)]
pub(super) enum Opened {
    Stream(Stream),
    Refused(Reply),
}

/// An open event stream.
#[derive(Debug)]
pub(super) struct Stream {
    response: Response,
    text: String,
}

/// The next part of a stream.
#[derive(Debug, PartialEq)]
pub(super) enum Part {
    State(Value),
    /// An observation failed, or only a heartbeat came.
    Other,
    /// The host ended it.
    End,
    /// The connection is gone.
    Cut,
    /// Nothing came for too long.
    Silent,
}

impl Stream {
    pub(super) async fn next(&mut self) -> Part {
        loop {
            if let Some((piece, rest)) = self.text.split_once("\n\n") {
                let data =
                    piece.split_once("event: state\ndata: ").and_then(|(_, data)| serde_json::from_str(data).ok());
                self.text = rest.to_owned();
                return data.map_or(Part::Other, Part::State);
            }
            match tokio::time::timeout(SILENCE, self.response.chunk()).await {
                Ok(Ok(Some(bytes))) => self.text.push_str(&String::from_utf8_lossy(&bytes)),
                Ok(Ok(None)) => return Part::End,
                Ok(Err(_)) => return Part::Cut,
                Err(_) => return Part::Silent,
            }
        }
    }
}

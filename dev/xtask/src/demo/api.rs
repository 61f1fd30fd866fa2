//! The webhook as a caller sees it.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::doctor::TRUST;
use crate::terminal::Failure;

/// Where idhook is, and the key to call it with.
#[derive(Clone, Debug)]
pub(super) struct Api {
    client: reqwest::Client,
    pub(super) url: String,
    pub(super) key: String,
}

/// A request as the demo shows it.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) body: Option<Value>,
    /// Seconds for `Prefer: wait=N`.
    pub(super) wait: Option<u32>,
}

impl Call {
    pub(super) fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), body: None, wait: None }
    }

    pub(super) fn post(path: impl Into<String>, body: Option<Value>) -> Self {
        Self { method: Method::POST, body, ..Self::get(path) }
    }

    pub(super) fn put(path: impl Into<String>, body: Value) -> Self {
        Self { method: Method::PUT, body: Some(body), ..Self::get(path) }
    }

    pub(super) fn waiting(self, seconds: u32) -> Self {
        Self { wait: Some(seconds), ..self }
    }
}

/// A response.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) body: Value,
    pub(super) took: Duration,
}

impl Reply {
    pub(super) fn text(&self, pointer: &str) -> &str {
        text(&self.body, pointer)
    }

    pub(super) fn list(&self, pointer: &str) -> &[Value] {
        list(&self.body, pointer)
    }

    /// The same reply, if it is a success.
    ///
    /// # Errors
    /// The problem, with its hint.
    pub(super) fn successful(self) -> Result<Self> {
        if self.status.is_success() {
            return Ok(self);
        }
        let fix = match self.text("/code") {
            "upstream_tls" => TRUST,
            _ => self.body.pointer("/hint").and_then(Value::as_str).unwrap_or_default(),
        };
        Err(Failure::new(format!("idhook returned {}: {}", self.status, self.text("/detail")), fix).into())
    }
}

impl Api {
    pub(super) fn new(url: String, key: String) -> Self {
        Self { client: reqwest::Client::new(), url, key }
    }

    /// Sends a request; any response is a success here.
    ///
    /// # Errors
    /// When there is no response, or one that is not JSON.
    pub(super) async fn send(&self, call: &Call) -> Result<Reply> {
        let mut request =
            self.client.request(call.method.clone(), format!("{}{}", self.url, call.path)).bearer_auth(&self.key);
        if let Some(body) = &call.body {
            request = request.json(body);
        }
        if let Some(seconds) = call.wait {
            request = request.header("prefer", format!("wait={seconds}"));
        }
        let sent = Instant::now();
        let response = request.send().await.context("idhook does not respond")?;
        let status = response.status();
        let text = response.text().await?;
        let body = match text.as_str() {
            "" => Value::Null,
            text => serde_json::from_str(text).context("idhook's response is not JSON")?,
        };
        Ok(Reply { status, body, took: sent.elapsed() })
    }
}

/// The text at `pointer`, or a dash.
pub(super) fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or("–")
}

/// The list at `pointer`, or an empty one.
pub(super) fn list<'v>(value: &'v Value, pointer: &str) -> &'v [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

//! The log: one JSON line a request. No body, token, password, key or signature has a place in it.

use std::time::{Duration, SystemTime};

use http::StatusCode;
use http::request::Parts;
use serde::Serialize;

use super::caller::Caller;
use super::idempotency::Status;
use super::identity::RequestIdentity;
use super::route::Matched;
use crate::auth::Secret;
use crate::config::{LogLevel, Problem};
use crate::error::{Error, ErrorCode};
use crate::outbound::CallRecord;
use crate::redact::strike;
use crate::runtime::rfc3339;

/// The line of one request, filled in as it becomes known.
#[derive(Debug, Serialize)]
pub(super) struct LogLine {
    time: String,
    level: &'static str,
    request_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
    method: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    caller: Option<String>,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upstream_code: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    ignore_safeguards: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<String>,
    ms: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    calls: Vec<CallRecord>,
    /// What became of the request's key, where it had one.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "word")]
    idempotency: Option<Status>,
    /// What went wrong with the store; the request went on without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<String>,
}

fn word<S: serde::Serializer>(status: &Option<Status>, serializer: S) -> Result<S::Ok, S::Error> {
    status.map(Status::as_str).serialize(serializer)
}

impl LogLine {
    pub(super) fn new(now: SystemTime, identity: &RequestIdentity, request: &Parts) -> Self {
        Self {
            time: rfc3339(now),
            level: "info",
            request_id: identity.id().to_owned(),
            trace_id: identity.trace_id().map(str::to_owned),
            method: request.method.as_str().chars().take(16).collect(),
            route: None,
            target: None,
            caller: None,
            status: 0,
            code: None,
            upstream_code: None,
            ignore_safeguards: false,
            problems: Vec::new(),
            ms: 0,
            calls: Vec::new(),
            idempotency: None,
            store: None,
        }
    }

    pub(super) fn route(&mut self, matched: &Matched) {
        self.route = Some(matched.row.path);
        self.target = matched.target().map(|target| target.chars().take(64).collect());
    }

    /// The target, where it does not stand in the path.
    pub(super) fn target(&mut self, name: &str) {
        self.target = Some(name.to_owned());
    }

    pub(super) fn caller(&mut self, caller: &Caller<'_>) {
        self.caller = Some(caller.name().to_owned());
    }

    /// A sync that runs without safeguards leaves a mark.
    pub(super) fn ignores_safeguards(&mut self) {
        self.ignore_safeguards = true;
    }

    pub(super) fn problems(&mut self, problems: &[Problem]) {
        self.problems = problems.iter().map(ToString::to_string).collect();
    }

    pub(super) fn failed(&mut self, error: &Error, secrets: &[&Secret]) {
        self.code = Some(error.code().as_str());
        // The vendor's code is a word of its program; its message may hold anything and stays out.
        self.upstream_code = error.evidence().and_then(|evidence| Some(strike(evidence.code.as_deref()?, secrets)));
        if error.code() == ErrorCode::Internal {
            self.problems.push(error.detail().to_owned());
        }
    }

    pub(super) fn calls(&mut self, calls: Vec<CallRecord>) {
        self.calls = calls;
    }

    pub(super) fn keyed(&mut self, status: Option<Status>) {
        self.idempotency = status;
    }

    /// What became of the request's key.
    pub(super) fn idempotency(&self) -> Option<Status> {
        self.idempotency
    }

    pub(super) fn store(&mut self, trouble: Option<String>) {
        self.store = trouble;
    }

    /// Whether a line with this outcome is to be written.
    pub(super) fn is_wanted(&self, status: StatusCode, level: LogLevel) -> bool {
        level == LogLevel::Info || status.as_u16() >= 400
    }

    /// The finished line, without its newline.
    pub(super) fn finish(mut self, status: StatusCode, took: Duration) -> String {
        self.level = match status.as_u16() {
            500.. => "error",
            400.. => "warn",
            _ => "info",
        };
        self.status = status.as_u16();
        self.ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        // Strings and numbers only: this cannot fail.
        serde_json::to_string(&self).unwrap_or_default()
    }
}

//! The log: one JSON line per request, and one more at the end of an event stream. It also serves as the audit trail. It never
//! contains a body, token, password, key or signature, and no sync id, because readers of the log could use it.
//!
//! A line is printable ASCII; everything else is escaped as `\uXXXX`. So no control, bidirectional, invisible or separating
//! character of a caller or an upstream reaches a terminal or splits a line, and a JSON reader gets the original text. A
//! line has at most [`MAX_LINE`] bytes, so a binding can write it with one call.

use std::time::{Duration, SystemTime};

use http::request::Parts;
use http::{HeaderMap, StatusCode};
use serde::Serialize;

use super::caller::Caller;
use super::client_address::ClientAddress;
use super::idempotency::Status;
use super::request_id::RequestIdentity;
use super::route::{Kind, Matched};
use crate::config::{ConfigError, LogLevel, Proxy};
use crate::directory::SyncTarget;
use crate::error::{Error, ErrorCode};
use crate::redact::Needles;
use crate::runtime::{MAX_LINE, millis, rfc3339};
use crate::secret::Secret;
use crate::upstream::CallRecord;

mod count;
mod failed_sync;
mod stream;
mod text;

pub(super) use failed_sync::FailedSync;
pub(super) use stream::StreamPart;
use text::{bounded, short_sync_id, write_escaped};

/// The longest text in a line, in bytes as written.
const MAX_TEXT: usize = 160;

/// The longest mistake in the configuration, in bytes as written.
const MAX_PROBLEM: usize = 400;

/// The calls that are kept for a line: more than fit into one.
const MAX_CALLS: usize = 128;

/// The line of one request, filled in as it becomes known. The comments of the fields are the reference's texts: `cargo xtask docs`.
#[derive(Debug, Clone, Default, Serialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(super) struct LogLine {
    /// When the request came: RFC 3339, UTC, milliseconds.
    #[cfg_attr(feature = "contract", schemars(extend("format" = "date-time")))]
    time: String,
    /// `info`; `warn` for a response with 4xx or with `failed_syncs`; `error` for 5xx. At the end of an event stream, the same by the status of its last problem.
    #[cfg_attr(feature = "contract", schemars(extend("enum" = ["info", "warn", "error"])))]
    level: &'static str,
    /// The request's id, as in `X-Request-Id`, and `instance` of a problem. Calls to targets carry it too, except logins.
    request_id: String,
    /// The trace id of the request's `traceparent`.
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
    /// Address and port of the client as the host reports them: Spin does, other WASI hosts do not. Behind a proxy this is the proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    /// Address of the client as your proxy reports it: the last entry of the header that `client_address_header` names.
    #[serde(skip_serializing_if = "Option::is_none")]
    forwarded_for: Option<String>,
    /// The request's method.
    method: String,
    /// The path template of the route. Absent if the path is no route.
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<&'static str>,
    /// Whether the route needs no caller.
    #[serde(skip)]
    is_public: bool,
    /// The kind of the target.
    #[serde(skip)]
    kind: Option<Kind>,
    /// Of an accepted start: whether it began no run of its own.
    #[serde(skip)]
    joined: Option<bool>,
    /// The name of the target.
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    /// The name of the caller. Absent unless the caller proved itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    caller: Option<String>,
    /// Which of the caller's keys or secrets was used, counted from 0 in the order of the configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<usize>,
    /// The subject of the caller's token (`sub`) or client certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    /// The name of the hook.
    #[serde(skip_serializing_if = "Option::is_none")]
    hook: Option<String>,
    /// The id of the directory; the caller's own text if the directory was not found.
    #[serde(skip_serializing_if = "Option::is_none")]
    directory: Option<String>,
    /// The first 8 characters of the base64url SHA-256 of the sync id. The id itself is never logged, because it gives access to the
    /// sync.
    #[serde(skip_serializing_if = "Option::is_none")]
    sync: Option<String>,
    /// The number of groups in the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    groups: Option<usize>,
    /// The number of users in the request, if there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    users: Option<usize>,
    /// The name of the callback.
    #[serde(skip_serializing_if = "Option::is_none")]
    callback: Option<String>,
    /// The id of the identity provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<String>,
    /// The domain name of the identity source.
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<String>,
    /// `true` if the caller asked for `addToProfile`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    add_to_profile: bool,
    /// `true` if the caller asked for `ignoreSafeguards`, or continued a sync that was started with it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    ignore_safeguards: bool,
    /// `true` if the caller asked for a dry run.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    dry_run: bool,
    /// The part of an event stream that the line is about; absent for other requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<StreamPart>,
    /// The status of an event stream's last problem, if it ended with one.
    #[serde(skip)]
    broken: Option<StatusCode>,
    /// The response's HTTP status.
    status: u16,
    /// The error code of the problem; of the last one at the end of an event stream, if no state followed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "contract", schemars(with = "Option<ErrorCode>"))]
    code: Option<&'static str>,
    /// The vendor's own error code.
    #[serde(skip_serializing_if = "Option::is_none")]
    upstream_code: Option<String>,
    /// Why the status of a sync is `unknown` although vIDM responded, with the clocks involved.
    #[serde(skip_serializing_if = "Option::is_none")]
    sync_unknown: Option<String>,
    /// The syncs that this request found failed, or (at `…/advance`) whose state it could not read, at most 20.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed_syncs: Vec<FailedSync>,
    /// How many `failed_syncs` were left out to keep the line short.
    #[serde(skip_serializing_if = "is_zero")]
    failed_syncs_omitted: usize,
    /// Mistakes in the configuration; what is known of a rejected login; why a valid token or client certificate fits no caller; the
    /// reason of an `internal` error.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<String>,
    /// How many `problems` were left out to keep the line short.
    #[serde(skip_serializing_if = "is_zero")]
    problems_omitted: usize,
    /// How long the request took, in milliseconds.
    ms: u64,
    /// The calls to targets, callbacks and issuers of tokens, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    calls: Vec<CallRecord>,
    /// How many `calls` were left out, from the middle, to keep the line short.
    #[serde(skip_serializing_if = "is_zero")]
    calls_omitted: usize,
    /// The outcome for the request's idempotency key.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "word")]
    idempotency: Option<Status>,
    /// The failure of the key-value store; the request continued without the store.
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<String>,
}

fn word<S: serde::Serializer>(status: &Option<Status>, serializer: S) -> Result<S::Ok, S::Error> {
    status.map(Status::as_str).serialize(serializer)
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the form serde wants")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// `text`, unless it is empty.
fn some(text: &str) -> Option<String> {
    Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_owned)
}

impl LogLine {
    pub(super) fn new(now: SystemTime, identity: &RequestIdentity, request: &Parts) -> Self {
        Self {
            time: rfc3339(now),
            request_id: identity.id().to_owned(),
            trace_id: identity.trace_id().map(str::to_owned),
            client: request.extensions.get::<ClientAddress>().map(ToString::to_string),
            method: request.method.as_str().chars().take(16).collect(),
            ..Self::default()
        }
    }

    /// Adds the path's parameters. The caller may be unknown and have sent anything: every text is bounded and escaped.
    pub(super) fn route(&mut self, matched: &Matched) {
        self.route = Some(matched.row.path);
        self.is_public = matched.row.is_public();
        self.kind = matched.row.kind();
        self.target = matched.target().map(str::to_owned);
        self.hook = some(matched.parameter("hook"));
        self.directory = some(matched.parameter("directory"));
        self.names(matched);
    }

    fn names(&mut self, matched: &Matched) {
        let sync = some(matched.parameter("sync")).map(|id| short_sync_id(&id));
        self.sync = sync.or(self.sync.take());
        self.provider = some(matched.parameter("id")).or(self.provider.take());
        self.domain = some(matched.parameter("domainName")).or(self.domain.take());
    }

    /// Adds what the response's `Location` names: the started sync, or the created provider or source.
    pub(super) fn located(&mut self, place: &str) {
        // It may have a query, and a base path before the route.
        let path = place.split('?').next().unwrap_or_default();
        let route = Kind::ALL.iter().find_map(|kind| path.get(path.find(&format!("/{}/", kind.as_str()))?..));
        if let Some(Ok(matched)) = route.map(super::route::find) {
            self.names(&matched);
        }
    }

    /// Adds the client's address from the header of the operator's proxy.
    pub(super) fn forwarded(&mut self, headers: &HeaderMap, proxy: &Proxy) {
        self.forwarded_for = ClientAddress::of_proxy(headers, proxy).map(|from| from.to_string());
    }

    /// Adds the target, if it is not in the path.
    pub(super) fn target(&mut self, target: &SyncTarget) {
        self.target = some(&target.name);
        self.kind = Some(target.product.into());
    }

    /// Marks an accepted start, which `joined` a run or began one.
    pub(super) fn started(&mut self, joined: bool) {
        self.joined = Some(joined);
    }

    pub(super) fn caller(&mut self, caller: &Caller<'_>) {
        self.caller = Some(caller.name().to_owned());
        self.key = Some(caller.key());
    }

    /// Adds the subject of a valid token or client certificate.
    pub(super) fn subject(&mut self, subject: Option<&str>) {
        self.subject = subject.and_then(some);
    }

    /// Adds reasons that are not for the caller.
    pub(super) fn notes(&mut self, reasons: Vec<String>) {
        self.problems.extend(reasons);
    }

    /// Adds the directory, if it is not in the path, or its id.
    pub(super) fn directory(&mut self, directory: &str) {
        self.directory = some(directory);
    }

    /// Adds the identity source's domain, if it is not in the path.
    pub(super) fn domain(&mut self, name: &str) {
        self.domain = self.domain.take().or(some(name));
    }

    /// Adds the number of users that a start names.
    pub(super) fn users(&mut self, users: usize) {
        self.users = Some(users).filter(|users| *users > 0);
    }

    /// Adds the parameters of a start.
    pub(super) fn start(&mut self, groups: usize, callback: Option<&str>, add_to_profile: bool, dry_run: bool) {
        self.groups = Some(groups);
        self.callback = callback.and_then(some);
        self.add_to_profile = add_to_profile;
        self.dry_run = dry_run;
    }

    /// Adds the requested sync.
    pub(super) fn sync(&mut self, request: &crate::sync::SyncRequest) {
        self.directory(&request.directory);
        self.groups = Some(request.groups.len());
        self.users(request.users.len());
        self.callback.clone_from(&request.callback);
    }

    /// Marks a dry run.
    pub(super) fn dry_run(&mut self) {
        self.dry_run = true;
    }

    /// Marks a sync that runs without safeguards.
    pub(super) fn ignores_safeguards(&mut self) {
        self.ignore_safeguards = true;
    }

    /// Adds the reason why a sync's status is unknown.
    pub(super) fn sync_unknown(&mut self, why: String) {
        self.sync_unknown = Some(why);
    }

    pub(super) fn problems(&mut self, problems: &[ConfigError]) {
        self.problems = problems.iter().map(ToString::to_string).collect();
    }

    pub(super) fn failed(&mut self, error: &Error) {
        self.code = Some(error.code().as_str());
        // The vendor's code is a fixed word; its message may hold anything and is left out.
        self.upstream_code = error.evidence().and_then(|evidence| evidence.code.clone());
        self.explain(error);
    }

    /// Adds the detail of an error if it is idhook's own text: that of a failed login (since when, how many attempts, when the next one
    /// is due) and that of a bug.
    fn explain(&mut self, error: &Error) {
        let is_own = error.code() == ErrorCode::Internal || error.evidence().is_some_and(|evidence| evidence.is_login);
        if is_own && self.problems.iter().all(|problem| problem != error.detail()) {
            self.problems.push(error.detail().to_owned());
        }
    }

    /// Adds calls. Of very many those in the middle are left out, as in a line that is too long.
    pub(super) fn calls(&mut self, calls: Vec<CallRecord>) {
        self.calls.extend(calls);
        while self.calls.len() > MAX_CALLS {
            self.omit_call();
        }
    }

    fn omit_call(&mut self) {
        self.calls.remove(self.calls.len() / 2);
        self.calls_omitted += 1;
    }

    pub(super) fn keyed(&mut self, status: Option<Status>) {
        self.idempotency = status;
    }

    /// The status of the request's idempotency key.
    pub(super) fn idempotency(&self) -> Option<Status> {
        self.idempotency
    }

    /// What went wrong at the store; `None` leaves what is known.
    pub(super) fn store(&mut self, trouble: Option<String>) {
        self.store = trouble.or_else(|| self.store.take());
    }

    fn level(&self, status: StatusCode) -> &'static str {
        match self.broken.unwrap_or(status).as_u16() {
            500.. => "error",
            400.. => "warn",
            _ if !self.failed_syncs.is_empty() => "warn",
            _ => "info",
        }
    }

    /// Whether a line with this outcome is written.
    pub(super) fn is_wanted(&self, status: StatusCode, level: LogLevel) -> bool {
        level == LogLevel::Info || self.level(status) != "info"
    }

    /// The finished line, without newline and without `secrets`.
    pub(super) fn finish(mut self, status: StatusCode, took: Duration, secrets: &[&Secret]) -> String {
        self.level = self.level(status);
        self.status = status.as_u16();
        self.ms = millis(took);
        let needles = Needles::of(secrets);
        for text in [
            &mut self.target,
            &mut self.caller,
            &mut self.subject,
            &mut self.hook,
            &mut self.directory,
            &mut self.callback,
            &mut self.provider,
            &mut self.domain,
            &mut self.upstream_code,
            &mut self.store,
        ]
        .into_iter()
        .flatten()
        {
            *text = bounded(&needles.strike(text), MAX_TEXT);
        }
        for problem in self.problems.iter_mut().chain(&mut self.sync_unknown) {
            *problem = bounded(&needles.strike(problem), MAX_PROBLEM);
        }
        for sync in &mut self.failed_syncs {
            sync.directory = bounded(&needles.strike(&sync.directory), MAX_TEXT);
        }
        loop {
            let line = self.written();
            if line.len() <= MAX_LINE {
                return line;
            }
            // The first call shows how the request began, the last ones how it ended.
            if self.calls.len() > 2 {
                self.omit_call();
            } else if self.problems.pop().is_some() {
                self.problems_omitted += 1;
            } else if self.failed_syncs.pop().is_some() {
                self.failed_syncs_omitted += 1;
            } else {
                // Not reached: the other texts together are shorter than a line.
                return line.chars().take(MAX_LINE).collect();
            }
        }
    }

    fn written(&self) -> String {
        // Strings and numbers only: this cannot fail.
        let json = serde_json::to_string(self).unwrap_or_default();
        if json.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return json;
        }
        let mut line = String::with_capacity(json.len());
        for c in json.chars() {
            write_escaped(&mut line, c);
        }
        line
    }
}

#[cfg(test)]
mod tests;

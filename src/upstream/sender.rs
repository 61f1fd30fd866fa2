//! The sender makes all upstream calls of one piece of work. It knows the deadline, forwards the trace, repeats requests
//! where safe, checks every response, and records each call for the log.

use std::cell::RefCell;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, select};
use http::header::{ACCEPT_ENCODING, ACCEPT_LANGUAGE, CONTENT_LENGTH, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use super::base_url::BaseUrl;
use super::endpoint::{Api, Endpoint, Kind};
use super::response::is_quoted;
use crate::error::{Error, ErrorCode, UpstreamEvidence};
use crate::http::{Limits, TransportError, TransportErrorKind};
use crate::redact::secrets_in_body;
use crate::retry::{self, Repeat, retry_after};
use crate::runtime::{Runtime, millis};
use crate::secret::{AccessToken, Secret};
use crate::shared_state::{SharedStore, StoreAccess};

/// idhook's `User-Agent`: some gateways reject requests without one.
const AGENT: HeaderValue = HeaderValue::from_static(concat!("idhook/", env!("CARGO_PKG_VERSION")));

/// One upstream exchange, as logged.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct CallRecord {
    /// Method and path template.
    pub call: &'static str,
    /// HTTP status; null without a response.
    #[serde(serialize_with = "status_code")]
    #[cfg_attr(feature = "contract", schemars(with = "Option<u16>"))]
    pub status: Option<StatusCode>,
    /// How long it took, in milliseconds.
    pub ms: u64,
    /// The callback, of a call to its receiver.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback: Option<String>,
}

fn status_code<S: serde::Serializer>(status: &Option<StatusCode>, serializer: S) -> Result<S::Ok, S::Error> {
    match status {
        Some(status) => serializer.serialize_u16(status.as_u16()),
        None => serializer.serialize_none(),
    }
}

/// The upstream access of one piece of work, with a record of its calls.
#[derive(Debug)]
pub struct Outbound<'r, R> {
    runtime: &'r R,
    store: SharedStore<'r, R>,
    limits: Limits,
    deadline: Duration,
    headers: HeaderMap,
    secrets: Vec<&'r Secret>,
    /// The bodies of the changes so far, whose secrets a later response may quote.
    sent: RefCell<Vec<Bytes>>,
    calls: RefCell<Vec<CallRecord>>,
}

/// The destination of a call: a target's name, base URL and overrides.
#[derive(Debug)]
pub struct Destination<'t, A: Api> {
    /// The target's name, for errors.
    pub target: &'t str,
    /// Its base URL.
    pub url: &'t BaseUrl,
    /// Its paths and media types.
    pub dialect: &'t A::Dialect,
}

/// A call ready to send. It is the same type for every endpoint, so the sending code (repeats, logins, replays) is compiled
/// only once.
#[derive(Debug, Clone)]
pub struct Prepared<'t> {
    target: &'t str,
    url: &'t BaseUrl,
    kind: Kind,
    request: http::Request<Bytes>,
}

impl<'t> Prepared<'t> {
    /// Encodes the request of `endpoint` for this destination.
    ///
    /// # Errors
    /// The request cannot be encoded.
    pub fn new<E: Endpoint>(to: &Destination<'t, E::Api>, endpoint: &E) -> Result<Self, Error> {
        let request = endpoint.request(to.dialect).map_err(|e| e.at(to.target))?;
        Self { target: to.target, url: to.url, kind: Kind::of::<E>(), request }.joined()
    }

    /// Adds the common parts of every call: the absolute URI and fixed headers.
    fn joined(mut self) -> Result<Self, Error> {
        let length = self.request.body().len();
        let sends_body =
            length > 0 || matches!(*self.request.method(), Method::POST | Method::PUT | Method::PATCH | Method::DELETE);
        let headers = self.request.headers_mut();
        headers.insert(USER_AGENT, AGENT);
        // Compressed responses are neither supported nor needed: responses are small.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        // vIDM translates its messages, and a failed sync's message is searched for the word "safeguard".
        headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_static("en"));
        // Without it a runtime sends the body in chunks, and an empty body as an empty chunk, which some gateways in front
        // of appliances reject.
        if sends_body {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        *self.request.uri_mut() = self.url.join(self.request.uri()).map_err(|e| {
            Error::new(ErrorCode::NotConfigured, format!("{} has no valid URL: {e}", self.kind.call)).at(self.target)
        })?;
        Ok(self)
    }
}

impl<'r, R: Runtime> Outbound<'r, R> {
    /// Upstream access without a store, for `time` from now. `headers` (the trace) are added to every call except logins: a
    /// caller's header must not decide whether a login succeeds.
    pub fn new(runtime: &'r R, limits: Limits, time: Duration, headers: HeaderMap) -> Self {
        let deadline = runtime.elapsed().saturating_add(time);
        let store = SharedStore::new(runtime, None, deadline);
        let (sent, calls) = (RefCell::default(), RefCell::default());
        Self { runtime, store, limits, deadline, headers, secrets: Vec::new(), sent, calls }
    }

    /// The same, with secrets to remove from upstream texts. A call's token, and the secrets in the bodies of changes, are
    /// always removed.
    #[must_use]
    pub fn with_secrets(mut self, secrets: Vec<&'r Secret>) -> Self {
        self.secrets = secrets;
        self
    }

    /// The same with the runtime's store.
    #[must_use]
    pub fn with_store(mut self, access: &'r StoreAccess) -> Self {
        self.store = SharedStore::new(self.runtime, Some(access), self.deadline);
        self
    }

    /// The shared store; without one, an empty view.
    #[must_use]
    pub fn store(&self) -> &SharedStore<'r, R> {
        &self.store
    }

    /// The runtime: its clocks, its log.
    #[must_use]
    pub fn runtime(&self) -> &'r R {
        self.runtime
    }

    /// The exchanges so far, in order.
    #[must_use]
    pub fn calls(&self) -> Vec<CallRecord> {
        self.calls.borrow().clone()
    }

    /// Records a call of `endpoint` that was aborted from outside.
    pub(crate) fn gave_up<E: Endpoint>(&self, to: &Destination<'_, E::Api>, _: &E, ms: u64) {
        self.record(&Kind::of::<E>(), to.target, None, ms);
    }

    fn record(&self, kind: &Kind, target: &str, status: Option<StatusCode>, ms: u64) {
        let callback = kind.is_callback.then(|| target.to_owned());
        self.calls.borrow_mut().push(CallRecord { call: kind.call, status, ms, callback });
    }

    /// The time left.
    #[must_use]
    pub(crate) fn remaining(&self) -> Duration {
        self.deadline.saturating_sub(self.runtime.elapsed())
    }

    /// Sends `endpoint`, with `token` if needed, and reads the response; repeats requests where safe.
    ///
    /// # Errors
    /// Transport failures and error statuses as codes, with the target's name.
    pub async fn call<E: Endpoint>(
        &self,
        to: &Destination<'_, E::Api>,
        endpoint: &E,
        token: Option<&AccessToken>,
    ) -> Result<E::Response, Error> {
        let answer = self.send(&Prepared::new(to, endpoint)?, token).await?;
        endpoint.response(answer).map_err(|e| if E::IS_LOGIN { e.of_login() } else { e }.at(to.target))
    }

    /// Sends a call, with `token` if needed, and repeats it where safe.
    ///
    /// # Errors
    /// Transport failures and error statuses as codes, with the target's name.
    pub async fn send(&self, call: &Prepared<'_>, token: Option<&AccessToken>) -> Result<http::Response<Bytes>, Error> {
        self.checked(call, token).await.map_err(|e| e.at(call.target))
    }

    async fn checked(&self, to: &Prepared<'_>, token: Option<&AccessToken>) -> Result<http::Response<Bytes>, Error> {
        let Prepared { kind: kind @ Kind { repeat, .. }, url, .. } = *to;
        let mut request = to.request.clone();
        if !kind.is_login {
            for (name, value) in &self.headers {
                request.headers_mut().insert(name, value.clone());
            }
        }
        if let Some(token) = token {
            token.authorize(&mut request).map_err(|e| Error::new(ErrorCode::UpstreamInvalid, e.to_string()))?;
        }

        if kind.changes() && !request.body().is_empty() {
            self.sent.borrow_mut().push(request.body().clone());
        }
        let mut attempt = 1;
        loop {
            let sent = self.exchange(to, request.clone()).await;
            let now = self.runtime.now();
            let (again, asked) = match &sent {
                Ok(answer) => (repeats_on(answer.status(), repeat), retry_after(answer.headers(), now)),
                Err(e) => (e.kind.is_transient() && (repeat == Repeat::Always || e.kind.never_arrived()), None),
            };
            let wait = if again { retry::wait(attempt, asked, self.runtime.random(), self.remaining()) } else { None };
            if let Some(wait) = wait {
                self.runtime.sleep(wait).await;
                // A wait can last longer than asked. Then this failure says more than that the next call was not sent.
                if !self.remaining().is_zero() {
                    attempt += 1;
                    continue;
                }
            }
            return match sent {
                Ok(answer) => {
                    let sent: Vec<Secret> = match is_quoted(&answer) {
                        true => self.sent.borrow().iter().flat_map(|body| secrets_in_body(body)).collect(),
                        false => Vec::new(),
                    };
                    let known = self.secrets.iter().copied().chain(token.map(AccessToken::secret));
                    kind.check(answer, now, &known.chain(&sent).collect::<Vec<_>>())
                }
                Err(e) => Err(unreached(&kind, url, &e, self.runtime.how_to_trust())),
            };
        }
    }

    /// One exchange within the deadline, recorded. Nothing is sent after the deadline: a change whose response nobody waits
    /// for could take effect without anybody's knowledge.
    async fn exchange(
        &self,
        to: &Prepared<'_>,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, TransportError> {
        if self.remaining().is_zero() {
            return Err(TransportError::new(TransportErrorKind::NotSent, "the request's time is used up"));
        }
        let started = self.runtime.elapsed();
        let answer = pin!(self.runtime.send(request, &self.limits));
        let deadline = pin!(self.runtime.sleep(self.remaining()));
        let answer = match select(answer, deadline).await {
            Either::Left((answer, _)) => answer,
            Either::Right(((), _)) => {
                Err(TransportError::new(TransportErrorKind::Timeout, "the request's time is used up"))
            }
        };
        let ms = millis(self.runtime.elapsed().saturating_sub(started));
        let status = answer.as_ref().ok().map(http::Response::status);
        self.record(&to.kind, to.target, status, ms);
        answer
    }
}

/// 429 and 503 usually mean that nothing was processed, but only a GET is certain to be safe.
fn repeats_on(status: StatusCode, repeat: Repeat) -> bool {
    repeat == Repeat::Always && matches!(status.as_u16(), 429 | 502 | 503 | 504)
}

/// The error for a transport failure, with its fix.
fn unreached(kind: &Kind, url: &BaseUrl, e: &TransportError, how_to_trust: &str) -> Error {
    let (call, url) = (kind.call, url.as_str());
    let again = |otherwise: &str| match kind.repeat {
        Repeat::Always => otherwise.to_owned(),
        Repeat::IfNeverArrived if kind.is_login => {
            "the login may have counted as an attempt: try again later".to_owned()
        }
        Repeat::IfNeverArrived => "the request may have been processed: read the state before trying again".to_owned(),
    };
    let (code, what, hint) = match e.kind {
        TransportErrorKind::HostNotAllowed => (
            ErrorCode::UpstreamUnreachable,
            "the runtime does not allow this component to call that host",
            format!(
                "set outbound_host1, or the next free one up to outbound_host4, to {url}; or add \"{url}\" to \
                 allowed_outbound_hosts of the component in spin.toml"
            ),
        ),
        TransportErrorKind::Dns => (
            ErrorCode::UpstreamUnreachable,
            "the host name does not resolve",
            format!("check the host in {url}, and that the runtime's machine can resolve it"),
        ),
        TransportErrorKind::Refused | TransportErrorKind::ConnectTimeout => (
            ErrorCode::UpstreamUnreachable,
            "no connection",
            format!("check that {url} is up and that firewalls allow the runtime's machine"),
        ),
        TransportErrorKind::Tls => (
            ErrorCode::UpstreamTls,
            "TLS failed, most often because the certificate is not trusted",
            format!(
                "give the runtime the CA that signed the certificate of {url}: {how_to_trust}; use the host name that the \
                 certificate names; and check that this port speaks TLS"
            ),
        ),
        TransportErrorKind::NotSent => (
            ErrorCode::UpstreamTimeout,
            "the call was not sent",
            "retry; if this persists, raise request_timeout or check why the calls before it took so long".to_owned(),
        ),
        TransportErrorKind::Timeout => (
            ErrorCode::UpstreamTimeout,
            "no response in time",
            again("retry; if this persists, raise the timeouts or check the server's load"),
        ),
        TransportErrorKind::Interrupted => (
            ErrorCode::UpstreamFailed,
            "the connection broke before the response was complete",
            format!(
                "{}; if this persists, check the scheme of {url}: a TLS port drops plain HTTP requests",
                again("try again")
            ),
        ),
        TransportErrorKind::BodyTooLarge => (
            ErrorCode::UpstreamInvalid,
            "the response is larger than the limit",
            "raise upstream_body_limit if a response of that size is expected".to_owned(),
        ),
        TransportErrorKind::Protocol => (
            ErrorCode::UpstreamInvalid,
            "the response is not valid HTTP",
            format!("check the scheme and port of {url}"),
        ),
    };
    let error = Error::new(code, format!("{call}: {what}: {}", crate::error::excerpt(&e.detail))).hint(hint).upstream(
        UpstreamEvidence {
            call,
            is_login: kind.is_login,
            is_too_large: e.kind == TransportErrorKind::BodyTooLarge,
            never_arrived: e.kind.never_arrived(),
            ..UpstreamEvidence::default()
        },
    );
    let waits_for_somebody = e.kind == TransportErrorKind::HostNotAllowed;
    let may_be_done = kind.changes() && !e.kind.never_arrived();
    if waits_for_somebody || may_be_done { error.not_retryable() } else { error }
}

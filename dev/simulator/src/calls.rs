//! The record of requests, for tests that count calls and check headers.

use crate::contract::Release;
use bytes::Bytes;
use http::{HeaderMap, Method, header};
use serde::{Deserialize, Serialize};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// One of the simulated products.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Server {
    /// VMware Identity Manager, also known as Workspace ONE Access.
    Vidm,
    /// SDDC Manager of VMware Cloud Foundation.
    Sddc,
    /// VCF Operations, which manages the identities of a VCF 9 fleet.
    Fleet,
    /// The identity broker of VCF 9: its token endpoint.
    Broker,
}

/// One request as it arrived, without body and credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// The addressed server.
    pub server: Server,
    /// Whether it arrived over https.
    pub tls: bool,
    /// `GET`, `POST`, …
    pub method: String,
    /// The path with the query, as sent.
    pub path_and_query: String,
    /// The scheme of the Authorization header (`Bearer`, `HZN`, `Basic`), if there was one. Never the credential.
    pub authorization: Option<String>,
    /// The Content-Type header.
    pub content_type: Option<String>,
    /// The Accept header.
    pub accept: Option<String>,
    /// The Content-Length header.
    pub content_length: Option<String>,
    /// The Transfer-Encoding header: the framing of a body with unknown length.
    pub transfer_encoding: Option<String>,
    /// The traceparent header (W3C Trace Context).
    pub traceparent: Option<String>,
    /// The X-Request-Id header.
    pub request_id: Option<String>,
    /// The length of the request's body.
    pub body_length: usize,
    /// The response's status. `None` while it is being processed, and if the connection was torn down instead.
    pub status: Option<u16>,
    /// The path with the query as it reached SDDC Manager's service behind its nginx. `None` without nginx, and if nginx
    /// responded itself.
    pub routed: Option<String>,
}

impl Call {
    pub(crate) fn new(server: Server, tls: bool, method: &Method, path_and_query: &str, headers: &HeaderMap) -> Self {
        let text = |name: &str| Some(headers.get(name)?.to_str().ok()?.to_owned());
        Self {
            server,
            tls,
            method: method.to_string(),
            path_and_query: path_and_query.to_owned(),
            authorization: text(header::AUTHORIZATION.as_str())
                .and_then(|value| value.split_whitespace().next().map(str::to_owned)),
            content_type: text(header::CONTENT_TYPE.as_str()),
            accept: text(header::ACCEPT.as_str()),
            content_length: text(header::CONTENT_LENGTH.as_str()),
            transfer_encoding: text(header::TRANSFER_ENCODING.as_str()),
            traceparent: text("traceparent"),
            request_id: text("x-request-id"),
            body_length: 0,
            status: None,
            routed: None,
        }
    }

    /// The path without the query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.path_and_query.split('?').next().unwrap_or_default()
    }
}

/// A request to VCF Operations, the broker or SDDC Manager and its response with their bodies, for tests that compare them with a contract.
/// They contain secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// The addressed server.
    pub server: Server,
    /// `GET`, `POST`, …
    pub method: String,
    /// The path with the query, as sent.
    pub path_and_query: String,
    /// The request's Content-Type header.
    pub request_type: Option<String>,
    /// The request's body.
    pub request: Bytes,
    /// The response's status.
    pub status: u16,
    /// The response's Content-Type header.
    pub response_type: Option<String>,
    /// The response's body.
    pub response: Bytes,
    /// The release whose contract the call has to keep. `None` for the broker, and where a setting violates it on purpose.
    pub contract: Option<Release>,
}

/// All calls since the last clear.
#[derive(Debug, Default)]
pub(crate) struct Calls(Mutex<Record>);

#[derive(Debug, Default)]
struct Record {
    first: usize,
    calls: Vec<Call>,
    /// Empty unless bodies are recorded.
    exchanges: Vec<Exchange>,
    with_bodies: bool,
}

impl Calls {
    fn record(&self) -> MutexGuard<'_, Record> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records a call; the number is for [`Calls::answered`].
    pub(crate) fn arrived(&self, call: Call) -> usize {
        let mut record = self.record();
        record.calls.push(call);
        record.first + record.calls.len() - 1
    }

    pub(crate) fn answered(&self, number: usize, status: u16) {
        let mut record = self.record();
        let first = record.first;
        // A call from before a clear is gone.
        if let Some(call) = number.checked_sub(first).and_then(|at| record.calls.get_mut(at)) {
            call.status = Some(status);
        }
    }

    pub(crate) fn routed(&self, number: usize, path_and_query: &str) {
        let mut record = self.record();
        let first = record.first;
        if let Some(call) = number.checked_sub(first).and_then(|at| record.calls.get_mut(at)) {
            call.routed = Some(path_and_query.to_owned());
        }
    }

    pub(crate) fn all(&self) -> Vec<Call> {
        self.record().calls.clone()
    }

    pub(crate) fn clear(&self) {
        let mut record = self.record();
        record.first += record.calls.len();
        record.calls.clear();
    }

    pub(crate) fn record_bodies(&self) {
        self.record().with_bodies = true;
    }

    pub(crate) fn records_bodies(&self) -> bool {
        self.record().with_bodies
    }

    pub(crate) fn exchanged(&self, exchange: Exchange) {
        self.record().exchanges.push(exchange);
    }

    pub(crate) fn exchanges(&self) -> Vec<Exchange> {
        self.record().exchanges.clone()
    }
}

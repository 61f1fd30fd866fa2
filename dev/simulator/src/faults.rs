//! Faults on demand: what fails, on which requests, how often.

use crate::calls::Server;
use serde::{Deserialize, Serialize};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A fault. As JSON (for `POST /_simulator/faults`):
/// `{"server":"vidm","method":"GET","path":"syncprofile","times":2,"kind":"busy","status":503}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    /// Only on this server; on all if `None`.
    #[serde(default)]
    pub server: Option<Server>,
    /// Only for this method; for all if `None`.
    #[serde(default)]
    pub method: Option<String>,
    /// Only if path and query, as sent, contain this; with a `$` at its end, only if they end with it.
    #[serde(default)]
    pub path: String,
    /// This many matching requests pass first.
    #[serde(default)]
    pub after: u32,
    /// For this many requests; for all from now on if `None` (`null`). Once if omitted in the JSON.
    #[serde(default = "once")]
    pub times: Option<u32>,
    /// The kind of fault.
    #[serde(flatten)]
    pub kind: FaultKind,
}

#[expect(clippy::unnecessary_wraps, reason = "the type of the field it is the default of")]
fn once() -> Option<u32> {
    Some(1)
}

/// The kind of fault. Where it says "the real answer", the request is carried out first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum FaultKind {
    /// Waits, then continues normally (further matching faults included).
    Delay {
        /// The wait.
        milliseconds: u64,
    },
    /// Resets the TCP connection (RST). The request is not processed.
    Reset,
    /// Processes the request, then resets the connection: the client cannot know.
    LoseAnswer,
    /// Returns 429, 503 or a similar status, with Retry-After.
    Busy {
        /// The status.
        #[serde(default = "busy")]
        status: u16,
        /// The Retry-After header.
        #[serde(default)]
        retry_after: RetryAfter,
    },
    /// Returns any status with an HTML page, as a gateway would.
    Html {
        /// The status.
        status: u16,
    },
    /// The real response, but Content-Length announces more than is sent before the connection is closed.
    CutBody,
    /// 401 as for an expired token, in the server's own format. The request is not processed.
    ExpiredToken,
    /// The real response, a few bytes at a time.
    Drip {
        /// Bytes at a time.
        bytes: usize,
        /// The pause before each.
        milliseconds: u64,
    },
    /// A redirect. The request is not processed.
    Redirect {
        /// The status.
        #[serde(default = "found")]
        status: u16,
        /// The Location header.
        location: String,
    },
    /// 200 with a well-formed JSON body of this many bytes. The request is not processed.
    Oversized {
        /// The length of the body.
        bytes: usize,
        /// Sent without Content-Length (chunked), so that only counting detects it.
        #[serde(default)]
        chunked: bool,
    },
    /// The real response's head, with a body of broken JSON.
    GarbageJson,
    /// The real response with another content type.
    WrongContentType {
        /// The Content-Type header.
        content_type: String,
    },
    /// This response. The request is not processed.
    Answer {
        /// The status.
        status: u16,
        /// The Content-Type header.
        content_type: String,
        /// The body.
        body: String,
    },
}

fn busy() -> u16 {
    503
}

fn found() -> u16 {
    302
}

/// A Retry-After header (RFC 9110, 10.2.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RetryAfter {
    /// No Retry-After header.
    #[default]
    Absent,
    /// As a number of seconds.
    Seconds(u64),
    /// As an HTTP date this many seconds ahead.
    DateIn(u64),
}

impl Fault {
    /// A fault for the next request.
    #[must_use]
    pub fn new(kind: FaultKind) -> Self {
        Self { server: None, method: None, path: String::new(), after: 0, times: once(), kind }
    }

    /// The next request waits this long.
    #[must_use]
    pub fn delay(duration: Duration) -> Self {
        Self::new(FaultKind::Delay { milliseconds: crate::clock::millis(duration) })
    }

    /// The next request gets this response.
    #[must_use]
    pub fn answer(status: u16, content_type: &str, body: &str) -> Self {
        Self::new(FaultKind::Answer { status, content_type: content_type.to_owned(), body: body.to_owned() })
    }

    /// Only on this server.
    #[must_use]
    pub fn on(mut self, server: Server) -> Self {
        self.server = Some(server);
        self
    }

    /// Only for this method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// Only if path and query contain this, or end with it if it ends with `$`.
    #[must_use]
    pub fn path(mut self, part: &str) -> Self {
        self.path = part.to_owned();
        self
    }

    /// Not for the next matching requests, this many.
    #[must_use]
    pub fn after(mut self, requests: u32) -> Self {
        self.after = requests;
        self
    }

    /// For this many requests.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// On every request until the faults are cleared.
    #[must_use]
    pub fn always(mut self) -> Self {
        self.times = None;
        self
    }

    fn matches(&self, server: Server, method: &str, path_and_query: &str) -> bool {
        self.times != Some(0)
            && self.server.is_none_or(|wanted| wanted == server)
            && self.method.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && self
                .path
                .strip_suffix('$')
                .map_or_else(|| path_and_query.contains(&self.path), |end| path_and_query.ends_with(end))
    }
}

/// The pending faults, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<Vec<Fault>>);

impl Faults {
    pub(crate) fn add(&self, fault: Fault) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(fault);
    }

    pub(crate) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(crate) fn clear_at(&self, path: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|fault| fault.path != path);
    }

    pub(crate) fn all(&self) -> Vec<Fault> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The faults of this request: the sum of all matching delays, and the first other matching fault.
    pub(crate) fn take(&self, server: Server, method: &str, path_and_query: &str) -> (Duration, Option<FaultKind>) {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut delay, mut kind) = (Duration::ZERO, None);
        for fault in faults.iter_mut().filter(|fault| fault.matches(server, method, path_and_query)) {
            if fault.after > 0 {
                fault.after -= 1;
                continue;
            }
            match &fault.kind {
                FaultKind::Delay { milliseconds } => delay += Duration::from_millis(*milliseconds),
                _ if kind.is_some() => continue,
                other => kind = Some(other.clone()),
            }
            fault.times = fault.times.map(|left| left - 1);
        }
        faults.retain(|fault| fault.times != Some(0));
        (delay, kind)
    }
}

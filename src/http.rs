//! The HTTP port: a trait that sends a request and returns the whole answer, or reports exactly how it failed.
//!
//! An implementation follows no redirect: a request carries credentials, and only the configuration decides where they go.

use std::fmt;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::HeaderMap;
use http::header::DATE;

/// Sends HTTP requests. Each binding implements it over its runtime; a script implements it in tests.
///
/// No `Send` bound: WASI and JavaScript futures have none.
#[allow(
    async_fn_in_trait,
    reason = "futures of WASI and JavaScript hosts are not Send, and nothing here asks them to be"
)]
pub trait HttpClient {
    /// Sends `request` (absolute URI) and reads the whole answer, whatever its status. If `request` states its `Content-Length`, the
    /// body goes out under it and not in chunks.
    ///
    /// # Errors
    /// When no complete answer came within `limits`; see [`TransportErrorKind`].
    async fn send(
        &self,
        request: http::Request<Bytes>,
        limits: &Limits,
    ) -> Result<http::Response<Bytes>, TransportError>;
}

/// What one exchange may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For the connection, TLS included.
    pub connect_timeout: Duration,
    /// From the request sent to the first byte of the answer.
    pub first_byte_timeout: Duration,
    /// Between any two pieces of the answer.
    pub between_bytes_timeout: Duration,
    /// Largest answer body read, in bytes. Directory lists of large tenants are long.
    pub max_body: usize,
}

impl Limits {
    /// What applies where nothing is configured.
    pub(crate) const DEFAULT: Self = Self {
        connect_timeout: Duration::from_secs(10),
        first_byte_timeout: Duration::from_secs(30),
        between_bytes_timeout: Duration::from_secs(10),
        max_body: 8 << 20,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// How an exchange failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransportErrorKind {
    /// The runtime refuses this host (Spin: not in `allowed_outbound_hosts`).
    HostNotAllowed,
    /// The name does not resolve.
    Dns,
    /// Nothing listens there, or no route leads there.
    Refused,
    /// No connection within the time.
    ConnectTimeout,
    /// TLS could not be agreed; most often an untrusted certificate.
    Tls,
    /// Connected, but no answer within the time.
    Timeout,
    /// The connection broke before the answer was whole.
    Interrupted,
    /// The answer is larger than [`Limits::max_body`].
    BodyTooLarge,
    /// The answer is not HTTP as it should be.
    Protocol,
}

impl TransportErrorKind {
    /// Whether the request certainly never reached the server, so that even one that changes something may be repeated.
    #[must_use]
    pub(crate) const fn never_arrived(self) -> bool {
        matches!(self, Self::HostNotAllowed | Self::Dns | Self::Refused | Self::ConnectTimeout | Self::Tls)
    }

    /// Whether another try has a chance. A refused host, a bad certificate or an oversized answer stay what they are.
    #[must_use]
    pub(crate) const fn is_transient(self) -> bool {
        matches!(self, Self::Dns | Self::Refused | Self::ConnectTimeout | Self::Timeout | Self::Interrupted)
    }
}

/// An exchange that did not come to a complete answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransportError {
    /// How it failed.
    pub kind: TransportErrorKind,
    /// The runtime's own words for it.
    pub detail: String,
}

impl TransportError {
    /// A transport error with the runtime's own words.
    pub fn new(kind: TransportErrorKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for TransportError {}

/// The server's own time in whole seconds: the `Date` header of its answer (RFC 9110 section 6.6.1). `None` if the header is
/// missing or cannot be read.
#[must_use]
pub(crate) fn server_time(headers: &HeaderMap) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?.trim()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_time_is_read_from_the_date_header() {
        let read = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(DATE, value.parse().unwrap());
            server_time(&headers).map(|time| time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs())
        };
        // The three forms of RFC 9110 section 5.6.7.
        for form in ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"] {
            assert_eq!(read(form), Some(784_111_777), "{form}");
        }
        for form in ["", "now", "784111777", "1994-11-06T08:49:37Z", "Sun, 06 Nov 1994 08:49:37 +0100"] {
            assert_eq!(read(form), None, "{form}");
        }
        assert_eq!(server_time(&HeaderMap::new()), None);
    }
}

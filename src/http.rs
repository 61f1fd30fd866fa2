//! The HTTP port: a trait that sends a request and returns the whole response, or reports how it failed.
//!
//! An implementation follows no redirects: a request carries credentials, and only the configuration decides where they go.

use std::fmt;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{AsHeaderName, DATE};
use http::{HeaderMap, HeaderValue};

/// Sends HTTP requests. Each binding implements it over its runtime; tests script it.
///
/// No `Send` bound: WASI and JavaScript futures have none.
#[allow(async_fn_in_trait, reason = "futures of WASI and JavaScript hosts are not Send, and nothing here requires it")]
pub trait HttpClient {
    /// Sends `request` (absolute URI) and reads the whole response, whatever its status. If `request` has a
    /// `Content-Length`, the body is sent with it and not in chunks.
    ///
    /// # Errors
    /// No complete response arrived within `limits`; see [`TransportErrorKind`].
    async fn send(
        &self,
        request: http::Request<Bytes>,
        limits: &Limits,
    ) -> Result<http::Response<Bytes>, TransportError>;
}

/// Limits of one exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For the connection, TLS included.
    pub connect_timeout: Duration,
    /// From sending the request to the first byte of the response.
    pub first_byte_timeout: Duration,
    /// Between two pieces of the response.
    pub between_bytes_timeout: Duration,
    /// Largest response body, in bytes. Directory lists of large tenants are long.
    pub max_body: usize,
}

impl Limits {
    /// The defaults.
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
    /// The runtime rejects this host (Spin: not in `allowed_outbound_hosts`).
    HostNotAllowed,
    /// The name does not resolve.
    Dns,
    /// The connection was refused, or there is no route to the host.
    Refused,
    /// No connection within the time limit.
    ConnectTimeout,
    /// The TLS handshake failed; most often an untrusted certificate.
    Tls,
    /// No time was left before the request was sent.
    NotSent,
    /// Connected, but no response within the time limit.
    Timeout,
    /// The connection broke before the response was complete.
    Interrupted,
    /// The response is larger than [`Limits::max_body`].
    BodyTooLarge,
    /// The response is not valid HTTP.
    Protocol,
}

impl TransportErrorKind {
    /// Whether the request certainly never reached the server, so that even a request that changes something may be
    /// repeated.
    #[must_use]
    pub(crate) const fn never_arrived(self) -> bool {
        matches!(
            self,
            Self::HostNotAllowed | Self::Dns | Self::Refused | Self::ConnectTimeout | Self::Tls | Self::NotSent
        )
    }

    /// Whether another attempt may succeed. A rejected host, a bad certificate or an oversized response will not change.
    #[must_use]
    pub(crate) const fn is_transient(self) -> bool {
        matches!(self, Self::Dns | Self::Refused | Self::ConnectTimeout | Self::Timeout | Self::Interrupted)
    }
}

/// An exchange without a complete response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransportError {
    /// How it failed.
    pub kind: TransportErrorKind,
    /// The runtime's message.
    pub detail: String,
}

impl TransportError {
    /// A transport error with the runtime's message.
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

/// The value of a header that occurs once. `None` if it is missing, and if it is repeated: then no value is the sender's for certain.
#[must_use]
pub(crate) fn only_value(headers: &HeaderMap, name: impl AsHeaderName) -> Option<&HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

/// The server's time in whole seconds: the `Date` header of its response (RFC 9110, section 6.6.1). `None` if the header is
/// missing or cannot be read.
#[must_use]
pub(crate) fn server_time(headers: &HeaderMap) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?.trim()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_value_is_that_of_a_header_that_occurs_once() {
        let mut headers = HeaderMap::new();
        assert_eq!(only_value(&headers, "x-key"), None);
        headers.append("x-key", HeaderValue::from_static("a"));
        assert_eq!(only_value(&headers, "X-Key"), Some(&HeaderValue::from_static("a")));
        headers.append("x-key", HeaderValue::from_static("a"));
        assert_eq!(only_value(&headers, "x-key"), None);
    }

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

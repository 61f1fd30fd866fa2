//! A request's identifiers: its id and its trace.

use std::rc::Rc;

use http::request::Parts;
use http::{HeaderMap, HeaderValue};

use super::caller::has_bearer;
use super::gate::ErrorForm;
use crate::http::only_value;
use crate::runtime::Runtime;

/// Identifiers of one request.
#[derive(Debug, Clone)]
pub(super) struct RequestIdentity {
    /// `X-Request-Id`: the caller's if valid, else a new one.
    pub(super) id: HeaderValue,
    /// `traceparent` (W3C Trace Context), if there is exactly one valid header of [`TRACEPARENT`] characters.
    pub(super) traceparent: Option<HeaderValue>,
    /// Whether it has a Bearer token, valid or not.
    pub(super) has_bearer: bool,
    /// The form of its errors.
    pub(super) errors: ErrorForm,
    /// The address of the documentation that problems link to; empty if it is not configured.
    pub(super) docs_url: Rc<str>,
}

impl RequestIdentity {
    /// The identifiers of `request`, whose path below the mount point is `path`.
    pub(super) fn of(request: &Parts, path: &str, runtime: &impl Runtime, docs_url: &Rc<str>) -> Self {
        let given = request.headers.get("x-request-id").filter(|value| is_id(value.as_bytes()));
        let id = given.cloned().unwrap_or_else(|| {
            let fresh = format!("{:016x}{:016x}", runtime.random(), runtime.random());
            HeaderValue::from_str(&fresh).unwrap_or(HeaderValue::from_static("-"))
        });
        // The standard allows one; of two, neither can be trusted.
        let traceparent =
            only_value(&request.headers, "traceparent").filter(|value| trace_id(value).is_some()).cloned();
        let errors = ErrorForm::of(request, path);
        let has_bearer = has_bearer(&request.headers);
        Self { id, traceparent, has_bearer, errors, docs_url: Rc::clone(docs_url) }
    }

    /// The headers that connect upstream calls to the request. Logins do not carry them: see
    /// [`Outbound`](crate::upstream::Outbound).
    pub(super) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("x-request-id", self.id.clone());
        if let Some(traceparent) = &self.traceparent {
            headers.insert("traceparent", traceparent.clone());
        }
        headers
    }

    /// The id as text.
    pub(super) fn id(&self) -> &str {
        self.id.to_str().unwrap_or("-")
    }

    /// The trace id within `traceparent`.
    pub(super) fn trace_id(&self) -> Option<&str> {
        self.traceparent.as_ref().and_then(trace_id)
    }
}

fn is_id(bytes: &[u8]) -> bool {
    (1..=128).contains(&bytes.len())
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':' | b'=' | b'/' | b'+'))
}

/// The length of `version-traceid-parentid-flags`, in bytes (W3C Trace Context, section 3.2).
const TRACEPARENT: usize = 55;

/// The trace id in `version-traceid-parentid-flags`: lower-case hex, neither id all zeros, not version ff.
///
/// Later versions may append fields. Such a header is not forwarded: a caller must not control the length of upstream
/// headers, because a server with a limit of 8 KB would answer 400.
fn trace_id(value: &HeaderValue) -> Option<&str> {
    let text = value.to_str().ok().filter(|text| text.len() == TRACEPARENT)?;
    let mut parts = text.split('-');
    let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_hex = |part: &str, length| {
        part.len() == length && part.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let is_zero = |part: &str| part.bytes().all(|b| b == b'0');
    let valid = is_hex(version, 2)
        && version != "ff"
        && is_hex(trace, 32)
        && is_hex(parent, 16)
        && is_hex(flags, 2)
        && !is_zero(trace)
        && !is_zero(parent)
        && parts.next().is_none();
    valid.then_some(trace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_valid_traceparents_are_forwarded() {
        let read = |text: &'static str| trace_id(&HeaderValue::from_static(text)).map(str::to_owned);
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(read(good).as_deref(), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
        for bad in [
            "",
            "00",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
            " 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0G",
            "0000-4bf92f3577b34da6a3ce929d0e0e47-00f067aa0ba902b7-01",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
        // A later version in the same form is forwarded.
        assert!(read("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").is_some());
        let oversized = format!("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-{}", "x".repeat(9000));
        assert_eq!(trace_id(&HeaderValue::from_str(&oversized).unwrap()), None);
    }

    #[test]
    fn ids_that_could_break_a_log_are_replaced() {
        assert!(is_id(b"a-1.b:c"));
        for bad in [b"".as_slice(), b"a b", b"a\"b", &[b'a'; 129]] {
            assert!(!is_id(bad));
        }
    }
}

//! Responses: the kinds of body, and functions to make them.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};

use super::Events;
use crate::config::ConfigError;
use crate::error::{Error, ErrorCode, FieldError};
use crate::runtime::Runtime;

/// A response's body.
#[derive(Debug)]
pub enum Content<R: Runtime> {
    /// The whole body.
    Whole(Bytes),
    /// A stream, until [`Events::next`] returns `None` or the caller goes away.
    Events(Box<Events<R>>),
}

impl<R: Runtime> Content<R> {
    /// The value of `Content-Length`, for a binding that frames responses: with it, the whole response is sent in one piece.
    /// `None` if it would be the length of another response (RFC 9110, section 8.6).
    #[must_use]
    pub fn length(&self, status: StatusCode, is_head: bool) -> Option<usize> {
        match self {
            Self::Whole(bytes) if !is_head && !matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) => {
                Some(bytes.len())
            }
            _ => None,
        }
    }
}

/// The error while the configuration has mistakes.
pub(super) fn not_configured(mistakes: &[ConfigError]) -> Error {
    let shown: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
    let fields = mistakes.iter().map(|mistake| FieldError {
        variable: Some(mistake.variable.clone()),
        pointer: mistake.pointer.clone(),
        detail: mistake.detail.clone(),
        hint: mistake.hint.clone(),
    });
    Error::new(ErrorCode::NotConfigured, shown.join(". "))
        .fields_of(fields.collect())
        .hint("correct these variables; GET /readyz returns 200 once the configuration is valid")
}

/// The head of an event stream.
pub(super) fn event_stream() -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    // nginx buffers responses by default; this turns it off for this one (ngx_http_proxy_module, proxy_buffering).
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// A JSON response.
pub(super) fn json(status: StatusCode, value: &impl serde::Serialize) -> Result<Response<Bytes>, Error> {
    json_text(status, serde_json::to_vec(value))
}

fn json_text(status: StatusCode, written: serde_json::Result<Vec<u8>>) -> Result<Response<Bytes>, Error> {
    let body =
        written.map_err(|e| Error::new(ErrorCode::Internal, format!("the response could not be written: {e}")))?;
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// A response without a body.
pub(super) fn empty(status: StatusCode, headers: &[(http::HeaderName, &str)]) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    with_headers(response, headers)
}

/// Adds headers. Values that are not valid in a header are omitted.
pub(super) fn with_headers(mut response: Response<Bytes>, headers: &[(http::HeaderName, &str)]) -> Response<Bytes> {
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

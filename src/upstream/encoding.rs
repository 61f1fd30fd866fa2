//! Requests as text: path segments, queries and forms, JSON bodies.

use bytes::Bytes;
use http::Method;
use http::header::{ACCEPT, CONTENT_TYPE};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::error::{Error, ErrorCode};

/// Characters that are encoded in a path segment: all but RFC 3986's unreserved characters.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Characters that are encoded in a form field.
pub(crate) const FORM: &AsciiSet = SEGMENT;

/// `text` as one path segment: slashes, spaces and `%` in it are encoded.
///
/// ```
/// assert_eq!(idhook::upstream::segment("a/b c"), "a%2Fb%20c");
/// ```
#[must_use]
pub fn segment(text: &str) -> String {
    match text {
        // As segments these two change the path (RFC 3986, section 5.2.4), encoded or not.
        "." | ".." => text.replace('.', "%252E"),
        _ => utf8_percent_encode(text, SEGMENT).to_string(),
    }
}

/// Whether `text` is a UUID (RFC 9562, section 4), in lower or upper case.
pub(crate) fn is_uuid(text: &str) -> bool {
    text.split('-').map(str::len).eq([8, 4, 4, 4, 12]) && text.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
}

/// `pairs` as a query or a form body (`application/x-www-form-urlencoded`).
#[must_use]
pub(crate) fn form<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let encode = |text| utf8_percent_encode(text, FORM);
    let pairs: Vec<_> = pairs.into_iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    pairs.join("&")
}

/// A request without a body.
///
/// # Errors
/// `path` or `accept` is not valid in HTTP: an override of the dialect is wrong.
pub fn bare(method: Method, path: &str, accept: &str) -> Result<http::Request<Bytes>, Error> {
    build(http::Request::builder().method(method).uri(path).header(ACCEPT, accept).body(Bytes::new()))
}

/// A request with a body.
///
/// # Errors
/// `path` or a media type is not valid in HTTP: an override of the dialect is wrong.
pub fn with_body(
    method: Method,
    path: &str,
    accept: &str,
    content_type: &str,
    body: impl Into<Bytes>,
) -> Result<http::Request<Bytes>, Error> {
    let builder = http::Request::builder().method(method).uri(path).header(ACCEPT, accept);
    build(builder.header(CONTENT_TYPE, content_type).body(body.into()))
}

/// `value` as a JSON body.
///
/// # Errors
/// It cannot be serialised.
pub(crate) fn json(value: &impl serde::Serialize) -> Result<Bytes, Error> {
    serde_json::to_vec(value).map(Bytes::from).map_err(unwritten)
}

#[allow(clippy::needless_pass_by_value, reason = "the form map_err wants")]
fn unwritten(e: serde_json::Error) -> Error {
    Error::new(ErrorCode::Internal, format!("a request body could not be written: {e}"))
}

fn build(built: Result<http::Request<Bytes>, http::Error>) -> Result<http::Request<Bytes>, Error> {
    built.map_err(|e| {
        Error::new(ErrorCode::NotConfigured, format!("the request cannot be written as HTTP: {e}"))
            .hint("check the path and media type overrides of this target")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_encoded_as_one_segment() {
        assert_eq!(segment("corp.example"), "corp.example");
        assert_eq!(segment("a/b c%?#ä"), "a%2Fb%20c%25%3F%23%C3%A4");
        assert_eq!(segment(".."), "%252E%252E");
    }

    #[test]
    fn uuid_is_recognised() {
        assert!(is_uuid("bb65e41c-e00d-4d74-b417-db72df6024f9"));
        assert!(is_uuid("BB65E41C-E00D-4D74-B417-DB72DF6024F9"));
        for other in
            ["", "Created", "bb65e41c-e00d-4d74-b417-db72df6024f", "bb65e41c-e00d-4d74-b417-db72df6024fg", "----"]
        {
            assert!(!is_uuid(other), "{other}");
        }
    }

    #[test]
    fn forms_are_encoded() {
        assert_eq!(
            form([("grant_type", "password"), ("password", "a&b=c+d%é\"")]),
            "grant_type=password&password=a%26b%3Dc%2Bd%25%C3%A9%22"
        );
    }
}

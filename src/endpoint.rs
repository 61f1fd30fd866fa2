//! What an endpoint is: a type that carries its whole contract, and the one check of status and content every answer
//! goes through.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, LOCATION};
use http::{Method, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;

use crate::error::{Error, ErrorCode, UpstreamEvidence, excerpt};
use crate::retry::Repeat;

/// What a path segment may not hold as it is: everything but RFC 3986's unreserved characters.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What a form field may not hold as it is.
pub(crate) const FORM: &AsciiSet = SEGMENT;

/// A vendor's API: what all its endpoints share.
pub trait Api {
    /// What a target may override: paths, media types.
    type Profile;

    /// Reads the vendor's error form from a body. `None` when the body is something else (a gateway's page).
    fn read_error(body: &[u8]) -> Option<VendorError>;
}

/// A vendor's error, whatever its form on the wire.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VendorError {
    /// The vendor's code.
    pub code: Option<String>,
    /// What it says happened.
    pub message: Option<String>,
    /// What it says to do.
    pub remediation: Option<String>,
    /// Its reference for support.
    pub reference: Option<String>,
    /// Causes and nested errors, one line each.
    pub details: Vec<String>,
}

/// One call of a vendor's API.
pub trait Endpoint {
    /// Whose API it belongs to.
    type Api: Api;
    /// What a good answer holds.
    type Response;

    /// HTTP method and path template, as the vendor writes them. Logs and errors name the call so.
    const CALL: &'static str;
    /// Whether it may be sent again.
    const REPEAT: Repeat;

    /// The request, its URI relative to the target's base URL. Authorization is added by the sender.
    ///
    /// # Errors
    /// When the request cannot be written down (a body that does not serialise).
    fn request(&self, profile: &<Self::Api as Api>::Profile) -> Result<http::Request<Bytes>, Error>;

    /// Reads a 2xx answer.
    ///
    /// # Errors
    /// `upstream_invalid` when it is not what it should be.
    fn response(&self, answer: http::Response<Bytes>) -> Result<Self::Response, Error>;
}

/// `text` as one path segment: a slash, a space, a `%` inside stay inside.
#[must_use]
pub fn segment(text: &str) -> String {
    match text {
        // As segments these two would walk the path (RFC 3986 section 5.2.4), encoded or not.
        "." | ".." => text.replace('.', "%252E"),
        _ => utf8_percent_encode(text, SEGMENT).to_string(),
    }
}

/// `pairs` as a query or a form body (`application/x-www-form-urlencoded`).
#[must_use]
pub fn form<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let encode = |text| utf8_percent_encode(text, FORM);
    let pairs: Vec<_> = pairs.into_iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    pairs.join("&")
}

/// A request without a body.
///
/// # Errors
/// When `path` or `accept` is not fit for HTTP: a profile's override was wrong.
pub fn bare(method: Method, path: &str, accept: &str) -> Result<http::Request<Bytes>, Error> {
    build(http::Request::builder().method(method).uri(path).header(ACCEPT, accept).body(Bytes::new()))
}

/// A request with a body.
///
/// # Errors
/// When `path` or a media type is not fit for HTTP: a profile's override was wrong.
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
/// When it does not serialise.
pub fn json(value: &impl serde::Serialize) -> Result<Bytes, Error> {
    serde_json::to_vec(value)
        .map(Bytes::from)
        .map_err(|e| Error::new(ErrorCode::Internal, format!("a request body could not be written: {e}")))
}

fn build(built: Result<http::Request<Bytes>, http::Error>) -> Result<http::Request<Bytes>, Error> {
    built.map_err(|e| {
        Error::new(ErrorCode::NotConfigured, format!("the request cannot be written as HTTP: {e}"))
            .hint("check the path and media type overrides of this target")
    })
}

/// Reads a JSON answer of the type asked for, naming the place where it differs.
///
/// The content type is not looked at: vIDM answers JSON under vendor types, SDDC Manager plain text under
/// `application/json`. The body itself decides.
///
/// # Errors
/// `upstream_invalid`, with the beginning of the body as evidence.
pub fn read_json<T: DeserializeOwned>(call: &'static str, answer: &http::Response<Bytes>) -> Result<T, Error> {
    // By way of `Value`, as requests are: one deserialiser for each type is enough in a small component.
    let value: serde_json::Value = serde_json::from_slice(answer.body())
        .map_err(|e| invalid(call, answer, &format!("it is not JSON (line {}, column {})", e.line(), e.column())))?;
    serde_path_to_error::deserialize(value).map_err(|e| {
        let at = match e.path().to_string() {
            path if path == "." => String::new(),
            path => format!(" at {path}"),
        };
        invalid(call, answer, &format!("its JSON is not what was expected{at}: {}", e.inner()))
    })
}

/// `upstream_invalid`: the answer to `call` is not what it should be, and why.
#[must_use]
pub fn invalid(call: &'static str, answer: &http::Response<Bytes>, why: &str) -> Error {
    Error::new(ErrorCode::UpstreamInvalid, format!("the answer to {call} is not usable: {why}")).upstream(
        UpstreamEvidence {
            call,
            status: Some(answer.status()),
            message: Some(describe(answer)),
            ..UpstreamEvidence::default()
        },
    )
}

/// What kind of body this is, without its content: a body that was to hold a token must not end up in an error.
fn describe(answer: &http::Response<Bytes>) -> String {
    let content_type =
        answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("no content type");
    format!("{} bytes of {}", answer.body().len(), excerpt(content_type))
}

/// The one check every answer goes through: 2xx passes, everything else becomes an [`Error`] with the evidence kept.
///
/// # Errors
/// By the status: `upstream_auth`, `upstream_forbidden`, `not_found`, `upstream_busy`, `upstream_rejected`,
/// `upstream_failed`, or `upstream_invalid` for a redirect and other oddities.
pub fn check<E: Endpoint>(
    answer: http::Response<Bytes>,
    now: std::time::SystemTime,
) -> Result<http::Response<Bytes>, Error> {
    check_call(E::CALL, <E::Api as Api>::read_error, answer, now)
}

/// [`check`], compiled once for all endpoints.
pub(crate) fn check_call(
    call: &'static str,
    read_error: fn(&[u8]) -> Option<VendorError>,
    answer: http::Response<Bytes>,
    now: std::time::SystemTime,
) -> Result<http::Response<Bytes>, Error> {
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    let vendor = read_error(answer.body());
    let is_vendor = vendor.is_some();
    let vendor = vendor.unwrap_or_else(|| foreign(&answer));
    let said = match (&vendor.code, &vendor.message) {
        (Some(code), Some(message)) => format!(": {code}: {message}"),
        (Some(text), None) | (None, Some(text)) => format!(": {text}"),
        (None, None) => String::new(),
    };
    let code = match status {
        StatusCode::UNAUTHORIZED => ErrorCode::UpstreamAuth,
        StatusCode::FORBIDDEN => ErrorCode::UpstreamForbidden,
        StatusCode::NOT_FOUND => ErrorCode::NotFound,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => ErrorCode::UpstreamBusy,
        _ if status.is_client_error() => ErrorCode::UpstreamRejected,
        _ if status.is_server_error() => ErrorCode::UpstreamFailed,
        _ => ErrorCode::UpstreamInvalid,
    };
    let error = Error::new(code, format!("{call} was answered with {status}{said}"));
    let error = match status {
        _ if status.is_redirection() => error.hint(
            "redirects are not followed with credentials; the target's URL must name the server itself, with its scheme and port",
        ),
        StatusCode::NOT_FOUND if !is_vendor => {
            error.hint("this is not the vendor's error form: check the target's URL (and tenant), something else may answer there")
        }
        StatusCode::NOT_ACCEPTABLE | StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            error.hint("this version wants another media type: set the target's profile, or override the media type of this call")
        }
        StatusCode::FORBIDDEN => error.hint("give the configured account the administrator role this call needs"),
        _ => error,
    };
    Err(error.retry_after(crate::retry::retry_after(answer.headers(), now)).upstream(UpstreamEvidence {
        call,
        status: Some(status),
        code: vendor.code,
        message: vendor.message,
        remediation: vendor.remediation,
        reference: vendor.reference,
        details: vendor.details,
    }))
}

/// An error body that is not the vendor's: its beginning as text, a page by its title, a redirect by where it points.
fn foreign(answer: &http::Response<Bytes>) -> VendorError {
    if let Some(location) = answer.headers().get(LOCATION).and_then(|value| value.to_str().ok()) {
        // The query may hold a session's secrets; the rest says enough.
        let place = location.split(['?', '#']).next().unwrap_or_default();
        return VendorError { message: Some(format!("redirect to {}", excerpt(place))), ..VendorError::default() };
    }
    let text = String::from_utf8_lossy(answer.body());
    let title = text.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>")).map(|(title, _)| title);
    let message = match title {
        Some(title) => format!("an HTML page: {}", excerpt(title)),
        None if text.trim().is_empty() => String::new(),
        None => excerpt(&text),
    };
    VendorError { message: (!message.is_empty()).then_some(message), ..VendorError::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_stays_one_segment() {
        assert_eq!(segment("corp.example"), "corp.example");
        assert_eq!(segment("a/b c%?#ä"), "a%2Fb%20c%25%3F%23%C3%A4");
        assert_eq!(segment(".."), "%252E%252E");
    }

    #[test]
    fn forms_are_encoded() {
        assert_eq!(
            form([("grant_type", "password"), ("password", "a&b=c+d%é\"")]),
            "grant_type=password&password=a%26b%3Dc%2Bd%25%C3%A9%22"
        );
    }

    #[test]
    fn a_page_is_told_by_its_title_and_a_redirect_by_its_place() {
        let page = http::Response::new(Bytes::from("<html><title>404 – Not Found</title><body>long"));
        assert_eq!(foreign(&page).message.unwrap(), "an HTML page: 404 – Not Found");
        let mut redirect = http::Response::new(Bytes::new());
        redirect.headers_mut().insert(LOCATION, "https://elsewhere/login?token=x".parse().unwrap());
        assert_eq!(foreign(&redirect).message.unwrap(), "redirect to https://elsewhere/login");
        assert_eq!(foreign(&http::Response::new(Bytes::new())).message, None);
    }
}

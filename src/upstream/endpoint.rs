//! What an endpoint is: a type that carries its whole contract, and the one check of status and content every answer
//! goes through.

use std::time::SystemTime;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, LOCATION};
use http::{HeaderValue, Method, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;

use crate::error::{Error, ErrorCause, ErrorCode, UpstreamEvidence, VendorNames, excerpt};
use crate::http::server_time;
use crate::json::{self as reader};
use crate::redact::{blank_secret_fields, strike, strike_json};
use crate::retry::Repeat;
use crate::secret::Secret;

/// What a path segment may not hold as it is: everything but RFC 3986's unreserved characters.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What a form field may not hold as it is.
pub(crate) const FORM: &AsciiSet = SEGMENT;

/// The longest title of a page that is shown, in characters.
const MAX_TITLE: usize = 120;

/// What to do about a page that came in place of an API's answer.
const PAGE_HINT: &str = "the answer is an HTML page, so it comes from a gateway, a proxy or a sign-in page, not from the API: check \
    the target's URL (host, scheme and port) and what the gateway in front of it allows";

/// What to do about an answer in a coding that nobody asked for.
const CODING_HINT: &str = "idhook sends Accept-Encoding: identity: let the gateway or proxy in front of the server pass that header \
    on, or turn off its compression for this path";

/// The longest code of a vendor's that is taken for one.
const MAX_CODE: usize = 64;

/// A vendor's API: what all its endpoints share.
pub trait Api {
    /// What a target may override: paths, media types.
    type Dialect;

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
    /// The causes, where the vendor tells them apart.
    pub causes: Vec<ErrorCause>,
    /// The nested errors.
    pub nested: Vec<VendorNames>,
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
    /// Whether it gets or ends a token. Of the answer to such a call nothing is ever shown but its status and the vendor's code,
    /// and no status of it is taken for word about what was to be done with the token.
    const IS_LOGIN: bool = false;
    /// Whether a 2xx answer says anything. Where the status is all, its body may be whatever it is: a page, or in a coding.
    const READS_ANSWER: bool = true;

    /// The request, its URI relative to the target's base URL. Authorization is added by the sender.
    ///
    /// # Errors
    /// When the request cannot be written down (a body that does not serialise).
    fn request(&self, profile: &<Self::Api as Api>::Dialect) -> Result<http::Request<Bytes>, Error>;

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

/// Whether `text` is a UUID (RFC 9562 section 4), in small or capital letters.
pub(crate) fn is_uuid(text: &str) -> bool {
    text.split('-').map(str::len).eq([8, 4, 4, 4, 12]) && text.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
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

/// Reads a JSON answer that is handed on to callers: fields whose names say that they hold secrets are blanked first.
///
/// # Errors
/// As [`read_json`].
pub(crate) fn read_shown<T: DeserializeOwned>(call: &'static str, answer: &http::Response<Bytes>) -> Result<T, Error> {
    let mut value = json_of(call, answer)?;
    blank_secret_fields(&mut value);
    reader::read(&value).map_err(|error| unexpected(call, answer, &error))
}

/// Reads a JSON answer of the type asked for, naming the place where it differs.
///
/// The content type is not looked at: vIDM answers JSON under vendor types, SDDC Manager plain text under
/// `application/json`. The body itself decides.
///
/// # Errors
/// `upstream_invalid`, with the beginning of the body as evidence.
pub fn read_json<T: DeserializeOwned>(call: &'static str, answer: &http::Response<Bytes>) -> Result<T, Error> {
    reader::read(&json_of(call, answer)?).map_err(|error| unexpected(call, answer, &error))
}

fn json_of(call: &'static str, answer: &http::Response<Bytes>) -> Result<serde_json::Value, Error> {
    serde_json::from_slice(answer.body())
        .map_err(|e| invalid(call, answer, &format!("it is not JSON (line {}, column {})", e.line(), e.column())))
}

fn unexpected(call: &'static str, answer: &http::Response<Bytes>, error: &reader::Error) -> Error {
    let (at, said) = (error.place(), error.reason());
    // A reader's own words may quote the value; it may be a token in the wrong place.
    let why = match said.rsplit_once(", expected ") {
        Some((_, expected)) => format!(": expected {expected}"),
        None if said.starts_with("missing field") => format!(": {said}"),
        None => String::new(),
    };
    invalid(call, answer, &format!("its JSON is not what was expected{at}{why}"))
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

/// Whether `answer` is an HTML page. The body decides, as for JSON; where it only looks like markup, its content type does.
fn is_page(answer: &http::Response<Bytes>) -> bool {
    let mut text = answer.body().strip_prefix(b"\xef\xbb\xbf").unwrap_or(answer.body()).trim_ascii_start();
    // Declarations and comments may stand before the first element.
    for (opening, closing) in [("<?xml", "?>"), ("<!--", "-->"), ("<!--", "-->")] {
        if text.starts_with(opening.as_bytes())
            && let Some(at) = text.windows(closing.len()).position(|window| window == closing.as_bytes())
        {
            text = text.get(at + closing.len()..).unwrap_or_default().trim_ascii_start();
        }
    }
    let begins = |with: &str| text.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with.as_bytes()));
    let content_type = answer.headers().get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes).to_ascii_lowercase();
    ["<html", "<!doctype html", "<head", "<body", "<title", "<center"].into_iter().any(begins)
        || (begins("<") && content_type.windows(4).any(|window| window == b"html"))
}

/// The title of a page, without `secrets`.
fn title(body: &[u8], secrets: &[&Secret]) -> Option<String> {
    // Struck out before it is cut: a cut secret is not found.
    let text = strike(&String::from_utf8_lossy(body), secrets);
    let lower = text.to_ascii_lowercase();
    let opening = lower.find("<title")?;
    let begin = opening + lower.get(opening..)?.find('>')? + 1;
    let end = begin + lower.get(begin..)?.find("</title")?;
    let title: String = excerpt(text.get(begin..end)?).chars().take(MAX_TITLE).collect();
    (!title.is_empty()).then_some(title)
}

/// The coding of `answer` (RFC 9110 section 8.4), if it is in one other than `identity` and has a body at all.
fn coding(answer: &http::Response<Bytes>) -> Option<String> {
    let values = answer.headers().get_all(CONTENT_ENCODING).iter();
    let words = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    let mut words = words.map(|word| excerpt(&String::from_utf8_lossy(word)));
    let coding = words.find(|word| !word.is_empty() && !word.eq_ignore_ascii_case("identity"))?;
    (!answer.body().is_empty()).then(|| coding.chars().take(MAX_CODE).collect())
}

/// Whether `body` is no text: text of any encoding that is read here has no control characters but white space.
fn is_binary(body: &[u8]) -> bool {
    body.iter().any(|byte| matches!(byte, 0..=8 | 14..=26 | 28..=31))
}

/// What kind of body this is, without its content: a body that was to hold a token must not end up in an error.
fn describe(answer: &http::Response<Bytes>) -> String {
    let content_type =
        answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("no content type");
    format!("{} bytes of {}", answer.body().len(), excerpt(content_type))
}

/// What the sender needs to know of an endpoint, the same for all of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) call: &'static str,
    pub(crate) repeat: Repeat,
    pub(crate) is_login: bool,
    reads_answer: bool,
    read_error: fn(&[u8]) -> Option<VendorError>,
}

impl Kind {
    pub(crate) fn of<E: Endpoint>() -> Self {
        Self {
            call: E::CALL,
            repeat: E::REPEAT,
            is_login: E::IS_LOGIN,
            reads_answer: E::READS_ANSWER,
            read_error: <E::Api as Api>::read_error,
        }
    }

    /// The one check every answer goes through: a 2xx that may be the API's passes, everything else becomes an [`Error`] with the
    /// evidence kept, free of `secrets`.
    ///
    /// # Errors
    /// By the status: `upstream_auth`, `upstream_forbidden`, `not_found` (where the vendor itself says so), `upstream_busy`,
    /// `upstream_rejected`, `upstream_failed`, or `upstream_invalid` for a redirect and other oddities, and for a 2xx that is a
    /// page, binary, or in a coding. A login's 401 and 403, and its 400 in the vendor's error form, are `upstream_auth` unless
    /// they are pages; its other refusals are `upstream_invalid`.
    pub(crate) fn check(
        &self,
        answer: http::Response<Bytes>,
        now: SystemTime,
        secrets: &[&Secret],
    ) -> Result<http::Response<Bytes>, Error> {
        let (call, status) = (self.call, answer.status());
        if status.is_success() {
            return if self.reads_answer { self.accept(answer, secrets) } else { Ok(answer) };
        }
        let Said { is_vendor, is_page, vendor } = self.said(&answer, secrets);
        let said = match (&vendor.code, &vendor.message) {
            (Some(code), Some(message)) => format!(": {code}: {message}"),
            (Some(text), None) | (None, Some(text)) => format!(": {text}"),
            (None, None) => String::new(),
        };
        let code = self.code(status, is_vendor, is_page);
        let error = Error::new(code, format!("{call} was answered with {status}{said}"));
        let error = match hint(status, is_vendor, is_page) {
            Some(hint) => error.hint(hint),
            None => error,
        };
        // Only 429, and a 503 that says when to come back, are certain to have been refused at the door.
        let asked = crate::retry::retry_after(answer.headers(), now);
        let refused =
            status == StatusCode::TOO_MANY_REQUESTS || (status == StatusCode::SERVICE_UNAVAILABLE && asked.is_some());
        let error = if self.changes() && !refused { error.not_retryable() } else { error };
        let error = error.retry_after(asked).dated(server_time(answer.headers()));
        Err(error.upstream(UpstreamEvidence {
            call,
            status: Some(status),
            is_login: self.is_login,
            is_vendor,
            is_page,
            code: vendor.code,
            message: vendor.message,
            remediation: vendor.remediation,
            reference: vendor.reference,
            details: vendor.details,
            causes: vendor.causes,
            nested: vendor.nested,
        }))
    }

    /// Whether it changes something beyond a token.
    pub(crate) fn changes(&self) -> bool {
        self.repeat == Repeat::IfNeverArrived && !self.is_login
    }

    /// A 2xx whose body the API may have sent. A page is a gateway's or a sign-in form's, and the server itself was never asked.
    fn accept(&self, answer: http::Response<Bytes>, secrets: &[&Secret]) -> Result<http::Response<Bytes>, Error> {
        let (why, hint) = if let Some(coding) = coding(&answer) {
            (format!("its body is in the coding {coding}, which was not asked for"), CODING_HINT)
        } else if is_page(&answer) {
            let title = title(answer.body(), secrets).map(|title| format!(" with the title \"{title}\""));
            (format!("it is an HTML page{}", title.unwrap_or_default()), PAGE_HINT)
        } else if is_binary(answer.body()) {
            ("its body is binary data, no text".to_owned(), CODING_HINT)
        } else {
            return Ok(answer);
        };
        let error = invalid(self.call, &answer, &why).hint(hint).dated(server_time(answer.headers()));
        let error = if self.is_login { error.of_login() } else { error };
        Err(if self.changes() { error.not_retryable() } else { error })
    }

    fn code(&self, status: StatusCode, is_vendor: bool, is_page: bool) -> ErrorCode {
        match status {
            // Only these are word about our credentials, and only of the server itself: a 400 may be any proxy's.
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if self.is_login && !is_page => ErrorCode::UpstreamAuth,
            StatusCode::BAD_REQUEST if self.is_login && is_vendor => ErrorCode::UpstreamAuth,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => ErrorCode::UpstreamBusy,
            _ if self.is_login && status.is_client_error() => ErrorCode::UpstreamInvalid,
            StatusCode::UNAUTHORIZED => ErrorCode::UpstreamAuth,
            StatusCode::FORBIDDEN => ErrorCode::UpstreamForbidden,
            // Somebody else's page does not say that the thing is not there.
            StatusCode::NOT_FOUND if is_vendor => ErrorCode::NotFound,
            StatusCode::NOT_FOUND => ErrorCode::UpstreamInvalid,
            _ if status.is_client_error() => ErrorCode::UpstreamRejected,
            _ if status.is_server_error() => ErrorCode::UpstreamFailed,
            _ => ErrorCode::UpstreamInvalid,
        }
    }

    /// What an error body says.
    fn said(&self, answer: &http::Response<Bytes>, secrets: &[&Secret]) -> Said {
        if let Some(unread) = unread(answer) {
            let vendor = VendorError { message: Some(unread), ..VendorError::default() };
            return Said { is_vendor: false, is_page: false, vendor };
        }
        let body = struck(answer.body(), secrets);
        let vendor = (self.read_error)(&body);
        let is_vendor = vendor.is_some();
        let is_page = !is_vendor && is_page(answer);
        let mut vendor = vendor.unwrap_or_default();
        if let Some(words) = vendor.code.take_if(|code| !is_code(code)) {
            vendor.message.get_or_insert(words);
        }
        if self.is_login && !is_page {
            // What a login says may quote what it was sent, in whatever form. A page's title is its own.
            vendor = VendorError { code: vendor.code, ..VendorError::default() };
        } else if !is_vendor {
            vendor.message = foreign(answer, &body, secrets);
        }
        Said { is_vendor, is_page, vendor }
    }
}

/// What an error body says: whether it is of the vendor's form, whether it is a page instead, and its words.
struct Said {
    is_vendor: bool,
    is_page: bool,
    vendor: VendorError,
}

/// [`Kind::check`] of one endpoint, for tests.
#[cfg(test)]
pub(crate) fn check<E: Endpoint>(
    answer: http::Response<Bytes>,
    now: SystemTime,
) -> Result<http::Response<Bytes>, Error> {
    Kind::of::<E>().check(answer, now, &[])
}

fn hint(status: StatusCode, is_vendor: bool, is_page: bool) -> Option<&'static str> {
    Some(match status {
        StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if is_page => PAGE_HINT,
        _ if status.is_redirection() => {
            "redirects are not followed with credentials; the target's URL must name the server itself, with its scheme and port"
        }
        StatusCode::NOT_FOUND if !is_vendor => {
            "this is not the vendor's error form: check the target's URL (and tenant), something else may answer there"
        }
        StatusCode::NOT_ACCEPTABLE | StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            "this version wants another media type: set the target's profile, or override the media type of this call"
        }
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            "the server or a proxy in front of it is throttling requests; retry later (after Retry-After, if given)"
        }
        _ if status.is_server_error() => "the server or a proxy in front of it failed: look into its own log",
        StatusCode::FORBIDDEN => "give the configured account the administrator role this call needs",
        _ => return None,
    })
}

/// Whether a text is a code as programs have them, and no words that could quote something.
pub(crate) fn is_code(text: &str) -> bool {
    (1..=MAX_CODE).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b':' | b'-'))
}

/// An error body without `secrets`; they are struck out before anything of it is cut or joined.
fn struck(body: &[u8], secrets: &[&Secret]) -> Vec<u8> {
    match serde_json::from_slice(body) {
        Ok(mut value) => {
            strike_json(&mut value, secrets);
            blank_secret_fields(&mut value);
            value.to_string().into_bytes()
        }
        Err(_) => strike(&String::from_utf8_lossy(body), secrets).into_bytes(),
    }
}

/// Why an error body is not looked into: it is no text.
fn unread(answer: &http::Response<Bytes>) -> Option<String> {
    let length = answer.body().len();
    match coding(answer) {
        Some(coding) => Some(format!("a body of {length} bytes in the coding {coding}, which was not asked for")),
        None => is_binary(answer.body()).then(|| format!("a body of {length} bytes of binary data")),
    }
}

/// An error body that is not the vendor's: its beginning as text, a page by its title, a redirect by where it points.
fn foreign(answer: &http::Response<Bytes>, body: &[u8], secrets: &[&Secret]) -> Option<String> {
    if let Some(location) = answer.headers().get(LOCATION).and_then(|value| value.to_str().ok()) {
        // The query may hold a session's secrets; the rest says enough.
        let place = location.split(['?', '#']).next().unwrap_or_default();
        return Some(format!("redirect to {}", excerpt(&strike(place, secrets))));
    }
    let text = String::from_utf8_lossy(body);
    match title(body, secrets) {
        Some(title) => Some(format!("an HTML page with the title \"{title}\"")),
        None if is_page(answer) => Some("an HTML page without a title".to_owned()),
        None if text.trim().is_empty() => None,
        None => Some(excerpt(&text)),
    }
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
    fn a_uuid_is_told_from_a_word() {
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

    #[test]
    fn a_page_is_told_by_its_title_and_a_redirect_by_its_place() {
        let told = |answer: http::Response<Bytes>| foreign(&answer, answer.body(), &[]);
        let page = http::Response::new(Bytes::from("<html><title>404 – Not Found</title><body>long"));
        assert_eq!(told(page).unwrap(), "an HTML page with the title \"404 – Not Found\"");
        let mut redirect = http::Response::new(Bytes::new());
        redirect.headers_mut().insert(LOCATION, "https://elsewhere/login?token=x".parse().unwrap());
        assert_eq!(told(redirect).unwrap(), "redirect to https://elsewhere/login");
        assert_eq!(told(http::Response::new(Bytes::new())), None);
    }

    fn read_error(body: &[u8]) -> Option<VendorError> {
        let body: serde_json::Value = serde_json::from_slice(body).ok()?;
        let text = |name: &str| body.get(name)?.as_str().map(excerpt);
        Some(VendorError { code: Some(text("code")?), message: text("message"), ..VendorError::default() })
    }

    fn failed(repeat: Repeat, is_login: bool, status: u16, body: &str) -> Error {
        let mut answer = http::Response::new(Bytes::copy_from_slice(body.as_bytes()));
        *answer.status_mut() = StatusCode::from_u16(status).unwrap();
        let secret = Secret::new("two  blanks \"quoted\"");
        Kind { call: "GET /x", repeat, is_login, reads_answer: true, read_error }
            .check(answer, SystemTime::UNIX_EPOCH, &[&secret])
            .unwrap_err()
    }

    #[test]
    fn a_login_is_never_an_answer_about_the_thing() {
        let vendor = r#"{"code":"not.found","message":"no such user: s3cret"}"#;
        for (status, code) in [
            (401, ErrorCode::UpstreamAuth),
            (403, ErrorCode::UpstreamAuth),
            (404, ErrorCode::UpstreamInvalid),
            (405, ErrorCode::UpstreamInvalid),
            (406, ErrorCode::UpstreamInvalid),
            (409, ErrorCode::UpstreamInvalid),
            (422, ErrorCode::UpstreamInvalid),
            (429, ErrorCode::UpstreamBusy),
            (500, ErrorCode::UpstreamFailed),
            (503, ErrorCode::UpstreamBusy),
        ] {
            for body in ["", vendor, "s3cret"] {
                let error = failed(Repeat::IfNeverArrived, true, status, body);
                assert_eq!((error.code(), error.answer_status()), (code, None), "{status} {body}");
                assert_eq!(error.upstream_status().unwrap().as_u16(), status);
                assert!(code.status().is_server_error() && error.is_retryable() == code.is_retryable(), "{status}");
                assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
            }
            let said = failed(Repeat::IfNeverArrived, true, status, vendor).evidence().unwrap().code.clone();
            assert_eq!(said.as_deref(), Some("not.found"));
        }
    }

    #[test]
    fn only_the_vendor_says_that_a_thing_is_not_there() {
        for body in ["", "<html>", "{}", "not found"] {
            let error = failed(Repeat::IfNeverArrived, false, 404, body);
            assert_eq!(error.code(), ErrorCode::UpstreamInvalid, "{body}");
            assert!(error.hint_text().unwrap().contains("check the target's URL"), "{body}");
            assert_eq!(error.answer_status(), Some(StatusCode::NOT_FOUND));
        }
        assert_eq!(failed(Repeat::Always, false, 404, r#"{"code":"x"}"#).code(), ErrorCode::NotFound);
    }

    #[test]
    fn what_was_sent_is_struck_out_before_anything_is_cut() {
        let text = |error: &Error| format!("{} {:?}", error.detail(), error.evidence());
        // Blanks that would be joined, quotes that were escaped, a secret across the end of the excerpt, a code that quotes.
        let long = format!("{{\"code\":\"c\",\"message\":\"{}two  blanks \\\"quoted\\\"\"}}", "x".repeat(590));
        for body in [
            "you sent two  blanks \"quoted\"",
            r#"{"code":"c","message":"two  blanks \"quoted\""}"#,
            r#"{"code":"two  blanks \"quoted\""}"#,
            "<title>two  blanks &quot;quoted&quot;</title>",
            "p=two++blanks+%22quoted%22",
            &long,
        ] {
            let error = failed(Repeat::Always, false, 500, body);
            assert!(!text(&error).contains("two") && text(&error).contains('…'), "{body}: {}", text(&error));
        }
    }

    #[test]
    fn large_error_body_keeps_code_and_message() {
        let body = format!(r#"{{"trace":"{}","code":"c.1","message":"why"}}"#, "x".repeat(200_000));
        let error = failed(Repeat::Always, false, 500, &body);
        let evidence = error.evidence().unwrap();
        assert_eq!((evidence.code.as_deref(), evidence.message.as_deref()), (Some("c.1"), Some("why")));
        let page = failed(Repeat::Always, false, 500, &format!("<html>{}<title>T</title>", " ".repeat(200_000)));
        assert_eq!(page.evidence().unwrap().message.as_deref(), Some("an HTML page with the title \"T\""));
    }

    #[test]
    fn a_code_is_a_word_of_a_program() {
        let said = |body: &str| {
            let said = failed(Repeat::Always, false, 500, body).evidence().unwrap().clone();
            (said.code, said.message)
        };
        assert_eq!(said(r#"{"code":"A.b_c:d-1"}"#), (Some("A.b_c:d-1".to_owned()), None));
        assert_eq!(said(r#"{"code":"some words"}"#), (None, Some("some words".to_owned())));
        assert_eq!(said(&format!(r#"{{"code":"{}","message":"m"}}"#, "c".repeat(65))), (None, Some("m".to_owned())));
    }

    #[test]
    fn a_change_that_may_have_been_made_is_not_to_be_repeated() {
        for status in [500, 502, 503, 504] {
            assert!(!failed(Repeat::IfNeverArrived, false, status, "").is_retryable(), "{status}");
            assert!(failed(Repeat::Always, false, status, "").is_retryable(), "{status}");
        }
        assert!(failed(Repeat::IfNeverArrived, false, 429, "").is_retryable());
    }

    #[test]
    fn a_value_of_the_wrong_kind_is_not_shown() {
        #[derive(Debug, serde::Deserialize)]
        struct Answer {
            #[allow(dead_code, reason = "only read")]
            token: String,
        }
        for body in [r#"{"token":12345678}"#, r#"{"token":["12345678"]}"#, r#"{"x":12345678}"#, r#""12345678""#] {
            let answer = http::Response::new(Bytes::copy_from_slice(body.as_bytes()));
            let error = read_json::<Answer>("GET /x", &answer).unwrap_err();
            assert!(!format!("{error:?}").contains("12345678"), "{error:?}");
        }
    }
}

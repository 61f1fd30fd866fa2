//! The one check of status and content for every response, and the readers of JSON responses.

use std::time::SystemTime;

use bytes::Bytes;
use http::StatusCode;
use serde::de::DeserializeOwned;

mod body;

use self::body::{coding, describe, foreign, is_binary, is_page, title, unread};
use super::endpoint::Kind;
use crate::error::{Error, ErrorCode, UpstreamEvidence};
use crate::http::server_time;
use crate::json;
use crate::redact::{blank_secret_fields, strike, strike_json};
use crate::retry::retry_after;
use crate::secret::Secret;

/// The fix for an HTML page in place of an API's response.
const PAGE_HINT: &str = "the response is an HTML page, so it comes from a gateway, a proxy or a sign-in page, not from the API: check \
    the target's URL (host, scheme and port) and the rules of the gateway in front of it";

/// The fix for a response with an unrequested content coding.
const CODING_HINT: &str = "idhook sends Accept-Encoding: identity: make the gateway or proxy in front of the server forward that header, \
    or turn off its compression for this path";

/// Longer texts are not accepted as a vendor's code.
const MAX_CODE: usize = 64;

/// Reads a JSON response that is passed on to callers: fields with secrets' names are blanked first.
///
/// # Errors
/// As [`read_json`].
pub(crate) fn read_shown<T: DeserializeOwned>(call: &'static str, answer: &http::Response<Bytes>) -> Result<T, Error> {
    let mut value = json_of(call, answer)?;
    blank_secret_fields(&mut value);
    json::read(&value).map_err(|error| unexpected(call, answer, &error))
}

/// Reads a JSON response as the given type; the error names the place where it differs.
///
/// The content type is ignored: vIDM sends JSON under vendor types, SDDC Manager sends plain text under `application/json`.
/// Only the body counts.
///
/// # Errors
/// `upstream_invalid`, with the beginning of the body as evidence.
pub(crate) fn read_json<T: DeserializeOwned>(call: &'static str, answer: &http::Response<Bytes>) -> Result<T, Error> {
    json::read(&json_of(call, answer)?).map_err(|error| unexpected(call, answer, &error))
}

fn json_of(call: &'static str, answer: &http::Response<Bytes>) -> Result<serde_json::Value, Error> {
    serde_json::from_slice(answer.body())
        .map_err(|e| invalid(call, answer, &format!("it is not JSON (line {}, column {})", e.line(), e.column())))
}

fn unexpected(call: &'static str, answer: &http::Response<Bytes>, error: &json::Error) -> Error {
    let (at, said) = (error.place(), error.reason());
    // The message may quote the value, which may be a token in the wrong place.
    let why = match said.rsplit_once(", expected ") {
        Some((_, expected)) => format!(": expected {expected}"),
        None if said.starts_with("missing field") => format!(": {said}"),
        None => String::new(),
    };
    invalid(call, answer, &format!("its JSON does not have the expected form{at}{why}"))
}

/// `upstream_invalid`: the response to `call` does not have the documented form, and why.
#[must_use]
pub(crate) fn invalid(call: &'static str, answer: &http::Response<Bytes>, why: &str) -> Error {
    Error::new(ErrorCode::UpstreamInvalid, format!("the response to {call} is not usable: {why}")).upstream(
        UpstreamEvidence {
            call,
            status: Some(answer.status()),
            message: Some(describe(answer)),
            ..UpstreamEvidence::default()
        },
    )
}

/// `upstream_rejected`: the response to `call` has a success status, and the vendor's error format in its body.
#[must_use]
pub(crate) fn rejected_with_success(
    call: &'static str,
    answer: &http::Response<Bytes>,
    said: UpstreamEvidence,
) -> Error {
    let texts: Vec<_> = [said.code.as_deref(), said.message.as_deref()].into_iter().flatten().collect();
    let detail = format!("{call} returned an error: {}", texts.join(": "));
    Error::new(ErrorCode::UpstreamRejected, detail).dated(server_time(answer.headers())).upstream(UpstreamEvidence {
        call,
        status: Some(answer.status()),
        is_vendor: true,
        code: said.code.filter(|code| is_code(code)),
        ..said
    })
}

/// Whether an error may quote the body of this response.
pub(super) fn is_quoted(answer: &http::Response<Bytes>) -> bool {
    !answer.status().is_success() || is_page(answer)
}

impl Kind {
    /// The one check of every response: a 2xx that may be the API's passes, everything else becomes an [`Error`] with the
    /// evidence, without `secrets`.
    ///
    /// # Errors
    /// By status: `upstream_auth`, `upstream_forbidden`, `not_found` (only from the vendor itself), `upstream_busy`,
    /// `upstream_rejected`, `upstream_failed`; `upstream_invalid` for redirects and other statuses, and for a 2xx that is a
    /// page, binary or compressed. A login's 401 and 403, and its 400 in the vendor's error format, are `upstream_auth`
    /// unless they are pages; its other rejections are `upstream_invalid`.
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
        let evidence = self.evidence(&answer, secrets);
        let UpstreamEvidence { is_vendor, is_page, .. } = evidence;
        let said = match (&evidence.code, &evidence.message) {
            (Some(code), Some(message)) => format!(": {code}: {message}"),
            (Some(text), None) | (None, Some(text)) => format!(": {text}"),
            (None, None) => String::new(),
        };
        let code = self.code(status, is_vendor, is_page);
        let error = Error::new(code, format!("{call} returned {status}{said}"));
        // Only 429, and 503 with Retry-After, were certainly rejected before processing.
        let asked = retry_after(answer.headers(), now);
        let refused =
            status == StatusCode::TOO_MANY_REQUESTS || (status == StatusCode::SERVICE_UNAVAILABLE && asked.is_some());
        let may_be_done = self.changes() && !refused;
        let error = match hint(status, is_vendor, is_page, may_be_done) {
            Some(hint) => error.hint(hint),
            None => error,
        };
        let error = if may_be_done { error.not_retryable() } else { error };
        let error = error.retry_after(asked).dated(server_time(answer.headers()));
        Err(error.upstream(evidence))
    }

    /// Accepts a 2xx whose body may be the API's. A page comes from a gateway or a sign-in form, without the API being
    /// reached.
    fn accept(&self, answer: http::Response<Bytes>, secrets: &[&Secret]) -> Result<http::Response<Bytes>, Error> {
        let (why, hint) = if let Some(coding) = coding(&answer) {
            (format!("its body has the content coding {coding}, which was not requested"), CODING_HINT)
        } else if is_page(&answer) {
            let title = title(answer.body(), secrets).map(|title| format!(" with the title \"{title}\""));
            (format!("it is an HTML page{}", title.unwrap_or_default()), PAGE_HINT)
        } else if is_binary(answer.body()) {
            ("its body is binary data, not text".to_owned(), CODING_HINT)
        } else {
            return Ok(answer);
        };
        let error = invalid(self.call, &answer, &why).hint(hint).dated(server_time(answer.headers()));
        let error = if self.is_login { error.of_login() } else { error };
        // A page with 200 does not prove that a change was not made.
        let may_be_sign_in = is_page(&answer) && !self.is_login && !self.changes();
        let error = if may_be_sign_in { error.may_deny_token() } else { error };
        Err(if self.changes() { error.not_retryable() } else { error })
    }

    fn code(&self, status: StatusCode, is_vendor: bool, is_page: bool) -> ErrorCode {
        match status {
            // Only these concern our credentials, and only from the server itself: a 400 may come from any proxy.
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if self.is_login && !is_page => ErrorCode::UpstreamAuth,
            StatusCode::BAD_REQUEST if self.is_login && is_vendor => ErrorCode::UpstreamAuth,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => ErrorCode::UpstreamBusy,
            _ if self.is_login && status.is_client_error() => ErrorCode::UpstreamInvalid,
            StatusCode::UNAUTHORIZED => ErrorCode::UpstreamAuth,
            StatusCode::FORBIDDEN => ErrorCode::UpstreamForbidden,
            // Another server's page does not prove that the object is absent.
            StatusCode::NOT_FOUND if is_vendor => ErrorCode::NotFound,
            StatusCode::NOT_FOUND => ErrorCode::UpstreamInvalid,
            _ if status.is_client_error() => ErrorCode::UpstreamRejected,
            _ if status.is_server_error() => ErrorCode::UpstreamFailed,
            _ => ErrorCode::UpstreamInvalid,
        }
    }

    /// Whether the reason for `status` may be the token: SDDC Manager's Terraform provider expects 401 and 403 for one that was
    /// revoked, and a front end redirects to its sign-in page.
    ///
    /// None of these was carried out, so any request may be sent again: access was denied before. Only 303 (RFC 9110, section
    /// 15.4.4) may follow a change.
    fn may_deny_token(&self, status: StatusCode) -> bool {
        let is_denial = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
        let is_redirect = status.is_redirection() && (status != StatusCode::SEE_OTHER || !self.changes());
        !self.is_login && (is_denial || is_redirect)
    }

    /// The contents of an error response.
    fn evidence(&self, answer: &http::Response<Bytes>, secrets: &[&Secret]) -> UpstreamEvidence {
        let of_call = |said| {
            let status = Some(answer.status());
            let may_deny_token = self.may_deny_token(answer.status());
            UpstreamEvidence { call: self.call, status, is_login: self.is_login, may_deny_token, ..said }
        };
        if let Some(unread) = unread(answer) {
            let (message, is_page) = (Some(unread), is_page(answer));
            return of_call(UpstreamEvidence { message, is_page, ..UpstreamEvidence::default() });
        }
        let body = struck(answer.body(), secrets);
        let vendor = (self.read_error)(&body);
        let is_vendor = vendor.is_some();
        let is_page = !is_vendor && is_page(answer);
        let mut said = of_call(UpstreamEvidence { is_vendor, is_page, ..vendor.unwrap_or_default() });
        if let Some(words) = said.code.take_if(|code| !is_code(code)) {
            said.message.get_or_insert(words);
        }
        if self.is_login && !is_page {
            // A login's error may quote the credentials in any form. A page's title is the page's own.
            said.forget_words();
        } else if !is_vendor {
            said.message = foreign(answer, &body, secrets);
        }
        said
    }
}

/// [`Kind::check`] of one endpoint, for tests.
#[cfg(test)]
pub(crate) fn check<E: super::Endpoint>(
    answer: http::Response<Bytes>,
    now: SystemTime,
) -> Result<http::Response<Bytes>, Error> {
    Kind::of::<E>().check(answer, now, &[])
}

/// The fix for an error status; `may_be_done` of a change that may have taken effect.
fn hint(status: StatusCode, is_vendor: bool, is_page: bool, may_be_done: bool) -> Option<&'static str> {
    Some(match status {
        StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if is_page => PAGE_HINT,
        _ if status.is_redirection() => {
            "redirects are not followed with credentials; the target's URL must be that of the server itself, with its scheme and port"
        }
        StatusCode::NOT_FOUND if !is_vendor => {
            "this is not the vendor's error format: check the target's URL (and tenant); another server may respond there"
        }
        StatusCode::NOT_ACCEPTABLE | StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            "this version requires another media type: set the target's profile, or override the media type of this call"
        }
        StatusCode::SERVICE_UNAVAILABLE if may_be_done => {
            "the server or a proxy in front of it is busy, and may have carried the request out: read the present state before \
             you send it again"
        }
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            "the server or a proxy in front of it is throttling requests; retry later (after Retry-After, if given)"
        }
        _ if status.is_server_error() => "the server or a proxy in front of it failed: check its log",
        StatusCode::FORBIDDEN => "give the configured account the administrator role that this call requires",
        _ => return None,
    })
}

/// Whether a text is a program's code, without words that could quote something.
pub(crate) fn is_code(text: &str) -> bool {
    (1..=MAX_CODE).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b':' | b'-'))
}

/// An error body without `secrets`, which are removed before it is cut or joined.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::excerpt;
    use crate::retry::Repeat;

    fn read_error(body: &[u8]) -> Option<UpstreamEvidence> {
        let body: serde_json::Value = serde_json::from_slice(body).ok()?;
        let text = |name: &str| body.get(name)?.as_str().map(excerpt);
        Some(UpstreamEvidence { code: Some(text("code")?), message: text("message"), ..UpstreamEvidence::default() })
    }

    fn failed(repeat: Repeat, is_login: bool, status: u16, body: &str) -> Error {
        let mut answer = http::Response::new(Bytes::copy_from_slice(body.as_bytes()));
        *answer.status_mut() = StatusCode::from_u16(status).unwrap();
        let secret = Secret::new("two  blanks \"quoted\"");
        Kind { call: "GET /x", repeat, is_login, is_callback: false, reads_answer: true, read_error }
            .check(answer, SystemTime::UNIX_EPOCH, &[&secret])
            .unwrap_err()
    }

    #[test]
    fn login_errors_never_describe_the_object() {
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
    fn only_the_vendors_404_means_not_found() {
        for body in ["", "<html>", "{}", "not found"] {
            let error = failed(Repeat::IfNeverArrived, false, 404, body);
            assert_eq!(error.code(), ErrorCode::UpstreamInvalid, "{body}");
            assert!(error.hint_text().unwrap().contains("check the target's URL"), "{body}");
            assert_eq!(error.answer_status(), Some(StatusCode::NOT_FOUND));
        }
        assert_eq!(failed(Repeat::Always, false, 404, r#"{"code":"x"}"#).code(), ErrorCode::NotFound);
    }

    #[test]
    fn secrets_are_removed_before_texts_are_cut() {
        let text = |error: &Error| format!("{} {:?}", error.detail(), error.evidence());
        // Blanks that would be joined, escaped quotes, a secret across the end of the excerpt, a code that quotes.
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

    /// Looking for each secret in megabytes would hold up every other request of the instance.
    #[test]
    fn body_far_longer_than_an_error_is_not_read() {
        let many = format!("[{}\"\"]", r#""two  blanks \"quoted\"","#.repeat(100_000));
        let error = failed(Repeat::Always, false, 500, &many);
        assert!(error.detail().contains(" would be read") && !error.detail().contains("two"), "{}", error.detail());
        let page = failed(Repeat::Always, true, 401, &format!("<html><title>Sign in</title>{}", "x".repeat(1 << 20)));
        assert_eq!(page.code(), ErrorCode::UpstreamInvalid, "a gateway's page is no rejected login");
    }

    #[test]
    fn only_program_words_count_as_codes() {
        let said = |body: &str| {
            let said = failed(Repeat::Always, false, 500, body).evidence().unwrap().clone();
            (said.code, said.message)
        };
        assert_eq!(said(r#"{"code":"A.b_c:d-1"}"#), (Some("A.b_c:d-1".to_owned()), None));
        assert_eq!(said(r#"{"code":"some words"}"#), (None, Some("some words".to_owned())));
        assert_eq!(said(&format!(r#"{{"code":"{}","message":"m"}}"#, "c".repeat(65))), (None, Some("m".to_owned())));
    }

    #[test]
    fn possibly_applied_change_is_not_retryable() {
        for status in [500, 502, 503, 504] {
            assert!(!failed(Repeat::IfNeverArrived, false, status, "").is_retryable(), "{status}");
            assert!(failed(Repeat::Always, false, status, "").is_retryable(), "{status}");
        }
        assert!(failed(Repeat::IfNeverArrived, false, 429, "").is_retryable());
        // The hint says the same.
        let hint = |repeat| failed(repeat, false, 503, "").hint_text().unwrap().to_owned();
        assert!(hint(Repeat::IfNeverArrived).contains("may have carried the request out"));
        assert!(hint(Repeat::Always).contains("retry later"));
    }

    #[test]
    fn value_of_the_wrong_type_is_not_shown() {
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

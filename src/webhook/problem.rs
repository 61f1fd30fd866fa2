//! RFC 9457 problem documents: the form of everything that is not a 2xx.

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use serde::Serialize;

use super::identity::RequestIdentity;
use crate::auth::Secret;
use crate::error::{Candidate, Error, FieldError, UpstreamEvidence};
pub(super) use crate::redact::strike;

/// What went wrong, and what to do about it (RFC 9457).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub(super) struct Problem<'e> {
    /// A URN for `code`.
    r#type: String,
    /// What the code means; the same at every occurrence.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What happened this time.
    detail: String,
    /// The request's id, as in X-Request-Id.
    instance: &'e str,
    /// What went wrong, as a stable word to match on.
    #[cfg_attr(feature = "contract", schemars(with = "crate::error::ErrorCode"))]
    code: &'static str,
    /// Whether the very same request may succeed later with nobody changing anything, and does no harm when it is repeated.
    retryable: bool,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    /// Each field that is wrong.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'e [FieldError],
    /// The things an ambiguous name could have meant.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    candidates: &'e [Candidate],
    /// What the upstream said, where it was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    upstream: Option<Upstream<'e>>,
}

/// What the upstream said.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(rename = "UpstreamEvidence"))]
struct Upstream<'e> {
    /// The target's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'e str>,
    /// The call, as method and path template.
    call: &'static str,
    /// The HTTP status it answered with, where it answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// The vendor's own error code.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// The vendor's own words, or the beginning of what it sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// The vendor's advice.
    #[serde(skip_serializing_if = "Option::is_none")]
    remediation: Option<String>,
    /// The vendor's reference for its support.
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    /// Further lines: causes and nested errors.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    details: Vec<String>,
}

/// `error` as a response; whatever the upstream echoed of `secrets` is struck out.
pub(super) fn response(error: &Error, identity: &RequestIdentity, secrets: &[&Secret]) -> Response<Bytes> {
    let clean = |text: &str| strike(text, secrets);
    let code = error.code();
    let upstream = error.evidence().map(|evidence| {
        let UpstreamEvidence { call, status, code, message, remediation, reference, details, .. } = evidence;
        let clean = |text: &Option<String>| text.as_deref().map(clean);
        Upstream {
            target: error.target(),
            call,
            status: status.map(|status| status.as_u16()),
            code: clean(code),
            message: clean(message),
            remediation: clean(remediation),
            reference: clean(reference),
            details: details.iter().filter_map(|line| clean(&Some(line.clone()))).collect(),
        }
    });
    let problem = Problem {
        r#type: format!("urn:idhook:problem:{code}"),
        title: code.title(),
        status: code.status().as_u16(),
        detail: clean(error.detail()),
        instance: identity.id(),
        code: code.as_str(),
        retryable: error.is_retryable(),
        hint: error.hint_text().map(clean),
        errors: error.fields(),
        candidates: error.candidate_list(),
        upstream,
    };
    // Strings, numbers and lists of them: this cannot fail; an empty body would still carry the right status.
    let mut response = Response::new(Bytes::from(serde_json::to_vec(&problem).unwrap_or_default()));
    *response.status_mut() = code.status();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if code.status() == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(r#"Bearer realm="idhook", Basic realm="idhook""#));
    }
    if let Some(wait) = error.wait() {
        // Rounded up: who comes back a moment too early is sent away again.
        headers.insert(RETRY_AFTER, HeaderValue::from(wait.as_secs() + u64::from(wait.subsec_nanos() > 0)));
    }
    if let Some(allow) = error.allowed_methods().and_then(|methods| HeaderValue::from_str(methods).ok()) {
        headers.insert(ALLOW, allow);
    }
    response
}

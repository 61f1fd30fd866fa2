//! RFC 9457 problem documents: the form of everything that is not a 2xx.

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use serde::Serialize;

use super::identity::RequestIdentity;
use crate::auth::Secret;
use crate::error::{Candidate, Error, FieldError, UpstreamEvidence};
pub(super) use crate::redact::strike;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Problem<'e> {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: String,
    instance: &'e str,
    code: &'static str,
    retryable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'e [FieldError],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    candidates: &'e [Candidate],
    #[serde(skip_serializing_if = "Option::is_none")]
    upstream: Option<Upstream<'e>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Upstream<'e> {
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'e str>,
    call: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remediation: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
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

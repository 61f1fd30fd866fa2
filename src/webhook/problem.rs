//! RFC 9457 problem documents: the form of every failure, except for clients of the gate.

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use serde::Serialize;

use super::gate::{self, ErrorForm};
use super::request_id::RequestIdentity;
use crate::error::{Error, ErrorCode, Problem, VendorNames, problem_type};
use crate::secret::Secret;

/// `error` as a response, without the `secrets` that the upstream may have echoed.
pub(super) fn response(error: &Error, identity: &RequestIdentity, secrets: &[&Secret]) -> Response<Bytes> {
    let mut problem = Problem {
        r#type: problem_type(error.code(), &identity.docs_url),
        instance: Some(identity.id().to_owned()),
        ..Problem::new(error, secrets)
    };
    let mut response = match identity.errors {
        ErrorForm::Vendor(form) => gate::response(error, &problem, form, secrets),
        form => {
            if form == ErrorForm::WithVendorNames {
                problem.vendor = Some(Box::new(VendorNames::of(error, &problem, secrets)));
            }
            // A URI reference (RFC 9457, section 3.1.5): a colon in it would end a scheme.
            problem.instance = Some(identity.id().replace(':', "%3A"));
            document("application/problem+json", error.code().status(), &problem)
        }
    };
    let status = response.status();
    let headers = response.headers_mut();
    if status == StatusCode::UNAUTHORIZED {
        if !matches!(identity.errors, ErrorForm::Vendor(_)) {
            // One line each, Basic first: several clients (Apache HttpClient 4.5, the JDK's HttpClient) read only the first
            // challenge of a line, or stop at an unknown scheme.
            headers.append(WWW_AUTHENTICATE, HeaderValue::from_static(r#"Basic realm="idhook", charset="UTF-8""#));
        }
        // A client that sent a token learns that it is the token (RFC 6750, section 3.1).
        headers.append(
            WWW_AUTHENTICATE,
            HeaderValue::from_static(match identity.has_bearer {
                true => r#"Bearer realm="idhook", error="invalid_token""#,
                false => r#"Bearer realm="idhook""#,
            }),
        );
    }
    // The same for a token that is valid but does not suffice (RFC 6750, section 3).
    if error.code() == ErrorCode::Forbidden && identity.has_bearer {
        const INSUFFICIENT: &str = r#"Bearer realm="idhook", error="insufficient_scope""#;
        headers.append(WWW_AUTHENTICATE, HeaderValue::from_static(INSUFFICIENT));
    }
    if let Some(seconds) = problem.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let Some(allow) = error.allowed_methods().and_then(|methods| HeaderValue::from_str(methods).ok()) {
        headers.insert(ALLOW, allow);
    }
    response
}

/// An error's document.
pub(super) fn document(media_type: &'static str, status: StatusCode, error: &impl Serialize) -> Response<Bytes> {
    // Strings, numbers and lists of them: this cannot fail; an empty body would still carry the right status.
    let mut response = Response::new(Bytes::from(serde_json::to_vec(error).unwrap_or_default()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

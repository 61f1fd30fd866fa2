//! RFC 9457 problem documents: the form of every failure, except for clients of the gate.

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Response, StatusCode};

use super::gate::{self, ErrorForm};
use super::request_id::RequestIdentity;
use crate::error::{Error, Problem, VendorNames, problem_type};
use crate::secret::Secret;

/// `error` as a response, without the `secrets` that the upstream may have echoed.
pub(super) fn response(error: &Error, identity: &RequestIdentity, secrets: &[&Secret]) -> Response<Bytes> {
    let status = error.code().status();
    let mut problem = Problem {
        r#type: problem_type(error.code(), &identity.docs_url),
        instance: Some(identity.id().to_owned()),
        ..Problem::new(error, secrets)
    };
    match identity.errors {
        ErrorForm::Problem => {}
        ErrorForm::WithVendorNames => problem.vendor = Some(Box::new(VendorNames::of(error, &problem, secrets))),
        ErrorForm::Vendor(form) => return gate::response(error, &problem, form, secrets),
    }
    // Strings, numbers and lists of them: this cannot fail; an empty body would still carry the right status.
    let mut response = Response::new(Bytes::from(serde_json::to_vec(&problem).unwrap_or_default()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if status == StatusCode::UNAUTHORIZED {
        // One line each, Basic first: several clients (Apache HttpClient 4.5, the JDK's HttpClient) read only the first
        // challenge of a line, or stop at an unknown scheme.
        headers.append(WWW_AUTHENTICATE, HeaderValue::from_static(r#"Basic realm="idhook", charset="UTF-8""#));
        headers.append(WWW_AUTHENTICATE, HeaderValue::from_static(r#"Bearer realm="idhook""#));
    }
    if let Some(seconds) = problem.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let Some(allow) = error.allowed_methods().and_then(|methods| HeaderValue::from_str(methods).ok()) {
        headers.insert(ALLOW, allow);
    }
    response
}

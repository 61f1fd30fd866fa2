//! Errors in SDDC Manager's own form, for clients that know no other: its fields, and only statuses that its API declares.

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Response, StatusCode};
use serde::Serialize;

use crate::error::{Error, ErrorCause, ErrorCode, Problem, VendorNames};
use crate::secret::Secret;
use crate::webhook::problem::document;

/// The form of the errors of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::webhook) enum ErrorForm {
    /// A problem document.
    Problem,
    /// A problem document that also has SDDC Manager's field names.
    WithVendorNames,
    /// SDDC Manager's form.
    Vendor(VendorForm),
}

/// SDDC Manager's form for one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::webhook) struct VendorForm {
    /// Its code for a caller that is not accepted.
    unauthenticated: &'static str,
    /// Whether the call declares an `ErrorResponse`, whose causes are in `cause`.
    has_cause: bool,
}

/// An error in SDDC Manager's form: its `Error` and `ErrorResponse` in one.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub(in crate::webhook) struct VendorError {
    /// SDDC Manager's code; if it gave none, idhook's own in capital letters.
    error_code: String,
    /// idhook's code, to match on.
    error_type: &'static str,
    /// Always empty. The vendor's are texts.
    #[cfg_attr(feature = "contract", schemars(with = "Vec<String>", extend("maxItems" = 0)))]
    arguments: [&'static str; 0],
    /// The event.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// The fix.
    #[serde(skip_serializing_if = "Option::is_none")]
    remediation_message: Option<String>,
    /// The causes; for an invalid request, the wrong fields.
    causes: Vec<ErrorCause>,
    /// The same, on the calls that declare an `ErrorResponse`.
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<Vec<ErrorCause>>,
    /// The nested errors.
    nested_errors: Vec<VendorNames>,
    /// SDDC Manager's reference for support requests; if it gave none, the request's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    reference_token: Option<String>,
}

impl ErrorForm {
    /// The form for a request of `path`, a route's path: the vendor's for its token calls, and with a token that idhook
    /// issued for them, valid or not.
    pub(in crate::webhook) fn of(request: &Parts, path: &str) -> Self {
        let below = path.strip_prefix("/vcf/").and_then(|rest| rest.split_once('/')).map(|(_, rest)| rest);
        let Some(call) = below.map(|rest| rest.trim_end_matches('/')) else { return Self::Problem };
        let is_login = call == "v1/tokens";
        if !is_login && !call.starts_with("v1/tokens/") && super::bearer(request).is_none() {
            return Self::WithVendorNames;
        }
        let reads = matches!(request.method, Method::GET | Method::HEAD);
        Self::Vendor(VendorForm {
            unauthenticated: if is_login { "IDENTITY_UNAUTHORIZED_ENTITY" } else { "TOKEN_EXPIRED" },
            has_cause: reads && call.starts_with("v1/identity-"),
        })
    }
}

/// `error` as a response in SDDC Manager's form; `problem` is the same error as a problem document.
pub(in crate::webhook) fn response(
    error: &Error,
    problem: &Problem,
    form: VendorForm,
    secrets: &[&Secret],
) -> Response<Bytes> {
    let VendorNames { error_code, message, remediation_message, reference_token, causes, nested_errors } =
        VendorNames::of(error, problem, secrets);
    let error_code = match error.code() {
        ErrorCode::Unauthenticated => form.unauthenticated.to_owned(),
        code => error_code.unwrap_or_else(|| code.as_str().to_ascii_uppercase()),
    };
    let body = VendorError {
        error_code,
        error_type: error.code().as_str(),
        arguments: [],
        message,
        remediation_message,
        cause: form.has_cause.then(|| causes.clone()),
        causes,
        nested_errors,
        reference_token,
    };
    document("application/json", status(error), &body)
}

/// The status: SDDC Manager's own if it rejected the request, else one that its clients know.
fn status(error: &Error) -> StatusCode {
    let own = error.answer_status().filter(|status| status.is_client_error());
    match (error.code(), error.code().status()) {
        (ErrorCode::UpstreamRejected, _) => own.unwrap_or(StatusCode::BAD_REQUEST),
        (_, status) if status.is_server_error() => StatusCode::INTERNAL_SERVER_ERROR,
        (_, StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY) => StatusCode::BAD_REQUEST,
        (_, status) => status,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{FieldError, UpstreamEvidence};

    fn form(method: &str, path: &str, token: Option<&str>) -> ErrorForm {
        let mut request = http::Request::builder().method(method);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        ErrorForm::of(&parts, path)
    }

    #[test]
    fn form_follows_route_and_token() {
        const TOKEN: Option<&str> = Some("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.b.c");
        let vendor = |unauthenticated, has_cause| ErrorForm::Vendor(VendorForm { unauthenticated, has_cause });
        for (method, path, token, expected) in [
            ("POST", "/vcf/a/v1/tokens", None, vendor("IDENTITY_UNAUTHORIZED_ENTITY", false)),
            ("POST", "/vcf/a/v1/tokens/", None, vendor("IDENTITY_UNAUTHORIZED_ENTITY", false)),
            ("PATCH", "/vcf/a/v1/tokens/access-token/refresh", None, vendor("TOKEN_EXPIRED", false)),
            ("GET", "/vcf/a/v1/identity-providers", TOKEN, vendor("TOKEN_EXPIRED", true)),
            ("GET", "/vcf/a/v1/identity-broker/prechecks", TOKEN, vendor("TOKEN_EXPIRED", true)),
            ("POST", "/vcf/a/v1/identity-providers", TOKEN, vendor("TOKEN_EXPIRED", false)),
            ("GET", "/vcf/a/v1/sddc-managers", TOKEN, vendor("TOKEN_EXPIRED", false)),
            ("GET", "/vcf/a/v1/nothing", TOKEN, vendor("TOKEN_EXPIRED", false)),
            ("GET", "/vcf/a/v1/identity-providers", None, ErrorForm::WithVendorNames),
            ("GET", "/vcf/a/v1/identity-providers", Some("idh_x"), ErrorForm::WithVendorNames),
            // {"alg":"RS256"}: a token of an issuer.
            ("GET", "/vcf/a/v1/identity-providers", Some("eyJhbGciOiJSUzI1NiJ9.b.c"), ErrorForm::WithVendorNames),
            ("GET", "/vcf/a/v1/tokensx", None, ErrorForm::WithVendorNames),
            ("GET", "/vidm/a/v1/directories", TOKEN, ErrorForm::Problem),
            ("GET", "/vcf", TOKEN, ErrorForm::Problem),
        ] {
            assert_eq!(form(method, path, token), expected, "{method} {path} {token:?}");
        }
    }

    fn sent(error: &Error, method: &str, path: &str) -> (u16, String) {
        let ErrorForm::Vendor(form) = form(method, path, Some("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.b.c")) else {
            panic!()
        };
        let mut problem = Problem::new(error, &[]);
        problem.instance = Some("R".to_owned());
        let response = response(error, &problem, form, &[]);
        assert_eq!(response.headers()["content-type"], "application/json");
        (response.status().as_u16(), String::from_utf8(response.body().to_vec()).unwrap())
    }

    #[test]
    fn dead_token_is_401_in_the_vendors_form() {
        let error = Error::new(ErrorCode::Unauthenticated, "d").hint("h");
        let list = "/vcf/a/v1/identity-providers";
        assert_eq!(
            sent(&error, "GET", list),
            (
                401,
                r#"{"errorCode":"TOKEN_EXPIRED","errorType":"unauthenticated","arguments":[],"message":"d","remediationMessage":"h","causes":[],"cause":[],"nestedErrors":[],"referenceToken":"R"}"#.to_owned()
            )
        );
        let (_, body) = sent(&error, "DELETE", list);
        assert!(!body.contains("\"cause\""), "{body}");
    }

    #[test]
    fn wrong_fields_are_causes() {
        let error = Error::invalid(vec![FieldError::new("/ldap/password", "is missing")]);
        let (status, body) = sent(&error, "POST", "/vcf/a/v1/identity-providers");
        assert_eq!(status, 400);
        assert!(body.contains(r#""causes":[{"type":"/ldap/password","message":"is missing"}]"#), "{body}");
    }

    #[test]
    fn statuses_are_those_that_clients_know() {
        let answered = |status| {
            let status = StatusCode::from_u16(status).ok();
            Error::new(ErrorCode::UpstreamRejected, "d").upstream(UpstreamEvidence { status, ..Default::default() })
        };
        for (error, status) in [
            (answered(400), 400),
            (answered(409), 409),
            (Error::new(ErrorCode::UpstreamRejected, "d"), 400),
            (Error::new(ErrorCode::NotFound, "d"), 404),
            (Error::new(ErrorCode::TargetNotFound, "d"), 404),
            (Error::new(ErrorCode::Forbidden, "d"), 403),
            (Error::new(ErrorCode::RateLimited, "d"), 429),
            (Error::new(ErrorCode::NotSupported, "d"), 400),
            (Error::new(ErrorCode::IdempotencyKeyInFlight, "d"), 400),
            (Error::new(ErrorCode::UpstreamUnreachable, "d"), 500),
            (Error::new(ErrorCode::UpstreamBusy, "d"), 500),
            (Error::new(ErrorCode::UpstreamTimeout, "d"), 500),
            (Error::new(ErrorCode::UpstreamAuth, "d"), 500),
            (Error::new(ErrorCode::NotConfigured, "d"), 500),
        ] {
            assert_eq!(sent(&error, "GET", "/vcf/a/v1/identity-providers").0, status, "{error}");
        }
    }
}

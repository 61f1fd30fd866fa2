//! Error bodies of SDDC Manager: `Error` (with `causes`) from calls that write, `ErrorResponse` (with `cause`) from calls
//! that read. `IDENTITY_UNAUTHORIZED_ENTITY` is the vendor's code for rejected credentials; the other codes are invented,
//! because none is published.

use crate::clock;
use crate::reply::Reply;
use http::{Method, StatusCode};
use serde_json::{Value, json};

fn body(code: &str, message: &str, remediation: &str, causes: (&str, Value)) -> Value {
    let mut body = json!({
        "errorCode": code,
        "arguments": [],
        "message": message,
        "remediationMessage": remediation,
        "nestedErrors": [],
        "referenceToken": format!("{:06X}", clock::unique() & 0xff_ffff),
    });
    if let Value::Object(fields) = &mut body {
        fields.insert(causes.0.to_owned(), causes.1);
    }
    body
}

/// An `Error`.
pub(super) fn error(status: StatusCode, code: &str, message: &str, remediation: &str) -> Reply {
    Reply::json(status, "application/json", &body(code, message, remediation, ("causes", json!([]))))
}

/// An `ErrorResponse`.
pub(super) fn error_response(status: StatusCode, code: &str, message: &str, remediation: &str) -> Reply {
    Reply::json(status, "application/json", &body(code, message, remediation, ("cause", json!([]))))
}

/// 400: the body violates the model at this field.
pub(super) fn invalid(field: &str, reason: &str) -> Reply {
    let message = format!("Invalid input: {field} {reason}");
    let causes =
        json!([{"type": "com.vmware.evo.sddc.common.InvalidInputException", "message": format!("{field}: {reason}")}]);
    let mut body = body("INVALID_INPUT", &message, "Correct the input and try again.", ("causes", causes));
    if let Some(arguments) = body.get_mut("arguments") {
        *arguments = json!([field]);
    }
    Reply::json(StatusCode::BAD_REQUEST, "application/json", &body)
}

/// 400: well-formed, but not possible.
pub(super) fn refused(code: &str, message: &str) -> Reply {
    error(StatusCode::BAD_REQUEST, code, message, "Check the identity providers that are there.")
}

/// 404.
pub(super) fn not_found(code: &str, message: &str) -> Reply {
    error(StatusCode::NOT_FOUND, code, message, "Check the identifier and try again.")
}

/// 401: no token, or an unknown or expired one.
pub(super) fn unauthorized(method: &Method) -> Reply {
    let form = if method == Method::GET { error_response } else { error };
    form(
        StatusCode::UNAUTHORIZED,
        "TOKEN_INVALID",
        "The access token is missing, invalid or expired.",
        "Create a new token.",
    )
}

/// 401: wrong user name or password.
pub(super) fn refused_login() -> Reply {
    error(StatusCode::UNAUTHORIZED, "IDENTITY_UNAUTHORIZED_ENTITY", "User is not authorized", "Check the credentials.")
}

/// 415.
pub(super) fn unsupported_media_type() -> Reply {
    error(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "UNSUPPORTED_MEDIA_TYPE",
        "Content type is not supported.",
        "Send application/json.",
    )
}

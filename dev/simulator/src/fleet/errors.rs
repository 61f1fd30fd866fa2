//! Error bodies of VCF Operations: the vendor's generic `error` object, or an HTML page.

use crate::reply::Reply;
use crate::settings::{FleetSettings, UnauthorizedForm, UnknownId};
use http::{StatusCode, header};
use serde_json::{Value, json};

/// The schemes that the server names in its HTML refusals.
const SCHEMES: &str = "OpsToken, VCToken, SSO2Token, CSPToken, VIDBToken";

fn error(status: StatusCode, code: u32, message: &str, more: &Value) -> Reply {
    let mut body = json!({
        "type": "Error",
        "message": message,
        "httpStatusCode": status.as_u16(),
        "apiErrorCode": code,
    });
    if let (Value::Object(fields), false) = (&mut body, more.is_null()) {
        fields.insert("moreInformation".to_owned(), more.clone());
    }
    Reply::json(status, "application/json", &body)
}

fn plain(status: StatusCode, message: &str) -> Reply {
    error(status, u32::from(status.as_u16()), message, &Value::Null)
}

/// 400 with the name of the parameter.
pub(super) fn invalid_parameter(name: &str, reason: &str) -> Reply {
    let more = json!([{"name": "errorCode", "value": "InvalidParameter"}, {"name": "parameter", "value": name}]);
    error(StatusCode::BAD_REQUEST, 1501, &format!("InvalidParameter: {name} {reason}"), &more)
}

/// 400 with a text key, as the identity calls have them.
pub(super) fn rejected(key: &str, message: &str) -> Reply {
    error(StatusCode::BAD_REQUEST, 1500, message, &json!([{"name": "errorCode", "value": key}]))
}

/// 400: the body violates the schema at this path.
pub(super) fn invalid_body(path: &str, reason: &str) -> Reply {
    let reply = json!({
        "type": "Error",
        "message": format!("Invalid request body: {path} {reason}"),
        "httpStatusCode": 400,
        "apiErrorCode": 1501,
        "validationFailures": [{"failureMessage": reason, "violationPath": path}],
    });
    Reply::json(StatusCode::BAD_REQUEST, "application/json", &reply)
}

/// 404 or 400 for an id that does not exist.
pub(super) fn unknown(form: UnknownId, name: &str) -> Reply {
    match form {
        UnknownId::NotFound => plain(StatusCode::NOT_FOUND, &format!("No such object: {name}")),
        UnknownId::InvalidParameter => invalid_parameter(name, "is not valid"),
    }
}

/// 401: no token, or an unknown or expired one.
pub(super) fn unauthorized(form: UnauthorizedForm) -> Reply {
    match form {
        UnauthorizedForm::Json => {
            let message = "The provided token for auth scheme \"OpsToken\" is either invalid or has expired.";
            error(StatusCode::UNAUTHORIZED, 1512, message, &Value::Null)
        }
        UnauthorizedForm::Html => html_refusal(),
    }
}

/// 401 as an HTML page, which names the schemes.
pub(super) fn html_refusal() -> Reply {
    let page = "<!doctype html><html lang=\"en\"><head><title>Not Authorized</title></head>\
                <body><h1>Not Authorized</h1></body></html>";
    Reply::text(StatusCode::UNAUTHORIZED, "text/html;charset=utf-8", page).with(header::WWW_AUTHENTICATE, SCHEMES)
}

/// 401: wrong user name or password.
pub(super) fn refused_login() -> Reply {
    plain(StatusCode::UNAUTHORIZED, "The provided username/password or token is not valid. Please try again.")
}

/// 401: too many rejected logins.
pub(super) fn locked() -> Reply {
    plain(StatusCode::UNAUTHORIZED, "The user account is locked. Please contact your administrator.")
}

/// 403.
pub(super) fn forbidden() -> Reply {
    plain(StatusCode::FORBIDDEN, "The user does not have the privilege for this operation.")
}

/// 404 for a path that does not exist.
pub(super) fn no_such_path() -> Reply {
    plain(StatusCode::NOT_FOUND, "No such resource.")
}

/// 405.
pub(super) fn method_not_allowed() -> Reply {
    plain(StatusCode::METHOD_NOT_ALLOWED, "The request method is not supported.")
}

/// 406.
pub(super) fn not_acceptable() -> Reply {
    plain(StatusCode::NOT_ACCEPTABLE, "No acceptable representation. Send Accept: application/json.")
}

/// 409 or 400: the call does not fit the present state.
pub(super) fn conflict(settings: &FleetSettings, key: &str, message: &str) -> Reply {
    let status = StatusCode::from_u16(settings.conflict_status).unwrap_or(StatusCode::CONFLICT);
    error(status, 1500, message, &json!([{"name": "errorCode", "value": key}]))
}

/// 415.
pub(super) fn unsupported_media_type() -> Reply {
    plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Content type is not supported. Send application/json.")
}

/// 500.
pub(super) fn internal() -> Reply {
    plain(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server error, cause unknown.")
}

/// 409, as documented.
pub(super) fn no_broker() -> Reply {
    plain(StatusCode::CONFLICT, "No identity broker is configured.")
}

//! The `errors` body: `{"errors":[{"code":…,"message":…,"parameters":null}]}` (the vendor's SCIM guide shows it with the code
//! `forbidden`; the other codes here are made up).

use super::media;
use crate::reply::Reply;
use http::StatusCode;
use serde_json::json;

fn errors(status: StatusCode, code: &str, message: &str) -> Reply {
    let body = json!({"errors": [{"code": code, "message": message, "parameters": null}]});
    Reply::json(status, media::ERROR, &body)
}

/// 400.
pub(crate) fn bad_request(message: &str) -> Reply {
    errors(StatusCode::BAD_REQUEST, "bad.request", message)
}

/// 401: no token, or an unknown or expired one.
pub(crate) fn unauthorized() -> Reply {
    errors(StatusCode::UNAUTHORIZED, "unauthorized", "User is not authenticated.")
}

/// 401: a rejected login. The message is the same for every reason, so that it reveals nothing.
pub(crate) fn invalid_credentials() -> Reply {
    errors(StatusCode::UNAUTHORIZED, "invalid.credentials", "Invalid Credentials")
}

/// 401: too many rejected logins.
pub(crate) fn account_locked() -> Reply {
    errors(StatusCode::UNAUTHORIZED, "account.locked", "The account is locked. Try again later.")
}

/// 403, with the vendor's exact message.
pub(crate) fn forbidden() -> Reply {
    errors(StatusCode::FORBIDDEN, "forbidden", "User is not authorized to perform the task.")
}

/// 404.
pub(crate) fn not_found(message: &str) -> Reply {
    errors(StatusCode::NOT_FOUND, "not.found", message)
}

/// 409.
pub(crate) fn conflict(code: &str, message: &str) -> Reply {
    errors(StatusCode::CONFLICT, code, message)
}

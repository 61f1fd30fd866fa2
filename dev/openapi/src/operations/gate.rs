//! The token calls of the gate, whose errors have SDDC Manager's form.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::operation::{Answer, Content, Operation};

const TAG: &str = "Tokens";
const REFRESH_TOKEN: &str = "AQAAAABpV…";

pub(super) fn all() -> Vec<Operation> {
    let id = || Content { schema: json!({ "type": "string" }), examples: vec![("id", json!(REFRESH_TOKEN))] };
    vec![
        failing(
            Operation::new(Method::POST, "/vcf/{target}/v1/tokens", "createToken", TAG)
                .about(
                    "Get tokens for an API key, as a client of SDDC Manager does",
                    "The access token is accepted as `Authorization: Bearer` on all routes of this target. It may do what the key may \
                     do at that time, and ends with the key.",
                )
                .takes(Content::of("TokenCreationSpec").example(
                    "password",
                    json!({ "username": "any", "password": "idh_…" }),
                ))
                .answers(Answer::new(StatusCode::CREATED, "The tokens.").json(Content::of("TokenPair").example(
                    "pair",
                    json!({ "accessToken": "eyJ…", "refreshToken": { "id": REFRESH_TOKEN } }),
                ))),
            (StatusCode::UNAUTHORIZED, "The API key is not accepted.", "IDENTITY_UNAUTHORIZED_ENTITY", "unauthenticated"),
        ),
        failing(
            Operation::new(
                Method::PATCH,
                "/vcf/{target}/v1/tokens/access-token/refresh",
                "refreshAccessToken",
                TAG,
            )
            .about("Get a new access token", "The body is the id of the refresh token, as a JSON string or bare.")
            .takes(id())
            .answers(Answer::new(StatusCode::OK, "The access token, as a JSON string.").json(Content {
                schema: json!({ "type": "string" }),
                examples: vec![("token", json!("eyJ…"))],
            })),
            (StatusCode::NOT_FOUND, "The refresh token is unknown, revoked or has expired.", "NOT_FOUND", "not_found"),
        ),
        failing(
            Operation::new(Method::DELETE, "/vcf/{target}/v1/tokens/refresh-token", "revokeRefreshToken", TAG)
                .about(
                    "Revoke a refresh token",
                    "The body is its id, as a JSON string or bare. Needs the key-value store; without one the token stays valid until \
                     it expires, and the response is the same.",
                )
                .takes(id())
                .answers(Answer::new(StatusCode::NO_CONTENT, "The token is not valid (any more).")),
            (StatusCode::FORBIDDEN, "The key may not use this target.", "FORBIDDEN", "forbidden"),
        ),
    ]
}

/// `operation` with its failures in SDDC Manager's form; `own` is its own one: status, meaning, `errorCode`, `errorType`.
fn failing(operation: Operation, own: (StatusCode, &'static str, &'static str, &'static str)) -> Operation {
    let common = [
        (StatusCode::BAD_REQUEST, "The request is not valid.", "REQUEST_INVALID", "request_invalid"),
        (StatusCode::FORBIDDEN, "The key may not use this target.", "FORBIDDEN", "forbidden"),
        (StatusCode::NOT_FOUND, "There is no such target.", "TARGET_NOT_FOUND", "target_not_found"),
        (StatusCode::REQUEST_TIMEOUT, "The body did not arrive in time.", "REQUEST_TIMEOUT", "request_timeout"),
        (StatusCode::PAYLOAD_TOO_LARGE, "The body is too large.", "BODY_TOO_LARGE", "body_too_large"),
        (
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "The body's media type is not supported.",
            "UNSUPPORTED_MEDIA_TYPE",
            "unsupported_media_type",
        ),
        (StatusCode::TOO_MANY_REQUESTS, "The key has sent too many requests.", "RATE_LIMITED", "rate_limited"),
        (StatusCode::INTERNAL_SERVER_ERROR, "idhook is busy or not configured.", "OVERLOADED", "overloaded"),
    ];
    let others = common.into_iter().filter(|(status, ..)| *status != own.0);
    let mut operation = Operation { is_of_gate: true, ..operation };
    for (status, meaning, code, kind) in std::iter::once(own).chain(others) {
        let example = error(code, kind, meaning);
        let answer = Answer::new(status, meaning).json(Content::of("VendorError").example(kind, example));
        operation = operation.answers(match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => answer.headers(&["WWW-Authenticate"]),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::INTERNAL_SERVER_ERROR => answer.headers(&["Retry-After"]),
            _ => answer,
        });
    }
    operation
}

fn error(code: &str, kind: &str, message: &str) -> Value {
    json!({
        "errorCode": code, "errorType": kind, "arguments": [], "message": message, "causes": [],
        "nestedErrors": [], "referenceToken": "4bf92f3577b34da6a3ce929d0e0e4736"
    })
}

//! The doctors of all products.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::operation::{Answer, Content, Operation, flag};

/// The doctor at `path`.
pub(super) fn doctor(path: &'static str, id: &'static str, summary: &'static str) -> Operation {
    let checks = |status, description| {
        Answer::new(status, description).json(Content::of("Diagnosis").example("untrusted", untrusted()))
    };
    Operation::new(Method::GET, path, id, "Diagnosis")
        .about(summary, "Read-only. Checks after a failed one may be `skipped`.")
        .parameter(flag("strict", "Return 503 instead of 200 if a check failed; the document is the same."))
        .parameter(flag(
            "retry",
            "After rejected logins, allow one more login at once: the account was unlocked or corrected.",
        ))
        .answers(checks(StatusCode::OK, "The checks."))
        .answers(checks(StatusCode::SERVICE_UNAVAILABLE, "With strict=true: the checks, one of which failed."))
}

fn untrusted() -> Value {
    json!({
        "ok": false,
        "checks": [
            { "check": "reach", "result": "ok", "detail": "connected", "ms": 12 },
            {
                "check": "tls", "result": "failed", "detail": "the certificate is not trusted",
                "hint": "give the runtime the CA that signed it", "ms": 12
            },
            { "check": "login", "result": "skipped", "detail": "skipped because tls failed", "ms": 0 }
        ]
    })
}

//! The open routes.

use http::{Method, StatusCode};
use idhook::error::ErrorCode;
use serde_json::json;

use crate::operation::{Answer, Content, Operation};

const TAG: &str = "idhook";

pub(super) fn all() -> Vec<Operation> {
    vec![
        Operation::new(Method::GET, "/", "getPage", TAG)
            .about("The web page", "State, a form to try a sync, code to copy. 404 if `page` is `false`.")
            .answers(Answer::new(StatusCode::OK, "The page.").text("text/html").headers(&["ETag"]))
            .versioned()
            .may(&[ErrorCode::RouteNotFound]),
        Operation::new(Method::GET, "/healthz", "getHealth", TAG).about("Check that idhook is running", "").answers(
            Answer::new(StatusCode::OK, "It is.").json(
                Content::of("Alive").example(
                    "alive",
                    json!({ "status": "ok", "name": "idhook", "version": env!("CARGO_PKG_VERSION") }),
                ),
            ),
        ),
        Operation::new(Method::GET, "/readyz", "getReadiness", TAG)
            .about(
                "Check that idhook is configured",
                "If not, `errors` lists each mistake: the variable, the place in it, what is wrong, and the fix.",
            )
            .answers(Answer::new(StatusCode::OK, "The configuration is valid; these are its targets.").json(
                Content::of("Ready").example(
                    "ready",
                    json!({ "status": "ready", "vidm": ["default"], "vcf": ["default"], "fleet": ["default"], "warnings": [
                                { "variable": "vidm_password", "pointer": "", "detail": "is in quotes",
                                  "hint": "remove them unless they belong to it" },
                            ] }),
                ),
            ))
            .may(&[ErrorCode::NotConfigured]),
        Operation::new(Method::GET, "/metrics", "getMetrics", TAG)
            .about(
                "Read the metrics, for Prometheus",
                "Prometheus' text format 0.0.4. With a store the counters are those of all instances; without one, of the instance \
                 that responds.",
            )
            .answers(Answer::new(StatusCode::OK, "The metrics.").text("text/plain"))
            .may(&[ErrorCode::UpstreamBusy]),
        document("/openapi.json", "getOpenApi", "This contract as OpenAPI 3.1"),
        document(
            "/openapi-3.0.json",
            "getOpenApi30",
            "This contract as OpenAPI 3.0, for importers without support for 3.1",
        ),
    ]
}

fn document(path: &'static str, id: &'static str, summary: &'static str) -> Operation {
    let content = Content { schema: json!({ "type": "object" }), examples: Vec::new() };
    Operation::new(Method::GET, path, id, TAG)
        .about(summary, "Compressed if the client accepts gzip.")
        .answers(Answer::new(StatusCode::OK, "The document.").json(content).headers(&["ETag"]))
        .versioned()
}

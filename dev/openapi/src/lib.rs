//! The OpenAPI documents of idhook's HTTP contract, made from its code: routes, scopes, error codes, bounds and schemas are
//! read from the core. Summaries, examples and each route's failures are written beside the route in [`operations`](self); a
//! route without them is an error.
//!
//! `cargo xtask openapi` writes [`files`] into the core, which serves them; a test fails if they are outdated.

use std::path::{Path, PathBuf};

use idhook::error::ErrorCode;
use serde_json::{Map, Value};

mod document;
mod down;
mod operation;
mod operations;
mod problems;

/// The id of the request in examples.
pub const REQUEST_ID: &str = problems::REQUEST_ID;

/// The folder from which the documents are served.
const FOLDER: &str = "../../src/webhook/assets";

/// The contents of each file.
///
/// # Errors
/// Routes and operations that do not match.
pub fn files() -> Result<[(PathBuf, String); 2], String> {
    let document = document::document()?;
    let older = down::to_3_0(&document);
    let place = |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join(FOLDER).join(name);
    Ok([(place("openapi.json"), text(&document)), (place("openapi-3.0.json"), text(&older))])
}

/// An example of a problem with this code, as the webhook returns it. For a code that only functions return it has no `instance`.
#[must_use]
pub fn problem(code: ErrorCode) -> Value {
    problems::problem(code)
}

/// OpenAPI 3.1.
///
/// # Errors
/// Routes and operations that do not match.
pub fn document() -> Result<Value, String> {
    document::document()
}

/// `document` as a file, with its most important parts first.
fn text(document: &Value) -> String {
    const FIRST: [&str; 7] = ["openapi", "info", "servers", "tags", "security", "paths", "components"];
    let mut members = document.as_object().cloned().unwrap_or_default();
    let known = FIRST.iter().filter_map(|name| members.remove_entry(*name)).collect::<Vec<_>>();
    let lines = known.into_iter().chain(members).map(|(name, value)| {
        let member = format!("{:#}", Value::Object(Map::from_iter([(name, value)])));
        member.trim_start_matches("{\n").trim_end_matches("\n}").to_owned()
    });
    format!("{{\n{}\n}}\n", lines.collect::<Vec<_>>().join(",\n"))
}

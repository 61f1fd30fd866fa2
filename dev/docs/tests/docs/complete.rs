//! Every variable, error code, scope, route and log field is described in its page.

use idhook::config::{Scope, VARIABLES, ValueForm};
use idhook::error::ErrorCode;
use idhook::webhook::contract;
use serde_json::Value;

use crate::page;

/// Asserts that `page` has each of `names` in a code span.
#[track_caller]
fn has(page: &str, names: impl IntoIterator<Item = String>) {
    let text = page::at(page).text;
    let missing: Vec<String> = names.into_iter().filter(|name| !text.contains(&format!("`{name}"))).collect();
    assert!(
        missing.is_empty(),
        "{page} lacks {}; add the names to a generated block there, then run cargo xtask docs",
        missing.join(", ")
    );
}

/// Asserts that a heading of `page` has each error code as a word.
#[track_caller]
fn has_headings(page: &str) {
    let headings = page::at(page).headings;
    let is_word = |c: char| !(c.is_ascii_lowercase() || c == '_');
    let has = |code: &str| headings.iter().any(|heading| heading.split(is_word).any(|word| word == code));
    let missing: Vec<&str> = ErrorCode::ALL.iter().map(|code| code.as_str()).filter(|code| !has(code)).collect();
    assert!(missing.is_empty(), "{page} needs a heading with each of these error codes: {}", missing.join(", "));
}

#[test]
fn every_variable_and_scope_is_in_the_configuration_page() {
    let variables = VARIABLES.iter().map(|variable| format!("{}`", variable.name));
    has("docs/reference/configuration.md", variables.chain(Scope::ALL.iter().map(|scope| format!("{scope}`"))));
}

#[test]
fn every_json_variable_has_an_example_that_is_read() {
    let examples: Vec<String> =
        page::all().into_iter().flat_map(|page| page.blocks).filter_map(|block| block.variable).collect();
    for variable in VARIABLES.iter().filter(|variable| variable.form == ValueForm::Json) {
        assert!(
            examples.iter().any(|name| name == variable.name),
            "no page has an example of {0}: add a code block that begins with ```json {0}",
            variable.name
        );
    }
}

#[test]
fn every_error_code_has_cause_and_fix() {
    has_headings("docs/reference/errors.md");
    let text = page::at("docs/reference/errors.md").text;
    for code in ErrorCode::ALL {
        let (_, section) = text.split_once(&format!("\n### {code}\n")).unwrap_or_else(|| panic!("### {code}"));
        let section = section.split("\n### ").next().unwrap();
        for part in ["**Cause.** ", "**Fix.** ", &format!("<!-- generated: error {code}; cargo xtask docs -->")] {
            assert!(section.contains(part), "docs/reference/errors.md, {code}: {part:?} is missing");
        }
    }
}

#[test]
fn every_error_code_is_in_the_runbook() {
    has_headings("docs/operate/runbook.md");
}

#[test]
fn every_route_is_in_the_routes_page() {
    let routes = contract::routes();
    let names = routes
        .iter()
        .flat_map(|route| route.operations.iter().map(|operation| format!("{} {}", operation.method, route.path)));
    has("docs/reference/routes.md", names);
}

#[test]
fn every_log_field_is_in_the_log_page() {
    let schema = contract::log_schema();
    let names = |schema: &Value| schema["properties"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let calls = names(&schema["properties"]["calls"]["items"]);
    has("docs/reference/log.md", names(&schema).into_iter().chain(calls).map(|name| format!("{name}`")));
}

#[test]
fn every_field_has_a_meaning() {
    let mut schemas = contract::variable_schemas();
    schemas.insert("log", contract::log_schema());
    for (name, schema) in schemas {
        for (field, of_field) in schema["properties"].as_object().unwrap() {
            let meaning = of_field["description"].as_str().unwrap_or_default();
            assert!(meaning.ends_with('.'), "{name}, {field}: {meaning:?} is not a sentence; write a doc comment");
        }
    }
}

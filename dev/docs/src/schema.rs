//! Schemas as files and as tables.

use idhook::webhook::contract;
use serde_json::Value;

/// The version of the log's schema: the next one if a field is removed, renamed or changes its type.
const LOG_VERSION: u32 = 1;

/// The schema of a line of the log, as a file.
pub(crate) fn log() -> String {
    let mut schema = contract::log_schema();
    if let Some(members) = schema.as_object_mut() {
        members.insert("$id".to_owned(), format!("urn:idhook:log-{LOG_VERSION}.json").into());
        members.insert("title".to_owned(), "A line of idhook's log".into());
        members.insert("description".to_owned(), "One line for each request. Generated: cargo xtask docs.".into());
    }
    format!("{schema:#}\n")
}

/// The properties of an object's schema.
pub(crate) fn properties(schema: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let properties = schema.get("properties").and_then(Value::as_object);
    properties.into_iter().flatten().map(|(name, schema)| (name.as_str(), schema))
}

/// The property of this name.
pub(crate) fn property<'s>(schema: &'s Value, name: &str) -> Result<&'s Value, String> {
    schema.pointer(&format!("/properties/{name}")).ok_or_else(|| format!("there is no field {name}"))
}

pub(crate) fn is_required(schema: &Value, name: &str) -> bool {
    schema.get("required").and_then(Value::as_array).is_some_and(|names| names.iter().any(|one| one == name))
}

/// The meaning of a field, in one line.
pub(crate) fn meaning(schema: &Value) -> String {
    let description = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    let lines = description.lines().map(str::trim).filter(|line| !line.is_empty());
    let (words, text): (Vec<_>, Vec<_>) = lines.partition(|line| line.starts_with("* "));
    let words = words.iter().map(|word| word.trim_start_matches("* ").trim_end_matches('.')).collect::<Vec<_>>();
    match words.as_slice() {
        [] => text.join(" "),
        words => format!("{} {}.", text.join(" "), words.join("; ")),
    }
}

/// The type of a field, in a word or two.
pub(crate) fn kind(schema: &Value) -> String {
    let word = |kind: &str| {
        match kind {
            "string" => "text",
            "integer" => "number",
            "boolean" => "true, false",
            "array" => "list",
            other => other,
        }
        .to_owned()
    };
    match schema.get("type") {
        Some(Value::String(kind)) if kind == "array" => match schema.pointer("/items/type").and_then(Value::as_str) {
            Some("string") => "list of texts".to_owned(),
            Some("object") => "list of objects".to_owned(),
            _ => word(kind),
        },
        Some(Value::String(kind)) => word(kind),
        Some(Value::Array(kinds)) => {
            let kinds = kinds.iter().filter_map(Value::as_str);
            kinds.map(word).collect::<Vec<_>>().join(" or ")
        }
        _ => "any".to_owned(),
    }
}

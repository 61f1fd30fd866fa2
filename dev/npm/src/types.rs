//! TypeScript of the data types, from their schemas: JSON Schema in the words that `idhook::webhook::contract` uses. An
//! unknown word is an error, so that no type is wrong.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use serde_json::{Map, Value};

/// Words that have no equivalent in TypeScript.
const SILENT: [&str; 8] = ["description", "examples", "default", "format", "title", "minimum", "maximum", "required"];

/// All of `schemas` as exported types.
pub(crate) fn declarations(schemas: &BTreeMap<String, Value>) -> Result<String> {
    let mut text = String::new();
    for (name, schema) in schemas {
        let fields = schema.as_object().with_context(|| format!("{name} is no object"))?;
        let declared = match fields.contains_key("properties") {
            true => body(fields, "").map(|body| format!("export interface {name} {body}\n")),
            false => of(schema, "").map(|kind| format!("export type {name} = {kind};\n")),
        };
        text.push('\n');
        text.push_str(&comment(fields, ""));
        text.push_str(&declared.with_context(|| name.clone())?);
    }
    Ok(text)
}

/// A schema as a type; what takes several lines is indented by `margin`.
fn of(schema: &Value, margin: &str) -> Result<String> {
    let fields = match schema {
        Value::Bool(true) => return Ok("unknown".to_owned()),
        Value::Object(fields) => fields,
        other => bail!("{other} is no schema that is known here"),
    };
    if let Some(target) = fields.get("$ref").and_then(Value::as_str) {
        return Ok(target.rsplit('/').next().unwrap_or(target).to_owned());
    }
    if let Some(words) = fields.get("enum").and_then(Value::as_array) {
        return Ok(words.iter().map(Value::to_string).collect::<Vec<_>>().join(" | "));
    }
    if let Some(word) = fields.get("const") {
        return Ok(word.to_string());
    }
    if let Some(kinds) = fields.get("anyOf").and_then(Value::as_array) {
        return Ok(kinds.iter().map(|kind| of(kind, margin)).collect::<Result<Vec<_>>>()?.join(" | "));
    }
    match fields.get("type") {
        Some(Value::String(kind)) => named(kind, fields, margin),
        Some(Value::Array(kinds)) => {
            let kinds = kinds.iter().map(|kind| named(kind.as_str().unwrap_or_default(), fields, margin));
            Ok(kinds.collect::<Result<Vec<_>>>()?.join(" | "))
        }
        _ => match fields.keys().find(|word| !SILENT.contains(&word.as_str())) {
            Some(word) => bail!("{word} is not known here"),
            None => Ok("unknown".to_owned()),
        },
    }
}

fn named(kind: &str, fields: &Map<String, Value>, margin: &str) -> Result<String> {
    Ok(match kind {
        "string" | "boolean" | "null" => kind.to_owned(),
        "integer" | "number" => "number".to_owned(),
        "array" => {
            let item = of(fields.get("items").unwrap_or(&Value::Bool(true)), margin)?;
            if item.contains([' ', '\n']) { format!("({item})[]") } else { format!("{item}[]") }
        }
        "object" if fields.contains_key("properties") => body(fields, margin)?,
        "object" => {
            let values = of(fields.get("additionalProperties").unwrap_or(&Value::Bool(true)), margin)?;
            format!("Record<string, {values}>")
        }
        other => bail!("the type {other} is not known here"),
    })
}

/// The fields of an object, in braces.
fn body(fields: &Map<String, Value>, margin: &str) -> Result<String> {
    let required: Vec<_> = fields.get("required").and_then(Value::as_array).into_iter().flatten().collect();
    let inner = format!("{margin}  ");
    let mut text = "{\n".to_owned();
    for (name, schema) in fields.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let optional = if required.iter().any(|one| *one == name) { "" } else { "?" };
        let kind = of(schema, &inner).with_context(|| name.clone())?;
        if let Value::Object(fields) = schema {
            text.push_str(&comment(fields, &inner));
        }
        text.push_str(&format!("{inner}{name}{optional}: {kind};\n"));
    }
    match fields.get("additionalProperties") {
        None | Some(Value::Bool(false)) => {}
        // Further fields may have other types than the known ones.
        Some(_) => text.push_str(&format!("{inner}[name: string]: unknown;\n")),
    }
    text.push_str(&format!("{margin}}}"));
    Ok(text)
}

/// The description, as TSDoc.
fn comment(fields: &Map<String, Value>, margin: &str) -> String {
    let Some(text) = fields.get("description").and_then(Value::as_str) else { return String::new() };
    let text = text.replace("*/", "*\\/");
    match text.contains('\n') {
        false => format!("{margin}/** {text} */\n"),
        true => {
            let lines = text.lines().map(|line| format!("{margin} * {line}").trim_end().to_owned() + "\n");
            format!("{margin}/**\n{}{margin} */\n", lines.collect::<String>())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn declared(schema: Value) -> Result<String> {
        declarations(&BTreeMap::from([("T".to_owned(), schema)]))
    }

    #[test]
    fn each_word_of_a_schema_has_its_type() {
        for (schema, kind) in [
            (json!({ "type": "string", "format": "date-time" }), "string"),
            (json!({ "type": ["integer", "null"] }), "number | null"),
            (json!({ "type": "string", "enum": ["a", "b"] }), r#""a" | "b""#),
            (json!({ "const": 1 }), "1"),
            (json!({ "$ref": "#/components/schemas/Other" }), "Other"),
            (json!({ "anyOf": [{ "type": "boolean" }, { "$ref": "#/o/O" }] }), "boolean | O"),
            (json!({ "type": "array", "items": { "type": ["string", "null"] } }), "(string | null)[]"),
            (json!({ "type": "array", "items": true }), "unknown[]"),
            (json!({ "type": "object", "additionalProperties": { "type": "string" } }), "Record<string, string>"),
            (json!({ "description": "Anything." }), "unknown"),
        ] {
            let text = declared(schema.clone()).unwrap();
            assert!(text.ends_with(&format!("export type T = {kind};\n")), "{schema}: {text}");
        }
        for unknown in [json!({ "oneOf": [] }), json!({ "type": "text" }), json!({ "type": "array", "items": 1 })] {
            assert!(declared(unknown.clone()).is_err(), "{unknown}");
        }
    }

    #[test]
    fn an_object_is_an_interface_with_what_is_written_beside_it() {
        let schema = json!({
            "description": "One.\n* `a`: a list", "type": "object", "required": ["a"], "additionalProperties": true,
            "properties": { "a": { "type": "string", "description": "Its */ end." }, "b": { "type": "number" } }
        });
        let wanted = "\n/**\n * One.\n * * `a`: a list\n */\nexport interface T {\n  /** Its *\\/ end. */\n  a: string;\n  \
                      b?: number;\n  [name: string]: unknown;\n}\n";
        assert_eq!(declared(schema).unwrap(), wanted);
    }
}

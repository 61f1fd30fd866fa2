//! Dataclasses for the documents, from their schemas: JSON Schema in the words that `idhook::webhook::contract` uses. A word that is
//! not known here is an error, so that no type is wrong.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use serde_json::{Map, Value};

/// The schemas that have no dataclass: arguments of functions, what the exception has as its own fields, and what only the
/// webhook returns.
const LEFT_OUT: [&str; 11] = [
    "DirectoryFilter",
    "ErrorCause",
    "ErrorCode",
    "FleetDirectoryFilter",
    "FleetSettings",
    "Problem",
    "SyncOrder",
    "Timeouts",
    "VcfSettings",
    "VendorNames",
    "VidmSettings",
];

const HEAD: &str =
    "\"\"\"The documents that the functions take and return. Made from the code by `cargo xtask python`.\"\"\"

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
";

/// The text of `_types.py`.
pub(crate) fn module(schemas: &BTreeMap<String, Value>) -> Result<String> {
    let wanted: Vec<_> = schemas.iter().filter(|(name, _)| !LEFT_OUT.contains(&name.as_str())).collect();
    let (mut aliases, mut classes, mut names) = (String::new(), String::new(), Vec::new());
    for (name, schema) in wanted {
        let fields = schema.as_object().with_context(|| format!("{name} is no object"))?;
        if fields.contains_key("properties") {
            classes.push_str(&class(name, fields).with_context(|| name.clone())?);
        } else if is_one_or_many(schema) {
            continue;
        } else {
            let kind = of(schema, schemas).with_context(|| name.clone())?;
            aliases.push_str(&format!("{name} = {kind}\n{}", docstring(fields, "")));
        }
        names.push(name.as_str());
    }
    let mut all = String::from("\n__all__ = [\n");
    names.iter().for_each(|name| all.push_str(&format!("    \"{name}\",\n")));
    // The classes are made before the annotations that name them are read.
    let classes = classes.replace("IdentityProviderDirectories", "list[IdentityProviderDirectory]");
    // An alias is evaluated at once and may name a class; a class names aliases in annotations, which are evaluated later.
    Ok(format!("{HEAD}{all}]\n{classes}\n\n{aliases}"))
}

/// The vendor's "one object, or a list of them", which is always a list here.
fn is_one_or_many(schema: &Value) -> bool {
    schema.pointer("/anyOf/1/type").is_some_and(|kind| kind == "array")
}

fn class(name: &str, fields: &Map<String, Value>) -> Result<String> {
    let required: Vec<_> = fields.get("required").and_then(Value::as_array).into_iter().flatten().collect();
    let mut text = format!("\n\n@dataclass(frozen=True, kw_only=True)\nclass {name}:\n{}", docstring(fields, "    "));
    for (key, schema) in fields.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let (own, is_regular) = snake(key);
        let mut kind = of(schema, &BTreeMap::new()).with_context(|| key.clone())?;
        let is_required = required.iter().any(|one| *one == key);
        if !is_required && kind != "Any" && !kind.ends_with("| None") {
            kind.push_str(" | None");
        }
        let mut options = Vec::new();
        if !is_required {
            options.push("default=None".to_owned());
        }
        if schema.get("format").is_some_and(|format| format == "password") {
            options.push("repr=False".to_owned());
        }
        if !is_regular {
            options.push(format!("metadata={{\"json\": \"{key}\"}}"));
        }
        let value = match options.as_slice() {
            [] => String::new(),
            [one] if one == "default=None" => " = None".to_owned(),
            _ => format!(" = field({})", options.join(", ")),
        };
        text.push_str(&format!("    {own}: {kind}{value}\n"));
        if let Value::Object(fields) = schema {
            text.push_str(&docstring(fields, "    "));
        }
    }
    if !matches!(fields.get("additionalProperties"), None | Some(Value::Bool(false))) {
        text.push_str("    extra: Mapping[str, Any] = field(default_factory=dict)\n    \"\"\"Further fields, under the vendor's names.\"\"\"\n");
    }
    Ok(text)
}

/// A schema as a type.
fn of(schema: &Value, schemas: &BTreeMap<String, Value>) -> Result<String> {
    let fields = match schema {
        Value::Bool(true) => return Ok("Any".to_owned()),
        Value::Object(fields) => fields,
        other => bail!("{other} is no schema that is known here"),
    };
    if let Some(target) = fields.get("$ref").and_then(Value::as_str) {
        return Ok(target.rsplit('/').next().unwrap_or(target).to_owned());
    }
    if let Some(words) = fields.get("enum").and_then(Value::as_array) {
        return Ok(format!("Literal[{}]", words.iter().map(Value::to_string).collect::<Vec<_>>().join(", ")));
    }
    if let Some(kinds) = fields.get("anyOf").and_then(Value::as_array) {
        return Ok(kinds.iter().map(|kind| of(kind, schemas)).collect::<Result<Vec<_>>>()?.join(" | "));
    }
    match fields.get("type") {
        Some(Value::String(kind)) => named(kind, fields, schemas),
        Some(Value::Array(kinds)) => {
            let kinds = kinds.iter().map(|kind| named(kind.as_str().unwrap_or_default(), fields, schemas));
            Ok(kinds.collect::<Result<Vec<_>>>()?.join(" | "))
        }
        _ => Ok("Any".to_owned()),
    }
}

fn named(kind: &str, fields: &Map<String, Value>, schemas: &BTreeMap<String, Value>) -> Result<String> {
    Ok(match kind {
        "string" => "str".to_owned(),
        "boolean" => "bool".to_owned(),
        "null" => "None".to_owned(),
        "integer" => "int".to_owned(),
        "number" => "float".to_owned(),
        "array" => format!("list[{}]", of(fields.get("items").unwrap_or(&Value::Bool(true)), schemas)?),
        "object" if !fields.contains_key("properties") => {
            format!("dict[str, {}]", of(fields.get("additionalProperties").unwrap_or(&Value::Bool(true)), schemas)?)
        }
        other => bail!("the type {other} is not known here"),
    })
}

/// A name in snake case, and whether the reader gets the JSON name from it by its rule.
fn snake(key: &str) -> (String, bool) {
    let mut own = String::new();
    let mut after_capital = false;
    for c in key.chars() {
        if c.is_ascii_uppercase() && !after_capital && !own.is_empty() {
            own.push('_');
        }
        after_capital = c.is_ascii_uppercase();
        own.push(c.to_ascii_lowercase());
    }
    if own == "from" {
        return ("from_".to_owned(), false);
    }
    let mut camel = String::new();
    let mut capital = false;
    for c in own.chars() {
        match c {
            '_' => capital = true,
            c => camel.push(if std::mem::take(&mut capital) { c.to_ascii_uppercase() } else { c }),
        }
    }
    let is_regular = camel == key;
    (own, is_regular)
}

/// The description of a class or field. An attribute's docstring stands below it.
fn docstring(fields: &Map<String, Value>, margin: &str) -> String {
    let Some(text) = fields.get("description").and_then(Value::as_str) else { return String::new() };
    let text = text.replace('\\', "\\\\").replace("\"\"\"", "'''").replace('\n', &format!("\n{margin}"));
    // A quotation mark before the closing ones would be one of them.
    let end = if text.ends_with('"') { " " } else { "" };
    let text = text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    format!("{margin}\"\"\"{text}{end}\"\"\"\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_schema_becomes_a_dataclass() {
        let schema = json!({
            "description": "One.", "type": "object", "required": ["id"], "additionalProperties": true,
            "properties": {
                "id": { "type": "string", "description": "Its \\ id." },
                "password": { "type": "string", "format": "password" },
                "syncTTL": { "type": ["integer", "null"] },
                "from": true,
                "others": { "type": "array", "items": { "$ref": "#/components/schemas/Other" } },
            }
        });
        let text = module(&BTreeMap::from([("T".to_owned(), schema)])).unwrap();
        for line in [
            "class T:",
            "    id: str",
            "    \"\"\"Its \\\\ id.\"\"\"",
            "    password: str | None = field(default=None, repr=False)",
            "    sync_ttl: int | None = field(default=None, metadata={\"json\": \"syncTTL\"})",
            "    from_: Any = field(default=None, metadata={\"json\": \"from\"})",
            "    others: list[Other] | None = None",
            "    extra: Mapping[str, Any] = field(default_factory=dict)",
        ] {
            assert!(text.lines().any(|one| one == line), "{line}: {text}");
        }
        assert!(module(&BTreeMap::from([("T".to_owned(), json!({ "type": "text" }))])).is_err());
    }
}

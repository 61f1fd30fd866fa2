//! Converts OpenAPI 3.1 to 3.0.3 (<https://spec.openapis.org/oas/v3.0.3>), as far as the generator uses it: importers such
//! as Orchestrator's HTTP-REST plug-in do not accept 3.1.

use serde_json::{Map, Value, json};

/// `document` as OpenAPI 3.0.3.
pub(crate) fn to_3_0(document: &Value) -> Value {
    let mut older = document.clone();
    if let Some(members) = older.as_object_mut() {
        members.insert("openapi".to_owned(), json!("3.0.3"));
    }
    if let Some(info) = older.get_mut("info").and_then(Value::as_object_mut) {
        info.remove("summary");
        if let Some(license) = info.get_mut("license").and_then(Value::as_object_mut)
            && let Some(Value::String(spdx)) = license.remove("identifier")
        {
            license.insert("url".to_owned(), json!(format!("https://spdx.org/licenses/{spdx}.html")));
        }
    }
    walk(&mut older);
    older
}

/// Finds the schemas by their possible places. Examples are skipped.
fn walk(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(walk),
        Value::Object(members) => {
            for (name, member) in members {
                match (name.as_str(), member) {
                    ("schema", member) => schema(member),
                    ("schemas", Value::Object(schemas)) => schemas.values_mut().for_each(schema),
                    ("example" | "examples", _) => {}
                    // In 3.0 only OAuth has names of roles.
                    ("security", Value::Array(alternatives)) => alternatives.iter_mut().for_each(without_roles),
                    (_, member) => walk(member),
                }
            }
        }
        _ => {}
    }
}

fn without_roles(requirement: &mut Value) {
    for roles in requirement.as_object_mut().into_iter().flat_map(Map::values_mut) {
        *roles = json!([]);
    }
}

fn schema(value: &mut Value) {
    // In 3.0 an empty object stands for the schema that allows everything.
    if *value == json!(true) {
        *value = json!({});
    }
    let Value::Object(members) = value else { return };
    for (name, member) in members.iter_mut() {
        match (name.as_str(), member) {
            ("properties", Value::Object(properties)) => properties.values_mut().for_each(schema),
            ("items" | "additionalProperties" | "not", member) => keep_flag(member),
            ("allOf" | "anyOf" | "oneOf", Value::Array(all)) => all.iter_mut().for_each(schema),
            _ => {}
        }
    }
    let nullable = kinds(members);
    if let Some(Value::Array(examples)) = members.remove("examples")
        && let Some(first) = examples.into_iter().next()
    {
        members.insert("example".to_owned(), first);
    }
    for (bound, flag) in [("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")] {
        if let Some(limit) = members.remove(flag) {
            members.insert(bound.to_owned(), limit);
            members.insert(flag.to_owned(), json!(true));
        }
    }
    if nullable {
        members.insert("nullable".to_owned(), json!(true));
    }
    // In 3.0 a reference hides its siblings.
    if members.len() > 1
        && let Some(target) = members.remove("$ref")
    {
        members.insert("allOf".to_owned(), json!([{ "$ref": target }]));
    }
}

/// `additionalProperties` may be a boolean in both versions.
fn keep_flag(member: &mut Value) {
    if !member.is_boolean() {
        schema(member);
    }
}

/// Reduces a list of types to one; returns whether null was among them. 3.0 has no type null: a nullable object whose only
/// value is null takes its place.
fn kinds(members: &mut Map<String, Value>) -> bool {
    if members.get("type").is_some_and(|kind| kind == "null") {
        members.insert("type".to_owned(), json!("object"));
        members.insert("enum".to_owned(), json!([null]));
        return true;
    }
    let Some(Value::Array(kinds)) = members.get("type").cloned() else { return false };
    let (null, others): (Vec<_>, Vec<_>) = kinds.into_iter().partition(|kind| kind == "null");
    members.remove("type");
    match others.as_slice() {
        [] => {}
        [one] => drop(members.insert("type".to_owned(), one.clone())),
        many => {
            let many: Vec<_> = many.iter().map(|kind| json!({ "type": kind })).collect();
            members.insert("anyOf".to_owned(), many.into());
        }
    }
    !null.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn becomes(newer: Value, older: &Value) {
        let mut value = newer;
        schema(&mut value);
        assert_eq!(value, *older);
    }

    #[test]
    fn null_is_written_as_a_flag() {
        becomes(json!({ "type": ["string", "null"] }), &json!({ "type": "string", "nullable": true }));
        becomes(
            json!({ "type": ["string", "integer", "null"] }),
            &json!({ "anyOf": [{ "type": "string" }, { "type": "integer" }], "nullable": true }),
        );
    }

    #[test]
    fn reference_or_null_keeps_both() {
        becomes(
            json!({ "anyOf": [{ "$ref": "#/x" }, { "type": "null" }] }),
            &json!({ "anyOf": [{ "$ref": "#/x" }, { "type": "object", "enum": [null], "nullable": true }] }),
        );
    }

    #[test]
    fn newer_keywords_are_replaced() {
        becomes(json!({ "type": "string", "examples": ["a", "b"] }), &json!({ "type": "string", "example": "a" }));
        becomes(json!({ "exclusiveMinimum": 0 }), &json!({ "minimum": 0, "exclusiveMinimum": true }));
        becomes(
            json!({ "$ref": "#/x", "description": "d" }),
            &json!({ "allOf": [{ "$ref": "#/x" }], "description": "d" }),
        );
        becomes(json!({ "$ref": "#/x" }), &json!({ "$ref": "#/x" }));
    }

    #[test]
    fn schemas_are_found_at_any_depth() {
        becomes(
            json!({ "properties": { "type": { "items": { "examples": [1] } }, "any": true }, "additionalProperties": true }),
            &json!({ "properties": { "type": { "items": { "example": 1 } }, "any": {} }, "additionalProperties": true }),
        );
        becomes(
            json!({ "additionalProperties": { "type": ["integer", "null"] } }),
            &json!({ "additionalProperties": { "type": "integer", "nullable": true } }),
        );
    }

    #[test]
    fn rest_of_a_document_is_unchanged() {
        let newer = json!({
            "openapi": "3.1.1",
            "info": { "title": "t", "summary": "s", "license": { "name": "n", "identifier": "MIT" } },
            "paths": { "/a": { "get": {
                "security": [{ "bearer": ["read"] }],
                "responses": { "200": { "content": { "x": {
                    "schema": { "exclusiveMinimum": 1 },
                    "examples": { "one": { "value": { "schema": { "exclusiveMinimum": 1 } } } }
                } } } }
            } } }
        });
        let older = json!({
            "openapi": "3.0.3",
            "info": { "title": "t", "license": { "name": "n", "url": "https://spdx.org/licenses/MIT.html" } },
            "paths": { "/a": { "get": {
                "security": [{ "bearer": [] }],
                "responses": { "200": { "content": { "x": {
                    "schema": { "minimum": 1, "exclusiveMinimum": true },
                    "examples": { "one": { "value": { "schema": { "exclusiveMinimum": 1 } } } }
                } } } }
            } } }
        });
        assert_eq!(to_3_0(&newer), older);
    }
}

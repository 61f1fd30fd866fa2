//! Whether a value is what a schema of the document says. As much of JSON Schema (2020-12) as the generator uses; a word that
//! is not known here is a fault itself, so nothing is passed over.

use serde_json::{Map, Value};

/// What says nothing of a value's form.
const SILENT: [&str; 5] = ["description", "examples", "default", "format", "title"];

/// Everything in `value` that `schema` does not allow, each with its place; `document` is where references lead.
#[must_use]
pub fn faults(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut check = Check { document, faults: Vec::new() };
    check.value(schema, value, "");
    check.faults
}

struct Check<'d> {
    document: &'d Value,
    faults: Vec<String>,
}

impl Check<'_> {
    fn value(&mut self, schema: &Value, value: &Value, at: &str) {
        let Value::Object(words) = schema else {
            if *schema != Value::Bool(true) {
                self.fault(at, "nothing is allowed here");
            }
            return;
        };
        for (word, told) in words {
            match word.as_str() {
                "$ref" => {
                    match told.as_str().and_then(|target| self.document.pointer(target.trim_start_matches('#'))) {
                        Some(target) => self.value(target, value, at),
                        None => self.fault(at, &format!("{told} leads nowhere")),
                    }
                }
                "type" => {
                    let is_one = match told {
                        Value::Array(kinds) => kinds.iter().any(|kind| is(kind, value)),
                        kind => is(kind, value),
                    };
                    self.require(is_one, at, &format!("is not of type {told}"));
                }
                "const" => self.require(told == value, at, &format!("is not {told}")),
                "enum" => self.require(all(told).any(|one| one == value), at, &format!("is none of {told}")),
                "minimum" => self.require(!less(value, told), at, &format!("is less than {told}")),
                "maximum" => self.require(!less(told, value), at, &format!("is more than {told}")),
                "minLength" => {
                    let length = value.as_str().map(|text| text.chars().count().into());
                    self.require(!length.is_some_and(|length| less(&length, told)), at, "is too short");
                }
                "required" => {
                    let lacks =
                        |name: &&Value| value.is_object() && name.as_str().is_none_or(|name| value.get(name).is_none());
                    all(told).filter(lacks).for_each(|name| self.fault(at, &format!("{name} is missing")));
                }
                "properties" => {
                    for (name, schema) in told.as_object().into_iter().flatten() {
                        if let Some(value) = value.get(name) {
                            self.value(schema, value, &format!("{at}/{name}"));
                        }
                    }
                }
                "additionalProperties" => self.others(words, told, value, at),
                "items" => {
                    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.value(told, item, &format!("{at}/{index}"));
                    }
                }
                "allOf" => all(told).for_each(|one| self.value(one, value, at)),
                "anyOf" | "oneOf" => {
                    let fitting = all(told).filter(|one| faults(self.document, one, value).is_empty()).count();
                    let fits = if word == "anyOf" { fitting > 0 } else { fitting == 1 };
                    self.require(fits, at, &format!("fits {fitting} of {word}"));
                }
                word if SILENT.contains(&word) => {}
                word => self.fault(at, &format!("the schema says {word}, which is not understood here")),
            }
        }
    }

    fn others(&mut self, words: &Map<String, Value>, schema: &Value, value: &Value, at: &str) {
        for (name, value) in value.as_object().into_iter().flatten() {
            if words.get("properties").and_then(|known| known.get(name)).is_none() {
                self.value(schema, value, &format!("{at}/{name}"));
            }
        }
    }

    fn require(&mut self, holds: bool, at: &str, otherwise: &str) {
        if !holds {
            self.fault(at, otherwise);
        }
    }

    fn fault(&mut self, at: &str, what: &str) {
        self.faults.push(format!("{at}: {what}"));
    }
}

fn all(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn is(kind: &Value, value: &Value) -> bool {
    match kind.as_str() {
        Some("null") => value.is_null(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("string") => value.is_string(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        _ => false,
    }
}

fn less(one: &Value, other: &Value) -> bool {
    one.as_f64().zip(other.as_f64()).is_some_and(|(one, other)| one < other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_word_can_be_broken() {
        let document = json!({ "components": { "text": { "type": "string" } } });
        for (schema, good, bad) in [
            (json!({ "$ref": "#/components/text" }), json!("a"), json!(1)),
            (json!({ "type": ["integer", "null"] }), json!(null), json!(1.5)),
            (json!({ "const": 1 }), json!(1), json!(2)),
            (json!({ "enum": ["a", "b"] }), json!("b"), json!("c")),
            (json!({ "minimum": 0 }), json!(0), json!(-1)),
            (json!({ "maximum": 3 }), json!(3), json!(4)),
            (json!({ "minLength": 1 }), json!("ä"), json!("")),
            (json!({ "required": ["a"] }), json!({ "a": null }), json!({ "b": 1 })),
            (json!({ "properties": { "a": { "type": "array" } } }), json!({ "b": 1 }), json!({ "a": 1 })),
            (
                json!({ "properties": { "a": true }, "additionalProperties": { "type": "string" } }),
                json!({ "a": 1, "b": "x" }),
                json!({ "b": 1 }),
            ),
            (json!({ "properties": {}, "additionalProperties": false }), json!({}), json!({ "b": 1 })),
            (json!({ "items": { "type": "boolean" } }), json!([true]), json!([true, 1])),
            (json!({ "allOf": [{ "minimum": 1 }, { "maximum": 1 }] }), json!(1), json!(2)),
            (json!({ "anyOf": [{ "const": 1 }, { "type": "integer" }] }), json!(1), json!("a")),
            (json!({ "oneOf": [{ "const": 1 }, { "type": "integer" }] }), json!(2), json!(1)),
            (json!(true), json!(1), json!(null)),
        ] {
            assert_eq!(faults(&document, &schema, &good), [""; 0], "{schema} {good}");
            assert!(schema == true || !faults(&document, &schema, &bad).is_empty(), "{schema} {bad}");
        }
        for unknown in [json!({ "pattern": "a" }), json!({ "$ref": "#/nowhere" }), json!({ "type": "text" })] {
            assert!(!faults(&document, &unknown, &json!("a")).is_empty(), "{unknown}");
        }
    }
}

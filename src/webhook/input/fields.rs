//! Fields in the forms that callers send; all faults are reported at once.

use std::fmt;

use serde::de::{DeserializeOwned, Deserializer, Error as _, SeqAccess, Visitor};
use serde::{Deserialize, de};
use serde_json::Value;

use super::json;
use super::placeholder;
use crate::error::FieldError;
use crate::template::is_unfilled;

/// The longest text, in bytes; the same limit as for names in the path.
const MAX_TEXT: usize = 2048;

/// `value` as `T`, or everything in it that is wrong.
pub(super) fn read<T: DeserializeOwned>(value: Value) -> Result<T, Vec<FieldError>> {
    crate::json::read_all(value, &[placeholder::DETAIL])
        .map_err(|faults| faults.into_iter().map(FieldError::from).collect())
}

/// The boolean that a text stands for.
pub(super) fn flag_word(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" => Some(true),
        "false" | "0" | "no" | "" => Some(false),
        _ => None,
    }
}

/// The value in a list of one, which some callers' templates produce.
fn lone(value: Value) -> Result<Value, String> {
    let value = match value {
        Value::Array(mut items) if items.len() == 1 => items.pop().unwrap_or_default(),
        value => value,
    };
    match &value {
        Value::String(text) if is_unfilled(text) => Err(placeholder::DETAIL.to_owned()),
        _ => Ok(value),
    }
}

/// A boolean as callers send it: `true`, `"true"`, `"false"`, `1`, null, or a list of one of these; for
/// `#[serde(deserialize_with)]`.
pub(in crate::webhook) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let flag = match lone(Value::deserialize(deserializer)?).map_err(D::Error::custom)? {
        Value::Bool(flag) => Some(flag),
        Value::Null => Some(false),
        Value::String(word) => flag_word(&word),
        Value::Number(number) => flag_word(&number.to_string()),
        Value::Array(_) | Value::Object(_) => None,
    };
    flag.ok_or_else(|| D::Error::custom("something else, expected true or false"))
}

/// A name: alone, in a list of one, or null. For `#[serde(deserialize_with)]`.
pub(in crate::webhook) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    text_of(Value::deserialize(deserializer)?).map_err(D::Error::custom)
}

fn text_of(value: Value) -> Result<Option<String>, String> {
    match lone(value)? {
        Value::Null => Ok(None),
        Value::String(text) if text.trim().chars().any(char::is_control) => {
            Err("something else, expected a string without control characters (in JSON \\n, \\t, \\b, \\f and \\r are such: write \
                 a backslash as two)"
                .to_owned())
        }
        Value::String(text) if text.len() > MAX_TEXT => {
            Err(format!("something else, expected a string of at most {MAX_TEXT} bytes"))
        }
        Value::String(text) => Ok(Some(text)),
        _ => Err("something else, expected a string".to_owned()),
    }
}

/// A list of strings as callers send it: a list, one string, a string with a JSON list (Aria's custom properties are strings
/// only), null. A blank one keeps its place. For `#[serde(deserialize_with)]`.
pub(in crate::webhook) fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    deserializer.deserialize_any(Texts)
}

struct Texts;

#[derive(Deserialize)]
struct Text(#[serde(deserialize_with = "text")] Option<String>);

impl<'de> Visitor<'de> for Texts {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of strings")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_str<E: de::Error>(self, one: &str) -> Result<Self::Value, E> {
        if is_unfilled(one) {
            return Err(E::custom(placeholder::DETAIL));
        }
        if one.trim_start().starts_with('[') {
            let Ok(Value::Array(list)) = json::parse(one.as_bytes()) else {
                return Err(E::custom("something else, expected a JSON list of strings in double quotes (\")"));
            };
            let list: Result<Vec<_>, _> = list.into_iter().map(text_of).collect();
            return Ok(list.map_err(E::custom)?.into_iter().map(Option::unwrap_or_default).collect());
        }
        let one = text_of(Value::String(one.to_owned())).map_err(E::custom)?;
        Ok(one.into_iter().collect())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut texts = Vec::new();
        while let Some(Text(text)) = list.next_element()? {
            texts.push(text.unwrap_or_default());
        }
        Ok(texts)
    }
}

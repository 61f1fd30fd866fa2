//! Fields as callers write them, and all that is wrong with them at once.

use std::fmt;

use serde::de::{DeserializeOwned, Deserializer, Error as _, SeqAccess, Visitor};
use serde::{Deserialize, de};
use serde_json::Value;

use super::json;
use super::placeholder::{self, is_unresolved};
use crate::error::FieldError;
use crate::typed::{self, Misfit};

/// The longest text, in bytes; as much as a name in the path may have.
const MAX_TEXT: usize = 2048;

/// The most attempts at reading; each takes a wrong field out.
const MAX_ATTEMPTS: usize = 2 * super::MAX_ERRORS;

/// `value` as `T`, or everything in it that is wrong: each wrong thing is noted, taken out, and the rest is read again.
pub(super) fn read<T: DeserializeOwned>(mut value: Value) -> Result<T, Vec<FieldError>> {
    let mut errors: Vec<FieldError> = Vec::new();
    for _ in 0..MAX_ATTEMPTS {
        let misfit = match typed::read(&value) {
            Ok(read) if errors.is_empty() => return Ok(read),
            Ok(_) => break,
            Err(misfit) => misfit,
        };
        if !take_out(&mut value, &misfit, &mut errors) {
            break;
        }
    }
    Err(errors)
}

/// Notes what does not fit and takes it out; whether there is something left to read.
fn take_out(value: &mut Value, misfit: &Misfit, errors: &mut Vec<FieldError>) -> bool {
    let mut pointer = misfit.pointer();
    let mut stand_in = Value::Null;
    if errors.iter().all(|error| error.pointer != pointer) {
        errors.push(FieldError::new(pointer.clone(), expectation(misfit.said())));
    } else if value.pointer(&pointer).is_some_and(Value::is_null) {
        // It is missed where it stood: in a list of texts there is no null.
        stand_in = Value::String(String::new());
    } else {
        // Nothing goes there; then what holds it has to go.
        pointer.truncate(pointer.rfind('/').unwrap_or_default());
    }
    match value.pointer_mut(&pointer) {
        Some(wrong) if !pointer.is_empty() => *wrong = stand_in,
        _ => return false,
    }
    true
}

/// serde's words without the value it quotes: that may be a password in the wrong place.
fn expectation(said: &str) -> String {
    match said.rsplit_once("expected ") {
        Some((_, expected)) => format!("is of the wrong kind: expected {expected}"),
        None if said.starts_with("missing field") || said.starts_with("duplicate field") => said.to_owned(),
        None if said == placeholder::DETAIL => said.to_owned(),
        None => "is of the wrong kind".to_owned(),
    }
}

/// `true` and `false` as they are written.
pub(super) fn flag_word(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" => Some(true),
        "false" | "0" | "no" | "" => Some(false),
        _ => None,
    }
}

/// One value, out of the list of one that some callers' templates make of it.
fn lone(value: Value) -> Result<Value, String> {
    let value = match value {
        Value::Array(mut items) if items.len() == 1 => items.pop().unwrap_or_default(),
        value => value,
    };
    match &value {
        Value::String(text) if is_unresolved(text) => Err(placeholder::DETAIL.to_owned()),
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

/// A text that names something: alone, in a list of one, or null. For `#[serde(deserialize_with)]`.
pub(in crate::webhook) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    text_of(Value::deserialize(deserializer)?).map_err(D::Error::custom)
}

fn text_of(value: Value) -> Result<Option<String>, String> {
    match lone(value)? {
        Value::Null => Ok(None),
        Value::String(text) if text.trim().chars().any(char::is_control) => {
            Err("something else, expected a text without control characters".to_owned())
        }
        Value::String(text) if text.len() > MAX_TEXT => {
            Err(format!("something else, expected a text of at most {MAX_TEXT} bytes"))
        }
        Value::String(text) => Ok(Some(text)),
        _ => Err("something else, expected a string".to_owned()),
    }
}

/// A list of texts as callers send it: a list, one text, a text that is a JSON list (Aria's custom properties hold nothing but
/// texts), null. A blank one keeps its place. For `#[serde(deserialize_with)]`.
pub(in crate::webhook) fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    deserializer.deserialize_any(Texts)
}

struct Texts;

#[derive(Deserialize)]
struct Text(#[serde(deserialize_with = "text")] Option<String>);

impl<'de> Visitor<'de> for Texts {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of texts")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_str<E: de::Error>(self, one: &str) -> Result<Self::Value, E> {
        if is_unresolved(one) {
            return Err(E::custom(placeholder::DETAIL));
        }
        if one.trim_start().starts_with('[') {
            let Ok(Value::Array(list)) = json::parse(one.as_bytes()) else {
                return Err(E::custom("something else, expected a list of texts"));
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

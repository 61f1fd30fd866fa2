//! JSON as it is taken here: RFC 8259, nested 127 deep at most (`serde_json`'s own bound; nothing that callers send comes near
//! it), and with no name twice in an object.
//!
//! What a name that stands twice means, RFC 8259 leaves open: some readers take the first, some the last. Whoever looked at a
//! request before us (a gateway, a signer) may have seen another one than we would carry out, so it is refused.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::placeholder;
use crate::error::FieldError;
use crate::json::{DIGITS, escape};
use crate::template::is_unfilled;

/// Reads a text, or says what is wrong with it and where.
pub(super) fn parse(text: &[u8]) -> Result<Value, Vec<FieldError>> {
    let text = str::from_utf8(text).map_err(|_| vec![FieldError::new("", "the text is not UTF-8")])?;
    let mut twice = Vec::new();
    let mut reader = serde_json::Deserializer::from_slice(text.as_bytes());
    let value = Node { twice: &mut twice }.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    match value {
        Ok(value) if twice.is_empty() => Ok(value),
        Ok(_) => Err(twice),
        Err(e) => Err(vec![FieldError::new("", mistake(text, &e))]),
    }
}

/// What is wrong, without the text: it may hold a password in the wrong place.
fn mistake(text: &str, e: &serde_json::Error) -> String {
    let place = format!("line {}, column {}", e.line(), e.column());
    if e.is_eof() {
        return format!("the JSON ends too early, at {place}");
    }
    // serde_json has no kind for this; a test holds us to its words.
    match e.to_string() {
        said if said.starts_with("recursion limit") => format!("the JSON is nested too deep, at {place}"),
        // `{"dryRun": ${flag}}`: without the placeholder it would be JSON.
        _ if is_unfilled(text) => format!("the text, which is not JSON at {place}, {}", placeholder::DETAIL),
        _ => format!("this is not JSON, at {place}"),
    }
}

/// Puts a step in front of the pointers from `since` on.
pub(super) fn prefixed(fields: &mut [FieldError], since: usize, step: impl FnOnce() -> String) {
    let Some(fields) = fields.get_mut(since..).filter(|fields| !fields.is_empty()) else { return };
    let step = format!("/{}", step());
    for field in fields {
        field.pointer.insert_str(0, &step);
    }
}

/// Reads a value; `twice` are the names that stand twice, their pointers as seen from it.
struct Node<'n> {
    twice: &'n mut Vec<FieldError>,
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Number::from_f64(number).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        loop {
            let before = self.twice.len();
            let Some(item) = list.next_element_seed(Node { twice: self.twice })? else { break };
            prefixed(self.twice, before, || items.len().to_string());
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(name) = object.next_key::<String>()? {
            if name == DIGITS {
                // A number that no integer of Rust's holds comes so, as its digits; nothing follows it.
                return object.next_value_seed(Digits);
            }
            let before = self.twice.len();
            let item = object.next_value_seed(Node { twice: self.twice })?;
            // More than are listed need not be told apart.
            if fields.contains_key(&name) && before <= super::MAX_ERRORS {
                self.twice.push(FieldError::new("", "stands twice in its object; send it once"));
            }
            prefixed(self.twice, before, || escape(&name));
            fields.insert(name, item);
        }
        Ok(Value::Object(fields))
    }
}

/// Reads the digits of a number as `serde_json` hands them on: as a text of its own. One that stands in what was sent, under a name
/// that nobody has, is none.
struct Digits;

impl<'de> DeserializeSeed<'de> for Digits {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for Digits {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    /// A text of the document's own.
    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<Value, E> {
        Err(E::custom("not a number"))
    }

    fn visit_string<E: serde::de::Error>(self, digits: String) -> Result<Value, E> {
        digits.parse().map(Value::Number).map_err(E::custom)
    }
}

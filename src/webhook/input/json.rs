//! JSON as accepted here: RFC 8259, nested at most 127 deep (`serde_json`'s own limit, far above real requests), and without
//! duplicate names in an object.
//!
//! RFC 8259 leaves the meaning of a duplicate name open: some readers use the first, some the last. A gateway or signer in
//! front of idhook may have checked the other one, so it is rejected.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::placeholder;
use crate::error::FieldError;
use crate::json::{DIGITS, escape};
use crate::template::is_unfilled;

/// The mistake in a text of a Windows program that writes UTF-16.
const UTF16: &str = "the text is UTF-16; send UTF-8";

/// Reads a text, or reports what is wrong and where.
pub(super) fn parse(text: &[u8]) -> Result<Value, Vec<FieldError>> {
    let text = str::from_utf8(text).map_err(|_| vec![FieldError::new("", not_utf8(text))])?;
    let mut twice = Vec::new();
    let mut reader = serde_json::Deserializer::from_slice(text.as_bytes());
    let value = Node { twice: &mut twice }.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    match value {
        Ok(value) if twice.is_empty() => Ok(value),
        Ok(_) => Err(twice),
        Err(e) => Err(vec![FieldError::new("", mistake(text, &e))]),
    }
}

fn not_utf8(text: &[u8]) -> &'static str {
    match text.starts_with(b"\xFF\xFE") || text.starts_with(b"\xFE\xFF") {
        true => UTF16,
        false => {
            "the text is not UTF-8; send UTF-8 (Windows PowerShell: -Body ([Text.Encoding]::UTF8.GetBytes($json)))"
        }
    }
}

/// The mistake, without the text: it may hold a password in the wrong place.
fn mistake(text: &str, e: &serde_json::Error) -> String {
    let place = format!("line {}, column {}", e.line(), e.column());
    if e.is_eof() {
        return format!("the JSON ends too early, at {place}");
    }
    // serde_json has no kind for this; a test checks its wording.
    match e.to_string() {
        said if said.starts_with("recursion limit") => format!("the JSON is nested too deep, at {place}"),
        // JSON has no such character outside texts, and none unescaped in them.
        _ if text.contains('\0') => UTF16.to_owned(),
        // `{"dryRun": ${flag}}`: with the placeholder replaced it would be JSON.
        _ if is_unfilled(text) => format!("the text, which is not JSON at {place}, {}", placeholder::DETAIL),
        said => {
            let fix = match said {
                said if said.starts_with("trailing comma") => ": remove the comma before it",
                said if said.starts_with("invalid escape") => ": write a backslash as two (\\\\)",
                said if said.starts_with("key must be a string") => {
                    ": put names in double quotes (\"); if you did, the shell removed or escaped them: send a file \
                     (curl -d @body.json)"
                }
                // cmd.exe passes single quotes on, and splits the text.
                _ if text.starts_with('\'') => ": the shell passed its quotes on: send a file (curl -d @body.json)",
                _ if begins_with_a_quote(text, e) => ": use double quotes (\")",
                _ => "",
            };
            format!("this is not JSON, at {place}{fix}")
        }
    }
}

/// Whether the place of the mistake has another quotation mark than JSON's.
fn begins_with_a_quote(text: &str, e: &serde_json::Error) -> bool {
    let line = e.line().checked_sub(1).and_then(|line| text.split('\n').nth(line));
    let rest = line.zip(e.column().checked_sub(1)).and_then(|(line, before)| line.get(before..));
    rest.is_some_and(|rest| rest.starts_with(['\'', '`', '\u{2018}', '\u{201c}']))
}

/// Adds a step in front of the pointers from `since` on.
pub(super) fn prefixed(fields: &mut [FieldError], since: usize, step: impl FnOnce() -> String) {
    let Some(fields) = fields.get_mut(since..).filter(|fields| !fields.is_empty()) else { return };
    let step = format!("/{}", step());
    for field in fields {
        field.pointer.insert_str(0, &step);
    }
}

/// Reads a value; `twice` collects duplicate names, with pointers relative to it.
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
                // A number that fits no Rust integer arrives like this, as its digits; nothing follows it.
                return object.next_value_seed(Digits);
            }
            let before = self.twice.len();
            let item = object.next_value_seed(Node { twice: self.twice })?;
            // Beyond the listed number, duplicates are not searched for.
            if fields.contains_key(&name) && before <= super::MAX_ERRORS {
                self.twice.push(FieldError::new("", "is duplicated in its object; send it once"));
            }
            prefixed(self.twice, before, || escape(&name));
            fields.insert(name, item);
        }
        Ok(Value::Object(fields))
    }
}

/// Reads a number's digits as `serde_json` passes them on: as a string of its own. A string from the body under that name is
/// not accepted.
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

    /// A string from the body.
    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<Value, E> {
        Err(E::custom("not a number"))
    }

    fn visit_string<E: serde::de::Error>(self, digits: String) -> Result<Value, E> {
        digits.parse().map(Value::Number).map_err(E::custom)
    }
}

//! Fields of a specification as callers write them: the forms that callers' templates make of a string, list or object are
//! accepted. The server always gets the vendor's form.
//!
//! | field | also accepted |
//! |---|---|
//! | a string | a list of one string |
//! | a list of strings | one string; a string with a JSON list; blank or null as an empty list |
//! | an object | a list of one object; a string with a JSON object |
//! | a list of objects | one object; a string with JSON of either; blank as an empty list |
//! | true or false | these words as a string; null as false; a list of one of these |
//! | a whole number | a string of its digits; a list of one of these |

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serializer, de};
use serde_json::Value;

use crate::json;
use crate::secret::Secret;

fn lone(value: Value) -> Value {
    match value {
        Value::Array(mut items) if items.len() == 1 => items.pop().unwrap_or_default(),
        value => value,
    }
}

fn not<E: Error>(expected: &str) -> E {
    E::custom(format_args!("something else, expected {expected}"))
}

/// A string.
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    match lone(Value::deserialize(deserializer)?) {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        _ => Err(not("a string")),
    }
}

/// A secret: a string, never examined.
pub(crate) fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    Ok(text(deserializer)?.map(Secret::new))
}

/// Writes a secret, which is only for the server.
pub(crate) fn exposed<S: Serializer>(secret: &Option<Secret>, serializer: S) -> Result<S::Ok, S::Error> {
    match secret {
        Some(secret) => Secret::serialize_exposed(secret, serializer),
        None => serializer.serialize_none(),
    }
}

/// A whole number.
pub(crate) fn whole_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let number = match lone(Value::deserialize(deserializer)?) {
        Value::Null => return Ok(None),
        Value::Number(number) => number.as_i64().or_else(|| without_fraction(number.as_f64()?)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.map(Some).ok_or_else(|| not("a whole number"))
}

/// `389.0` as 389: JSON Schema calls it an integer (validation, section 6.1.1), and programs with one type of number write it. Up to 2^53
/// such a number is exact.
fn without_fraction(number: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    (number.fract() == 0.0 && number.abs() <= EXACT).then(|| format!("{number:.0}").parse().ok())?
}

/// A boolean; null counts as false.
pub(crate) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let flag = match lone(Value::deserialize(deserializer)?) {
        Value::Null => Some(false),
        Value::Bool(flag) => Some(flag),
        Value::String(text) => text.trim().to_ascii_lowercase().parse().ok(),
        _ => None,
    };
    flag.ok_or_else(|| not("true or false"))
}

/// A list of strings.
pub(crate) fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    deserializer.deserialize_any(Texts)
}

struct Texts;

/// One entry of a list.
#[derive(Deserialize)]
struct Entry(#[serde(deserialize_with = "entry")] String);

fn entry<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    text(deserializer)?.ok_or_else(|| not("a string"))
}

impl<'de> Visitor<'de> for Texts {
    type Value = Option<Vec<String>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of strings")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_str<E: Error>(self, one: &str) -> Result<Self::Value, E> {
        let one = one.trim();
        if one.is_empty() {
            return Ok(Some(Vec::new()));
        }
        if one.starts_with('[') {
            return json::parse(one.as_bytes()).map(Some).ok_or_else(|| not("a list of strings"));
        }
        Ok(Some(vec![one.to_owned()]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut texts = Vec::new();
        while let Some(Entry(text)) = list.next_element()? {
            texts.push(text);
        }
        Ok(Some(texts))
    }
}

/// An object.
pub(crate) fn object<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    deserializer.deserialize_option(Maybe(One(PhantomData)))
}

/// A list of objects.
pub(crate) fn objects<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Option<Vec<T>>, D::Error> {
    deserializer.deserialize_option(Maybe(Many(PhantomData)))
}

/// The value of a visitor, or nothing.
struct Maybe<V>(V);

impl<'de, V: Visitor<'de>> Visitor<'de> for Maybe<V> {
    type Value = Option<V::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        // Not `deserialize_any`: a number kept as digits would look like an object.
        deserializer.deserialize_struct(json::LOOSE, &[], self.0).map(Some)
    }
}

struct Many<T>(PhantomData<T>);

impl<'de, T: DeserializeOwned> Visitor<'de> for Many<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Vec<T>, A::Error> {
        One(PhantomData).visit_map(fields).map(|one| vec![one])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(items)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Vec<T>, E> {
        let text = text.trim();
        match text.bytes().next() {
            None => Ok(Vec::new()),
            Some(b'[') => json::parse(text.as_bytes()).ok_or_else(|| not("a list of objects")),
            Some(_) => One(PhantomData).visit_str(text).map(|one| vec![one]),
        }
    }
}

struct One<T>(PhantomData<T>);

impl<'de, T: DeserializeOwned> Visitor<'de> for One<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(fields))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<T, A::Error> {
        let one = list.next_element()?.ok_or_else(|| de::Error::custom("something else, expected an object"))?;
        match list.next_element::<IgnoredAny>()? {
            None => Ok(one),
            Some(_) => Err(not("an object, or a list of one")),
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        let text = text.trim();
        let read = text.starts_with('{').then(|| json::parse(text.as_bytes())).flatten();
        read.ok_or_else(|| not("an object"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_read_in_every_form() {
        let read = |json: &str| whole_number(&mut serde_json::Deserializer::from_str(json)).map_err(drop);
        for same in ["389", "389.0", "3.89e2", "\" 389 \"", "[389]"] {
            assert_eq!(read(same), Ok(Some(389)), "{same}");
        }
        assert_eq!((read("null"), read("-1.0")), (Ok(None), Ok(Some(-1))));
        for other in ["389.5", "1e300", "9007199254740994.0", "true", "\"389.0\"", "{}", "[1,2]"] {
            assert_eq!(read(other), Err(()), "{other}");
        }
    }
}

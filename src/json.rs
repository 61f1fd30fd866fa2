//! Reads a JSON value as one of our types, or reports which part does not fit and why.
//!
//! All JSON (requests, upstream answers, configuration, stored records) is parsed to a [`Value`] first and read from there by this
//! one deserialiser. So each type is compiled for one deserialiser only, and no message quotes a value: serde's own messages for
//! a value of the wrong type quote it, and it may be a secret in the wrong place. The unknown word of an enumeration is the
//! exception; code that shows a message takes the part after `expected`.

mod all;
mod fields_of;
mod take;

use std::fmt::{self, Display};

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Expected, IntoDeserializer, MapAccess, SeqAccess, Unexpected,
    Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::{Value, map};

pub(crate) use all::{Fault, read_all};
pub(crate) use fields_of::fields_of;
pub(crate) use take::{take, take_flag, take_text};

/// Reads `value` as `T`.
///
/// # Errors
/// The first part that does not fit.
pub(crate) fn read<T: DeserializeOwned>(value: &Value) -> Result<T, Error> {
    T::deserialize(Node(value))
}

/// Reads the JSON `text` as `T`; `None` if it is not JSON or does not fit.
pub(crate) fn parse<T: DeserializeOwned>(text: &[u8]) -> Option<T> {
    read(&serde_json::from_slice(text).ok()?).ok()
}

/// The part that does not fit, and why. It is one pointer wide because every step of a reader passes it on.
#[derive(Debug)]
pub(crate) struct Error(Box<(String, Vec<Step>)>);

/// One step down into a document.
#[derive(Debug)]
enum Step {
    Name(String),
    Index(usize),
}

impl Error {
    /// The reason, in serde's words (`unknown field …`, `missing field …`, `…, expected …`) or those of one of our readers.
    pub(crate) fn reason(&self) -> &str {
        &self.0.0
    }

    /// The place, as a JSON Pointer (RFC 6901).
    pub(crate) fn pointer(&self) -> String {
        self.steps(|pointer, step| match step {
            Step::Name(name) => [pointer, "/", &escape(name)].concat(),
            Step::Index(index) => format!("{pointer}/{index}"),
        })
    }

    /// The place, for people: ` at keys[0].name`; empty for the whole document.
    pub(crate) fn place(&self) -> String {
        self.steps(|place, step| match step {
            Step::Name(name) => [place, if place.is_empty() { " at " } else { "." }, name].concat(),
            Step::Index(index) => format!("{}[{index}]", if place.is_empty() { " at " } else { place }),
        })
    }

    fn steps(&self, add: impl Fn(&str, &Step) -> String) -> String {
        self.0.1.iter().rev().fold(String::new(), |path, step| add(&path, step))
    }

    /// Adds one step; steps are added from the inside out.
    fn below(mut self, step: Step) -> Self {
        self.0.1.push(step);
        self
    }
}

/// `name` as a step of a JSON Pointer (RFC 6901).
pub(crate) fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// The name that [`escape`] wrote.
pub(crate) fn unescape(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

impl std::error::Error for Error {}

impl serde::de::Error for Error {
    fn custom<T: Display>(reason: T) -> Self {
        Self(Box::new((reason.to_string(), Vec::new())))
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format_args!("something else, expected {}", plain(&expected.to_string())))
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(unexpected, expected)
    }
}

/// What serde expected, in JSON's words and not in Rust's: people who write JSON read it.
fn plain(expected: &str) -> &str {
    match expected {
        "a map" => "an object",
        "a sequence" => "a list",
        "a boolean" => "true or false",
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" | "u64" | "usize" => "a whole number, 0 or more",
        "i32" | "i64" | "isize" => "a whole number",
        "f64" => "a number",
        _ if expected.starts_with("struct ") => "an object",
        _ => expected,
    }
}

/// The name of no struct: a reader that takes a list or a text besides an object asks for it.
pub(crate) const LOOSE: &str = "loose";

/// A value being read.
struct Node<'v>(&'v Value);

impl<'de> Deserializer<'de> for Node<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(flag) => visitor.visit_bool(*flag),
            Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(number), _) => visitor.visit_u64(number),
                // As a value -0 equals 0; its digits differ.
                (None, Some(number)) if number != 0 => visitor.visit_i64(number),
                _ => visitor.visit_map(Digits(Some(&number.to_string()))),
            },
            Value::String(text) => visitor.visit_str(text),
            Value::Array(items) => {
                let mut items = Items { rest: items, index: 0 };
                let read = visitor.visit_seq(&mut items)?;
                all_read(items.rest.len(), &"fewer elements").map(|()| read)
            }
            Value::Object(fields) => {
                let mut fields = Fields { rest: fields.iter(), at: None };
                let read = visitor.visit_map(&mut fields)?;
                all_read(fields.rest.len(), &"fewer fields").map(|()| read)
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    /// Enumerations are plain words: none of our types has a variant with data.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0 {
            Value::String(word) => visitor.visit_enum(key(word)),
            _ => Err(serde::de::Error::custom("something else, expected a string")),
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Number(number) => match number.as_f64() {
                Some(number) => visitor.visit_f64(number),
                None => Err(serde::de::Error::invalid_type(Unexpected::Unit, &visitor)),
            },
            _ => self.deserialize_any(visitor),
        }
    }

    /// serde would also read a list, by position, and a number kept as digits, which it presents as an object.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0 {
            Value::Array(_) | Value::String(_) if name == LOOSE => self.deserialize_any(visitor),
            Value::Object(_) => self.deserialize_any(visitor),
            _ => Err(serde::de::Error::invalid_type(Unexpected::Unit, &visitor)),
        }
    }

    /// `Map` itself would accept null as an empty map.
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Object(_) => self.deserialize_any(visitor),
            _ => Err(serde::de::Error::invalid_type(Unexpected::Unit, &visitor)),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct identifier
    }
}

fn key(name: &str) -> StrDeserializer<'_, Error> {
    name.into_deserializer()
}

/// A number that fits no Rust integer, in the form in which `serde_json` passes it to its own `Value`: an object with this
/// one name and the digits under it. Any other reader sees an object, which no type here expects for a number.
struct Digits<'n>(Option<&'n str>);

/// The field name that `serde_json` uses for digits (its feature `arbitrary_precision`; a test checks it).
pub(crate) const DIGITS: &str = "$serde_json::private::Number";

impl<'de> MapAccess<'de> for Digits<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        self.0.map(|_| seed.deserialize(key(DIGITS))).transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(key(self.0.take().unwrap_or_default()))
    }
}

/// Checks that a reader of fixed length has read everything.
fn all_read(left: usize, expected: &'static &'static str) -> Result<(), Error> {
    match left {
        0 => Ok(()),
        _ => Err(serde::de::Error::invalid_type(Unexpected::Seq, expected)),
    }
}

/// The rest of an array.
struct Items<'v> {
    rest: &'v [Value],
    index: usize,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        let Some((item, rest)) = self.rest.split_first() else { return Ok(None) };
        let index = self.index;
        (self.rest, self.index) = (rest, index + 1);
        seed.deserialize(Node(item)).map(Some).map_err(|e| e.below(Step::Index(index)))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

/// The rest of an object.
struct Fields<'v> {
    rest: map::Iter<'v>,
    at: Option<(&'v str, &'v Value)>,
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some((name, value)) = self.rest.next() else { return Ok(None) };
        self.at = Some((name, value));
        seed.deserialize(key(name)).map(Some).map_err(|e| e.below(Step::Name(name.clone())))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let (name, value) = self.at.take().unwrap_or(("", &Value::Null));
        seed.deserialize(Node(value)).map_err(|e| e.below(Step::Name(name.to_owned())))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Entry {
        #[allow(dead_code, reason = "only read")]
        name: String,
        #[allow(dead_code, reason = "only read")]
        pair: Option<(u8, bool)>,
    }

    #[test]
    fn wrong_value_is_reported_by_place_and_reason() {
        let told = |value: Value| {
            let error = read::<Vec<BTreeMap<String, Entry>>>(&value).unwrap_err();
            (error.pointer(), error.place(), error.reason().to_owned())
        };
        for (value, pointer, place, said) in [
            (json!("hunter2"), "", "", "something else, expected a list"),
            (json!([12345]), "/0", " at [0]", "something else, expected an object"),
            (json!([{"a/b": {"name": [1]}}]), "/0/a~1b/name", " at [0].a/b.name", "something else, expected a string"),
            (json!([{"a": ["n", null]}]), "/0/a", " at [0].a", "something else, expected an object"),
            (json!([{}, {"a": {}}]), "/1/a", " at [1].a", "missing field `name`"),
            (
                json!([{"a": {"name": "n", "pair": [300, true]}}]),
                "/0/a/pair/0",
                " at [0].a.pair[0]",
                "something else, expected a whole number from 0 to 255",
            ),
            (
                json!([{"a": {"name": "n", "pair": [1, true, 2]}}]),
                "/0/a/pair",
                " at [0].a.pair",
                "something else, expected fewer elements",
            ),
            (
                json!([{"a": {"nam": "n"}}]),
                "/0/a/nam",
                " at [0].a.nam",
                "unknown field `nam`, expected `name` or `pair`",
            ),
        ] {
            assert_eq!(told(value), (pointer.to_owned(), place.to_owned(), said.to_owned()));
        }
    }

    /// Numbers that change when read as an integer or a float. An exponent is written as `e` with a sign, whatever the
    /// input.
    const NUMBERS: &[&str] = &[
        "12345678901234567890123",
        "-12345678901234567890123",
        "1.0",
        "1.10",
        "0.1000",
        "-0",
        "-0.0",
        "1e+400",
        "-1.50e+400",
        "1e-400",
        "1e-5",
        "9007199254740993.0",
        "18446744073709551616",
        "-9223372036854775809",
        "3.14159265358979323846264338327950288",
        "0",
        "7",
        "-7",
        "18446744073709551615",
        "-9223372036854775808",
    ];

    #[derive(Debug, Deserialize, serde::Serialize)]
    struct Open {
        #[serde(flatten)]
        rest: serde_json::Map<String, Value>,
    }

    #[test]
    fn numbers_keep_their_digits() {
        for number in NUMBERS {
            let text = format!(r#"{{"a":[{number},{{"b":{number}}}],"c":{number}}}"#);
            let value: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(read::<Value>(&value).unwrap().to_string(), text);
            assert_eq!(serde_json::to_string(&read::<Open>(&value).unwrap()).unwrap(), text);
        }
    }

    #[test]
    fn floats_are_read_where_floats_are_expected() {
        assert_eq!(
            parse::<Vec<Option<f64>>>(b"[0.5, 2, -0, 1e3, null]"),
            Some(vec![Some(0.5), Some(2.0), Some(-0.0), Some(1e3), None])
        );
        assert_eq!(parse::<f64>(b"1e400"), None);
    }

    #[test]
    fn digits_are_read_only_as_a_number() {
        for number in ["1.5", "1e400", "-0", "12345678901234567890123"] {
            let value: Value = serde_json::from_str(number).unwrap();
            assert_eq!(read::<Entry>(&value).unwrap_err().reason(), "something else, expected an object", "{number}");
            assert_eq!(read::<Open>(&value).unwrap_err().reason(), "something else, expected an object", "{number}");
            assert_eq!(read::<String>(&value).unwrap_err().reason(), "something else, expected a string", "{number}");
            assert_eq!(
                read::<i64>(&value).unwrap_err().reason(),
                "something else, expected a whole number",
                "{number}"
            );
            assert!(read::<Vec<u8>>(&value).is_err() && read::<BTreeMap<String, Value>>(&value).is_err(), "{number}");
        }
    }

    #[test]
    fn null_differs_from_an_omitted_field() {
        assert!(parse::<Entry>(br#"{"name": "n", "pair": null}"#).is_some());
        assert!(parse::<Entry>(br#"{"name": "n"}"#).is_some());
        assert!(parse::<serde_json::Map<String, Value>>(b"null").is_none());
        assert!(parse::<Entry>(br#"{"name": "n""#).is_none());
    }
}

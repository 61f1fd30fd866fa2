//! Removes our secrets from texts that others wrote: a server may echo what it was sent, in any encoding.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::{Map, Value};

use crate::secret::Secret;

/// Shorter secrets are not searched for: they would match any text.
const MIN_SECRET: usize = 4;

/// The shortest piece of base64 that is searched for.
const MIN_BASE64: usize = 5;

/// The mark that replaces a secret.
const STRUCK: &str = "…";

/// Whether a text was blanked, or is JSON in which something was.
pub(crate) fn is_struck(text: &str) -> bool {
    text == STRUCK || text.trim_start().starts_with(['{', '[']) && text.contains(STRUCK)
}

/// Reads one character at the beginning of a text: its meaning, and the number of bytes it takes.
type Decoder = fn(&[u8]) -> Option<(Decoded, usize)>;

enum Decoded {
    Byte(u8),
    Char(char),
}

/// The encodings besides base64: in a JSON string; percent-encoded, with `+` as itself and as in a form; in HTML. Each has a
/// character without which a text need not be decoded.
const DECODERS: [(char, Decoder); 4] = [('\\', json), ('%', percent), ('+', form), ('&', html)];

/// `text` without any of `secrets`: raw, escaped, encoded, or in base64.
pub(crate) fn strike(text: &str, secrets: &[&Secret]) -> String {
    Needles::of(secrets).strike(text)
}

/// Removes `secrets` from every text of `value`, field names included.
pub(crate) fn strike_json(value: &mut Value, secrets: &[&Secret]) {
    Needles::of(secrets).strike_json(value);
}

/// The secrets to search for, with their forms in base64. Made once for all texts of a document or of a log line.
pub(crate) struct Needles<'s> {
    /// The secrets, and the pieces of base64 that show each.
    secrets: Vec<(&'s [u8], Vec<String>)>,
}

impl<'s> Needles<'s> {
    pub(crate) fn of(secrets: &[&'s Secret]) -> Self {
        let long = secrets.iter().map(|secret| secret.expose().as_bytes()).filter(|secret| secret.len() >= MIN_SECRET);
        Self { secrets: long.map(|secret| (secret, in_base64(secret))).collect() }
    }

    /// `text` without the secrets, as [`strike`] returns it.
    pub(crate) fn strike(&self, text: &str) -> String {
        // No encoding is shorter than what it encodes.
        let fitting = || self.secrets.iter().filter(|(secret, _)| secret.len() <= text.len());
        if fitting().next().is_none() {
            return text.to_owned();
        }
        let mut spans = BinaryHeap::new();
        for (secret, _) in fitting() {
            mark(&mut spans, text.as_bytes(), secret, None);
        }
        for (_, decoder) in DECODERS.into_iter().filter(|(mark, _)| text.contains(*mark)) {
            let (decoded, places) = decode(text.as_bytes(), decoder);
            for (secret, _) in fitting() {
                mark(&mut spans, &decoded, secret, Some(&places));
            }
        }
        if text.len() >= MIN_BASE64 {
            let plain = text.replace('-', "+").replace('_', "/");
            for needle in fitting().flat_map(|(_, pieces)| pieces) {
                mark(&mut spans, plain.as_bytes(), needle.as_bytes(), None);
            }
        }
        cut(text, spans)
    }

    fn strike_json(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.strike(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.strike_json(item)),
            Value::Object(fields) => {
                for (name, mut item) in std::mem::take(fields) {
                    self.strike_json(&mut item);
                    fields.insert(self.strike(&name), item);
                }
            }
            Value::Number(number) => {
                let text = number.to_string();
                if self.strike(&text) != text {
                    *value = Value::String(STRUCK.to_owned());
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }
}

/// Upstream fields with "token" or "secret" in their names that hold no secret, or are read into a type that hides it.
pub(crate) const NOT_SECRET: &[&str] =
    &["referenceToken", "tokenEndpoint", "syncClientTokenTTL", "syncClientTokenInfo"];

/// Words in a field's name that mark its value as a secret; compared without case, blanks, `_` and `-`.
const SECRET_WORDS: [&str; 6] = ["password", "passwd", "passphrase", "secret", "token", "privatekey"];

/// Whether the name suggests that the field holds a secret: `bindPassword`, `client_secret`, `PRIVATE-KEY`.
pub(crate) fn is_secret_name(name: &str) -> bool {
    // Every field of every response comes here, and nearly all names are ASCII.
    let plain = if name.is_ascii() {
        let mut plain = name.as_bytes().to_ascii_lowercase();
        plain.retain(u8::is_ascii_alphanumeric);
        plain
    } else {
        name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>().into_bytes()
    };
    SECRET_WORDS.iter().any(|word| find(&plain, word.as_bytes()).next().is_some()) && !NOT_SECRET.contains(&name)
}

/// Blanks the values of fields whose names mark them as secrets, at any depth: callers who may read the document do not need
/// them. This includes pairs of `name` or `key` with `value`, and JSON inside a text. Flags stay: they hold no secret, and
/// their names often mention one.
pub(crate) fn blank_secret_fields(value: &mut Value) {
    blank(value, true);
}

fn blank(value: &mut Value, with_texts: bool) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| blank(item, with_texts)),
        Value::Object(fields) => blank_in(fields, with_texts),
        Value::String(text) if with_texts && text.trim_start().starts_with(['{', '[']) => {
            if let Ok(before) = serde_json::from_str::<Value>(text) {
                let mut after = before.clone();
                blank(&mut after, false);
                if after != before {
                    *text = after.to_string();
                }
            }
        }
        _ => {}
    }
}

/// The same for the fields of one object.
pub(crate) fn blank_secrets_in(fields: &mut Map<String, Value>) {
    blank_in(fields, true);
}

fn blank_in(fields: &mut Map<String, Value>, with_texts: bool) {
    let says = |name: &str| fields.get(name).and_then(Value::as_str).is_some_and(is_secret_name);
    let is_pair = says("name") || says("key");
    for (name, item) in fields.iter_mut() {
        if is_secret_name(name) || is_pair && name == "value" {
            cover(item);
        } else {
            blank(item, with_texts);
        }
    }
}

/// Replaces a value with the mark, unless it is a flag or empty.
fn cover(value: &mut Value) {
    if !says_nothing(value) {
        *value = Value::String(STRUCK.to_owned());
    }
}

/// Whether a value is a flag or empty.
fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) => true,
        Value::String(text) => matches!(text.to_ascii_lowercase().as_str(), "" | "true" | "false" | "unknown"),
        Value::Number(_) | Value::Array(_) | Value::Object(_) => false,
    }
}

/// The secrets in a JSON request body: the texts in fields whose names mark them as secrets, at any depth. A server may quote
/// them in its error.
pub(crate) fn secrets_in_body(body: &[u8]) -> Vec<Secret> {
    let mut secrets = Vec::new();
    if let Ok(value) = serde_json::from_slice(body) {
        collect(&value, false, &mut secrets);
    }
    secrets
}

fn collect(value: &Value, is_secret: bool, secrets: &mut Vec<Secret>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, is_secret, secrets)),
        Value::Object(fields) => {
            let says = |name: &str| fields.get(name).and_then(Value::as_str).is_some_and(is_secret_name);
            let is_pair = says("name") || says("key");
            for (name, item) in fields {
                collect(item, is_secret || is_secret_name(name) || is_pair && name == "value", secrets);
            }
        }
        Value::String(text) if is_secret && !says_nothing(value) => secrets.push(Secret::new(text.as_str())),
        _ => {}
    }
}

/// `text` decoded by `decoder`, and the offset where each decoded byte began, followed by the end.
fn decode(text: &[u8], decoder: Decoder) -> (Vec<u8>, Vec<usize>) {
    let (mut decoded, mut places) = (Vec::with_capacity(text.len()), Vec::with_capacity(text.len() + 1));
    let mut at = 0;
    while let Some((&first, rest)) = text.get(at..).and_then(|rest| Some((rest.first()?, rest))) {
        let (one, length) = decoder(rest).unwrap_or((Decoded::Byte(first), 1));
        match one {
            Decoded::Byte(byte) => decoded.push(byte),
            Decoded::Char(c) => decoded.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
        places.resize(decoded.len(), at);
        at += length;
    }
    places.push(text.len());
    (decoded, places)
}

/// Parts of a text, the first one on top.
type Spans = BinaryHeap<Reverse<(usize, usize)>>;

/// Adds each occurrence of `needle` in `text`; with `places`, where that was in the text before it was decoded.
fn mark(spans: &mut Spans, text: &[u8], needle: &[u8], places: Option<&[usize]>) {
    let place = |at: usize| places.map_or(Some(at), |places| places.get(at).copied());
    for (begin, end) in find(text, needle) {
        if let (Some(begin), Some(end)) = (place(begin), place(end)) {
            spans.push(Reverse((begin, end)));
        }
    }
}

/// Where `needle` begins and ends in `text`; occurrences may overlap.
fn find<'t>(text: &'t [u8], needle: &'t [u8]) -> impl Iterator<Item = (usize, usize)> {
    // Most places differ in the first byte, which is compared without a call.
    let windows = text.windows(needle.len()).enumerate();
    let found = windows.filter(move |(_, window)| window.first() == needle.first() && *window == needle);
    found.map(move |(begin, _)| (begin, begin + needle.len()))
}

/// `text` with the mark in place of each span.
fn cut(text: &str, mut spans: Spans) -> String {
    let (mut left, mut done) = (String::with_capacity(text.len()), 0);
    while let Some(Reverse((begin, end))) = spans.pop() {
        if begin >= done {
            left.push_str(text.get(done..begin).unwrap_or_default());
            left.push_str(STRUCK);
        }
        done = done.max(end);
    }
    left.push_str(text.get(done..).unwrap_or_default());
    left
}

/// The base64 that must appear if `secret` is part of a longer encoded text (after a name and a colon, say): the characters
/// that depend on it alone, for each of the three alignments.
fn in_base64(secret: &[u8]) -> Vec<String> {
    let mut needles = Vec::new();
    for (before, begin) in [(0, 0), (1, 2), (2, 3)] {
        let padded: Vec<u8> = std::iter::repeat_n(0, before).chain(secret.iter().copied()).collect();
        let text = STANDARD_NO_PAD.encode(&padded);
        needles.extend(
            text.get(begin..padded.len() * 4 / 3).filter(|needle| needle.len() >= MIN_BASE64).map(str::to_owned),
        );
    }
    needles
}

fn hex(digits: Option<&[u8]>) -> Option<u32> {
    let digits = std::str::from_utf8(digits?).ok()?;
    if digits.bytes().all(|digit| digit.is_ascii_hexdigit()) { u32::from_str_radix(digits, 16).ok() } else { None }
}

fn json(text: &[u8]) -> Option<(Decoded, usize)> {
    match text {
        [b'\\', b'u', ..] => json_unit(text),
        [b'\\', b'b', ..] => Some((Decoded::Byte(0x08), 2)),
        [b'\\', b'f', ..] => Some((Decoded::Byte(0x0c), 2)),
        [b'\\', b'n', ..] => Some((Decoded::Byte(b'\n'), 2)),
        [b'\\', b'r', ..] => Some((Decoded::Byte(b'\r'), 2)),
        [b'\\', b't', ..] => Some((Decoded::Byte(b'\t'), 2)),
        [b'\\', escaped @ (b'"' | b'\\' | b'/' | b'\''), ..] => Some((Decoded::Byte(*escaped), 2)),
        _ => None,
    }
}

/// `\uXXXX`, or two of these for a character beyond U+FFFF (RFC 8259, section 7).
fn json_unit(text: &[u8]) -> Option<(Decoded, usize)> {
    let first = hex(text.get(2..6))?;
    if let Some(c) = char::from_u32(first) {
        return Some((Decoded::Char(c), 6));
    }
    let second = hex(text.get(6..)?.strip_prefix(b"\\u")?.get(..4))?;
    let units = [u16::try_from(first).ok()?, u16::try_from(second).ok()?];
    let c = char::decode_utf16(units).next()?.ok()?;
    Some((Decoded::Char(c), 12))
}

fn percent(text: &[u8]) -> Option<(Decoded, usize)> {
    match text {
        [b'%', ..] => Some((Decoded::Byte(u8::try_from(hex(text.get(1..3))?).ok()?), 3)),
        _ => None,
    }
}

fn form(text: &[u8]) -> Option<(Decoded, usize)> {
    if text.starts_with(b"+") { Some((Decoded::Byte(b' '), 1)) } else { percent(text) }
}

fn html(text: &[u8]) -> Option<(Decoded, usize)> {
    let inner = text.strip_prefix(b"&")?;
    let end = inner.iter().take(10).position(|byte| *byte == b';')?;
    let c = match inner.get(..end)? {
        b"amp" => '&',
        b"lt" => '<',
        b"gt" => '>',
        b"quot" => '"',
        b"apos" => '\'',
        [b'#', b'x' | b'X', digits @ ..] => char::from_u32(hex(Some(digits))?)?,
        [b'#', digits @ ..] => char::from_u32(std::str::from_utf8(digits).ok()?.parse().ok()?)?,
        _ => return None,
    };
    Some((Decoded::Char(c), end + 2))
}

#[cfg(test)]
mod tests;

//! A body's media type, and the JSON object in it: sent as such, as a form, as a form's `payload`, or in an event.

use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use percent_encoding::percent_decode;
use serde_json::{Map, Value};

use super::event::{self, Event};
use super::json;
use crate::error::{Error, ErrorCode, FieldError, excerpt};

/// The kind of text that a media type announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Media {
    Json,
    Form,
    /// An event with its data, as JSON.
    Event,
    /// A list of events.
    Batch,
}

/// The input, as one object.
#[derive(Debug)]
pub(super) struct Document {
    /// Always an object.
    pub(super) value: Value,
    /// Its place in the body, as a JSON Pointer. For JSON inside a string, the pointer continues into that JSON.
    pub(super) place: String,
    /// The names of a form's other fields, if one field holds the document.
    pub(super) beside: Vec<String>,
}

impl Document {
    /// `fields`, with pointers into the whole body.
    pub(super) fn placed(&self, mut fields: Vec<FieldError>) -> Vec<FieldError> {
        for field in &mut fields {
            field.pointer.insert_str(0, &self.place);
        }
        fields
    }
}

/// Reads a body in any accepted form; an empty one is an empty object.
pub(super) fn read(headers: &HeaderMap, body: &[u8]) -> Result<(Document, Option<Event>), Error> {
    let said = headers.get(CONTENT_TYPE).map(|value| value.to_str().unwrap_or("?"));
    let text = trimmed(body);
    let coded = headers.get(CONTENT_ENCODING).filter(|_| !text.is_empty());
    if let Some(coding) = coded.filter(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        let coding = excerpt(&String::from_utf8_lossy(coding.as_bytes()));
        return Err(Error::new(
            ErrorCode::UnsupportedMediaType,
            format!("the content coding {coding} is not supported"),
        )
        .hint("send the body uncompressed, without Content-Encoding"));
    }
    // The media type decides: a structured event may have the same attributes in headers (HTTP binding, section 3.2.3).
    match said.filter(|said| event::is_event(said)).map(|said| media(said, text)).transpose()? {
        Some(Media::Batch) => event::only_one(text).map(|(document, event)| (document, Some(event))),
        Some(_) => event::structured(text).map(|(document, event)| (document, Some(event))),
        None => {
            let event = event::in_headers(headers)?;
            Ok((document(said, text, String::new())?, event))
        }
    }
}

/// The whole object, with an event's envelope; of a batch the envelope of its only event.
pub(super) fn with_envelope(headers: &HeaderMap, body: &[u8]) -> Result<Option<Value>, Error> {
    let said = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let text = trimmed(body);
    match said.filter(|said| event::is_event(said)).map(|said| media(said, text)).transpose()? {
        Some(Media::Batch) => event::the_one(text).map(Some),
        Some(_) => document(None, text, String::new()).map(|document| Some(document.value)),
        None => Ok(None),
    }
}

/// A body's text, without a byte order mark and surrounding white space.
fn trimmed(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body).trim_ascii()
}

/// The object in `text`, of the media type `said`; it was at `place`.
pub(super) fn document(said: Option<&str>, text: &[u8], place: String) -> Result<Document, Error> {
    if text.is_empty() {
        return Ok(Document { value: Value::Object(Map::new()), place, beside: Vec::new() });
    }
    let media = said.map_or(Ok(Media::Json), |said| media(said, text))?;
    // curl -d labels everything as a form; no form begins like this, or as cmd.exe passes it on.
    if media == Media::Form && !text.starts_with(b"{") && !text.starts_with(b"'{") {
        return form(text, place);
    }
    object(json::parse(text), place)
}

/// The value read, if it is an object.
pub(super) fn object(read: Result<Value, Vec<FieldError>>, place: String) -> Result<Document, Error> {
    let (value, fields) = match read {
        Ok(value @ Value::Object(_)) => (value, Vec::new()),
        Ok(value) => (value, vec![FieldError::new("", "must be a JSON object")]),
        Err(fields) => (Value::Null, fields),
    };
    let document = Document { value, place, beside: Vec::new() };
    if fields.is_empty() { Ok(document) } else { Err(super::invalid(document.placed(fields))) }
}

/// A form: its fields, or the JSON in its field `payload` (GitHub's format). A repeated field becomes a list.
fn form(text: &[u8], place: String) -> Result<Document, Error> {
    let not_utf8 = |_| super::invalid(vec![FieldError::new(place.clone(), "the form is not UTF-8")]);
    let mut fields = Map::new();
    for (name, value) in pairs(text).map_err(not_utf8)? {
        let value = Value::String(value);
        match fields.get_mut(&name) {
            None => {
                fields.insert(name, value);
            }
            Some(Value::Array(values)) => values.push(value),
            Some(one) => *one = Value::Array(vec![one.take(), value]),
        }
    }
    match fields.get("payload") {
        Some(Value::String(payload)) => {
            let document = object(json::parse(payload.as_bytes()), format!("{place}/payload"))?;
            let beside = fields.keys().filter(|name| *name != "payload").cloned().collect();
            Ok(Document { beside, ..document })
        }
        _ => Ok(Document { value: Value::Object(fields), place, beside: Vec::new() }),
    }
}

/// The kind of media type `said`; `text` is the body.
fn media(said: &str, text: &[u8]) -> Result<Media, Error> {
    let refused = |what: &str| {
        Error::new(ErrorCode::UnsupportedMediaType, format!("{} is not supported", excerpt(what)))
            .hint("send JSON as Content-Type: application/json")
    };
    let mut parts = said.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default().to_ascii_lowercase();
    for parameter in parts {
        let (key, value) = parameter.split_once('=').unwrap_or_default();
        let charset = value.trim().trim_matches('"').to_ascii_lowercase();
        // For pure ASCII most charsets are equal; Java's default for text is ISO-8859-1.
        let is_same =
            matches!(charset.as_str(), "" | "utf-8" | "utf8") || text.is_ascii() && !charset.starts_with("utf");
        if key.trim().eq_ignore_ascii_case("charset") && !is_same {
            return Err(refused(said).hint("send the body in UTF-8"));
        }
    }
    match name.as_str() {
        "" | "application/json" | "text/json" | "text/plain" | "application/octet-stream" => Ok(Media::Json),
        "application/x-www-form-urlencoded" => Ok(Media::Form),
        "application/cloudevents+json" => Ok(Media::Event),
        "application/cloudevents-batch+json" => Ok(Media::Batch),
        name if name.starts_with("application/") && name.ends_with("+json") => Ok(Media::Json),
        name => Err(refused(name)),
    }
}

/// Name and value pairs of a query or a form.
pub(super) fn pairs(text: &[u8]) -> Result<Vec<(String, String)>, std::str::Utf8Error> {
    let decode = |part: &[u8]| {
        let spaced: Vec<u8> = part.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
        percent_decode(&spaced).decode_utf8().map(std::borrow::Cow::into_owned)
    };
    text.split(|byte| *byte == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let at = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            let (name, value) = pair.split_at_checked(at).unwrap_or((pair, b""));
            Ok((decode(name)?, decode(value.strip_prefix(b"=").unwrap_or(value))?))
        })
        .collect()
}

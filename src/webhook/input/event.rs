//! CloudEvents 1.0.2 over HTTP: structured, binary, and a batch of one. The data is the input; the attributes identify the
//! event (<https://github.com/cloudevents/spec>, `cloudevents/bindings/http-protocol-binding.md` and
//! `cloudevents/formats/json-format.md`).

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use percent_encoding::percent_decode;
use serde_json::{Map, Value};

use super::content::{self, Document};
use super::{invalid, json};
use crate::error::{Error, FieldError};

/// An event's identity, which is unique.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::webhook) struct Event {
    pub(in crate::webhook) source: String,
    pub(in crate::webhook) id: String,
}

/// Whether a media type announces an envelope around the data.
pub(super) fn is_event(said: &str) -> bool {
    said.trim_start().get(..23).is_some_and(|start| start.eq_ignore_ascii_case("application/cloudevents"))
}

/// The event in the headers, if there is one: binary mode, where the body is the data.
pub(super) fn in_headers(headers: &HeaderMap) -> Result<Option<Event>, Error> {
    if !headers.contains_key("ce-specversion") && !headers.contains_key("ce-id") {
        return Ok(None);
    }
    let attribute = |name: &str| {
        let value = unquoted(headers.get(format!("ce-{name}"))?.to_str().ok()?);
        // Header values are percent-encoded (HTTP binding, section 3.1.3.2).
        Some(percent_decode(value.as_bytes()).decode_utf8().ok()?.into_owned())
    };
    event(attribute, |name, what| FieldError::new("", format!("the header ce-{name} {what}"))).map(Some)
}

/// A header's value without the quotes and backslashes that earlier versions of the HTTP binding had (section 3.1.3.2).
fn unquoted(value: &str) -> Cow<'_, str> {
    let Some(quoted) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else { return value.into() };
    let mut text = String::new();
    let mut characters = quoted.chars();
    while let Some(character) = characters.next() {
        text.extend(if character == '\\' { characters.next() } else { Some(character) });
    }
    text.into()
}

/// An event and its data, from one JSON text.
pub(super) fn structured(text: &[u8]) -> Result<(Document, Event), Error> {
    let envelope = if text.is_empty() { Ok(Value::Object(Map::new())) } else { json::parse(text) };
    opened(content::object(envelope, String::new())?)
}

/// The event of a batch of one.
pub(super) fn only_one(text: &[u8]) -> Result<(Document, Event), Error> {
    opened(content::object(Ok(the_one(text)?), "/0".to_owned())?)
}

/// The only element of a batch.
pub(super) fn the_one(text: &[u8]) -> Result<Value, Error> {
    let Value::Array(mut events) = json::parse(text).map_err(invalid)? else {
        return Err(invalid(vec![FieldError::new("", "a batch of events must be a JSON array")]));
    };
    match (events.pop(), events.len()) {
        (Some(event), 0) => Ok(event),
        (last, others) => {
            let count = others + usize::from(last.is_some());
            let detail = format!(
                "the batch has {count} events, but there is one response per request; send each event by itself"
            );
            Err(invalid(vec![FieldError::new("", detail)]))
        }
    }
}

/// The data and attributes of an envelope.
fn opened(Document { mut value, place, .. }: Document) -> Result<(Document, Event), Error> {
    let attribute = |name: &str| value.get(name)?.as_str().map(str::to_owned);
    let event = event(attribute, |name, what| FieldError::new(format!("{place}/{name}"), what))?;
    let kind = attribute("datacontenttype");
    let mut take = |name: &str| value.get_mut(name).map(Value::take).filter(|value| !value.is_null());
    let wrong = |name: &str, what: &str| invalid(vec![FieldError::new(format!("{place}/{name}"), what)]);
    let document = match (take("data"), take("data_base64")) {
        (Some(_), Some(_)) => return Err(wrong("data_base64", "is set as well as data; send one of them")),
        (Some(Value::String(text)), None) => {
            content::document(kind.as_deref(), text.trim().as_bytes(), format!("{place}/data"))?
        }
        (data, None) => content::object(Ok(data.unwrap_or_else(|| Map::new().into())), format!("{place}/data"))?,
        (None, Some(encoded)) => {
            let bytes = encoded.as_str().and_then(|text| STANDARD.decode(text).ok());
            let bytes = bytes.ok_or_else(|| wrong("data_base64", "is not base64"))?;
            content::document(kind.as_deref(), bytes.trim_ascii(), format!("{place}/data_base64"))?
        }
    };
    Ok((document, event))
}

/// An event from its attributes, or all that is wrong with them.
fn event(attribute: impl Fn(&str) -> Option<String>, wrong: impl Fn(&str, &str) -> FieldError) -> Result<Event, Error> {
    let attribute = |name: &str| attribute(name).filter(|value| !value.is_empty());
    let mut errors = Vec::new();
    if attribute("specversion").as_deref() != Some("1.0") {
        errors.push(wrong("specversion", "must be 1.0: other versions of CloudEvents are not supported"));
    }
    for name in ["id", "source", "type"] {
        if attribute(name).is_none() {
            errors.push(wrong(name, "is missing, but required in a CloudEvent"));
        }
    }
    match (attribute("source"), attribute("id")) {
        (Some(source), Some(id)) if errors.is_empty() => Ok(Event { source, id }),
        _ => Err(invalid(errors)),
    }
}

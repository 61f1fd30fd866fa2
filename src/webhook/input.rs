//! A request's input: its query and its body in any accepted form, as one typed value or a list of all faults.
//!
//! | in | what |
//! |---|---|
//! | `input/content.rs` | media types, forms; which one holds the document |
//! | `input/event.rs` | CloudEvents, taken out of their envelopes |
//! | `input/json.rs` | JSON, without duplicate names |
//! | `input/fields.rs` | fields as callers write them: `"true"`, lists of one, null |
//! | `input/order.rs` | idhook's fields in all their places; misspelt names; unread names |
//! | `input/placeholder.rs` | unreplaced placeholders |
//! | `input/query.rs` | the query: only known parameters, each once |

use std::borrow::Cow;
use std::ops::RangeInclusive;
use std::time::Duration;

use http::request::Parts;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::route::Matched;
use crate::error::{Error, ErrorCode, FieldError};
use crate::json::fields_of;

mod content;
mod event;
mod fields;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod json;
mod order;
mod placeholder;
mod query;
mod spec;

pub(super) use event::Event;
pub(super) use fields::{flag, text, texts};

use content::Document;
use fields::flag_word;
use placeholder::find_placeholders;
use query::Query;
pub(super) use query::group_query;

/// At most this many wrong fields are listed.
const MAX_ERRORS: usize = 50;

/// The longest listed pointer; a longer one is cut.
const MAX_POINTER: usize = 256;

/// A request's input, parsed as JSON but not typed yet.
#[derive(Debug)]
pub(super) struct Input {
    query: Query,
    document: Document,
    event: Option<Event>,
}

impl Input {
    /// Reads the input: media type, envelope, JSON; placeholders in path and query are rejected.
    pub(super) fn of(request: &Parts, matched: &Matched, body: &[u8]) -> Result<Self, Error> {
        let is_read = matches!(request.method, http::Method::GET | http::Method::HEAD);
        let query = Query::of(request.uri.query())?;
        // A read has no body, so its body headers mean nothing.
        let none = http::HeaderMap::new();
        let content = content::read(if is_read { &none } else { &request.headers }, body);
        let in_path = matched.placeholders().map(|name| format!("{{{name}}} in the path")).collect();
        let mut fields = placeholder::outside(in_path);
        let operation = matched.row.operation(&request.method);
        fields.extend(query.faults(operation.map_or(&[], |operation| operation.query), matched.row.fields()));
        if !fields.is_empty() {
            if let Ok((document, _)) = &content
                && placeholder::is_among(&fields)
            {
                fields.extend(document.placed(find_placeholders(&document.value)));
            }
            return Err(invalid(fields));
        }
        let (document, event) = content?;
        Ok(Self { query, document, event })
    }

    /// The event that contained the input, if there was one.
    pub(super) fn event(&self) -> Option<&Event> {
        self.event.as_ref()
    }

    /// The JSON as sent: with an event's envelope, or the field `payload` of a form. Placeholders in it are allowed; a
    /// commit message may hold any text. `headers` and `body` are those it was read from.
    pub(super) fn as_sent(&self, headers: &http::HeaderMap, body: &[u8]) -> Result<Cow<'_, Value>, Error> {
        // Only the envelope's data was kept.
        Ok(match content::with_envelope(headers, body)? {
            Some(whole) => Cow::Owned(whole),
            None => Cow::Borrowed(&self.document.value),
        })
    }

    /// The domain name of the body's identity source, if there is one; for the log.
    pub(super) fn source_domain(&self) -> Option<&str> {
        self.document.value.pointer("/ldap/domainName").and_then(Value::as_str)
    }

    /// The query parameter `name`, if it is there; never blank. Parameters missing from the route's row were rejected.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.query.get(name)
    }

    /// The query parameter `name` as a boolean.
    pub(super) fn query_flag(&self, name: &str) -> Result<Option<bool>, Error> {
        self.query(name).map(|text| flag_word(text).ok_or_else(|| query_error(name, "use true or false"))).transpose()
    }

    /// The query parameter `name` as a length of time with its unit: `90m`, `2h`, `8d`.
    pub(super) fn query_period(&self, name: &str, bounds: RangeInclusive<Duration>) -> Result<Option<Duration>, Error> {
        let Some(text) = self.query(name) else { return Ok(None) };
        match humantime::parse_duration(text) {
            Ok(period) if bounds.contains(&period) => Ok(Some(period)),
            Ok(_) => {
                let [least, most] = [bounds.start(), bounds.end()].map(|bound| humantime::format_duration(*bound));
                Err(query_error(name, &format!("use {least} to {most}")))
            }
            Err(_) => Err(query_error(name, "use a number and a unit: 90m, 2h, 8d")),
        }
    }

    /// The body as idhook's own fields, and the unread names for `ignored`. Each field is taken from the first place that
    /// has it; `input/order.rs` lists the places, and which other names count as misspelt.
    ///
    /// # Errors
    /// `request_invalid` or `unresolved_placeholder` with every wrong or misspelt field.
    pub(super) fn order<T: DeserializeOwned>(&self) -> Result<(T, Vec<String>), Error> {
        let found = order::find(&self.document.value, &self.document.beside, fields_of::<T>());
        let mut wrong = match fields::read(Value::Object(found.fields)) {
            Ok(read) if found.misspelt.is_empty() => return Ok((read, found.ignored)),
            Ok(_) => Vec::new(),
            Err(wrong) => wrong,
        };
        for field in &mut wrong {
            field.pointer = order::origin(&self.document.value, &field.pointer);
        }
        if found.misspelt.is_empty() {
            return Err(self.body_invalid(wrong));
        }
        wrong.extend(found.misspelt);
        let error = self.body_invalid(wrong);
        Err(if error.code() == ErrorCode::RequestInvalid { error.hint(order::HINT) } else { error })
    }

    /// The error for faults in the parsed body; their pointers point into it.
    pub(super) fn body_invalid(&self, fields: Vec<FieldError>) -> Error {
        invalid(self.document.placed(fields))
    }

    /// The error for faults in the result of [`Self::order`]; their pointers are translated into the original body.
    pub(super) fn order_invalid(&self, mut fields: Vec<FieldError>) -> Error {
        for field in &mut fields {
            field.pointer = order::origin(&self.document.value, &field.pointer);
        }
        self.body_invalid(fields)
    }
}

/// The error for all faults, within bounds; a placeholder among them decides its code.
pub(super) fn invalid(mut fields: Vec<FieldError>) -> Error {
    let more = fields.len() > MAX_ERRORS;
    fields.truncate(MAX_ERRORS);
    for field in &mut fields {
        while field.pointer.len() > MAX_POINTER {
            let parent = field.pointer.rfind('/').unwrap_or_default();
            field.pointer.truncate(parent);
        }
    }
    if more {
        fields.push(FieldError::new("", "more faults follow; these are the first"));
    }
    if placeholder::is_among(&fields) {
        return placeholder::unresolved(fields);
    }
    Error::invalid(fields)
}

/// Rejects a query on a route that reads none and ignores the body.
///
/// # Errors
/// `request_invalid` or `unresolved_placeholder` with every parameter.
pub(super) fn no_query(query: Option<&str>, known: &[&str]) -> Result<(), Error> {
    let faults = Query::of(query)?.faults(known, &[]);
    if faults.is_empty() { Ok(()) } else { Err(invalid(faults)) }
}

/// The error for a wrong query parameter.
pub(super) fn query_error(name: &str, detail: &str) -> Error {
    Error::invalid(vec![FieldError::new("", format!("the query parameter {name} is not valid: {detail}"))])
}

#[cfg(test)]
mod tests;

//! What a request brings: its query and its body, whatever form they came in, as one typed value or a list of all that is
//! wrong.
//!
//! | in | what |
//! |---|---|
//! | `input/content.rs` | media types, forms; which of them holds the document |
//! | `input/event.rs` | CloudEvents, taken out of their envelopes |
//! | `input/json.rs` | JSON, with no name twice |
//! | `input/fields.rs` | fields as callers write them: `"true"`, lists of one, null |
//! | `input/order.rs` | fields of our own wherever they stand; misspelt names; what is not read |
//! | `input/placeholder.rs` | templates that were not filled in |
//! | `input/query.rs` | the query: known parameters alone, each once |

use std::borrow::Cow;

use http::request::Parts;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Body;
use super::route::Matched;
use crate::error::{Error, ErrorCode, FieldError};
use crate::json::fields_of;

mod content;
mod event;
mod fields;
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

/// As many wrong fields are listed at most.
const MAX_ERRORS: usize = 50;

/// The longest pointer that is listed; of a longer one its beginning.
const MAX_POINTER: usize = 256;

/// A request's input, read as far as its form.
#[derive(Debug)]
pub(super) struct Input {
    query: Query,
    document: Document,
    event: Option<Event>,
}

impl Input {
    /// Reads what came: bounds, media type, envelope, JSON; and no placeholder in path and query.
    pub(super) fn of(request: &Parts, matched: &Matched, body: &Body) -> Result<Self, Error> {
        let body = whole(body, true)?;
        let is_read = matches!(request.method, http::Method::GET | http::Method::HEAD);
        let query = Query::of(request.uri.query())?;
        // What the headers of a read say of a body says nothing: there is none.
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

    /// The event it came in, where it came in one.
    pub(super) fn event(&self) -> Option<&Event> {
        self.event.as_ref()
    }

    /// The JSON that was sent: all of it, with an event's envelope, or the field `payload` of a form. Placeholders in it are
    /// nobody's concern; a commit's message may hold any text. `headers` and `body` are those it was read from.
    pub(super) fn as_sent(&self, headers: &http::HeaderMap, body: &[u8]) -> Result<Cow<'_, Value>, Error> {
        // Of an envelope only the data was kept.
        Ok(match content::with_envelope(headers, body)? {
            Some(whole) => Cow::Owned(whole),
            None => Cow::Borrowed(&self.document.value),
        })
    }

    /// The domain name of the identity source in the body, where there is one; for the log.
    pub(super) fn source_domain(&self) -> Option<&str> {
        self.document.value.pointer("/ldap/domainName").and_then(Value::as_str)
    }

    /// The query parameter `name`, where it is there; it is never blank. One that the route's table does not list is never there.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.query.get(name)
    }

    /// The query parameter `name` as yes or no.
    pub(super) fn query_flag(&self, name: &str) -> Result<Option<bool>, Error> {
        self.query(name).map(|text| flag_word(text).ok_or_else(|| query_error(name, "write true or false"))).transpose()
    }

    /// The body as fields of our own, and what of it was not read, as it is told in `ignored`. Each field is taken from the first
    /// place that has it; `input/order.rs` says which places, and which names beside them are taken for misspelt.
    ///
    /// # Errors
    /// `request_invalid` or `unresolved_placeholder` with every field that is wrong or misspelt.
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

    /// Something is wrong with what was read of the body; the pointers are those into it.
    pub(super) fn body_invalid(&self, fields: Vec<FieldError>) -> Error {
        invalid(self.document.placed(fields))
    }

    /// Something is wrong with what [`Self::order`] gave; the pointers are its own, and are told as they stand in what came.
    pub(super) fn order_invalid(&self, mut fields: Vec<FieldError>) -> Error {
        for field in &mut fields {
            field.pointer = order::origin(&self.document.value, &field.pointer);
        }
        self.body_invalid(fields)
    }
}

/// The body, if it could be read.
pub(super) fn whole(body: &Body, is_proven: bool) -> Result<&[u8], Error> {
    Err(match body {
        Body::Whole(bytes) => return Ok(bytes),
        Body::TooLarge if !is_proven => Error::new(ErrorCode::BodyTooLarge, "the signed request body is over the limit")
            .hint("have the sender leave out what the hook does not need, raise signed_body_limit, or use an API key"),
        Body::TooSlow if !is_proven => Error::new(ErrorCode::RequestTimeout, "the signed request body did not come in time")
            .hint("a body whose caller only the signature proves has to come within 5 seconds, steadily; use an API key for slow links"),
        Body::TooLarge => Error::new(ErrorCode::BodyTooLarge, "the request body is over the limit")
            .hint("send only the fields the route knows, or raise request_body_limit"),
        Body::TooSlow => Error::new(ErrorCode::RequestTimeout, "the request body did not come in time"),
        Body::Broken => Error::invalid(vec![FieldError::new("", "the request body broke off before its end")]),
    })
}

/// All that is wrong, within bounds; a placeholder among it gives it its name.
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
        fields.push(FieldError::new("", "there are more; these are the first"));
    }
    if placeholder::is_among(&fields) {
        return placeholder::unresolved(fields);
    }
    Error::invalid(fields)
}

/// Refuses a query to a route that reads none and whose body is not looked at.
///
/// # Errors
/// `request_invalid` or `unresolved_placeholder` with every parameter.
pub(super) fn no_query(query: Option<&str>, known: &[&str]) -> Result<(), Error> {
    let faults = Query::of(query)?.faults(known, &[]);
    if faults.is_empty() { Ok(()) } else { Err(invalid(faults)) }
}

/// A query parameter that is wrong.
pub(super) fn query_error(name: &str, detail: &str) -> Error {
    Error::invalid(vec![FieldError::new("", format!("the query parameter {name} is not valid: {detail}"))])
}

#[cfg(test)]
mod tests;

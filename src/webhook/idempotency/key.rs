//! A request's idempotency key.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::IF_MATCH;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method};
use sha2::{Digest as _, Sha256};

use crate::error::{Error, FieldError};
use crate::template::is_unfilled;
use crate::webhook::input::Event;
use crate::webhook::signature;

/// The longest key.
const MAX_KEY: usize = 255;

/// The caller's own header (draft-07).
const OWN: &str = "idempotency-key";

/// Headers that identify a request; the first one present counts: the caller's own, Standard Webhooks', GitHub's.
const HEADERS: [&str; 3] = [OWN, "webhook-id", "x-github-delivery"];

/// The same for a signed Standard Webhook: its signature covers only its own id header, so a replayed request cannot be
/// renamed with another header.
const fn signed(id: &'static str) -> [&'static str; 3] {
    [id, OWN, "x-github-delivery"]
}

/// What a request is identified by.
enum Name {
    /// A key that the caller gave this request.
    Own(String),
    /// The id of a signed message. Its signature covers neither the path nor the names of its headers: it is the same message
    /// anywhere.
    Signed(String),
    /// The id of an event, in this header. The senders give it to every receiver of the event (GitHub's `guid` is "shared with
    /// all deliveries for all webhooks that subscribe to this event"), so it identifies a request only with its path and
    /// query.
    Event(&'static str, String),
}

/// A caller's key for a request, and a digest of the request.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::webhook) struct Key {
    /// The key's owner, in one short text: each caller has room of its own and cannot use up another's.
    pub(super) owner: String,
    /// Caller, kind of key and key in one text, unique across callers; with the path and query, if the key is an event's id.
    pub(super) id: String,
    /// A digest of method, path, query, body and `If-Match`.
    pub(super) input: String,
}

impl Key {
    /// The key of the message to the receiver `to` about the sync `id`.
    pub(in crate::webhook) fn of_message(to: &str, id: &str) -> Self {
        Self {
            owner: digest(&[b"callback", to.as_bytes()]),
            id: digest(&[b"message", id.as_bytes()]),
            input: "message".to_owned(),
        }
    }

    /// The message's id, as its receiver sees it.
    pub(in crate::webhook) fn message_id(&self) -> String {
        format!("sync_{}", self.id)
    }

    /// The key of a request that may change something, if it has one.
    pub(in crate::webhook) fn of(
        request: &Parts,
        event: Option<&Event>,
        caller: &str,
        body: &[u8],
    ) -> Result<Option<Self>, Error> {
        if !matches!(request.method, Method::POST | Method::PUT | Method::PATCH | Method::DELETE) {
            return Ok(None);
        }
        let (path, query) = (request.uri.path(), request.uri.query().unwrap_or_default());
        let id = match (named(&request.headers)?, event) {
            (Some(Name::Own(key)), _) => digest(&[caller, OWN, &key].map(str::as_bytes)),
            (Some(Name::Signed(id)), _) => digest(&[caller, "signed", &id].map(str::as_bytes)),
            (Some(Name::Event(header, id)), _) => digest(&[caller, header, &id, path, query].map(str::as_bytes)),
            (None, Some(Event { source, id })) => {
                digest(&[caller, "event", source, id, path, query].map(str::as_bytes))
            }
            (None, None) => return Ok(None),
        };
        let mut parts = vec![request.method.as_str().as_bytes(), path.as_bytes(), query.as_bytes(), body];
        parts.extend(request.headers.get_all(IF_MATCH).iter().map(HeaderValue::as_bytes));
        let input = digest(&parts);
        Ok(Some(Self { owner: owner_of_caller(caller), id, input }))
    }
}

/// The caller's name in one short text, for entries kept per caller.
pub(in crate::webhook) fn owner_of_caller(caller: &str) -> String {
    digest(&[b"caller", caller.as_bytes()])
}

/// What the headers call the request.
fn named(headers: &HeaderMap) -> Result<Option<Name>, Error> {
    let signed_id = signature::signed_id(headers);
    for header in signed_id.map_or(HEADERS, signed) {
        let mut values = headers.get_all(header).iter();
        let Some(value) = values.next() else { continue };
        let wrong = |what: &str| Err(Error::invalid(vec![FieldError::new("", format!("the header {header} {what}"))]));
        if values.any(|other| other != value) {
            return wrong("has two values");
        }
        let text = value.to_str().unwrap_or_default();
        if is_unfilled(text) {
            // Otherwise all requests of this caller would count as one.
            return wrong(crate::template::REFUSED);
        }
        let key = if header == OWN { item(text) } else { Some(text.to_owned()) };
        return match key {
            Some(key) if (1..=MAX_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()) => {
                Ok(Some(match header {
                    OWN => Name::Own(key),
                    header if Some(header) == signed_id => Name::Signed(key),
                    header => Name::Event(header, key),
                }))
            }
            _ => wrong("must be 1 to 255 visible ASCII characters, quoted or not"),
        };
    }
    Ok(None)
}

/// A structured-field string (RFC 8941, section 3.3.3) without its parameters; or the plain text.
fn item(text: &str) -> Option<String> {
    let text = text.trim();
    let Some(quoted) = text.strip_prefix('"') else { return Some(text.to_owned()) };
    let mut key = String::new();
    let mut rest = quoted.chars();
    loop {
        match rest.next()? {
            '"' => break,
            '\\' => key.push(rest.next().filter(|escaped| matches!(escaped, '"' | '\\'))?),
            other => key.push(other),
        }
    }
    let after = rest.as_str().trim_start();
    (after.is_empty() || after.starts_with(';')).then_some(key)
}

/// A digest of all `parts`; their lengths separate them.
fn digest(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    URL_SAFE_NO_PAD.encode(hash.finalize().get(..18).unwrap_or_default())
}

//! Entry points for fuzzers: queries, bodies, events.

use std::fmt::Write as _;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::query::Query;
use super::{Input, MAX_POINTER, content, event, json};
use crate::error::Error;
use crate::error::fuzzing::{check, check_fields};
use crate::json::DIGITS;
use crate::webhook::fuzzing::message;
use crate::webhook::idempotency;
use crate::webhook::route::{self, ROWS};
use crate::webhook::sync_routes::StartRequest;

/// The query of a request line: what passes is unambiguous and survives another encoding.
pub(crate) fn query(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    let Ok(query) = Query::of(Some(text)) else { return };
    let Ok(pairs) = content::pairs(input) else { return };
    let mut all: Vec<_> = ROWS.iter().flat_map(|row| row.operations).map(|operation| operation.query).collect();
    all.sort_unstable();
    all.dedup();
    // Each input meets three of the lists.
    for known in all.iter().cycle().skip(input.len() % all.len()).take(3) {
        let faults = query.faults(known, &["directory", "groups"]);
        for fault in &faults {
            assert!((1..1000).contains(&fault.detail.len()), "{fault:?}");
        }
        if faults.is_empty() {
            let is_known = |(name, value): &(String, String)| {
                known.contains(&name.as_str()) && query.get(name) == Some(value.trim())
            };
            assert!(pairs.iter().all(is_known), "an unknown or repeated parameter passes: {pairs:?}");
        }
    }
    let mut again = String::new();
    for (name, value) in &pairs {
        let encoded = [name, value].map(|part| utf8_percent_encode(part, NON_ALPHANUMERIC).to_string());
        let _ = write!(again, "{}={}&", encoded[0], encoded[1]);
    }
    assert_eq!(content::pairs(again.as_bytes()).ok(), Some(pairs));
}

/// A JSON text: accepted as `serde_json` accepts it, except duplicate names; a rejection quotes nothing.
pub(crate) fn json_text(input: &[u8]) {
    let theirs = serde_json::from_slice::<Value>(input);
    match json::parse(input) {
        Ok(ours) => {
            let written = ours.to_string();
            assert_eq!(json::parse(written.as_bytes()).as_ref(), Ok(&ours), "{written}");
            assert_eq!(theirs.ok(), Some(ours), "read differently");
        }
        Err(faults) => {
            assert!(!faults.is_empty());
            let is_duplicate = faults.iter().all(|fault| fault.detail.contains("duplicated"));
            let has_digits =
                input.windows(DIGITS.len()).any(|window| window == DIGITS.as_bytes()) || input.contains(&b'\\');
            assert!(theirs.is_err() || is_duplicate || has_digits, "valid JSON is rejected: {faults:?}");
            if !is_duplicate {
                assert!(faults.iter().all(|fault| fault.detail.len() < 300), "{faults:?}");
            }
        }
    }
}

/// A body of the forms that callers send, with its headers: `METHOD path`, headers, an empty line, the body.
pub(crate) fn body(input: &[u8]) {
    let Some((request, body)) = message(input) else { return };
    let Ok(matched) = route::find(request.uri.path()) else { return };
    let read = match Input::of(&request, &matched, &body) {
        Ok(read) => read,
        Err(error) => return check_of_input(&error),
    };
    assert!(read.document.value.is_object());
    if let Some(event) = read.event() {
        assert!(!event.source.is_empty() && !event.id.is_empty());
    }
    if let Err(error) = read.order::<StartRequest>() {
        check_of_input(&error);
    }
    if let Err(error) = read.as_sent(&request.headers, &body) {
        check_of_input(&error);
    }
    match idempotency::Key::of(&request, read.event(), "caller", &body) {
        Ok(Some(key)) => {
            let others = idempotency::Key::of(&request, read.event(), "another", &body);
            assert_ne!(others.ok().flatten(), Some(key), "two callers share a key");
        }
        Ok(None) => {}
        Err(error) => check_of_input(&error),
    }
}

/// An event in structured form, and as a batch of one: both are the same event with the same data.
pub(crate) fn event_text(input: &[u8]) {
    let alone = event::structured(input);
    let batch = event::only_one(&[b"[", input, b"]"].concat());
    match (alone, batch) {
        (Ok((document, event)), Ok((same_document, same_event))) => {
            assert!(!event.id.is_empty() && !event.source.is_empty() && document.value.is_object());
            assert_eq!((&document.value, &event), (&same_document.value, &same_event));
        }
        (Err(error), Err(_)) => check_of_input(&error),
        // An event of the greatest depth is one level too deep in a batch.
        (Ok(_), Err(error)) => assert!(error.detail().contains("nested"), "only rejected in a batch: {error}"),
        (Err(error), Ok(_)) => assert!(error.detail().contains("batch"), "only accepted in a batch: {error}"),
    }
}

fn check_of_input(error: &Error) {
    check(error);
    check_fields(error.fields());
    for field in error.fields() {
        assert!(field.pointer.len() <= MAX_POINTER && field.detail.len() <= 1200, "{field:?}");
    }
}

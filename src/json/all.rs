//! Reports everything that is wrong with a value, not only the first fault.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Error, read, unescape};
use crate::spelling::resembled;

/// Limit of reading attempts; each one removes a wrong field.
const MAX_ATTEMPTS: usize = 100;

/// One wrong part of a JSON document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// JSON Pointer (RFC 6901) to the part; empty for the whole document.
    pub(crate) pointer: String,
    /// The mistake and the expected form. It never quotes a value.
    pub(crate) detail: String,
}

/// Reads `value` as `T`, or lists all of its faults: each wrong part is noted and removed, then the rest is read again.
/// `own_reasons` are messages of our own readers that are shown as they are.
///
/// # Errors
/// Every fault that was found, at least one.
pub(crate) fn read_all<T: DeserializeOwned>(mut value: Value, own_reasons: &[&str]) -> Result<T, Vec<Fault>> {
    let mut faults: Vec<Fault> = Vec::new();
    for _ in 0..MAX_ATTEMPTS {
        let error = match read(&value) {
            Ok(read) if faults.is_empty() => return Ok(read),
            Ok(_) => break,
            Err(error) => error,
        };
        if !take_out(&mut value, &error, &mut faults, own_reasons) {
            break;
        }
    }
    Err(faults)
}

/// Notes the wrong part and removes it; returns whether there is something left to read.
fn take_out(value: &mut Value, error: &Error, faults: &mut Vec<Fault>, own_reasons: &[&str]) -> bool {
    let mut pointer = error.pointer();
    let is_known = faults.iter().any(|fault| fault.pointer == pointer);
    if !is_known {
        faults.push(Fault { pointer: pointer.clone(), detail: expectation(error.reason(), own_reasons) });
    }
    let found = value.pointer(&pointer);
    let (is_null, is_text) = (found.is_some_and(Value::is_null), found.is_some_and(Value::is_string));
    let mut stand_in = Value::Null;
    if is_known && is_null {
        // A list of texts rejects null, so an empty text replaces the wrong part and keeps its place.
        stand_in = Value::String(String::new());
    } else if is_known && is_text && remove(value, &pointer) {
        // An optional flag, or an unknown field.
        return true;
    } else if is_known {
        // No replacement fits, so the parent is replaced.
        pointer.truncate(pointer.rfind('/').unwrap_or_default());
    }
    match value.pointer_mut(&pointer) {
        Some(wrong) if !pointer.is_empty() => *wrong = stand_in,
        _ => return false,
    }
    true
}

/// Removes a field from its object; returns whether it was one.
fn remove(value: &mut Value, pointer: &str) -> bool {
    let Some((parent, name)) = pointer.rsplit_once('/') else { return false };
    value
        .pointer_mut(parent)
        .and_then(Value::as_object_mut)
        .is_some_and(|fields| fields.remove(&unescape(name)).is_some())
}

/// serde's message without the value that it quotes, which may be a password in the wrong place.
fn expectation(reason: &str, own_reasons: &[&str]) -> String {
    if let Some(meant) = meant(reason) {
        return format!("is unknown: did you mean `{meant}`?");
    }
    match reason.rsplit_once("expected ") {
        Some((_, expected)) if reason.starts_with("unknown field") => format!("is unknown: expected {expected}"),
        Some((_, expected)) => format!("has the wrong type: expected {expected}"),
        None if reason.starts_with("missing field") || reason.starts_with("duplicate field") => reason.to_owned(),
        None if own_reasons.contains(&reason) => reason.to_owned(),
        None => "has the wrong type".to_owned(),
    }
}

/// The field that an unknown one probably means, from serde's message: "unknown field `a`, expected one of `b`, `c`".
fn meant(reason: &str) -> Option<&str> {
    let mut names = reason.strip_prefix("unknown field ")?.split('`').skip(1).step_by(2);
    let unknown = names.next()?;
    resembled(unknown, names).map(|(meant, _)| meant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelt_field_gets_a_suggestion() {
        let reason = "unknown field `group`, expected one of `groups`, `addToProfile`, `ignoreSafeguards`";
        assert_eq!(expectation(reason, &[]), "is unknown: did you mean `groups`?");
        let reason = "unknown field `color`, expected `groups` or `addToProfile`";
        assert_eq!(expectation(reason, &[]), "is unknown: expected `groups` or `addToProfile`");
    }
}

//! Everything that is wrong with a value, not only the first thing.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Misfit, read};
use crate::error::FieldError;

/// The most attempts at reading; each takes a wrong field out.
const MAX_ATTEMPTS: usize = 100;

/// `value` as `T`, or everything in it that is wrong: each wrong thing is noted, taken out, and the rest is read again.
/// `own_words` are what readers of our own say, fit to be told as they are.
pub(crate) fn read_all<T: DeserializeOwned>(mut value: Value, own_words: &[&str]) -> Result<T, Vec<FieldError>> {
    let mut errors: Vec<FieldError> = Vec::new();
    for _ in 0..MAX_ATTEMPTS {
        let misfit = match read(&value) {
            Ok(read) if errors.is_empty() => return Ok(read),
            Ok(_) => break,
            Err(misfit) => misfit,
        };
        if !take_out(&mut value, &misfit, &mut errors, own_words) {
            break;
        }
    }
    Err(errors)
}

/// Notes what does not fit and takes it out; whether there is something left to read.
fn take_out(value: &mut Value, misfit: &Misfit, errors: &mut Vec<FieldError>, own_words: &[&str]) -> bool {
    let mut pointer = misfit.pointer();
    let is_known = errors.iter().any(|error| error.pointer == pointer);
    if !is_known {
        errors.push(FieldError::new(pointer.clone(), expectation(misfit.said(), own_words)));
    }
    let found = value.pointer(&pointer);
    let (is_null, is_text) = (found.is_some_and(Value::is_null), found.is_some_and(Value::is_string));
    let mut stand_in = Value::Null;
    if is_known && is_null {
        // It is missed where it stood: in a list of texts there is no null.
        stand_in = Value::String(String::new());
    } else if is_known && is_text && remove(value, &pointer) {
        // A flag that may be left out, a name that nobody knows.
        return true;
    } else if is_known {
        // Nothing goes there; then what holds it has to go.
        pointer.truncate(pointer.rfind('/').unwrap_or_default());
    }
    match value.pointer_mut(&pointer) {
        Some(wrong) if !pointer.is_empty() => *wrong = stand_in,
        _ => return false,
    }
    true
}

/// Takes a field out of its object; whether it was one.
fn remove(value: &mut Value, pointer: &str) -> bool {
    let Some((parent, name)) = pointer.rsplit_once('/') else { return false };
    let name = name.replace("~1", "/").replace("~0", "~");
    value.pointer_mut(parent).and_then(Value::as_object_mut).is_some_and(|fields| fields.remove(&name).is_some())
}

/// serde's words without the value it quotes: that may be a password in the wrong place.
fn expectation(said: &str, own_words: &[&str]) -> String {
    if let Some(meant) = meant(said) {
        return format!("is not known here: did you mean `{meant}`?");
    }
    match said.rsplit_once("expected ") {
        Some((_, expected)) if said.starts_with("unknown field") => format!("is not known here: expected {expected}"),
        Some((_, expected)) => format!("is of the wrong kind: expected {expected}"),
        None if said.starts_with("missing field") || said.starts_with("duplicate field") => said.to_owned(),
        None if own_words.contains(&said) => said.to_owned(),
        None => "is of the wrong kind".to_owned(),
    }
}

/// The field that an unknown one was probably meant as, out of serde's words: "unknown field `a`, expected one of `b`, `c`".
fn meant(said: &str) -> Option<&str> {
    let mut names = said.strip_prefix("unknown field ")?.split('`').skip(1).step_by(2);
    let unknown = names.next()?;
    crate::spelling::resembled(unknown, names).map(|(meant, _)| meant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_field_is_answered_with_the_one_that_was_meant() {
        let said = "unknown field `group`, expected one of `groups`, `addToProfile`, `ignoreSafeguards`";
        assert_eq!(expectation(said, &[]), "is not known here: did you mean `groups`?");
        let said = "unknown field `color`, expected `groups` or `addToProfile`";
        assert_eq!(expectation(said, &[]), "is not known here: expected `groups` or `addToProfile`");
    }
}

//! A mistake in the configuration: its place, what is wrong, and the fix.

use std::fmt;

use serde::Serialize;

use super::VARIABLES;
use crate::json::{escape, unescape};

/// One mistake, or one warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ConfigError {
    /// The variable.
    pub variable: String,
    /// The place in the variable's JSON, as a JSON Pointer (RFC 6901); empty for the whole variable.
    pub pointer: String,
    /// The mistake; it follows the name in a sentence. The wrong value is shown unless it may be a secret.
    pub detail: String,
    /// The fix.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl ConfigError {
    /// A mistake at `place`. `text` is what is wrong and, after the first `; `, the fix.
    pub(crate) fn new(place: impl Into<Place>, text: &str) -> Self {
        let Place { variable, pointer } = place.into();
        let (detail, hint) = match text.split_once("; ") {
            Some((detail, hint)) => (detail, Some(hint.to_owned())),
            None => (text, None),
        };
        Self { variable, pointer, detail: detail.to_owned(), hint }
    }

    /// The same for a field of a list's entry.
    pub(crate) fn in_entry(variable: &str, at: usize, field: &str, text: &str) -> Self {
        Self::new(Place::in_entry(variable, at, field), text)
    }

    /// The place as people write it: `api_keys[0].scopes[1]`.
    #[must_use]
    pub fn place(&self) -> String {
        let steps = self.pointer.split('/').skip(1).map(|step| {
            let name = unescape(step);
            if name.bytes().all(|byte| byte.is_ascii_digit()) { format!("[{name}]") } else { format!(".{name}") }
        });
        std::iter::once(self.variable.clone()).chain(steps).collect()
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.place(), self.detail)?;
        match &self.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ConfigError {}

/// A place in the configuration: a variable, and a JSON Pointer within it.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    variable: String,
    pointer: String,
}

impl Place {
    /// Whether its variable is secret: no message shows a value of it.
    pub(super) fn is_secret(&self) -> bool {
        VARIABLES.iter().any(|variable| variable.secret && variable.name == self.variable)
    }

    /// A place in a variable's JSON, from the steps that lead to it.
    pub(crate) fn within<'s>(variable: &str, steps: impl IntoIterator<Item = &'s str>) -> Self {
        let pointer = steps.into_iter().map(|step| format!("/{}", escape(step))).collect();
        Self { variable: variable.to_owned(), pointer }
    }

    /// A place in a list's entry, written as `.scopes[1]`; all names must be our own.
    pub(crate) fn in_entry(variable: &str, at: usize, path: &str) -> Self {
        let steps = path.replace('[', ".").replace(']', "");
        let steps = steps.split('.').filter(|step| !step.is_empty());
        Self::within(variable, std::iter::once(at.to_string().as_str()).chain(steps))
    }

    pub(crate) fn at_pointer(variable: &str, pointer: String) -> Self {
        Self { variable: variable.to_owned(), pointer }
    }
}

impl From<&str> for Place {
    fn from(variable: &str) -> Self {
        Self { variable: variable.to_owned(), pointer: String::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistake_reads_as_a_sentence_with_its_place_and_fix() {
        let error = ConfigError::new(Place::in_entry("api_keys", 0, ".scopes[1]"), "is \"x\"; write y; or z");
        assert_eq!((error.pointer.as_str(), error.hint.as_deref()), ("/0/scopes/1", Some("write y; or z")));
        assert_eq!(error.to_string(), "api_keys[0].scopes[1] is \"x\"; write y; or z");
        let odd = ConfigError::new(Place::within("targets", ["vidm", "a/b", "url"]), "is not set");
        assert_eq!(
            (odd.pointer.as_str(), odd.to_string().as_str()),
            ("/vidm/a~1b/url", "targets.vidm.a/b.url is not set")
        );
        assert_eq!(ConfigError::new("page", "is wrong").to_string(), "page is wrong");
    }
}

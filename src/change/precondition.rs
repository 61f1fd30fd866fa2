//! A change on the condition that the object is still as the caller read it: `ETag` and `If-Match` (RFC 9110, sections 8.8.3
//! and 13.1.1).
//!
//! The vendors have neither, so idhook compares the state that it reads before the change. Between that read and the change
//! another writer can still come in.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::entity_tag::EntityTag;
use crate::error::{Error, ErrorCode, Result};

/// Fields that are no part of the state: the tag itself, a token's description and a message for people.
const NOT_STATE: [&str; 3] = ["etag", "syncClientTokenInfo", "idpMessage"];

/// Lists that servers may return in any order.
const SETS: [&str; 6] =
    ["identitySources", "domainNames", "domains", "certChain", "certificateChain", "dnsLookupCertificateChain"];

/// The most tags in one condition.
const MAX_TAGS: usize = 20;

/// The entity tag of an object's readable state, with its quotes. The order of fields, and of entries in sets, does not
/// matter. `None` if it cannot be written as JSON, which does not happen to a response's model.
pub(crate) fn etag(state: &impl Serialize) -> Option<String> {
    let mut text = String::new();
    canonical(&serde_json::to_value(state).ok()?, false, &mut text);
    let mut tag = String::from("\"");
    for byte in Sha256::digest(text).iter().take(16) {
        write!(tag, "{byte:02x}").ok()?;
    }
    tag.push('"');
    Some(tag)
}

/// Writes `value` in the one form in which equal states are equal texts.
fn canonical(value: &Value, is_set: bool, to: &mut String) {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().filter(|(name, _)| !NOT_STATE.contains(&name.as_str())).collect();
            fields.sort_by_key(|(name, _)| *name);
            to.push('{');
            for (name, field) in fields {
                to.push_str(&Value::from(name.as_str()).to_string());
                canonical(field, SETS.contains(&name.as_str()), to);
            }
            to.push('}');
        }
        Value::Array(items) => {
            let mut texts = Vec::new();
            for item in items {
                let mut text = String::new();
                canonical(item, false, &mut text);
                texts.push(text);
            }
            if is_set {
                texts.sort_unstable();
            }
            to.push('[');
            to.push_str(&texts.join(","));
            to.push(']');
        }
        other => to.push_str(&other.to_string()),
    }
}

/// The condition of a change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Precondition {
    /// Change it whatever its state is.
    #[default]
    None,
    /// Change it if it exists.
    Exists,
    /// Change it if its state has one of these tags.
    OneOf(Vec<EntityTag>),
}

impl Precondition {
    /// Reads the value of `If-Match`: `*`, or tags separated by commas. Weak tags are valid, but match nothing.
    ///
    /// # Errors
    /// Why it is not valid.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        const FORM: &str = "must be * or an ETag in its quotes, as idhook returned it";
        if text.trim() == "*" {
            return Ok(Self::Exists);
        }
        let mut tags = Vec::new();
        for tag in EntityTag::list(text) {
            tags.push(tag.filter(|_| tags.len() < MAX_TAGS).ok_or(FORM)?);
        }
        if tags.is_empty() { Err(FORM) } else { Ok(Self::OneOf(tags)) }
    }

    /// Whether there is a condition.
    pub(crate) fn is_some(&self) -> bool {
        *self != Self::None
    }

    /// Checks the state with the tag `present`; `None` if the object does not exist.
    ///
    /// # Errors
    /// `precondition_failed`
    pub(crate) fn check(&self, present: Option<&str>) -> Result<()> {
        let failed = |detail: &str| Err(Error::new(ErrorCode::PreconditionFailed, detail));
        let tag = present.and_then(EntityTag::parse);
        match (self, present) {
            (Self::None, _) | (Self::Exists, Some(_)) => Ok(()),
            (Self::OneOf(tags), Some(_)) if tag.is_some_and(|tag| tags.iter().any(|one| one.is_strongly(&tag))) => {
                Ok(())
            }
            (Self::Exists | Self::OneOf(_), None) => {
                failed("the object does not exist, and If-Match requires that it does; nothing was changed")
            }
            (Self::OneOf(_), Some(present)) => {
                failed(&format!("the object changed since it was read: its ETag is now {present}; nothing was changed"))
            }
        }
        .map_err(|error| error.hint("read it again, apply your change to what it is now, and send the new ETag"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn etag_ignores_order_of_fields_and_sets_and_volatile_fields() {
        let one = json!({"id": "i", "identitySources": [{"name": "a"}, {"name": "b"}], "domainNames": ["x", "y"],
            "certificateChain": ["c", "d"]});
        let two = json!({"etag": "\"old\"", "idpMessage": "m", "syncClientTokenInfo": {"expireAt": "z"},
            "certificateChain": ["d", "c"], "domainNames": ["y", "x"], "identitySources": [{"name": "b"}, {"name": "a"}], "id": "i"});
        assert_eq!(etag(&one), etag(&two));
        assert_eq!(etag(&one).unwrap().len(), 34);
    }

    #[test]
    fn etag_changes_with_values_places_and_the_order_of_servers() {
        let all = [
            json!({"serverEndpoints": ["a", "b"]}),
            json!({"serverEndpoints": ["b", "a"]}),
            json!({"serverEndpoints": ["a,b"]}),
            json!({"serverEndpoints": [["a", "b"]]}),
            json!({"serverEndpoints": null}),
            json!({"other": ["a", "b"]}),
            json!({"n": 1}),
            json!({"n": "1"}),
        ];
        for (at, one) in all.iter().enumerate() {
            for other in &all[at + 1..] {
                assert_ne!(etag(one), etag(other), "{one} {other}");
            }
        }
    }

    #[test]
    fn conditions_are_read_and_compared_strongly() {
        let tag = "\"a\"";
        for (text, present, holds) in [
            ("*", Some(tag), true),
            ("*", None, false),
            ("\"a\"", Some(tag), true),
            (" \"b\" , \"a\",", Some(tag), true),
            ("\"b,c\", \"a\"", Some(tag), true),
            ("\"b\"", Some(tag), false),
            ("\"b,a\"", Some(tag), false),
            ("W/\"a\"", Some(tag), false),
            ("\"a\"", None, false),
        ] {
            let checked = Precondition::parse(text).unwrap().check(present);
            assert_eq!(checked.is_ok(), holds, "{text}");
            if let Err(error) = checked {
                assert_eq!(error.code(), ErrorCode::PreconditionFailed);
            }
        }
        for wrong in ["", " , ", "a", "\"a", "\"a\" \"b\"", "\"", "w/\"a\"", "*,\"a\"", &"\"a\",".repeat(21)] {
            assert!(Precondition::parse(wrong).is_err(), "{wrong}");
        }
        assert!(Precondition::default().check(None).is_ok());
    }
}

//! Compares a specification with the server's view of the same object. No calls: two values in, a list of differences out.
//!
//! Only returned fields can be compared: secrets are never returned. Fields that the specification omits are the server's
//! choice, so they are not differences; but the vendors' changes take a whole object, so a change may remove or reset what
//! it omits, and these fields are listed too. Certificates and domains are sets; certificates are equal if their DER is.

use serde::Serialize;
use serde_json::{Map, Value};

use super::Extra;
use crate::certificate;
use crate::dn::Key;
use crate::json::escape;
use crate::redact::{blank_secret_fields, blank_secrets_in, is_secret_name};

/// The fields that a specification would change.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Difference {
    /// Fields whose current value differs.
    pub changes: Vec<Change>,
    /// JSON Pointers to specified fields that the server does not return, secrets above all.
    pub not_compared: Vec<String>,
    /// Fields that the server shows and the specification omits.
    pub omitted: Vec<Change>,
}

/// One field that differs, or that the specification omits.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(rename = "FieldChange"))]
pub struct Change {
    /// JSON Pointer (RFC 6901) into the specification.
    pub pointer: String,
    /// The current value; null if there is none. A certificate that is a field of its own is described in one line. Omitted,
    /// like `to`, for a field that this version does not know: it may be a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Value>,
    /// The specified value; omitted if the specification omits the field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Value>,
}

impl Difference {
    pub(crate) fn change(&mut self, pointer: &str, from: Value, to: Value) {
        self.changes.push(Change { pointer: pointer.to_owned(), from: Some(from), to: Some(to) });
    }

    /// A field that the specification omits. `shown`: the server's value, if it shows one that is not empty.
    pub(crate) fn omits(&mut self, pointer: &str, shown: Option<Value>) {
        if let Some(shown) = shown.filter(|shown| !is_empty(shown)) {
            self.omitted.push(Change { pointer: pointer.to_owned(), from: Some(shown), to: None });
        }
    }

    /// An object, compared field by field by `compare` with the shown one, or with an empty one if none is shown.
    pub(crate) fn object<T: Serialize + Default>(
        &mut self,
        at: &str,
        wanted: &Option<T>,
        shown: &Option<T>,
        compare: fn(&mut Self, &str, &T, &T),
    ) {
        match wanted {
            Some(wanted) => compare(self, at, wanted, shown.as_ref().unwrap_or(&T::default())),
            None => self.omits_object(at, shown),
        }
    }

    /// An object that the specification omits, without the fields that have names of secrets.
    pub(crate) fn omits_object<T: Serialize>(&mut self, pointer: &str, shown: &Option<T>) {
        let Ok(mut shown) = serde_json::to_value(shown) else { return };
        blank_secret_fields(&mut shown);
        self.omits(pointer, Some(shown));
    }

    /// A specified field that is not returned.
    pub(crate) fn hidden(&mut self, pointer: &str, given: bool) {
        if given {
            self.not_compared.push(pointer.to_owned());
        }
    }

    pub(crate) fn text(
        &mut self,
        pointer: &str,
        wanted: &Option<String>,
        shown: &Option<String>,
        same: fn(&str, &str) -> bool,
    ) {
        match wanted {
            None => self.omits(pointer, shown.clone().map(Value::from)),
            Some(wanted) if shown.as_deref().is_some_and(|shown| same(wanted, shown)) => {}
            Some(wanted) => self.change(pointer, shown.clone().into(), wanted.clone().into()),
        }
    }

    /// A list, compared by `same`. None and an empty list are equal.
    pub(crate) fn list(
        &mut self,
        pointer: &str,
        wanted: &Option<Vec<String>>,
        shown: &Option<Vec<String>>,
        same: fn(&[String], &[String]) -> bool,
    ) {
        let shown = shown.as_deref().unwrap_or_default();
        let Some(wanted) = wanted else { return self.omits(pointer, Some(Value::from(shown))) };
        if !same(wanted, shown) {
            self.change(pointer, Value::from(shown), Value::from(wanted.as_slice()));
        }
    }

    /// Certificates as a set of DER. Each is shown as one line, not as base64.
    pub(crate) fn certificates(&mut self, pointer: &str, wanted: &Option<Vec<String>>, shown: &Option<Vec<String>>) {
        let lines = |ders: &[Vec<u8>]| {
            let mut lines = Vec::new();
            for der in ders {
                lines.push(certificate::describe(der));
            }
            Value::from(lines)
        };
        let shown = certificate::ders(shown.as_deref().unwrap_or_default());
        let Some(wanted) = wanted else { return self.omits(pointer, Some(lines(&shown))) };
        let wanted = certificate::ders(wanted);
        if !same_set(&wanted, &shown, |one, other| one == other) {
            self.change(pointer, lines(&shown), lines(&wanted));
        }
    }

    /// An object whose fields the model does not name, but the vendor does: objects field by field, lists as sets. A field that
    /// the server does not show is different.
    pub(crate) fn fields(&mut self, at: &str, wanted: &Option<Extra>, shown: &Option<Extra>) {
        self.object(at, wanted, shown, |found, at, wanted, shown| found.members(at, &wanted.0, &shown.0));
    }

    fn members(&mut self, at: &str, wanted: &Map<String, Value>, shown: &Map<String, Value>) {
        for (name, value) in given(wanted) {
            let pointer = format!("{at}/{}", escape(name));
            match (value, shown.get(name)) {
                (Value::Object(wanted), Some(Value::Object(shown))) => self.members(&pointer, wanted, shown),
                (wanted, shown) => self.unnamed(pointer, name, wanted, shown.or(Some(&Value::Null)), same_json),
            }
        }
        for (name, value) in shown.iter().filter(|(name, _)| wanted.get(*name).is_none_or(Value::is_null)) {
            self.omits_object(&format!("{at}/{}", escape(name)), &Some(value));
        }
    }

    /// Fields without a name in the model: compared if the response has one with the same name.
    pub(crate) fn extra(&mut self, at: &str, wanted: &Extra, shown: &Extra) {
        for (name, wanted) in given(&wanted.0) {
            self.unnamed(format!("{at}/{}", escape(name)), name, wanted, shown.0.get(name), |one, other| one == other);
        }
    }

    fn unnamed(
        &mut self,
        pointer: String,
        name: &str,
        wanted: &Value,
        shown: Option<&Value>,
        same: fn(&Value, &Value) -> bool,
    ) {
        // The response's secrets are blanked, so those of the specification are too.
        let mut blanked = Map::from_iter([(name.to_owned(), wanted.clone())]);
        blank_secrets_in(&mut blanked);
        let compared = blanked.get(name).unwrap_or(wanted);
        if compared != wanted {
            self.not_compared.push(pointer.clone());
        }
        match shown {
            Some(shown) if same(compared, shown) => {}
            Some(_) if is_secret_name(name) => {}
            Some(_) => self.changes.push(Change { pointer, from: None, to: None }),
            None if compared == wanted => self.not_compared.push(pointer),
            None => {}
        }
    }
}

/// The fields that are not null.
fn given(fields: &Map<String, Value>) -> impl Iterator<Item = (&String, &Value)> {
    fields.iter().filter(|(_, value)| !value.is_null())
}

/// Whether a value is null, or a list or an object without anything.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

/// Lists in any order; what an object in a list omits is the server's choice.
fn same_json(wanted: &Value, shown: &Value) -> bool {
    match (wanted, shown) {
        (Value::Array(wanted), Value::Array(shown)) => same_set(wanted, shown, same_json),
        (Value::Object(wanted), Value::Object(shown)) => {
            given(wanted).all(|(name, wanted)| same_json(wanted, shown.get(name).unwrap_or(&Value::Null)))
        }
        _ => wanted == shown || is_empty(wanted) && is_empty(shown),
    }
}

pub(crate) fn exact(wanted: &str, shown: &str) -> bool {
    wanted == shown
}

pub(crate) fn in_any_case(wanted: &str, shown: &str) -> bool {
    wanted.eq_ignore_ascii_case(shown)
}

/// Distinguished names in any spelling: case, blanks and escapes do not matter (RFC 4517, section 4.2.15).
pub(crate) fn same_dn(wanted: &str, shown: &str) -> bool {
    Key::of(wanted) == Key::of(shown)
}

/// Accounts: directories compare `user@domain` and `DOMAIN\user` without case, and a distinguished name as such.
pub(crate) fn same_account(wanted: &str, shown: &str) -> bool {
    wanted.trim().to_lowercase() == shown.trim().to_lowercase() || wanted.contains('=') && same_dn(wanted, shown)
}

/// URLs: case of scheme and host and the default port do not matter (RFC 3986, section 6.2); the rest is compared exactly.
pub(crate) fn same_url(wanted: &str, shown: &str) -> bool {
    let parts = |url: &str| {
        let (scheme, rest) = url.trim().split_once("://").unwrap_or(("", url.trim()));
        let (host, path) =
            rest.split_at_checked(rest.find(['/', '?', '#']).unwrap_or(rest.len())).unwrap_or((rest, ""));
        let (scheme, host) = (scheme.to_ascii_lowercase(), host.to_ascii_lowercase());
        let port = if scheme == "https" { ":443" } else { ":80" };
        (scheme, host.strip_suffix(port).unwrap_or(&host).to_owned(), if path == "/" { "" } else { path }.to_owned())
    };
    parts(wanted) == parts(shown)
}

pub(crate) fn same_domains(wanted: &[String], shown: &[String]) -> bool {
    same_set(wanted, shown, |one, other| one.eq_ignore_ascii_case(other))
}

fn same_set<T>(wanted: &[T], shown: &[T], same: impl Fn(&T, &T) -> bool) -> bool {
    // Few entries: sorting is not needed.
    wanted.iter().all(|one| shown.iter().any(|other| same(one, other)))
        && shown.iter().all(|other| wanted.iter().any(|one| same(one, other)))
}

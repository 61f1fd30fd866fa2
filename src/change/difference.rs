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
        let is_empty = |value: &Value| match value {
            Value::Null => true,
            Value::Array(list) => list.is_empty(),
            Value::Object(fields) => fields.is_empty(),
            _ => false,
        };
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

    /// An object whose fields the model does not name, but the vendor does.
    pub(crate) fn fields(&mut self, at: &str, wanted: &Option<Extra>, shown: &Option<Extra>) {
        self.object(at, wanted, shown, |found, at, wanted, shown| {
            found.extra(at, wanted, shown);
            for (name, value) in shown.0.iter().filter(|(name, _)| !wanted.0.contains_key(*name)) {
                found.omits_object(&format!("{at}/{}", escape(name)), &Some(value));
            }
        });
    }

    /// Fields without a name in the model: compared if the response has one with the same name.
    pub(crate) fn extra(&mut self, at: &str, wanted: &Extra, shown: &Extra) {
        for (name, wanted) in wanted.0.iter().filter(|(_, value)| !value.is_null()) {
            let pointer = format!("{at}/{}", escape(name));
            // The response's secrets are blanked, so those of the specification are too.
            let mut compared = Map::from_iter([(name.clone(), wanted.clone())]);
            blank_secrets_in(&mut compared);
            let compared = compared.get(name);
            if compared != Some(wanted) {
                self.not_compared.push(pointer.clone());
            }
            match shown.0.get(name) {
                Some(shown) if Some(shown) == compared => {}
                Some(_) if is_secret_name(name) => {}
                Some(_) => self.changes.push(Change { pointer, from: None, to: None }),
                None if compared == Some(wanted) => self.not_compared.push(pointer),
                None => {}
            }
        }
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

fn same_set<T>(one: &[T], other: &[T], same: impl Fn(&T, &T) -> bool) -> bool {
    // Few entries: sorting is not needed.
    let within = |all: &[T], set: &[T]| all.iter().all(|one| set.iter().any(|other| same(one, other)));
    within(one, other) && within(other, one)
}

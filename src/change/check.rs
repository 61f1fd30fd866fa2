//! Checks of a specification's fields: all faults are collected, each with its JSON Pointer.

use std::time::SystemTime;

use http::Uri;

use super::Extra;
use crate::certificate::{self, CertificateFacts, Form};
use crate::error::FieldError;
use crate::json::escape;
use crate::secret::Secret;
use crate::spelling::{self, Likeness};
use crate::template;

/// The faults found so far, and the certificates.
pub(crate) struct Check {
    /// The error for a missing secret.
    secret_missing: &'static str,
    form: Form,
    now: SystemTime,
    certificates: Vec<CertificateFacts>,
    errors: Vec<FieldError>,
}

impl Check {
    /// Nothing found yet. `form`: of certificates.
    pub(crate) fn new(form: Form, now: SystemTime) -> Self {
        let secret_missing = "is required and must not be blank";
        Self { secret_missing, form, now, certificates: Vec::new(), errors: Vec::new() }
    }

    /// The same with another fault for a required secret that is missing.
    pub(crate) fn secret_missing(self, secret_missing: &'static str) -> Self {
        Self { secret_missing, ..self }
    }

    /// The certificates if there is no fault, otherwise all faults.
    pub(crate) fn done(self) -> Result<Vec<CertificateFacts>, Vec<FieldError>> {
        if self.errors.is_empty() { Ok(self.certificates) } else { Err(self.errors) }
    }

    /// Adds a fault.
    pub(crate) fn wrong(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        self.errors.push(FieldError::new(pointer, detail));
    }

    /// Rejects a name that resembles one of the `known` fields, each with whether it is set: the server would ignore it. A
    /// name that differs by letters and is next to the field that it resembles may belong to a newer version.
    pub(crate) fn names(&mut self, at: &str, extra: &Extra, known: &[(&str, bool)]) {
        for name in extra.0.keys() {
            let meant = spelling::resembled(name, known.iter().map(|(name, _)| *name));
            let Some((meant, likeness)) = meant else { continue };
            let is_given = known.iter().any(|(name, is_given)| *name == meant && *is_given);
            if likeness == Likeness::Spelling || !is_given {
                self.wrong(format!("{at}/{}", escape(name)), format!("did you mean `{meant}`?"));
            }
        }
    }

    /// Rejects the `options` of a change in its body, where they would be ignored and the change made anyway.
    pub(crate) fn options(&mut self, options: &[&str], extra: &Extra) {
        for name in extra.0.keys() {
            if let Some(option) = options.iter().find(|option| {
                **option == name
                    || spelling::resembled(name, [**option]).is_some_and(|(_, how)| how == Likeness::Spelling)
            }) {
                let detail = format!("is not read in the body; send it in the query: ?{option}=true");
                self.wrong(format!("/{}", escape(name)), detail);
            }
        }
    }

    /// A required field.
    pub(crate) fn given<'s, T>(&mut self, pointer: &str, value: Option<&'s T>) -> Option<&'s T> {
        if value.is_none() {
            self.wrong(pointer, "is required");
        }
        value
    }

    /// A required string that must not be blank.
    pub(crate) fn text<'s>(&mut self, pointer: &str, value: Option<&'s String>) -> Option<&'s str> {
        let value = value.map(String::as_str).filter(|text| !text.trim().is_empty());
        match value {
            None => self.wrong(pointer, "is required and must not be blank"),
            // The webhook rejects them anywhere in a body; this check is for embedded use.
            Some(text) if template::is_unfilled(text) => self.wrong(pointer, template::REFUSED),
            Some(_) => return value,
        }
        None
    }

    /// A required secret that must not be blank.
    pub(crate) fn secret(&mut self, pointer: &str, value: Option<&Secret>) {
        if value.is_none_or(|secret| secret.expose().trim().is_empty()) {
            self.wrong(pointer, self.secret_missing);
        }
    }

    /// The certificates of a chain.
    pub(crate) fn chain(&mut self, at: &str, chain: Option<&Vec<String>>) {
        if let Some(chain) = chain {
            let entries = chain.iter().enumerate().map(|(index, entry)| (format!("{at}/{index}"), entry));
            self.certificates(entries.collect());
        }
    }

    /// The certificates of these entries, each with its pointer.
    pub(crate) fn certificates(&mut self, entries: Vec<(String, &String)>) {
        certificate::check(&entries, self.form, self.now, &mut self.certificates, &mut self.errors);
    }
}

/// Whether `text` is an absolute URL with scheme https or http.
pub(crate) fn is_web_url(text: &str) -> bool {
    text.parse().is_ok_and(|url: Uri| {
        matches!(url.scheme_str(), Some("https" | "http")) && url.host().is_some_and(|host| !host.is_empty())
    })
}

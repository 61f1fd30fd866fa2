//! X.509 certificates in requests and responses: parsed, checked and converted to the [`Form`] that a server is known to accept.
//!
//! Callers may send PEM, base64 of PEM, base64 of DER, or PKCS#7.

use std::borrow::Cow;
use std::time::SystemTime;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

mod client;
mod entry;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
#[cfg(test)]
mod tests;
mod x509;

use crate::error::FieldError;

pub(crate) use client::{AlternativeName, ClientCertificate, RequiredCertificate};
use entry::Entry;
use x509::Certificate;

/// The form in which a server accepts the certificates of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Each entry is the base64 of a whole PEM text. SDDC Manager's specification says "SSL certificate chain in base64
    /// encoding"; the vendor's own samples (PowerVCF) have this form.
    Base64OfPem,
    /// Each entry is a PEM text: VCF Operations.
    Pem,
}

impl Form {
    /// How to make an entry.
    fn how(self) -> &'static str {
        match self {
            Self::Base64OfPem => "send the output of `base64 -w0 chain.pem`",
            Self::Pem => "send the text of a PEM file, with its line breaks written as \\n",
        }
    }
}

/// A specification's certificate, as people need to see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct CertificateFacts {
    /// JSON Pointer (RFC 6901) to its entry.
    pub pointer: String,
    /// Its subject (RFC 4514).
    pub subject: String,
    /// When it expires (RFC 3339).
    pub not_after: String,
    /// Whole days until expiry; negative once it has expired.
    pub expires_in_days: i64,
    /// Why it is accepted in spite of a fault: it has expired, but a valid one with the same subject is beside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
}

/// Adds the data of the certificates in the entry at `pointer`, expired or not, to `facts`; unreadable ones are skipped.
pub(crate) fn add_facts(pointer: &str, entry: &str, now: SystemTime, facts: &mut Vec<CertificateFacts>) {
    for der in in_entry(entry).unwrap_or_default() {
        if let Ok(certificate) = Certificate::read(&der) {
            facts.push(certificate.facts(pointer, now));
        }
    }
}

/// The certificates of a whole chain as DER, in any form of entry. An unreadable entry stays as its text.
pub(crate) fn ders(chain: &[String]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for entry in joined(chain).iter() {
        match in_entry(entry) {
            Some(mut certificates) => all.append(&mut certificates),
            None => all.push(entry.trim().as_bytes().to_vec()),
        }
    }
    all
}

/// The entries of a chain; one entry of all if each is a line of a PEM text, as in the vendor's examples for VCF Operations.
pub(crate) fn joined(chain: &[String]) -> Cow<'_, [String]> {
    match chain.iter().any(|entry| is_line_of_pem(entry)) {
        true => Cow::Owned(vec![chain.join("\n")]),
        false => Cow::Borrowed(chain),
    }
}

/// Whether `entry` is the first or last line of a PEM text without the rest.
pub(crate) fn is_line_of_pem(entry: &str) -> bool {
    entry.contains("-----BEGIN ") != entry.contains("-----END ")
}

/// A certificate as a PEM text.
pub(crate) fn pem(der: Vec<u8>) -> String {
    entry::pem(&[der])
}

/// The certificates of one entry as DER, in any form; `None` if it cannot be read.
pub(crate) fn in_entry(entry: &str) -> Option<Vec<Vec<u8>>> {
    Entry::read(entry, Form::Pem).ok().map(|entry| entry.certificates)
}

/// A certificate in one line: subject, expiry, and the beginning of the SHA-256 fingerprint to distinguish it from its
/// successor.
pub(crate) fn describe(der: &[u8]) -> String {
    let mut fingerprint = String::new();
    for byte in Sha256::digest(der).iter().take(8) {
        fingerprint.push_str(&format!("{byte:02x}"));
    }
    match Certificate::read(der) {
        Ok(Certificate { subject, not_after, .. }) => {
            format!("{}, until {not_after}, SHA-256 {fingerprint}…", subject.shown())
        }
        Err(_) => format!("not a readable certificate, SHA-256 {fingerprint}…"),
    }
}

/// `entry` in the given form; unchanged if it cannot be read.
pub(crate) fn on_the_wire(entry: &str, form: Form) -> Cow<'_, str> {
    match Entry::read(entry, form) {
        Ok(Entry { as_sent, .. }) => Cow::Owned(as_sent),
        Err(_) => Cow::Borrowed(entry),
    }
}

/// Checks every certificate of the entries of one chain, each with its pointer: their data goes to `facts`, faults to
/// `errors`. An expired one is accepted beside a valid one with the same subject, because CAs are renewed like this.
pub(crate) fn check(
    entries: &[(String, &String)],
    form: Form,
    now: SystemTime,
    facts: &mut Vec<CertificateFacts>,
    errors: &mut Vec<FieldError>,
) {
    let before = errors.len();
    let mut told = Vec::new();
    for (pointer, entry) in entries {
        match Entry::read(entry, form) {
            Ok(Entry { certificates, .. }) => check_ders(pointer, &certificates, form, now, &mut told, errors),
            Err(fault) => errors.push(FieldError::new(pointer.as_str(), fault)),
        }
    }
    let valid: Vec<_> = told.iter().filter(|one| one.expires_in_days >= 0).map(|one| one.subject.clone()).collect();
    for mut one in told {
        if one.expires_in_days < 0 {
            let expired = format!("the certificate of {} expired on {}", one.subject, one.not_after);
            if !valid.contains(&one.subject) {
                errors.push(FieldError::new(one.pointer, format!("{expired}; send its successor")));
                continue;
            }
            one.warning =
                Some(format!("{expired}; it was sent beside a valid one with the same subject, and can be omitted"));
        }
        facts.push(one);
    }
    // The expired ones were found last.
    let mut wrong = errors.split_off(before);
    wrong.sort_by_key(|error| error.pointer.rsplit('/').next().and_then(|index| index.parse::<usize>().ok()));
    errors.append(&mut wrong);
}

/// The data of these certificates; other contents, and certificates that are not valid yet, are faults.
fn check_ders(
    pointer: &str,
    certificates: &[Vec<u8>],
    form: Form,
    now: SystemTime,
    told: &mut Vec<CertificateFacts>,
    errors: &mut Vec<FieldError>,
) {
    for der in certificates {
        let Ok(certificate) = Certificate::read(der) else {
            let detail = format!("contains something that is not an X.509 certificate; {}", form.how());
            errors.push(FieldError::new(pointer, detail));
            continue;
        };
        let Certificate { subject, not_before, .. } = &certificate;
        if not_before.to_system_time() > now {
            let detail = format!(
                "the certificate of {} is not valid before {not_before}; check the clock that issued it",
                subject.shown()
            );
            errors.push(FieldError::new(pointer, detail));
        } else {
            told.push(certificate.facts(pointer, now));
        }
    }
}

impl Certificate<'_> {
    fn facts(&self, pointer: &str, now: SystemTime) -> CertificateFacts {
        CertificateFacts {
            pointer: pointer.to_owned(),
            subject: self.subject.shown(),
            not_after: self.not_after.to_string(),
            expires_in_days: days_until(self.not_after.to_system_time(), now),
            warning: None,
        }
    }
}

/// Whole days from `now` to the end of the second `time`; negative if that has passed.
pub(crate) fn days_until(time: SystemTime, now: SystemTime) -> i64 {
    let seconds = |time: SystemTime| {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    };
    seconds(time).saturating_sub(seconds(now)).div_euclid(86_400)
}

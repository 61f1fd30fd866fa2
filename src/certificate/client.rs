//! The certificate of a client, as a proxy that verified it passes it on in a header.

use std::time::{Duration, SystemTime};

use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Decode as _, Tag, Tagged as _};
use percent_encoding::percent_decode_str;
use sha2::{Digest as _, Sha256};

use super::in_entry;
use super::x509::{Certificate, Name, context};
use crate::dn;
use crate::error::excerpt;
use crate::runtime::rfc3339;

/// How far the proxy's clock may be from idhook's.
const LEEWAY: Duration = Duration::from_mins(1);

/// The longest header that is read, in bytes. A certificate has 1 to 2 KiB, and a third more as base64; percent-encoding adds little.
const MAX_HEADER: usize = 32 << 10;

/// A client's certificate, as far as it says who the client is.
#[derive(Debug)]
pub(crate) struct ClientCertificate {
    issuer: Name,
    subject: Name,
    alternative_names: Vec<AlternativeName>,
    sha256: [u8; 32],
    not_before: SystemTime,
    not_after: SystemTime,
}

/// What a client's certificate must have: everything that is given.
#[derive(Debug, Clone, Default)]
pub(crate) struct RequiredCertificate {
    /// The distinguished name of the CA that issued it.
    pub(crate) issuer: Option<String>,
    /// Its subject, a distinguished name.
    pub(crate) subject: Option<String>,
    /// One of its alternative names.
    pub(crate) san: Option<AlternativeName>,
    /// The SHA-256 of the certificate itself: one of these. Empty: any.
    pub(crate) sha256: Vec<[u8; 32]>,
}

/// A name of the subject beside its distinguished name (RFC 5280, section 4.2.1.6).
#[derive(Debug, Clone)]
pub(crate) struct AlternativeName {
    kind: &'static str,
    value: String,
}

impl ClientCertificate {
    /// Reads the value of the header: a byte sequence (RFC 9440), PEM with or without percent-encoding (nginx, Apache), base64 of
    /// DER (HAProxy, Traefik), or the `Cert` of Envoy's `X-Forwarded-Client-Cert`.
    ///
    /// # Errors
    /// What is wrong with it, and after `; ` the fix.
    pub(crate) fn read(header: &str) -> Result<Self, String> {
        let header = header.trim();
        if header.len() > MAX_HEADER {
            return Err(format!("has more than {MAX_HEADER} bytes; pass on the client's own certificate only"));
        }
        let text = match header.strip_prefix(':').and_then(|text| text.strip_suffix(':')) {
            Some(bytes) => bytes.to_owned(),
            None => element_of_envoy(header)?.unwrap_or_else(|| header.to_owned()),
        };
        let text = percent_decode_str(&text).decode_utf8().map_err(|_| UNREADABLE)?;
        let ders = in_entry(&text).or_else(|| {
            // Traefik separates the certificates of a client's chain by commas.
            let parts: Option<Vec<_>> = text.split(',').map(in_entry).collect();
            parts.map(|parts| parts.concat())
        });
        let ders = ders.ok_or(UNREADABLE)?;
        let [der] = ders.as_slice() else {
            return Err(format!("has {} certificates; pass on the client's own certificate only", ders.len()));
        };
        Self::of_der(der).map_err(|_| UNREADABLE.to_owned())
    }

    fn of_der(der: &[u8]) -> der::Result<Self> {
        let certificate = Certificate::read(der)?;
        let alternative_names =
            certificate.alternative_names()?.into_iter().filter_map(AlternativeName::read).collect();
        let Certificate { issuer, subject, not_before, not_after, .. } = certificate;
        Ok(Self {
            issuer,
            subject,
            alternative_names,
            sha256: Sha256::digest(der).into(),
            not_before: not_before.to_system_time(),
            not_after: not_after.to_system_time(),
        })
    }

    /// Its subject for people; one of its alternative names if the subject is empty, as in a SPIFFE certificate.
    pub(crate) fn shown(&self) -> String {
        match self.alternative_names.first() {
            Some(AlternativeName { kind, value }) if !self.subject.is_exact => excerpt(&format!("{kind}:{value}")),
            _ => self.subject.shown(),
        }
    }

    /// Checks that it is valid at `now`. The proxy checked it when the connection began, which may be long ago.
    ///
    /// # Errors
    /// What is wrong.
    pub(crate) fn check_time(&self, now: SystemTime) -> Result<(), String> {
        if self.not_after + LEEWAY < now {
            return Err(format!("expired at {}", rfc3339(self.not_after)));
        }
        if now + LEEWAY < self.not_before {
            return Err(format!("is not valid before {}", rfc3339(self.not_before)));
        }
        Ok(())
    }
}

impl RequiredCertificate {
    /// Checks that `certificate` has everything that is required.
    ///
    /// # Errors
    /// The first field that differs.
    pub(crate) fn check(&self, certificate: &ClientCertificate) -> Result<(), &'static str> {
        let is_name = |required: &Option<String>, name: &Name| {
            required.as_ref().is_none_or(|required| name.is_exact && dn::is_same(required, &name.text))
        };
        let is_san = |required: &AlternativeName| {
            let names = certificate.alternative_names.iter();
            // X509-SVID, section 2: a certificate with several URIs is no identity of SPIFFE.
            let is_one = !required.is_spiffe() || names.clone().filter(|name| name.kind == required.kind).count() == 1;
            is_one && names.clone().any(|name| required.is(name))
        };
        if !is_name(&self.issuer, &certificate.issuer) {
            Err("issuer")
        } else if !is_name(&self.subject, &certificate.subject) {
            Err("subject")
        } else if !self.san.as_ref().is_none_or(is_san) {
            Err("san")
        } else if !self.sha256.is_empty() && !self.sha256.contains(&certificate.sha256) {
            Err("sha256")
        } else {
            Ok(())
        }
    }
}

impl AlternativeName {
    /// The kinds that are read, as they are written in front of a name.
    pub(crate) const KINDS: [&str; 4] = ["DNS", "URI", "email", "UPN"];

    /// Reads `DNS:…`, `URI:…`, `email:…` or `UPN:…`, as `openssl x509 -ext subjectAltName` prints the first three.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (kind, value) = text.trim().split_once(':')?;
        let kind = Self::KINDS.into_iter().find(|known| known.eq_ignore_ascii_case(kind.trim()))?;
        Some(Self { kind, value: value.trim().to_owned() }).filter(|name| !name.value.is_empty())
    }

    /// Reads a GeneralName; `None` for other kinds and for a value that is no text.
    fn read(name: AnyRef<'_>) -> Option<Self> {
        let Tag::ContextSpecific { constructed, number } = name.tag() else { return None };
        let (kind, value) = match (number.value(), constructed) {
            (1, false) => ("email", name.value()),
            (2, false) => ("DNS", name.value()),
            (6, false) => ("URI", name.value()),
            (0, true) => ("UPN", user_principal_name(name).ok().flatten()?),
            _ => return None,
        };
        Some(Self { kind, value: str::from_utf8(value).ok()?.to_owned() })
    }

    /// Whether it is an identity of SPIFFE.
    fn is_spiffe(&self) -> bool {
        self.kind == "URI" && self.value.starts_with("spiffe://")
    }

    /// Whether they are the same name. URIs are compared exactly, and so is all that is not ASCII.
    fn is(&self, other: &Self) -> bool {
        let is_equal = match self.kind {
            "URI" => self.value == other.value,
            _ => self.value.eq_ignore_ascii_case(&other.value),
        };
        self.kind == other.kind && is_equal
    }
}

/// Active Directory's name of an account (`otherName` of the type 1.3.6.1.4.1.311.20.2.3, a UTF8String).
fn user_principal_name(name: AnyRef<'_>) -> der::Result<Option<&[u8]>> {
    const UPN: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.20.2.3");
    let mut parts = der::SliceReader::new(name.value())?;
    let kind = ObjectIdentifier::decode(&mut parts)?;
    let value = AnyRef::decode(&mut parts)?;
    if kind != UPN || value.tag() != context(0) {
        return Ok(None);
    }
    let text = AnyRef::from_der(value.value())?;
    Ok((text.tag() == Tag::Utf8String).then(|| text.value()))
}

const UNREADABLE: &str = "has no readable certificate; pass it on as RFC 9440 says, or as PEM with percent-encoding";

/// The value of `Cert` in Envoy's header; `None` if the text is not of this form.
/// Source: Envoy, "HTTP header manipulation", section x-forwarded-client-cert.
fn element_of_envoy(text: &str) -> Result<Option<String>, String> {
    const KEYS: [&str; 8] = ["By", "Hash", "Cert", "Chain", "Subject", "URI", "DNS", "Email"];
    let key = |pair: &str| pair.split_once('=').map(|(key, _)| key.trim().to_owned());
    let is_key = |key: &String| KEYS.iter().any(|known| known.eq_ignore_ascii_case(key));
    let mut elements = unquoted(text, ',');
    if !elements
        .iter()
        .all(|element| unquoted(element, ';').iter().all(|pair| key(pair).is_some_and(|key| is_key(&key))))
    {
        return Ok(None);
    }
    let (Some(element), None) = (elements.pop(), elements.pop()) else {
        return Err("has the certificates of several clients; let Envoy replace the header (SANITIZE_SET)".to_owned());
    };
    let cert = unquoted(element, ';').into_iter().find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        key.trim().eq_ignore_ascii_case("cert").then(|| value.trim().trim_matches('"').to_owned())
    });
    cert.map(Some).ok_or_else(|| "has no Cert; set cert: true in set_current_client_cert_details".to_owned())
}

/// The parts of `text` between separators that are not in quotes. A backslash in quotes escapes a quote.
fn unquoted(text: &str, separator: char) -> Vec<&str> {
    let (mut in_quotes, mut escaped) = (false, false);
    text.split(|c| {
        let is_quote = c == '"' && !escaped;
        escaped = c == '\\' && in_quotes && !escaped;
        in_quotes ^= is_quote;
        c == separator && !in_quotes
    })
    .collect()
}

#[cfg(test)]
mod tests;

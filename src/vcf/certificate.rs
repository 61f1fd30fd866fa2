//! The certificates of a `certChain`: read, checked and brought into the form SDDC Manager is known to take.
//!
//! The specification says "SSL certificate chain in base64 encoding"; the vendor's own samples (PowerVCF) hold the base64
//! of a whole PEM text in each entry. That form is sent as it came. PEM itself and base64 of DER are turned into it.
//!
//! Of a certificate (RFC 5280 section 4.1) only the subject and the validity are looked at, so nothing else about it can
//! make it be refused here. That is done over `der` alone: it costs the component 26 kB, where `x509-cert` takes 58 kB
//! (154 kB if it also writes the name down) and `x509-parser` 145 kB.

use std::borrow::Cow;
use std::time::SystemTime;

use base64::Engine as _;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use der::asn1::{AnyRef, GeneralizedTime, ObjectIdentifier, UtcTime};
use der::{DateTime, Decode, Encode as _, Reader, SliceReader, Tag, TagNumber, Tagged};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::error::{FieldError, excerpt};

/// Standard base64; some tools leave the padding out.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

const HOW: &str = "write what `base64 -w0 chain.pem` prints";

/// A certificate of a specification, as far as a person wants to know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct CertificateFacts {
    /// JSON Pointer (RFC 6901) to the entry that holds it.
    pub pointer: String,
    /// Whose it is (RFC 4514).
    pub subject: String,
    /// When it expires (RFC 3339).
    pub not_after: String,
    /// How many whole days are left; below 0 once it has expired.
    pub expires_in_days: i64,
    /// Why it was taken although something is wrong with it: it has expired, and a valid one of the same subject is beside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
}

/// What the certificates of the entry at `pointer` tell, whatever their time, is added to `facts`; what cannot be read
/// tells nothing.
pub(super) fn tell(pointer: &str, entry: &str, now: SystemTime, facts: &mut Vec<CertificateFacts>) {
    for der in Entry::read(entry).map(|entry| entry.certificates).unwrap_or_default() {
        if let Ok(certificate) = Certificate::read(&der) {
            facts.push(certificate.facts(pointer, now));
        }
    }
}

/// The certificates of a whole chain as DER, whatever the form of its entries. One that cannot be read stands for itself.
pub(super) fn ders(chain: &[String]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for entry in chain {
        match Entry::read(entry) {
            Ok(Entry { mut certificates, .. }) => all.append(&mut certificates),
            Err(_) => all.push(entry.trim().as_bytes().to_vec()),
        }
    }
    all
}

/// A certificate in a line: whose, until when, and the beginning of the SHA-256 fingerprint to tell it from its successor.
pub(super) fn describe(der: &[u8]) -> String {
    let mut fingerprint = String::new();
    for byte in Sha256::digest(der).iter().take(8) {
        fingerprint.push_str(&format!("{byte:02x}"));
    }
    match Certificate::read(der) {
        Ok(Certificate { subject, not_after, .. }) => format!("{subject}, until {not_after}, SHA-256 {fingerprint}…"),
        Err(_) => format!("not a readable certificate, SHA-256 {fingerprint}…"),
    }
}

/// `entry` in the form SDDC Manager is known to take; as it is when it cannot be read.
pub(super) fn on_the_wire(entry: &str) -> Cow<'_, str> {
    match Entry::read(entry) {
        Ok(Entry { as_sent, .. }) => Cow::Owned(as_sent),
        Err(_) => Cow::Borrowed(entry),
    }
}

/// Checks every certificate of the chain at `at`: what they tell goes to `facts`, what is wrong to `errors`. An expired one is taken
/// beside a valid one of the same subject: that is how a CA is renewed.
pub(super) fn check_chain(
    at: &str,
    chain: &[String],
    now: SystemTime,
    facts: &mut Vec<CertificateFacts>,
    errors: &mut Vec<FieldError>,
) {
    let before = errors.len();
    let mut told = Vec::new();
    for (index, entry) in chain.iter().enumerate() {
        let pointer = format!("{at}/{index}");
        match Entry::read(entry) {
            Ok(Entry { certificates, .. }) => check(&pointer, &certificates, now, &mut told, errors),
            Err(fault) => errors.push(FieldError::new(pointer, fault)),
        }
    }
    let valid: Vec<_> = told.iter().filter(|one| one.expires_in_days >= 0).map(|one| one.subject.clone()).collect();
    for mut one in told {
        if one.expires_in_days < 0 {
            let expired = format!("the certificate of {} expired on {}", one.subject, one.not_after);
            if !valid.contains(&one.subject) {
                errors.push(FieldError::new(one.pointer, format!("{expired}; give the one that replaces it")));
                continue;
            }
            one.warning =
                Some(format!("{expired}; it was sent beside the valid one of the same subject, and can be left out"));
        }
        facts.push(one);
    }
    // Those that have expired were found last.
    let mut wrong = errors.split_off(before);
    wrong.sort_by_key(|error| error.pointer.rsplit('/').next().and_then(|index| index.parse::<usize>().ok()));
    errors.append(&mut wrong);
}

/// What these certificates tell; what is none, or not yet valid, is wrong.
fn check(
    pointer: &str,
    certificates: &[Vec<u8>],
    now: SystemTime,
    told: &mut Vec<CertificateFacts>,
    errors: &mut Vec<FieldError>,
) {
    for der in certificates {
        let Ok(certificate) = Certificate::read(der) else {
            errors.push(FieldError::new(pointer, format!("holds something that is not an X.509 certificate; {HOW}")));
            continue;
        };
        let Certificate { subject, not_before, .. } = &certificate;
        if not_before.to_system_time() > now {
            let detail = format!(
                "the certificate of {subject} is not valid before {not_before}; check the clock that issued it"
            );
            errors.push(FieldError::new(pointer, detail));
        } else {
            told.push(certificate.facts(pointer, now));
        }
    }
}

/// One entry of a `certChain`.
struct Entry {
    /// Its certificates as DER.
    certificates: Vec<Vec<u8>>,
    /// The base64 of a PEM text that holds them.
    as_sent: String,
}

impl Entry {
    /// Reads base64 of PEM, PEM, or base64 of DER; a certificate, or a PKCS#7 container of some.
    fn read(entry: &str) -> Result<Self, String> {
        if entry.contains(BEGIN) {
            return Ok(Self::of(pem_blocks(&lines(entry))?));
        }
        let decoded = decode(entry).filter(|decoded| !decoded.is_empty());
        let mut decoded = decoded.ok_or_else(|| format!("is not base64 of a certificate; {HOW}"))?;
        // Encoded twice: `base64` of a file that was base64 already.
        if let Some(again) = text(&decoded).filter(|text| !text.contains(BEGIN)).and_then(|text| decode(&text)) {
            decoded = again;
        }
        match text(&decoded) {
            Some(text) if text.contains(BEGIN) => {
                let certificates = pem_blocks(&lines(&text))?;
                let as_it_came = text.starts_with(BEGIN) && text.len() == decoded.len() && !text.contains("\\n");
                // A text that needed no repair is sent as it came.
                match as_it_came && only_certificates(&text) {
                    true => Ok(Self { as_sent: STANDARD.encode(&decoded), certificates }),
                    false => Ok(Self::of(certificates)),
                }
            }
            // A DER SEQUENCE; whether it is a certificate is seen when it is read.
            _ if decoded.starts_with(&[0x30]) => Ok(Self::of(certificates_in(decoded)?)),
            _ => Err(format!("is base64, but of neither a PEM text nor a DER certificate; {HOW}")),
        }
    }

    /// These certificates, in the form SDDC Manager is known to take.
    fn of(certificates: Vec<Vec<u8>>) -> Self {
        Self { as_sent: STANDARD.encode(pem(&certificates)), certificates }
    }
}

/// How a PEM block begins.
const BEGIN: &str = "-----BEGIN";

/// A text in UTF-8 or, with its byte order mark, in UTF-16 (what PowerShell writes); without the mark.
fn text(bytes: &[u8]) -> Option<String> {
    let utf16 = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<_> = rest.chunks_exact(2).filter_map(|pair| pair.try_into().ok()).map(unit).collect();
        String::from_utf16(&units).ok()
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8(rest.to_vec()).ok(),
        bytes => String::from_utf8(bytes.to_vec()).ok(),
    }
}

/// A PEM text with its line breaks, where they were written as the two characters of their escape.
fn lines(text: &str) -> String {
    text.replace("\\r", "").replace("\\n", "\n")
}

/// Whether all blocks are plain certificates, so that the text can be sent as it is.
fn only_certificates(text: &str) -> bool {
    text.split("-----BEGIN ").skip(1).all(|block| {
        let body = block.strip_prefix("CERTIFICATE-----").and_then(|rest| rest.split("-----END").next());
        body.and_then(decode).is_some_and(|der| signed_data(&der).is_none())
    })
}

/// The certificates of a PEM text (RFC 7468). Text around the blocks is passed over; a block of another kind is not, it
/// may be a key.
fn pem_blocks(text: &str) -> Result<Vec<Vec<u8>>, String> {
    let mut certificates = Vec::new();
    for block in text.split("-----BEGIN ").skip(1) {
        let (label, rest) = block.split_once("-----").unwrap_or((block, ""));
        if label.ends_with("PRIVATE KEY") {
            return Err("holds a private key; send certificates only, and consider that key disclosed".to_owned());
        }
        if !matches!(label, "CERTIFICATE" | "X509 CERTIFICATE" | "PKCS7" | "PKCS #7 SIGNED DATA" | "CMS") {
            return Err(format!("holds a PEM block that is no certificate ({}); {HOW}", excerpt(label)));
        }
        let body = rest.split_once(&format!("-----END {label}-----")).and_then(|(body, _)| decode(body));
        let der = body.ok_or_else(|| format!("holds a PEM block that is damaged or cut short; {HOW}"))?;
        certificates.append(&mut certificates_in(der)?);
    }
    if certificates.is_empty() {
        return Err(format!("holds no certificate; {HOW}"));
    }
    Ok(certificates)
}

/// The certificate that `der` is, or those in it where it is a PKCS#7 container (RFC 2315 section 9).
fn certificates_in(der: Vec<u8>) -> Result<Vec<Vec<u8>>, String> {
    let fault = || {
        "is a PKCS#7 container whose certificates cannot be read; write what `openssl pkcs7 -print_certs -in chain.p7b` prints \
         (with `-inform DER` where the file is binary)"
            .to_owned()
    };
    match signed_data(&der) {
        Some(found) => found.ok().filter(|found| !found.is_empty()).ok_or_else(fault),
        // An indefinite length, which DER does not have and containers often do.
        None if der.starts_with(&[0x30, 0x80]) => Err(fault()),
        None if holds_number_first(&der) => {
            Err("is a private key or a PKCS#12 container; send certificates only, and consider that key disclosed"
                .to_owned())
        }
        None => Ok(vec![der]),
    }
}

/// Whether the first thing in `der` is a number: so begin keys and PKCS#12 containers, and no certificate.
fn holds_number_first(der: &[u8]) -> bool {
    let first = AnyRef::from_der(der).and_then(inside).and_then(|inner| Tag::peek(&inner));
    first.is_ok_and(|tag| tag == Tag::Integer)
}

/// The certificates of a PKCS#7 `signedData`; `None` where `der` is something else.
fn signed_data(der: &[u8]) -> Option<der::Result<Vec<Vec<u8>>>> {
    const SIGNED_DATA: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
    let mut whole = AnyRef::from_der(der).and_then(inside).ok()?;
    let kind: ObjectIdentifier = ObjectIdentifier::decode(&mut whole).ok()?;
    (kind.as_bytes() == SIGNED_DATA).then(|| enclosed(&mut whole))
}

fn enclosed(content: &mut SliceReader<'_>) -> der::Result<Vec<Vec<u8>>> {
    let mut content = SliceReader::new(AnyRef::decode(content)?.value())?;
    let mut signed = inside(AnyRef::decode(&mut content)?)?;
    // Version, digest algorithms, what was signed.
    for _ in 0..3 {
        AnyRef::decode(&mut signed)?;
    }
    let mut certificates = Vec::new();
    if signed.is_finished() || Tag::peek(&signed)? != (Tag::ContextSpecific { constructed: true, number: TagNumber(0) })
    {
        return Ok(certificates);
    }
    let mut list = SliceReader::new(AnyRef::decode(&mut signed)?.value())?;
    while !list.is_finished() {
        certificates.push(AnyRef::decode(&mut list)?.to_der()?);
    }
    Ok(certificates)
}

/// A PEM text of these certificates.
fn pem(certificates: &[Vec<u8>]) -> String {
    let mut text = String::new();
    for der in certificates {
        text.push_str("-----BEGIN CERTIFICATE-----\n");
        for (at, character) in STANDARD.encode(der).char_indices() {
            if at > 0 && at % 64 == 0 {
                text.push('\n');
            }
            text.push(character);
        }
        text.push_str("\n-----END CERTIFICATE-----\n");
    }
    text
}

fn decode(text: &str) -> Option<Vec<u8>> {
    // Some tools write base64 as URLs hold it, and some callers a line break as the two characters of its escape.
    let text = lines(text.trim_start_matches('\u{feff}'));
    let standard = |c| match c {
        '-' => '+',
        '_' => '/',
        c => c,
    };
    let packed: String = text.split_ascii_whitespace().flat_map(str::chars).map(standard).collect();
    LENIENT.decode(packed).ok()
}

/// What is read of a certificate.
struct Certificate {
    subject: String,
    not_before: DateTime,
    not_after: DateTime,
}

impl Certificate {
    fn read(der: &[u8]) -> der::Result<Self> {
        let whole = AnyRef::from_der(der)?;
        let mut whole = inside(whole)?;
        let mut signed = inside(AnyRef::decode(&mut whole)?)?;
        // The version is left out of a version 1 certificate.
        if Tag::peek(&signed)? == (Tag::ContextSpecific { constructed: true, number: TagNumber(0) }) {
            AnyRef::decode(&mut signed)?;
        }
        // Serial number, signature algorithm, issuer.
        for _ in 0..3 {
            AnyRef::decode(&mut signed)?;
        }
        let mut validity = inside(AnyRef::decode(&mut signed)?)?;
        let (not_before, not_after) = (time(&mut validity)?, time(&mut validity)?);
        let subject = excerpt(&name(AnyRef::decode(&mut signed)?)?);
        Ok(Self { subject, not_before, not_after })
    }

    fn facts(&self, pointer: &str, now: SystemTime) -> CertificateFacts {
        CertificateFacts {
            pointer: pointer.to_owned(),
            subject: self.subject.clone(),
            not_after: self.not_after.to_string(),
            expires_in_days: days_until(self.not_after.to_system_time(), now),
            warning: None,
        }
    }
}

/// Whole days from `now` to the end of the second `time`; below 0 when that has passed.
pub(super) fn days_until(time: SystemTime, now: SystemTime) -> i64 {
    let seconds = |time: SystemTime| {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    };
    seconds(time).saturating_sub(seconds(now)).div_euclid(86_400)
}

fn inside(value: AnyRef<'_>) -> der::Result<SliceReader<'_>> {
    match value.tag() {
        Tag::Sequence | Tag::Set => SliceReader::new(value.value()),
        other => Err(other.unexpected_error(Some(Tag::Sequence)).into()),
    }
}

fn time(reader: &mut SliceReader<'_>) -> der::Result<DateTime> {
    match Tag::peek(reader)? {
        Tag::UtcTime => UtcTime::decode(reader).map(|time| time.to_date_time()),
        _ => GeneralizedTime::decode(reader).map(|time| time.to_date_time()),
    }
}

/// A distinguished name as RFC 4514 writes it: the most special part first.
fn name(name: AnyRef<'_>) -> der::Result<String> {
    let mut parts = Vec::new();
    let mut name = inside(name)?;
    while !name.is_finished() {
        let mut pairs = Vec::new();
        let mut part = inside(AnyRef::decode(&mut name)?)?;
        while !part.is_finished() {
            let mut pair = inside(AnyRef::decode(&mut part)?)?;
            let kind = ObjectIdentifier::decode(&mut pair)?;
            let value = escaped(&value(AnyRef::decode(&mut pair)?));
            pairs.push(format!("{}={value}", keyword(&kind)));
        }
        parts.push(pairs.join("+"));
    }
    parts.reverse();
    Ok(if parts.is_empty() { "(no subject)".to_owned() } else { parts.join(",") })
}

/// The keywords of RFC 4514 section 3; anything else by its number.
fn keyword(kind: &ObjectIdentifier) -> Cow<'static, str> {
    Cow::Borrowed(match kind.as_bytes() {
        [0x55, 4, 3] => "CN",
        [0x55, 4, 6] => "C",
        [0x55, 4, 7] => "L",
        [0x55, 4, 8] => "ST",
        [0x55, 4, 9] => "STREET",
        [0x55, 4, 10] => "O",
        [0x55, 4, 11] => "OU",
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 1] => "UID",
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25] => "DC",
        // Not one of theirs, but what every tool writes.
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1] => "emailAddress",
        _ => return Cow::Owned(kind.to_string()),
    })
}

/// The text of a name's part, in whichever of ASN.1's string types it comes.
fn value(value: AnyRef<'_>) -> String {
    let bytes = value.value();
    match value.tag() {
        Tag::BmpString => {
            let units =
                bytes.chunks_exact(2).map(|pair| pair.iter().fold(0, |unit, byte| unit << 8 | u16::from(*byte)));
            char::decode_utf16(units).map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        Tag::TeletexString => bytes.iter().copied().map(char::from).collect(),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// RFC 4514 section 2.4.
fn escaped(value: &str) -> String {
    let mut out = String::new();
    let last = value.chars().count().saturating_sub(1);
    for (at, character) in value.chars().enumerate() {
        let edge = (character == ' ' && (at == 0 || at == last)) || (character == '#' && at == 0);
        if edge || matches!(character, '"' | '+' | ',' | ';' | '<' | '>' | '\\') {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

#[cfg(test)]
mod tests;

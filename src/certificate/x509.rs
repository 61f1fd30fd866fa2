//! Reads an X.509 certificate.
//!
//! Only the subject and validity of a certificate (RFC 5280, section 4.1) are read, so nothing else can cause a rejection
//! here. This uses only `der`: it costs the component 26 kB, where `x509-cert` takes 58 kB (154 kB with formatting of names)
//! and `x509-parser` 145 kB.

use std::borrow::Cow;

use der::asn1::{AnyRef, GeneralizedTime, ObjectIdentifier, UtcTime};
use der::{DateTime, Decode, Reader, SliceReader, Tag, TagNumber, Tagged};

use crate::error::excerpt;

/// The parsed fields.
pub(super) struct Certificate {
    /// The subject's distinguished name (RFC 4514).
    pub(super) subject: String,
    pub(super) not_before: DateTime,
    pub(super) not_after: DateTime,
}

impl Certificate {
    pub(super) fn read(der: &[u8]) -> der::Result<Self> {
        let whole = AnyRef::from_der(der)?;
        let mut whole = inside(whole)?;
        let mut signed = inside(AnyRef::decode(&mut whole)?)?;
        // A version 1 certificate omits the version.
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
}

/// The content of a SEQUENCE or SET.
pub(super) fn inside(value: AnyRef<'_>) -> der::Result<SliceReader<'_>> {
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

/// A distinguished name as in RFC 4514: the most specific part first.
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

/// The keywords of RFC 4514, section 3; other types by their number.
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
        // Not in the RFC, but used by every tool.
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1] => "emailAddress",
        _ => return Cow::Owned(kind.to_string()),
    })
}

/// The text of a name's part, in any of ASN.1's string types.
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

/// RFC 4514, section 2.4.
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

//! Reads an X.509 certificate.
//!
//! Only the names and the validity of a certificate (RFC 5280, section 4.1) are read, so nothing else can cause a rejection
//! here. This uses only `der`: it costs the component 26 kB, where `x509-cert` takes 58 kB (154 kB with formatting of names)
//! and `x509-parser` 145 kB.

use std::borrow::Cow;

use der::asn1::{AnyRef, GeneralizedTime, ObjectIdentifier, UtcTime};
use der::{DateTime, Decode, Reader, SliceReader, Tag, TagNumber, Tagged};

use crate::error::excerpt;

/// The parsed fields.
pub(super) struct Certificate<'d> {
    pub(super) issuer: Name,
    pub(super) subject: Name,
    pub(super) not_before: DateTime,
    pub(super) not_after: DateTime,
    /// What follows the subject.
    rest: SliceReader<'d>,
}

/// A distinguished name (RFC 4514): the most specific part first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    /// The whole name.
    pub(super) text: String,
    /// Whether no other name has this text: all values are texts, none of them was repaired.
    pub(super) is_exact: bool,
}

impl Name {
    /// The name for people, of bounded length.
    pub(super) fn shown(&self) -> String {
        excerpt(&self.text)
    }
}

impl<'d> Certificate<'d> {
    pub(super) fn read(der: &'d [u8]) -> der::Result<Self> {
        let whole = AnyRef::from_der(der)?;
        let mut whole = inside(whole)?;
        let mut signed = inside(AnyRef::decode(&mut whole)?)?;
        // A version 1 certificate omits the version.
        if Tag::peek(&signed)? == context(0) {
            AnyRef::decode(&mut signed)?;
        }
        // Serial number, signature algorithm.
        for _ in 0..2 {
            AnyRef::decode(&mut signed)?;
        }
        let issuer = name(AnyRef::decode(&mut signed)?)?;
        let mut validity = inside(AnyRef::decode(&mut signed)?)?;
        let (not_before, not_after) = (time(&mut validity)?, time(&mut validity)?);
        let subject = name(AnyRef::decode(&mut signed)?)?;
        Ok(Self { issuer, subject, not_before, not_after, rest: signed })
    }

    /// The alternative names of the subject (RFC 5280, section 4.2.1.6), each with its tag; empty if there are none.
    pub(super) fn alternative_names(&self) -> der::Result<Vec<AnyRef<'d>>> {
        const SUBJECT_ALT_NAME: [u8; 3] = [0x55, 29, 17];
        let mut rest = self.rest.clone();
        let mut names = Vec::new();
        // The public key, and unique ids in front of the extensions.
        while !rest.is_finished() {
            let field = AnyRef::decode(&mut rest)?;
            if field.tag() != context(3) {
                continue;
            }
            let mut extensions = inside(AnyRef::from_der(field.value())?)?;
            while !extensions.is_finished() {
                let mut extension = inside(AnyRef::decode(&mut extensions)?)?;
                let kind: ObjectIdentifier = ObjectIdentifier::decode(&mut extension)?;
                // Whether it is critical, and then its value.
                let mut value = AnyRef::decode(&mut extension)?;
                if value.tag() == Tag::Boolean {
                    value = AnyRef::decode(&mut extension)?;
                }
                if kind.as_bytes() == SUBJECT_ALT_NAME {
                    let mut list = inside(AnyRef::from_der(value.value())?)?;
                    while !list.is_finished() {
                        names.push(AnyRef::decode(&mut list)?);
                    }
                }
            }
        }
        Ok(names)
    }
}

/// The tag of a constructed field with this number.
pub(super) fn context(number: u32) -> Tag {
    Tag::ContextSpecific { constructed: true, number: TagNumber(number) }
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

fn name(name: AnyRef<'_>) -> der::Result<Name> {
    let (mut parts, mut is_exact) = (Vec::new(), true);
    let mut name = inside(name)?;
    while !name.is_finished() {
        let mut pairs = Vec::new();
        let mut part = inside(AnyRef::decode(&mut name)?)?;
        while !part.is_finished() {
            let mut pair = inside(AnyRef::decode(&mut part)?)?;
            let kind = ObjectIdentifier::decode(&mut pair)?;
            let (value, is_whole) = value(AnyRef::decode(&mut pair)?);
            is_exact &= is_whole;
            pairs.push(format!("{}={}", keyword(&kind), escaped(&value)));
        }
        parts.push(pairs.join("+"));
    }
    parts.reverse();
    if parts.is_empty() {
        return Ok(Name { text: "(no subject)".to_owned(), is_exact: false });
    }
    Ok(Name { text: parts.join(","), is_exact })
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

/// The text of a name's part, in any of ASN.1's string types, and whether it is the whole value, unrepaired.
fn value(value: AnyRef<'_>) -> (String, bool) {
    let bytes = value.value();
    let text = match value.tag() {
        Tag::BmpString => {
            let units =
                bytes.chunks_exact(2).map(|pair| pair.iter().fold(0, |unit, byte| unit << 8 | u16::from(*byte)));
            let text: Option<String> = char::decode_utf16(units.clone()).collect::<Result<_, _>>().ok();
            text.filter(|_| bytes.len() % 2 == 0).ok_or_else(|| {
                char::decode_utf16(units).map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
            })
        }
        Tag::TeletexString => Ok(bytes.iter().copied().map(char::from).collect()),
        Tag::Utf8String | Tag::PrintableString | Tag::Ia5String | Tag::NumericString | Tag::VisibleString => {
            str::from_utf8(bytes).map(str::to_owned).map_err(|_| String::from_utf8_lossy(bytes).into_owned())
        }
        _ => Err(String::from_utf8_lossy(bytes).into_owned()),
    };
    match text {
        Ok(text) => (text, true),
        Err(repaired) => (repaired, false),
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

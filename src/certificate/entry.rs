//! The forms of an entry of a chain: PEM, base64 of PEM, base64 of DER, PKCS#7.

use base64::Engine as _;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Decode, Encode as _, Reader, SliceReader, Tag};

use super::Form;
use super::x509::{context, inside};
use crate::error::excerpt;

/// Standard base64; some tools omit the padding.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// One entry of a chain.
pub(super) struct Entry {
    /// Its certificates as DER.
    pub(super) certificates: Vec<Vec<u8>>,
    /// The form that the server accepts.
    pub(super) as_sent: String,
}

impl Entry {
    /// Reads base64 of PEM, PEM, or base64 of DER; a certificate, or a PKCS#7 container of certificates.
    pub(super) fn read(entry: &str, form: Form) -> Result<Self, String> {
        let how = form.how();
        if entry.contains(BEGIN) {
            return Ok(Self::of(pem_blocks(&lines(entry), how)?, form));
        }
        let decoded = decode(entry).filter(|decoded| !decoded.is_empty());
        let mut decoded = decoded.ok_or_else(|| format!("is not base64 of a certificate; {how}"))?;
        // Encoded twice: `base64` of a file that was already base64.
        if let Some(again) = text(&decoded).filter(|text| !text.contains(BEGIN)).and_then(|text| decode(&text)) {
            decoded = again;
        }
        match text(&decoded) {
            Some(text) if text.contains(BEGIN) => {
                let certificates = pem_blocks(&lines(&text), how)?;
                let as_it_came = text.starts_with(BEGIN) && text.len() == decoded.len() && !text.contains("\\n");
                // A text that needed no repair is sent unchanged.
                match form == Form::Base64OfPem && as_it_came && only_certificates(&text) {
                    true => Ok(Self { as_sent: STANDARD.encode(&decoded), certificates }),
                    false => Ok(Self::of(certificates, form)),
                }
            }
            // A DER SEQUENCE; reading it shows whether it is a certificate.
            _ if decoded.starts_with(&[0x30]) => Ok(Self::of(certificates_in(decoded)?, form)),
            _ => Err(format!("is base64, but neither of a PEM text nor of a DER certificate; {how}")),
        }
    }

    /// These certificates, in the form that the server accepts.
    fn of(certificates: Vec<Vec<u8>>, form: Form) -> Self {
        let pem = pem(&certificates);
        let as_sent = match form {
            Form::Base64OfPem => STANDARD.encode(pem),
            Form::Pem => pem,
        };
        Self { certificates, as_sent }
    }
}

/// The beginning of a PEM block.
const BEGIN: &str = "-----BEGIN";

/// A text in UTF-8 or, with its byte order mark, in UTF-16 (as PowerShell writes); without the mark.
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

/// A PEM text whose line breaks may be written as the two characters of their escape.
fn lines(text: &str) -> String {
    text.replace("\\r", "").replace("\\n", "\n")
}

/// Whether all blocks are plain certificates, so that the text can be sent unchanged.
fn only_certificates(text: &str) -> bool {
    text.split("-----BEGIN ").skip(1).all(|block| {
        let body = block.strip_prefix("CERTIFICATE-----").and_then(|rest| rest.split("-----END").next());
        body.and_then(decode).is_some_and(|der| signed_data(&der).is_none())
    })
}

/// The certificates of a PEM text (RFC 7468). Text around the blocks is ignored; a block of another kind is not, because it
/// may be a key.
pub(super) fn pem_blocks(text: &str, how: &str) -> Result<Vec<Vec<u8>>, String> {
    let mut certificates = Vec::new();
    for block in text.split("-----BEGIN ").skip(1) {
        let (label, rest) = block.split_once("-----").unwrap_or((block, ""));
        if label.ends_with("PRIVATE KEY") {
            return Err("contains a private key; send certificates only, and consider that key disclosed".to_owned());
        }
        if !matches!(label, "CERTIFICATE" | "X509 CERTIFICATE" | "PKCS7" | "PKCS #7 SIGNED DATA" | "CMS") {
            return Err(format!("contains a PEM block that is not a certificate ({}); {how}", excerpt(label)));
        }
        let body = rest.split_once(&format!("-----END {label}-----")).and_then(|(body, _)| decode(body));
        let der = body.ok_or_else(|| format!("contains a damaged or truncated PEM block; {how}"))?;
        certificates.append(&mut certificates_in(der)?);
    }
    if certificates.is_empty() {
        return Err(format!("contains no certificate; {how}"));
    }
    Ok(certificates)
}

/// The certificate in `der`, or those of a PKCS#7 container (RFC 2315, section 9).
fn certificates_in(der: Vec<u8>) -> Result<Vec<Vec<u8>>, String> {
    let fault = || {
        "is a PKCS#7 container whose certificates cannot be read; send the output of `openssl pkcs7 -print_certs -in chain.p7b` \
         (with `-inform DER` if the file is binary)"
            .to_owned()
    };
    match signed_data(&der) {
        Some(found) => {
            let is_one = |der: &Vec<u8>| signed_data(der).is_none() && !holds_number_first(der);
            found.ok().filter(|found| !found.is_empty() && found.iter().all(is_one)).ok_or_else(fault)
        }
        // An indefinite length, which DER forbids but containers often have.
        None if der.starts_with(&[0x30, 0x80]) => Err(fault()),
        None if holds_number_first(&der) => {
            Err("is a private key or a PKCS#12 container; send certificates only, and consider that key disclosed"
                .to_owned())
        }
        None => Ok(vec![der]),
    }
}

/// Whether `der` begins with a number: keys and PKCS#12 containers do, certificates do not.
fn holds_number_first(der: &[u8]) -> bool {
    let first = AnyRef::from_der(der).and_then(inside).and_then(|inner| Tag::peek(&inner));
    first.is_ok_and(|tag| tag == Tag::Integer)
}

/// The certificates of a PKCS#7 `signedData`; `None` if `der` is something else.
fn signed_data(der: &[u8]) -> Option<der::Result<Vec<Vec<u8>>>> {
    const SIGNED_DATA: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
    let mut whole = AnyRef::from_der(der).and_then(inside).ok()?;
    let kind: ObjectIdentifier = ObjectIdentifier::decode(&mut whole).ok()?;
    (kind.as_bytes() == SIGNED_DATA).then(|| enclosed(&mut whole))
}

fn enclosed(content: &mut SliceReader<'_>) -> der::Result<Vec<Vec<u8>>> {
    let mut content = SliceReader::new(AnyRef::decode(content)?.value())?;
    let mut signed = inside(AnyRef::decode(&mut content)?)?;
    // Version, digest algorithms, signed content.
    for _ in 0..3 {
        AnyRef::decode(&mut signed)?;
    }
    let mut certificates = Vec::new();
    if signed.is_finished() || Tag::peek(&signed)? != context(0) {
        return Ok(certificates);
    }
    let mut list = SliceReader::new(AnyRef::decode(&mut signed)?.value())?;
    while !list.is_finished() {
        certificates.push(AnyRef::decode(&mut list)?.to_der()?);
    }
    Ok(certificates)
}

/// A PEM text of these certificates.
pub(super) fn pem(certificates: &[Vec<u8>]) -> String {
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
    // Some tools write URL-safe base64, and some callers write a line break as the two characters of its escape.
    let text = lines(text.trim_start_matches('\u{feff}'));
    let standard = |c| match c {
        '-' => '+',
        '_' => '/',
        c => c,
    };
    let packed: String = text.split_ascii_whitespace().flat_map(str::chars).map(standard).collect();
    LENIENT.decode(packed).ok()
}

//! An issuer's public keys: JSON Web Keys (RFC 7517, RFC 7518).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rsa::BoxedUint;
use rsa::pkcs1v15;
use rsa::signature::Verifier as _;
use serde::Deserialize;
use serde_json::Value;
use sha2::Sha256;

use crate::json;

/// The largest document, in bytes. Entra ID's, with a certificate for each key, has 15 kB.
const MAX_DOCUMENT: usize = 128 << 10;

/// The most keys that are read.
const MAX_KEYS: usize = 32;

/// The sizes of RSA keys in bits. RFC 7518, section 3.3, demands 2048; larger ones than 4096 cost too much for a request whose
/// caller is unknown.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

/// A signature algorithm (RFC 7518, section 3.1). Each fits one type of key, so a token cannot choose how its key is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    Rs256,
    Es256,
}

impl Algorithm {
    /// The algorithm with this name; `None` for all others, `none` among them.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "RS256" => Some(Self::Rs256),
            "ES256" => Some(Self::Es256),
            _ => None,
        }
    }
}

/// A public key.
#[derive(Debug, Clone)]
pub(super) struct Jwk {
    id: Option<String>,
    key: Key,
}

#[derive(Debug, Clone)]
enum Key {
    Rsa(pkcs1v15::VerifyingKey<Sha256>),
    P256(p256::ecdsa::VerifyingKey),
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct Entry {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    n: Option<String>,
    e: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl Jwk {
    /// Whether a token with this `kid` and algorithm may be signed with it. Without `kid`, any key of the right type may.
    pub(super) fn fits(&self, id: Option<&str>, algorithm: Algorithm) -> bool {
        let is_type =
            matches!((&self.key, algorithm), (Key::Rsa(_), Algorithm::Rs256) | (Key::P256(_), Algorithm::Es256));
        is_type && id.is_none_or(|id| self.id.as_deref() == Some(id))
    }

    /// Whether `signature` of `message` was made with its private key.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.key {
            Key::Rsa(key) => {
                pkcs1v15::Signature::try_from(signature).is_ok_and(|signature| key.verify(message, &signature).is_ok())
            }
            Key::P256(key) => p256::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
        }
    }
}

/// The usable keys of a document; those of other types, sizes and purposes are skipped (RFC 7517, section 5). `None` if there is none,
/// or the document is too large.
pub(super) fn read(document: &[u8]) -> Option<Vec<Jwk>> {
    if document.len() > MAX_DOCUMENT {
        return None;
    }
    let document: Document = json::parse(document)?;
    let keys: Vec<Jwk> = document.keys.iter().take(MAX_KEYS).filter_map(key).collect();
    (!keys.is_empty()).then_some(keys)
}

fn key(value: &Value) -> Option<Jwk> {
    let entry: Entry = json::read(value).ok()?;
    // RFC 7517, sections 4.2 and 4.3. Some issuers describe the private key.
    let is_for_signatures = |operations: &Vec<String>| operations.iter().any(|one| one == "verify" || one == "sign");
    if entry.purpose.is_some_and(|purpose| purpose != "sig") || !entry.key_ops.as_ref().is_none_or(is_for_signatures) {
        return None;
    }
    let is_for = |name: &str| entry.alg.as_deref().is_none_or(|alg| alg == name);
    let bytes = |text: Option<&String>| URL_SAFE_NO_PAD.decode(text?.trim_end_matches('=')).ok();
    let key = match entry.kty.as_str() {
        "RSA" if is_for("RS256") => rsa_key(&bytes(entry.n.as_ref())?, &bytes(entry.e.as_ref())?)?,
        "EC" if is_for("ES256") && entry.crv.as_deref() == Some("P-256") => {
            // The uncompressed form of SEC 1, section 2.3.3.
            let point = [&[4], bytes(entry.x.as_ref())?.as_slice(), bytes(entry.y.as_ref())?.as_slice()].concat();
            Key::P256(p256::ecdsa::VerifyingKey::from_sec1_bytes(&point).ok()?)
        }
        _ => return None,
    };
    Some(Jwk { id: entry.kid, key })
}

fn rsa_key(modulus: &[u8], exponent: &[u8]) -> Option<Key> {
    // The bounds come before any arithmetic. Some issuers write a leading zero.
    if modulus.len() > RSA_BITS.end() / 8 + 1 || exponent.len() > 8 {
        return None;
    }
    let (modulus, exponent) = (BoxedUint::from_be_slice_vartime(modulus), BoxedUint::from_be_slice_vartime(exponent));
    let key = rsa::PublicKey::new_with_size_limits(modulus, exponent, RSA_BITS).ok()?;
    Some(Key::Rsa(pkcs1v15::VerifyingKey::new(key)))
}

#[cfg(test)]
mod tests;

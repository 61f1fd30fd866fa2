//! Digests of keys, which are configured in place of the keys.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Most keys of one entry.
pub(super) const MOST_KEYS: usize = 8;

/// The fault of a text that is no digest.
pub(super) const NOT_A_DIGEST: &str = "is not 64 hexadecimal digits; make it with: printf %s \"$KEY\" | sha256sum";

/// The SHA-256 digests of keys that are all valid.
#[derive(Debug, Clone, Default)]
pub(super) struct KeyDigests(Vec<[u8; 32]>);

impl KeyDigests {
    /// The index of `digest`. Every digest is compared, each in constant time.
    pub(super) fn position(&self, digest: &[u8; 32]) -> Option<usize> {
        let mut found = None;
        for (at, known) in self.0.iter().enumerate() {
            if bool::from(known.ct_eq(digest)) {
                found = Some(at);
            }
        }
        found
    }

    pub(super) fn as_slice(&self) -> &[[u8; 32]] {
        &self.0
    }

    pub(super) fn push(&mut self, digest: [u8; 32]) {
        self.0.push(digest);
    }
}

impl FromIterator<[u8; 32]> for KeyDigests {
    fn from_iter<T: IntoIterator<Item = [u8; 32]>>(digests: T) -> Self {
        Self(digests.into_iter().collect())
    }
}

/// Reads the digest of a key.
///
/// # Errors
/// What is wrong and, after `; `, the fix.
pub(super) fn digest(text: &str) -> Result<[u8; 32], &'static str> {
    let digest = hex32(text).ok_or(NOT_A_DIGEST)?;
    let is_of = |text: &[u8]| <[u8; 32]>::from(Sha256::digest(text)) == digest;
    if is_of(b"") {
        return Err("is the digest of an empty text; set KEY and make the digest again");
    }
    if is_of(b"\n") {
        return Err("is the digest of a line break; set KEY and make the digest again");
    }
    Ok(digest)
}

/// Decodes 64 hexadecimal digits.
pub(crate) fn hex32(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> =
        text.trim().chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits.chunks_exact(2).filter_map(|pair| Some(pair.first()? << 4 | pair.last()?)).collect();
    if digits.len() == 64 { bytes.try_into().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_read_in_either_case() {
        let hex = "6CA13d52ca70c883e0f0bb101e425a89e8624de51db2d2392593af6a84118090";
        assert_eq!(hex32(hex).unwrap(), <[u8; 32]>::from(Sha256::digest("abc123")));
        assert_eq!(hex32(&hex[1..]), None);
        assert_eq!(hex32(&format!("{hex}0")), None);
        assert_eq!(hex32(&"é".repeat(64)), None);
    }
}

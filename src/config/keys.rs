//! Who may call: API keys, of which only a digest is configured.

use std::fmt::Arguments;

use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::Reader;
use super::grant::{self, Grant, IsTarget};

/// A caller that proves itself by a key.
#[derive(Debug, Clone)]
pub struct ApiKey {
    /// Who it is.
    pub grant: Grant,
    digest: [u8; 32],
}

impl ApiKey {
    /// The caller that `key` belongs to. Every entry is compared, each in constant time.
    #[must_use]
    pub fn find<'k>(keys: &'k [Self], key: &[u8]) -> Option<&'k Self> {
        let digest: [u8; 32] = Sha256::digest(key).into();
        let mut found = None;
        for entry in keys {
            if bool::from(entry.digest.ct_eq(&digest)) {
                found = Some(entry);
            }
        }
        found
    }
}

/// The variable.
const NAME: &str = "api_keys";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    sha256: String,
    scopes: Vec<String>,
    targets: Option<Vec<String>>,
}

/// Reads the keys. `taken` collects the callers' names; where `required`, having none is a mistake.
pub(super) fn read(
    reader: &mut Reader<'_>,
    required: bool,
    taken: &mut Vec<String>,
    is_target: IsTarget<'_>,
) -> Vec<ApiKey> {
    let Some(entries) = reader.json::<Vec<Entry>>(NAME) else {
        if required && reader.text(NAME).is_none() {
            reader.problem(NAME, "is not set: nobody may call; write [{\"name\", \"sha256\", \"scopes\"}]");
        }
        return Vec::new();
    };
    if required && entries.is_empty() {
        reader.problem(NAME, "is an empty list: nobody may call");
    }
    let mut keys: Vec<ApiKey> = Vec::new();
    for (at, entry) in entries.into_iter().enumerate() {
        let mut tell = |what: Arguments<'_>| reader.problem(NAME, format!("has at [{at}]{what}"));
        let grant = grant::read(NAME, (entry.name, &entry.scopes, entry.targets), taken, is_target, &mut tell);
        let Some(digest) = hex32(&entry.sha256) else {
            tell(format_args!(
                ".sha256 something other than 64 hexadecimal digits; make it with: printf %s \"$KEY\" | sha256sum"
            ));
            continue;
        };
        if <[u8; 32]>::from(Sha256::digest(b"")) == digest {
            tell(format_args!(".sha256 the digest of an empty text: the key was not set when it was made"));
        }
        if keys.iter().any(|key| key.digest == digest) {
            tell(format_args!(" a key that stands there already"));
        }
        keys.push(ApiKey { grant, digest });
    }
    keys
}

/// 64 hexadecimal digits as what they say.
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
    fn a_key_is_found_by_its_digest_alone() {
        let key = |name: &str, text: &str| ApiKey {
            grant: Grant { name: name.into(), scopes: vec![], targets: None, variable: NAME },
            digest: Sha256::digest(text).into(),
        };
        let keys = [key("a", "alpha"), key("b", "beta")];
        assert_eq!(ApiKey::find(&keys, b"beta").unwrap().grant.name, "b");
        assert!(ApiKey::find(&keys, b"gamma").is_none());
        assert!(ApiKey::find(&keys, b"").is_none());
        assert!(ApiKey::find(&[], b"alpha").is_none());
    }

    #[test]
    fn digests_are_read_in_either_case() {
        let hex = "6CA13d52ca70c883e0f0bb101e425a89e8624de51db2d2392593af6a84118090";
        assert_eq!(hex32(hex).unwrap(), <[u8; 32]>::from(Sha256::digest("abc123")));
        assert_eq!(hex32(&hex[1..]), None);
        assert_eq!(hex32(&format!("{hex}0")), None);
        assert_eq!(hex32(&"é".repeat(64)), None);
    }
}

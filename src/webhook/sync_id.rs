//! Sync ids: all there is to know about a started sync, in a text that any instance can read and nobody can forge.
//!
//! An id is `base64url(version ‖ JSON ‖ tag)`, the tag being the first 16 bytes of an HMAC-SHA256 over what stands before
//! it. The key comes from `state_key`; without one it is derived from the configured credentials and callers, so that every
//! instance with the same configuration agrees. That derivation is slow on purpose (PBKDF2): an id travels, and must not
//! let its holder try passwords at leisure.

use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::auth::Secret;
use crate::config::Config;
use crate::error::{Error, ErrorCode};

const VERSION: u8 = 1;
const TAG: usize = 16;
/// Longest id read at all.
const MAX_LENGTH: usize = 2000;
/// Some tens of milliseconds in the component, once an instance and only without a `state_key`.
const ROUNDS: u32 = 50_000;

/// What an id holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SyncId {
    /// The vIDM target's name.
    #[serde(rename = "t")]
    pub(super) target: String,
    /// The directory's id.
    #[serde(rename = "d")]
    pub(super) directory: String,
    /// Its name, where it was known at the start.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    /// Its type, where it was known at the start.
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<String>,
    /// When the sync was asked for, in milliseconds since 1970.
    #[serde(rename = "r")]
    requested_ms: u64,
}

impl SyncId {
    pub(super) fn new(
        target: &str,
        directory: String,
        name: Option<String>,
        kind: Option<String>,
        requested: SystemTime,
    ) -> Self {
        let since = requested.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let requested_ms = u64::try_from(since.as_millis()).unwrap_or(0);
        Self { target: target.to_owned(), directory, name, kind, requested_ms }
    }

    pub(super) fn requested(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(self.requested_ms)
    }
}

/// What authenticates ids.
#[derive(Debug)]
pub(super) struct Key {
    material: Material,
    derived: OnceLock<Secret32>,
}

#[derive(Debug)]
enum Material {
    Given(Secret),
    Credentials(Secret),
}

struct Secret32([u8; 32]);

impl std::fmt::Debug for Secret32 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret32(…)")
    }
}

impl Key {
    pub(super) fn new(config: &Config) -> Self {
        let material = match &config.state_key {
            Some(key) => Material::Given(key.clone()),
            None => {
                // Unit separators keep "ab","c" and "a","bc" apart.
                let mut all = String::new();
                for secret in config.secrets() {
                    all.push_str(secret.expose());
                    all.push('\u{1f}');
                }
                for key in &config.api_keys {
                    all.push_str(&key.fingerprint());
                    all.push('\u{1f}');
                }
                Material::Credentials(Secret::new(all))
            }
        };
        Self { material, derived: OnceLock::new() }
    }

    fn mac(&self, message: &[u8]) -> [u8; 32] {
        let key = self.derived.get_or_init(|| {
            Secret32(match &self.material {
                Material::Given(key) => hmac(key.expose().as_bytes(), b"idhook sync id v1"),
                Material::Credentials(all) => {
                    let mut key = [0; 32];
                    pbkdf2::pbkdf2_hmac::<Sha256>(all.expose().as_bytes(), b"idhook sync id v1", ROUNDS, &mut key);
                    key
                }
            })
        });
        hmac(&key.0, message)
    }

    /// Writes an id.
    ///
    /// # Errors
    /// When it would be longer than ids may be.
    pub(super) fn seal(&self, id: &SyncId) -> Result<String, Error> {
        let mut bytes = vec![VERSION];
        serde_json::to_writer(&mut bytes, id)
            .map_err(|e| Error::new(ErrorCode::Internal, format!("a sync id could not be written: {e}")))?;
        let tag = self.mac(&bytes);
        bytes.extend(tag.iter().take(TAG));
        let text = URL_SAFE_NO_PAD.encode(bytes);
        if text.len() > MAX_LENGTH {
            return Err(Error::new(ErrorCode::Internal, "a sync id would be too long: the directory's name is"));
        }
        Ok(text)
    }

    /// Reads an id that came back; `None` when it is not one of ours.
    pub(super) fn open(&self, text: &str) -> Option<SyncId> {
        if text.len() > MAX_LENGTH {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (message, tag) = bytes.split_at_checked(bytes.len().checked_sub(TAG)?)?;
        let expected = self.mac(message);
        if !bool::from(subtle::ConstantTimeEq::ct_eq(expected.get(..TAG)?, tag)) {
            return None;
        }
        match message.split_first()? {
            (&VERSION, json) => serde_json::from_slice(json).ok(),
            _ => None,
        }
    }
}

fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    // HMAC takes keys of any length; the error type is the trait's.
    Hmac::<Sha256>::new_from_slice(key).map_or([0; 32], |mac| mac.chain_update(message).finalize().into_bytes().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(text: &str) -> Key {
        Key { material: Material::Given(Secret::new(text)), derived: OnceLock::new() }
    }

    fn id() -> SyncId {
        SyncId::new(
            "default",
            "d-1".into(),
            Some("corp.example".into()),
            None,
            SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123),
        )
    }

    #[test]
    fn an_id_is_read_by_whoever_has_the_key() {
        let text = key("k").seal(&id()).unwrap();
        assert_eq!(key("k").open(&text).unwrap(), id());
        assert_eq!(key("other").open(&text), None);
    }

    #[test]
    fn a_key_from_credentials_is_the_same_everywhere() {
        let derived = |text: &str| Key { material: Material::Credentials(Secret::new(text)), derived: OnceLock::new() };
        let text = derived("a\u{1f}").seal(&id()).unwrap();
        assert_eq!(derived("a\u{1f}").open(&text).unwrap(), id());
        assert_eq!(derived("b\u{1f}").open(&text), None);
    }

    proptest! {
        #[test]
        fn any_change_makes_it_nobodys(at in 0usize..120, to in "[A-Za-z0-9_-]") {
            let key = key("k");
            let text = key.seal(&id()).unwrap();
            let at = at % text.len();
            let mut changed = text.clone();
            changed.replace_range(at..=at, &to);
            prop_assume!(changed != text);
            // The last character's spare bits are checked by the decoder.
            prop_assert_eq!(key.open(&changed), None);
        }

        #[test]
        fn no_text_is_an_id_by_chance(text in "\\PC{0,300}") {
            prop_assert_eq!(key("k").open(&text), None);
        }
    }
}

//! The key behind whatever leaves this instance and must come back untouched or unread: sync ids, sealed values in a store.
//!
//! It comes from the variable `state_key`; without one it is derived from the targets' passwords and secrets, so that every
//! instance with the same targets agrees, whoever may call. That derivation is slow on purpose (PBKDF2): what is made under
//! this key travels, and whoever has a sync id can try passwords against it. Slow is all that this can be; against a weak
//! password only a `state_key` of its own helps.

use std::fmt;
use std::sync::OnceLock;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::auth::Secret;
use crate::config::Config;

/// Some 50 ms in the component, once an instance and only without a `state_key`.
const ROUNDS: u32 = 80_000;

/// What keys are derived from. Making one costs nothing; the slow part waits for the first [`StateKey::derive`].
#[derive(Debug)]
pub struct StateKey {
    material: Material,
    root: OnceLock<Root>,
}

#[derive(Debug)]
enum Material {
    Given(Secret),
    Credentials(Secret),
}

struct Root([u8; 32]);

impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Root(…)")
    }
}

impl StateKey {
    /// The key of this configuration.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let material = match &config.state_key {
            Some(key) => Material::Given(key.clone()),
            None => {
                // Unit separators keep "ab","c" and "a","bc" apart.
                let mut all = String::new();
                for secret in config.credentials() {
                    all.push_str(secret.expose());
                    all.push('\u{1f}');
                }
                Material::Credentials(Secret::new(all))
            }
        };
        Self { material, root: OnceLock::new() }
    }

    /// A key from a text, as if it stood in `state_key`.
    #[must_use]
    pub fn of(text: impl Into<String>) -> Self {
        Self { material: Material::Given(Secret::new(text)), root: OnceLock::new() }
    }

    /// The key for one purpose. Keys for different purposes tell nothing of each other.
    #[must_use]
    pub fn derive(&self, purpose: &'static str) -> [u8; 32] {
        let root = self.root.get_or_init(|| match &self.material {
            Material::Given(key) => Root(hmac(key.expose().as_bytes(), b"idhook state key v1")),
            Material::Credentials(all) => {
                let mut key = [0; 32];
                pbkdf2::pbkdf2_hmac::<Sha256>(all.expose().as_bytes(), b"idhook state key v1", ROUNDS, &mut key);
                Root(key)
            }
        });
        hmac(&root.0, purpose.as_bytes())
    }
}

/// HMAC-SHA256.
#[must_use]
pub fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    // HMAC takes keys of any length; the error type is the trait's.
    Hmac::<Sha256>::new_from_slice(key).map_or([0; 32], |mac| mac.chain_update(message).finalize().into_bytes().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_purpose_has_its_key_and_each_state_key_its_own() {
        let key = StateKey::of("k");
        assert_eq!(key.derive("a"), StateKey::of("k").derive("a"));
        assert_ne!(key.derive("a"), key.derive("b"));
        assert_ne!(key.derive("a"), StateKey::of("l").derive("a"));
    }

    #[test]
    fn a_key_from_credentials_is_the_same_everywhere() {
        let derived = |text: &str| {
            let key = StateKey { material: Material::Credentials(Secret::new(text)), root: OnceLock::new() };
            key.derive("a")
        };
        assert_eq!(derived("a\u{1f}"), derived("a\u{1f}"));
        assert_ne!(derived("a\u{1f}"), derived("b\u{1f}"));
    }

    #[test]
    fn who_may_call_makes_no_difference_and_a_password_does() {
        let derived = |password: &str, key: &str| {
            let keys = format!(r#"[{{"name":"{key}","sha256":"{}","scopes":[]}}]"#, key.repeat(64));
            let config = Config::parse(|name| match name {
                "vcf_url" => Some("https://s".to_owned()),
                "vcf_username" => Some("u".to_owned()),
                "vcf_password" => Some(password.to_owned()),
                "api_keys" => Some(keys.clone()),
                _ => None,
            });
            StateKey::new(&config.unwrap()).derive("a")
        };
        assert_eq!(derived("p", "a"), derived("p", "b"));
        assert_ne!(derived("p", "a"), derived("q", "a"));
    }

    #[test]
    fn nothing_of_it_shows() {
        let key = StateKey::of("hunter2");
        let derived = key.derive("a");
        let shown = format!("{key:?}");
        assert!(!shown.contains("hunter2") && !shown.contains(&format!("{derived:?}")), "{shown}");
    }
}

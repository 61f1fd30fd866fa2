//! Sealing: a sealed value can be neither read nor altered by others with access to its place.
//!
//! XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha) with a key derived from the [`StateKey`]. The name of a text's place is
//! authenticated with it, so a text moved to another name does not open. A nonce is the first 192 bits of HMAC-SHA256 over
//! fresh random bits, the name and the text: distinct texts get distinct nonces even if the random generator repeats, and
//! sealing the same text twice reveals at worst that it is the same. By chance two nonces collide after about 2^96 seals.

use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};

use crate::shared_state::{StateKey, hmac};

const VERSION: u8 = 1;
const NONCE: usize = 24;

/// Seals and opens.
#[derive(Debug)]
pub(crate) struct Sealer {
    cipher: XChaCha20Poly1305,
    nonces: NonceKey,
}

struct NonceKey([u8; 32]);

impl std::fmt::Debug for NonceKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NonceKey(…)")
    }
}

impl Sealer {
    /// The sealers shared by all instances with these keys: the first seals, all open. Keys that no other instance has are
    /// excluded.
    #[must_use]
    pub(crate) fn all(key: &StateKey) -> Vec<Self> {
        let keys = key.derive_shared("seal").into_iter().zip(key.derive_shared("seal nonces"));
        keys.map(|(seal, nonces)| Self { cipher: XChaCha20Poly1305::new(&seal.into()), nonces: NonceKey(nonces) })
            .collect()
    }

    /// `text` sealed for the place `name`: `version ‖ nonce ‖ ciphertext ‖ tag`. `random` should be unique, but reuse is safe.
    #[must_use]
    pub(crate) fn seal(&self, name: &str, text: &[u8], random: u64) -> Vec<u8> {
        let nonce = self.nonce(name, text, random);
        let mut sealed = text.to_vec();
        // Fails only for texts over 256 GiB.
        if self.cipher.encrypt_in_place(&nonce.into(), name.as_bytes(), &mut sealed).is_err() {
            return Vec::new();
        }
        let mut all = Vec::with_capacity(1 + NONCE + sealed.len());
        all.push(VERSION);
        all.extend_from_slice(&nonce);
        all.append(&mut sealed);
        all
    }

    /// The text sealed for the place `name`; `None` for anything else.
    #[must_use]
    pub(crate) fn open(&self, name: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (&VERSION, rest) = sealed.split_first()? else { return None };
        let (nonce, rest) = rest.split_first_chunk::<NONCE>()?;
        let mut text = rest.to_vec();
        self.cipher.decrypt_in_place(&(*nonce).into(), name.as_bytes(), &mut text).ok()?;
        Some(text)
    }

    fn nonce(&self, name: &str, text: &[u8], random: u64) -> [u8; NONCE] {
        // The length prefix separates name and text.
        let mut all = Vec::with_capacity(16 + name.len() + text.len());
        all.extend_from_slice(&random.to_le_bytes());
        all.extend_from_slice(&(name.len() as u64).to_le_bytes());
        all.extend_from_slice(name.as_bytes());
        all.extend_from_slice(text);
        let mut nonce = [0; NONCE];
        for (to, from) in nonce.iter_mut().zip(hmac(&self.nonces.0, &all)) {
            *to = from;
        }
        nonce
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sealer(key: &str) -> Sealer {
        Sealer::all(&StateKey::of(key)).remove(0)
    }

    proptest! {
        #[test]
        fn sealed_text_opens_only_at_its_place(
            text in proptest::collection::vec(any::<u8>(), 0..200), name in "[a-z:]{0,20}", other in "[a-z:]{0,20}", random: u64,
        ) {
            let sealed = sealer("k").seal(&name, &text, random);
            prop_assert_eq!(sealer("k").open(&name, &sealed), Some(text.clone()));
            prop_assert_eq!(sealer("l").open(&name, &sealed), None);
            prop_assume!(name != other);
            prop_assert_eq!(sealer("k").open(&other, &sealed), None);
        }

        #[test]
        fn changed_bytes_do_not_open(
            text in proptest::collection::vec(any::<u8>(), 0..50), at: proptest::sample::Index, by in 1u8..,
        ) {
            let mut sealed = sealer("k").seal("n", &text, 7);
            let at = at.index(sealed.len());
            sealed[at] ^= by;
            prop_assert_eq!(sealer("k").open("n", &sealed), None);
        }

        #[test]
        fn truncated_text_does_not_open(text in proptest::collection::vec(any::<u8>(), 0..50), to: proptest::sample::Index) {
            let sealed = sealer("k").seal("n", &text, 7);
            let to = to.index(sealed.len());
            prop_assert_eq!(sealer("k").open("n", &sealed[..to]), None);
        }

        #[test]
        fn random_bytes_do_not_open(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(sealer("k").open("n", &bytes), None);
            let mut versioned = vec![VERSION];
            versioned.extend(bytes);
            prop_assert_eq!(sealer("k").open("n", &versioned), None);
        }

        #[test]
        fn distinct_texts_get_distinct_nonces(one in "[ab]{0,3}", two in "[ab]{0,3}", name_one in "[ab]{0,3}", name_two in "[ab]{0,3}") {
            // The worst random generator.
            let (first, second) =
                (sealer("k").seal(&name_one, one.as_bytes(), 0), sealer("k").seal(&name_two, two.as_bytes(), 0));
            prop_assert_eq!(first[1..=NONCE] == second[1..=NONCE], (one, name_one) == (two, name_two));
        }
    }

    #[test]
    fn sealed_format_is_stable() {
        let sealed = sealer("k").seal("n", b"text", 7);
        assert_eq!(sealed.len(), 1 + NONCE + 4 + 16);
        assert_ne!(sealer("k").seal("n", b"text", 8), sealed, "fresh bits make a fresh text");
        assert!(!format!("{:?}", sealer("hunter2")).contains("hunter2"));
    }
}

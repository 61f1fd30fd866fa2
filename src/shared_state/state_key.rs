//! The keys behind whatever leaves this instance and must come back untouched or unread: sync ids, sealed values in a store.
//!
//! They come from the variable `state_key`. Without it a key of 32 random bytes is drawn: the instances that share a store agree on
//! one and keep it there (`shared_state/agreed_key.rs`); without a store each instance has its own, and what it sealed ends with it.
//! No key is ever derived from a password: whoever has a sync id could try passwords against it.
//!
//! There may be several keys: the first seals and signs, all open and verify. So a key is replaced without a break.

use std::cell::{Cell, RefCell};
use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::secret::Secret;

/// Length of a drawn key in bytes.
pub(crate) const LENGTH: usize = 32;

/// The most keys an instance holds that it learnt from a store. There is a second one only after the store lost the first.
const MAX_DRAWN: usize = 4;

/// Where the key that seals comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// From the variable `state_key`.
    Configured,
    /// Drawn at random and kept in the store; every instance that shares the store has it.
    Store,
    /// Drawn at random by this instance; no other instance has it.
    Instance,
}

/// The keys of one instance. There is none until it is configured, found in the store or drawn; nothing is sealed before.
#[derive(Debug)]
pub struct StateKey {
    keys: RefCell<Vec<Key>>,
    /// Grows with each change of the keys, so that what was derived from them is derived anew.
    revision: Cell<u32>,
}

#[derive(Debug, Clone)]
struct Key {
    root: Root,
    origin: Origin,
}

#[derive(Clone, PartialEq, Eq)]
struct Root([u8; 32]);

impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Root(…)")
    }
}

impl Root {
    fn of(key: &[u8]) -> Self {
        Self(hmac(key, b"idhook state key v1"))
    }
}

impl StateKey {
    /// The keys of a configuration, the one that seals first. With none, `adopt` gives the instance one.
    #[must_use]
    pub fn new(configured: &[Secret]) -> Self {
        let key = |key: &Secret| Key { root: Root::of(key.expose().as_bytes()), origin: Origin::Configured };
        Self { keys: RefCell::new(configured.iter().map(key).collect()), revision: Cell::new(0) }
    }

    /// One key from a text, as if it stood in `state_key`.
    #[must_use]
    pub fn of(text: impl Into<String>) -> Self {
        Self::new(&[Secret::new(text)])
    }

    /// Where the key that seals comes from; `None` while there is none.
    #[must_use]
    pub fn origin(&self) -> Option<Origin> {
        self.keys.borrow().first().map(|key| key.origin)
    }

    /// The key for one purpose, to seal and sign with; `None` while there is none. Keys for different purposes tell nothing of
    /// each other.
    #[must_use]
    pub fn derive(&self, purpose: &'static str) -> Option<[u8; 32]> {
        self.keys.borrow().first().map(|key| hmac(&key.root.0, purpose.as_bytes()))
    }

    /// The keys for one purpose, to open and verify with; the first is that of [`derive`](Self::derive).
    #[must_use]
    pub(crate) fn derive_all(&self, purpose: &'static str) -> Vec<[u8; 32]> {
        self.keys.borrow().iter().map(|key| hmac(&key.root.0, purpose.as_bytes())).collect()
    }

    /// Those of [`derive_all`](Self::derive_all) that other instances may have as well: for what is kept in the store.
    pub(crate) fn derive_shared(&self, purpose: &'static str) -> Vec<[u8; 32]> {
        let keys = self.keys.borrow();
        let shared = keys.iter().filter(|key| key.origin != Origin::Instance);
        shared.map(|key| hmac(&key.root.0, purpose.as_bytes())).collect()
    }

    /// How often the keys have changed.
    pub(crate) fn revision(&self) -> u32 {
        self.revision.get()
    }

    /// Takes a drawn key into use: it seals from now on, and what was sealed before still opens. Whether this is news.
    /// Configured keys stay as they are.
    pub(crate) fn adopt(&self, drawn: &[u8; LENGTH], origin: Origin) -> bool {
        let mut keys = self.keys.borrow_mut();
        let root = Root::of(drawn);
        match keys.first() {
            Some(first) if first.origin == Origin::Configured || first.root == root => return false,
            _ => {}
        }
        keys.retain(|key| key.root != root);
        keys.insert(0, Key { root, origin });
        keys.truncate(MAX_DRAWN);
        self.revision.set(self.revision.get().wrapping_add(1));
        true
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
    fn first_key_seals_and_all_keys_open() {
        let both = StateKey::new(&[Secret::new("new"), Secret::new("old")]);
        let (new, old) = (StateKey::of("new").derive("a").unwrap(), StateKey::of("old").derive("a").unwrap());
        assert_eq!((both.derive("a"), both.derive_all("a")), (Some(new), vec![new, old]));
    }

    #[test]
    fn unconfigured_state_key_has_no_key_until_one_is_drawn() {
        let key = StateKey::new(&[]);
        assert_eq!((key.origin(), key.derive("a"), key.derive_all("a")), (None, None, vec![]));
        assert!(key.adopt(&[1; 32], Origin::Instance));
        let own = key.derive("a");
        assert!(key.derive_shared("a").is_empty(), "no other instance can open what this key sealed");
        assert!(key.adopt(&[2; 32], Origin::Store) && !key.adopt(&[2; 32], Origin::Store));
        assert_eq!(key.origin(), Some(Origin::Store));
        assert_eq!((key.derive_all("a").len(), key.derive_all("a").get(1).copied()), (2, own), "older ids still open");
        assert_eq!(key.derive_shared("a").len(), 1);
    }

    #[test]
    fn drawn_keys_never_replace_configured_ones() {
        let key = StateKey::of("k");
        let before = key.derive("a");
        assert!(!key.adopt(&[1; 32], Origin::Store));
        assert_eq!((key.derive("a"), key.derive_all("a").len(), key.revision()), (before, 1, 0));
    }

    #[test]
    fn nothing_of_it_shows() {
        let key = StateKey::of("hunter2");
        let derived = key.derive("a").unwrap();
        let shown = format!("{key:?}");
        assert!(!shown.contains("hunter2") && !shown.contains(&format!("{derived:?}")), "{shown}");
    }
}

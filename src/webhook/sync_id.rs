//! Sync ids: everything about a started sync, in a text that any instance can read and that cannot be forged.
//!
//! Callers store ids in tickets and columns, so they are short: at most [`SHORT`] characters if a key-value store keeps the
//! rest, otherwise at most [`LONG`]. An id is `base64url(form ‖ content ‖ tag)`:
//!
//! | form | content |
//! |---|---|
//! | [`WHOLE`] | the request ([`SyncRequest::to_bytes`]) |
//! | [`KEPT`] | the request's place in the store (`kept_request.rs`), and a digest of it |
//!
//! The tag is the first 16 bytes of an HMAC-SHA256 over the target's kind and name, the form and the content, with a key derived from
//! the first key of the [`StateKey`]. So an id is valid only for its target. Ids made under the other keys are read too.

use std::rc::Rc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::directory::SyncTarget;
use crate::error::{Error, ErrorCode};
use crate::shared_state::{StateKey, hmac};
use crate::sync::SyncRequest;

/// The longest id in characters, if a store keeps the rest.
pub(super) const SHORT: usize = 255;

/// The longest id in characters without a responding store.
pub(super) const LONG: usize = 700;

/// Forms of ids. Those of earlier versions began with 1 to 5.
const WHOLE: u8 = 6;
const KEPT: u8 = 7;

const TAG: usize = 16;

/// Authenticates ids.
#[derive(Debug)]
pub(super) struct Key(Rc<StateKey>);

/// The purpose of the derived keys.
const PURPOSE: &str = "sync id";

/// The length of [`Reference::digest`].
pub(super) const DIGEST: usize = 16;

/// The place of a kept request, and its digest: the place may hold another request by now.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) digest: [u8; DIGEST],
    pub(super) place: String,
}

/// The content of an id.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Opened {
    Whole(Box<SyncRequest>),
    Kept {
        reference: Reference,
        /// Whether the sealing key made the id; otherwise the request is [of another
        /// ledger](SyncRequest::of_another_ledger).
        is_current: bool,
    },
}

impl Key {
    pub(super) fn new(state_key: Rc<StateKey>) -> Self {
        Self(state_key)
    }

    /// Writes an id that contains `request`, whatever its length.
    ///
    /// # Errors
    /// `internal` without a key.
    pub(super) fn of_request(&self, request: &SyncRequest) -> Result<String, Error> {
        let content = request.to_bytes();
        let content = content.ok_or_else(|| Error::new(ErrorCode::Internal, "a sync id could not be written"))?;
        self.sign(&request.target.short(), WHOLE, &content)
    }

    /// Writes an id for a request of `target` that is kept in the store.
    ///
    /// # Errors
    /// `internal` without a key.
    pub(super) fn of_reference(&self, target: &SyncTarget, reference: &Reference) -> Result<String, Error> {
        self.sign(&target.short(), KEPT, &[&reference.digest, reference.place.as_bytes()].concat())
    }

    fn sign(&self, target: &str, form: u8, content: &[u8]) -> Result<String, Error> {
        let key = self.0.derive(PURPOSE);
        let key = key.ok_or_else(|| Error::new(ErrorCode::Internal, "there is no key to sign a sync id with"))?;
        let mut bytes = [&[form], content].concat();
        bytes.extend(tag(&key, target, &bytes));
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Reads an id for `target`; `None` if it is not valid.
    pub(super) fn open(&self, target: &SyncTarget, text: &str) -> Option<Opened> {
        if text.len() > LONG {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let named = target.short();
        let (message, given) = bytes.split_at_checked(bytes.len().checked_sub(TAG)?)?;
        let is_signed_by =
            |key: &[u8; 32]| bool::from(subtle::ConstantTimeEq::ct_eq(tag(key, &named, message).as_slice(), given));
        let signer = self.0.derive_all(PURPOSE).iter().position(is_signed_by)?;
        // The counters in the store belong to the sealing key: a ticket under another key is from other counters.
        let is_current = signer == 0;
        match message.split_first()? {
            (&WHOLE, content) => {
                let request = SyncRequest::of_bytes(target, content)?;
                Some(Opened::Whole(Box::new(if is_current { request } else { request.of_another_ledger() })))
            }
            (&KEPT, content) => {
                let (digest, place) = content.split_first_chunk::<DIGEST>()?;
                let reference = Reference { digest: *digest, place: str::from_utf8(place).ok()?.to_owned() };
                Some(Opened::Kept { reference, is_current })
            }
            _ => None,
        }
    }
}

/// The tag of `message` for `target`. The length prefix separates the two.
pub(super) fn tag(key: &[u8; 32], target: &str, message: &[u8]) -> Vec<u8> {
    let all = [&(target.len() as u64).to_be_bytes(), target.as_bytes(), message].concat();
    hmac(key, &all).into_iter().take(TAG).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;
    use proptest::prelude::*;

    fn key(text: &str) -> Key {
        Key::new(Rc::new(StateKey::of(text)))
    }

    fn request() -> SyncRequest {
        SyncRequest::example()
    }

    fn reference() -> Reference {
        Reference { digest: [7; DIGEST], place: "#place".to_owned() }
    }

    fn opened(key: &Key, text: &str) -> Option<SyncRequest> {
        match key.open(&SyncTarget::parse("default"), text)? {
            Opened::Whole(request) => Some(*request),
            Opened::Kept { .. } => None,
        }
    }

    #[test]
    fn ids_open_under_the_same_key_and_for_the_same_target_only() {
        let text = key("k").of_request(&request()).unwrap();
        assert_eq!(opened(&key("k"), &text).unwrap(), request());
        assert_eq!(
            (
                key("other").open(&SyncTarget::parse("default"), &text),
                key("k").open(&SyncTarget::parse("other"), &text)
            ),
            (None, None)
        );
    }

    #[test]
    fn ids_of_every_configured_key_open_and_first_key_signs() {
        let rotated = Key::new(Rc::new(StateKey::new(&[Secret::new("new"), Secret::new("old")])));
        let old = key("old").of_request(&request()).unwrap();
        assert_eq!(opened(&rotated, &old).unwrap().directory, request().directory);
        assert_eq!(opened(&key("new"), &rotated.of_request(&request()).unwrap()), Some(request()));
        assert_eq!(key("new").open(&SyncTarget::parse("default"), &old), None, "a removed key opens nothing");
        let old = key("old").of_reference(&SyncTarget::parse("default"), &reference()).unwrap();
        let kept = Opened::Kept { reference: reference(), is_current: false };
        assert_eq!(rotated.open(&SyncTarget::parse("default"), &old), Some(kept));
    }

    #[test]
    fn nothing_is_signed_or_opened_without_a_key() {
        let none = Key::new(Rc::new(StateKey::new(&[])));
        assert!(none.of_request(&request()).is_err());
        for key in ["", "k"] {
            assert_eq!(none.open(&SyncTarget::parse("default"), &self::key(key).of_request(&request()).unwrap()), None);
        }
    }

    #[test]
    fn ids_longer_than_any_are_not_opened() {
        let key = key("k");
        let target = SyncTarget::parse("default");
        // Three bytes are four characters.
        let fitting = LONG / 4 * 3 - 1 - DIGEST - TAG;
        for (length, opens) in [(fitting, true), (fitting + 1, false)] {
            let reference = Reference { place: "p".repeat(length), ..reference() };
            let text = key.of_reference(&target, &reference).unwrap();
            assert_eq!((text.len() <= LONG, key.open(&target, &text).is_some()), (opens, opens), "{}", text.len());
        }
        let longest = Reference { place: "p".repeat(fitting), ..reference() };
        assert_eq!(key.of_reference(&target, &longest).unwrap().len(), LONG);
    }

    proptest! {
        #[test]
        fn changed_ids_do_not_open(at in 0usize..120, to in "[A-Za-z0-9_-]", is_kept in any::<bool>()) {
            let key = key("k");
            let text = if is_kept { key.of_reference(&SyncTarget::parse("default"), &reference()) } else { key.of_request(&request()) };
            let text = text.unwrap();
            let at = at % text.len();
            let mut changed = text.clone();
            changed.replace_range(at..=at, &to);
            prop_assume!(changed != text);
            // The last character's spare bits are checked by the decoder.
            prop_assert_eq!(key.open(&SyncTarget::parse("default"), &changed), None);
        }

        #[test]
        fn random_texts_do_not_open(text in "\\PC{0,300}") {
            prop_assert_eq!(key("k").open(&SyncTarget::parse("default"), &text), None);
        }
    }
}

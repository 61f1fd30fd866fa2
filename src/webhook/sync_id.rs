//! Sync ids: all there is to know about a started sync, in a text that any instance can read and nobody can forge.
//!
//! An id is `base64url(version ‖ JSON ‖ tag)`, the tag being the first 16 bytes of an HMAC-SHA256 over what stands before
//! it, under a key derived from the first key of the [`StateKey`]. An id that was made under another of its keys is read as well.

use std::rc::Rc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::{Error, ErrorCode};
use crate::shared_state::{StateKey, hmac};
use crate::sync::SyncRequest;

const VERSION: u8 = 1;
const TAG: usize = 16;
/// Longest id read at all.
const MAX_LENGTH: usize = 2000;

/// What authenticates ids.
#[derive(Debug)]
pub(super) struct Key(Rc<StateKey>);

/// What the keys of ids are derived for.
const PURPOSE: &str = "sync id";

impl Key {
    pub(super) fn new(state_key: Rc<StateKey>) -> Self {
        Self(state_key)
    }

    /// Writes an id.
    ///
    /// # Errors
    /// When it would be longer than ids may be.
    pub(super) fn seal(&self, request: &SyncRequest) -> Result<String, Error> {
        let mut request = request.clone();
        if request.groups_at.is_some() {
            request.groups.clear();
        }
        let mut text = self.written(&request)?;
        if text.len() > MAX_LENGTH {
            // The sync has been started by now; it can be told of without the directory's name.
            request.name = None;
            text = self.written(&request)?;
        }
        if text.len() > MAX_LENGTH {
            return Err(Error::new(ErrorCode::Internal, "a sync id would be too long"));
        }
        Ok(text)
    }

    fn written(&self, request: &SyncRequest) -> Result<String, Error> {
        let mut bytes = vec![VERSION];
        serde_json::to_writer(&mut bytes, request)
            .map_err(|e| Error::new(ErrorCode::Internal, format!("a sync id could not be written: {e}")))?;
        let key = self
            .0
            .derive(PURPOSE)
            .ok_or_else(|| Error::new(ErrorCode::Internal, "there is no key to sign a sync id with"))?;
        let tag = hmac(&key, &bytes);
        bytes.extend(tag.iter().take(TAG));
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Reads an id that came back; `None` when it is not one of ours.
    pub(super) fn open(&self, text: &str) -> Option<SyncRequest> {
        if text.len() > MAX_LENGTH {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (message, tag) = bytes.split_at_checked(bytes.len().checked_sub(TAG)?)?;
        let is_signed_by = |key: &[u8; 32]| {
            let expected = hmac(key, message);
            expected.get(..TAG).is_some_and(|expected| bool::from(subtle::ConstantTimeEq::ct_eq(expected, tag)))
        };
        let signer = self.0.derive_all(PURPOSE).iter().position(is_signed_by)?;
        let request: SyncRequest = match message.split_first()? {
            (&VERSION, json) => crate::json::parse(json)?,
            _ => return None,
        };
        // The counters in the store go with the key that seals: its ticket is from those of another key.
        Some(if signer == 0 { request } else { request.of_another_ledger() })
    }
}

#[cfg(test)]
mod tests {
    use super::super::oversized_groups::MAX_IN_ID;
    use super::*;
    use crate::secret::Secret;
    use proptest::prelude::*;

    fn key(text: &str) -> Key {
        Key::new(Rc::new(StateKey::of(text)))
    }

    fn id() -> SyncRequest {
        SyncRequest::example()
    }

    #[test]
    fn ids_open_under_the_same_key_only() {
        let text = key("k").seal(&id()).unwrap();
        assert_eq!(key("k").open(&text).unwrap(), id());
        assert_eq!(key("other").open(&text), None);
    }

    #[test]
    fn ids_of_every_configured_key_open_and_first_key_signs() {
        let rotated = Key::new(Rc::new(StateKey::new(&[Secret::new("new"), Secret::new("old")])));
        let old = key("old").seal(&id()).unwrap();
        assert_eq!(rotated.open(&old).unwrap().directory, id().directory);
        assert_eq!(key("new").open(&rotated.seal(&id()).unwrap()), Some(id()));
        assert_eq!(key("new").open(&old), None, "a key that was taken out opens nothing");
    }

    #[test]
    fn nothing_is_signed_or_opened_without_a_key() {
        let none = Key::new(Rc::new(StateKey::new(&[])));
        assert!(none.seal(&id()).is_err());
        for key in ["", "k"] {
            assert_eq!(none.open(&self::key(key).seal(&id()).unwrap()), None);
        }
    }

    #[test]
    fn ids_fit_the_largest_list_of_groups() {
        let mut request = id();
        request.name = Some("n".repeat(64));
        request.callback = Some("c".repeat(63));
        request.groups = vec!["CN=gg-application-administrators,OU=Groups,DC=corp,DC=example".to_owned(); 15];
        assert!(serde_json::to_vec(&request.groups).unwrap().len() > MAX_IN_ID - 70);
        let text = key("k").seal(&request).unwrap();
        assert_eq!(key("k").open(&text).unwrap(), request);
        // A name may be as long as vIDM has it.
        request.name = Some("n".repeat(1000));
        let text = key("k").seal(&request).unwrap();
        request.name = None;
        assert_eq!(key("k").open(&text).unwrap(), request);
    }

    #[test]
    fn groups_in_the_store_are_not_in_the_id() {
        let mut request = id();
        request.groups = vec!["g".repeat(100); 100];
        assert!(key("k").seal(&request).is_err());
        request.groups_at = Some("place".to_owned());
        let read = key("k").open(&key("k").seal(&request).unwrap()).unwrap();
        assert_eq!((read.groups.len(), read.groups_at.as_deref()), (0, Some("place")));
    }

    proptest! {
        #[test]
        fn changed_ids_do_not_open(at in 0usize..120, to in "[A-Za-z0-9_-]") {
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
        fn random_texts_do_not_open(text in "\\PC{0,300}") {
            prop_assert_eq!(key("k").open(&text), None);
        }
    }
}

//! Keys in the instance's memory, for use without a store, or while it fails; they last as long as the instance. Nothing here
//! waits, so no other request runs between a check and its consequence.

use std::cell::RefCell;
use std::time::{Duration, SystemTime};

use super::Key;
use super::record::Record;
use litemap::LiteMap;

/// At most this many responses are kept, of [`MAX_BODY`](super::MAX_BODY) bytes each. Requests being processed come on top;
/// the host limits those.
const MOST: usize = 256;

/// The keys that an instance knows, oldest first.
#[derive(Debug, Default)]
pub(in crate::webhook) struct LocalAnswers(RefCell<Vec<Entry>>);

#[derive(Debug)]
struct Entry {
    owner: String,
    id: String,
    record: Record,
}

impl LocalAnswers {
    /// The record that holds the key.
    pub(super) fn find(&self, key: &Key, now: SystemTime) -> Option<Record> {
        let entries = self.0.borrow();
        let found = entries.iter().find(|entry| entry.id == key.id && entry.record.holds(now));
        found.map(|entry| entry.record.clone())
    }

    /// Claims the key, or returns the record that holds it.
    pub(super) fn claim(&self, key: &Key, now: SystemTime, lease: Duration) -> Option<Record> {
        let found = self.find(key, now);
        if found.is_none() {
            self.keep(key, Record { input: Some(key.input.clone()), until: now + lease, ..Record::default() }, now);
        }
        found
    }

    /// Replaces the key's record. When full, the oldest response of the caller with the most is dropped, so a caller with
    /// many keys displaces its own. Requests being processed stay, because they must not run twice.
    pub(super) fn keep(&self, key: &Key, record: Record, now: SystemTime) {
        let mut entries = self.0.borrow_mut();
        entries.retain(|entry| entry.id != key.id && entry.record.holds(now));
        entries.push(Entry { owner: key.owner.clone(), id: key.id.clone(), record });
        let mut of_each = LiteMap::<&str, usize>::new();
        for entry in entries.iter().filter(|entry| entry.record.answer.is_some()) {
            *of_each.entry(&entry.owner).or_default() += 1;
        }
        if of_each.values().sum::<usize>() > MOST {
            let most = of_each.iter().max_by_key(|(_, answers)| **answers).map(|(owner, _)| (*owner).to_owned());
            let goes =
                entries.iter().position(|entry| entry.record.answer.is_some() && Some(&entry.owner) == most.as_ref());
            if let Some(goes) = goes {
                entries.remove(goes);
            }
        }
    }

    /// Frees the key.
    pub(super) fn release(&self, key: &Key) {
        self.0.borrow_mut().retain(|entry| entry.id != key.id);
    }
}

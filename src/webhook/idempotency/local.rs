//! Keys in the instance's own memory, where there is no store: as good as it lasts. Nothing here waits, so nobody comes between
//! a look and what follows from it.

use std::cell::RefCell;
use std::time::{Duration, SystemTime};

use super::Key;
use super::record::Record;
use litemap::LiteMap;

/// As many answers are kept, [`MAX_BODY`](super::MAX_BODY) bytes each at most. What is being carried out comes on top; of that
/// there is no more than the host lets in at once.
const MOST: usize = 256;

/// The keys that an instance knows, the oldest first.
#[derive(Debug, Default)]
pub(in crate::webhook) struct LocalAnswers(RefCell<Vec<Entry>>);

#[derive(Debug)]
struct Entry {
    owner: String,
    id: String,
    record: Record,
}

impl LocalAnswers {
    /// Claims the key, or gives what it is taken with.
    pub(super) fn claim(&self, key: &Key, now: SystemTime, lease: Duration) -> Option<Record> {
        let found = self.0.borrow().iter().find(|entry| entry.id == key.id).map(|entry| entry.record.clone());
        if let Some(record) = found.filter(|record| record.holds(now)) {
            return Some(record);
        }
        self.keep(key, Record { input: Some(key.input.clone()), until: now + lease, ..Record::default() }, now);
        None
    }

    /// Keeps what there is of the key now, in place of what was. Where there is no room, the oldest answer goes of the caller
    /// that has the most: who sends many keys displaces its own. What is being carried out stays, for it must not be carried
    /// out twice.
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

    /// The key is free again.
    pub(super) fn release(&self, key: &Key) {
        self.0.borrow_mut().retain(|entry| entry.id != key.id);
    }
}

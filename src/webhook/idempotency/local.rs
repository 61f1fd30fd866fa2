//! Keys in the instance's own memory, where there is no store: as good as it lasts. Nothing here waits, so nobody comes between
//! a look and what follows from it.

use std::cell::RefCell;
use std::time::{Duration, SystemTime};

use super::Key;
use super::record::Record;

/// As many keys are kept.
const MOST: usize = 256;

/// The keys that an instance knows, the oldest first.
#[derive(Debug, Default)]
pub(in crate::webhook) struct Memory(RefCell<Vec<(String, Record)>>);

impl Memory {
    /// Claims the key, or gives what it is taken with.
    pub(super) fn claim(&self, key: &Key, now: SystemTime, lease: Duration) -> Option<Record> {
        let found = self.0.borrow().iter().find(|(id, _)| *id == key.id).map(|(_, record)| record.clone());
        if let Some(record) = found.filter(|record| record.holds(now)) {
            return Some(record);
        }
        self.keep(key, Record { input: Some(key.input.clone()), until: now + lease, ..Record::default() }, now);
        None
    }

    /// Keeps what there is of the key now, in place of what was. Where there is no room, the oldest answer goes: what is being
    /// carried out must not be carried out twice.
    pub(super) fn keep(&self, key: &Key, record: Record, now: SystemTime) {
        let mut records = self.0.borrow_mut();
        records.retain(|(id, record)| *id != key.id && record.holds(now));
        if records.len() >= MOST {
            let oldest = records.iter().position(|(_, record)| record.answer.is_some()).unwrap_or_default();
            records.remove(oldest);
        }
        records.push((key.id.clone(), record));
    }

    /// The key is free again.
    pub(super) fn release(&self, key: &Key) {
        self.0.borrow_mut().retain(|(id, _)| *id != key.id);
    }
}

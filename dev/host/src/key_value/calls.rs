//! The number of guest calls to their stores, by operation. Calls with a round trip are counted, `open` is not.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Calls since the host was made.
#[derive(Debug, Default)]
pub(super) struct Counters(Mutex<BTreeMap<&'static str, u64>>);

impl Counters {
    pub(super) fn count(&self, operation: &'static str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(operation).or_default() += 1;
    }

    pub(super) fn read(&self) -> BTreeMap<&'static str, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

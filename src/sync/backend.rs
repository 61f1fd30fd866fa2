//! Where what a sync protocol writes is kept: in the store that instances share, or in the instance's own memory.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use super::sync_request::SyncRequest;
use crate::named::Named;
use crate::runtime::Runtime;
use crate::shared_state::{SharedStore, StoreUnavailable};

/// Where a book is kept.
pub(super) enum Shelf<'s, R> {
    /// In the store that instances share.
    Shared(&'s SharedStore<'s, R>),
    /// In the instance's own memory.
    Local(&'s LocalStore, u64),
}

impl<R> Clone for Shelf<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Shelf<'_, R> {}

impl<R: Runtime> Shelf<'_, R> {
    /// Which shelf it is: [`SyncRequest::SHARED`], or an instance's.
    pub(super) fn id(&self) -> u64 {
        match self {
            Self::Shared(_) => SyncRequest::SHARED,
            Self::Local(_, id) => *id,
        }
    }

    /// The value of `key`.
    pub(super) async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreUnavailable> {
        match self {
            Self::Local(store, _) => Ok(store.values.borrow().get(key).cloned()),
            Self::Shared(store) => Ok(store.look_up(key).await?.map(|kept| kept.value)),
        }
    }

    /// Gives `key` this value; the shared store keeps it for so long.
    pub(super) async fn set(&self, key: &str, value: &[u8], life: Duration) -> Result<(), StoreUnavailable> {
        match self {
            Self::Local(store, _) => {
                store.values.borrow_mut().insert(key, value.to_vec());
                Ok(())
            }
            Self::Shared(store) => store.put(key, value, life).await,
        }
    }

    /// Adds one to the counter `key`, atomically, and gives its new value.
    pub(super) async fn count(&self, key: &str) -> Result<u64, StoreUnavailable> {
        match self {
            Self::Local(store, _) => Ok(store.counters.borrow_mut().with(key, |count| {
                *count = count.saturating_add(1);
                *count
            })),
            Self::Shared(store) => store.increment(key, 1).await.ok_or(StoreUnavailable),
        }
    }

    /// Takes out the value of `key`.
    pub(super) async fn delete(&self, key: &str) {
        match self {
            Self::Local(store, _) => {
                store.values.borrow_mut().remove(key);
            }
            Self::Shared(store) => store.delete(key).await,
        }
    }

    /// Forgets the counter `key`.
    pub(super) async fn forget(&self, key: &str) {
        match self {
            Self::Local(store, _) => {
                store.counters.borrow_mut().remove(key);
            }
            Self::Shared(store) => store.delete_counter(key).await,
        }
    }
}

/// A store in the instance's own memory: what books are kept in where there is no shared one.
#[derive(Debug, Default)]
pub struct LocalStore {
    values: RefCell<Named<Vec<u8>>>,
    counters: RefCell<Named<u64>>,
    /// Told apart from every other instance's, and from the shared store's.
    id: Cell<u64>,
}

impl LocalStore {
    /// This store's id, drawn on first use; never 0.
    pub(super) fn id(&self, random: impl FnOnce() -> u64) -> u64 {
        if self.id.get() == 0 {
            self.id.set(random() | 1);
        }
        self.id.get()
    }
}

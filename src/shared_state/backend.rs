//! The backend of a protocol among callers: the store that instances share, or the instance's own memory.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use super::{SharedStore, StoreUnavailable};
use crate::runtime::Runtime;
use litemap::LiteMap;

/// The id of the store that instances share. Ids of instances' own stores are odd.
pub(crate) const SHARED: u64 = 0;

/// Where values and counters are kept.
pub(crate) enum Backend<'s, R> {
    /// In the store that instances share.
    Shared(&'s SharedStore<'s, R>),
    /// In the instance's own memory, under this id.
    Local(&'s LocalStore, u64),
}

impl<R> Clone for Backend<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Backend<'_, R> {}

impl<R: Runtime> Backend<'_, R> {
    /// The store's id: [`SHARED`], or an instance's.
    pub(crate) fn id(&self) -> u64 {
        match self {
            Self::Shared(_) => SHARED,
            Self::Local(_, id) => *id,
        }
    }

    /// The value of `key`.
    pub(crate) async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreUnavailable> {
        match self {
            Self::Local(store, _) => Ok(store.values.borrow().get(key).cloned()),
            Self::Shared(store) => Ok(store.look_up(key).await?.map(|kept| kept.value)),
        }
    }

    /// The values of `key` under all state keys.
    pub(crate) async fn get_all(&self, key: &str) -> Result<Vec<Vec<u8>>, StoreUnavailable> {
        match self {
            Self::Local(..) => Ok(self.get(key).await?.into_iter().collect()),
            Self::Shared(store) => Ok(store.look_up_all(key).await?.into_iter().map(|kept| kept.value).collect()),
        }
    }

    /// Sets the value of `key`. The shared store ignores it after `life`.
    pub(crate) async fn set(&self, key: &str, value: &[u8], life: Duration) -> Result<(), StoreUnavailable> {
        match self {
            Self::Local(store, _) => {
                store.values.borrow_mut().insert(key.to_owned(), value.to_vec());
                Ok(())
            }
            Self::Shared(store) => store.put(key, value, life).await,
        }
    }

    /// Adds `by` to the counter `key`, atomically, and returns its new value.
    pub(crate) async fn count(&self, key: &str, by: u64) -> Result<u64, StoreUnavailable> {
        match self {
            Self::Local(store, _) => {
                let mut counters = store.counters.borrow_mut();
                let count = counters.entry(key.to_owned()).or_default();
                *count = count.saturating_add(by);
                Ok(*count)
            }
            Self::Shared(store) => store.increment(key, by).await.ok_or(StoreUnavailable),
        }
    }

    /// Removes the value of `key`.
    pub(crate) async fn delete(&self, key: &str) {
        match self {
            Self::Local(store, _) => {
                store.values.borrow_mut().remove(key);
            }
            Self::Shared(store) => store.delete(key).await,
        }
    }

    /// Removes the counter `key`.
    pub(crate) async fn delete_counter(&self, key: &str) {
        match self {
            Self::Local(store, _) => {
                store.counters.borrow_mut().remove(key);
            }
            Self::Shared(store) => store.delete_counter(key).await,
        }
    }
}

/// Values and counters in an instance's own memory, for use without a shared store.
#[derive(Debug, Default)]
pub(crate) struct LocalStore {
    values: RefCell<LiteMap<String, Vec<u8>>>,
    counters: RefCell<LiteMap<String, u64>>,
    id: Cell<u64>,
}

impl LocalStore {
    /// This store's id, drawn on first use. It is odd, so it differs from the shared store's.
    pub(crate) fn id(&self, random: impl FnOnce() -> u64) -> u64 {
        if self.id.get() == 0 {
            self.id.set(random() | 1);
        }
        self.id.get()
    }
}

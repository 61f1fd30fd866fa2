//! The key-value port: a place that instances share, where the runtime has one. Nothing here needs it to be right; it makes
//! things faster and joins callers across instances.
//!
//! A runtime implements [`Store`], four plain calls. The core works with `shared_state::SharedStore`, which bounds each of them in time,
//! seals what is kept and takes a store that fails for none.
//!
//! What such stores promise differs, and the port asks for the least. Spin's default (SQLite) ends in a panic of its host
//! when a key is incremented that was once set, its compare-and-swap is not atomic on an absent key, and over Redis it
//! reports failure always (Spin 4.1, crates `key-value-spin` and `key-value-redis`). So [`Store::increment`] is the only atomic
//! call, counters have keys of their own, and values carry their own expiry, for neither interface has one.

use std::fmt;

/// A key-value store as a runtime offers it.
#[allow(
    async_fn_in_trait,
    reason = "futures of WASI and JavaScript hosts are not Send, and nothing here asks them to be"
)]
pub trait Store {
    /// The value of `key`, if it has one.
    ///
    /// # Errors
    /// When the store cannot be asked.
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// Gives `key` this value.
    ///
    /// # Errors
    /// When the store cannot be asked.
    async fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreError>;

    /// Takes `key` out; one that is not there is no error.
    ///
    /// # Errors
    /// When the store cannot be asked.
    async fn delete(&self, key: &str) -> Result<(), StoreError>;

    /// Adds `by` to the counter `key`, atomically, and gives its new value; a counter begins at 0. A key is either a counter
    /// or has been [`set`](Self::set), never both.
    ///
    /// # Errors
    /// When the store cannot be asked.
    async fn increment(&self, key: &str, by: u64) -> Result<u64, StoreError>;
}

/// The store of a runtime that has none. There is no value of it, so nothing can be asked of it.
#[derive(Debug, Clone, Copy)]
pub enum NoStore {}

impl Store for NoStore {
    async fn get(&self, _: &str) -> Result<Option<Vec<u8>>, StoreError> {
        match *self {}
    }

    async fn set(&self, _: &str, _: &[u8]) -> Result<(), StoreError> {
        match *self {}
    }

    async fn delete(&self, _: &str) -> Result<(), StoreError> {
        match *self {}
    }

    async fn increment(&self, _: &str, _: u64) -> Result<u64, StoreError> {
        match *self {}
    }
}

/// Why a store did not do it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreError {
    /// There is none: the runtime grants no access, or has no store of that name. Nothing to complain of.
    Absent,
    /// It failed, in the runtime's words.
    Failed(String),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("there is no store"),
            Self::Failed(why) => write!(f, "the store failed: {why}"),
        }
    }
}

impl std::error::Error for StoreError {}

//! The key-value port: a store that instances share, if the runtime has one. Correctness never depends on it: it is a cache
//! and a coordination aid.
//!
//! A runtime implements the four calls of [`Store`]. The core uses `shared_state::SharedStore`, which limits the time of
//! each call, seals the values and bypasses a failing store.
//!
//! Stores give different guarantees, so the port requires little. Spin's default (SQLite) panics in the host when a key that
//! was set is incremented, its compare-and-swap is not atomic for an absent key, and over Redis compare-and-swap always
//! reports failure (Spin 4.1, crates `key-value-spin` and `key-value-redis`). So [`Store::increment`] is the only atomic
//! call, counters have keys of their own, and values contain their expiry, because neither interface has one.

use std::fmt;

/// A runtime's key-value store.
#[allow(async_fn_in_trait, reason = "futures of WASI and JavaScript hosts are not Send, and nothing here requires it")]
pub trait Store {
    /// The value of `key`, if it has one.
    ///
    /// # Errors
    /// The store cannot be reached.
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// Sets the value of `key`.
    ///
    /// # Errors
    /// The store cannot be reached.
    async fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreError>;

    /// Deletes `key`; an absent key is not an error.
    ///
    /// # Errors
    /// The store cannot be reached.
    async fn delete(&self, key: &str) -> Result<(), StoreError>;

    /// Adds `by` to the counter `key` atomically and returns the new value; a counter begins at 0. A key is either a counter
    /// or has been [`set`](Self::set), never both.
    ///
    /// # Errors
    /// The store cannot be reached.
    async fn increment(&self, key: &str, by: u64) -> Result<u64, StoreError>;
}

/// The store type of a runtime without a store. It has no values, so its calls never happen.
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

/// Why a store call failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreError {
    /// No store: the runtime grants no access, or has no store of that name. This is not a fault.
    Absent,
    /// The store failed, with the runtime's message.
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

//! Spin's key-value store as the core's port. Only `wasi:keyvalue` is used, because it has counters, which
//! `fermyon:spin/key-value` lacks; Spin offers it since 3.0, with the same stores in every version.
//!
//! Its calls are synchronous: nothing else runs until Spin has responded or given up.

use std::cell::OnceCell;

use idhook::store::{Store, StoreError};

use crate::bindings::wasi::keyvalue::atomics;
use crate::bindings::wasi::keyvalue::store::{Bucket, Error, open};

/// The store's label: Spin provides one with this name by default, and the shipped manifest grants it.
const LABEL: &str = "default";

thread_local! {
    /// The store, opened by this instance on first use.
    static BUCKET: OnceCell<Bucket> = const { OnceCell::new() };
}

/// The store of this instance.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SpinStore;

impl Store for SpinStore {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        with(|bucket| bucket.get(key))
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        with(|bucket| bucket.set(key, value))
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        with(|bucket| bucket.delete(key))
    }

    async fn increment(&self, key: &str, by: u64) -> Result<u64, StoreError> {
        let by = i64::try_from(by).unwrap_or(i64::MAX);
        let count = with(|bucket| atomics::increment(bucket, key, by))?;
        u64::try_from(count).map_err(|_| StoreError::Failed("a counter is below zero".to_owned()))
    }
}

fn with<T>(call: impl FnOnce(&Bucket) -> Result<T, Error>) -> Result<T, StoreError> {
    let outcome = BUCKET.with(|cell| match cell.get() {
        Some(bucket) => call(bucket),
        None => {
            let opened = open(LABEL)?;
            call(cell.get_or_init(|| opened))
        }
    });
    outcome.map_err(|e| match e {
        Error::AccessDenied | Error::NoSuchStore => StoreError::Absent,
        Error::Other(why) => StoreError::Failed(why),
    })
}

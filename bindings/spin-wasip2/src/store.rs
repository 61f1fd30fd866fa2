//! Spin's key-value store, as the core asks for it. `wasi:keyvalue` alone is used, for it has counters, which
//! `fermyon:spin/key-value` has not; Spin offers it from 3.0 on, in each version over the same stores.
//!
//! Its calls are synchronous: nothing else happens until Spin has answered one, or has given it up.

use std::cell::OnceCell;

use idhook::store::{Store, StoreError};

use crate::bindings::wasi::keyvalue::atomics;
use crate::bindings::wasi::keyvalue::store::{Bucket, Error, open};

/// The store's label: Spin provides one under this name unless it is told otherwise, and the manifest that ships grants it.
const LABEL: &str = "default";

thread_local! {
    /// The store as this instance has it open, from the first use on.
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

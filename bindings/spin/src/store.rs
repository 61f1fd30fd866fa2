//! Spin's key-value store, as the core asks for it: `spin:key-value` for values, `wasi:keyvalue/atomics` for counters, which
//! the former has not. Both reach the same store.

use std::cell::OnceCell;
use std::rc::Rc;

use idhook::store::{Store, StoreError};
use spin_sdk::experimental::wasi::keyvalue::atomics;
use spin_sdk::experimental::wasi::keyvalue::store::{self as buckets, Bucket};
use spin_sdk::key_value;

/// The store's label: Spin provides one under this name unless it is told otherwise, and the manifest that ships grants it.
const LABEL: &str = "default";

thread_local! {
    /// The store as this instance has it open, in both interfaces, from the first use on.
    static STORE: OnceCell<Rc<key_value::Store>> = const { OnceCell::new() };
    static BUCKET: OnceCell<Bucket> = const { OnceCell::new() };
}

/// The store of this instance.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SpinStore;

impl Store for SpinStore {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        store().await?.get(key).await.map_err(failed)
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        store().await?.set(key, value).await.map_err(failed)
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        store().await?.delete(key).await.map_err(failed)
    }

    async fn increment(&self, key: &str, by: u64) -> Result<u64, StoreError> {
        // What follows is a synchronous call: the whole instance stands still until it is answered. So the store has to
        // answer one that can be given up first.
        store().await?.exists(key).await.map_err(failed)?;
        let by = i64::try_from(by).unwrap_or(i64::MAX);
        let count = BUCKET.with(|cell| match cell.get() {
            Some(bucket) => atomics::increment(bucket, key, by),
            None => {
                let opened = buckets::open(LABEL)?;
                atomics::increment(cell.get_or_init(|| opened), key, by)
            }
        });
        let count = count.map_err(|e| match e {
            buckets::Error::AccessDenied | buckets::Error::NoSuchStore => StoreError::Absent,
            buckets::Error::Other(why) => StoreError::Failed(why),
        })?;
        u64::try_from(count).map_err(|_| StoreError::Failed("a counter is below zero".to_owned()))
    }
}

async fn store() -> Result<Rc<key_value::Store>, StoreError> {
    if let Some(store) = STORE.with(|cell| cell.get().cloned()) {
        return Ok(store);
    }
    // Requests that come together may each open it; the first is kept.
    let opened = Rc::new(key_value::Store::open(LABEL).await.map_err(failed)?);
    Ok(STORE.with(|cell| Rc::clone(cell.get_or_init(|| opened))))
}

fn failed(e: key_value::Error) -> StoreError {
    match e {
        key_value::Error::AccessDenied | key_value::Error::NoSuchStore => StoreError::Absent,
        key_value::Error::StoreTableFull => StoreError::Failed("too many open stores".to_owned()),
        key_value::Error::Other(why) => StoreError::Failed(why),
    }
}

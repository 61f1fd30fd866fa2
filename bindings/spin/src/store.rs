//! Spin's key-value store as the core's port: `spin:key-value` for values, `wasi:keyvalue/atomics` for counters, which the
//! former lacks. Both use the same store.

use std::cell::{Cell, OnceCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use idhook::store::{Store, StoreError};
use spin_sdk::experimental::wasi::keyvalue::atomics;
use spin_sdk::experimental::wasi::keyvalue::store::{self as buckets, Bucket};
use spin_sdk::key_value;

/// The store's label: Spin provides one with this name by default, and the shipped manifest grants it.
const LABEL: &str = "default";

thread_local! {
    /// The store, opened by this instance in both interfaces on first use.
    static STORE: OnceCell<Rc<key_value::Store>> = const { OnceCell::new() };
    static BUCKET: OnceCell<Bucket> = const { OnceCell::new() };
}

/// How long a response of the store justifies the next synchronous call.
const VOUCHES: Duration = Duration::from_secs(1);

thread_local! {
    /// When the store last responded to a call that could have been cancelled.
    static ANSWERED: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// The store of this instance.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SpinStore;

impl Store for SpinStore {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        answered(store().await?.get(key).await)
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        answered(store().await?.set(key, value).await)
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        answered(store().await?.delete(key).await)
    }

    async fn increment(&self, key: &str, by: u64) -> Result<u64, StoreError> {
        // The next call is synchronous: the whole instance stops until the response. So the store must have responded to a
        // cancellable call a moment ago.
        if ANSWERED.get().is_none_or(|at| at.elapsed() > VOUCHES) {
            answered(store().await?.exists(key).await)?;
        }
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
    // Concurrent requests may each open it; the first is kept.
    let opened = Rc::new(key_value::Store::open(LABEL).await.map_err(failed)?);
    Ok(STORE.with(|cell| Rc::clone(cell.get_or_init(|| opened))))
}

/// The store's result; records that it responded.
fn answered<T>(answer: Result<T, key_value::Error>) -> Result<T, StoreError> {
    ANSWERED.set(answer.is_ok().then(Instant::now));
    answer.map_err(failed)
}

fn failed(e: key_value::Error) -> StoreError {
    match e {
        key_value::Error::AccessDenied | key_value::Error::NoSuchStore => StoreError::Absent,
        key_value::Error::StoreTableFull => StoreError::Failed("too many open stores".to_owned()),
        key_value::Error::Other(why) => StoreError::Failed(why),
    }
}

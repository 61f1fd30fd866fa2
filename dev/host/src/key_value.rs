//! Key-value stores behind `spin:key-value` and `wasi:keyvalue`: in memory, or on a Redis server.
//!
//! Both interfaces reach the same stores, as in Spin.

mod calls;
mod memory;
mod redis;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use anyhow::Result;
use wasmtime::component::{Accessor, FutureReader, HasData, Resource, ResourceTable, StreamReader};

use self::calls::Counters;
use self::memory::Memory;
use self::redis::Redis;
use crate::bindings::{atomics, key_value, store};

/// How many stores an instance may hold open at once, as in Spin.
const MAX_OPEN: u32 = 256;

/// The stores of a host. Clones share them, so that two hosts can work on the same data.
#[derive(Clone)]
pub struct KeyValue {
    backends: Arc<BTreeMap<String, Backend>>,
    calls: Arc<Counters>,
}

impl Default for KeyValue {
    fn default() -> Self {
        Self::with_labels(["default"])
    }
}

impl fmt::Debug for KeyValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.backends.keys()).finish()
    }
}

impl KeyValue {
    /// Empty stores in memory with these labels. Spin itself provides only `default`; others are defined in its runtime
    /// configuration.
    pub fn with_labels<L: Into<String>>(labels: impl IntoIterator<Item = L>) -> Self {
        Self::of(labels.into_iter().map(|label| (label.into(), Backend::Memory(Arc::default()))).collect())
    }

    fn of(backends: BTreeMap<String, Backend>) -> Self {
        Self { backends: Arc::new(backends), calls: Arc::default() }
    }

    /// The store `default` on a Redis server, as in Spin with `[key_value_store.default]`, `type = "redis"`. The first use
    /// connects.
    ///
    /// # Errors
    /// The URL is not a Redis URL.
    pub fn redis(url: &str) -> Result<Self> {
        let redis = Backend::Redis(Arc::new(Redis::new(url)?));
        Ok(Self::of(BTreeMap::from([("default".to_owned(), redis)])))
    }

    /// No store: the runtime grants no access, whatever the manifest says.
    #[must_use]
    pub fn denied() -> Self {
        Self::of(BTreeMap::from([("default".to_owned(), Backend::Denied)]))
    }

    /// The value of `key` in the store with this label.
    ///
    /// # Errors
    /// There is no such store, or it cannot be reached.
    pub async fn get(&self, label: &str, key: &str) -> Result<Option<Vec<u8>>> {
        self.backend(label)?.get(key).await.map_err(anyhow::Error::msg)
    }

    /// Sets a value.
    ///
    /// # Errors
    /// There is no such store, or it cannot be reached.
    pub async fn set(&self, label: &str, key: &str, value: impl Into<Vec<u8>>) -> Result<()> {
        self.backend(label)?.set(key.to_owned(), value.into()).await.map_err(anyhow::Error::msg)
    }

    /// Adds to a counter and returns its new value.
    ///
    /// # Errors
    /// There is no such store, it cannot be reached, or the key is not a counter.
    pub async fn increment(&self, label: &str, key: &str, delta: i64) -> Result<i64> {
        self.backend(label)?.increment(key.to_owned(), delta).await.map_err(anyhow::Error::msg)
    }

    /// The keys of the store with this label.
    ///
    /// # Errors
    /// There is no such store, or it cannot be reached.
    pub async fn keys(&self, label: &str) -> Result<Vec<String>> {
        self.backend(label)?.keys().await.map_err(anyhow::Error::msg)
    }

    /// The number of guest calls to these stores so far, by operation. Opening one is not counted.
    #[must_use]
    pub fn calls(&self) -> BTreeMap<&'static str, u64> {
        self.calls.read()
    }

    fn backend(&self, label: &str) -> Result<&Backend> {
        self.backends.get(label).ok_or_else(|| anyhow::anyhow!("there is no store {label:?}"))
    }

    /// Whether there is a store with this label.
    pub(crate) fn is_defined(&self, label: &str) -> bool {
        self.backends.contains_key(label)
    }
}

/// The place of a store's values.
#[derive(Clone)]
enum Backend {
    Memory(Arc<Memory>),
    Redis(Arc<Redis>),
    Denied,
}

/// The message for a store that cannot be opened; guests do not see it.
const DENIED: &str = "access denied";

impl Backend {
    /// Returns once the store can be used.
    async fn open(&self) -> Result<(), String> {
        match self {
            Self::Redis(redis) => redis.connect().await.map(drop).map_err(text),
            Self::Memory(_) | Self::Denied => Ok(()),
        }
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, String> {
        match self {
            Self::Memory(memory) => Ok(memory.get(key)),
            Self::Redis(redis) => redis.get(key).await.map_err(text),
            Self::Denied => Err(DENIED.to_owned()),
        }
    }

    async fn set(&self, key: String, value: Vec<u8>) -> Result<(), String> {
        match self {
            Self::Memory(memory) => memory.set(key, value),
            Self::Redis(redis) => redis.set(&key, value).await.map_err(text)?,
            Self::Denied => return Err(DENIED.to_owned()),
        }
        Ok(())
    }

    async fn delete(&self, key: &str) -> Result<(), String> {
        match self {
            Self::Memory(memory) => memory.delete(key),
            Self::Redis(redis) => redis.delete(key).await.map_err(text)?,
            Self::Denied => return Err(DENIED.to_owned()),
        }
        Ok(())
    }

    async fn exists(&self, key: &str) -> Result<bool, String> {
        match self {
            Self::Memory(memory) => Ok(memory.exists(key)),
            Self::Redis(redis) => redis.exists(key).await.map_err(text),
            Self::Denied => Err(DENIED.to_owned()),
        }
    }

    async fn keys(&self) -> Result<Vec<String>, String> {
        match self {
            Self::Memory(memory) => Ok(memory.keys()),
            Self::Redis(redis) => redis.keys().await.map_err(text),
            Self::Denied => Err(DENIED.to_owned()),
        }
    }

    async fn increment(&self, key: String, delta: i64) -> Result<i64, String> {
        match self {
            Self::Memory(memory) => memory.increment(key, delta),
            Self::Redis(redis) => redis.increment(&key, delta).await.map_err(text),
            Self::Denied => Err(DENIED.to_owned()),
        }
    }
}

fn text(error: impl fmt::Display) -> String {
    error.to_string()
}

/// The stores that one instance may open, and those that are open.
#[derive(Debug)]
pub(crate) struct KeyValueState {
    stores: KeyValue,
    allowed: Arc<BTreeSet<String>>,
    open: u32,
}

impl KeyValueState {
    pub(crate) fn new(stores: KeyValue, allowed: Arc<BTreeSet<String>>) -> Self {
        Self { stores, allowed, open: 0 }
    }
}

/// An open store (`spin:key-value`) or bucket (`wasi:keyvalue`).
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
#[derive(Clone)]
pub struct OpenStore(Backend);

/// A compare-and-swap in progress: the key and the value read.
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct Swap {
    memory: Arc<Memory>,
    key: String,
    seen: Option<Vec<u8>>,
}

pub(crate) struct HasKeyValue;

impl HasData for HasKeyValue {
    type Data<'a> = KeyValueView<'a>;
}

pub(crate) struct KeyValueView<'a> {
    pub(crate) state: &'a mut KeyValueState,
    pub(crate) table: &'a mut ResourceTable,
}

enum OpenError {
    AccessDenied,
    TableFull,
}

impl KeyValueView<'_> {
    /// The store with this label, if it may be opened.
    fn granted(&self, label: &str) -> Result<Backend, OpenError> {
        match self.state.stores.backends.get(label).filter(|_| self.state.allowed.contains(label)) {
            None | Some(Backend::Denied) => Err(OpenError::AccessDenied),
            Some(_) if self.state.open >= MAX_OPEN => Err(OpenError::TableFull),
            Some(backend) => Ok(backend.clone()),
        }
    }

    fn opened(&mut self, backend: Backend) -> wasmtime::Result<Resource<OpenStore>> {
        self.state.open += 1;
        Ok(self.table.push(OpenStore(backend))?)
    }

    /// The store for `operation`, which is counted.
    fn backend(&self, store: &Resource<OpenStore>, operation: &'static str) -> wasmtime::Result<Backend> {
        self.state.stores.calls.count(operation);
        Ok(self.table.get(store)?.0.clone())
    }

    fn close(&mut self, store: Resource<OpenStore>) -> wasmtime::Result<()> {
        self.table.delete(store)?;
        self.state.open = self.state.open.saturating_sub(1);
        Ok(())
    }
}

impl key_value::Host for KeyValueView<'_> {}

impl key_value::HostStore for KeyValueView<'_> {
    fn drop(&mut self, store: Resource<OpenStore>) -> wasmtime::Result<()> {
        self.close(store)
    }
}

type SpinResult<T> = wasmtime::Result<Result<T, key_value::Error>>;

impl From<OpenError> for key_value::Error {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::AccessDenied => Self::AccessDenied,
            OpenError::TableFull => Self::StoreTableFull,
        }
    }
}

fn backend<T: Send>(
    accessor: &Accessor<T, HasKeyValue>,
    store: &Resource<OpenStore>,
    operation: &'static str,
) -> wasmtime::Result<Backend> {
    accessor.with(|mut access| access.get().backend(store, operation))
}

impl<T: Send> key_value::HostStoreWithStore<T> for HasKeyValue {
    async fn open(accessor: &Accessor<T, Self>, label: String) -> SpinResult<Resource<OpenStore>> {
        let backend = match accessor.with(|mut access| access.get().granted(&label)) {
            Ok(backend) => backend,
            Err(error) => return Ok(Err(error.into())),
        };
        if let Err(message) = backend.open().await {
            return Ok(Err(key_value::Error::Other(message)));
        }
        accessor.with(|mut access| access.get().opened(backend)).map(Ok)
    }

    async fn get(accessor: &Accessor<T, Self>, store: Resource<OpenStore>, key: String) -> SpinResult<Option<Vec<u8>>> {
        Ok(backend(accessor, &store, "get")?.get(&key).await.map_err(key_value::Error::Other))
    }

    async fn set(
        accessor: &Accessor<T, Self>,
        store: Resource<OpenStore>,
        key: String,
        value: Vec<u8>,
    ) -> SpinResult<()> {
        Ok(backend(accessor, &store, "set")?.set(key, value).await.map_err(key_value::Error::Other))
    }

    async fn delete(accessor: &Accessor<T, Self>, store: Resource<OpenStore>, key: String) -> SpinResult<()> {
        Ok(backend(accessor, &store, "delete")?.delete(&key).await.map_err(key_value::Error::Other))
    }

    async fn exists(accessor: &Accessor<T, Self>, store: Resource<OpenStore>, key: String) -> SpinResult<bool> {
        Ok(backend(accessor, &store, "exists")?.exists(&key).await.map_err(key_value::Error::Other))
    }

    async fn get_keys(
        accessor: &Accessor<T, Self>,
        store: Resource<OpenStore>,
    ) -> wasmtime::Result<(StreamReader<String>, FutureReader<Result<(), key_value::Error>>)> {
        let (keys, result) = match backend(accessor, &store, "keys")?.keys().await {
            Ok(keys) => (keys, Ok(())),
            Err(message) => (Vec::new(), Err(key_value::Error::Other(message))),
        };
        accessor.with(|mut access| {
            let keys = StreamReader::new(&mut access, keys)?;
            let result = FutureReader::new(&mut access, async { wasmtime::error::Ok(result) })?;
            Ok((keys, result))
        })
    }
}

type WasiResult<T> = wasmtime::Result<Result<T, store::Error>>;

impl From<OpenError> for store::Error {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::AccessDenied => Self::AccessDenied,
            OpenError::TableFull => Self::Other("store table full".to_owned()),
        }
    }
}

impl store::Host for KeyValueView<'_> {
    async fn open(&mut self, identifier: String) -> WasiResult<Resource<OpenStore>> {
        let backend = match self.granted(&identifier) {
            Ok(backend) => backend,
            Err(error) => return Ok(Err(error.into())),
        };
        if let Err(message) = backend.open().await {
            return Ok(Err(store::Error::Other(message)));
        }
        self.opened(backend).map(Ok)
    }
}

impl store::HostBucket for KeyValueView<'_> {
    async fn get(&mut self, bucket: Resource<OpenStore>, key: String) -> WasiResult<Option<Vec<u8>>> {
        Ok(self.backend(&bucket, "get")?.get(&key).await.map_err(store::Error::Other))
    }

    async fn set(&mut self, bucket: Resource<OpenStore>, key: String, value: Vec<u8>) -> WasiResult<()> {
        Ok(self.backend(&bucket, "set")?.set(key, value).await.map_err(store::Error::Other))
    }

    async fn delete(&mut self, bucket: Resource<OpenStore>, key: String) -> WasiResult<()> {
        Ok(self.backend(&bucket, "delete")?.delete(&key).await.map_err(store::Error::Other))
    }

    async fn exists(&mut self, bucket: Resource<OpenStore>, key: String) -> WasiResult<bool> {
        Ok(self.backend(&bucket, "exists")?.exists(&key).await.map_err(store::Error::Other))
    }

    async fn list_keys(
        &mut self,
        bucket: Resource<OpenStore>,
        cursor: Option<String>,
    ) -> WasiResult<store::KeyResponse> {
        if cursor.is_some() {
            return Ok(Err(store::Error::Other("list_keys: cursor not supported".to_owned())));
        }
        let keys = self.backend(&bucket, "keys")?.keys().await.map_err(store::Error::Other);
        Ok(keys.map(|keys| store::KeyResponse { keys, cursor: None }))
    }

    async fn drop(&mut self, bucket: Resource<OpenStore>) -> wasmtime::Result<()> {
        self.close(bucket)
    }
}

impl atomics::Host for KeyValueView<'_> {
    async fn increment(&mut self, bucket: Resource<OpenStore>, key: String, delta: i64) -> WasiResult<i64> {
        Ok(self.backend(&bucket, "increment")?.increment(key, delta).await.map_err(store::Error::Other))
    }

    async fn swap(&mut self, swap: Resource<Swap>, value: Vec<u8>) -> wasmtime::Result<Result<(), atomics::CasError>> {
        let Swap { memory, key, seen } = self.table.delete(swap)?;
        match memory.compare_and_swap(&key, seen.as_deref(), value) {
            Ok(()) => Ok(Ok(())),
            Err(seen) => {
                let again = self.table.push(Swap { memory, key, seen })?;
                Ok(Err(atomics::CasError::CasFailed(again)))
            }
        }
    }
}

impl atomics::HostCas for KeyValueView<'_> {
    /// Only in memory: over Redis, Spin 4.1 reports every swap as failed.
    async fn new(&mut self, bucket: Resource<OpenStore>, key: String) -> WasiResult<Resource<Swap>> {
        let Backend::Memory(memory) = self.backend(&bucket, "cas")? else {
            return Ok(Err(store::Error::Other("this host has no compare-and-swap over Redis".to_owned())));
        };
        let seen = memory.get(&key);
        Ok(Ok(self.table.push(Swap { memory, key, seen })?))
    }

    async fn current(&mut self, swap: Resource<Swap>) -> WasiResult<Option<Vec<u8>>> {
        let swap = self.table.get_mut(&swap)?;
        swap.seen = swap.memory.get(&swap.key);
        Ok(Ok(swap.seen.clone()))
    }

    async fn drop(&mut self, swap: Resource<Swap>) -> wasmtime::Result<()> {
        self.table.delete(swap)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;

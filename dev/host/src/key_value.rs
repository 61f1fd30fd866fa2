//! Key-value stores in memory, behind `spin:key-value` and `wasi:keyvalue`.
//!
//! Both interfaces reach the same stores, as in Spin, and counters have the form that Spin's default store (SQLite)
//! gives them: eight bytes, little-endian.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wasmtime::component::{Accessor, FutureReader, HasData, Resource, ResourceTable, StreamReader};

use crate::bindings::{atomics, key_value, store};

/// How many stores an instance may hold open at once, as in Spin.
const MAX_OPEN: u32 = 256;

/// The stores of a host. Clones share them, so that two hosts can work on the same data.
#[derive(Clone)]
pub struct KeyValue(Arc<BTreeMap<String, Arc<Contents>>>);

type Contents = Mutex<BTreeMap<String, Vec<u8>>>;

impl Default for KeyValue {
    fn default() -> Self {
        Self::with_labels(["default"])
    }
}

impl fmt::Debug for KeyValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl KeyValue {
    /// Empty stores with these labels. Spin itself provides `default` alone; others stand in its runtime configuration.
    pub fn with_labels<L: Into<String>>(labels: impl IntoIterator<Item = L>) -> Self {
        Self(Arc::new(labels.into_iter().map(|label| (label.into(), Arc::default())).collect()))
    }

    /// The value of `key` in the store with this label.
    #[must_use]
    pub fn get(&self, label: &str, key: &str) -> Option<Vec<u8>> {
        lock(self.0.get(label)?).get(key).cloned()
    }

    /// Sets a value; does nothing without a store of this label.
    pub fn set(&self, label: &str, key: &str, value: impl Into<Vec<u8>>) {
        if let Some(contents) = self.0.get(label) {
            lock(contents).insert(key.to_owned(), value.into());
        }
    }

    /// The keys of the store with this label, in order.
    #[must_use]
    pub fn keys(&self, label: &str) -> Vec<String> {
        self.0.get(label).map(|contents| lock(contents).keys().cloned().collect()).unwrap_or_default()
    }

    /// Is there a store with this label?
    pub(crate) fn is_defined(&self, label: &str) -> bool {
        self.0.contains_key(label)
    }
}

/// A panic under the lock can only come from running out of memory; the map itself stays sound.
fn lock(contents: &Contents) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
    contents.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What one instance may open, and how much of it is open.
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
pub struct OpenStore(Arc<Contents>);

/// A compare-and-swap under way: the key and the value it was read with.
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct Swap {
    contents: Arc<Contents>,
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
    fn open(&mut self, label: &str) -> wasmtime::Result<Result<Resource<OpenStore>, OpenError>> {
        let contents = self.state.stores.0.get(label).filter(|_| self.state.allowed.contains(label));
        let Some(contents) = contents else {
            return Ok(Err(OpenError::AccessDenied));
        };
        if self.state.open >= MAX_OPEN {
            return Ok(Err(OpenError::TableFull));
        }
        self.state.open += 1;
        Ok(Ok(self.table.push(OpenStore(Arc::clone(contents)))?))
    }

    fn contents(&self, store: &Resource<OpenStore>) -> wasmtime::Result<Arc<Contents>> {
        Ok(Arc::clone(&self.table.get(store)?.0))
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

impl<T: Send> key_value::HostStoreWithStore<T> for HasKeyValue {
    async fn open(accessor: &Accessor<T, Self>, label: String) -> SpinResult<Resource<OpenStore>> {
        let opened = accessor.with(|mut access| access.get().open(&label))?;
        Ok(opened.map_err(|error| match error {
            OpenError::AccessDenied => key_value::Error::AccessDenied,
            OpenError::TableFull => key_value::Error::StoreTableFull,
        }))
    }

    async fn get(accessor: &Accessor<T, Self>, store: Resource<OpenStore>, key: String) -> SpinResult<Option<Vec<u8>>> {
        let contents = accessor.with(|mut access| access.get().contents(&store))?;
        Ok(Ok(lock(&contents).get(&key).cloned()))
    }

    async fn set(
        accessor: &Accessor<T, Self>,
        store: Resource<OpenStore>,
        key: String,
        value: Vec<u8>,
    ) -> SpinResult<()> {
        let contents = accessor.with(|mut access| access.get().contents(&store))?;
        lock(&contents).insert(key, value);
        Ok(Ok(()))
    }

    async fn delete(accessor: &Accessor<T, Self>, store: Resource<OpenStore>, key: String) -> SpinResult<()> {
        let contents = accessor.with(|mut access| access.get().contents(&store))?;
        lock(&contents).remove(&key);
        Ok(Ok(()))
    }

    async fn exists(accessor: &Accessor<T, Self>, store: Resource<OpenStore>, key: String) -> SpinResult<bool> {
        let contents = accessor.with(|mut access| access.get().contents(&store))?;
        Ok(Ok(lock(&contents).contains_key(&key)))
    }

    async fn get_keys(
        accessor: &Accessor<T, Self>,
        store: Resource<OpenStore>,
    ) -> wasmtime::Result<(StreamReader<String>, FutureReader<Result<(), key_value::Error>>)> {
        let contents = accessor.with(|mut access| access.get().contents(&store))?;
        let keys: Vec<String> = lock(&contents).keys().cloned().collect();
        accessor.with(|mut access| {
            let keys = StreamReader::new(&mut access, keys)?;
            let result = FutureReader::new(&mut access, async { wasmtime::error::Ok(Ok(())) })?;
            Ok((keys, result))
        })
    }
}

type WasiResult<T> = wasmtime::Result<Result<T, store::Error>>;

impl store::Host for KeyValueView<'_> {
    fn open(&mut self, identifier: String) -> WasiResult<Resource<OpenStore>> {
        Ok(KeyValueView::open(self, &identifier)?.map_err(|error| match error {
            OpenError::AccessDenied => store::Error::AccessDenied,
            OpenError::TableFull => store::Error::Other("store table full".to_owned()),
        }))
    }
}

impl store::HostBucket for KeyValueView<'_> {
    fn get(&mut self, bucket: Resource<OpenStore>, key: String) -> WasiResult<Option<Vec<u8>>> {
        Ok(Ok(lock(&*self.contents(&bucket)?).get(&key).cloned()))
    }

    fn set(&mut self, bucket: Resource<OpenStore>, key: String, value: Vec<u8>) -> WasiResult<()> {
        lock(&*self.contents(&bucket)?).insert(key, value);
        Ok(Ok(()))
    }

    fn delete(&mut self, bucket: Resource<OpenStore>, key: String) -> WasiResult<()> {
        lock(&*self.contents(&bucket)?).remove(&key);
        Ok(Ok(()))
    }

    fn exists(&mut self, bucket: Resource<OpenStore>, key: String) -> WasiResult<bool> {
        Ok(Ok(lock(&*self.contents(&bucket)?).contains_key(&key)))
    }

    fn list_keys(&mut self, bucket: Resource<OpenStore>, cursor: Option<String>) -> WasiResult<store::KeyResponse> {
        if cursor.is_some() {
            return Ok(Err(store::Error::Other("list_keys: cursor not supported".to_owned())));
        }
        let keys = lock(&*self.contents(&bucket)?).keys().cloned().collect();
        Ok(Ok(store::KeyResponse { keys, cursor: None }))
    }

    fn drop(&mut self, bucket: Resource<OpenStore>) -> wasmtime::Result<()> {
        self.close(bucket)
    }
}

impl atomics::Host for KeyValueView<'_> {
    fn increment(&mut self, bucket: Resource<OpenStore>, key: String, delta: i64) -> WasiResult<i64> {
        Ok(increment(&*self.contents(&bucket)?, key, delta).map_err(|message| store::Error::Other(message.to_owned())))
    }

    fn swap(&mut self, swap: Resource<Swap>, value: Vec<u8>) -> wasmtime::Result<Result<(), atomics::CasError>> {
        let Swap { contents, key, seen } = self.table.delete(swap)?;
        match compare_and_swap(&contents, &key, seen.as_deref(), value) {
            Ok(()) => Ok(Ok(())),
            Err(seen) => {
                let again = self.table.push(Swap { contents, key, seen })?;
                Ok(Err(atomics::CasError::CasFailed(again)))
            }
        }
    }
}

impl atomics::HostCas for KeyValueView<'_> {
    fn new(&mut self, bucket: Resource<OpenStore>, key: String) -> WasiResult<Resource<Swap>> {
        let contents = self.contents(&bucket)?;
        let seen = lock(&contents).get(&key).cloned();
        Ok(Ok(self.table.push(Swap { contents, key, seen })?))
    }

    fn current(&mut self, swap: Resource<Swap>) -> WasiResult<Option<Vec<u8>>> {
        let swap = self.table.get_mut(&swap)?;
        swap.seen = lock(&swap.contents).get(&swap.key).cloned();
        Ok(Ok(swap.seen.clone()))
    }

    fn drop(&mut self, swap: Resource<Swap>) -> wasmtime::Result<()> {
        self.table.delete(swap)?;
        Ok(())
    }
}

fn increment(contents: &Contents, key: String, delta: i64) -> Result<i64, &'static str> {
    let mut contents = lock(contents);
    let value = match contents.get(&key) {
        Some(bytes) => i64::from_le_bytes(bytes.as_slice().try_into().map_err(|_| "the value is not a counter")?),
        None => 0,
    };
    let value = value.wrapping_add(delta);
    contents.insert(key, value.to_le_bytes().to_vec());
    Ok(value)
}

/// Writes `value` if the key still holds `seen`, and returns what it holds otherwise.
fn compare_and_swap(
    contents: &Contents,
    key: &str,
    seen: Option<&[u8]>,
    value: Vec<u8>,
) -> Result<(), Option<Vec<u8>>> {
    let mut contents = lock(contents);
    let now = contents.get(key);
    if now.map(Vec::as_slice) != seen {
        return Err(now.cloned());
    }
    contents.insert(key.to_owned(), value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Contents, KeyValue, compare_and_swap, increment};

    #[test]
    fn clones_share_their_stores_and_labels_separate_them() {
        let stores = KeyValue::with_labels(["default", "other"]);
        let clone = stores.clone();
        stores.set("default", "b", "1");
        stores.set("default", "a", "2");
        stores.set("unknown", "c", "3");
        assert_eq!(clone.get("default", "b").unwrap(), b"1");
        assert_eq!(clone.keys("default"), ["a", "b"]);
        assert!(clone.keys("other").is_empty() && clone.keys("unknown").is_empty());
        assert!(!stores.is_defined("unknown") && KeyValue::default().is_defined("default"));
        assert_eq!(format!("{stores:?}"), r#"{"default", "other"}"#);
    }

    #[test]
    fn counters_start_at_zero_and_refuse_what_is_none() {
        let contents = Contents::default();
        assert_eq!(increment(&contents, "n".to_owned(), 3), Ok(3));
        assert_eq!(increment(&contents, "n".to_owned(), -1), Ok(2));
        contents.lock().unwrap().insert("text".to_owned(), b"2".to_vec());
        assert!(increment(&contents, "text".to_owned(), 1).is_err());
        assert_eq!(contents.lock().unwrap()["text"], b"2");
    }

    #[test]
    fn a_swap_fails_when_the_value_has_changed() {
        let contents = Contents::default();
        assert_eq!(compare_and_swap(&contents, "k", None, b"1".to_vec()), Ok(()));
        assert_eq!(compare_and_swap(&contents, "k", None, b"2".to_vec()), Err(Some(b"1".to_vec())));
        assert_eq!(compare_and_swap(&contents, "k", Some(b"1"), b"2".to_vec()), Ok(()));
        assert_eq!(contents.lock().unwrap()["k"], b"2");
    }
}

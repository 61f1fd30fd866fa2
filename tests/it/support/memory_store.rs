//! A store in memory that can be made to fail, and whose contents can be inspected.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use idhook::store::{Store, StoreError};

/// The failure of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum StoreFault {
    #[default]
    None,
    /// The runtime grants no access.
    Absent,
    Fails,
    /// It is full or read-only: what writes fails, reads do not.
    RefusesWrites,
    /// Values cannot be set; counters can be incremented.
    RefusesValues,
    /// Calls never return.
    Hangs,
    /// Calls that set a value never return, and set nothing.
    HangsAtSet,
}

#[derive(Debug)]
enum Value {
    Set(Vec<u8>),
    Counter(u64),
}

/// The store, which scripts share like instances.
#[derive(Debug, Default)]
pub(crate) struct MemoryStore {
    values: RefCell<BTreeMap<String, Value>>,
    calls: Cell<usize>,
    fault: Cell<StoreFault>,
}

impl MemoryStore {
    pub(crate) fn new() -> Rc<Self> {
        Rc::default()
    }

    /// Removes everything.
    pub(crate) fn clear(&self) {
        self.values.borrow_mut().clear();
    }

    pub(crate) fn set_fault(&self, fault: StoreFault) {
        self.fault.set(fault);
    }

    /// The number of calls since the last query.
    pub(crate) fn calls(&self) -> usize {
        self.calls.take()
    }

    pub(crate) fn keys(&self) -> Vec<String> {
        self.values.borrow().keys().cloned().collect()
    }

    /// The keys of all counters.
    pub(crate) fn counters(&self) -> Vec<String> {
        let values = self.values.borrow();
        let counters = values.iter().filter(|(_, value)| matches!(value, Value::Counter(_)));
        counters.map(|(key, _)| key.clone()).collect()
    }

    /// Increments a counter, as another instance would.
    pub(crate) fn count(&self, key: &str, by: u64) {
        if let Some(Value::Counter(count)) = self.values.borrow_mut().get_mut(key) {
            *count += by;
        }
    }

    /// All values.
    pub(crate) fn dump(&self) -> Vec<(String, Vec<u8>)> {
        let values = self.values.borrow();
        let set = |(key, value): (&String, &Value)| match value {
            Value::Set(value) => Some((key.clone(), value.clone())),
            Value::Counter(_) => None,
        };
        values.iter().filter_map(set).collect()
    }

    /// Writes these bytes at a key, as a third party with access could.
    pub(crate) fn plant(&self, key: &str, value: Vec<u8>) {
        self.values.borrow_mut().insert(key.to_owned(), Value::Set(value));
    }

    async fn asked_to_write(&self) -> Result<(), StoreError> {
        self.asked().await?;
        match self.fault.get() {
            StoreFault::RefusesWrites => Err(StoreError::Failed("OOM command not allowed".to_owned())),
            _ => Ok(()),
        }
    }

    async fn asked(&self) -> Result<(), StoreError> {
        self.calls.set(self.calls.get() + 1);
        match self.fault.get() {
            StoreFault::None | StoreFault::RefusesWrites | StoreFault::RefusesValues | StoreFault::HangsAtSet => Ok(()),
            StoreFault::Absent => Err(StoreError::Absent),
            StoreFault::Fails => Err(StoreError::Failed("scripted".to_owned())),
            StoreFault::Hangs => std::future::pending().await,
        }
    }
}

impl Store for MemoryStore {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.asked().await?;
        match self.values.borrow().get(key) {
            Some(Value::Set(value)) => Ok(Some(value.clone())),
            Some(Value::Counter(_)) => panic!("{key} is a counter"),
            None => Ok(None),
        }
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.asked_to_write().await?;
        match self.fault.get() {
            StoreFault::HangsAtSet => std::future::pending::<()>().await,
            StoreFault::RefusesValues => return Err(StoreError::Failed("OOM command not allowed".to_owned())),
            _ => {}
        }
        let before = self.values.borrow_mut().insert(key.to_owned(), Value::Set(value.to_vec()));
        assert!(!matches!(before, Some(Value::Counter(_))), "{key} is a counter");
        Ok(())
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.asked_to_write().await?;
        self.values.borrow_mut().remove(key);
        Ok(())
    }

    async fn increment(&self, key: &str, by: u64) -> Result<u64, StoreError> {
        self.asked_to_write().await?;
        match self.values.borrow_mut().entry(key.to_owned()).or_insert(Value::Counter(0)) {
            Value::Counter(count) => {
                *count += by;
                Ok(*count)
            }
            Value::Set(_) => panic!("{key} was set; Spin's store would panic now"),
        }
    }
}

//! A store in memory that rejects calls which break Spin's default store (SQLite).

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The values of one store.
#[derive(Debug, Default)]
pub(crate) struct Memory(Mutex<BTreeMap<String, Value>>);

#[derive(Debug)]
enum Value {
    Set(Vec<u8>),
    /// Made only by `increment`.
    Counter(i64),
}

impl Value {
    /// The value as read: a counter has the format of Spin's default store, eight bytes, little-endian.
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Set(bytes) => bytes.clone(),
            Self::Counter(count) => count.to_le_bytes().to_vec(),
        }
    }
}

impl Memory {
    /// A panic under the lock can only come from running out of memory; the map itself stays sound.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Value>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, key: &str) -> Option<Vec<u8>> {
        self.lock().get(key).map(Value::bytes)
    }

    pub(crate) fn set(&self, key: String, value: Vec<u8>) {
        self.lock().insert(key, Value::Set(value));
    }

    pub(crate) fn delete(&self, key: &str) {
        self.lock().remove(key);
    }

    pub(crate) fn exists(&self, key: &str) -> bool {
        self.lock().contains_key(key)
    }

    pub(crate) fn keys(&self) -> Vec<String> {
        self.lock().keys().cloned().collect()
    }

    /// Rejects a key that was ever set. Spin's default store panics there unless the value happens to have eight bytes, and
    /// fails from then on; a component that works here never causes that.
    pub(crate) fn increment(&self, key: String, delta: i64) -> Result<i64, String> {
        match self.lock().entry(key).or_insert(Value::Counter(0)) {
            Value::Counter(count) => {
                *count = count.wrapping_add(delta);
                Ok(*count)
            }
            Value::Set(_) => {
                Err("the key was set, so it is not a counter: Spin's default store would panic".to_owned())
            }
        }
    }

    /// Writes `value` if the key still holds `seen`, and returns what it holds otherwise.
    pub(crate) fn compare_and_swap(
        &self,
        key: &str,
        seen: Option<&[u8]>,
        value: Vec<u8>,
    ) -> Result<(), Option<Vec<u8>>> {
        let mut values = self.lock();
        let now = values.get(key).map(Value::bytes);
        if now.as_deref() != seen {
            return Err(now);
        }
        values.insert(key.to_owned(), Value::Set(value));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Memory;

    #[test]
    fn counters_start_at_zero_and_reject_set_keys() {
        let memory = Memory::default();
        assert_eq!(memory.increment("n".to_owned(), 3), Ok(3));
        assert_eq!(memory.increment("n".to_owned(), -1), Ok(2));
        assert_eq!(memory.get("n").unwrap(), 2_i64.to_le_bytes());
        for value in [b"2".to_vec(), 2_i64.to_le_bytes().to_vec()] {
            memory.set("n".to_owned(), value.clone());
            assert!(memory.increment("n".to_owned(), 1).is_err());
            assert_eq!(memory.get("n").unwrap(), value);
        }
        memory.delete("n");
        assert!(!memory.exists("n"));
        assert_eq!(memory.increment("n".to_owned(), 1), Ok(1));
    }

    #[test]
    fn swap_fails_if_the_value_has_changed() {
        let memory = Memory::default();
        assert_eq!(memory.compare_and_swap("k", None, b"1".to_vec()), Ok(()));
        assert_eq!(memory.compare_and_swap("k", None, b"2".to_vec()), Err(Some(b"1".to_vec())));
        assert_eq!(memory.compare_and_swap("k", Some(b"1"), b"2".to_vec()), Ok(()));
        assert_eq!(memory.get("k").unwrap(), b"2");
    }
}

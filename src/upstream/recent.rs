//! A value that is used for a while and then read again.

use std::cell::RefCell;
use std::time::{Duration, SystemTime};

/// A value with the time of its reading.
#[derive(Debug)]
pub(crate) struct Recent<T>(RefCell<Option<(T, SystemTime)>>);

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self(RefCell::new(None))
    }
}

impl<T: Clone> Recent<T> {
    /// The value, unless it was read `max_age` ago or earlier. A clock that was set back makes it old as well.
    pub(crate) fn get(&self, now: SystemTime, max_age: Duration) -> Option<T> {
        let known = self.0.borrow();
        let (value, read) = known.as_ref()?;
        now.duration_since(*read).is_ok_and(|age| age < max_age).then(|| value.clone())
    }

    /// Keeps `value`, which was read at `now`.
    pub(crate) fn set(&self, value: T, now: SystemTime) {
        *self.0.borrow_mut() = Some((value, now));
    }

    /// Forgets the value.
    pub(crate) fn clear(&self) {
        self.0.borrow_mut().take();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_is_recent_until_its_age_or_a_clock_set_back() {
        let (start, second) = (SystemTime::UNIX_EPOCH + Duration::from_secs(100), Duration::from_secs(1));
        let value = Recent::default();
        assert_eq!(value.get(start, second), None);
        value.set(7, start);
        assert_eq!(value.get(start, second), Some(7));
        assert_eq!(value.get(start + second, second), None);
        assert_eq!(value.get(start - second, second), None);
        value.clear();
        assert_eq!(value.get(start, second), None);
    }
}

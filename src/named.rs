//! Values by name, kept in memory: targets, directories, callers. There are few of them, so a sorted list does, at a tenth of
//! the code that a `BTreeMap` has for each type of value.

/// Values by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named<T>(Vec<(String, T)>);

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Named<T> {
    /// Where the value is, or is to be.
    fn place(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| known.as_str().cmp(name))
    }

    /// The value of `name`.
    pub(crate) fn get(&self, name: &str) -> Option<&T> {
        self.0.get(self.place(name).ok()?).map(|(_, value)| value)
    }

    /// Gives `name` this value.
    pub(crate) fn insert(&mut self, name: &str, value: T) {
        self.remove(name);
        if let Err(at) = self.place(name) {
            self.0.insert(at, (name.to_owned(), value));
        }
    }

    /// Takes the value of `name` out.
    pub(crate) fn remove(&mut self, name: &str) -> Option<T> {
        self.place(name).ok().map(|at| self.0.remove(at).1)
    }
}

impl<T: Default> Named<T> {
    /// Changes the value of `name`, the default one where there is none yet.
    pub(crate) fn with<O>(&mut self, name: &str, change: impl FnOnce(&mut T) -> O) -> O {
        let mut value = self.remove(name).unwrap_or_default();
        let outcome = change(&mut value);
        self.insert(name, value);
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_holds() {
        let mut all = Named::<u64>::default();
        ["b", "a", "b"].into_iter().for_each(|name| all.insert(name, 0));
        all.insert("c", 1);
        all.insert("b", 2);
        assert_eq!(all.with("a", |value| std::mem::replace(value, 3)), 0);
        all.with("d", |value| *value += 4);
        assert_eq!(
            ["a", "b", "c", "d", "e"].map(|name| all.get(name).copied()),
            [Some(3), Some(2), Some(1), Some(4), None]
        );
        assert_eq!((all.remove("b"), all.remove("b"), all.get("b")), (Some(2), None, None));
    }
}

//! What an instance remembers of a target between requests. All of it can be lost at any time.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use super::directories::Directory;
use super::directory_ref::DirectoryRef;
use crate::session::Session;

/// How long a list of directories is good for turning names into ids.
const LIST_LIFE: Duration = Duration::from_secs(600);

/// The two calls that start a sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StartCall {
    Classic,
    V2,
}

/// A target's token and what is known of its directories. One for each target; lives as long as the instance.
#[derive(Debug, Default)]
pub struct Memory {
    pub(crate) session: Session,
    list: RefCell<Option<List>>,
    /// By directory id, what started a sync last time.
    worked: RefCell<BTreeMap<String, StartCall>>,
}

#[derive(Debug)]
struct List {
    directories: Vec<Directory>,
    /// Domains that led to a directory: domain → id.
    domains: BTreeMap<String, String>,
    until: SystemTime,
}

impl Memory {
    /// Keeps a list that was just read.
    pub(crate) fn keep(&self, directories: &[Directory], now: SystemTime) {
        let list = List { directories: directories.to_vec(), domains: BTreeMap::new(), until: now + LIST_LIFE };
        *self.list.borrow_mut() = Some(list);
    }

    /// Keeps which directory a domain led to, for as long as the list.
    pub(crate) fn keep_domain(&self, domain: &str, id: &str) {
        if let Some(list) = self.list.borrow_mut().as_mut() {
            list.domains.insert(domain.to_owned(), id.to_owned());
        }
    }

    /// The directory meant, when the list kept is fresh and has exactly one that fits and can be synced. Anything less is
    /// no ground for an answer: the list has to be read again then.
    pub(crate) fn directory(&self, which: &DirectoryRef, now: SystemTime) -> Option<Directory> {
        let list = self.list.borrow();
        let list = list.as_ref().filter(|list| list.until > now)?;
        let found = which.find(&list.directories).ok()?.or_else(|| {
            let id = list.domains.get(which.as_str())?;
            list.directories.iter().find(|directory| directory.id == *id)
        });
        found.filter(|directory| directory.syncable()).cloned()
    }

    /// Forgets the list: it proved wrong.
    pub(crate) fn forget_list(&self) {
        *self.list.borrow_mut() = None;
    }

    pub(crate) fn worked(&self, id: &str) -> Option<StartCall> {
        self.worked.borrow().get(id).copied()
    }

    pub(crate) fn keep_worked(&self, id: &str, call: StartCall) {
        self.worked.borrow_mut().insert(id.to_owned(), call);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_a_fresh_certain_positive_is_remembered() {
        let items = [
            json!({"directoryId": "a", "name": "corp"}),
            json!({"directoryId": "b", "name": "twin"}),
            json!({"directoryId": "c", "name": "twin"}),
            json!({"directoryId": "d", "name": "local", "type": "LOCAL_DIRECTORY"}),
        ];
        let list: Vec<_> =
            items.into_iter().map(|item| Directory::read(item.as_object().unwrap().clone()).unwrap()).collect();
        let (memory, now) = (Memory::default(), SystemTime::UNIX_EPOCH);
        memory.keep(&list, now);
        memory.keep_domain("corp.example", "a");
        let known = |text: &str, later: u64| {
            memory.directory(&DirectoryRef::parse(text), now + Duration::from_secs(later)).map(|directory| directory.id)
        };
        assert_eq!(known("corp", 599).as_deref(), Some("a"));
        assert_eq!(known("corp.example", 0).as_deref(), Some("a"));
        for (text, later) in [("corp", 600), ("twin", 0), ("local", 0), ("none", 0)] {
            assert_eq!(known(text, later), None, "{text}");
        }
        memory.forget_list();
        assert_eq!(known("corp", 0), None);
    }
}

//! An instance's cache of a target's list of directories; with a store, the list is also shared with other instances. It may
//! be lost at any time.

use std::cell::{Cell, RefCell};
use std::time::{Duration, SystemTime};

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::{DirectoryRef, Listed};
use crate::runtime::Runtime;
use crate::shared_state::SharedStore;

/// How long a list of directories may be used to turn names into ids.
const LIFE: Duration = Duration::from_secs(600);

/// The same for a list that lacks some.
const LIFE_OF_PART: Duration = Duration::from_secs(60);

/// Longer lists are not stored.
const MAX_SHARED: usize = 256 << 10;

/// The list of one target. `name` is its name in the store, if there is one.
#[derive(Debug)]
pub(crate) struct CachedList<D> {
    list: RefCell<Option<List<D>>>,
    /// The list in the store, as far as this instance knows: its digest, and its expiry.
    shared: Cell<Option<([u8; 32], SystemTime)>>,
}

#[derive(Debug)]
struct List<D> {
    directories: Vec<D>,
    /// Domains that identified a directory: domain → id.
    domains: Map<String, Value>,
    until: SystemTime,
    /// Whether it may lack some: others could not be read. Such a list is not shared.
    is_part: bool,
}

impl<D> Default for CachedList<D> {
    fn default() -> Self {
        Self { list: RefCell::default(), shared: Cell::default() }
    }
}

impl<D: Listed> CachedList<D> {
    /// Caches a list that was just read.
    pub(crate) fn keep(&self, directories: &[D], now: SystemTime) {
        self.set(directories, now + LIFE, false);
    }

    /// Caches those of a list that could be read, for a minute.
    pub(crate) fn keep_part(&self, directories: &[D], now: SystemTime) {
        self.set(directories, now + LIFE_OF_PART, true);
    }

    fn set(&self, directories: &[D], until: SystemTime, is_part: bool) {
        *self.list.borrow_mut() = Some(List { directories: directories.to_vec(), domains: Map::new(), until, is_part });
    }

    /// Caches which directory a domain identified, as long as the list.
    pub(crate) fn keep_domain(&self, domain: &str, id: &str) {
        if let Some(list) = self.list.borrow_mut().as_mut() {
            list.domains.insert(domain.to_owned(), id.into());
        }
    }

    /// The directory for `which`, if the cached list is fresh and has exactly one match that can be synced. Otherwise the
    /// list must be read again.
    pub(crate) fn directory(&self, which: &DirectoryRef, now: SystemTime) -> Option<D> {
        let list = self.list.borrow();
        let list = list.as_ref().filter(|list| list.until > now)?;
        let found = which.find(&list.directories).ok()?.or_else(|| {
            let id = list.domains.get(which.as_str())?;
            list.directories.iter().find(|directory| directory.id() == *id)
        });
        found.filter(|directory| directory.why_not_syncable().is_none()).cloned()
    }

    /// The directory with this id, whether or not it can be synced.
    pub(crate) fn with_id(&self, id: &str, now: SystemTime) -> Option<D> {
        let list = self.list.borrow();
        let list = list.as_ref().filter(|list| list.until > now)?;
        list.directories.iter().find(|directory| directory.id().eq_ignore_ascii_case(id)).cloned()
    }

    /// The whole list, while it is fresh.
    pub(crate) fn directories(&self, now: SystemTime) -> Option<Vec<D>> {
        let list = self.list.borrow();
        list.as_ref().filter(|list| list.until > now && !list.is_part).map(|list| list.directories.clone())
    }

    /// Drops the list, also from the store: it proved wrong.
    pub(crate) async fn forget<R: Runtime>(&self, store: &SharedStore<'_, R>, name: Option<String>) {
        *self.list.borrow_mut() = None;
        self.shared.set(None);
        if let Some(name) = name {
            store.delete(&name).await;
        }
    }

    /// Stores the list for other instances, unless the store has it and it will stay valid for a while.
    pub(crate) async fn share<R: Runtime>(&self, store: &SharedStore<'_, R>, name: Option<String>) {
        let Some(name) = name else { return };
        let whole = |list: &List<D>| (!list.is_part).then(|| (list.written(), list.until));
        let written = self.list.borrow().as_ref().and_then(whole);
        let Some((value, until)) = written else { return };
        let (now, digest) = (store.runtime().now(), Sha256::digest(&value).into());
        let is_there = self.shared.get().is_some_and(|(there, until)| there == digest && until > now + LIFE / 2);
        if let Ok(life) = until.duration_since(now)
            && value.len() <= MAX_SHARED
            && !is_there
        {
            self.shared.set(store.set(&name, &value, life).await.then_some((digest, until)));
        }
    }

    /// Reads the list from the store if there is no fresh one here.
    pub(crate) async fn recall<R: Runtime>(&self, store: &SharedStore<'_, R>, name: Option<String>) {
        let now = store.runtime().now();
        if self.list.borrow().as_ref().is_some_and(|list| list.until > now) {
            return;
        }
        let Some(name) = name else { return };
        let Some(kept) = store.get(&name).await else { return };
        if let Some(list) = List::read(&kept.value, kept.until) {
            self.shared.set(Some((Sha256::digest(&kept.value).into(), kept.until)));
            *self.list.borrow_mut() = Some(list);
        }
    }
}

impl<D: Listed> List<D> {
    /// `{"items": […], "domains": {domain: id}}`, the items in the vendor's own form.
    fn written(&self) -> Vec<u8> {
        let items = self.directories.iter().map(D::written).map(Value::Object).collect();
        serde_json::json!({ "items": Value::Array(items), "domains": self.domains }).to_string().into_bytes()
    }

    fn read(written: &[u8], until: SystemTime) -> Option<Self> {
        let Value::Object(mut all) = serde_json::from_slice(written).ok()? else { return None };
        let (Value::Array(items), Value::Object(domains)) = (all.remove("items")?, all.remove("domains")?) else {
            return None;
        };
        let item = |item| if let Value::Object(item) = item { D::read(item) } else { None };
        Some(Self { directories: items.into_iter().filter_map(item).collect(), domains, until, is_part: false })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vidm::Directory;
    use serde_json::json;

    #[test]
    fn only_fresh_unambiguous_syncable_directories_are_found() {
        let items = [
            json!({"directoryId": "a", "name": "corp"}),
            json!({"directoryId": "b", "name": "twin"}),
            json!({"directoryId": "c", "name": "twin"}),
            json!({"directoryId": "d", "name": "local", "type": "LOCAL_DIRECTORY"}),
        ];
        let list: Vec<_> =
            items.into_iter().map(|item| Directory::read(item.as_object().unwrap().clone()).unwrap()).collect();
        let (cache, now) = (CachedList::default(), SystemTime::UNIX_EPOCH);
        cache.keep(&list, now);
        cache.keep_domain("corp.example", "a");
        let known = |text: &str, later: u64| {
            cache.directory(&DirectoryRef::parse(text), now + Duration::from_secs(later)).map(|directory| directory.id)
        };
        assert_eq!(known("corp", 599).as_deref(), Some("a"));
        assert_eq!(known("corp.example", 0).as_deref(), Some("a"));
        for (text, later) in [("corp", 600), ("twin", 0), ("local", 0), ("none", 0)] {
            assert_eq!(known(text, later), None, "{text}");
        }
        assert!(cache.with_id("D", now).is_some() && cache.directories(now).is_some());
        cache.keep_part(&list, now);
        let late = now + Duration::from_secs(60);
        assert!(cache.with_id("d", now).is_some() && cache.with_id("d", late).is_none());
        assert!(cache.directories(now).is_none(), "a part is not the list");
    }

    #[test]
    fn list_round_trips_through_the_store() {
        let fixture: Value = serde_json::from_str(include_str!("../../tests/fixtures/vidm/directories.json")).unwrap();
        let items = fixture["items"].as_array().unwrap();
        let directories: Vec<_> =
            items.iter().map(|item| Directory::read(item.as_object().unwrap().clone()).unwrap()).collect();
        assert!(directories.len() > 2);
        let domains = Map::from_iter([("corp.example".to_owned(), directories[0].id.as_str().into())]);
        let list = List { directories, domains, until: SystemTime::UNIX_EPOCH, is_part: false };
        let read = List::<Directory>::read(&list.written(), SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!((read.directories, read.domains), (list.directories, list.domains));
        for other in ["", "[]", "{}", r#"{"items":{},"domains":{}}"#] {
            assert!(List::<Directory>::read(other.as_bytes(), SystemTime::UNIX_EPOCH).is_none(), "{other}");
        }
    }
}

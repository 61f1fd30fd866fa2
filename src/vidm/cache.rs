//! An instance's cache of a target between requests; with a store, the list of directories is also shared with other
//! instances. All of it may be lost at any time.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use litemap::LiteMap;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::Target;
use super::directories::Directory;
use crate::directory::DirectoryRef;
use crate::runtime::Runtime;
use crate::shared_state::SharedStore;
use crate::upstream::TokenCache;

/// How long a list of directories may be used to turn names into ids.
const LIST_LIFE: Duration = Duration::from_secs(600);

/// Longer lists are not stored.
const MAX_SHARED: usize = 256 << 10;

/// The two calls that start a sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StartCall {
    Classic,
    V2,
}

/// A target's token and what is known about its directories. One per target; lives as long as the instance.
#[derive(Debug, Default)]
pub struct Cache {
    pub(crate) session: Rc<TokenCache>,
    list: RefCell<Option<List>>,
    /// The list in the store, as far as this instance knows: its digest, and its expiry.
    shared: Cell<Option<([u8; 32], SystemTime)>>,
    /// By directory id, the call that last started a sync.
    worked: RefCell<LiteMap<String, StartCall>>,
    /// By directory id, its connectors and their expiry.
    connectors: RefCell<LiteMap<String, (Vec<String>, SystemTime)>>,
    /// Whether this vIDM's filters accept only one group each.
    one_group_each: Cell<bool>,
    /// Whether this vIDM lacks the search with a body.
    no_search: Cell<bool>,
}

#[derive(Debug)]
struct List {
    directories: Vec<Directory>,
    /// Domains that identified a directory: domain → id.
    domains: Map<String, Value>,
    until: SystemTime,
}

impl Cache {
    /// A cache with this token cache, which targets of the same account share.
    pub(crate) fn with_session(session: Rc<TokenCache>) -> Self {
        Self { session, ..Self::default() }
    }

    /// Caches a list that was just read.
    pub(crate) fn keep(&self, directories: &[Directory], now: SystemTime) {
        let list = List { directories: directories.to_vec(), domains: Map::new(), until: now + LIST_LIFE };
        *self.list.borrow_mut() = Some(list);
    }

    /// Caches which directory a domain identified, as long as the list.
    pub(crate) fn keep_domain(&self, domain: &str, id: &str) {
        if let Some(list) = self.list.borrow_mut().as_mut() {
            list.domains.insert(domain.to_owned(), id.into());
        }
    }

    /// The directory for `which`, if the cached list is fresh and has exactly one match that can be synced. Otherwise the
    /// list must be read again.
    pub(crate) fn directory(&self, which: &DirectoryRef, now: SystemTime) -> Option<Directory> {
        let list = self.list.borrow();
        let list = list.as_ref().filter(|list| list.until > now)?;
        let found = which.find(&list.directories).ok()?.or_else(|| {
            let id = list.domains.get(which.as_str())?;
            list.directories.iter().find(|directory| directory.id == *id)
        });
        found.filter(|directory| directory.syncable()).cloned()
    }

    /// The list, while it is fresh.
    pub(crate) fn directories(&self, now: SystemTime) -> Option<Vec<Directory>> {
        self.list.borrow().as_ref().filter(|list| list.until > now).map(|list| list.directories.clone())
    }

    /// Drops the list, also from the store: it proved wrong.
    pub(crate) async fn forget_list<R: Runtime>(&self, store: &SharedStore<'_, R>, target: &Target) {
        *self.list.borrow_mut() = None;
        self.shared.set(None);
        if let Some(name) = list_name(store, target) {
            store.delete(&name).await;
        }
    }

    /// Stores the list for other instances, unless the store has it and it will stay valid for a while.
    pub(crate) async fn share_list<R: Runtime>(&self, store: &SharedStore<'_, R>, target: &Target) {
        let Some(name) = list_name(store, target) else { return };
        let written = self.list.borrow().as_ref().map(|list| (list.written(), list.until));
        let Some((value, until)) = written else { return };
        let (now, digest) = (store.runtime().now(), Sha256::digest(&value).into());
        let is_there = self.shared.get().is_some_and(|(there, until)| there == digest && until > now + LIST_LIFE / 2);
        if let Ok(life) = until.duration_since(now)
            && value.len() <= MAX_SHARED
            && !is_there
        {
            self.shared.set(store.set(&name, &value, life).await.then_some((digest, until)));
        }
    }

    /// Reads the list from the store if there is no fresh one here.
    pub(crate) async fn recall_list<R: Runtime>(&self, store: &SharedStore<'_, R>, target: &Target) {
        let now = store.runtime().now();
        if self.list.borrow().as_ref().is_some_and(|list| list.until > now) {
            return;
        }
        let Some(name) = list_name(store, target) else { return };
        let Some(kept) = store.get(&name).await else { return };
        if let Some(list) = List::read(&kept.value, kept.until) {
            self.shared.set(Some((Sha256::digest(&kept.value).into(), kept.until)));
            *self.list.borrow_mut() = Some(list);
        }
    }

    /// The connectors of a directory, if known.
    pub(crate) fn connectors(&self, id: &str, now: SystemTime) -> Option<Vec<String>> {
        let connectors = self.connectors.borrow();
        connectors.get(id).filter(|(_, until)| *until > now).map(|(connectors, _)| connectors.clone())
    }

    pub(crate) fn keep_connectors(&self, id: &str, connectors: &[String], now: SystemTime) {
        self.connectors.borrow_mut().insert(id.to_owned(), (connectors.to_vec(), now + LIST_LIFE));
    }

    pub(crate) fn one_group_each(&self) -> bool {
        self.one_group_each.get()
    }

    pub(crate) fn keep_one_group_each(&self) {
        self.one_group_each.set(true);
    }

    pub(crate) fn no_search(&self) -> bool {
        self.no_search.get()
    }

    pub(crate) fn keep_no_search(&self) {
        self.no_search.set(true);
    }

    pub(crate) fn worked(&self, id: &str) -> Option<StartCall> {
        self.worked.borrow().get(id).copied()
    }

    pub(crate) fn keep_worked(&self, id: &str, call: StartCall) {
        self.worked.borrow_mut().insert(id.to_owned(), call);
    }
}

fn list_name<R: Runtime>(store: &SharedStore<'_, R>, target: &Target) -> Option<String> {
    let identity = target.identity();
    let parts: Vec<&str> = identity.iter().map(String::as_str).collect();
    store.name("directories", &target.name, &parts)
}

/// A directory in vIDM's own form, which [`Directory::read`] reads.
fn written(directory: &Directory) -> Map<String, Value> {
    let mut item = directory.extra.clone();
    let fields = [
        ("directoryId", Some(Value::from(directory.id.as_str()))),
        ("name", directory.name.as_deref().map(Value::from)),
        ("type", directory.kind.as_ref().map(|kind| Value::from(kind.as_str()))),
        ("userstoreId", directory.userstore_id.as_deref().map(Value::from)),
        ("countDomains", directory.count_domains.map(Value::from)),
        ("deleteInProgress", directory.delete_in_progress.map(Value::from)),
        ("migratedToEnterpriseService", directory.migrated_to_enterprise_service.map(Value::from)),
        ("syncConfigurationEnabled", directory.sync_configuration_enabled.map(Value::from)),
    ];
    item.extend(fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    item
}

impl List {
    /// `{"items": […], "domains": {domain: id}}`, the items in vIDM's own form.
    fn written(&self) -> Vec<u8> {
        let items = self.directories.iter().map(written).map(Value::Object).collect();
        serde_json::json!({ "items": Value::Array(items), "domains": self.domains }).to_string().into_bytes()
    }

    fn read(written: &[u8], until: SystemTime) -> Option<Self> {
        let Value::Object(mut all) = serde_json::from_slice(written).ok()? else { return None };
        let (Value::Array(items), Value::Object(domains)) = (all.remove("items")?, all.remove("domains")?) else {
            return None;
        };
        let item = |item| if let Value::Object(item) = item { Directory::read(item) } else { None };
        Some(Self { directories: items.into_iter().filter_map(item).collect(), domains, until })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
        let (cache, now) = (Cache::default(), SystemTime::UNIX_EPOCH);
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
    }

    #[test]
    fn list_round_trips_through_the_store() {
        let fixture: Value = serde_json::from_str(include_str!("../../tests/fixtures/vidm/directories.json")).unwrap();
        let items = fixture["items"].as_array().unwrap();
        let directories: Vec<_> =
            items.iter().map(|item| Directory::read(item.as_object().unwrap().clone()).unwrap()).collect();
        assert!(directories.len() > 2);
        let domains = Map::from_iter([("corp.example".to_owned(), directories[0].id.as_str().into())]);
        let list = List { directories, domains, until: SystemTime::UNIX_EPOCH };
        let read = List::read(&list.written(), SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!((read.directories, read.domains), (list.directories, list.domains));
        for other in ["", "[]", "{}", r#"{"items":{},"domains":{}}"#] {
            assert!(List::read(other.as_bytes(), SystemTime::UNIX_EPOCH).is_none(), "{other}");
        }
    }
}

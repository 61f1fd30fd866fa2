//! An instance's cache of a target between requests. All of it may be lost at any time.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use litemap::LiteMap;

use super::directories::Directory;
use crate::directory::CachedList;
use crate::upstream::TokenCache;

/// How long the list of a directory's connectors is used.
const CONNECTORS_LIFE: Duration = Duration::from_secs(600);

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
    pub(crate) list: CachedList<Directory>,
    /// By directory id, the call that last started a sync.
    worked: RefCell<LiteMap<String, StartCall>>,
    /// By directory id, its connectors and their expiry.
    connectors: RefCell<LiteMap<String, (Vec<String>, SystemTime)>>,
    /// Whether this vIDM's filters accept only one group each.
    pub(super) one_group_each: Cell<bool>,
    /// Whether this vIDM is known to evaluate all parts of a filter with `or`.
    pub(super) evaluates_or: Cell<bool>,
    /// Whether this vIDM lacks the search with a body.
    pub(super) no_search: Cell<bool>,
}

impl Cache {
    /// A cache with this token cache, which targets of the same account share.
    pub(crate) fn with_session(session: Rc<TokenCache>) -> Self {
        Self { session, ..Self::default() }
    }

    /// The connectors of a directory, if known.
    pub(crate) fn connectors(&self, id: &str, now: SystemTime) -> Option<Vec<String>> {
        let connectors = self.connectors.borrow();
        connectors.get(id).filter(|(_, until)| *until > now).map(|(connectors, _)| connectors.clone())
    }

    pub(crate) fn keep_connectors(&self, id: &str, connectors: &[String], now: SystemTime) {
        self.connectors.borrow_mut().insert(id.to_owned(), (connectors.to_vec(), now + CONNECTORS_LIFE));
    }

    pub(crate) fn worked(&self, id: &str) -> Option<StartCall> {
        self.worked.borrow().get(id).copied()
    }

    pub(crate) fn keep_worked(&self, id: &str, call: StartCall) {
        self.worked.borrow_mut().insert(id.to_owned(), call);
    }
}

//! Connector conflicts: the vendor advises against syncing directories of one connector at the same time (VMware Identity
//! Manager 19.03, best practices for directory integration).
//!
//! A target's list `connectors:{target}` has the directories that were or are about to be kicked off. The holder of the
//! lease for a kick-off checks the others on the list: it waits for a directory that is claimed or running and shares a
//! connector. Each holder claims before it reads the list, so of two concurrent ones at least one sees the other; if both
//! do, the smaller id goes first. Syncs started elsewhere, by the schedule or the console, are not checked: that would take
//! one call per directory.
//!
//! An instance caches the list for ten seconds once its own directory is on it. So a directory that was never synced through
//! idhook may, within those seconds, be kicked off together with one of the same connector.

use std::time::Duration;

use super::Coordinator;
use super::directory_service::DirectoryService;
use crate::poll_lock::PAUSE;
use crate::runtime::Runtime;
use crate::shared_state::{Backend, Claim, Counters, HOLD, Lease, StoreUnavailable};

/// The longest wait for another directory that is claimed but not kicked off yet.
const MAX_WAIT: Duration = Duration::from_secs(2);

/// The longest time for a change of the list.
const LIFE: Duration = Duration::from_secs(5);

/// The most attempts to change the list.
const TRIES: usize = 64;

impl<R: Runtime, D: DirectoryService> Coordinator<'_, R, D> {
    /// Whether the holder of the lease may kick `directory` off beside the active runs, by observations no older than
    /// `max_age`.
    pub(super) async fn has_way(
        &self,
        backend: Backend<'_, R>,
        directory: &str,
        max_age: Duration,
    ) -> Result<bool, StoreUnavailable> {
        if !self.service.has_connectors() {
            return Ok(true);
        }
        for other in self.listed(backend, directory).await? {
            if other != directory && !self.gives_way(backend, directory, &other, max_age).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Removes `directory` from the list while the caller still holds its lease: nothing was started. Otherwise any caller
    /// could make the list long.
    pub(super) async fn unlist(&self, backend: Backend<'_, R>, directory: &str) -> Result<(), StoreUnavailable> {
        if !self.service.has_connectors() {
            return Ok(());
        }
        let take_off = |list: &mut Vec<String>| {
            let before = list.len();
            list.retain(|listed| listed != directory);
            list.len() < before
        };
        self.cache.listed.take();
        self.edit(backend, take_off).await.map(|_| ())
    }

    /// The directories on the list, including `directory`.
    async fn listed(&self, backend: Backend<'_, R>, directory: &str) -> Result<Vec<String>, StoreUnavailable> {
        let now = self.runtime().elapsed();
        let has = |list: &[String]| list.iter().any(|listed| listed == directory);
        if let Some((id, at, list)) = &*self.cache.listed.borrow()
            && *id == backend.id()
            && now.saturating_sub(*at) < HOLD
            && has(list)
        {
            return Ok(list.clone());
        }
        let put_on = |list: &mut Vec<String>| {
            let at = list.partition_point(|listed| listed.as_str() < directory);
            let is_new = list.get(at).is_none_or(|listed| listed != directory);
            if is_new {
                list.insert(at, directory.to_owned());
            }
            is_new
        };
        let list = self.edit(backend, put_on).await?;
        if has(&list) {
            *self.cache.listed.borrow_mut() = Some((backend.id(), now, list.clone()));
        }
        Ok(list)
    }

    /// Changes the list, and returns the result. `change` returns whether it changed anything.
    async fn edit(
        &self,
        backend: Backend<'_, R>,
        change: impl Fn(&mut Vec<String>) -> bool,
    ) -> Result<Vec<String>, StoreUnavailable> {
        let lease = Lease::new(backend, format!("connectors:{}", self.target.short()), Counters::Removed);
        let (runtime, mut slot) = (self.runtime(), lease.read().await?);
        let mut list = Vec::new();
        for _ in 0..TRIES {
            list = crate::json::parse(&slot.payload).unwrap_or_default();
            if !change(&mut list) {
                break;
            }
            match lease.claim(runtime, &slot, LIFE, LIFE).await? {
                Claim::Won(held) => {
                    let written = serde_json::to_vec(&list).unwrap_or_default();
                    lease.release(runtime, held, written).await?;
                    break;
                }
                Claim::Done(newer) => slot = newer,
                Claim::Busy { .. } => {
                    runtime.sleep(PAUSE).await;
                    slot = lease.read().await?;
                }
            }
        }
        Ok(list)
    }

    /// Whether `other` does not block `directory`.
    async fn gives_way(
        &self,
        backend: Backend<'_, R>,
        directory: &str,
        other: &str,
        max_age: Duration,
    ) -> Result<bool, StoreUnavailable> {
        let ledger = self.ledger_of_other(backend, other);
        let came = self.runtime().elapsed();
        let mut seen_idle = None;
        loop {
            let (claimed, entry) = ledger.stands().await?;
            let runs = entry.may_run(self.now()) && seen_idle != entry.head;
            if !claimed && !runs || !self.share_a_connector(directory, other).await {
                return Ok(true);
            }
            if runs {
                let mut look = self.look(&ledger, other, max_age).await?;
                if look.as_ref().is_ok_and(|look| look.entry.head != entry.head) {
                    // It is from before the latest kick-off, whose run it cannot show.
                    look = self.look(&ledger, other, Duration::ZERO).await?;
                }
                // A directory that cannot be observed is not known to be running.
                if let Ok(look) = look
                    && self.note(&ledger, &look).await?
                {
                    return Ok(false);
                }
                if !claimed {
                    return Ok(true);
                }
                // The next run is about to begin.
                seen_idle = entry.head;
            }
            // It checks for us as we check for it.
            if directory > other || self.runtime().elapsed().saturating_sub(came) > MAX_WAIT {
                return Ok(false);
            }
            self.runtime().sleep(PAUSE).await;
        }
    }

    /// Whether two directories are known to share a connector.
    async fn share_a_connector(&self, one: &str, other: &str) -> bool {
        let (Ok(ours), Ok(theirs)) = (self.service.connectors(one).await, self.service.connectors(other).await) else {
            return false;
        };
        ours.iter().any(|connector| theirs.contains(connector))
    }
}

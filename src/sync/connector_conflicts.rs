//! Connector conflicts: directories of one connector, which the vendor advises against syncing at once (VMware Identity Manager 19.03,
//! best practices for directory integration).
//!
//! A target's list `connectors:{target}` has the directories that were ever kicked off, or are about to be. Whoever has the claim to
//! a kick-off goes through the others on the list: one that is claimed or runs, and shares a connector, is waited for. Each drew its
//! claim before it read the list, so of two at once at least one sees the other; where both do, the one whose id comes first goes.
//! Syncs that others start, the schedule or the console, are not looked for: it would take a call for each directory.
//!
//! An instance remembers the list for ten seconds, once its own directory is on it. So a directory that was never synced through
//! idhook before may, within those seconds, be kicked off beside one of the same connector.

use std::time::Duration;

use super::Coordinator;
use super::directory_service::DirectoryService;
use crate::poll_lock::PAUSE;
use crate::runtime::Runtime;
use crate::shared_state::{Backend, Claim, Counters, HOLD, Lease, StoreUnavailable};

/// How long to wait for another directory that is claimed and not kicked off yet.
const MAX_WAIT: Duration = Duration::from_secs(2);

/// How long a change of the list may take.
const LIFE: Duration = Duration::from_secs(5);

/// How often a change of the list is tried.
const TRIES: usize = 64;

impl<R: Runtime, D: DirectoryService> Coordinator<'_, R, D> {
    /// Whether `directory`, to whose kick-off the caller has the claim, may be kicked off beside what is going on, by observations no
    /// older than `max_age`.
    pub(super) async fn has_way(
        &self,
        backend: Backend<'_, R>,
        directory: &str,
        max_age: Duration,
    ) -> Result<bool, StoreUnavailable> {
        for other in self.listed(backend, directory).await? {
            if other != directory && !self.gives_way(backend, directory, &other, max_age).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Takes `directory` off the list, to whose kick-off the caller still has the claim: nothing of it ever ran, and whoever
    /// may start anything could make the list long.
    pub(super) async fn unlist(&self, backend: Backend<'_, R>, directory: &str) -> Result<(), StoreUnavailable> {
        let take_off = |list: &mut Vec<String>| {
            let before = list.len();
            list.retain(|listed| listed != directory);
            list.len() < before
        };
        self.cache.listed.take();
        self.edit(backend, take_off).await.map(|_| ())
    }

    /// The directories on the list, `directory` among them.
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

    /// Changes the list, and gives what it is now. `change` says whether it changed anything.
    async fn edit(
        &self,
        backend: Backend<'_, R>,
        change: impl Fn(&mut Vec<String>) -> bool,
    ) -> Result<Vec<String>, StoreUnavailable> {
        let lease = Lease::new(backend, format!("connectors:{}", self.target), Counters::Removed);
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

    /// Whether `other` is not in the way of `directory`.
    async fn gives_way(
        &self,
        backend: Backend<'_, R>,
        directory: &str,
        other: &str,
        max_age: Duration,
    ) -> Result<bool, StoreUnavailable> {
        let ledger = self.ledger(backend, other);
        let came = self.runtime().elapsed();
        loop {
            let (claimed, runs) = ledger.stands(self.now()).await?;
            if !claimed && !runs || !self.share_a_connector(directory, other).await {
                return Ok(true);
            }
            if runs {
                // What cannot be seen is not known to run.
                let Ok(look) = self.look(&ledger, other, max_age).await? else { return Ok(true) };
                return Ok(!self.note(&ledger, &look).await?);
            }
            // It looks for us as we do for it.
            if directory > other || self.runtime().elapsed().saturating_sub(came) > MAX_WAIT {
                return Ok(false);
            }
            self.runtime().sleep(PAUSE).await;
        }
    }

    /// Whether two directories are known to have a connector in common.
    async fn share_a_connector(&self, one: &str, other: &str) -> bool {
        let (Ok(ours), Ok(theirs)) = (self.service.connectors(one).await, self.service.connectors(other).await) else {
            return false;
        };
        ours.iter().any(|connector| theirs.contains(connector))
    }
}

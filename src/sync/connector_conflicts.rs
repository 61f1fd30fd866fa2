//! Neighbours: directories of one connector, which the vendor advises against syncing at once (VMware Identity Manager 19.03,
//! best practices for directory integration).
//!
//! A target's book `neighbours:{target}` lists the directories that were ever kicked off, or are about to be. Who has the
//! claim to a kick-off goes through the others on the list: one that is claimed or runs, and shares a connector, is waited for.
//! Each wrote its claim before it read the list, so of two at once at least one sees the other; where both do, the one whose id
//! comes first goes. Syncs that others start, the schedule or the console, are not looked for: it would take a call for each
//! directory.

use std::time::Duration;

use super::Coordinator;
use super::backend::Shelf;
use super::ledger::Ledger;
use super::namespace::Book;
use crate::poll_lock::PAUSE;
use crate::runtime::Runtime;
use crate::shared_state::StoreUnavailable;

/// How long to wait for a neighbour that has a claim and has not kicked off yet.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long a turn at the list may take.
const LEASE: Duration = Duration::from_secs(5);

impl<R: Runtime> Coordinator<'_, R> {
    /// Whether `directory`, to whose kick-off the caller has the claim, may be kicked off beside what is going on, by looks no
    /// older than `max_age`.
    pub(super) async fn has_way(
        &self,
        shelf: Shelf<'_, R>,
        directory: &str,
        max_age: Duration,
    ) -> Result<bool, StoreUnavailable> {
        let book = self.neighbours(shelf);
        for other in self.listed(&book, directory).await? {
            if !self.gives_way(shelf, directory, &other, max_age).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Takes `directory` off the list, to whose kick-off the caller still has the claim: nothing of it ever ran, and whoever
    /// may start anything could make the list long with ids that there are not.
    pub(super) async fn unlist(&self, shelf: Shelf<'_, R>, directory: &str) -> Result<(), StoreUnavailable> {
        let book = self.neighbours(shelf);
        let came = self.out.runtime().elapsed();
        let take_off = |list: &mut Vec<String>| {
            let before = list.len();
            list.retain(|listed| listed != directory);
            list.len() < before
        };
        while self.edit(&book, take_off).await?.is_none() {
            if self.out.runtime().elapsed().saturating_sub(came) > PATIENCE {
                break;
            }
            self.out.runtime().sleep(PAUSE).await;
        }
        Ok(())
    }

    fn neighbours<'s>(&self, shelf: Shelf<'s, R>) -> Book<'s, R> {
        Book::new(shelf, format!("neighbours:{}", self.target))
    }

    /// The other directories on the list, once `directory` is on it.
    async fn listed(&self, book: &Book<'_, R>, directory: &str) -> Result<Vec<String>, StoreUnavailable> {
        let put_on = |list: &mut Vec<String>| {
            let at = list.partition_point(|listed| listed.as_str() < directory);
            let is_new = list.get(at).is_none_or(|listed| listed != directory);
            if is_new {
                list.insert(at, directory.to_owned());
            }
            is_new
        };
        let mut list = read(book).await?;
        while !list.iter().any(|listed| listed == directory) {
            list = match self.edit(book, put_on).await? {
                Some(edited) => edited,
                None => {
                    self.out.runtime().sleep(PAUSE).await;
                    read(book).await?
                }
            };
        }
        list.retain(|listed| listed != directory);
        Ok(list)
    }

    /// Changes the list, and gives what it is now; `None` while somebody else is at it. `change` says whether it changed anything.
    async fn edit(
        &self,
        book: &Book<'_, R>,
        change: impl FnOnce(&mut Vec<String>) -> bool,
    ) -> Result<Option<Vec<String>>, StoreUnavailable> {
        let Some(turn) = book.take_turn(0, self.now(), LEASE).await? else { return Ok(None) };
        let mut list = read(book).await?;
        if change(&mut list) {
            book.write("directories", &list).await?;
        }
        book.end_turn(&turn).await?;
        Ok(Some(list))
    }

    /// Whether `other` is not in the way of `directory`.
    async fn gives_way(
        &self,
        shelf: Shelf<'_, R>,
        directory: &str,
        other: &str,
        max_age: Duration,
    ) -> Result<bool, StoreUnavailable> {
        let ledger = Ledger::new(shelf, self.target, other);
        let came = self.out.runtime().elapsed();
        loop {
            let (claimed, runs) = ledger.stands(self.now()).await?;
            if !claimed && !runs || !self.share_a_connector(directory, other).await {
                return Ok(true);
            }
            if runs {
                // What cannot be seen is not known to run.
                let Ok(look) = self.look(&ledger, other, max_age).await? else { return Ok(true) };
                return Ok(!self.is_busy(&ledger, &look).await?);
            }
            // It looks for us as we do for it.
            if directory > other || self.out.runtime().elapsed().saturating_sub(came) > PATIENCE {
                return Ok(false);
            }
            self.out.runtime().sleep(PAUSE).await;
        }
    }

    /// Whether two directories are known to have a connector in common.
    async fn share_a_connector(&self, one: &str, other: &str) -> bool {
        let (Ok(ours), Ok(theirs)) = (self.client.connectors(one).await, self.client.connectors(other).await) else {
            return false;
        };
        ours.iter().any(|connector| theirs.contains(connector))
    }
}

async fn read<R: Runtime>(book: &Book<'_, R>) -> Result<Vec<String>, StoreUnavailable> {
    Ok(book.read("directories").await?.unwrap_or_default())
}

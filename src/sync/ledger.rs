//! The ledger: which kick-off serves which requests, and what was seen of its run. It is in the shared store, or without one
//! in the instance.
//!
//! A directory has one lease (`shared_state/lease.rs`), whose slot holds an [`Entry`]: the latest kick-off ([`Head`]) and
//! what was seen of its run ([`Seen`](super::entry::Seen)). Only the lease's holder sends a kick-off or changes the entry.
//!
//! A request draws a ticket when it arrives. A claim for the kick-off is drawn from the same counter just before the
//! kick-off is sent, so a kick-off serves exactly the tickets below its own: their requests came before it. The second draw
//! is needed for one guarantee: callers that arrive while a kick-off is being prepared share its run.

use std::cell::RefCell;
use std::time::Duration;

use litemap::LiteMap;

use super::entry::{Entry, Head, Sight};
use crate::runtime::Runtime;
use crate::shared_state::{Backend, Claim, Counters, HOLD, Held, Lease, Slot, StoreUnavailable, Ticket};

/// The longest time from a claim to the kick-off's response. No request lasts longer without waiting, and a start never
/// waits.
pub(super) const LEASE: Duration = Duration::from_secs(45);

/// The most claims in one attempt: other callers' observations may be written between reading an entry and claiming.
const MOST_CLAIMS: usize = 4;

/// The latest entry of each directory that an instance knows, and when it was read or written.
pub(super) type Entries = RefCell<LiteMap<String, (u32, Duration, Entry)>>;

/// One directory's ledger.
pub(super) struct Ledger<'s, R> {
    lease: Lease<'s, R>,
    directory: String,
    is_own: bool,
    known: &'s Entries,
    clock: &'s R,
}

impl<'s, R: Runtime> Ledger<'s, R> {
    pub(super) fn new(
        clock: &'s R,
        backend: Backend<'s, R>,
        known: &'s Entries,
        target: &str,
        (directory, is_own): (&str, bool),
    ) -> Self {
        let lease = Lease::new(backend, format!("sync:{target}:{directory}"), Counters::Kept);
        Self { lease, directory: directory.to_owned(), is_own, known, clock }
    }

    /// Whether it holds the request's ticket. Its entry still counts while the store refuses writes; that of another ledger
    /// does not, because the request then continues with its own.
    pub(super) fn is_own(&self) -> bool {
        self.is_own
    }

    /// The id of the ledger: [`SHARED`](crate::shared_state::SHARED), or an instance's.
    pub(super) fn id(&self) -> u64 {
        self.lease.backend().id()
    }

    /// The backend that holds it.
    pub(super) fn backend(&self) -> Backend<'s, R> {
        self.lease.backend()
    }

    /// The stored entry.
    pub(super) async fn entry(&self) -> Result<Entry, StoreUnavailable> {
        let entry = Entry::of(self.lease.read().await?);
        self.remember(&entry);
        Ok(entry)
    }

    /// Draws a ticket for a request that has just arrived; also returns the entry. An instance that knows the entry only
    /// draws: a counter without claims proves that nothing was written since.
    pub(super) async fn arrive(&self) -> Result<(Entry, Ticket), StoreUnavailable> {
        let known = self.recalled();
        if let Some((entry, slot)) = known.as_ref().and_then(|entry| Some((entry, entry.slot.as_ref()?))) {
            let ticket = self.lease.ticket(slot).await?;
            if !ticket.is_after_a_claim() {
                return Ok((entry.clone(), ticket));
            }
        }
        let entry = self.entry().await?;
        let ticket = self.lease.ticket(entry.slot.as_ref().unwrap_or(&Slot::default())).await?;
        Ok((entry, ticket))
    }

    /// Whether a kick-off is claimed but not recorded yet, and the stored entry.
    pub(super) async fn stands(&self) -> Result<(bool, Entry), StoreUnavailable> {
        let entry = self.entry().await?;
        let slot = entry.slot.clone().unwrap_or_default();
        Ok((self.lease.is_claimed(self.clock, &slot, LEASE).await?, entry))
    }

    /// Tries to get the right to kick off after `entry`, and returns the valid entry. `None`: another caller holds it, or
    /// has kicked off since.
    ///
    /// A claim whose time is over is ignored: its claimant crashed, or its response is lost.
    pub(super) async fn claim(&self, entry: &Entry) -> Result<Option<(Held, Entry)>, StoreUnavailable> {
        let mut present = match &entry.slot {
            Some(_) => entry.clone(),
            None => self.entry().await?,
        };
        for _ in 0..MOST_CLAIMS {
            if present.head.map(|head| head.generation) != entry.head.map(|head| head.generation) {
                return Ok(None);
            }
            let slot = present.slot.clone().unwrap_or_default();
            match self.lease.claim(self.clock, &slot, LEASE, LEASE).await? {
                Claim::Won(held) => return Ok(Some((held, present))),
                // Another caller recorded an observation meanwhile, or kicked off.
                Claim::Done(newer) => present = Entry::of(newer),
                Claim::Busy { .. } => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Releases the right to kick off: nothing was sent or changed.
    pub(super) async fn give_back(&self, held: Held, entry: &Entry) -> Result<(), StoreUnavailable> {
        self.write(held, entry.clone(), true).await
    }

    /// Records a kick-off: one that may have started a run, or one that certainly started nothing.
    pub(super) async fn kicked(&self, held: Held, entry: &Entry, head: Head) -> Result<(), StoreUnavailable> {
        self.write(held, Entry { head: Some(head), ..entry.clone() }, true).await
    }

    /// Records what was seen of the latest kick-off's run, if it is new. It does not wait for another caller at work, nor
    /// delay it: the observation can be repeated.
    pub(super) async fn saw(&self, entry: &Entry, sight: Sight) -> Result<(), StoreUnavailable> {
        if !entry.with(sight).1 {
            return Ok(());
        }
        // Another instance's observation may be old: its contents may be recorded already.
        let present = match entry.slot {
            Some(_) => entry.clone(),
            None => self.entry().await?,
        };
        let (written, is_news) = present.with(sight);
        if !is_news || present.head != entry.head {
            return Ok(());
        }
        let slot = present.slot.clone().unwrap_or_default();
        match self.lease.claim_if_free(self.clock, &slot, LEASE).await? {
            Some(held) => self.write(held, written, false).await,
            None => Ok(()),
        }
    }

    async fn write(&self, held: Held, entry: Entry, is_hurried: bool) -> Result<(), StoreUnavailable> {
        if let Some(mut slot) =
            self.lease.release(self.clock, if is_hurried { held.hurried() } else { held }, entry.payload()).await?
        {
            slot.payload = Vec::new();
            self.remember(&Entry { slot: Some(slot), ..entry });
        }
        Ok(())
    }

    /// The entry that this instance knows, if recent: a store that lost its values must be noticed.
    fn recalled(&self) -> Option<Entry> {
        let Backend::Shared(store) = self.lease.backend() else { return None };
        let known = self.known.borrow();
        let (revision, at, entry) = known.get(&self.directory)?;
        let is_good = *revision == store.revision() && self.clock.elapsed().saturating_sub(*at) < HOLD;
        is_good.then(|| entry.clone())
    }

    fn remember(&self, entry: &Entry) {
        if let Backend::Shared(store) = self.lease.backend() {
            let known = (store.revision(), self.clock.elapsed(), entry.clone());
            self.known.borrow_mut().insert(self.directory.clone(), known);
        }
    }
}

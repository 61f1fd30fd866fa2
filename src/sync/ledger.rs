//! The ledger: which kick-off serves which requests, and what was seen of its run. It is in the shared store, or without one
//! in the instance.
//!
//! A directory has one lease (`shared_state/lease.rs`), whose slot holds an [`Entry`]: the latest kick-off ([`Head`]) and
//! what was seen of its run ([`Seen`]). A kick-off or a change of the entry requires the lease.
//!
//! A request draws a ticket when it arrives. A claim for the kick-off is drawn from the same counter just before the
//! kick-off is sent, so a kick-off serves exactly the tickets below its own: their requests came before it. The second draw
//! is needed for one guarantee: callers that arrive while a kick-off is being prepared share its run.

use std::cell::RefCell;
use std::time::{Duration, SystemTime};

use litemap::LiteMap;
use serde::{Deserialize, Serialize};

use super::decide::{Baseline, JITTER};
use crate::directory::{RunMarks, SyncReport};
use crate::runtime::{Runtime, unix_ms as ms};
use crate::shared_state::{Backend, Claim, Counters, HOLD, Held, Lease, Slot, StoreUnavailable, Ticket};

/// The longest time from a claim to the kick-off's response. No request lasts longer without waiting, and a start never
/// waits.
pub(super) const LEASE: Duration = Duration::from_secs(45);

/// The most claims in one attempt: other callers' observations may be written between reading an entry and claiming.
const MOST_CLAIMS: usize = 4;

/// Without an observation for this many milliseconds a run is considered finished. One hour exceeds every documented sync.
const RUN_MS: u64 = 3_600_000;

/// The maximum age of an observation of an idle directory that may replace one before the kick-off.
const RECENT_MS: u64 = 60_000;

/// The latest kick-off of a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    #[serde(rename = "g")]
    pub(super) generation: u64,
    /// The highest ticket that it serves; [`Ticket::NONE`] if it certainly started nothing.
    #[serde(rename = "s")]
    pub(super) serves: Ticket,
    /// The highest ticket that an earlier kick-off should serve.
    #[serde(rename = "p", default)]
    pub(super) prior: Ticket,
    /// When it was sent, in milliseconds since 1970, on the claimant's clock.
    #[serde(rename = "k")]
    pub(super) kicked_ms: u64,
    /// Whether its response came at once, so that its run began about when it was sent.
    #[serde(rename = "q", default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) prompt: bool,
    /// The directory's state before it was sent, if it could be observed.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub(super) baseline: Option<Baseline>,
    /// Whether its run ignores the safeguards: it serves only requests for such a run.
    #[serde(rename = "i", default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) ignores_safeguards: bool,
}

/// The observations of a kick-off's run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seen {
    #[serde(rename = "g")]
    pub(super) generation: u64,
    /// Whether it was seen active.
    #[serde(rename = "r")]
    pub(super) running: bool,
    /// When it began, on the clock of vIDM's start times, in milliseconds since 1970.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub(super) began_ms: Option<u64>,
    /// Whether it succeeded, once it has ended.
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub(super) ended: Option<bool>,
    /// The time of the observation, on the observer's clock.
    #[serde(rename = "t", default)]
    pub(super) ended_seen_ms: u64,
    /// The highest ticket that a successful run has served, of this kick-off or an earlier one.
    #[serde(rename = "s", default)]
    pub(super) succeeded: Ticket,
    /// The same for runs that ignored the safeguards.
    #[serde(rename = "i", default)]
    pub(super) succeeded_ignoring: Ticket,
    /// How far vIDM's start times are ahead of idhook's clock, in milliseconds, learned from a run of our own.
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub(super) offset_ms: Option<i64>,
    /// The marks of the run when it had ended, if it has no start time.
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    pub(super) marks: Option<RunMarks>,
}

/// The latest kick-off's run in one observation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sight {
    /// It is active.
    pub(super) running: bool,
    /// When it began, on the clock of vIDM's start times; absent if it may be another run.
    pub(super) began: Option<SystemTime>,
    /// How it ended, if it has.
    pub(super) ended: Option<Ending>,
    /// Its marks once it had ended, if it has no start time.
    pub(super) marks: Option<RunMarks>,
    /// When this was observed, on idhook's clock.
    pub(super) now: SystemTime,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ending {
    pub(super) succeeded: bool,
    /// Whether the run certainly began after its kick-off.
    pub(super) certain: bool,
}

impl Seen {
    /// Nothing was seen of it yet.
    fn of(generation: u64) -> Self {
        Self { generation, ..Self::default() }
    }

    /// Whether `report` shows this run, which was seen active.
    pub(super) fn is_of(&self, report: &SyncReport) -> bool {
        self.running
            && self.began_ms == report.started_at.map(ms)
            && (self.marks.is_none() || self.marks == report.marks)
    }

    /// This, updated with what was seen of the run of `head`.
    fn and(self, head: Head, sight: Sight) -> Self {
        let Self { succeeded, succeeded_ignoring, offset_ms, .. } = self;
        let before = match self.generation == head.generation {
            true => self,
            false => Self { succeeded, succeeded_ignoring, offset_ms, ..Self::of(head.generation) },
        };
        let began_ms = before.began_ms.or(sight.began.map(ms));
        let is_new_end = before.ended.is_none() && sight.ended.is_some();
        let mut seen = Self {
            running: before.running || sight.running,
            began_ms,
            ended: before.ended.or(sight.ended.map(|ending| ending.succeeded)),
            ended_seen_ms: if is_new_end { ms(sight.now) } else { before.ended_seen_ms },
            marks: before.marks.or(sight.marks),
            ..before
        };
        if sight.ended == Some(Ending { succeeded: true, certain: true }) {
            let served = if head.ignores_safeguards { &mut seen.succeeded_ignoring } else { &mut seen.succeeded };
            *served = (*served).max(head.serves);
        }
        if began_ms != before.began_ms {
            seen.offset_ms = head.offset_from(began_ms).or(before.offset_ms);
        }
        seen
    }
}

impl Head {
    /// How far the clock of vIDM's start times is ahead of ours, if this kick-off's run began at `began_ms`. Only an
    /// observation just before the kick-off makes certain that the run is its own; a slow response and whole seconds are too
    /// imprecise.
    fn offset_from(&self, began_ms: Option<u64>) -> Option<i64> {
        let is_fine = |began: &u64| !began.is_multiple_of(1000);
        let is_exact = self.prompt && self.baseline.is_some_and(|baseline| !baseline.is_recent());
        let began = began_ms.filter(is_fine).filter(|_| is_exact)?;
        i64::try_from(began).ok()?.checked_sub(i64::try_from(self.kicked_ms).ok()?)
    }
}

/// The contents of a directory's ledger.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) head: Option<Head>,
    pub(super) seen: Option<Seen>,
    /// The slot it was read from; absent for another instance's observation.
    slot: Option<Slot>,
}

/// An entry in its slot, with short names.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Written {
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    head: Option<Head>,
    #[serde(rename = "v", default, skip_serializing_if = "Option::is_none")]
    seen: Option<Seen>,
}

/// The latest entry of each directory that an instance knows, and when it was read or written.
pub(super) type Entries = RefCell<LiteMap<String, (u32, Duration, Entry)>>;

impl Entry {
    /// The latest kick-off that may have started a run.
    pub(super) fn kick_off(&self) -> Option<Head> {
        self.head.filter(|head| head.serves > Ticket::NONE)
    }

    /// The observations of the latest kick-off's run.
    pub(super) fn sight(&self) -> Option<Seen> {
        self.head.zip(self.seen).filter(|(head, seen)| head.generation == seen.generation).map(|(_, seen)| seen)
    }

    /// Whether the latest kick-off may still be running, as far as any observation shows; an old one does not count.
    pub(super) fn may_run(&self, now: SystemTime) -> bool {
        let Some(head) = self.kick_off() else { return false };
        ms(now).saturating_sub(head.kicked_ms) <= RUN_MS && self.sight().is_none_or(|seen| seen.ended.is_none())
    }

    /// The highest ticket that a successful run is known to have served, for requests that do or do not ignore the
    /// safeguards.
    pub(super) fn succeeded(&self, ignores_safeguards: bool) -> Ticket {
        self.seen.map_or(Ticket::NONE, |seen| match ignores_safeguards {
            true => seen.succeeded.max(seen.succeeded_ignoring),
            false => seen.succeeded,
        })
    }

    /// Whether the latest kick-off's run was seen active.
    pub(super) fn seen_running(&self) -> bool {
        self.sight().is_some_and(|seen| seen.running)
    }

    /// How many kick-offs should have served this ticket: none, one, or two for more than one.
    pub(super) fn kick_offs_for(&self, ticket: Ticket) -> u8 {
        match self.head {
            Some(head) if ticket <= head.prior => 2,
            Some(head) if ticket <= head.serves => 1,
            _ => 0,
        }
    }

    /// A replacement for an observation before a kick-off sent now: the end of the latest run, if it was seen recently and
    /// start times distinguish later runs. Marks alone cannot show that a later run did not begin before the kick-off.
    pub(super) fn recent(&self, now: SystemTime) -> Option<Baseline> {
        let seen = self.sight().filter(|seen| seen.ended.is_some())?;
        let age = ms(now).checked_sub(seen.ended_seen_ms)?;
        if age > RECENT_MS {
            return None;
        }
        Some(Baseline::recent(seen.began_ms?, seen.offset_ms?, ms(now)))
    }
}

/// One directory's ledger.
pub(super) struct Ledger<'s, R> {
    lease: Lease<'s, R>,
    directory: String,
    is_own: bool,
    known: &'s Entries,
    clock: &'s R,
}

/// The circumstances of a kick-off.
#[derive(Debug, Clone, Copy)]
pub(super) struct KickOffMade {
    /// When it was sent.
    pub(super) sent: SystemTime,
    /// The directory's state before it.
    pub(super) baseline: Option<Baseline>,
    /// Whether its run ignores the safeguards.
    pub(super) ignores_safeguards: bool,
}

impl Entry {
    /// An entry from another instance's observation.
    pub(super) fn observed(head: Option<Head>, seen: Option<Seen>) -> Self {
        Self { head, seen, slot: None }
    }

    fn of(mut slot: Slot) -> Self {
        // An unreadable entry counts as absent: another version wrote it.
        let Written { head, seen } = crate::json::parse(&slot.payload).unwrap_or_default();
        slot.payload = Vec::new();
        Self { head, seen, slot: Some(slot) }
    }

    fn payload(&self) -> Vec<u8> {
        serde_json::to_vec(&Written { head: self.head, seen: self.seen }).unwrap_or_default()
    }

    /// This entry with what was seen of the latest kick-off's run since; and whether that is new.
    pub(super) fn with(&self, sight: Sight) -> (Self, bool) {
        let Some(head) = self.head else { return (self.clone(), false) };
        let seen = self.seen.unwrap_or(Seen::of(head.generation)).and(head, sight);
        let is_news = self.seen != Some(seen);
        (Self { seen: Some(seen), ..self.clone() }, is_news)
    }
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

    /// Records a kick-off that may have started a run.
    pub(super) async fn kicked(&self, held: Held, entry: &Entry, made: KickOffMade) -> Result<(), StoreUnavailable> {
        let KickOffMade { sent, baseline, ignores_safeguards } = made;
        let prompt = self.clock.now().duration_since(sent).unwrap_or_default() <= JITTER;
        let (generation, serves, prior, kicked_ms) = (held.generation, held.ticket, entry.highest(), ms(sent));
        let head = Head { generation, serves, prior, kicked_ms, prompt, baseline, ignores_safeguards };
        self.write(held, Entry { head: Some(head), ..entry.clone() }, true).await
    }

    /// Records a kick-off that certainly started nothing: the next may try at once.
    pub(super) async fn failed(&self, held: Held, entry: &Entry) -> Result<(), StoreUnavailable> {
        let (generation, serves, prior) = (held.generation, Ticket::NONE, entry.highest());
        let (kicked_ms, prompt, baseline, ignores_safeguards) = (ms(self.clock.now()), false, None, false);
        let head = Head { generation, serves, prior, kicked_ms, prompt, baseline, ignores_safeguards };
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

impl Entry {
    /// The highest ticket that any kick-off should serve.
    fn highest(&self) -> Ticket {
        self.head.map_or(Ticket::NONE, |head| head.serves.max(head.prior))
    }
}

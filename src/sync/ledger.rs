//! The ledger: which requests there are, who may kick off, which kick-off serves whom. It lives in the shared store where
//! there is one, else in the instance.
//!
//! The only atomic it needs is an increment. For each directory it holds:
//!
//! | key | written by | holds |
//! |---|---|---|
//! | `tickets` (counter) | everybody | requests and kick-offs draw from one row of numbers |
//! | `turn`, `turns:{generation}` | who wants to kick off | whose turn it is, see `sync/book.rs` |
//! | `head` | the claimant | the latest kick-off: its generation, the highest ticket it serves, what was seen before it |
//! | `seen` | who looked | whether that run was seen running, when it began, how it ended, how far apart the clocks are |
//!
//! A kick-off draws its own ticket before it is sent, so it serves exactly the tickets below: their requests came before it.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::backend::Shelf;
use super::decide::{Baseline, JITTER};
use super::namespace::{Book, Turn, ms};
use crate::directory::SyncReport;
use crate::runtime::Runtime;
use crate::shared_state::StoreUnavailable;

/// How long a claimant may take from its claim to the kick-off's answer. No request lasts longer without asking to wait, and
/// a start never waits.
pub(super) const LEASE: Duration = Duration::from_secs(45);

/// A run that nobody has seen for so many milliseconds is over: an hour, more than any public account of a sync tells of.
const RUN_MS: u64 = 3_600_000;

/// How old an observation of an idle directory may be to stand for a look before the kick-off.
const RECENT_MS: u64 = 60_000;

/// The latest kick-off of a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    #[serde(rename = "g")]
    pub(super) generation: u64,
    /// The highest ticket it serves; 0 when it certainly started nothing.
    #[serde(rename = "s")]
    pub(super) serves: u64,
    /// The highest ticket that an earlier kick-off was to serve.
    #[serde(rename = "p", default)]
    pub(super) prior: u64,
    /// When it was sent, in milliseconds since 1970, on the claimant's clock.
    #[serde(rename = "k")]
    pub(super) kicked_ms: u64,
    /// Whether it was answered at once, so that its run began about when it was sent.
    #[serde(rename = "q", default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) prompt: bool,
    /// What the directory showed before it was sent, where that could be observed.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub(super) baseline: Option<Baseline>,
    /// Whether its run ignores the safeguards: it serves only requests that asked for that.
    #[serde(rename = "i", default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) ignores_safeguards: bool,
}

/// What was seen of the run of a kick-off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seen {
    #[serde(rename = "g")]
    pub(super) generation: u64,
    /// Whether it was seen going on.
    #[serde(rename = "r")]
    pub(super) running: bool,
    /// When it began, on the clock of vIDM's start times, in milliseconds since 1970.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub(super) began_ms: Option<u64>,
    /// Whether it succeeded, once it has ended.
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub(super) ended: Option<bool>,
    /// When that was seen, on the observer's clock.
    #[serde(rename = "t", default)]
    pub(super) ended_seen_ms: u64,
    /// The highest ticket that a successful run has served, of this kick-off or an earlier one.
    #[serde(rename = "s", default)]
    pub(super) succeeded: u64,
    /// The same among those that ignored the safeguards.
    #[serde(rename = "i", default, skip_serializing_if = "is_zero")]
    pub(super) succeeded_ignoring: u64,
    /// How far vIDM's start times are ahead of idhook's clock, in milliseconds, as a run of our own showed.
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub(super) offset_ms: Option<i64>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde wants a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// What an observation shows of the run of the latest kick-off.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sight {
    /// It is going on.
    pub(super) running: bool,
    /// When it began, on the clock of vIDM's start times; absent where it may be another run.
    pub(super) began: Option<SystemTime>,
    /// How it ended, where it has.
    pub(super) ended: Option<Ending>,
    /// When this was observed, on idhook's clock.
    pub(super) now: SystemTime,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ending {
    pub(super) succeeded: bool,
    /// Whether it is certain that the run began after its kick-off.
    pub(super) certain: bool,
}

impl Seen {
    /// Nothing was seen of it yet.
    fn of(generation: u64) -> Self {
        let (running, began_ms, ended, ended_seen_ms) = (false, None, None, 0);
        Self {
            generation,
            running,
            began_ms,
            ended,
            ended_seen_ms,
            succeeded: 0,
            succeeded_ignoring: 0,
            offset_ms: None,
        }
    }

    /// Whether `report` shows this very run, which was seen going on.
    pub(super) fn is_of(&self, report: &SyncReport) -> bool {
        self.running && self.began_ms == report.started_at.map(ms)
    }

    /// This and what was seen of the run of `head`.
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
    /// How far the clock of vIDM's start times is ahead of ours, where this kick-off's run began at `began_ms`. Only a look just
    /// before the kick-off makes the run certain to be its own; a slow answer and whole seconds are too coarse to go by.
    fn offset_from(&self, began_ms: Option<u64>) -> Option<i64> {
        let is_fine = |began: &u64| !began.is_multiple_of(1000);
        let is_exact = self.prompt && self.baseline.is_some_and(|baseline| !baseline.is_recent());
        let began = began_ms.filter(is_fine).filter(|_| is_exact)?;
        i64::try_from(began).ok()?.checked_sub(i64::try_from(self.kicked_ms).ok()?)
    }
}

/// The right to kick off once.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Claim {
    turn: Turn,
    /// What the kick-off will serve.
    pub(super) serves: u64,
}

/// What a directory's ledger says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) head: Option<Head>,
    pub(super) seen: Option<Seen>,
}

impl Entry {
    /// The latest kick-off that may have started a run.
    pub(super) fn kick_off(&self) -> Option<Head> {
        self.head.filter(|head| head.serves > 0)
    }

    /// What was seen of the latest kick-off's run.
    pub(super) fn sight(&self) -> Option<Seen> {
        self.head.zip(self.seen).filter(|(head, seen)| head.generation == seen.generation).map(|(_, seen)| seen)
    }

    /// Whether the latest kick-off may still be running, as far as anybody has seen; one of long ago is not believed to.
    pub(super) fn may_run(&self, now: SystemTime) -> bool {
        let Some(head) = self.kick_off() else { return false };
        ms(now).saturating_sub(head.kicked_ms) <= RUN_MS && self.sight().is_none_or(|seen| seen.ended.is_none())
    }

    /// The highest ticket that a successful run is known to have served, where the request does or does not ignore the safeguards.
    pub(super) fn succeeded(&self, ignores_safeguards: bool) -> u64 {
        self.seen.map_or(0, |seen| match ignores_safeguards {
            true => seen.succeeded.max(seen.succeeded_ignoring),
            false => seen.succeeded,
        })
    }

    /// Whether the latest kick-off's run was seen going on.
    pub(super) fn seen_running(&self) -> bool {
        self.sight().is_some_and(|seen| seen.running)
    }

    /// How many kick-offs were to serve this ticket: none, one, or two for more than one.
    pub(super) fn kick_offs_for(&self, ticket: u64) -> u8 {
        match self.head {
            Some(head) if ticket <= head.prior => 2,
            Some(head) if ticket <= head.serves => 1,
            _ => 0,
        }
    }

    /// What stands for a look at the directory before a kick-off that is sent now: the end of the latest run, where that was seen
    /// a short while ago, and vIDM's start times can tell a run that began since.
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
    book: Book<'s, R>,
}

impl<'s, R: Runtime> Ledger<'s, R> {
    pub(super) fn new(shelf: Shelf<'s, R>, target: &str, directory: &str) -> Self {
        Self { book: Book::new(shelf, format!("sync:{target}:{directory}")) }
    }

    /// Which ledger it is: [`SyncRequest::SHARED`](super::SyncRequest::SHARED), or an instance's.
    pub(super) fn id(&self) -> u64 {
        self.book.id()
    }

    /// Draws a ticket for a request.
    pub(super) async fn ticket(&self) -> Result<u64, StoreUnavailable> {
        self.book.count("tickets").await
    }

    /// What is written.
    pub(super) async fn entry(&self) -> Result<Entry, StoreUnavailable> {
        Ok(Entry { head: self.book.read("head").await?, seen: self.book.read("seen").await? })
    }

    /// Which shelf it is on.
    pub(super) fn shelf(&self) -> Shelf<'s, R> {
        self.book.shelf()
    }

    /// Whether a kick-off is claimed and not sent yet, and whether one that was sent may still run.
    pub(super) async fn stands(&self, now: SystemTime) -> Result<(bool, bool), StoreUnavailable> {
        // In this order: whoever kicks off writes the head last.
        let (lease, entry) = (self.book.lease().await?, self.entry().await?);
        let written = entry.head.map_or(0, |head| head.generation);
        let claimed = lease.is_some_and(|lease| lease.generation > written && lease.until_ms > ms(now));
        Ok((claimed, entry.may_run(now)))
    }

    /// Tries for the right to kick off after `head`. `None`: somebody else has it.
    ///
    /// A claim whose lease has run out is passed over: its claimant is gone, or its kick-off's answer is.
    pub(super) async fn claim(&self, head: Option<Head>, now: SystemTime) -> Result<Option<Claim>, StoreUnavailable> {
        let written = head.map_or(0, |head| head.generation);
        let Some(turn) = self.book.take_turn(written, now, LEASE).await? else { return Ok(None) };
        // Between the entry that was read and the claim another kick-off may have been made and forgotten by its lease.
        let present: Option<Head> = self.book.read("head").await?;
        if present.map_or(0, |head| head.generation) > written {
            self.book.end_turn(&turn).await?;
            return Ok(None);
        }
        Ok(Some(Claim { turn, serves: self.ticket().await? }))
    }

    /// Gives back the right to kick off: nothing was sent, and nothing has changed.
    pub(super) async fn give_back(&self, claim: &Claim) -> Result<(), StoreUnavailable> {
        self.book.end_turn(&claim.turn).await
    }

    /// Writes down a kick-off that may have started a run.
    pub(super) async fn kicked(&self, claim: &Claim, how: Kicked, now: SystemTime) -> Result<(), StoreUnavailable> {
        let Kicked { sent, baseline, ignores_safeguards } = how;
        let prompt = now.duration_since(sent).unwrap_or_default() <= JITTER;
        let (generation, serves, prior, kicked_ms) = (claim.turn.generation, claim.serves, 0, ms(sent));
        self.advance(Head { generation, serves, prior, kicked_ms, prompt, baseline, ignores_safeguards }).await
    }

    /// Writes down a kick-off that certainly started nothing: the next may try at once.
    pub(super) async fn failed(&self, claim: &Claim, now: SystemTime) -> Result<(), StoreUnavailable> {
        let (generation, kicked_ms, baseline) = (claim.turn.generation, ms(now), None);
        let (serves, prior, prompt, ignores_safeguards) = (0, 0, false, false);
        self.advance(Head { generation, serves, prior, kicked_ms, prompt, baseline, ignores_safeguards }).await
    }

    async fn advance(&self, head: Head) -> Result<(), StoreUnavailable> {
        let present: Option<Head> = self.book.read("head").await?;
        if present.is_some_and(|present| present.generation >= head.generation) {
            // We took longer than our lease, and another caller went on.
            return Ok(());
        }
        let prior = present.map_or(0, |present| present.serves.max(present.prior));
        self.book.write("head", &Head { prior, ..head }).await
    }

    /// Writes down what was seen of the run of the latest kick-off, where it is news.
    pub(super) async fn saw(&self, entry: &Entry, sight: Sight) -> Result<(), StoreUnavailable> {
        let Some(head) = entry.head else { return Ok(()) };
        if entry.seen.is_some_and(|seen| seen == seen.and(head, sight)) {
            return Ok(());
        }
        // The entry may be as old as the look that it came with.
        let present: Option<Seen> = self.book.read("seen").await?;
        if present.is_some_and(|present| present.generation > head.generation) {
            return Ok(());
        }
        let now = present.unwrap_or(Seen::of(head.generation)).and(head, sight);
        if present == Some(now) { Ok(()) } else { self.book.write("seen", &now).await }
    }
}

/// How a kick-off was made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kicked {
    /// When it was sent.
    pub(super) sent: SystemTime,
    /// What the directory showed before it.
    pub(super) baseline: Option<Baseline>,
    /// Whether its run ignores the safeguards.
    pub(super) ignores_safeguards: bool,
}

//! The ledger: which requests there are, who may kick off, which kick-off serves whom. It lives in the shared store where
//! there is one, else in the instance.
//!
//! The only atomic it needs is an increment. For each directory it holds:
//!
//! | key | written by | holds |
//! |---|---|---|
//! | `tickets` (counter) | everybody | requests and kick-offs draw from one row of numbers |
//! | `turn`, `turns:{generation}` | who wants to kick off | whose turn it is, see `sync/book.rs` |
//! | `head` | the claimant | the latest kick-off: its generation and the highest ticket it serves |
//! | `seen` | who looked | whether that run was seen running, how it ended |
//!
//! A kick-off draws its own ticket before it is sent, so it serves exactly the tickets below: their requests came before it.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::book::{Book, Turn, ms, time};
use super::judge::Moment;
use super::shelf::Shelf;
use crate::runtime::Runtime;
use crate::store::Gone;

/// How long a claimant may take from its claim to the kick-off's answer. No request lasts longer without asking to wait, and
/// a start never waits.
pub(super) const LEASE: Duration = Duration::from_secs(45);

/// A run that nobody has seen for so many milliseconds is over: an hour, more than any public account of a sync tells of.
const RUN_MS: u64 = 3_600_000;

/// The latest kick-off of a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    #[serde(rename = "g")]
    pub(super) generation: u64,
    /// The highest ticket it serves; 0 when it certainly started nothing.
    #[serde(rename = "s")]
    pub(super) serves: u64,
    /// When it was sent, in milliseconds since 1970, on the claimant's clock.
    #[serde(rename = "k")]
    pub(super) kicked_ms: u64,
    /// When it was sent, on vIDM's clock: earliest and latest, in milliseconds since 1970.
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    pub(super) moment_ms: Option<(u64, u64)>,
    /// Whether it was sent without a look at vIDM first.
    #[serde(rename = "b", default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) blind: bool,
}

impl Head {
    pub(super) fn moment(&self) -> Option<Moment> {
        self.moment_ms.map(|(earliest, latest)| Moment { earliest: time(earliest), latest: time(latest) })
    }
}

/// What was seen of the run of a kick-off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seen {
    #[serde(rename = "g")]
    pub(super) generation: u64,
    #[serde(rename = "r")]
    pub(super) running: bool,
    /// Whether it succeeded, once it has ended.
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub(super) ended: Option<bool>,
    /// The highest ticket that a successful run has served, of this kick-off or an earlier one.
    #[serde(rename = "s", default)]
    pub(super) succeeded: u64,
    /// Whether vIDM told of a run without saying when it began.
    #[serde(rename = "u", default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) untimed: bool,
}

impl Seen {
    /// Nothing was seen of it yet.
    fn of(generation: u64) -> Self {
        Self { generation, running: false, ended: None, succeeded: 0, untimed: false }
    }

    /// This and what was seen of the run of `head`.
    fn and(self, head: Head, running: bool, ended: Option<bool>, untimed: bool) -> Self {
        let before = if self.generation == head.generation { self } else { Self::of(head.generation) };
        Self {
            running: running || before.running,
            ended: ended.or(before.ended),
            succeeded: if ended == Some(true) { self.succeeded.max(head.serves) } else { self.succeeded },
            untimed: untimed || self.untimed,
            ..before
        }
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
    /// Whether the latest kick-off may still be running, as far as anybody has seen; one of long ago is not believed to.
    pub(super) fn may_run(&self, now: SystemTime) -> bool {
        match (self.head, self.seen) {
            (Some(head), _) if head.serves == 0 || ms(now).saturating_sub(head.kicked_ms) > RUN_MS => false,
            (Some(head), Some(seen)) if seen.generation == head.generation => seen.ended.is_none(),
            (Some(_), _) => true,
            (None, _) => false,
        }
    }

    /// The highest ticket that a successful run is known to have served.
    pub(super) fn succeeded(&self) -> u64 {
        self.seen.map_or(0, |seen| seen.succeeded)
    }

    /// Whether vIDM is known to tell of runs without saying when they began.
    pub(super) fn untimed(&self) -> bool {
        self.seen.is_some_and(|seen| seen.untimed)
    }

    /// Whether the latest kick-off was seen running.
    pub(super) fn seen_running(&self) -> bool {
        self.head.zip(self.seen).is_some_and(|(head, seen)| head.generation == seen.generation && seen.running)
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

    /// Which ledger it is: [`Request::SHARED`](super::Request::SHARED), or an instance's.
    pub(super) fn id(&self) -> u64 {
        self.book.id()
    }

    /// Draws a ticket for a request.
    pub(super) async fn ticket(&self) -> Result<u64, Gone> {
        self.book.count("tickets").await
    }

    /// What is written.
    pub(super) async fn entry(&self) -> Result<Entry, Gone> {
        Ok(Entry { head: self.book.read("head").await?, seen: self.book.read("seen").await? })
    }

    /// Which shelf it is on.
    pub(super) fn shelf(&self) -> Shelf<'s, R> {
        self.book.shelf()
    }

    /// Whether a kick-off is claimed and not sent yet, and whether one that was sent may still run.
    pub(super) async fn stands(&self, now: SystemTime) -> Result<(bool, bool), Gone> {
        // In this order: whoever kicks off writes the head last.
        let (lease, entry) = (self.book.lease().await?, self.entry().await?);
        let written = entry.head.map_or(0, |head| head.generation);
        let claimed = lease.is_some_and(|lease| lease.generation > written && lease.until_ms > ms(now));
        Ok((claimed, entry.may_run(now)))
    }

    /// Tries for the right to kick off after `head`. `None`: somebody else has it.
    ///
    /// A claim whose lease has run out is passed over: its claimant is gone, or its kick-off's answer is.
    pub(super) async fn claim(&self, head: Option<Head>, now: SystemTime) -> Result<Option<Claim>, Gone> {
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
    pub(super) async fn give_back(&self, claim: &Claim) -> Result<(), Gone> {
        self.book.end_turn(&claim.turn).await
    }

    /// Writes down a kick-off that was sent at `kicked` and may have started a run.
    pub(super) async fn kicked(
        &self,
        claim: &Claim,
        kicked: SystemTime,
        moment: Option<Moment>,
        blind: bool,
    ) -> Result<(), Gone> {
        let moment_ms = moment.map(|moment| (ms(moment.earliest), ms(moment.latest)));
        let (generation, serves) = (claim.turn.generation, claim.serves);
        self.advance(Head { generation, serves, kicked_ms: ms(kicked), moment_ms, blind }).await
    }

    /// Writes down a kick-off that certainly started nothing: the next may try at once.
    pub(super) async fn failed(&self, claim: &Claim, now: SystemTime) -> Result<(), Gone> {
        let generation = claim.turn.generation;
        self.advance(Head { generation, serves: 0, kicked_ms: ms(now), moment_ms: None, blind: false }).await
    }

    async fn advance(&self, head: Head) -> Result<(), Gone> {
        let present: Option<Head> = self.book.read("head").await?;
        if present.is_some_and(|present| present.generation >= head.generation) {
            // We took longer than our lease, and somebody went on.
            return Ok(());
        }
        self.book.write("head", &head).await
    }

    /// Writes down what was seen of the run of `head`, where it is news.
    pub(super) async fn saw(
        &self,
        entry: &Entry,
        running: bool,
        ended: Option<bool>,
        untimed: bool,
    ) -> Result<(), Gone> {
        let Some(head) = entry.head else { return Ok(()) };
        if entry.seen.is_some_and(|seen| seen == seen.and(head, running, ended, untimed)) {
            return Ok(());
        }
        // The entry may be as old as the look that it came with.
        let present: Option<Seen> = self.book.read("seen").await?;
        if present.is_some_and(|present| present.generation > head.generation) {
            return Ok(());
        }
        let now = present.unwrap_or(Seen::of(head.generation)).and(head, running, ended, untimed);
        if present == Some(now) { Ok(()) } else { self.book.write("seen", &now).await }
    }
}

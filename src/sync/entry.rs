//! An entry of the ledger: the latest kick-off of a directory, and what was seen of its run.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::decide::{Baseline, LONGEST_RUN, SETTLE, Shown};
use crate::directory::{RunMarks, SyncReport};
use crate::runtime::{from_unix_ms, unix_ms as ms};
use crate::shared_state::{Held, Slot, Ticket};

/// The longest time between two starts that the target refuses because of a run that it does not show.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

/// The most such refusals in a row, about an hour of them: no run lasts longer.
const MOST_REFUSALS: u8 = 16;

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
    /// The directory's state before it was sent, if it could be observed.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub(super) baseline: Option<Baseline>,
    /// Whether its run ignores the safeguards: it serves only requests for such a run.
    #[serde(rename = "i", default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) ignores_safeguards: bool,
    /// How many starts in a row the target has refused because of a run that it does not show, with this one; zero if it
    /// was not refused.
    #[serde(rename = "n", default, skip_serializing_if = "is_zero")]
    refused: u8,
    /// When the last of them was sent, on the same clock.
    #[serde(rename = "m", default, skip_serializing_if = "is_zero")]
    refused_ms: u64,
}

fn is_zero<N: PartialEq + Default>(number: &N) -> bool {
    *number == N::default()
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
    /// The highest ticket that a successful run has served, of this kick-off or an earlier one.
    #[serde(rename = "s", default)]
    pub(super) succeeded: Ticket,
    /// The same for runs that ignored the safeguards.
    #[serde(rename = "i", default)]
    pub(super) succeeded_ignoring: Ticket,
    /// The marks of the run when it had ended, if it has no start time.
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    pub(super) marks: Option<RunMarks>,
    /// When its success was first seen without its entry in the sync log, in milliseconds since 1970, on the clock of the instance
    /// that saw it.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub(super) unlogged_ms: Option<u64>,
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
    /// Now, if it shows a success whose entry in the sync log is not there yet.
    pub(super) unlogged_ms: Option<u64>,
}

/// What follows from starts that the target refused because of a run that it does not show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusals {
    /// The next start is sent after this time at the earliest.
    Pause(Duration),
    /// None is sent: no run lasts as long as the target has refused.
    TooMany,
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
            // In a list of ended runs the newest one without a time may be any.
            && !(report.ended_only && report.started_at.is_none())
            && self.began_ms == report.started_at.map(ms)
            && (self.marks.is_none() || self.marks == report.marks)
    }

    /// This, updated with what was seen of the run of `head`.
    fn and(self, head: Head, sight: Sight) -> Self {
        let Self { succeeded, succeeded_ignoring, .. } = self;
        let before = match self.generation == head.generation {
            true => self,
            false => Self { succeeded, succeeded_ignoring, ..Self::of(head.generation) },
        };
        let mut seen = Self {
            running: before.running || sight.running,
            began_ms: before.began_ms.or(sight.began.map(ms)),
            ended: before.ended.or(sight.ended.map(|ending| ending.succeeded)),
            marks: before.marks.or(sight.marks),
            unlogged_ms: before.unlogged_ms.or(sight.unlogged_ms),
            ..before
        };
        if sight.ended == Some(Ending { succeeded: true, certain: true }) {
            let served = if head.ignores_safeguards { &mut seen.succeeded_ignoring } else { &mut seen.succeeded };
            *served = (*served).max(head.serves);
        }
        seen
    }
}

impl Head {
    /// A kick-off that may have started a run.
    pub(super) fn started(held: &Held, entry: &Entry, made: KickOffMade) -> Self {
        let KickOffMade { sent, baseline, ignores_safeguards } = made;
        Self { serves: held.ticket, baseline, ignores_safeguards, ..Self::blank(held, entry, sent) }
    }

    /// A kick-off that certainly started nothing: the next may try at once. The one before it stays, if its run may still appear.
    pub(super) fn nothing(held: &Held, entry: &Entry, now: SystemTime) -> Self {
        let before = entry.kick_off().filter(|_| entry.may_run(now));
        before.map_or_else(|| Self::blank(held, entry, now), |head| Self { refused: 0, ..head })
    }

    /// A head that serves nobody.
    fn blank(held: &Held, entry: &Entry, now: SystemTime) -> Self {
        Self {
            generation: held.generation,
            serves: Ticket::NONE,
            prior: entry.highest(),
            kicked_ms: ms(now),
            baseline: None,
            ignores_safeguards: false,
            refused: 0,
            refused_ms: 0,
        }
    }

    /// A kick-off that the target refused because of a run that it does not show.
    pub(super) fn refused(held: &Held, entry: &Entry, made: KickOffMade) -> Self {
        let before = entry.head.filter(|head| since(head.refused_ms, made.sent) <= LONGEST_RUN);
        let refused = before.map_or(0, |head| head.refused).saturating_add(1);
        let head = Self::nothing(held, entry, made.sent);
        // The run of a kick-off before this one shows itself against what that one saw.
        let baseline = if head.serves > Ticket::NONE { head.baseline } else { made.baseline };
        Self { refused, refused_ms: ms(made.sent), baseline, ..head }
    }

    /// After a refusal, the time before the next start: it doubles with each.
    pub(super) fn pause(&self) -> Duration {
        SETTLE.saturating_mul(2_u32.saturating_pow(u32::from(self.refused.saturating_sub(1)))).min(LONGEST_PAUSE)
    }
}

/// The contents of a directory's ledger.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) head: Option<Head>,
    pub(super) seen: Option<Seen>,
    /// The slot it was read from; absent for another instance's observation.
    pub(super) slot: Option<Slot>,
}

/// An entry in its slot, with short names.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Written {
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    head: Option<Head>,
    #[serde(rename = "v", default, skip_serializing_if = "Option::is_none")]
    seen: Option<Seen>,
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

    /// Whether `ticket` is from a ledger whose values the store has lost: this one began anew, and has not come as far.
    pub(super) fn lacks(&self, ticket: Ticket) -> bool {
        self.slot.as_ref().is_some_and(|slot| ticket.is_ahead_of(slot))
    }

    /// The entry in `slot`.
    pub(super) fn of(mut slot: Slot) -> Self {
        // An unreadable entry counts as absent: another version wrote it.
        let Written { head, seen } = crate::json::parse(&slot.payload).unwrap_or_default();
        slot.payload = Vec::new();
        Self { head, seen, slot: Some(slot) }
    }

    /// The bytes for its slot.
    pub(super) fn payload(&self) -> Vec<u8> {
        serde_json::to_vec(&Written { head: self.head, seen: self.seen }).unwrap_or_default()
    }

    /// This entry with what was seen of the latest kick-off's run since; and whether that is new.
    pub(super) fn with(&self, sight: Sight) -> (Self, bool) {
        let Some(head) = self.head else { return (self.clone(), false) };
        let seen = self.seen.unwrap_or(Seen::of(head.generation)).and(head, sight);
        let is_news = self.seen != Some(seen);
        (Self { seen: Some(seen), ..self.clone() }, is_news)
    }

    /// The latest kick-off that may have started a run.
    pub(super) fn kick_off(&self) -> Option<Head> {
        self.head.filter(|head| head.serves > Ticket::NONE)
    }

    /// The observations of the latest kick-off's run.
    pub(super) fn sight(&self) -> Option<Seen> {
        self.head.zip(self.seen).filter(|(head, seen)| head.generation == seen.generation).map(|(_, seen)| seen)
    }

    /// Whether the latest kick-off may still be running, as far as any observation shows; one that is older than the longest
    /// run does not count.
    pub(super) fn may_run(&self, now: SystemTime) -> bool {
        let Some(head) = self.kick_off() else { return false };
        since(head.kicked_ms, now) <= LONGEST_RUN && self.sight().is_none_or(|seen| seen.ended.is_none())
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

    /// How many kick-offs should have served this ticket: none, one, or two for more than one. One without safeguards serves no request for
    /// a run with them.
    pub(super) fn kick_offs_for(&self, ticket: Ticket, ignores_safeguards: bool) -> u8 {
        match self.head {
            Some(head) if head.ignores_safeguards && !ignores_safeguards => 0,
            Some(head) if ticket <= head.prior => 2,
            Some(head) if ticket <= head.serves => 1,
            _ => 0,
        }
    }

    /// What follows from refusals of the last hour, if the directory still shows what it showed before the last of them: once
    /// another run is shown, the one in the way has ended.
    pub(super) fn refusals(&self, report: &SyncReport, now: SystemTime) -> Option<Refusals> {
        let head = self.head.filter(|head| head.refused > 0 && since(head.refused_ms, now) <= LONGEST_RUN)?;
        if Baseline::shown(head.baseline, report) == Shown::After {
            return None;
        }
        if head.refused >= MOST_REFUSALS {
            return Some(Refusals::TooMany);
        }
        let left = head.pause().saturating_sub(since(head.refused_ms, now));
        (!left.is_zero()).then_some(Refusals::Pause(left))
    }

    /// The highest ticket that any kick-off should serve.
    fn highest(&self) -> Ticket {
        self.head.map_or(Ticket::NONE, |head| head.serves.max(head.prior))
    }
}

/// The time since `ms`, in milliseconds since 1970; zero if that is a little later than `now`.
///
/// A time that is further ahead than clocks of instances may differ is of a clock that was wrong: it counts as long ago as it is ahead, so that
/// nobody waits until it comes.
pub(super) fn since(ms: u64, now: SystemTime) -> Duration {
    match now.duration_since(from_unix_ms(ms)) {
        Ok(ago) => ago,
        Err(ahead) if ahead.duration() > SETTLE => ahead.duration(),
        Err(_) => Duration::ZERO,
    }
}

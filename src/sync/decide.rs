//! The decision: what one observation of a directory means for one request. No I/O, no clock; everything it needs is an argument.
//!
//! Three clocks are involved: idhook's, the one behind vIDM's start times (often a connector's, local, or in whole seconds),
//! and the one behind the `Date` header (often a proxy's). In the field they differ by hours, so no decision compares two of
//! them. Runs are distinguished by identity: a run that was there before the kick-off is not the kick-off's run. Start times
//! are compared only with start times. VCF Operations reports no start times at all: there the newest entry of the sync log
//! and the time of the last sync, compared for equality, tell runs apart ([`RunMarks`]).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::directory::{Product, RunMarks, SyncReport, SyncStatus};
use crate::runtime::unix_ms as ms;

/// How long after a kick-off the target may still show the previous run.
pub(super) const SETTLE: Duration = Duration::from_secs(10);

/// How long after a kick-off its run may begin, if nothing distinguishes that run from the previous one.
const LATEST_BEGIN: Duration = Duration::from_mins(1);

/// Without an observation for this long a run is considered finished: one hour exceeds every documented sync.
pub(super) const LONGEST_RUN: Duration = Duration::from_hours(1);

/// The state of a directory before a kick-off; for a waiting request, its state when the request arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Baseline {
    /// When the shown run began, on the clock of vIDM's start times, in milliseconds since 1970; absent if none was shown.
    #[serde(rename = "b")]
    began_ms: Option<u64>,
    /// When that run ended, on the same clock.
    #[serde(rename = "e")]
    ended_ms: Option<u64>,
    /// Whether that run was or may have been active.
    #[serde(rename = "r", default)]
    running: bool,
    /// The marks of the shown run, if it has no start time.
    #[serde(rename = "m", default)]
    marks: Option<RunMarks>,
    /// Whether the list of ended runs was read in place of the state: another run may have been active.
    #[serde(rename = "o", default)]
    ended_only: bool,
}

/// How the shown run relates to a [`Baseline`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// It is the earlier run, or one that began before the kick-off.
    Before,
    /// It began after the baseline was observed.
    After,
    /// Neither start times nor marks distinguish the runs.
    Untimed,
    /// The list of ended runs has no other run: a later one may be active.
    Hidden,
    /// There is no baseline: the directory could not be observed before.
    Unobserved,
}

impl Baseline {
    /// The content of `report`, as a baseline; `None` if it is empty.
    pub(super) fn of(report: &SyncReport) -> Option<Self> {
        let running = match report.status {
            SyncStatus::Queued | SyncStatus::Running => true,
            SyncStatus::Succeeded | SyncStatus::Failed => false,
            SyncStatus::Unknown if report.shows_no_run() => false,
            // With an unknown word it may be running; its start time still distinguishes it.
            SyncStatus::Unknown => report.started_at.map(|_| true)?,
        };
        let (began_ms, ended_ms) = (report.started_at.map(ms), report.finished_at.map(ms));
        let (marks, ended_only) = (report.marks, report.ended_only);
        Some(Self { began_ms, ended_ms, running, marks, ended_only })
    }

    /// How the run in `report` relates to `baseline`.
    pub(super) fn shown(baseline: Option<Self>, report: &SyncReport) -> Shown {
        let Some(baseline) = baseline else { return Shown::Unobserved };
        match baseline.compared_with(report) {
            // It may have been active before, when the list did not have it yet.
            Shown::After if baseline.ended_only => Shown::Unobserved,
            Shown::Before | Shown::Untimed if report.ended_only => Shown::Hidden,
            Shown::After if report.ended_only && !baseline.is_not_later_than(report) => Shown::Hidden,
            shown => shown,
        }
    }

    /// Whether the shown run of this baseline began no later than that of `report`. A list of ended runs may lack the latest
    /// ones: its newest run is then earlier than one that was shown before.
    fn is_not_later_than(&self, report: &SyncReport) -> bool {
        self.began_ms.zip(report.started_at.map(ms)).is_some_and(|(before, now)| before <= now)
    }

    fn compared_with(self, report: &SyncReport) -> Shown {
        if let Some(marks) = report.marks {
            return self.shown_by_marks(marks, is_active(report.status));
        }
        let began = report.started_at.map(ms);
        if !self.running && is_active(report.status) {
            return Shown::After;
        }
        match (self.began_ms, began) {
            (Some(before), Some(now)) if before != now => Shown::After,
            // Two runs within one second, if start times are whole seconds.
            (Some(_), Some(_)) if !self.running && differ(self.ended_ms, report.finished_at.map(ms)) => Shown::After,
            (Some(_), Some(_)) => Shown::Before,
            (None, Some(_)) if !self.running => Shown::After,
            (None, _) | (_, None) => Shown::Untimed,
        }
    }

    /// The same for a request whose ledger is gone. The marks of a run that was active when the request arrived are unknown,
    /// so the run that ended may be that one or a later one: to start another would be repeated after each end.
    pub(super) fn shown_without_ledger(baseline: Option<Self>, report: &SyncReport) -> Shown {
        match Self::shown(baseline, report) {
            Shown::Before if report.marks.is_some() && baseline.is_some_and(|baseline| baseline.running) => {
                Shown::Untimed
            }
            shown => shown,
        }
    }

    /// The same if only marks tell runs apart. Neither mark is certain to change at the same moment as the status: the log's
    /// entry may be late. So a run is another one if every mark that can be compared differs, and the earlier one if none
    /// does.
    fn shown_by_marks(self, now: RunMarks, active: bool) -> Shown {
        if self.running {
            // The run that was active may have ended since, and its marks with it.
            return Shown::Before;
        }
        if active {
            return Shown::After;
        }
        let before = self.marks.unwrap_or_default();
        let log = before.log.zip(now.log).map(|(before, now)| before != now);
        // The first sync of a directory sets the time.
        let time = now.last_sync.map(|now| before.last_sync != Some(now));
        match (log, time) {
            (Some(true), Some(true)) | (Some(true), None) | (None, Some(true)) => Shown::After,
            (Some(false), Some(false)) | (Some(false), None) | (None, Some(false)) => Shown::Before,
            (None, None) | (Some(true), Some(false)) | (Some(false), Some(true)) => Shown::Untimed,
        }
    }

    /// `report` as it is about runs after this baseline: the newest entry of the sync log that was there before is an earlier
    /// run's, and its result, counts and message are left out.
    pub(super) fn without_earlier_log(baseline: Option<Self>, report: &SyncReport) -> SyncReport {
        if !Self::is_log_unchanged(baseline, report) {
            return report.clone();
        }
        let status = report.without_log.unwrap_or(report.status);
        let reason = report.reason.filter(|_| status == SyncStatus::Failed);
        SyncReport { status, reason, counts: None, message: None, finished_at: None, ..report.clone() }
    }

    /// Whether the newest entry of the sync log in `report` was there before.
    pub(super) fn is_log_unchanged(baseline: Option<Self>, report: &SyncReport) -> bool {
        let before = baseline.and_then(Self::log);
        before.is_some() && before == report.marks.and_then(|marks| marks.log)
    }

    /// Those of `runs`, the latest first, that began after every run in this baseline.
    pub(super) fn later(self, mut runs: Vec<SyncReport>) -> Vec<SyncReport> {
        if let Some(log) = self.marks.and_then(|marks| marks.log) {
            let position = runs.iter().position(|run| run.marks.and_then(|marks| marks.log) == Some(log));
            // Without the earlier entry in the list it is unknown where the later ones begin.
            runs.truncate(position.unwrap_or(if log == 0 { runs.len() } else { 0 }));
            return runs;
        }
        runs.retain(|run| self.began_ms.zip(run.started_at.map(ms)).is_some_and(|(before, began)| began > before));
        runs
    }

    /// The newest entry of the sync log.
    pub(super) fn log(self) -> Option<u32> {
        self.marks?.log
    }

    /// Whether a run was or may have been active.
    pub(super) fn shows_running(&self) -> bool {
        self.running
    }
}

fn differ(one: Option<u64>, other: Option<u64>) -> bool {
    one.zip(other).is_some_and(|(one, other)| one != other)
}

pub(super) fn is_active(status: SyncStatus) -> bool {
    matches!(status, SyncStatus::Queued | SyncStatus::Running)
}

/// The knowledge about the kick-off that should serve the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KickOff {
    /// The ledger has a kick-off that came after the request, this long ago; and whether its run was seen active.
    Serving { ago: Duration, seen_running: bool },
    /// The ledger is the request's own, and no kick-off came after the request.
    Pending,
    /// The ledger is another one (the instance is gone); the request itself made a kick-off when it arrived, this long ago.
    Itself { ago: Duration },
    /// The ledger is another one, and the request only waited.
    Lost,
}

/// The state to report, and whether to do something first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// A run that began before the request is active, or is about to end.
    Queued,
    /// A run that serves the request is active, or is about to appear.
    Running,
    /// No run that serves the request is shown, but it may be active or about to begin: present groups decide, or else time.
    NotShown,
    /// The run that serves the request has ended.
    Ended { succeeded: bool },
    /// A run has ended that may have begun before the request: the groups decide, or a further run.
    Doubtful { succeeded: bool, doubt: Doubt },
    /// No run is active and none has served the request: start a run for all waiting requests.
    Start,
    /// The outcome cannot be known.
    Unknown(Doubt),
}

/// Why a status is `unknown` although the target's response could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// A run was started, but the target shows only an earlier one.
    NotShown,
    /// Nothing tells runs apart, and the instance that accepted the request is gone with its memory.
    LostQueue,
    /// The directory could not be observed before the start, and only clocks would show whether the run began before.
    Clocks,
    /// The target's reports do not distinguish runs, and no run was seen active since the start.
    NotSeen,
    /// Only ended runs can be read, so the shown one may have been active when the request came.
    EndedOnly,
    /// The target refuses every start because of a run that it does not show.
    Refused,
    /// The response cannot be interpreted.
    Unreadable,
}

impl Doubt {
    /// The fix.
    #[must_use]
    pub fn hint(self, product: Product) -> String {
        let hint = match self {
            Self::NotShown => {
                return format!("look for the run in {product}'s sync log; if there is none, start the sync again");
            }
            Self::LostQueue => {
                "start the sync again now that the earlier run has ended; with a key-value store (or groups in the start) idhook determines \
                 this by itself"
            }
            Self::Refused => {
                return format!(
                    "look for the running sync in {product}'s console; start the sync again once it has ended"
                );
            }
            Self::Clocks | Self::NotSeen | Self::EndedOnly => {
                "name groups in the start, so that their presence decides, or start the sync again"
            }
            Self::Unreadable => {
                return format!(
                    "`upstream.status` is {product}'s own word; name groups in the start, so that their presence decides, or \
                     check {product}'s sync log"
                );
            }
        };
        hint.to_owned()
    }
}

/// Decides from an observation: `status`, how the run `shown` relates to the earlier state, and the knowledge about the
/// `kick_off`.
pub(super) fn decide(status: SyncStatus, shown: Shown, kick_off: KickOff) -> Decision {
    match status {
        SyncStatus::Unknown => Decision::Unknown(Doubt::Unreadable),
        SyncStatus::Queued | SyncStatus::Running => match (shown, kick_off) {
            (Shown::After, _) => Decision::Running,
            (Shown::Before | Shown::Hidden, _) => Decision::Queued,
            (Shown::Untimed | Shown::Unobserved, KickOff::Serving { .. } | KickOff::Itself { .. }) => Decision::Running,
            (Shown::Untimed | Shown::Unobserved, KickOff::Pending | KickOff::Lost) => Decision::Queued,
        },
        SyncStatus::Succeeded | SyncStatus::Failed => ended(status == SyncStatus::Succeeded, shown, kick_off),
    }
}

/// The same for a directory that was never synced: its first run is not shown yet, as if an earlier one was.
pub(super) fn decide_before_the_first_run(kick_off: KickOff) -> Decision {
    ended(false, Shown::Before, kick_off)
}

fn ended(succeeded: bool, shown: Shown, kick_off: KickOff) -> Decision {
    let (ago, seen_running) = match kick_off {
        _ if shown == Shown::After => return Decision::Ended { succeeded },
        KickOff::Serving { ago, seen_running } => (ago, seen_running),
        KickOff::Itself { ago } => (ago, false),
        KickOff::Lost if matches!(shown, Shown::Untimed | Shown::Unobserved) => {
            return Decision::Unknown(Doubt::LostQueue);
        }
        KickOff::Pending | KickOff::Lost => return Decision::Start,
    };
    let is_settled = ago >= SETTLE || (seen_running && matches!(shown, Shown::Untimed | Shown::Unobserved));
    match shown {
        // An earlier run: ours is not shown yet, or was never created.
        _ if !is_settled => Decision::Running,
        Shown::Before if matches!(kick_off, KickOff::Serving { .. }) => Decision::Start,
        // A start here would be repeated by every instance that reads the state.
        Shown::Before => Decision::Unknown(Doubt::NotShown),
        Shown::Hidden if ago < LONGEST_RUN => Decision::NotShown,
        Shown::Hidden => Decision::Unknown(Doubt::NotShown),
        // It was idle before the kick-off and active after it, so the run that ended since then is ours.
        Shown::Untimed if seen_running => Decision::Ended { succeeded },
        // The connector may begin it late.
        Shown::Untimed if ago < LATEST_BEGIN => Decision::NotShown,
        Shown::Untimed => Decision::Doubtful { succeeded, doubt: Doubt::NotSeen },
        Shown::Unobserved | Shown::After => Decision::Doubtful { succeeded, doubt: Doubt::Clocks },
    }
}

#[cfg(test)]
impl Baseline {
    /// A baseline with all fields set.
    pub(super) fn example() -> Self {
        let at = 1_700_000_000_123;
        let marks = RunMarks { log: Some(u32::MAX), last_sync: Some(at) };
        Self { began_ms: Some(at), ended_ms: Some(at), running: true, marks: Some(marks), ended_only: true }
    }
}

#[cfg(test)]
mod tests;

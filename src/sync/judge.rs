//! The verdict: what one look at vIDM means for one request. No I/O, no clock; everything it needs is an argument.

use std::time::{Duration, SystemTime};

use crate::vidm::SyncStatus;

/// How long after a kick-off vIDM may still tell of the run before.
pub(super) const SETTLE: Duration = Duration::from_secs(10);

/// A moment on vIDM's clock, as well as it is known: between the two.
///
/// vIDM's clock is seen through the `Date` header of its answers, which counts whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Not before this.
    pub earliest: SystemTime,
    /// Not after this.
    pub latest: SystemTime,
}

impl Moment {
    /// When something happened that is `ago` past, seen from an answer whose `Date` was `date` and which took no longer
    /// than `took`.
    #[must_use]
    pub fn before(date: SystemTime, ago: Duration, took: Duration) -> Self {
        let back = |by: Duration| date.checked_sub(by).unwrap_or(SystemTime::UNIX_EPOCH);
        Self { earliest: back(ago + took), latest: back(ago) + Duration::from_secs(1) }
    }
}

/// When a run began, against a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Began {
    /// Certainly before it.
    Before,
    /// So close that the clocks cannot tell; in practice it is the run that was started then.
    Around,
    /// Certainly after it.
    After,
    /// vIDM does not say when.
    Unsaid,
}

impl Began {
    pub(super) fn against(began: Option<SystemTime>, moment: Option<Moment>) -> Self {
        match (began, moment) {
            (Some(began), Some(moment)) if began < moment.earliest => Self::Before,
            (Some(began), Some(moment)) if began > moment.latest => Self::After,
            (Some(_), Some(_)) => Self::Around,
            (None, _) | (_, None) => Self::Unsaid,
        }
    }
}

/// What is known of the kick-off that was to serve the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kicked {
    /// The ledger has a kick-off that came after the request, this long ago.
    Serving {
        ago: Duration,
        /// Somebody has seen it run.
        seen_running: bool,
        /// It was sent without a look at vIDM first: it may have joined a run of somebody else's without a word.
        blind: bool,
    },
    /// The ledger is the one the request was written into, and no kick-off came after the request.
    NotYet,
    /// The ledger is another one (the instance is gone); the request itself kicked off when it came, this long ago.
    ItselfOnce { ago: Duration },
    /// The ledger is another one, and the request only waited.
    Lost,
}

/// What to tell, and whether something is to be done first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// A run that began before the request is going on, or is about to give way.
    Queued,
    /// A run that serves the request is going on.
    Running,
    /// The run that serves the request has ended; `doubtful` where it may have begun a moment before the request.
    Ended { succeeded: bool, doubtful: bool },
    /// Nothing runs and nothing has served the request: start a run for all who wait.
    Start,
    /// It cannot be told.
    Unknown,
}

/// Judges what was seen: `status`, and when that run `began` against the kick-off (or, where there was none, the request).
pub(super) fn judge(status: SyncStatus, began: Began, kicked: Kicked) -> Verdict {
    match status {
        SyncStatus::Unknown => Verdict::Unknown,
        SyncStatus::Queued | SyncStatus::Running => match (began, kicked) {
            (Began::After | Began::Around, _) => Verdict::Running,
            (Began::Before, _) => Verdict::Queued,
            (Began::Unsaid, Kicked::Serving { .. } | Kicked::ItselfOnce { .. }) => Verdict::Running,
            (Began::Unsaid, Kicked::NotYet | Kicked::Lost) => Verdict::Queued,
        },
        SyncStatus::Succeeded | SyncStatus::Failed => {
            let succeeded = status == SyncStatus::Succeeded;
            match (began, kicked) {
                (Began::After, _) => Verdict::Ended { succeeded, doubtful: false },
                // Around the request alone, nothing having been kicked off for it: that run was not started for it.
                (Began::Around, Kicked::NotYet) => Verdict::Start,
                (Began::Around, Kicked::Serving { .. }) => Verdict::Ended { succeeded, doubtful: false },
                (Began::Around, Kicked::ItselfOnce { .. } | Kicked::Lost) => {
                    Verdict::Ended { succeeded, doubtful: true }
                }
                // An older run: ours does not show yet, or never came to be.
                (Began::Before, Kicked::Serving { ago, .. } | Kicked::ItselfOnce { ago }) if ago < SETTLE => {
                    Verdict::Running
                }
                (Began::Before, _) => Verdict::Start,
                // Perhaps an older run was joined, and no time tells: the next kick-off looks first.
                (Began::Unsaid, Kicked::Serving { ago, blind: true, seen_running })
                    if seen_running || ago >= SETTLE =>
                {
                    Verdict::Start
                }
                (Began::Unsaid, Kicked::Serving { ago, seen_running, .. }) => {
                    if seen_running || ago >= SETTLE {
                        Verdict::Ended { succeeded, doubtful: false }
                    } else {
                        Verdict::Running
                    }
                }
                (Began::Unsaid, Kicked::ItselfOnce { ago }) => {
                    if ago >= SETTLE {
                        Verdict::Ended { succeeded, doubtful: false }
                    } else {
                        Verdict::Running
                    }
                }
                (Began::Unsaid, Kicked::NotYet) => Verdict::Start,
                // Starting here would start again with every instance that is asked.
                (Began::Unsaid, Kicked::Lost) => Verdict::Unknown,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVING: Kicked = Kicked::Serving { ago: Duration::from_secs(1), seen_running: false, blind: false };
    const SETTLED: Kicked = Kicked::Serving { ago: SETTLE, seen_running: false, blind: false };
    const BLIND: Kicked = Kicked::Serving { ago: SETTLE, seen_running: true, blind: true };
    const ITSELF: Kicked = Kicked::ItselfOnce { ago: Duration::from_secs(1) };

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_moment_is_as_wide_as_the_clocks_are_unsure() {
        // Answered in 2 s by a server whose clock said 100 (and up to a second more); the request came 3 s before the answer.
        let moment = Moment::before(at(100), Duration::from_secs(3), Duration::from_secs(2));
        assert_eq!(moment, Moment { earliest: at(95), latest: at(98) });
        let began = |seconds| Began::against(Some(at(seconds)), Some(moment));
        assert_eq!(
            (began(94), began(95), began(98), began(99)),
            (Began::Before, Began::Around, Began::Around, Began::After)
        );
        assert_eq!(Began::against(None, Some(moment)), Began::Unsaid);
        assert_eq!(Began::against(Some(at(1)), None), Began::Unsaid);
    }

    #[test]
    fn a_run_that_began_before_the_request_never_ends_it() {
        for kicked in [SERVING, SETTLED, Kicked::NotYet, ITSELF, Kicked::Lost] {
            for status in [SyncStatus::Succeeded, SyncStatus::Failed] {
                let verdict = judge(status, Began::Before, kicked);
                assert!(!matches!(verdict, Verdict::Ended { .. }), "{kicked:?}: {verdict:?}");
            }
            assert_eq!(judge(SyncStatus::Running, Began::Before, kicked), Verdict::Queued);
        }
    }

    #[test]
    fn a_run_that_began_after_the_request_always_serves_it() {
        for kicked in [SERVING, SETTLED, Kicked::NotYet, ITSELF, Kicked::Lost] {
            assert_eq!(judge(SyncStatus::Running, Began::After, kicked), Verdict::Running);
            assert_eq!(
                judge(SyncStatus::Succeeded, Began::After, kicked),
                Verdict::Ended { succeeded: true, doubtful: false }
            );
        }
    }

    #[test]
    fn an_old_result_right_after_the_kick_off_is_not_believed() {
        assert_eq!(judge(SyncStatus::Succeeded, Began::Before, SERVING), Verdict::Running);
        assert_eq!(judge(SyncStatus::Succeeded, Began::Unsaid, SERVING), Verdict::Running);
        assert_eq!(judge(SyncStatus::Succeeded, Began::Before, SETTLED), Verdict::Start, "it never came to be");
        assert_eq!(
            judge(SyncStatus::Failed, Began::Unsaid, SETTLED),
            Verdict::Ended { succeeded: false, doubtful: false }
        );
    }

    #[test]
    fn without_times_a_kick_off_that_did_not_look_proves_nothing() {
        assert_eq!(judge(SyncStatus::Succeeded, Began::Unsaid, BLIND), Verdict::Start);
        assert_eq!(judge(SyncStatus::Running, Began::Unsaid, BLIND), Verdict::Running);
        let ended = Verdict::Ended { succeeded: true, doubtful: false };
        assert_eq!(judge(SyncStatus::Succeeded, Began::Around, BLIND), ended, "where vIDM tells times, they decide");
    }

    #[test]
    fn who_waits_gets_a_run_when_nothing_runs() {
        assert_eq!(judge(SyncStatus::Succeeded, Began::Unsaid, Kicked::NotYet), Verdict::Start);
        assert_eq!(judge(SyncStatus::Failed, Began::Before, Kicked::Lost), Verdict::Start);
        assert_eq!(judge(SyncStatus::Succeeded, Began::Unsaid, Kicked::Lost), Verdict::Unknown, "no loop of starts");
    }
}

use std::time::SystemTime;

use super::*;
use crate::directory::{Counts, FailureReason};

const EARLY: KickOff = KickOff::Serving { ago: Duration::from_secs(1), seen_running: false };
const SETTLED: KickOff = KickOff::Serving { ago: SETTLE, seen_running: false };
const SEEN: KickOff = KickOff::Serving { ago: Duration::from_secs(1), seen_running: true };
const ITSELF: KickOff = KickOff::Itself { ago: Duration::from_secs(1) };
const ITSELF_SETTLED: KickOff = KickOff::Itself { ago: SETTLE };
const ALL: [KickOff; 7] = [EARLY, SETTLED, SEEN, KickOff::Pending, ITSELF, ITSELF_SETTLED, KickOff::Lost];

fn report(status: SyncStatus, began: Option<u64>) -> SyncReport {
    let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    SyncReport { status, started_at: began.map(at), ..SyncReport::running() }
}

fn baseline(status: SyncStatus, began: Option<u64>) -> Option<Baseline> {
    Baseline::of(&report(status, began))
}

#[test]
fn earlier_and_later_runs_differ_by_start_time() {
    use SyncStatus::{Failed, Running, Succeeded};
    let shown = |before, now| Baseline::shown(before, &now);
    let idle = baseline(Succeeded, Some(100));
    assert_eq!(shown(idle, report(Succeeded, Some(100))), Shown::Before);
    assert_eq!(shown(idle, report(Failed, Some(160))), Shown::After);
    // After a clock was set back, another run still has another start time.
    assert_eq!(shown(idle, report(Succeeded, Some(40))), Shown::After);
    // Idle before and running now: another run, even if whole seconds make both start times equal.
    assert_eq!(shown(idle, report(Running, Some(100))), Shown::After);
    let busy = baseline(Running, Some(100));
    assert_eq!(shown(busy, report(Running, Some(100))), Shown::Before);
    assert_eq!(shown(busy, report(Succeeded, Some(100))), Shown::Before);
    assert_eq!(shown(busy, report(Running, Some(130))), Shown::After);
    assert_eq!(shown(None, report(Succeeded, Some(100))), Shown::Unobserved);
}

#[test]
fn runs_within_one_second_differ_by_end_time() {
    let ended = |at| SyncReport {
        finished_at: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(at)),
        ..report(SyncStatus::Succeeded, Some(100))
    };
    let before = Baseline::of(&ended(100));
    assert_eq!(Baseline::shown(before, &ended(100)), Shown::Before);
    assert_eq!(Baseline::shown(before, &ended(101)), Shown::After);
}

#[test]
fn without_start_times_only_a_change_to_running_shows_a_new_run() {
    use SyncStatus::{Running, Succeeded, Unknown};
    let idle = baseline(Succeeded, None);
    assert_eq!(Baseline::shown(idle, &report(Running, None)), Shown::After);
    assert_eq!(Baseline::shown(idle, &report(Succeeded, None)), Shown::Untimed);
    assert_eq!(Baseline::shown(idle, &report(Succeeded, Some(5))), Shown::After, "the first run of the directory");
    let busy = baseline(Running, None);
    assert_eq!(Baseline::shown(busy, &report(Running, None)), Shown::Untimed);
    assert_eq!(Baseline::shown(busy, &report(Succeeded, Some(5))), Shown::Untimed, "it may be the same one");
    assert_eq!(baseline(Unknown, None), None);
    assert!(baseline(Unknown, Some(5)).unwrap().running, "an unknown word may mean running");
}

#[test]
fn list_of_ended_runs_shows_neither_an_idle_directory_nor_that_none_is_active() {
    use SyncStatus::{Running, Succeeded};
    let listed = |began| SyncReport { ended_only: true, ..report(Succeeded, began) };
    let before = Baseline::of(&listed(Some(100)));
    assert_eq!(Baseline::shown(before, &listed(Some(100))), Shown::Hidden);
    assert_eq!(Baseline::shown(before, &report(Succeeded, Some(100))), Shown::Before, "the state can be read again");
    for later in [listed(Some(160)), report(Succeeded, Some(160)), report(Running, Some(160)), report(Running, None)] {
        assert_eq!(Baseline::shown(before, &later), Shown::Unobserved, "it may have been active before: {later:?}");
    }
    // The state could be read before, and showed an idle directory.
    let before = baseline(Succeeded, Some(100));
    assert_eq!(Baseline::shown(before, &listed(Some(100))), Shown::Hidden);
    assert_eq!(Baseline::shown(before, &listed(Some(160))), Shown::After);
    assert_eq!(Baseline::shown(before, &listed(None)), Shown::Hidden, "without times any row is the same");
    assert_eq!(Baseline::shown(before, &listed(Some(40))), Shown::Hidden, "the row of the shown run is late");
    let untimed = baseline(Succeeded, None);
    assert_eq!(Baseline::shown(untimed, &listed(Some(40))), Shown::Hidden, "the state has no times, the list has");
}

#[test]
fn baseline_says_whether_a_run_was_active() {
    for (status, is_active) in [(SyncStatus::Succeeded, false), (SyncStatus::Running, true)] {
        assert_eq!(baseline(status, Some(100)).unwrap().shows_running(), is_active);
    }
}

#[test]
fn directory_that_was_never_synced_is_idle() {
    for word in [SyncReport::NO_CONTENT, SyncReport::NEVER] {
        let never = SyncReport { upstream_word: Some(word.to_owned()), ..report(SyncStatus::Unknown, None) };
        let before = Baseline::of(&never);
        assert!(before.is_some_and(|before| !before.shows_running()), "{word}");
        assert_eq!(Baseline::shown(before, &report(SyncStatus::Running, None)), Shown::After, "{word}");
    }
}

/// A report of a product that has no start times.
fn marked(status: SyncStatus, log: Option<u32>, last_sync: Option<u64>) -> SyncReport {
    SyncReport { marks: Some(RunMarks { log, last_sync }), ..report(status, None) }
}

#[test]
fn run_is_another_one_if_every_comparable_mark_differs() {
    let before = Baseline::of(&marked(SyncStatus::Succeeded, Some(1), Some(10)));
    for (log, last_sync, expected) in [
        (Some(2), Some(20), Shown::After),
        (Some(2), None, Shown::After),
        (None, Some(20), Shown::After),
        (Some(1), Some(10), Shown::Before),
        (Some(1), None, Shown::Before),
        (None, Some(10), Shown::Before),
        // The log's entry, or the time, is late.
        (Some(1), Some(20), Shown::Untimed),
        (Some(2), Some(10), Shown::Untimed),
        (None, None, Shown::Untimed),
    ] {
        let shown = Baseline::shown(before, &marked(SyncStatus::Succeeded, log, last_sync));
        assert_eq!(shown, expected, "{log:?}, {last_sync:?}");
        assert_eq!(Baseline::shown(before, &marked(SyncStatus::Running, log, last_sync)), Shown::After, "idle before");
    }
    let first = Baseline::of(&marked(SyncStatus::Succeeded, None, None));
    assert_eq!(
        Baseline::shown(first, &marked(SyncStatus::Succeeded, None, Some(10))),
        Shown::After,
        "the first sync sets the time"
    );
    let busy = Baseline::of(&marked(SyncStatus::Running, Some(1), Some(10)));
    assert_eq!(Baseline::shown(busy, &marked(SyncStatus::Succeeded, Some(2), Some(20))), Shown::Before);
}

#[test]
fn entry_of_an_earlier_run_says_nothing_about_this_one() {
    let now = SyncReport {
        reason: Some(FailureReason::SyncFailed),
        counts: Some(Counts::default()),
        message: Some("the earlier run's".to_owned()),
        finished_at: Some(SystemTime::UNIX_EPOCH),
        without_log: Some(SyncStatus::Running),
        ..marked(SyncStatus::Failed, Some(1), None)
    };
    let without = |before: &SyncReport, now: &SyncReport| Baseline::without_earlier_log(Baseline::of(before), now);
    let same = without(&marked(SyncStatus::Succeeded, Some(1), None), &now);
    let nothing_of_it = SyncReport {
        status: SyncStatus::Running,
        reason: None,
        counts: None,
        message: None,
        finished_at: None,
        ..now.clone()
    };
    assert_eq!(same, nothing_of_it);
    for before in [marked(SyncStatus::Succeeded, Some(2), None), marked(SyncStatus::Succeeded, None, None)] {
        assert_eq!(without(&before, &now), now, "{before:?}");
    }
    let unread = SyncReport { message: Some("not of the log".to_owned()), ..marked(SyncStatus::Succeeded, None, None) };
    assert_eq!(without(&marked(SyncStatus::Succeeded, None, None), &unread), unread);
    assert_eq!(Baseline::without_earlier_log(None, &now), now);
}

#[test]
fn reason_of_a_failure_stays_while_it_is_one() {
    let reason = Some(FailureReason::SyncFailed);
    let before = Baseline::of(&marked(SyncStatus::Succeeded, Some(1), None));
    for (status, kept) in [(SyncStatus::Failed, reason), (SyncStatus::Succeeded, None)] {
        let now = SyncReport { reason, without_log: Some(status), ..marked(SyncStatus::Failed, Some(1), None) };
        let seen = Baseline::without_earlier_log(before, &now);
        assert_eq!((seen.status, seen.reason), (status, kept));
    }
}

#[test]
fn later_runs_are_those_after_the_baseline() {
    let timed = |seconds: &[u64]| seconds.iter().map(|at| report(SyncStatus::Succeeded, Some(*at))).collect::<Vec<_>>();
    let before = baseline(SyncStatus::Succeeded, Some(100)).unwrap();
    assert_eq!(before.later(timed(&[160, 101, 100, 40])), timed(&[160, 101]));

    let entries =
        |logs: &[u32]| logs.iter().map(|log| marked(SyncStatus::Succeeded, Some(*log), None)).collect::<Vec<_>>();
    let before = |log| Baseline::of(&marked(SyncStatus::Succeeded, Some(log), None)).unwrap();
    assert_eq!(before(7).later(entries(&[9, 8, 7, 6])), entries(&[9, 8]));
    assert_eq!(before(7).later(entries(&[9, 8])), [], "where the later ones begin is unknown");
    assert_eq!(before(0).later(entries(&[9, 8])), entries(&[9, 8]), "the log was empty");
}

#[test]
fn run_from_before_never_ends_a_request() {
    for kick_off in ALL {
        for status in [SyncStatus::Succeeded, SyncStatus::Failed] {
            let decision = decide(status, Shown::Before, kick_off);
            assert!(
                !matches!(decision, Decision::Ended { .. } | Decision::Doubtful { .. }),
                "{kick_off:?}: {decision:?}"
            );
        }
        assert_eq!(decide(SyncStatus::Running, Shown::Before, kick_off), Decision::Queued);
    }
}

#[test]
fn run_from_after_serves_every_request() {
    for kick_off in ALL {
        assert_eq!(decide(SyncStatus::Running, Shown::After, kick_off), Decision::Running);
        assert_eq!(decide(SyncStatus::Succeeded, Shown::After, kick_off), Decision::Ended { succeeded: true });
    }
}

#[test]
fn old_result_right_after_the_kick_off_is_ignored() {
    use SyncStatus::Succeeded;
    for shown in [Shown::Before, Shown::Untimed, Shown::Unobserved, Shown::Hidden] {
        for kick_off in [EARLY, ITSELF] {
            assert_eq!(decide(Succeeded, shown, kick_off), Decision::Running, "{shown:?}");
        }
    }
    assert_eq!(decide(Succeeded, Shown::Before, SETTLED), Decision::Start, "it was never created");
    assert_eq!(
        decide(Succeeded, Shown::Before, ITSELF_SETTLED),
        Decision::Unknown(Doubt::NotShown),
        "no loop of starts"
    );
}

#[test]
fn end_without_times_counts_only_if_the_run_was_seen_active() {
    use SyncStatus::{Failed, Succeeded};
    let ago = |ago, seen_running| [KickOff::Serving { ago, seen_running }, KickOff::Itself { ago }];
    assert_eq!(decide(Succeeded, Shown::Untimed, SEEN), Decision::Ended { succeeded: true });
    assert_eq!(decide(Failed, Shown::Untimed, SEEN), Decision::Ended { succeeded: false });
    let just_before = LATEST_BEGIN - Duration::from_millis(1);
    for kick_off in [SETTLED, ITSELF_SETTLED].into_iter().chain(ago(just_before, false)) {
        assert_eq!(decide(Succeeded, Shown::Untimed, kick_off), Decision::NotShown, "{kick_off:?}");
    }
    for kick_off in ago(LATEST_BEGIN, false) {
        let doubtful = Decision::Doubtful { succeeded: false, doubt: Doubt::NotSeen };
        assert_eq!(decide(Failed, Shown::Untimed, kick_off), doubtful, "{kick_off:?}");
    }
}

#[test]
fn run_outside_the_list_of_ended_runs_may_last_an_hour() {
    use SyncStatus::Succeeded;
    let just_before = LONGEST_RUN - Duration::from_millis(1);
    for seen_running in [true, false] {
        for (ago, expected) in [
            (SETTLE, Decision::NotShown),
            (just_before, Decision::NotShown),
            (LONGEST_RUN, Decision::Unknown(Doubt::NotShown)),
        ] {
            for kick_off in [KickOff::Serving { ago, seen_running }, KickOff::Itself { ago }] {
                assert_eq!(decide(Succeeded, Shown::Hidden, kick_off), expected, "{kick_off:?}");
            }
        }
    }
    for kick_off in [KickOff::Pending, KickOff::Lost] {
        assert_eq!(decide(Succeeded, Shown::Hidden, kick_off), Decision::Start, "{kick_off:?}");
    }
}

#[test]
fn kick_off_without_an_observation_before_it_proves_nothing() {
    let doubtful = Decision::Doubtful { succeeded: true, doubt: Doubt::Clocks };
    for kick_off in [SETTLED, SEEN, ITSELF_SETTLED] {
        assert_eq!(decide(SyncStatus::Succeeded, Shown::Unobserved, kick_off), doubtful);
    }
    assert_eq!(decide(SyncStatus::Running, Shown::Unobserved, SETTLED), Decision::Running);
}

#[test]
fn waiting_request_gets_a_run_when_nothing_runs() {
    use SyncStatus::{Failed, Succeeded};
    assert_eq!(decide(Succeeded, Shown::Untimed, KickOff::Pending), Decision::Start);
    assert_eq!(decide(Succeeded, Shown::Unobserved, KickOff::Pending), Decision::Start);
    assert_eq!(decide(Failed, Shown::Before, KickOff::Lost), Decision::Start);
    assert_eq!(
        decide(Succeeded, Shown::Untimed, KickOff::Lost),
        Decision::Unknown(Doubt::LostQueue),
        "no loop of starts"
    );
}

#[test]
fn every_doubt_says_what_to_do_now() {
    for (doubt, word) in [
        (Doubt::NotShown, "look for the run in vIDM's sync log"),
        (Doubt::LostQueue, "start the sync again"),
        (Doubt::Clocks, "name groups in the start"),
        (Doubt::NotSeen, "name groups in the start"),
        (Doubt::EndedOnly, "name groups in the start"),
        (Doubt::Refused, "vIDM's console"),
        (Doubt::Unreadable, "vIDM's own word"),
    ] {
        assert!(doubt.hint(Product::Vidm).contains(word), "{doubt:?}: {}", doubt.hint(Product::Vidm));
    }
    assert!(Doubt::NotShown.hint(Product::Fleet).contains("VCF Operations"));
}

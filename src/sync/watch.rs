//! Watches a sync: observes it repeatedly, less and less often, until it is final or the time is up.

use std::time::Duration;

use serde::Serialize;

use super::SyncDocument;
use crate::error::{Error, Result};
use crate::runtime::Clock;

/// The maximum age of a watcher's first observation.
const FRESH: Duration = Duration::from_millis(900);
/// The first wait between two observations of a sync.
const FIRST: Duration = Duration::from_secs(1);
/// The longest wait, unless the upstream requires a longer one.
const LONGEST: Duration = Duration::from_secs(10);
/// How long before its end a wait observes for the last time, so that its result is there in time: proxies and clients often wait
/// exactly as long as they say.
const WAIT_RESERVE: Duration = Duration::from_secs(1);

/// The waits between observations: from one second to ten, or as long as the upstream requires.
///
/// A watcher reuses another watcher's observation if it is newer than its own polling interval, and counts its next wait
/// from it. So all watchers of a directory synchronise, and together cost as many calls as one.
#[derive(Debug, Clone, Copy)]
struct Pace {
    next: Duration,
    /// The maximum age of an observation.
    max_age: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { next: FIRST, max_age: FRESH }
    }
}

impl Pace {
    /// The wait after an observation of this age.
    fn after_look(&mut self, age: Duration) -> Duration {
        self.max_age = self.next;
        self.step().saturating_sub(age)
    }

    /// The wait after a failure, at least as long as the upstream required.
    fn after_failure(&mut self, asked: Option<Duration>) -> Duration {
        let wait = self.step();
        asked.map_or(wait, |asked| asked.max(wait))
    }

    fn step(&mut self) -> Duration {
        let wait = self.next;
        self.next = (wait * 3 / 2).min(LONGEST);
        wait
    }

    /// Resets the pace after a change.
    fn again(&mut self) {
        self.next = FIRST;
    }
}

/// The pauses between the observations of a wait. The last one ends a second before the wait does.
#[derive(Debug)]
pub(crate) struct Pauses {
    pace: Pace,
    ends: Duration,
}

impl Pauses {
    /// The pauses of a wait of at most `max_wait`.
    pub(crate) fn new(clock: &impl Clock, max_wait: Duration) -> Self {
        let ends = clock.elapsed().saturating_add(max_wait.saturating_sub(WAIT_RESERVE));
        Self { pace: Pace::default(), ends }
    }

    /// Sleeps until the next observation, after one of the specified age or after a failure. `false` if no time is left for another,
    /// or if the upstream requires a longer wait than that.
    pub(crate) async fn next(&mut self, clock: &impl Clock, seen: std::result::Result<Duration, &Error>) -> bool {
        let (pause, required) = match seen {
            Ok(age) => (self.pace.after_look(age), Duration::ZERO),
            Err(error) => (self.pace.after_failure(error.wait()), error.wait().unwrap_or_default()),
        };
        let left = self.ends.saturating_sub(clock.elapsed());
        if required >= left {
            return false;
        }
        if pause >= left {
            self.pace.max_age = FRESH;
        }
        clock.sleep(pause.min(left)).await;
        true
    }
}

/// Observes a sync until it is final or `max_wait` has passed, and returns the last state either way. The last observation is a second
/// before the end. `look` returns the state from an observation no older than its argument.
///
/// # Errors
/// A permanent failure; a transient one, if no state was observed in time.
pub async fn wait<T: AsRef<SyncDocument>>(
    clock: &impl Clock,
    max_wait: Duration,
    look: impl AsyncFn(Duration) -> Result<T>,
) -> Result<T> {
    let mut pauses = Pauses::new(clock, max_wait);
    let mut last: Option<T> = None;
    loop {
        let outcome = look(pauses.pace.max_age).await;
        match &outcome {
            Ok(seen) if seen.as_ref().is_final() => return outcome,
            Err(error) if !error.is_retryable() => return outcome,
            // A run that was waited for may be short.
            Ok(seen) if last.as_ref().is_some_and(|last| last.as_ref().status != seen.as_ref().status) => {
                pauses.pace.again();
            }
            _ => {}
        }
        let has_time = pauses.next(clock, outcome.as_ref().map(|seen| seen.as_ref().age)).await;
        // A transient failure is retried; the state before it is still valid.
        let outcome = outcome.or_else(|error| last.take().ok_or(error));
        if !has_time {
            return outcome;
        }
        last = outcome.ok();
    }
}

/// The next result of a watch.
#[derive(Debug)]
pub enum WatchEvent<T> {
    /// A new state.
    State(T),
    /// An observation failed. The watch continues if the failure may be transient.
    Failure(Error),
    /// No change: a wait of at most ten seconds is over.
    Nothing,
}

/// A watch: each change of a sync, as observed. It ends with the final state, with a permanent failure, or with an observation
/// at its time limit.
#[derive(Debug)]
pub struct Watch {
    last: Option<String>,
    pace: Pace,
    ends: Duration,
    next: Next,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Observation,
    Wait {
        left: Duration,
        /// Whether the upstream required it.
        is_required: bool,
    },
    End,
}

impl Watch {
    /// A watch for at most `limit`.
    pub fn new(clock: &impl Clock, limit: Duration) -> Self {
        let ends = clock.elapsed().saturating_add(limit);
        Self { last: None, pace: Pace::default(), ends, next: Next::Observation }
    }

    /// Advances by one observation or by at most ten seconds of the wait before it; `None` at the end. `look` returns the
    /// state from an observation no older than its argument.
    pub async fn next<T: AsRef<SyncDocument> + Serialize>(
        &mut self,
        clock: &impl Clock,
        look: impl AsyncFnOnce(Duration) -> Result<T>,
    ) -> Option<WatchEvent<T>> {
        if self.next == Next::Observation {
            match look(self.pace.max_age).await {
                Ok(state) => {
                    if self.is_news(&state) {
                        return Some(WatchEvent::State(state));
                    }
                }
                Err(error) => {
                    self.next = match error.is_retryable() {
                        true => Next::Wait {
                            left: self.pace.after_failure(error.wait()),
                            is_required: error.wait().is_some(),
                        },
                        false => Next::End,
                    };
                    return Some(WatchEvent::Failure(error));
                }
            }
        }
        let Next::Wait { left, is_required } = self.next else { return None };
        let until_end = self.ends.saturating_sub(clock.elapsed());
        if until_end.is_zero() {
            self.next = Next::End;
            return None;
        }
        let slice = left.min(until_end).min(LONGEST);
        let is_last = slice == until_end;
        clock.sleep(slice).await;
        self.next = match left.saturating_sub(slice) {
            Duration::ZERO => Next::Observation,
            _ if is_last && !is_required => Next::Observation,
            left => Next::Wait { left, is_required },
        };
        if is_last {
            self.pace.max_age = FRESH;
        }
        Some(WatchEvent::Nothing)
    }

    fn is_news<T: AsRef<SyncDocument> + Serialize>(&mut self, state: &T) -> bool {
        let text = serde_json::to_string(state).unwrap_or_default();
        let is_news = self.last.as_ref() != Some(&text);
        if is_news {
            self.pace.again();
            self.last = Some(text);
        }
        let document = state.as_ref();
        self.next = match document.is_final() {
            true => Next::End,
            false => Next::Wait { left: self.pace.after_look(document.age), is_required: false },
        };
        is_news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pace_slows_down_to_ten_seconds() {
        let mut pace = Pace::default();
        let waits: Vec<_> = (0..8).map(|_| pace.after_look(Duration::ZERO).as_millis()).collect();
        assert_eq!(waits, [1000, 1500, 2250, 3375, 5062, 7593, 10_000, 10_000]);
        assert_eq!(pace.after_failure(Some(Duration::from_secs(60))), Duration::from_secs(60));
        pace.again();
        assert_eq!(pace.after_failure(None), FIRST);
    }

    #[test]
    fn reused_observation_sets_the_next_wait() {
        let mut pace = Pace::default();
        assert_eq!(pace.max_age, FRESH);
        assert_eq!(pace.after_look(Duration::from_millis(300)), Duration::from_millis(700));
        assert_eq!(pace.max_age, FIRST, "as old as its own last look would be");
        assert_eq!(pace.after_look(Duration::from_secs(9)), Duration::ZERO);
    }
}

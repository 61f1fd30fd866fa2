//! What a run counts: statuses, times, facts, and broken promises, each with examples.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;

use crate::cell::milliseconds;

/// The kept examples of one kind.
const EXAMPLES: usize = 5;

/// The counts of a run, shared by all its tasks.
#[derive(Debug, Default)]
pub(super) struct Tally(Mutex<Counts>);

/// The same for the report.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Counts {
    pub(super) facts: BTreeMap<&'static str, u64>,
    /// Responses by route, status and error code.
    pub(super) responses: BTreeMap<String, u64>,
    /// Those that the route's caller did not expect.
    pub(super) unexpected: BTreeMap<String, Examples>,
    /// By promise.
    pub(super) broken: BTreeMap<&'static str, Examples>,
    #[serde(skip)]
    times: BTreeMap<&'static str, Vec<Duration>>,
}

/// How often, and the first examples.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Examples {
    pub(super) count: u64,
    pub(super) examples: Vec<String>,
}

impl Examples {
    fn add(&mut self, example: impl FnOnce() -> String) {
        self.count += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(example());
        }
    }
}

/// A distribution of times, in milliseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Times {
    pub(super) count: usize,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    pub(super) max_ms: f64,
}

impl Tally {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds `more` to a fact.
    pub(super) fn add(&self, fact: &'static str, more: u64) {
        *self.counts().facts.entry(fact).or_default() += more;
    }

    /// Counts one of a fact.
    pub(super) fn count(&self, fact: &'static str) {
        self.add(fact, 1);
    }

    pub(super) fn fact(&self, fact: &'static str) -> u64 {
        self.counts().facts.get(fact).copied().unwrap_or_default()
    }

    pub(super) fn time(&self, what: &'static str, time: Duration) {
        self.counts().times.entry(what).or_default().push(time);
    }

    /// Counts a response.
    pub(super) fn response(&self, what: String, is_expected: bool, example: impl FnOnce() -> String) {
        let mut counts = self.counts();
        if !is_expected {
            counts.unexpected.entry(what.clone()).or_default().add(example);
        }
        *counts.responses.entry(what).or_default() += 1;
    }

    /// Counts a case against a promise.
    pub(super) fn broke(&self, promise: &'static str, example: impl Display) {
        self.counts().broken.entry(promise).or_default().add(|| example.to_string());
    }

    pub(super) fn snapshot(&self) -> Counts {
        self.counts().clone()
    }
}

impl Counts {
    /// How many cases there are against promises.
    pub(super) fn broken(&self) -> u64 {
        self.broken.values().map(|examples| examples.count).sum()
    }

    pub(super) fn unexpected(&self) -> u64 {
        self.unexpected.values().map(|examples| examples.count).sum()
    }

    /// Each recorded time as a distribution.
    pub(super) fn times(&self) -> BTreeMap<&'static str, Times> {
        let distribution = |times: &Vec<Duration>| {
            let mut sorted = times.clone();
            sorted.sort_unstable();
            let at = |percent: usize| {
                let place = (sorted.len().saturating_sub(1) * percent).div_ceil(100);
                sorted.get(place).copied().map(milliseconds).unwrap_or_default()
            };
            Times { count: sorted.len(), p50_ms: at(50), p99_ms: at(99), max_ms: at(100) }
        };
        self.times.iter().map(|(what, times)| (*what, distribution(times))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_are_few_and_counts_are_complete() {
        let tally = Tally::default();
        for number in 0..9 {
            tally.broke("joins", number);
            tally.time("sync", Duration::from_millis(number + 1));
        }
        let counts = tally.snapshot();
        assert_eq!((counts.broken(), counts.broken["joins"].examples.len()), (9, EXAMPLES));
        let times = counts.times()["sync"];
        assert_eq!((times.count, times.p50_ms, times.max_ms), (9, 5.0, 9.0));
    }
}

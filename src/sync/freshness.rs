//! Which directories have no recent successful sync.

use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::Coordinator;
use super::directory_service::DirectoryService;
use crate::directory::{DirectorySummary, SyncReport, SyncStatus};
use crate::error::Result;
use crate::runtime::{Runtime, rfc3339};

/// How far two clocks may differ: a time that is farther ahead is in another zone, or wrong. Kerberos allows the same.
const SKEW: Duration = Duration::from_mins(5);

/// Why a directory counts as stale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub(crate) enum StaleReason {
    /// It was never synced.
    NeverSynced,
    /// Its latest sync ended longer ago than the period.
    TooOld,
    /// Its latest sync failed.
    Failed,
    /// Its latest sync is still active after more than the period.
    Stuck,
    /// The state or the time of its latest sync could not be read, or that time is in the future.
    Unknown,
}

/// A directory without a sync that is known to have succeeded within a period.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub(crate) struct StaleDirectory {
    /// The directory.
    pub(crate) directory: DirectorySummary,
    /// Why it counts as stale.
    pub(crate) reason: StaleReason,
    /// Whole seconds since its latest sync ended or, while it is active, began; absent if the target reports no time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) age: Option<u64>,
    /// The latest sync, as the target reports it; absent if the state could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sync: Option<SyncReport>,
    /// Why the state or the age is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
}

impl<R: Runtime, D: DirectoryService> Coordinator<'_, R, D> {
    /// Those of `directories` whose latest sync is not known to have succeeded within `period`, each read on its own: one that
    /// cannot be read is stale, because a monitor must not report it as fresh.
    ///
    /// # Errors
    /// The error of the first directory, if no state can be read.
    pub(crate) async fn stale(
        &self,
        directories: Vec<DirectorySummary>,
        period: Duration,
    ) -> Result<Vec<StaleDirectory>> {
        let (mut stale, mut was_read, mut first_error) = (Vec::new(), false, None);
        for directory in directories {
            match self.latest(&directory.id).await {
                Ok(report) => {
                    was_read = true;
                    let now = report.server_time.unwrap_or_else(|| self.now());
                    if let (Some(reason), age) = staleness(&report, period, now) {
                        let age = age.map(|age| age.as_secs());
                        let message = (reason == StaleReason::Unknown).then(|| self.ahead(&report, now)).flatten();
                        stale.push(StaleDirectory { directory, reason, age, sync: Some(report), message });
                    }
                }
                Err(error) => {
                    let (reason, message) = (StaleReason::Unknown, Some(error.detail().to_owned()));
                    stale.push(StaleDirectory { directory, reason, age: None, sync: None, message });
                    first_error.get_or_insert(error);
                }
            }
        }
        match first_error {
            Some(error) if !was_read => Err(error),
            _ => Ok(stale),
        }
    }

    /// The message if the time of the sync in `report` is in the future.
    fn ahead(&self, report: &SyncReport, now: SystemTime) -> Option<String> {
        let time = report.finished_at.or(report.started_at).filter(|time| age(*time, now).is_none())?;
        let product = self.target.product;
        let clock = if report.server_time.is_some() { "its Date header" } else { "idhook's clock" };
        Some(format!(
            "{product} reports {} for the last sync, but {clock} shows {}: check the clocks and time zones of {product} and its \
             connectors",
            rfc3339(time),
            rfc3339(now)
        ))
    }
}

/// The time since `time`; `None` if that is in the future, so that its zone or clock is another one.
fn age(time: SystemTime, now: SystemTime) -> Option<Duration> {
    match now.duration_since(time) {
        Ok(age) => Some(age),
        Err(ahead) => (ahead.duration() <= SKEW).then_some(Duration::ZERO),
    }
}

/// Why a directory with this latest sync is stale at `now`, by the clock that the report's times are from; and the sync's age. A
/// time in the future has no age: in a zone that is ahead, the time of an old sync is too.
fn staleness(report: &SyncReport, period: Duration, now: SystemTime) -> (Option<StaleReason>, Option<Duration>) {
    let age = |time: Option<SystemTime>| time.and_then(|time| age(time, now));
    let is_over = |age: Option<Duration>| age.is_some_and(|age| age > period);
    if report.shows_no_run() {
        return (Some(StaleReason::NeverSynced), None);
    }
    match report.status {
        // An active run without a start time cannot be shown to be stuck.
        SyncStatus::Running | SyncStatus::Queued => {
            let age = age(report.started_at);
            (is_over(age).then_some(StaleReason::Stuck), age)
        }
        SyncStatus::Failed => (Some(StaleReason::Failed), age(report.finished_at.or(report.started_at))),
        SyncStatus::Unknown => (Some(StaleReason::Unknown), None),
        SyncStatus::Succeeded => match age(report.finished_at.or(report.started_at)) {
            None => (Some(StaleReason::Unknown), None),
            age => (is_over(age).then_some(StaleReason::TooOld), age),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_recent_success_or_an_active_run_is_fresh() {
        const HOUR: Duration = Duration::from_secs(3600);
        let now = SystemTime::UNIX_EPOCH + HOUR * 1000;
        let ago = |seconds: u64| Some(now - Duration::from_secs(seconds));
        let report =
            |status, started_at, finished_at| SyncReport { status, started_at, finished_at, ..SyncReport::running() };
        for (report, reason, age) in [
            (report(SyncStatus::Succeeded, None, ago(3600)), None, Some(3600)),
            (report(SyncStatus::Succeeded, None, ago(3601)), Some(StaleReason::TooOld), Some(3601)),
            // vIDM's lists of runs have start times only.
            (report(SyncStatus::Succeeded, ago(3601), None), Some(StaleReason::TooOld), Some(3601)),
            (report(SyncStatus::Succeeded, ago(4000), ago(60)), None, Some(60)),
            (report(SyncStatus::Succeeded, None, Some(now + SKEW)), None, Some(0)),
            (report(SyncStatus::Succeeded, None, Some(now + SKEW * 2)), Some(StaleReason::Unknown), None),
            (report(SyncStatus::Succeeded, Some(now + HOUR), None), Some(StaleReason::Unknown), None),
            (report(SyncStatus::Running, Some(now + HOUR), None), None, None),
            (report(SyncStatus::Failed, None, Some(now + HOUR)), Some(StaleReason::Failed), None),
            (report(SyncStatus::Succeeded, None, None), Some(StaleReason::Unknown), None),
            (report(SyncStatus::Failed, ago(20), ago(10)), Some(StaleReason::Failed), Some(10)),
            (report(SyncStatus::Failed, None, None), Some(StaleReason::Failed), None),
            (report(SyncStatus::Running, ago(60), None), None, Some(60)),
            (report(SyncStatus::Running, ago(7200), None), Some(StaleReason::Stuck), Some(7200)),
            (report(SyncStatus::Queued, None, None), None, None),
            (report(SyncStatus::Unknown, ago(1), ago(1)), Some(StaleReason::Unknown), None),
        ] {
            let expected = (reason, age.map(Duration::from_secs));
            assert_eq!(staleness(&report, HOUR, now), expected, "{report:?}");
        }
        let never =
            SyncReport { upstream_word: Some(SyncReport::NEVER.to_owned()), ..report(SyncStatus::Unknown, None, None) };
        assert_eq!(staleness(&never, HOUR, now), (Some(StaleReason::NeverSynced), None));
    }
}

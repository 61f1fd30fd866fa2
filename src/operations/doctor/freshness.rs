//! The check that every directory has a recent successful sync; made only on request, because it costs a call for each.

use std::time::Duration;

use super::{Finding, Report, timed};
use crate::directory::Listed;
use crate::error::ErrorCode;
use crate::operations::SyncOperations;
use crate::runtime::Runtime;
use crate::sync::{StaleDirectory, StaleReason};
use crate::upstream::Outbound;

/// The name of the check.
const CHECK: &str = "freshness";

/// Makes the check if there is a period, and the directories could be listed; returns the names of the checks that belong to the
/// diagnosis: this one, or none.
pub(super) async fn run<R: Runtime, D: Listed>(
    report: &mut Report<'_>,
    through: (&SyncOperations<'_, R>, &Outbound<'_, R>),
    logins: &[&str],
    (directories, period): (Option<&[D]>, Option<Duration>),
) -> &'static [&'static str] {
    let Some(period) = period else { return &[] };
    if let Some(directories) = directories {
        check(report, through, logins, (directories, period)).await;
    }
    &[CHECK]
}

/// Checks `directories`: each that can be synced needs a sync that succeeded within `period`.
async fn check<R: Runtime, D: Listed>(
    report: &mut Report<'_>,
    (syncs, out): (&SyncOperations<'_, R>, &Outbound<'_, R>),
    logins: &[&str],
    (directories, period): (&[D], Duration),
) {
    if directories.iter().all(|directory| directory.why_not_syncable().is_some()) {
        return report.add(CHECK, Finding::Skipped, "no directory can be synced", None, 0);
    }
    let (stale, ms) = timed(out, logins, syncs.stale(directories, period)).await;
    let within = humantime::format_duration(period);
    match stale {
        Ok(stale) if stale.is_empty() => {
            report.ok(CHECK, &format!("each directory has a successful sync within {within}, or one is active"), ms);
        }
        Ok(stale) => {
            let listed: Vec<_> = stale.iter().map(line).collect();
            let detail = format!("no successful sync within {within}: {}", listed.join(", "));
            let hint = "see the directory's sync log and schedule at the target; start a sync with POST …/syncs";
            report.add(CHECK, Finding::Failed, &detail, Some(hint), ms);
        }
        // Too many directories for one request.
        Err(error) if error.code() == ErrorCode::RequestInvalid => {
            let hint = "check them in parts: GET …/directories?staleAfter=… with name or domain";
            report.add(CHECK, Finding::Warning, error.detail(), Some(hint), ms);
        }
        Err(error) => report.failed(CHECK, &error, ms),
    }
}

/// A directory and why it is stale.
fn line(stale: &StaleDirectory) -> String {
    let name = stale.directory.name.as_deref().unwrap_or(&stale.directory.id);
    let age = stale.age.map(|age| humantime::format_duration(Duration::from_secs(age)).to_string());
    match (stale.reason, age) {
        (StaleReason::NeverSynced, _) => format!("{name} (never synced)"),
        (StaleReason::TooOld, Some(age)) => format!("{name} (last sync {age} ago)"),
        (StaleReason::Stuck, Some(age)) => format!("{name} (a sync is active for {age})"),
        (StaleReason::Failed, _) => format!("{name} (the last sync failed)"),
        (StaleReason::TooOld | StaleReason::Stuck | StaleReason::Unknown, _) => {
            let why = stale.message.as_deref().unwrap_or("the time of the last sync is not known");
            format!("{name} ({why})")
        }
    }
}

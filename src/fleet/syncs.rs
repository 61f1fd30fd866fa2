//! A directory's syncs: start, observe, list.

use std::time::SystemTime;

use super::Client;
use super::directories::{Directory, ListDirectories};
use super::locate::{Located, Needs};
use super::sync_logs::{ListSyncLogs, SyncLog};
use super::sync_start::{StartSync, already_running, wants_body};
use crate::directory::{DirectoryRef, FailureReason, RunMarks, SyncReport, SyncStatus};
use crate::error::{Error, Result, excerpt};
use crate::runtime::{Runtime, from_unix_ms};

impl<R: Runtime> Client<'_, R> {
    /// Starts a sync of the directory; returns whether a run was already active. Usually one call.
    ///
    /// # Errors
    /// `directory_not_found`, `directory_not_syncable`; and those of the login and the calls.
    pub(crate) async fn start_sync(&self, directory: &Located) -> Result<bool> {
        let mut directory = directory.clone();
        match self.try_start(&directory).await {
            Err(error) => {
                self.relocate(&mut directory, Needs::Syncable, error).await?;
                self.try_start(&directory).await
            }
            done => done,
        }
    }

    async fn try_start(&self, directory: &Located) -> Result<bool> {
        let start = StartSync { provider: &directory.provider, directory: &directory.id, with_body: false };
        let done = match self.call(&start).await {
            Err(error) if wants_body(&error) => self.call(&StartSync { with_body: true, ..start }).await,
            done => done,
        };
        match done {
            Ok(()) => Ok(false),
            Err(error) if already_running(&error) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// The state of the directory's latest sync. An active one costs one call. After its end the newest entry of the sync log
    /// has the result and the counts; a log that cannot be read is left out.
    ///
    /// # Errors
    /// `directory_not_found`; and those of the login and the calls.
    pub(crate) async fn sync_state(&self, id: &str) -> Result<SyncReport> {
        let located = self.recall(id).await?;
        let listed = self.call(&ListDirectories { realm: &located.realm, provider: &located.provider }).await;
        let found = match listed {
            Ok(directories) => directories.into_iter().find(|directory| directory.id.eq_ignore_ascii_case(id)),
            Err(error) if is_of_the_place(&error) && !located.is_fresh => None,
            Err(error) => return Err(error),
        };
        let directory = match found {
            Some(directory) => directory,
            None => self.directory_again(&DirectoryRef::Id(id.to_owned())).await?,
        };
        if status_of(&directory) == SyncStatus::Running {
            return Ok(report(&directory, None));
        }
        let logs =
            ListSyncLogs { provider: &directory.identity_provider, directory: &directory.id, last: true, page: 0 };
        match self.call(&logs).await {
            Ok(logs) => Ok(report(&directory, Some(logs.entries.first()))),
            Err(error) if error.answer_status().is_some() => Ok(report(&directory, None)),
            Err(error) => Err(error),
        }
    }

    /// The directory's syncs in the log, the latest first.
    ///
    /// # Errors
    /// Those of the login and the calls.
    pub(crate) async fn executions(&self, id: &str) -> Result<Vec<SyncReport>> {
        let mut located = self.recall(id).await?;
        let logs = match self.sync_logs(&located).await {
            Err(error) => {
                self.relocate(&mut located, Needs::Any, error).await?;
                self.sync_logs(&located).await?
            }
            Ok(logs) => logs,
        };
        Ok(logs.into_iter().map(|log| log.report).collect())
    }

    /// The latest entries of the log, the latest first. One call; three for a longer log that begins with the oldest entry: there the last
    /// two pages have them.
    async fn sync_logs(&self, of: &Located) -> Result<Vec<SyncLog>> {
        let list = |page| ListSyncLogs { provider: &of.provider, directory: &of.id, last: false, page };
        let first = self.call(&list(0)).await?;
        let Some(last) = first.latest else { return Ok(first.entries) };
        let mut logs = self.call(&list(last)).await?.entries;
        let before = if last > 1 { self.call(&list(last - 1)).await? } else { first };
        // A server that ignores the number of the page sends the same entries again.
        for log in before.entries {
            if logs.iter().all(|known| known.mark != log.mark) {
                logs.push(log);
            }
        }
        Ok(logs)
    }
}

/// Whether a rejection may mean that an id in the path is no longer valid. VCF Operations answers a stale id with 400 or 404.
pub(super) fn is_of_the_place(error: &Error) -> bool {
    matches!(error.answer_status().map(|status| status.as_u16()), Some(400 | 404))
}

/// The state of a directory's sync by its own word.
fn status_of(directory: &Directory) -> SyncStatus {
    match directory.status.as_deref().map(str::to_ascii_uppercase).as_deref() {
        Some("STARTED" | "IN_PROGRESS") => SyncStatus::Running,
        Some("COMPLETED") => SyncStatus::Succeeded,
        Some("FAILED") => SyncStatus::Failed,
        _ => SyncStatus::Unknown,
    }
}

/// The report of a directory with the newest entry of its log: `Some(None)` if the log is empty, `None` if it was not read.
fn report(directory: &Directory, log: Option<Option<&SyncLog>>) -> SyncReport {
    let own = status_of(directory);
    let entry = log.flatten().map(|log| &log.report);
    // The directory's word counts, except that an entry shows a failure behind COMPLETED, and a result behind no word.
    let status = match (own, entry.map(|entry| entry.status)) {
        (SyncStatus::Succeeded, Some(SyncStatus::Failed)) => SyncStatus::Failed,
        (SyncStatus::Unknown, Some(status)) => status,
        _ => own,
    };
    let is_entry_of_it = |entry: &&SyncReport| entry.status == status;
    let finished_at: Option<SystemTime> = entry.filter(is_entry_of_it).and_then(|entry| entry.finished_at);
    // Without a time and an entry, "unknown" is the state before the first sync.
    let is_never = |word: &str| word.eq_ignore_ascii_case("UNKNOWN") && log.is_some();
    SyncReport {
        status,
        upstream_word: Some(match (directory.status.as_deref(), directory.last_sync_at, entry) {
            (Some(word), None, None) if is_never(word) => SyncReport::NEVER.to_owned(),
            (Some(word), ..) => excerpt(word),
            (None, None, None) => SyncReport::NEVER.to_owned(),
            (None, ..) => "no status".to_owned(),
        }),
        message: entry.filter(is_entry_of_it).and_then(|entry| entry.message.clone()),
        finished_at: finished_at.or(directory.last_sync_at.filter(|_| status.is_final()).map(from_unix_ms)),
        counts: entry.filter(is_entry_of_it).and_then(|entry| entry.counts),
        reason: (status == SyncStatus::Failed).then_some(FailureReason::SyncFailed),
        marks: Some(RunMarks {
            log: log.map(|newest| newest.map_or(0, |log| log.mark)),
            last_sync: directory.last_sync_at,
        }),
        without_log: (status != own).then_some(own),
        ..SyncReport::running()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::Listed as _;
    use SyncStatus::{Failed, Running, Succeeded, Unknown};
    use serde_json::json;

    fn directory(status: Option<&str>) -> Directory {
        let item = json!({"ldapConfigurationId": "d", "idpConfigId": "p", "ssoRealmId": "r", "lastSyncStatus": status});
        let mut directory = Directory::read(item.as_object().unwrap().clone()).unwrap();
        directory.status = status.map(str::to_owned);
        directory
    }

    fn log(status: SyncStatus) -> SyncLog {
        let body = json!({"syncLogs": [{"id": "x", "success": status == Succeeded, "syncResultMessageKey": "why"}]});
        let logs = ListSyncLogs { provider: "p", directory: "d", last: true, page: 0 };
        use crate::upstream::Endpoint as _;
        logs.response(crate::fleet::testing::answer(200, &body.to_string())).unwrap().entries.remove(0)
    }

    #[test]
    fn status_comes_from_directory_and_log() {
        for (word, entry, status, without_log) in [
            (Some("STARTED"), None, Running, None),
            (Some("in_progress"), Some(Succeeded), Running, None),
            (Some("COMPLETED"), Some(Succeeded), Succeeded, None),
            (Some("COMPLETED"), None, Succeeded, None),
            (Some("COMPLETED"), Some(Failed), Failed, Some(Succeeded)),
            (Some("FAILED"), Some(Succeeded), Failed, None),
            (Some("UNKNOWN"), Some(Succeeded), Succeeded, Some(Unknown)),
            (Some("PAUSED"), None, Unknown, None),
            (None, None, Unknown, None),
        ] {
            let entry = entry.map(log);
            let report = report(&directory(word), Some(entry.as_ref()));
            assert_eq!((report.status, report.without_log), (status, without_log), "{word:?} {entry:?}");
            assert_eq!(report.reason.is_some(), status == Failed);
            assert_eq!(report.upstream_word.as_deref(), Some(word.unwrap_or("never synced")));
        }
    }

    #[test]
    fn message_of_another_runs_entry_is_left_out() {
        assert_eq!(report(&directory(Some("FAILED")), Some(Some(&log(Failed)))).message.as_deref(), Some("why"));
        assert_eq!(report(&directory(Some("FAILED")), Some(Some(&log(Succeeded)))).message, None);
    }

    #[test]
    fn empty_log_differs_from_an_unread_one() {
        let marks = |log| report(&directory(None), log).marks.unwrap().log;
        assert_eq!((marks(Some(None)), marks(None)), (Some(0), None));
        assert!(report(&directory(None), Some(None)).shows_no_run());
        let unknown = |log| report(&directory(Some("UNKNOWN")), log).shows_no_run();
        assert_eq!((unknown(Some(None)), unknown(None), unknown(Some(Some(&log(Failed))))), (true, false, false));
    }
}

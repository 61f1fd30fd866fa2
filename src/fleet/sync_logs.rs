//! `GET …/ldap-directories/{ldapDirectoryId}/sync-logs`: the syncs of a directory that have ended.

use bytes::Bytes;
use http::{Method, Request, Response};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::api::{Fleet, JSON, directory_path};
use super::items::{PAGE, PageInfo, items_and_info};
use crate::directory::{Changes, Counts, FailureReason, RunMarks, SyncReport, SyncStatus};
use crate::error::{Result, excerpt};
use crate::retry::Repeat;
use crate::runtime::from_unix_ms;
use crate::upstream::{Endpoint, bare};

/// `GET /suite-api/api/fleet-management/iam/identity-providers/{idpConfigId}/ldap-directories/{ldapDirectoryId}/sync-logs` (VCF
/// Operations API, `getLdapSyncLogs`)
///
/// With `last=true` only the newest entry. The order of the list is not documented, nor whether a run has an entry while it
/// is active.
#[derive(Debug)]
pub(super) struct ListSyncLogs<'a> {
    pub(super) provider: &'a str,
    pub(super) directory: &'a str,
    /// Whether only the newest entry is wanted.
    pub(super) last: bool,
    /// The page, from 0.
    pub(super) page: usize,
}

/// A page of the log.
#[derive(Debug, Default)]
pub(super) struct SyncLogs {
    /// Its entries, the latest first.
    pub(super) entries: Vec<SyncLog>,
    /// The page with the latest entry of all, if the server begins with the oldest.
    pub(super) latest: Option<usize>,
}

/// An entry of the log.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SyncLog {
    /// A digest of its id.
    pub(super) mark: u32,
    /// Its report of the run. `started_at` is never known.
    pub(super) report: SyncReport,
    /// When it was written, for the order of the list, in milliseconds since 1970 on the server's clock.
    written: Option<u64>,
}

impl Endpoint for ListSyncLogs<'_> {
    type Api = Fleet;
    type Response = SyncLogs;
    const CALL: &'static str = "GET /suite-api/api/fleet-management/iam/identity-providers/{idpConfigId}/ldap-directories/{ldapDirectoryId}/sync-logs";
    const REPEAT: Repeat = Repeat::Always;

    fn request(&self, (): &()) -> Result<Request<Bytes>> {
        let directory = directory_path(self.provider, self.directory);
        let path = format!("{directory}/sync-logs?last={}&page={}&pageSize={PAGE}", self.last, self.page);
        bare(Method::GET, &path, JSON)
    }

    fn response(&self, answer: Response<Bytes>) -> Result<SyncLogs> {
        let (items, info) = items_and_info(Self::CALL, &answer, "syncLogs")?;
        let rows = items.len();
        let listed: Vec<SyncLog> = items.iter().filter_map(SyncLog::read).collect();
        let written = |log: Option<&SyncLog>| log.and_then(|log| log.written);
        let begins_with_oldest =
            written(listed.first()).zip(written(listed.last())).is_some_and(|(first, last)| first < last);
        let latest = if begins_with_oldest { last_page(info, rows) } else { None };
        let mut entries: Vec<SyncLog> = Vec::new();
        for log in listed {
            // Entries without a time keep their order, after the others.
            let at = entries.partition_point(|before| before.written >= log.written);
            entries.insert(at, log);
        }
        Ok(SyncLogs { entries, latest })
    }
}

/// The number of the last page, if there is one after the first, which has this many rows.
fn last_page(info: PageInfo, rows: usize) -> Option<usize> {
    let total = info.total.filter(|total| *total > rows)?;
    Some((total - 1) / info.size()).filter(|last| *last > 0)
}

impl SyncLog {
    /// Reads an entry; `None` without an id.
    fn read(item: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str| item.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
        let id = text("id")?;
        let details = item.get("syncDetails");
        let number = |name: &str| details.and_then(|details| details.get(name)).and_then(Value::as_u64);
        let changes = |kind: &str| Changes {
            added: number(&format!("{kind}Added")),
            updated: number(&format!("{kind}Updated")),
            removed: number(&format!("{kind}Removed")),
        };
        let counts = Counts { users: changes("users"), groups: changes("groups") };
        let (word, success) = (text("syncResult"), item.get("success").and_then(Value::as_bool));
        let status = match (word.map(str::to_ascii_uppercase).as_deref(), success) {
            (Some("STARTED" | "IN_PROGRESS"), _) => SyncStatus::Running,
            (_, Some(false)) | (Some("FAILED"), _) => SyncStatus::Failed,
            (_, Some(true)) | (Some("COMPLETED"), None) => SyncStatus::Succeeded,
            _ => SyncStatus::Unknown,
        };
        let mark = mark(id);
        let report = SyncReport {
            status,
            upstream_word: word.map(excerpt),
            // The key of a failure; the vendor's own example leaves it out on success.
            message: text("syncResultMessageKey").map(excerpt),
            finished_at: number("syncEndTime").map(from_unix_ms).filter(|_| status != SyncStatus::Running),
            counts: (counts != Counts::default()).then_some(counts),
            reason: (status == SyncStatus::Failed).then_some(FailureReason::SyncFailed),
            marks: Some(RunMarks { log: Some(mark), last_sync: None }),
            ..SyncReport::running()
        };
        Some(Self { mark, report, written: item.get("timeStamp").and_then(Value::as_u64) })
    }
}

/// A digest of an entry's id; never zero, which means an empty log.
fn mark(id: &str) -> u32 {
    let digest: [u8; 32] = Sha256::digest(id.as_bytes()).into();
    digest.first_chunk().map_or(1, |start| u32::from_be_bytes(*start).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::testing::{answer, sent};
    use serde_json::json;

    const LOGS: ListSyncLogs<'_> = ListSyncLogs { provider: "p", directory: "d", last: true, page: 0 };

    #[test]
    fn request_is_encoded() {
        let path = "GET /suite-api/api/fleet-management/iam/identity-providers/p/ldap-directories/d/sync-logs";
        assert_eq!(sent(&LOGS), format!("{path}?last=true&page=0&pageSize=50\naccept: application/json\n\n"));
        let all = ListSyncLogs { last: false, ..LOGS };
        assert_eq!(sent(&all), format!("{path}?last=false&page=0&pageSize=50\naccept: application/json\n\n"));
    }

    #[test]
    fn vendors_example_is_read() {
        let body = r#"{"pageInfo":{"totalCount":100,"page":0,"pageSize":0},"syncLogs":[{"id":"752be2ae","syncResult":"COMPLETED",
            "success":true,"timeStamp":1753448684034,"syncType":"message.directory.sync","syncDetails":{"usersAdded":10,
            "usersUpdated":0,"usersRemoved":3,"groupsAdded":2,"groupsUpdated":192,"groupsRemoved":0,"syncEndTime":1753448678846}}]}"#;
        let report = LOGS.response(answer(200, body)).unwrap().entries.remove(0).report;
        assert_eq!(
            serde_json::to_value(&report).unwrap(),
            json!({"status": "succeeded", "upstreamWord": "COMPLETED", "finishedAt": "2025-07-25T13:04:38.846Z", "counts": {
                "users": {"added": 10, "updated": 0, "removed": 3}, "groups": {"added": 2, "updated": 192, "removed": 0}}})
        );
    }

    #[test]
    fn status_comes_from_word_and_success() {
        for (fields, status) in [
            (json!({"success": true}), SyncStatus::Succeeded),
            (json!({"syncResult": "COMPLETED"}), SyncStatus::Succeeded),
            (json!({"syncResult": "COMPLETED", "success": false}), SyncStatus::Failed),
            (json!({"syncResult": "FAILED", "success": true}), SyncStatus::Failed),
            (json!({"syncResult": "in_progress", "success": false}), SyncStatus::Running),
            (json!({"syncResult": "PARTIAL"}), SyncStatus::Unknown),
            (json!({}), SyncStatus::Unknown),
        ] {
            let mut item = fields.as_object().unwrap().clone();
            item.insert("id".into(), "x".into());
            let report = SyncLog::read(&item).unwrap().report;
            assert_eq!(report.status, status, "{fields}");
            assert_eq!(report.reason.is_some(), status == SyncStatus::Failed);
        }
        assert_eq!(SyncLog::read(json!({"success": true}).as_object().unwrap()), None);
    }

    #[test]
    fn latest_entry_comes_first_in_any_order() {
        let marks = |times: &[Option<u64>]| -> Vec<u32> {
            let items: Vec<_> =
                times.iter().enumerate().map(|(at, time)| json!({"id": at.to_string(), "timeStamp": time})).collect();
            let logs = LOGS.response(answer(200, &json!({"syncLogs": items}).to_string())).unwrap();
            logs.entries.iter().map(|log| log.mark).collect()
        };
        let order = |ids: [&str; 3]| ids.map(mark).to_vec();
        assert_eq!(marks(&[Some(1), Some(2), Some(3)]), order(["2", "1", "0"]));
        assert_eq!(marks(&[Some(3), Some(2), Some(1)]), order(["0", "1", "2"]));
        assert_eq!(marks(&[None, None, Some(1)]), order(["2", "0", "1"]));
    }

    #[test]
    fn log_that_begins_with_the_oldest_entry_names_its_last_page() {
        let latest = |times: [u64; 2], info: Value| {
            let items = times.map(|time| json!({"id": time.to_string(), "timeStamp": time}));
            LOGS.response(answer(200, &json!({"syncLogs": items, "pageInfo": info}).to_string())).unwrap().latest
        };
        let info = |total: u64, size: u64| json!({"totalCount": total, "page": 0, "pageSize": size});
        assert_eq!(latest([1, 2], info(101, 50)), Some(2));
        assert_eq!(latest([1, 2], info(100, 50)), Some(1));
        assert_eq!(latest([1, 2], info(100, 0)), Some(1), "the vendor's example has the size 0");
        assert_eq!(latest([1, 2], info(5, 2)), Some(2));
        for (times, info) in [
            ([2, 1], info(101, 50)),
            ([1, 1], info(101, 50)),
            ([1, 2], info(2, 50)),
            ([1, 2], info(50, 50)),
            ([1, 2], json!({"totalCount": "many"})),
            ([1, 2], json!(null)),
        ] {
            assert_eq!(latest(times, info.clone()), None, "{info}");
        }
    }
}

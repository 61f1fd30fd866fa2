//! The words for how a sync stands, in whatever spelling.

use super::{FailureReason, SyncStatus};

/// `text` as it is compared: letters and digits, lower case.
pub(super) fn plain(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// What a status word means: `SYNC_IN_PROGRESS`, `inProgress`, `in-progress` and `In Progress` mean the same.
pub(super) fn status(word: &str) -> Option<SyncStatus> {
    let plain = plain(word);
    let mut word = plain.as_str();
    for prefix in ["last", "directory", "sync", "status", "is"] {
        word = word.strip_prefix(prefix).filter(|rest| !rest.is_empty()).unwrap_or(word);
    }
    Some(match word {
        "running" | "inprogress" | "started" | "syncing" | "ing" | "processing" | "executing" | "active"
        | "ongoing" => SyncStatus::Running,
        "queued" | "pending" | "scheduled" | "waiting" | "submitted" | "requested" | "notstarted" => SyncStatus::Queued,
        "completed"
        | "complete"
        | "success"
        | "successful"
        | "succeeded"
        | "successfully"
        | "completedsuccessfully"
        | "finished"
        | "done"
        | "ok"
        | "completedwithwarnings"
        | "completedwithalerts"
        | "completedwithwarning" => SyncStatus::Succeeded,
        "failed"
        | "failure"
        | "fail"
        | "error"
        | "errored"
        | "aborted"
        | "cancelled"
        | "canceled"
        | "terminated"
        | "timedout"
        | "timeout"
        | "unsuccessful"
        | "completedwitherrors"
        | "stopped" => SyncStatus::Failed,
        _ if word.contains("safeguard") => SyncStatus::Failed,
        _ => return None,
    })
}

/// Whether a text speaks of the safeguards: "Failed to complete sync. Please check safeguards…" in the sync log, "You are
/// attempting to remove N% of current users …, more than your current limit of 10%." in the connector's (Broadcom
/// KB 367346 and 438057).
pub(super) fn is_safeguard(text: &str) -> bool {
    let text = text.to_lowercase();
    text.contains("safeguard") || text.contains("more than your current limit")
}

/// Why a sync failed, by what is said about it.
pub(super) fn reason<'a>(texts: impl IntoIterator<Item = &'a str>) -> FailureReason {
    match texts.into_iter().any(is_safeguard) {
        true => FailureReason::SafeguardTripped,
        false => FailureReason::SyncFailed,
    }
}

//! Whether a completed wait ensures the groups: the sync succeeded, and vIDM has each group. Everything else is an error.

use std::time::Duration;

use crate::directory::{GroupQuery, Presence, Proof, SyncStatus};
use crate::error::{Error, ErrorCode, FieldError};
use crate::sync::{SyncDocument, SyncFailure};

/// Most names of groups in one message.
const MAX_SHOWN: usize = 5;

/// The faults in a list of groups to ensure: a name lost on the way must not end in a success without proof.
pub(crate) fn blank_groups(groups: &[String]) -> Vec<FieldError> {
    if groups.is_empty() {
        let detail = "is empty: name at least one group, or use startSync for a sync without groups";
        return vec![FieldError::new("/groups", detail)];
    }
    let blank = groups.iter().enumerate().filter(|(_, group)| group.trim().is_empty());
    blank
        .map(|(at, _)| FieldError::new(format!("/groups/{at}"), "is blank: send the group's DN or name@domain"))
        .collect()
}

/// Why a sync in this state, final or not within `timeout`, does not ensure `groups`; `None` if it does.
pub(crate) fn failure(state: &SyncDocument, groups: &[String], timeout: Duration) -> Option<Error> {
    let directory = state.directory.name.as_deref().unwrap_or(&state.directory.id);
    let (product, seconds) = (state.product, timeout.as_secs_f64());
    let message = state.message.as_deref().map(|message| format!(": {message}")).unwrap_or_default();
    let error = match (state.status, state.reason) {
        (SyncStatus::Succeeded, _) | (SyncStatus::Failed, Some(SyncFailure::GroupAbsent)) => {
            let missing = missing(state, groups);
            if missing.is_empty() && state.status == SyncStatus::Succeeded {
                return None;
            }
            let detail = format!("the sync of {directory} succeeded, but {product} does not have {}", listed(&missing));
            Error::new(ErrorCode::GroupAbsent, detail).hint(SyncFailure::GroupAbsent.hint(product))
        }
        (SyncStatus::Failed, Some(SyncFailure::SafeguardTripped)) => {
            let detail = format!("the safeguards stopped the sync of {directory}{message}");
            Error::new(ErrorCode::SafeguardTripped, detail)
        }
        (SyncStatus::Failed, _) => {
            Error::new(ErrorCode::SyncFailed, format!("the sync of {directory} failed{message}"))
        }
        (SyncStatus::Unknown, _) => {
            let detail = format!("the outcome of the sync of {directory} is still unknown after {seconds} s{message}");
            Error::new(ErrorCode::SyncTimeout, detail)
                .hint(format!("check this directory's sync log in {product}, and whether {product} has the groups"))
        }
        (SyncStatus::Queued | SyncStatus::Running, _) => {
            let word = if state.status == SyncStatus::Queued { "queued" } else { "running" };
            let detail = format!("the sync of {directory} is still {word} after {seconds} s{message}");
            Error::new(ErrorCode::SyncTimeout, detail)
                .hint("the sync continues: wait for it by its id (sync.id), or allow more time")
        }
    };
    // Advice about this sync is better than general advice.
    Some(match state.hint.as_deref() {
        Some(hint) => error.hint(hint),
        None => error,
    })
}

/// Those of `groups` that the state does not prove, each with its detail.
fn missing(state: &SyncDocument, groups: &[String]) -> Vec<String> {
    let mut missing = Vec::new();
    for name in groups.iter().map(|group| group.trim()) {
        // The state has a DN without meaningless blanks.
        let query = GroupQuery::parse(name).ok();
        let proof =
            state.groups.iter().find(|group| query.as_ref().is_some_and(|query| query.as_str() == group.requested));
        match proof {
            Some(group) if group.state == Presence::Present => {}
            Some(Proof { detail: Some(detail), .. }) => missing.push(format!("\"{name}\" ({detail})")),
            _ => missing.push(format!("\"{name}\"")),
        }
    }
    missing
}

/// As many names as fit into a message.
fn listed(names: &[String]) -> String {
    let mut shown: Vec<_> = names.iter().take(MAX_SHOWN).cloned().collect();
    match names.len().saturating_sub(MAX_SHOWN) {
        0 => {}
        more => shown.push(format!("{more} more")),
    }
    if shown.is_empty() { "the groups".to_owned() } else { shown.join(", ") }
}

//! Whether a completed wait ensures the groups and users: the sync succeeded, and the product has each of them. Everything else is an error.

use std::time::Duration;

use crate::directory::{Presence, Proof, SyncStatus};
use crate::error::{Error, ErrorCode, FieldError};
use crate::sync::{SyncDocument, SyncFailure, listed};

/// The faults in the lists of groups and users to ensure: a name lost on the way must not end in a success without proof.
pub(crate) fn blank_names(groups: &[String], users: &[String]) -> Vec<FieldError> {
    if groups.is_empty() {
        let detail = "is empty: name at least one group, or use startSync for a sync without groups";
        return vec![FieldError::new("/groups", detail)];
    }
    let blank = |list: &'static str, names: &[String], fix: &'static str| {
        let blank = names.iter().enumerate().filter(|(_, name)| name.trim().is_empty());
        blank.map(|(at, _)| FieldError::new(format!("/{list}/{at}"), fix)).collect::<Vec<_>>()
    };
    let mut faults = blank("groups", groups, "is blank: send the group's DN or name@domain");
    faults.extend(blank("users", users, "is blank: send the user's name@domain"));
    faults
}

/// Why a sync in this state, final or not within `timeout`, does not ensure `groups` and `users`; `None` if it does.
pub(crate) fn failure(
    state: &SyncDocument,
    (groups, users): (&[String], &[String]),
    timeout: Duration,
) -> Option<Error> {
    let directory = state.directory.name.as_deref().unwrap_or(&state.directory.id);
    let (product, seconds) = (state.product, timeout.as_secs_f64());
    let message = state.message.as_deref().map(|message| format!(": {message}")).unwrap_or_default();
    let error = match (state.status, state.reason) {
        (SyncStatus::Succeeded, _) | (SyncStatus::Failed, Some(SyncFailure::GroupAbsent | SyncFailure::UserAbsent)) => {
            let (missing_groups, missing_users) = (missing(groups, &state.groups), missing(users, &state.users));
            let is_of_users = missing_groups.is_empty() && state.reason != Some(SyncFailure::GroupAbsent);
            if is_of_users && missing_users.is_empty() && state.status == SyncStatus::Succeeded {
                return None;
            }
            let (code, reason, names) = match is_of_users {
                true => (ErrorCode::UserAbsent, SyncFailure::UserAbsent, listed(&missing_users, "the users")),
                false => (ErrorCode::GroupAbsent, SyncFailure::GroupAbsent, listed(&missing_groups, "the groups")),
            };
            let detail = format!("the sync of {directory} succeeded, but {product} does not have {names}");
            Error::new(code, detail).hint(reason.hint(product))
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

/// Those of `names` that `proofs` do not prove, each with its detail.
fn missing(names: &[String], proofs: &[Proof]) -> Vec<String> {
    let mut missing = Vec::new();
    for name in names {
        match proofs.iter().find(|proof| proof.requested == *name) {
            Some(proof) if proof.state == Presence::Present => {}
            Some(Proof { detail: Some(detail), .. }) => missing.push(format!("\"{}\" ({detail})", name.trim())),
            _ => missing.push(format!("\"{}\"", name.trim())),
        }
    }
    missing
}

//! One call for the main job: sync a directory, wait, and succeed only if vIDM has every group in the end.

use std::time::Duration;

use serde::Deserialize;

use super::{SyncOrder, Vidm};
use crate::directory::{GroupQuery, Presence, SyncStatus};
use crate::embedded::{Result, problem};
use crate::error::{Error, ErrorCode, FieldError, Problem};
use crate::runtime::Runtime;
use crate::sync::{RequestedGroup, SyncDocument, SyncFailure};

/// How groups are ensured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct EnsureOptions {
    /// First add those of the groups to the directory's sync profile that no run would bring. They must be distinguished names.
    pub add_to_profile: bool,
    /// Run without the safeguards: a broken LDAP filter then deletes users.
    pub ignore_safeguards: bool,
    /// Seconds until the sync must be final, from 0 to 86 400, counted from the call; default 600. One request that is under way
    /// at that time may take as long as an operation on top.
    pub timeout_seconds: Option<f64>,
}

impl EnsureOptions {
    /// No action of Aria Automation takes longer by default.
    const DEFAULT_SECONDS: f64 = 600.0;
    /// A day: an older request starts nothing any more.
    const MAX_SECONDS: f64 = 86_400.0;

    fn timeout(&self) -> std::result::Result<Duration, FieldError> {
        let seconds = self.timeout_seconds.unwrap_or(Self::DEFAULT_SECONDS);
        match (0.0..=Self::MAX_SECONDS).contains(&seconds) {
            true => Ok(Duration::from_secs_f64(seconds)),
            false => Err(FieldError::new("/timeoutSeconds", "is not a number of seconds from 0 to 86400")),
        }
    }
}

/// Names of groups that one message shows.
const MAX_SHOWN: usize = 5;

impl<R: Runtime> Vidm<R> {
    /// Starts a sync (or joins one), waits until it is final, and returns its final state only if it succeeded and vIDM has each
    /// of `groups`. Everything else is an error, so a caller that checks nothing more cannot take a failure for a success.
    /// `progress` is called with the state right after the start, whose `id` leads on to the sync, and then at each change.
    ///
    /// Once the sync is started, every error carries the last known state in [`Problem::sync`]:
    /// [`wait_for_sync`](Self::wait_for_sync) goes on with its `id`.
    ///
    /// # Errors
    /// * `group_absent`: the sync succeeded, and vIDM still lacks a group.
    /// * `safeguard_tripped`, `sync_failed`: the run failed.
    /// * `sync_timeout`: the sync was not final in time; it goes on. So ends a sync too whose outcome cannot be read (`unknown`).
    /// * `request_invalid` if no group is given, if one is blank, or as [`start_sync`](Self::start_sync).
    /// * Else those of [`start_sync`](Self::start_sync) and [`watch_sync`](Self::watch_sync).
    pub async fn ensure_groups(
        &self,
        which: &str,
        groups: Vec<String>,
        options: EnsureOptions,
        mut progress: impl FnMut(&SyncDocument),
    ) -> Result<SyncDocument> {
        let EnsureOptions { add_to_profile, ignore_safeguards, .. } = options;
        let mut faults = blanks(&groups);
        let timeout = options.timeout().unwrap_or_else(|fault| {
            faults.push(fault);
            Duration::ZERO
        });
        if !faults.is_empty() {
            return Err(problem(&Error::invalid(faults), &[]));
        }
        let begun = self.runtime.elapsed();
        let order = SyncOrder { groups: groups.clone(), add_to_profile, ignore_safeguards };
        let mut last = self.start_sync(which, order).await?;
        progress(&last);
        let left = timeout.saturating_sub(self.runtime.elapsed().saturating_sub(begun));
        let mut watch = match self.watch_sync(last.id.as_deref().unwrap_or_default(), left) {
            Ok(watch) => watch,
            Err(problem) => return Err(with_state(problem, &last)),
        };
        while let Some(seen) = watch.next(self).await {
            match seen {
                Ok(state) => last = state,
                Err(problem) => return Err(with_state(problem, &last)),
            }
            progress(&last);
        }
        match failure(&last, &groups, timeout) {
            None => Ok(last),
            Some(error) => Err(with_state(problem(&error.at(super::NAME), &self.target.credentials.secrets()), &last)),
        }
    }
}

/// What is wrong with a list that promises groups: a name that was lost on the way must not turn into a success without proof.
fn blanks(groups: &[String]) -> Vec<FieldError> {
    if groups.is_empty() {
        let detail = "is empty: name at least one group; a sync without groups is started with startSync";
        return vec![FieldError::new("/groups", detail)];
    }
    let blank = groups.iter().enumerate().filter(|(_, group)| group.trim().is_empty());
    blank
        .map(|(at, _)| FieldError::new(format!("/groups/{at}"), "is blank: write the group's DN or name@domain"))
        .collect()
}

/// Why a sync that ended so, or has not ended within `timeout`, is no success; `None` if it is one.
fn failure(state: &SyncDocument, groups: &[String], timeout: Duration) -> Option<Error> {
    let directory = state.directory.name.as_deref().unwrap_or(&state.directory.id);
    let seconds = timeout.as_secs_f64();
    let message = state.message.as_deref().map(|message| format!(": {message}")).unwrap_or_default();
    let error = match (state.status, state.reason) {
        (SyncStatus::Succeeded, _) | (SyncStatus::Failed, Some(SyncFailure::GroupAbsent)) => {
            let missing = missing(state, groups);
            if missing.is_empty() && state.status == SyncStatus::Succeeded {
                return None;
            }
            let detail = format!("the sync of {directory} succeeded, but vIDM does not have {}", listed(&missing));
            Error::new(ErrorCode::GroupAbsent, detail).hint(SyncFailure::GroupAbsent.hint())
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
                .hint("look at the sync log of this directory in vIDM, and whether vIDM has the groups")
        }
        (SyncStatus::Queued | SyncStatus::Running, _) => {
            let word = if state.status == SyncStatus::Queued { "queued" } else { "running" };
            let detail = format!("the sync of {directory} is still {word} after {seconds} s{message}");
            Error::new(ErrorCode::SyncTimeout, detail)
                .hint("the sync goes on: wait for it by its id (sync.id), or allow more time")
        }
    };
    // What is known of this very sync is better advice than what is known of its kind.
    Some(match state.hint.as_deref() {
        Some(hint) => error.hint(hint),
        None => error,
    })
}

/// Those of `groups` that the state does not prove to be there, each with what is known about it.
fn missing(state: &SyncDocument, groups: &[String]) -> Vec<String> {
    let mut missing = Vec::new();
    for name in groups.iter().map(|group| group.trim()) {
        // The state has a DN without the blanks that mean nothing.
        let query = GroupQuery::parse(name).ok();
        let proof =
            state.groups.iter().find(|group| query.as_ref().is_some_and(|query| query.as_str() == group.requested));
        match proof {
            Some(group) if group.state == Presence::Present => {}
            Some(RequestedGroup { detail: Some(detail), .. }) => missing.push(format!("\"{name}\" ({detail})")),
            _ => missing.push(format!("\"{name}\"")),
        }
    }
    missing
}

/// Some names, as many as a message has room for.
fn listed(names: &[String]) -> String {
    let mut shown: Vec<_> = names.iter().take(MAX_SHOWN).cloned().collect();
    match names.len().saturating_sub(MAX_SHOWN) {
        0 => {}
        more => shown.push(format!("{more} more")),
    }
    if shown.is_empty() { "each of the groups".to_owned() } else { shown.join(", ") }
}

/// The problem with the sync that it leaves behind.
fn with_state(mut problem: Box<Problem>, state: &SyncDocument) -> Box<Problem> {
    problem.sync = serde_json::to_value(state).ok();
    problem
}

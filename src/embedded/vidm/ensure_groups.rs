//! One call for the main task: sync a directory, wait, and succeed only if vIDM has every group in the end.

use std::time::Duration;

use serde::Deserialize;

use super::{SyncOrder, Vidm};
use crate::embedded::{Result, problem};
use crate::error::{Error, FieldError, Problem};
use crate::operations;
use crate::runtime::Runtime;
use crate::sync::SyncDocument;

/// Options for ensuring groups.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct EnsureOptions {
    /// First add those groups to the directory's sync profile that no run would import. They must be distinguished names.
    pub add_to_profile: bool,
    /// Run without the safeguards: with a broken LDAP filter this deletes users.
    pub ignore_safeguards: bool,
    /// Seconds from the call until the sync must be final, from 0 to 86 400; default 600. A request that is active at that
    /// time may take up to one operation longer.
    pub timeout_seconds: Option<f64>,
}

impl EnsureOptions {
    /// Aria Automation's default limit for an action.
    const DEFAULT_SECONDS: f64 = 600.0;
    /// A day: older requests start nothing.
    const MAX_SECONDS: f64 = 86_400.0;

    fn timeout(&self) -> std::result::Result<Duration, FieldError> {
        let seconds = self.timeout_seconds.unwrap_or(Self::DEFAULT_SECONDS);
        match (0.0..=Self::MAX_SECONDS).contains(&seconds) {
            true => Ok(Duration::from_secs_f64(seconds)),
            false => Err(FieldError::new("/timeoutSeconds", "is not a number of seconds from 0 to 86400")),
        }
    }
}

impl<R: Runtime> Vidm<R> {
    /// Starts a sync (or joins one), waits until it is final, and returns its final state only if it succeeded and vIDM has
    /// each of `groups`. Everything else is an error, so a caller without further checks cannot mistake a failure for a
    /// success. `progress` is called with the state right after the start, whose `id` can continue the sync, and then at
    /// each change.
    ///
    /// After the start, every error contains the last known state in [`Problem::sync`]:
    /// [`wait_for_sync`](Self::wait_for_sync) can continue with its `id`.
    ///
    /// # Errors
    /// * `group_absent`: the sync succeeded, but vIDM still lacks a group.
    /// * `safeguard_tripped`, `sync_failed`: the run failed.
    /// * `sync_timeout`: the sync was not final in time; it continues. A sync whose outcome cannot be read (`unknown`) ends
    ///   like this too.
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
        let mut faults = operations::blank_groups(&groups);
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
        match operations::failure(&last, &groups, timeout) {
            None => Ok(last),
            Some(error) => Err(with_state(problem(&error.at(super::NAME), &self.secrets()), &last)),
        }
    }
}

/// The problem with the state of the sync.
fn with_state(mut problem: Box<Problem>, state: &SyncDocument) -> Box<Problem> {
    problem.sync = serde_json::to_value(state).ok();
    problem
}

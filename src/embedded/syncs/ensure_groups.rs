//! One call for the main task: sync a directory, wait, and succeed only if every group is there in the end.

use std::time::Duration;

use serde::Deserialize;

use super::{SyncOrder, Syncs};
use crate::embedded::{Result, problem};
use crate::error::{Error, FieldError, Problem};
use crate::operations;
use crate::runtime::Runtime;
use crate::sync::SyncDocument;

/// Options for ensuring groups.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct EnsureOptions {
    /// Users that the target must have too: `name@domain`. With the groups at most 100 names.
    pub users: Vec<String>,
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

impl<R: Runtime> Syncs<'_, R> {
    /// As [`SyncSession::ensure_groups`](super::SyncSession::ensure_groups).
    ///
    /// # Errors
    /// Those of that function.
    pub async fn ensure_groups(
        self,
        which: &str,
        groups: Vec<String>,
        options: EnsureOptions,
        mut progress: impl FnMut(&SyncDocument),
    ) -> Result<SyncDocument> {
        let mut faults = operations::blank_names(&groups, &options.users);
        let timeout = options.timeout().unwrap_or_else(|fault| {
            faults.push(fault);
            Duration::ZERO
        });
        let EnsureOptions { users, add_to_profile, ignore_safeguards, .. } = options;
        if !faults.is_empty() {
            return Err(problem(&Error::invalid(faults), &[]));
        }
        let begun = self.runtime.elapsed();
        let order = SyncOrder { groups: groups.clone(), users: users.clone(), add_to_profile, ignore_safeguards };
        let mut last = self.start(which, order).await?;
        progress(&last);
        let left = timeout.saturating_sub(self.runtime.elapsed().saturating_sub(begun));
        let mut watch = match self.watch(last.id.as_deref().unwrap_or_default(), left) {
            Ok(watch) => watch,
            Err(problem) => return Err(with_state(problem, &last)),
        };
        while let Some(seen) = self.next(&mut watch).await {
            match seen {
                Ok(state) => last = state,
                Err(problem) => return Err(with_state(problem, &last)),
            }
            progress(&last);
        }
        match operations::failure(&last, (&groups, &users), timeout) {
            None => Ok(last),
            Some(error) => Err(with_state(problem(&error.at(self.target.name()), &self.target.secrets()), &last)),
        }
    }
}

/// The problem with the state of the sync.
fn with_state(mut problem: Box<Problem>, state: &SyncDocument) -> Box<Problem> {
    problem.sync = serde_json::to_value(state).ok();
    problem
}

//! Failed syncs in a line. A state `failed` is a good response, with status 200, so nothing else in the line shows it.

use serde::Serialize;

use super::LogLine;
use crate::error::Error;
use crate::sync::SyncFailure;

/// The most of one line.
const MOST: usize = 20;

/// A sync that failed, or whose state could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(in crate::webhook) struct FailedSync {
    /// The directory's id.
    pub(super) directory: String,
    /// Why the sync failed, or why its state could not be read.
    #[cfg_attr(feature = "contract", schemars(with = "crate::error::ErrorCode"))]
    code: &'static str,
    /// Whether it failed; the state of another may be read by the next request.
    has_ended: bool,
}

impl FailedSync {
    /// A sync of `directory` that failed.
    pub(in crate::webhook) fn ended(directory: &str, reason: SyncFailure) -> Self {
        Self { directory: directory.to_owned(), code: reason.code().as_str(), has_ended: true }
    }

    /// The error of a sync whose state could not be read.
    pub(super) fn unread(&self) -> Option<&'static str> {
        (!self.has_ended).then_some(self.code)
    }
}

impl LogLine {
    /// Adds a sync that failed.
    pub(in crate::webhook) fn failed_sync(&mut self, sync: FailedSync) {
        if self.failed_syncs.len() < MOST {
            self.failed_syncs.push(sync);
        } else {
            self.failed_syncs_omitted += 1;
        }
    }

    /// Adds a sync of `directory`, one of several, whose state could not be read.
    pub(in crate::webhook) fn unread_sync(&mut self, directory: &str, error: &Error) {
        self.failed_sync(FailedSync { directory: directory.to_owned(), code: error.code().as_str(), has_ended: false });
        self.explain(error);
    }
}

//! How a directory's latest sync run stands, in the words of every vendor API that runs such syncs.

use std::time::SystemTime;

use serde::{Deserialize, Serialize, Serializer};

/// How a sync stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub enum SyncStatus {
    /// It will run.
    Queued,
    /// It runs.
    Running,
    /// It ended well.
    Succeeded,
    /// It ended badly.
    Failed,
    /// The answer does not say, or not in words we know.
    Unknown,
}

impl SyncStatus {
    /// Whether it will stay as it is. `Unknown` is not: the next answer may be readable.
    #[must_use]
    pub(crate) fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed)
    }
}

/// Why a sync failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub enum FailureReason {
    /// It would have changed more than the directory's safeguards allow.
    SafeguardTripped,
    /// Anything else.
    SyncFailed,
}

/// What a sync changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct Counts {
    /// Users.
    pub users: Changes,
    /// Groups.
    pub groups: Changes,
}

/// How many of a kind were changed; `None` where the upstream does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct Changes {
    /// Added.
    pub added: Option<u64>,
    /// Updated.
    pub updated: Option<u64>,
    /// Removed.
    pub removed: Option<u64>,
}

/// How a directory's latest sync stands, as far as the answer could be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct SyncReport {
    /// Where it stands.
    pub status: SyncStatus,
    /// The word the status was read from, or could not be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream_word: Option<String>,
    /// What vIDM says about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// When it began.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "rfc3339")]
    #[cfg_attr(feature = "contract", schemars(with = "Option<String>", extend("format" = "date-time")))]
    pub started_at: Option<SystemTime>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "rfc3339")]
    #[cfg_attr(feature = "contract", schemars(with = "Option<String>", extend("format" = "date-time")))]
    pub finished_at: Option<SystemTime>,
    /// What it changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counts: Option<Counts>,
    /// Why it failed, when it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<FailureReason>,
    /// The time by vIDM's own clock when it said so, in whole seconds: what its other times are to be compared with.
    #[serde(skip)]
    pub server_time: Option<SystemTime>,
}

fn rfc3339<S: Serializer>(time: &Option<SystemTime>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(crate::runtime::rfc3339).serialize(serializer)
}

impl SyncReport {
    /// A sync that was just started: it runs, and nothing more is known.
    #[must_use]
    pub fn running() -> Self {
        Self {
            status: SyncStatus::Running,
            upstream_word: None,
            message: None,
            started_at: None,
            finished_at: None,
            counts: None,
            reason: None,
            server_time: None,
        }
    }

    /// A sync that has yet to start.
    #[must_use]
    pub fn queued() -> Self {
        Self { status: SyncStatus::Queued, ..Self::running() }
    }
}

//! The state of a directory's latest sync run, in words for every vendor API with such syncs.

use std::time::SystemTime;

use serde::{Deserialize, Serialize, Serializer};

/// The status of a sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub enum SyncStatus {
    /// It will run.
    Queued,
    /// It is running.
    Running,
    /// It succeeded.
    Succeeded,
    /// It failed.
    Failed,
    /// The response contains no status, or an unknown one.
    Unknown,
}

impl SyncStatus {
    /// Whether the status is final. `Unknown` is not: the next response may be readable.
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

/// The changes that a sync made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct Counts {
    /// Users.
    pub users: Changes,
    /// Groups.
    pub groups: Changes,
}

/// Numbers of changes of one kind; `None` if the upstream does not report it.
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

/// The state of a directory's latest sync, as far as the response could be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct SyncReport {
    /// The status.
    pub status: SyncStatus,
    /// The vendor's own word for the status, readable or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream_word: Option<String>,
    /// The vendor's message.
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
    /// The changes that it made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counts: Option<Counts>,
    /// Why it failed, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<FailureReason>,
    /// The time by the server's clock, if sent, in whole seconds; its other times are compared with this.
    #[serde(skip)]
    pub server_time: Option<SystemTime>,
    /// The marks that distinguish this run from others, if start times do not.
    #[serde(skip)]
    pub marks: Option<RunMarks>,
    /// The status without the newest entry of the sync log, if it differs: that entry may be an earlier run's.
    #[serde(skip)]
    pub without_log: Option<SyncStatus>,
    /// Whether it is from a list that may have ended runs only, because the state could not be read: a later run may be
    /// active.
    #[serde(skip)]
    pub ended_only: bool,
}

/// The values that distinguish a directory's runs where the vendor reports no start times: values that change with each run, compared
/// for equality only.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RunMarks {
    /// The newest entry of the sync log, as a digest of its id; zero if the log is empty, absent if it was not read.
    #[serde(rename = "l", default)]
    pub log: Option<u32>,
    /// The time of the last sync, in the vendor's own number; absent before the first.
    #[serde(rename = "t", default)]
    pub last_sync: Option<u64>,
}

fn rfc3339<S: Serializer>(time: &Option<SystemTime>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(crate::runtime::rfc3339).serialize(serializer)
}

impl SyncReport {
    /// A sync that was just started: it is running, and nothing else is known.
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
            marks: None,
            without_log: None,
            ended_only: false,
        }
    }

    /// Whether the vendor reports that the directory was never synced.
    pub(crate) fn shows_no_run(&self) -> bool {
        let word = self.upstream_word.as_deref();
        self.status == SyncStatus::Unknown && [Self::NO_CONTENT, Self::NEVER].map(Some).contains(&word)
    }

    /// Whether the vendor says so, not merely nothing.
    pub(crate) fn was_never_synced(&self) -> bool {
        self.shows_no_run() && self.upstream_word.as_deref() == Some(Self::NEVER)
    }

    /// Replaces the vendor's word if a response is empty.
    pub(crate) const NO_CONTENT: &str = "no content";

    /// Replaces the vendor's word for a directory that was never synced.
    pub(crate) const NEVER: &str = "never synced";

    /// A sync that has not started yet.
    #[must_use]
    pub fn queued() -> Self {
        Self { status: SyncStatus::Queued, ..Self::running() }
    }
}

//! A sync as its caller sees it: the documents that the webhook and the functions return, identical in every binding.

use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::{SyncFailure, SyncState};
use crate::directory::{Counts, DirectorySummary, Presence, SyncReport, SyncStatus};
use crate::error::excerpt;
use crate::runtime::rfc3339;

/// How soon to ask again after a sync that goes on, in seconds.
const ASK_AGAIN: u64 = 2;

/// Of so many groups the hint says what looks odd in their names.
const ODD_NAMES: usize = 3;

/// A sync: always flat, and no failure of the asking whatever its status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(rename = "Sync"))]
pub struct SyncDocument {
    /// Names the request. Absent where only a directory's present state was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Where it stands. `succeeded` and `failed` are final.
    pub status: SyncStatus,
    /// What is synced.
    pub directory: DirectorySummary,
    /// When the request came.
    #[cfg_attr(feature = "contract", schemars(extend("format" = "date-time")))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested_at: Option<String>,
    /// When the run began, as vIDM reports it.
    #[cfg_attr(feature = "contract", schemars(extend("format" = "date-time")))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    /// When it ended, as vIDM reports it.
    #[cfg_attr(feature = "contract", schemars(extend("format" = "date-time")))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<String>,
    /// What it changed, where vIDM reports it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counts: Option<Counts>,
    /// Each group that was asked for, once it was looked up; empty where none was asked for.
    pub groups: Vec<RequestedGroup>,
    /// Why it failed, when it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<SyncFailure>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// What vIDM says about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// vIDM's own word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream: Option<UpstreamWord>,
    /// Seconds until it is worth asking again; absent once it is final.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// How old the observation is that this comes from.
    #[serde(skip)]
    pub age: Duration,
}

/// Whether a group that was asked for is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct RequestedGroup {
    /// As it was asked for.
    pub requested: String,
    /// Whether vIDM has it.
    pub state: Presence,
    /// Why that is not known, or what looks odd in the name of a group that is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Its id in vIDM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What vIDM calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
}

/// What vIDM said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct UpstreamWord {
    /// The word the status was read from, or could not be.
    pub status: String,
}

/// A directory's recent runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct SyncHistory {
    /// Whose runs they are.
    pub directory: DirectorySummary,
    /// The newest first.
    pub syncs: Vec<SyncReport>,
}

/// What a run would change.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct DryRun {
    /// Nothing was started.
    pub dry_run: bool,
    /// What would be synced.
    pub directory: DirectorySummary,
    /// vIDM's answer, as it came.
    pub result: serde_json::Value,
}

impl SyncDocument {
    /// How a directory's sync stands, with no request behind it.
    #[must_use]
    pub fn new(state: SyncState, directory: DirectorySummary) -> Self {
        let SyncState { status, report, groups, reason, doubt, age } = state;
        let time = |time: Option<SystemTime>| time.map(rfc3339);
        let groups = groups.into_iter().map(|group| RequestedGroup {
            requested: group.requested,
            state: group.state,
            detail: group.detail,
            id: group.id,
            display_name: group.display_name,
        });
        let groups: Vec<RequestedGroup> = groups.collect();
        let hint = reason.map(|reason| match odd_names(&groups) {
            Some(odd) if reason == SyncFailure::GroupAbsent => format!("{odd}. Else {}", reason.hint()),
            _ => reason.hint().to_owned(),
        });
        Self {
            id: None,
            status,
            directory,
            requested_at: None,
            started_at: time(report.started_at),
            finished_at: time(report.finished_at),
            counts: report.counts,
            groups,
            reason,
            hint: hint.or(doubt.map(|doubt| doubt.hint().to_owned())),
            message: report.message,
            upstream: report.upstream_word.map(|status| UpstreamWord { status }),
            retry_after: (!status.is_final()).then_some(ASK_AGAIN),
            age,
        }
    }

    /// How a request stands, under the id it goes by.
    #[must_use]
    pub fn of(request: &super::SyncRequest, id: String, state: SyncState) -> Self {
        let mut document = Self::new(state, request.directory());
        document.id = Some(id);
        document.requested_at = Some(rfc3339(request.requested()));
        document
    }

    /// Whether it will stay as it is.
    #[must_use]
    pub(crate) fn is_final(&self) -> bool {
        self.status.is_final()
    }
}

/// What looks odd in the names of absent groups, of the first few.
fn odd_names(groups: &[RequestedGroup]) -> Option<String> {
    let odd = || groups.iter().filter(|group| group.state == Presence::Absent && group.detail.is_some());
    let told = odd().take(ODD_NAMES).map(|group| {
        format!("look at the name \"{}\": {}", excerpt(&group.requested), group.detail.as_deref().unwrap_or_default())
    });
    let mut told: Vec<_> = told.collect();
    match odd().count().saturating_sub(ODD_NAMES) {
        0 => {}
        more => told.push(format!("{more} more are odd in their `detail`")),
    }
    (!told.is_empty()).then(|| told.join(". "))
}

impl AsRef<SyncDocument> for SyncDocument {
    fn as_ref(&self) -> &SyncDocument {
        self
    }
}

impl From<SyncReport> for SyncState {
    /// A directory's latest run, with no request behind it.
    fn from(report: SyncReport) -> Self {
        let (status, reason) = (report.status, report.reason.map(SyncFailure::from));
        Self { status, reason, doubt: None, groups: Vec::new(), report, age: Duration::ZERO }
    }
}

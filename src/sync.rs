#![doc = include_str!("../docs/internals/sync-protocol.md")]

use std::cell::RefCell;
use std::time::Duration;

use serde::Serialize;

use crate::shared_state::LocalStore;

use crate::directory::{FailureReason, Product, Proof, SyncReport, SyncStatus};
use crate::error::ErrorCode;

mod compact;
mod connector_conflicts;
mod coordinator;
mod decide;
mod directory_service;
mod document;
mod entry;
mod freshness;
mod ledger;
mod observation;
mod profile;
mod proof_outcome;
mod queries;
mod start;
mod state;
mod sync_order;
mod sync_request;
mod watch;

pub(crate) use coordinator::Coordinator;
pub use decide::Doubt;
pub(crate) use directory_service::{DirectoryService, KickOffAnswer, ProfileLookUp};
pub(crate) use document::listed;
pub use document::{DryRun, SyncDocument, SyncHistory, UpstreamWord};
pub(crate) use freshness::{StaleDirectory, StaleReason};
pub use sync_order::SyncOrder;
pub use sync_request::SyncRequest;
pub(crate) use watch::Pauses;
pub use watch::{Watch, WatchEvent, wait};

use observation::Observation;
use proof_outcome::ProofSet;

/// An instance's cache of a target's syncs.
#[derive(Debug, Default)]
pub struct Cache {
    local: LocalStore,
    entries: ledger::Entries,
    /// The directories that were ever started: the store's id, when the list was read, and the list.
    listed: RefCell<Option<(u64, Duration, Vec<String>)>>,
    looks: observation::Observations,
    proofs: observation::Proofs,
}

/// The state of a request.
#[derive(Debug, Clone)]
pub struct SyncState {
    /// The status.
    pub status: SyncStatus,
    /// The shown run: the one that serves the request, or the one it waits for.
    pub report: SyncReport,
    /// The requested groups, if they were looked up.
    pub groups: Vec<Proof>,
    /// The requested users, if they were looked up.
    pub users: Vec<Proof>,
    /// Why it failed, if it did.
    pub reason: Option<SyncFailure>,
    /// Why its status is unknown although the target responded.
    pub doubt: Option<Doubt>,
    /// The age of the observation behind this state.
    pub age: Duration,
}

/// Why a request failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(rename = "SyncFailure"))]
pub enum SyncFailure {
    /// The run would have changed more than the safeguards allow.
    SafeguardTripped,
    /// The run failed otherwise.
    SyncFailed,
    /// The run succeeded, but a requested group is absent.
    GroupAbsent,
    /// The run succeeded and every requested group is present or unknown, but a requested user is absent.
    UserAbsent,
}

impl SyncFailure {
    /// Every reason.
    pub(crate) const ALL: [Self; 4] = [Self::SafeguardTripped, Self::SyncFailed, Self::GroupAbsent, Self::UserAbsent];

    /// Its error code, for functions that fail with it; the same word.
    pub(crate) const fn code(self) -> ErrorCode {
        match self {
            Self::SafeguardTripped => ErrorCode::SafeguardTripped,
            Self::SyncFailed => ErrorCode::SyncFailed,
            Self::GroupAbsent => ErrorCode::GroupAbsent,
            Self::UserAbsent => ErrorCode::UserAbsent,
        }
    }

    /// The fix.
    #[must_use]
    pub fn hint(self, product: Product) -> &'static str {
        match (self, product) {
            (Self::SafeguardTripped, _) => {
                "the run would have changed more than this directory's safeguards allow: check its changes in vIDM's \
                 sync log; a caller with the scope vidm:override may start with ignoreSafeguards"
            }
            (Self::SyncFailed, Product::Vidm) => {
                "see vIDM's sync log; often the connector is down or the bind account's password has expired"
            }
            (Self::SyncFailed, Product::Fleet) => {
                "see the directory's sync log in VCF Operations; often the domain controller is not reachable or the bind \
                 account's password has expired"
            }
            (Self::GroupAbsent, Product::Fleet) => {
                "the directory's sync profile does not select the group (start with addToProfile and its DN), or the domain \
                 controller does not have it yet"
            }
            (Self::GroupAbsent, Product::Vidm) => {
                "the group is not under a base DN whose groups are all selected (start with addToProfile and its DN), the domain \
                 controller that the connector reads does not have it yet, or the domain has another group of this name (vIDM syncs only \
                 the first of them; see the alerts in its sync log)"
            }
            (Self::UserAbsent, Product::Fleet) => {
                "the directory's sync profile selects neither the user nor a group of the user (see also \
                 includeNestedGroupsAndMembers there), or the domain controller does not have the user yet"
            }
            (Self::UserAbsent, Product::Vidm) => {
                "no selected base DN and no group whose members are synced has the user (since 3.1 vIDM by default syncs a group's \
                 members once that group itself, not a local group with it, is entitled to an application), Domain Users is not the \
                 user's primary group, or the domain controller that the connector reads does not have the user yet"
            }
        }
    }
}

impl From<FailureReason> for SyncFailure {
    fn from(reason: FailureReason) -> Self {
        match reason {
            FailureReason::SafeguardTripped => Self::SafeguardTripped,
            FailureReason::SyncFailed => Self::SyncFailed,
        }
    }
}

impl From<SyncReport> for SyncState {
    /// A directory's latest run, without a request.
    fn from(report: SyncReport) -> Self {
        let (status, reason) = (report.status, report.reason.map(SyncFailure::from));
        Self { status, reason, doubt: None, groups: Vec::new(), users: Vec::new(), report, age: Duration::ZERO }
    }
}

impl SyncState {
    /// A request that was just accepted; nothing else is known.
    #[must_use]
    pub fn begun(status: SyncStatus) -> Self {
        Self::from(SyncReport { status, ..SyncReport::running() })
    }

    fn of(status: SyncStatus, look: &Observation) -> Self {
        Self { status, reason: None, age: look.age, ..Self::from(look.report.clone()) }
    }

    /// A state whose run `look` does not show: only the target's word is kept of the run that it shows.
    fn without_run(status: SyncStatus, look: &Observation) -> Self {
        let begun = Self::begun(status);
        let report = SyncReport { upstream_word: look.report.upstream_word.clone(), ..begun.report };
        Self { report, age: look.age, ..begun }
    }

    fn with(self, ProofSet { groups, users }: ProofSet) -> Self {
        Self { groups, users, ..self }
    }

    fn failed(look: &Observation) -> Self {
        let reason = look.report.reason.map_or(SyncFailure::SyncFailed, SyncFailure::from);
        Self { reason: Some(reason), ..Self::of(SyncStatus::Failed, look) }
    }
}

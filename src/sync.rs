//! Syncs one can trust: start, join, state, proof.
//!
//! vIDM runs at most one sync of a directory at a time, answers a start without saying whether it began a run or joined one,
//! and shows the latest run only. A group made before a run began is in that run; one made after may not be. So a request
//! is served by a run that **begins after the request came**, and the protocol is about who starts it.
//!
//! # The protocol
//! * A directory is located before anything is written about it.
//! * A request draws a ticket. Then the directory is observed: what it shows is the *baseline*. If it is idle, the request claims the
//!   kick-off; the kick-off draws a ticket of its own before it is sent, and serves all tickets below.
//! * If a run is going on, the request waits: nothing is started. The next caller that asks for the state of a waiting request and
//!   finds nothing running claims the kick-off for all who wait. There is no work in the background.
//! * A run that differs from the one of the baseline began after the baseline was observed, and so after the request came.
//!   Runs are told apart by their start times, compared with each other only, or by a change from idle to running.
//! * The claimant of a kick-off waits for syncs of other directories that share a connector, as far as they were kicked
//!   off here and their connectors are known (`sync/neighbours.rs`).
//! * A claim is leased: a claimant that dies delays the others by at most its lease.
//! * Tickets, claims and kick-offs are in the ledger (`sync/ledger.rs`), in the shared store where there is one. Without one the ledger
//!   is the instance's own and ends with it; other instances then go by the baseline that the sync id carries, and the rare double
//!   start is harmless, for vIDM joins it.
//! * A run that ignores the safeguards is started only while a caller with that permission asks, and serves only requests that asked
//!   for it. (Without a store, instances cannot know of each other's runs, and so not of this either.)
//!
//! # Clocks
//! There are three: idhook's, the one behind vIDM's start times, and the one behind the `Date` header. They are hours apart in the
//! field, so no two of them are compared. Where a kick-off that followed a look began a run, the run's start time shows how far vIDM's
//! clock of start times is from idhook's. That offset serves one purpose: an end that was seen within the last minute stands for
//! the look before the next start, which is one call then, and a run that began in that minute is told from ours by it. Should the
//! offset have changed, the price is a second run.
//!
//! # What holds
//! 1. No request is reported `succeeded` by a run that began before it came: exactly, where the directory was observed at the start;
//!    to half a second, where a recent observation stood for that.
//! 2. With a ledger that is shared, any number of requests during one run cost one further run.
//! 3. A dead claimant delays by at most its lease.
//! 4. With a ledger that is shared, no two directories that are known to share a connector are kicked off at once.
//! 5. Groups that are added to one sync profile at once do not lose one another (`sync/profile.rs`).
//! 6. At most two starts are sent for one request: a second where no run showed within ten seconds of the first, or where the first
//!    could not be preceded by a look. What cannot be known then is `unknown`, with a message that names the clocks.
//!
//! The ten seconds are idhook's own; instances that share a store are taken to have clocks within some seconds of each other.
//!
//! `tests/it/interleavings.rs` runs this very code over all schedules of a few callers up to a bound, against a vIDM that joins
//! silently and has clocks of its own, and holds it to these.

use std::cell::RefCell;
use std::time::Duration;

use serde::Serialize;

use crate::shared_state::LocalStore;

use crate::directory::{FailureReason, Proof, SyncReport, SyncStatus};

mod connector_conflicts;
mod coordinator;
mod decide;
mod directory_service;
mod document;
mod group_outcome;
mod ledger;
mod observation;
mod profile;
mod queries;
mod start;
mod state;
mod sync_order;
mod sync_request;
mod watch;

pub use coordinator::Coordinator;
pub use decide::Doubt;
pub use directory_service::{DirectoryService, KickOffAnswer, ProfileLookUp};
pub use document::{DryRun, RequestedGroup, SyncDocument, SyncHistory, UpstreamWord};
pub use sync_order::SyncOrder;
pub use sync_request::SyncRequest;
pub use watch::{Watch, WatchEvent, wait};

use observation::Observation;

/// What an instance remembers of a target's syncs.
#[derive(Debug, Default)]
pub struct Cache {
    local: LocalStore,
    entries: ledger::Entries,
    /// The directories that were ever kicked off: in which store, when they were read, and which.
    listed: RefCell<Option<(u64, Duration, Vec<String>)>>,
    looks: observation::Observations,
    proofs: observation::Proofs,
}

/// How a request stands.
#[derive(Debug, Clone)]
pub struct SyncState {
    /// Where it stands.
    pub status: SyncStatus,
    /// The run that is told of: the one that serves the request, or the one it waits for.
    pub report: SyncReport,
    /// The groups asked for, where they were looked up.
    pub groups: Vec<Proof>,
    /// Why it failed, when it did.
    pub reason: Option<SyncFailure>,
    /// Why its status is unknown although vIDM answered.
    pub doubt: Option<Doubt>,
    /// How old the look is that it comes from.
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
    /// The run succeeded, and a group asked for is not there.
    GroupAbsent,
}

impl SyncFailure {
    /// What to do about it.
    #[must_use]
    pub fn hint(self) -> &'static str {
        match self {
            Self::SafeguardTripped => {
                "the run would have changed more than this directory's safeguards allow: look at what it would change in vIDM's \
                 sync log; with the scope vidm:override a start may ask for ignoreSafeguards"
            }
            Self::SyncFailed => {
                "vIDM's sync log tells more; often the connector is down or the bind account's password has expired"
            }
            Self::GroupAbsent => {
                "the group is not under a base DN whose groups are all selected (start with addToProfile and its DN), or the \
                 domain controller that the connector reads does not have it yet"
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

impl SyncState {
    /// A request that was just taken, and nothing more is known.
    #[must_use]
    pub fn begun(status: SyncStatus) -> Self {
        Self {
            status,
            report: SyncReport { status, ..SyncReport::running() },
            groups: Vec::new(),
            reason: None,
            doubt: None,
            age: Duration::ZERO,
        }
    }

    fn of(status: SyncStatus, look: &Observation) -> Self {
        Self { status, report: look.report.clone(), groups: Vec::new(), reason: None, doubt: None, age: look.age }
    }

    fn failed(look: &Observation) -> Self {
        let reason = look.report.reason.map_or(SyncFailure::SyncFailed, SyncFailure::from);
        Self { reason: Some(reason), ..Self::of(SyncStatus::Failed, look) }
    }
}

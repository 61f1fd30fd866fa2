//! The desk: what both a start and a question after the state need: looks, the ledger at hand, what they say together.

use std::cell::Cell;
use std::time::{Duration, SystemTime};

use super::backend::Shelf;
use super::decide::{Baseline, Decision, KickOff, Shown, decide, is_active};
use super::ledger::{Ending, Entry, Head, Ledger, Sight};
use super::namespace;
use super::{Cache, Observation};
use crate::directory::{SyncReport, SyncStatus};
use crate::error::{Error, ErrorCode, Result};
use crate::runtime::Runtime;
use crate::shared_state::StoreUnavailable;
use crate::upstream::Outbound;
use crate::vidm::Client;

/// Syncs of one vIDM target, for one piece of work.
pub struct Coordinator<'a, R: Runtime> {
    pub(super) target: &'a str,
    pub(super) client: &'a Client<'a, R>,
    pub(super) memory: &'a Cache,
    pub(super) out: &'a Outbound<'a, R>,
    /// Whether the caller may start a run that ignores the safeguards.
    pub(super) may_override: bool,
    overrode: Cell<bool>,
}

impl<R: Runtime> std::fmt::Debug for Coordinator<'_, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Coordinator").field("target", &self.target).finish_non_exhaustive()
    }
}

impl<'a, R: Runtime> Coordinator<'a, R> {
    /// The syncs of `target`, asked through `client`.
    pub fn new(target: &'a str, client: &'a Client<'a, R>, memory: &'a Cache, out: &'a Outbound<'a, R>) -> Self {
        Self { target, client, memory, out, may_override: false, overrode: Cell::new(false) }
    }

    /// The same for a caller that may, or may not, start a run that ignores the safeguards. A request that asked for one waits
    /// until such a caller asks for its state, for a sync id is no permission.
    #[must_use]
    pub fn override_allowed(self, may_override: bool) -> Self {
        Self { may_override, ..self }
    }

    /// Whether a run that ignores the safeguards was kicked off.
    #[must_use]
    pub fn overrode(&self) -> bool {
        self.overrode.get()
    }

    pub(super) fn note_override(&self) {
        self.overrode.set(true);
    }

    pub(super) fn now(&self) -> SystemTime {
        self.out.runtime().now()
    }

    /// The instance's own ledger.
    pub(super) fn local(&self) -> Shelf<'_, R> {
        Shelf::Local(&self.memory.local, self.memory.local.id(|| self.out.runtime().random()))
    }

    /// Whether the run of the latest kick-off, or another, is going on; writes down what was seen.
    pub(super) async fn is_busy(&self, ledger: &Ledger<'_, R>, look: &Observation) -> Result<bool, StoreUnavailable> {
        let (entry, report) = (&look.entry, &look.report);
        let Some(head) = entry.kick_off() else { return Ok(is_active(report.status)) };
        let shown = Baseline::shown(head.baseline, report);
        let began = report.started_at.filter(|_| shown == Shown::After);
        let sight = |running, ended| Sight { running, began, ended, now: self.now() };
        let ended = |succeeded, certain| sight(false, Some(Ending { succeeded, certain }));
        match decide(report.status, shown, self.serving(&head, entry)) {
            Decision::Running if is_active(report.status) => {
                ledger.saw(entry, sight(true, None)).await?;
                Ok(true)
            }
            Decision::Running | Decision::Queued => Ok(true),
            Decision::Ended { succeeded } => {
                ledger.saw(entry, ended(succeeded, true)).await?;
                Ok(false)
            }
            Decision::Doubtful { succeeded } => {
                ledger.saw(entry, ended(succeeded, false)).await?;
                Ok(false)
            }
            Decision::Start | Decision::Unknown(_) => Ok(false),
        }
    }

    /// What is known of the kick-off `head`.
    pub(super) fn serving(&self, head: &Head, entry: &Entry) -> KickOff {
        KickOff::Serving { ago: self.since(head.kicked_ms), seen_running: entry.seen_running() }
    }

    /// What vIDM tells of the latest run, from the second source where the first is not to be read.
    pub(super) async fn report(&self, directory: &str) -> Result<SyncReport> {
        let report = self.client.sync_state(directory).await?;
        if report.status != SyncStatus::Unknown {
            return Ok(report);
        }
        let runs = self.client.executions(directory).await?;
        Ok(runs.and_then(|runs| runs.into_iter().next()).unwrap_or(report))
    }

    pub(super) fn since(&self, ms: u64) -> Duration {
        self.now().duration_since(namespace::time(ms)).unwrap_or_default()
    }
}

/// The instance's own ledger is memory and answers always.
pub(super) fn gone(_: StoreUnavailable) -> Error {
    Error::new(ErrorCode::Internal, "the instance's own ledger does not answer")
}

//! The common parts of starting a sync and reading its state: observations, the ledger, and their combined meaning.

use std::cell::Cell;
use std::time::{Duration, SystemTime};

use super::decide::{Baseline, Decision, KickOff, SETTLE, Shown, decide, is_active};
use super::directory_service::DirectoryService;
use super::entry::{Ending, Entry, Head, Sight, since};
use super::ledger::Ledger;
use super::{Cache, Observation, SyncRequest};
use crate::directory::{SyncReport, SyncStatus, SyncTarget};
use crate::error::{Error, ErrorCode, Result};
use crate::runtime::{Runtime, unix_ms as ms};
use crate::shared_state::{Backend, SharedStore, StoreUnavailable};

/// The syncs of one target's directories, for one piece of work.
pub(crate) struct Coordinator<'a, R: Runtime, D> {
    pub(super) target: &'a SyncTarget,
    pub(super) service: &'a D,
    pub(super) cache: &'a Cache,
    pub(super) store: &'a SharedStore<'a, R>,
    /// Whether the caller may start a run that ignores the safeguards.
    pub(super) may_override: bool,
    overrode: Cell<bool>,
}

impl<R: Runtime, D> std::fmt::Debug for Coordinator<'_, R, D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Coordinator").field("target", &self.target).finish_non_exhaustive()
    }
}

impl<'a, R: Runtime, D: DirectoryService> Coordinator<'a, R, D> {
    /// The syncs of `target`, through `service`. Without `store` the instance's `cache` is used.
    pub(crate) fn new(target: &'a SyncTarget, service: &'a D, cache: &'a Cache, store: &'a SharedStore<'a, R>) -> Self {
        Self { target, service, cache, store, may_override: false, overrode: Cell::new(false) }
    }

    /// Sets whether the caller may start a run that ignores the safeguards. A request for one waits until such a caller
    /// reads its state, because a sync id is not a permission.
    #[must_use]
    pub(crate) fn override_allowed(self, may_override: bool) -> Self {
        Self { may_override, ..self }
    }

    /// Whether a run that ignores the safeguards was started.
    #[must_use]
    pub(crate) fn overrode(&self) -> bool {
        self.overrode.get()
    }

    pub(super) fn note_override(&self) {
        self.overrode.set(true);
    }

    pub(super) fn runtime(&self) -> &'a R {
        self.store.runtime()
    }

    pub(super) fn now(&self) -> SystemTime {
        self.runtime().now()
    }

    /// The shared store, if it can be read and written.
    pub(super) fn shared(&self) -> Option<Backend<'_, R>> {
        self.store.is_there().then_some(Backend::Shared(self.store))
    }

    /// The shared store, if it can be read: enough to show a state.
    pub(super) fn readable(&self) -> Option<Backend<'_, R>> {
        self.store.is_readable().then_some(Backend::Shared(self.store))
    }

    /// The instance's own store.
    pub(super) fn local(&self) -> Backend<'_, R> {
        Backend::Local(&self.cache.local, self.cache.local.id(|| self.runtime().random()))
    }

    /// The ledger of the request's own directory, for a request whose ticket is in it, or that has none.
    pub(super) fn own_ledger<'s>(&'s self, backend: Backend<'s, R>, directory: &str) -> Ledger<'s, R> {
        self.ledger(backend, directory, true)
    }

    /// The ledger of the directory of `request`; it may have been accepted with another backend.
    pub(super) fn ledger_for<'s>(&'s self, backend: Backend<'s, R>, request: &SyncRequest) -> Ledger<'s, R> {
        self.ledger(backend, &request.directory, backend.id() == request.ledger)
    }

    /// The ledger of another directory than the request's.
    pub(super) fn ledger_of_other<'s>(&'s self, backend: Backend<'s, R>, directory: &str) -> Ledger<'s, R> {
        self.ledger(backend, directory, false)
    }

    fn ledger<'s>(&'s self, backend: Backend<'s, R>, directory: &str, is_own: bool) -> Ledger<'s, R> {
        Ledger::new(self.runtime(), backend, &self.cache.entries, &self.target.short(), (directory, is_own))
    }

    /// Whether the latest kick-off's run, or another, is active according to `report`; and what was seen of the kick-off's
    /// run.
    pub(super) fn weigh(&self, entry: &Entry, report: &SyncReport) -> (bool, Option<Sight>) {
        let Some(head) = entry.kick_off() else { return (is_active(report.status), None) };
        let shown = shown_of(&head, entry, report);
        let report = &Baseline::without_earlier_log(head.baseline, report);
        let began = report.started_at.filter(|_| shown == Shown::After);
        let marks = |ended: &Option<Ending>| report.marks.filter(|_| ended.is_some());
        let sight = |running, ended| Some(Sight { running, began, ended, marks: marks(&ended), unlogged_ms: None });
        if self.awaits_log(&head, entry, report) {
            let unlogged_ms = Some(ms(self.now()));
            return (false, Some(Sight { running: true, began: None, ended: None, marks: None, unlogged_ms }));
        }
        let ended = |succeeded, certain| sight(false, Some(Ending { succeeded, certain }));
        match decide(report.status, shown, self.serving(&head, entry)) {
            Decision::Running if is_active(report.status) => (true, sight(true, None)),
            Decision::Running | Decision::Queued | Decision::NotShown => (true, None),
            Decision::Ended { succeeded } => (false, ended(succeeded, true)),
            Decision::Doubtful { succeeded, .. } => (false, ended(succeeded, false)),
            Decision::Start | Decision::Unknown(_) => (false, None),
        }
    }

    /// Records what `look` shows of the latest kick-off's run; returns whether a run is active.
    pub(super) async fn note(&self, ledger: &Ledger<'_, R>, look: &Observation) -> Result<bool, StoreUnavailable> {
        let (is_busy, sight) = self.weigh(&look.entry, &look.report);
        if let Some(sight) = sight {
            ledger.saw(&look.entry, sight).await?;
        }
        Ok(is_busy)
    }

    /// The knowledge about the kick-off `head`.
    pub(super) fn serving(&self, head: &Head, entry: &Entry) -> KickOff {
        KickOff::Serving { ago: self.since(head.kicked_ms), seen_running: entry.seen_running() }
    }

    /// The state of the directory's latest run, from the second source if the first cannot be read.
    pub(super) async fn report(&self, directory: &str) -> Result<SyncReport> {
        let report = self.service.observe(directory).await?;
        // A report with marks has been read with the log.
        if report.status != SyncStatus::Unknown || report.marks.is_some() {
            return Ok(report);
        }
        let newest = self.service.executions(directory).await?.and_then(|runs| runs.into_iter().next());
        // An active one shows that the list has them; LIKELY it has ended runs only, some time after their end.
        let newest = newest.map(|run| SyncReport { ended_only: run.status.is_final(), ..run });
        Ok(newest.unwrap_or(report))
    }

    pub(super) fn since(&self, ms: u64) -> Duration {
        since(ms, self.now())
    }

    /// Whether the run that was seen active ended a moment ago, with success as its directory shows it, and the sync log does not have
    /// it yet. The log shows failures that the directory does not. `report` is [`Baseline::without_earlier_log`].
    pub(super) fn awaits_log(&self, head: &Head, entry: &Entry, report: &SyncReport) -> bool {
        report.status == SyncStatus::Succeeded
            && Baseline::is_log_unchanged(head.baseline, report)
            && entry.sight().is_some_and(|seen| {
                seen.running && seen.ended.is_none() && seen.unlogged_ms.is_none_or(|since| self.since(since) < SETTLE)
            })
    }
}

/// How the run in `report` relates to the kick-off `head` of `entry`. The run that was seen active is the kick-off's, also if
/// neither start times nor marks distinguish its end from an earlier one: they may be late, or in whole seconds.
pub(super) fn shown_of(head: &Head, entry: &Entry, report: &SyncReport) -> Shown {
    match Baseline::shown(head.baseline, report) {
        Shown::Before | Shown::Hidden if entry.sight().is_some_and(|seen| seen.is_of(report)) => Shown::After,
        shown => shown,
    }
}

/// The instance's own store is memory and always responds.
pub(super) fn unavailable(_: StoreUnavailable) -> Error {
    Error::new(ErrorCode::Internal, "the instance's own store does not respond")
}

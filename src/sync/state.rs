//! The state of a request: observed, decided and proven; also advances the queue.

use std::time::{Duration, SystemTime};

use super::coordinator::{shown_of, unavailable};
use super::decide::{
    Baseline, Decision, Doubt, KickOff, SETTLE, Shown, decide, decide_before_the_first_run, is_active,
};
use super::directory_service::DirectoryService;
use super::entry::{Refusals, Sight};
use super::ledger::Ledger;
use super::proof_outcome::{ProofOutcome, proof_after_success};
use super::start::Kick;
use super::{Coordinator, Observation, SyncRequest, SyncState};
use crate::directory::{Product, SyncReport, SyncStatus};
use crate::error::{Error, Result};
use crate::runtime::{Runtime, rfc3339};
use crate::shared_state::{Backend, SHARED, StoreUnavailable};

/// An older request starts nothing any more.
const REQUEST_LIFE: Duration = Duration::from_hours(24);

/// The most kick-offs for one request: a second one if the first did not appear or did not serve it.
const MOST_KICK_OFFS: u8 = 2;

/// The message of a request that waits although its own directory is idle.
const GIVES_WAY: &str = "waiting for another directory on the same connector to finish syncing";

/// The message of a request that waits for a caller.
const NEEDS_OVERRIDE: &str =
    "waiting for a caller with the scope vidm:override to read this state, because the run will ignore the safeguards";

/// The message of a request whose start the target refused because a run is active, although it shows an idle directory;
/// the next start is sent after `pause` at the earliest.
fn hidden_run_message(product: Product, pause: Duration) -> String {
    format!(
        "{product} refused the start because a sync is running, but shows none; it is started again when this state is read in \
         {} seconds or later",
        pause.as_secs().max(1)
    )
}

/// Why the end of a run that is shown is no proof that the run began after the request.
fn ended_only(product: Product) -> String {
    format!("{product}'s state of this sync cannot be read, and its list of runs has a run only after its end")
}

impl<R: Runtime, D: DirectoryService> Coordinator<'_, R, D> {
    /// The state of a directory's latest run, however it was started; the observation is recorded.
    ///
    /// # Errors
    /// Those of the calls.
    pub(crate) async fn latest(&self, directory: &str) -> Result<SyncReport> {
        let ledger = self.own_ledger(self.readable().unwrap_or(self.local()), directory);
        match self.look(&ledger, directory, Duration::ZERO).await {
            Ok(look) => {
                let look = look?;
                // This only makes the ledger more exact.
                let _ = self.note(&ledger, &look).await;
                Ok(look.report)
            }
            Err(StoreUnavailable) => self.report(directory).await,
        }
    }

    /// The state of a request, from an observation no older than `max_age`; advances the queue if due.
    ///
    /// # Errors
    /// Those of the calls.
    pub(crate) async fn state(&self, request: &SyncRequest, max_age: Duration) -> Result<SyncState> {
        // A store that refuses writes has the ledger of earlier requests; this instance has that of its own later ones.
        let shared = if request.ledger == SHARED { self.readable() } else { self.shared() };
        let came = self.runtime().elapsed();
        if let Some(shared) = shared
            && let Ok(state) = self.state_with(shared, request, max_age).await
        {
            return state;
        }
        // The local ledger may use the observation that this request made for the shared ledger.
        let max_age = max_age.saturating_add(self.runtime().elapsed().saturating_sub(came));
        self.state_with(self.local(), request, max_age).await.map_err(unavailable)?
    }

    async fn state_with(
        &self,
        backend: Backend<'_, R>,
        request: &SyncRequest,
        max_age: Duration,
    ) -> Result<Result<SyncState>, StoreUnavailable> {
        let ledger = self.ledger_for(backend, request);
        // An observation from before the request says nothing about it.
        let max_age = max_age.min(self.since(request.requested_ms));
        let look = match self.look(&ledger, &request.directory, max_age).await? {
            Ok(look) => look,
            Err(e) => return Ok(self.without_look(request, e).await),
        };
        let (look, entry) = (&look, &look.entry);
        let is_ours = ledger.is_own() && !entry.lacks(request.ticket);
        if is_ours && entry.succeeded(request.ignore_safeguards) >= request.ticket {
            // Later runs do not concern this request.
            return Ok(self.proven(request, &look.as_success(), max_age).await);
        }
        let (is_busy, sight) = self.weigh(entry, &look.report);
        let serving = entry.kick_off().filter(|_| is_ours && request.is_served_by(entry));
        let kick_off = match serving {
            Some(head) => self.serving(&head, entry),
            None if is_ours => KickOff::Pending,
            None if request.kicked => KickOff::Itself { ago: self.since(request.requested_ms) },
            None => KickOff::Lost,
        };
        let shown = match (serving, entry.kick_off()) {
            (Some(head), _) => shown_of(&head, entry, &look.report),
            // The shown run ignores the safeguards, but this request did not ask for that.
            (None, Some(head))
                if is_ours
                    && head.ignores_safeguards
                    && !request.ignore_safeguards
                    && Baseline::shown(head.baseline, &look.report) == Shown::After =>
            {
                Shown::Before
            }
            (None, _) if kick_off == KickOff::Lost => Baseline::shown_without_ledger(request.baseline, &look.report),
            (None, _) => Baseline::shown(request.baseline, &look.report),
        };
        let baseline = serving.map_or(request.baseline, |head| head.baseline);
        let look = &look.with(Baseline::without_earlier_log(baseline, &look.report));
        let decision = match look.report.was_never_synced() {
            true => decide_before_the_first_run(kick_off),
            false if serving.is_some_and(|head| self.awaits_log(&head, entry, &look.report)) => Decision::NotShown,
            false => decide(look.report.status, shown, kick_off),
        };
        // The kick-off serves all who came before it, so what the directory shows before it must not be older than they are.
        if decision == Decision::Start && !is_busy && max_age > Duration::ZERO && look.age > Duration::ZERO {
            return Box::pin(self.state_with(backend, request, Duration::ZERO)).await;
        }
        if let Some(sight) = sight.filter(|_| decision != Decision::Start) {
            let seen = ledger.saw(entry, sight).await;
            // This only makes the ledger more exact. If the store refuses it, another ledger may be the request's own.
            if !is_ours {
                seen?;
            }
        }
        Ok(match decision {
            Decision::Queued => Ok(SyncState::of(SyncStatus::Queued, look)),
            // The run of another request's kick-off is about to appear: a start now would only join it.
            Decision::Start if is_busy => Ok(SyncState::without_run(SyncStatus::Queued, look)),
            Decision::Running if is_active(look.report.status) => Ok(SyncState::of(SyncStatus::Running, look)),
            Decision::Running => Ok(SyncState::without_run(SyncStatus::Running, look)),
            Decision::NotShown => self.not_shown(request, look, max_age).await,
            Decision::Start => self.go_on((&ledger, is_ours), request, (look, sight), max_age).await?,
            Decision::Unknown(doubt) => self.undecided(request, look, max_age, doubt).await,
            Decision::Ended { succeeded: true } => self.proven(request, look, max_age).await,
            Decision::Ended { succeeded: false } => {
                let is_ours = serving.is_some() && entry.sight().is_some_and(|seen| seen.is_of(&look.report));
                self.failed(request, look, max_age, baseline.filter(|_| !is_ours), is_ours).await
            }
            Decision::Doubtful { doubt, .. } => {
                let doubt = if look.report.ended_only { Doubt::EndedOnly } else { doubt };
                // After a further run the list would show no more; but it may bring a group that the ended one missed.
                let helps = doubt != Doubt::EndedOnly || request.needs_proof();
                let may_start = serving.is_some()
                    && entry.kick_offs_for(request.ticket, request.ignore_safeguards) < MOST_KICK_OFFS;
                match self.undecided(request, look, max_age, doubt).await {
                    Ok(state) if state.status == SyncStatus::Unknown && helps && may_start => {
                        self.go_on((&ledger, is_ours), request, (look, None), max_age).await?
                    }
                    state => state,
                }
            }
        })
    }

    /// No run of the request is shown, but it may be active or about to begin: present groups and users decide already.
    async fn not_shown(&self, request: &SyncRequest, look: &Observation, max_age: Duration) -> Result<SyncState> {
        // A failed look-up does not change the decision here.
        let proofs = self.prove(request, look, max_age).await.unwrap_or_default();
        let product = self.target.product;
        if proofs.is_complete() {
            let mut state = SyncState::without_run(SyncStatus::Succeeded, look);
            let missing = match look.report.status {
                SyncStatus::Succeeded if !look.report.ended_only => {
                    format!("{product}'s sync log does not have the run yet")
                }
                _ => format!("{product} does not show the run"),
            };
            state.report.message = Some(format!("{}; {missing}", proofs.complete_message()));
            return Ok(state.with(proofs));
        }
        let mut state = SyncState::without_run(SyncStatus::Running, look);
        if look.report.ended_only {
            state.report.message = Some(ended_only(product));
        }
        Ok(state)
    }

    /// A failed run. If it was not seen active as this request's, it may be a later one that hides ours: then the list of
    /// runs, the groups and the users are checked before a failure is reported.
    async fn failed(
        &self,
        request: &SyncRequest,
        look: &Observation,
        max_age: Duration,
        baseline: Option<Baseline>,
        is_ours: bool,
    ) -> Result<SyncState> {
        if is_ours {
            return Ok(SyncState::failed(look));
        }
        match self.earlier_runs(request, baseline).await {
            Some(Some(success)) => return self.proven(request, &look.with(success), max_age).await,
            Some(None) => return Ok(SyncState::failed(look)),
            None => {}
        }
        // A failed look-up does not change the decision here.
        let proofs = self.prove(request, look, max_age).await.unwrap_or_default();
        if proofs.is_complete() {
            let message = format!(
                "{}; the directory's latest run failed, but may be later than this request's run",
                proofs.complete_message()
            );
            let report = SyncReport { message: Some(message), ..look.report.clone() };
            return Ok(SyncState { report, ..SyncState::of(SyncStatus::Succeeded, look).with(proofs) });
        }
        Ok(SyncState::failed(look).with(proofs))
    }

    /// The result of the runs after the `baseline` in the list: a success, or that none succeeded. `None` if it shows no such
    /// run: a version may have no list, and its rows may be late.
    async fn earlier_runs(&self, request: &SyncRequest, baseline: Option<Baseline>) -> Option<Option<SyncReport>> {
        let baseline = baseline?;
        let mut runs = baseline.later(self.service.executions(&request.directory).await.ok()??);
        runs.retain(|run| run.status.is_final());
        let shows_any = !runs.is_empty();
        shows_any.then(|| runs.into_iter().find(|run| run.status == SyncStatus::Succeeded))
    }

    /// The directory could not be observed: if all groups and users are present, they still decide.
    async fn without_look(&self, request: &SyncRequest, error: Error) -> Result<SyncState> {
        if !request.needs_proof() || !error.is_of_the_look_alone() {
            return Err(error);
        }
        match self.prove_now(request).await {
            Ok(proofs) if proofs.is_complete() => {
                let message = format!(
                    "{}; the state of the run could not be read: {}",
                    proofs.complete_message(),
                    error.detail()
                );
                let report = SyncReport { message: Some(message), ..SyncReport::running() };
                Ok(SyncState { report, ..SyncState::begun(SyncStatus::Succeeded).with(proofs) })
            }
            _ => Err(error),
        }
    }

    /// Starts the further run that the request waits for, unless it has had two. A ledger that is not the request's own cannot count them:
    /// there a kick-off that came after the request and whose run is not shown is not followed by another.
    async fn go_on(
        &self,
        (ledger, is_ours): (&Ledger<'_, R>, bool),
        request: &SyncRequest,
        (look, sight): (&Observation, Option<Sight>),
        max_age: Duration,
    ) -> Result<Result<SyncState>, StoreUnavailable> {
        let has_had_all = match (is_ours, look.entry.kick_off()) {
            (true, _) => look.entry.kick_offs_for(request.ticket, request.ignore_safeguards) >= MOST_KICK_OFFS,
            (false, Some(head)) => {
                self.since(head.kicked_ms) <= self.since(request.requested_ms) + SETTLE
                    && shown_of(&head, &look.entry, &look.report) != Shown::After
            }
            (false, None) => false,
        };
        if has_had_all {
            return Ok(self.undecided(request, look, max_age, Doubt::NotShown).await);
        }
        if self.since(request.requested_ms) > REQUEST_LIFE {
            return Ok(Ok(SyncState::of(SyncStatus::Unknown, look)));
        }
        let refusals = look.entry.refusals(&look.report, self.now());
        if refusals == Some(Refusals::TooMany) {
            return Ok(self.undecided(request, look, max_age, Doubt::Refused).await);
        }
        let request = &SyncRequest { baseline: Baseline::of(&look.report), ..request.clone() };
        let waits = |message: &str| {
            let report = SyncReport { message: Some(message.to_owned()), ..SyncReport::queued() };
            Ok(SyncState { report, ..SyncState::of(SyncStatus::Queued, look) })
        };
        if let Some(Refusals::Pause(pause)) = refusals {
            return Ok(waits(&hidden_run_message(self.target.product, pause)));
        }
        Ok(match self.kick(ledger, (&look.entry, sight), request, max_age).await? {
            Ok(Kick::Sent) => {
                Ok(SyncState { report: SyncReport::running(), ..SyncState::of(SyncStatus::Running, look) })
            }
            Ok(Kick::Waits) => Ok(SyncState::of(SyncStatus::Queued, look)),
            Ok(Kick::AlreadyRunning(pause)) => waits(&hidden_run_message(self.target.product, pause)),
            Ok(Kick::GivesWay) => waits(GIVES_WAY),
            Ok(Kick::NeedsOverride) => waits(NEEDS_OVERRIDE),
            // It is recorded as one that may have begun a run; the next observation shows it.
            Err(e) if e.may_have_been_done() => waits(&format!("the last start failed: {}", e.detail())),
            Err(e) => Err(e),
        })
    }

    /// A successful run: the groups and users decide.
    async fn proven(&self, request: &SyncRequest, look: &Observation, max_age: Duration) -> Result<SyncState> {
        let proofs = proof_after_success(request, self.prove(request, look, max_age).await)?;
        let ProofOutcome { status, reason, message } = ProofOutcome::after_success(&proofs);
        let mut state = SyncState { reason, ..SyncState::of(status, look).with(proofs) };
        state.report.message = message.or(state.report.message);
        Ok(state)
    }

    /// An undecided observation: if all groups and users are present, they still decide.
    async fn undecided(
        &self,
        request: &SyncRequest,
        look: &Observation,
        max_age: Duration,
        doubt: Doubt,
    ) -> Result<SyncState> {
        let proofs = self.prove(request, look, max_age).await?;
        if proofs.is_complete() {
            return Ok(SyncState::of(SyncStatus::Succeeded, look).with(proofs));
        }
        let mut state = SyncState { doubt: Some(doubt), ..SyncState::of(SyncStatus::Unknown, look).with(proofs) };
        state.report.message = self.explained(doubt, &look.report).or(state.report.message);
        Ok(state)
    }

    /// Why the status is unknown; with the clocks involved where times tell runs apart.
    fn explained(&self, doubt: Doubt, report: &SyncReport) -> Option<String> {
        let product = self.target.product;
        let why = match (doubt, product) {
            (Doubt::Unreadable, _) => return None,
            (Doubt::NotShown, _) => {
                format!("the sync was started, but {product} still shows an earlier run: no run of this request has appeared")
            }
            (Doubt::LostQueue, _) => {
                let untimed = match product {
                    Product::Vidm if report.started_at.is_none() => "vIDM reports no start times, and ",
                    _ => "",
                };
                format!(
                    "idhook cannot determine whether the ended run began after this request: {untimed}the instance that accepted the \
                     request is gone (there is no key-value store, or it fails)"
                )
            }
            (Doubt::NotSeen, _) => format!(
                "{product} reports nothing that tells its runs apart, and no run was seen active since the start: the ended run may \
                 be an earlier one"
            ),
            (Doubt::EndedOnly, _) => {
                format!("{}: the ended run may have begun before the request", ended_only(product))
            }
            (Doubt::Refused, _) => {
                format!("{product} has refused every start for an hour because a sync is running, but shows none")
            }
            (Doubt::Clocks, Product::Vidm) => {
                "idhook could not observe the directory before its start, and these clocks may differ, so it is unknown whether \
                 the ended run began before the request"
                    .to_owned()
            }
            (Doubt::Clocks, Product::Fleet) => {
                "idhook could not observe the directory right before its start, so it is unknown whether the ended run began \
                 before the request"
                    .to_owned()
            }
        };
        Some(match product {
            Product::Vidm => format!("{why}. {}", self.clocks(report)),
            Product::Fleet => why,
        })
    }

    fn clocks(&self, report: &SyncReport) -> String {
        let time = |time: Option<SystemTime>| time.map_or_else(|| "no time".to_owned(), rfc3339);
        let (began, date, now) = (time(report.started_at), time(report.server_time), rfc3339(self.now()));
        format!("vIDM's start times show {began}, its Date header {date}, idhook's clock {now}")
    }
}

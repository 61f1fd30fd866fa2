//! The state of a request: what is seen, judged and proven; and the queue moved on.

use std::time::Duration;

use super::desk::gone;
use super::group_outcome::{GroupOutcome, proof_after_success};
use super::judge::{Began, Kicked, Verdict, judge};
use super::ledger::Ledger;
use super::shelf::Shelf;
use super::start::Kick;
use super::{Desk, Look, Reason, Request, State};
use crate::error::Result;
use crate::runtime::Runtime;
use crate::store::Gone;
use crate::vidm::{Proof, SyncReport, SyncStatus};

/// A request older than this starts nothing any more.
const REQUEST_LIFE: Duration = Duration::from_hours(24);

/// Why a request waits while its own directory does not run.
const GIVES_WAY: &str = "waits for the sync of another directory of the same connector";

impl<R: Runtime> Desk<'_, R> {
    /// How a directory's latest run stands, whoever started it; what is seen is written down.
    ///
    /// # Errors
    /// The calls'.
    pub async fn latest(&self, directory: &str) -> Result<SyncReport> {
        let shared = self.out.store();
        let shelf = if shared.is_there() { Shelf::Shared(shared) } else { self.local() };
        let ledger = Ledger::new(shelf, self.target, directory);
        match self.look(&ledger, directory, Duration::ZERO).await {
            Ok(look) => {
                let look = look?;
                // The ledger only becomes more exact by it.
                let _ = self.is_busy(&ledger, &look).await;
                Ok(look.report)
            }
            Err(Gone) => self.report(directory).await,
        }
    }

    /// How a request stands, by a look no older than `max_age`; moves the queue on where it is time to.
    ///
    /// # Errors
    /// The calls'.
    pub async fn state(&self, request: &Request, max_age: Duration) -> Result<State> {
        let shared = self.out.store();
        if shared.is_there()
            && let Ok(state) = self.state_with(Shelf::Shared(shared), request, max_age).await
        {
            return state;
        }
        self.state_with(self.local(), request, max_age).await.map_err(gone)?
    }

    async fn state_with(
        &self,
        shelf: Shelf<'_, R>,
        request: &Request,
        max_age: Duration,
    ) -> Result<Result<State>, Gone> {
        let ledger = Ledger::new(shelf, self.target, &request.directory);
        let look = match self.look(&ledger, &request.directory, max_age).await? {
            Ok(look) => look,
            Err(e) => return Ok(Err(e)),
        };
        let (look, entry, is_ours) = (&look, look.entry, ledger.id() == request.ledger);
        if is_ours && entry.succeeded() >= request.ticket {
            // What came after is not this request's concern.
            return Ok(self.proven(request, &look.as_success(), max_age).await);
        }
        self.is_busy(&ledger, look).await?;
        let serving = entry.head.filter(|head| is_ours && head.serves >= request.ticket);
        let kicked = match serving {
            Some(head) => self.serving(&head, &entry),
            None if is_ours => Kicked::NotYet,
            None if request.kicked => Kicked::ItselfOnce { ago: self.since(request.requested_ms) },
            None => Kicked::Lost,
        };
        let moment = serving.map_or(request.moment, |head| head.moment());
        let began = Began::against(look.report.started_at, moment);
        let verdict = judge(look.report.status, began, kicked);
        // A later run than the one that was kicked off hides it; the list of runs may still tell.
        let is_hidden =
            serving.is_none() && began == Began::After && !matches!(verdict, Verdict::Ended { succeeded: true, .. });
        if is_hidden && let Some(run) = self.earlier_success(request).await {
            return Ok(self.proven(request, &look.with(run), max_age).await);
        }
        Ok(match verdict {
            Verdict::Queued => Ok(State::of(SyncStatus::Queued, look)),
            Verdict::Running => Ok(State::of(SyncStatus::Running, look)),
            Verdict::Start => self.go_on(&ledger, request, look, max_age).await?,
            Verdict::Unknown => self.undecided(request, look, max_age).await,
            Verdict::Ended { succeeded: false, .. } => Ok(State::failed(look)),
            Verdict::Ended { succeeded: true, doubtful } => match self.proven(request, look, max_age).await {
                Ok(state) if doubtful && state.reason == Some(Reason::GroupAbsent) => {
                    self.go_on(&ledger, request, look, max_age).await?
                }
                state => state,
            },
        })
    }

    /// A successful run that began after the request, from the list of runs. A version without one tells nothing.
    async fn earlier_success(&self, request: &Request) -> Option<SyncReport> {
        let runs = self.client.executions(&request.directory).await.ok()??;
        runs.into_iter().find(|run| {
            run.status == SyncStatus::Succeeded && Began::against(run.started_at, request.moment) == Began::After
        })
    }

    /// Starts the further run that the request waits for.
    async fn go_on(
        &self,
        ledger: &Ledger<'_, R>,
        request: &Request,
        look: &Look,
        max_age: Duration,
    ) -> Result<Result<State>, Gone> {
        if self.since(request.requested_ms) > REQUEST_LIFE {
            return Ok(Ok(State::of(SyncStatus::Unknown, look)));
        }
        Ok(match self.kick(ledger, &look.entry, request, false, max_age).await? {
            Ok(Kick::Sent(..)) => Ok(State { report: SyncReport::running(), ..State::of(SyncStatus::Running, look) }),
            Ok(Kick::Waits) => Ok(State::of(SyncStatus::Queued, look)),
            Ok(Kick::GivesWay) => {
                let report = SyncReport { message: Some(GIVES_WAY.to_owned()), ..SyncReport::queued() };
                Ok(State { report, ..State::of(SyncStatus::Queued, look) })
            }
            // It is written down as one that may have begun a run; the next look tells.
            Err(e) if e.may_have_been_done() => Ok(State::of(SyncStatus::Queued, look)),
            Err(e) => Err(e),
        })
    }

    /// A run that succeeded: the groups decide.
    async fn proven(&self, request: &Request, look: &Look, max_age: Duration) -> Result<State> {
        let groups = proof_after_success(self.prove(request, look, max_age).await)?;
        let GroupOutcome { status, reason, message } = GroupOutcome::after_success(&groups);
        let mut state = State { groups, reason, ..State::of(status, look) };
        state.report.message = message.or(state.report.message);
        Ok(state)
    }

    /// An answer that tells nothing: groups that are all there still decide.
    async fn undecided(&self, request: &Request, look: &Look, max_age: Duration) -> Result<State> {
        let groups = self.prove(request, look, max_age).await?;
        let all = !groups.is_empty() && groups.iter().all(Proof::is_present);
        let status = if all { SyncStatus::Succeeded } else { SyncStatus::Unknown };
        Ok(State { groups, ..State::of(status, look) })
    }
}

//! Syncs one can trust: start, join, state, proof.
//!
//! vIDM runs at most one sync of a directory at a time, answers a start without saying whether it began a run or joined one,
//! and tells of the latest run only. A group made before a run began is in that run; one made after may not be. So a request
//! is served by a run that **begins after the request came**, and the protocol is about who starts it.
//!
//! # The protocol
//! * A request draws a ticket. Where nothing is known to run, it claims the kick-off; the kick-off draws a ticket of its own
//!   before it is sent, and serves all tickets below.
//! * Where a run may be going on, vIDM is asked. If it does run, the request waits: nothing is started.
//! * Whoever asks for the state of a waiting request and finds nothing running claims the kick-off for all who wait. There is
//!   no work in the background.
//! * A claim is leased: a claimant that dies delays the others by at most its lease.
//! * Tickets, claims and kick-offs are in the [`ledger`], in the shared store where there is one. Without one the ledger is
//!   the instance's own and ends with it; then vIDM's own start times decide, held against the `Date` of its answers, and the
//!   rare double start is harmless, for vIDM joins it.
//!
//! # What holds
//! 1. No request is told `succeeded` by a run that began before it came. Without the ledger of the time, and with no start times
//!    nearer than the second of the `Date` header, that is true to about a second; for named groups it is true in any case, for
//!    SCIM decides, and a doubtful run that lacks them is followed by one that is beyond doubt.
//! 2. With a ledger that is shared, any number of requests during one run cost one further run.
//! 3. A dead claimant delays by at most its lease.
//!
//! `tests/it/interleavings.rs` runs this very code over all schedules of a few callers up to a bound, against a vIDM that joins
//! silently, and holds it to these three.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use futures_util::lock::Mutex;
use serde::Serialize;

use crate::error::{Error, ErrorCode, Result};
use crate::gate::lock;
use crate::outbound::Outbound;
use crate::runtime::Runtime;
use crate::vidm::{
    Client, DirectoryRef, DirectorySummary, FailureReason, GroupQuery, Proof, StartOptions, SyncReport, SyncStatus,
};

mod judge;
mod ledger;
mod request;

pub use judge::Moment;
pub use ledger::LocalStore;
pub use request::Request;

use judge::{Began, Kicked, Verdict, judge};
use ledger::{Claim, Entry, Gone, Head, Ledger, Shelf};

/// A look this fresh is good enough for all who watch in one instance.
pub const FRESH: Duration = Duration::from_millis(900);
/// A request older than this starts nothing any more.
const REQUEST_LIFE: Duration = Duration::from_hours(24);

/// What an instance remembers of a target's syncs.
#[derive(Debug, Default)]
pub struct Memory {
    local: LocalStore,
    looks: RefCell<BTreeMap<String, Rc<Mutex<Option<Look>>>>>,
}

/// One look at the state of a directory, and what the ledger said just before it. In this order: a kick-off that the entry
/// tells of was sent before the look was taken, so what the look shows is not older than it.
#[derive(Debug, Clone)]
struct Look {
    /// Which ledger.
    ledger_id: u64,
    entry: Entry,
    report: SyncReport,
    /// When it was taken, by the runtime's clock that never goes back.
    at: Duration,
    /// How long the answer took.
    took: Duration,
}

impl Look {
    /// This look where it shows a success; else only that there was one, for it shows a later run.
    fn as_success(&self) -> Self {
        match self.report.status {
            SyncStatus::Succeeded => self.clone(),
            _ => Self { report: SyncReport { status: SyncStatus::Succeeded, ..SyncReport::running() }, ..self.clone() },
        }
    }
}

/// What a start is asked for.
#[derive(Debug, Clone, Default)]
pub struct Order {
    /// Run without safeguards. Only for callers who may.
    pub ignore_safeguards: bool,
    /// Groups that must be there in the end.
    pub groups: Vec<String>,
    /// Whether groups that are not in the sync profile are to be added to it first.
    pub add_to_profile: bool,
}

/// How a request stands.
#[derive(Debug, Clone)]
pub struct State {
    /// Where it stands.
    pub status: SyncStatus,
    /// The run that is told of: the one that serves the request, or the one it waits for.
    pub report: SyncReport,
    /// The groups asked for, where they were looked up.
    pub groups: Vec<Proof>,
    /// Why it failed, when it did.
    pub reason: Option<Reason>,
}

/// Why a request failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The run would have changed more than the safeguards allow.
    SafeguardTripped,
    /// The run failed otherwise.
    SyncFailed,
    /// The run succeeded, and a group asked for is not there.
    GroupAbsent,
}

impl Reason {
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

/// Syncs of one vIDM target, for one piece of work.
pub struct Desk<'a, R: Runtime> {
    target: &'a str,
    client: &'a Client<'a, R>,
    memory: &'a Memory,
    out: &'a Outbound<'a, R>,
}

impl<R: Runtime> std::fmt::Debug for Desk<'_, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").field("target", &self.target).finish_non_exhaustive()
    }
}

/// How an attempt to kick off ended.
enum Kick {
    /// It was sent, and a run began or was joined.
    Sent(Option<Moment>),
    /// A run goes on; ours comes after it.
    Waits,
}

impl<'a, R: Runtime> Desk<'a, R> {
    /// The syncs of `target`, asked through `client`.
    pub fn new(target: &'a str, client: &'a Client<'a, R>, memory: &'a Memory, out: &'a Outbound<'a, R>) -> Self {
        Self { target, client, memory, out }
    }

    fn now(&self) -> SystemTime {
        self.out.runtime().now()
    }

    /// The instance's own ledger.
    fn local(&self) -> Shelf<'_, R> {
        Shelf::Local(&self.memory.local, self.memory.local.id(|| self.out.runtime().random()))
    }

    /// Starts a sync, or joins the next one: gives the request, and whether its run is under way or waits.
    ///
    /// # Errors
    /// The directory's (`directory_not_found`, `directory_ambiguous`, `directory_not_syncable`), the profile's and the calls'.
    pub async fn start(&self, which: &DirectoryRef, order: Order) -> Result<(Request, SyncStatus)> {
        let (requested, came) = (self.now(), self.out.runtime().elapsed());
        match self.start_at(self.client.locate(which).await?, &order, requested, came).await {
            // The name led to a directory that is gone, by what was remembered; by now that is forgotten.
            Err(e) if e.code() == ErrorCode::DirectoryNotFound && matches!(which, DirectoryRef::Name(_)) => {
                self.start_at(self.client.locate(which).await?, &order, requested, came).await
            }
            done => done,
        }
    }

    async fn start_at(
        &self,
        directory: DirectorySummary,
        order: &Order,
        requested: SystemTime,
        came: Duration,
    ) -> Result<(Request, SyncStatus)> {
        if order.add_to_profile && !order.groups.is_empty() {
            self.add_to_profile(&directory.id, &order.groups).await?;
        }
        let mut request = Request::new(self.target, directory, requested, order);
        let shared = self.out.store();
        if shared.is_there()
            && let Ok(status) = self.start_with(Shelf::Shared(shared), &mut request, came).await
        {
            return status.map(|status| (request, status));
        }
        // Without a shared ledger, or where it fails, the instance's own.
        let status = self.start_with(self.local(), &mut request, came).await.map_err(gone)??;
        Ok((request, status))
    }

    /// The start, with one ledger. The outer failure is the ledger's, before anything was sent.
    async fn start_with(
        &self,
        shelf: Shelf<'_, R>,
        request: &mut Request,
        came: Duration,
    ) -> Result<Result<SyncStatus>, Gone> {
        let ledger = Ledger::new(shelf, self.target, &request.directory);
        request.ledger = ledger.id();
        request.ticket = ledger.ticket().await?;
        let mut entry = ledger.entry().await?;
        // Where vIDM tells no times, only a look beforehand tells a run that was begun from one that was joined.
        let looks = entry.may_run(self.now()) || entry.untimed();
        if looks {
            let look = match self.look(&ledger, &request.directory, Duration::ZERO).await? {
                Ok(look) => look,
                Err(e) => return Ok(Err(e)),
            };
            request.moment = self.moment_of(&look, came);
            if self.is_busy(&ledger, &look).await? {
                return Ok(Ok(SyncStatus::Queued));
            }
            entry = look.entry;
        }
        if entry.head.is_some_and(|head| head.serves >= request.ticket) {
            // While this request was on its way, somebody's kick-off came to serve it.
            return Ok(Ok(SyncStatus::Running));
        }
        Ok(match self.kick(&ledger, &entry, request, !looks).await? {
            Ok(Kick::Sent(moment)) => {
                // The request came before its kick-off was sent, by as much as was done in between.
                request.moment = moment.map(|moment| moment.widened(self.out.runtime().elapsed().saturating_sub(came)));
                request.kicked = true;
                Ok(SyncStatus::Running)
            }
            Ok(Kick::Waits) => Ok(SyncStatus::Queued),
            Err(e) => Err(e),
        })
    }

    /// Whether the run of the latest kick-off, or another, is going on; writes down what was seen.
    async fn is_busy(&self, ledger: &Ledger<'_, R>, look: &Look) -> Result<bool, Gone> {
        let (entry, status) = (&look.entry, look.report.status);
        let Some(head) = entry.head else { return Ok(matches!(status, SyncStatus::Queued | SyncStatus::Running)) };
        let untimed = look.report.started_at.is_none() && status != SyncStatus::Unknown;
        let began = Began::against(look.report.started_at, head.moment());
        match judge(status, began, self.serving(&head, entry)) {
            Verdict::Running => {
                ledger.saw(entry, status == SyncStatus::Running, None, untimed).await?;
                Ok(true)
            }
            Verdict::Queued => Ok(true),
            Verdict::Ended { succeeded, .. } => {
                ledger.saw(entry, false, Some(succeeded), untimed).await?;
                Ok(false)
            }
            Verdict::Start | Verdict::Unknown => Ok(false),
        }
    }

    /// What is known of the kick-off `head`.
    fn serving(&self, head: &Head, entry: &Entry) -> Kicked {
        Kicked::Serving { ago: self.since(head.kicked_ms), seen_running: entry.seen_running(), blind: head.blind }
    }

    /// Sends the kick-off, if nobody else has the right to; `blind` when vIDM was not looked at just before.
    async fn kick(
        &self,
        ledger: &Ledger<'_, R>,
        entry: &Entry,
        request: &Request,
        blind: bool,
    ) -> Result<Result<Kick>, Gone> {
        let Some(claim) = ledger.claim(entry.head, self.now()).await? else { return Ok(Ok(Kick::Waits)) };
        let (sent_at, sent) = (self.now(), self.out.runtime().elapsed());
        let which = DirectoryRef::Id(request.directory.clone());
        let options = StartOptions { ignore_safeguards: request.ignore_safeguards };
        let outcome = self.client.start_sync(&which, options).await;
        self.forget_look(&request.directory);
        let took = self.out.runtime().elapsed().saturating_sub(sent);
        // From here on the ledger's failures only make it less exact: what was sent was sent.
        match outcome {
            Ok(started) if started.already_running => {
                let _ = ledger.failed(&claim, self.now()).await;
                Ok(Ok(Kick::Waits))
            }
            Ok(started) => {
                let moment = started.server_time.map(|date| Moment::before(date, Duration::ZERO, took));
                let _ = ledger.kicked(&claim, sent_at, moment, blind).await;
                Ok(Ok(Kick::Sent(moment)))
            }
            Err(e) => {
                self.write_failure(ledger, &claim, &e, sent_at).await;
                Ok(Err(e))
            }
        }
    }

    /// A kick-off whose answer was lost may have begun a run; one that was refused has not.
    async fn write_failure(&self, ledger: &Ledger<'_, R>, claim: &Claim, e: &Error, sent_at: SystemTime) {
        let _ = if e.may_have_been_done() {
            ledger.kicked(claim, sent_at, None, true).await
        } else {
            ledger.failed(claim, self.now()).await
        };
    }

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
            return Ok(self.proven(request, &look.as_success()).await);
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
            return Ok(self.proven(request, &Look { report: run, ..look.clone() }).await);
        }
        Ok(match verdict {
            Verdict::Queued => Ok(State::of(SyncStatus::Queued, look)),
            Verdict::Running => Ok(State::of(SyncStatus::Running, look)),
            Verdict::Start => self.go_on(&ledger, &entry, request, look).await?,
            Verdict::Unknown => self.undecided(request, look).await,
            Verdict::Ended { succeeded: false, .. } => Ok(State::failed(look)),
            Verdict::Ended { succeeded: true, doubtful } => match self.proven(request, look).await {
                Ok(state) if doubtful && state.reason == Some(Reason::GroupAbsent) => {
                    self.go_on(&ledger, &entry, request, look).await?
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
        entry: &Entry,
        request: &Request,
        look: &Look,
    ) -> Result<Result<State>, Gone> {
        if self.since(request.requested_ms) > REQUEST_LIFE {
            return Ok(Ok(State::of(SyncStatus::Unknown, look)));
        }
        Ok(match self.kick(ledger, entry, request, false).await? {
            Ok(Kick::Sent(_)) => Ok(State { report: SyncReport::running(), ..State::of(SyncStatus::Running, look) }),
            Ok(Kick::Waits) => Ok(State::of(SyncStatus::Queued, look)),
            // It is written down as one that may have begun a run; the next look tells.
            Err(e) if e.may_have_been_done() => Ok(State::of(SyncStatus::Queued, look)),
            Err(e) => Err(e),
        })
    }

    /// A run that succeeded: the groups decide.
    async fn proven(&self, request: &Request, look: &Look) -> Result<State> {
        let groups = self.prove(request).await?;
        let all = groups.iter().all(|group| group.present);
        let (status, reason) =
            if all { (SyncStatus::Succeeded, None) } else { (SyncStatus::Failed, Some(Reason::GroupAbsent)) };
        Ok(State { groups, reason, ..State::of(status, look) })
    }

    /// An answer that tells nothing: groups that are all there still decide.
    async fn undecided(&self, request: &Request, look: &Look) -> Result<State> {
        let groups = self.prove(request).await?;
        let all = !groups.is_empty() && groups.iter().all(|group| group.present);
        let status = if all { SyncStatus::Succeeded } else { SyncStatus::Unknown };
        Ok(State { groups, ..State::of(status, look) })
    }

    /// Which of the request's groups are there.
    async fn prove(&self, request: &Request) -> Result<Vec<Proof>> {
        self.client.prove(&queries(&request.groups)).await
    }

    /// Adds groups to the profile, one caller at a time for a directory.
    async fn add_to_profile(&self, directory: &str, groups: &[String]) -> Result<()> {
        let change = self.client.add_to_profile(directory, &queries(groups)).await?;
        if change.not_found.is_empty() {
            return Ok(());
        }
        Err(Error::new(
            ErrorCode::RequestInvalid,
            format!("the connector does not find {} in its directory", change.not_found.join(", ")),
        )
        .hint("check the DN; a group that was just made may not have reached the domain controller that the connector reads"))
    }

    /// The state of a directory, as fresh as is good for all who ask at once, and the ledger's entry from just before.
    async fn look(&self, ledger: &Ledger<'_, R>, directory: &str, max_age: Duration) -> Result<Result<Look>, Gone> {
        let shared = Rc::clone(self.memory.looks.borrow_mut().entry(directory.to_owned()).or_default());
        let runtime = self.out.runtime();
        let came = runtime.elapsed();
        let mut kept = lock(&shared, runtime).await;
        // A look that ended while this one waited for the lock was taken for all who waited.
        let is_fresh = |look: &&Look| look.ledger_id == ledger.id() && look.at.saturating_add(max_age) > came;
        if let Some(look) = kept.as_ref().filter(is_fresh) {
            return Ok(Ok(look.clone()));
        }
        let entry = ledger.entry().await?;
        let asked = runtime.elapsed();
        let report = match self.report(directory).await {
            Ok(report) => report,
            Err(e) => return Ok(Err(e)),
        };
        let at = runtime.elapsed();
        let look = Look { ledger_id: ledger.id(), entry, report, at, took: at.saturating_sub(asked) };
        *kept = Some(look.clone());
        Ok(Ok(look))
    }

    /// What vIDM tells of the latest run, from the second source where the first is not to be read.
    async fn report(&self, directory: &str) -> Result<SyncReport> {
        let report = self.client.sync_state(directory).await?;
        if report.status != SyncStatus::Unknown {
            return Ok(report);
        }
        let runs = self.client.executions(directory).await?;
        Ok(runs.and_then(|runs| runs.into_iter().next()).unwrap_or(report))
    }

    /// After a kick-off the last look is of the past.
    fn forget_look(&self, directory: &str) {
        self.memory.looks.borrow_mut().remove(directory);
    }

    /// When something happened that was at `came`, on vIDM's clock.
    fn moment_of(&self, look: &Look, came: Duration) -> Option<Moment> {
        let date = look.report.server_time?;
        Some(Moment::before(date, look.at.saturating_sub(look.took).saturating_sub(came), look.took))
    }

    fn since(&self, ms: u64) -> Duration {
        self.now().duration_since(ledger::time(ms)).unwrap_or_default()
    }
}

impl From<FailureReason> for Reason {
    fn from(reason: FailureReason) -> Self {
        match reason {
            FailureReason::SafeguardTripped => Self::SafeguardTripped,
            FailureReason::SyncFailed => Self::SyncFailed,
        }
    }
}

impl State {
    /// A request that was just taken, and nothing more is known.
    #[must_use]
    pub fn begun(status: SyncStatus) -> Self {
        Self { status, report: SyncReport { status, ..SyncReport::running() }, groups: Vec::new(), reason: None }
    }

    fn of(status: SyncStatus, look: &Look) -> Self {
        Self { status, report: look.report.clone(), groups: Vec::new(), reason: None }
    }

    fn failed(look: &Look) -> Self {
        let reason = look.report.reason.map_or(Reason::SyncFailed, Reason::from);
        Self { reason: Some(reason), ..Self::of(SyncStatus::Failed, look) }
    }
}

/// The instance's own ledger is memory and answers always.
fn gone(_: Gone) -> Error {
    Error::new(ErrorCode::Internal, "the instance's own ledger does not answer")
}

/// The groups as queries; they were checked when the request was taken.
fn queries(groups: &[String]) -> Vec<GroupQuery> {
    groups.iter().filter_map(|group| GroupQuery::parse(group).ok()).collect()
}

impl Error {
    /// Whether what was asked for may have been done although there is no good answer: a repetition could do it twice.
    fn may_have_been_done(&self) -> bool {
        // Where it was the login that failed, nothing was asked for.
        !self.evidence().is_some_and(|evidence| evidence.is_login)
            && matches!(
                self.code(),
                ErrorCode::UpstreamTimeout | ErrorCode::UpstreamFailed | ErrorCode::UpstreamInvalid
            )
    }
}

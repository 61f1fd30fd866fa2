//! Starts a sync: accepts the request, then kicks off a run or joins the next one.

use std::time::{Duration, SystemTime};

use super::coordinator::unavailable;
use super::decide::Baseline;
use super::directory_service::{DirectoryService, KickOffAnswer};
use super::entry::{Entry, Head, KickOffMade, Refusals, Sight};
use super::ledger::Ledger;
use super::{Coordinator, SyncOrder, SyncRequest};
use crate::directory::{DirectoryRef, DirectorySummary, GroupQuery, SyncStatus, UserQuery};
use crate::error::{Error, ErrorCode, Result};
use crate::runtime::Runtime;
use crate::shared_state::{Backend, SHARED, StoreUnavailable};

/// The result of an attempt to kick off.
pub(super) enum Kick {
    /// It was sent, and a run began.
    Sent,
    /// The target responded that a run is active, which it does not show; ours follows, after this time at the earliest.
    AlreadyRunning(Duration),
    /// Another caller is kicking off; ours follows, or is the same.
    Waits,
    /// Another directory with the same connector is running; ours follows.
    GivesWay,
    /// The run should ignore the safeguards, but this caller may not start such a run.
    NeedsOverride,
}

impl<R: Runtime, D: DirectoryService> Coordinator<'_, R, D> {
    /// Starts a sync, or joins the next one: returns the request, and whether its run is active or it waits.
    ///
    /// # Errors
    /// Those of the directory look-up (`directory_not_found`, `directory_ambiguous`, `directory_not_syncable`), the profile
    /// update and the calls.
    pub(crate) async fn start(&self, which: &DirectoryRef, order: SyncOrder) -> Result<(SyncRequest, SyncStatus)> {
        let requested = self.now();
        match self.start_at(self.service.locate(which).await?, &order, requested).await {
            // The cached name led to a directory that is gone; the cached entry has been dropped since.
            Err(e) if e.code() == ErrorCode::DirectoryNotFound && matches!(which, DirectoryRef::Name(_)) => {
                self.start_at(self.service.locate(which).await?, &order, requested).await
            }
            done => done,
        }
    }

    async fn start_at(
        &self,
        directory: DirectorySummary,
        order: &SyncOrder,
        requested: SystemTime,
    ) -> Result<(SyncRequest, SyncStatus)> {
        if order.adds_to_profile() {
            // Before any observation: a run that began before the selection does not import the groups.
            self.add_to_profile(&directory.id, order.groups()).await?;
        }
        let mut request = SyncRequest::new(self.target, directory, requested, order);
        if let Some(shared) = self.shared()
            && let Ok(status) = self.start_with(shared, &mut request).await
        {
            return status.map(|status| (request, status));
        }
        // Without a shared ledger, or if it fails, the instance's own.
        let status = self.start_with(self.local(), &mut request).await.map_err(unavailable)??;
        Ok((request, status))
    }

    /// The start with one ledger. The outer failure is the ledger's, before anything was sent.
    async fn start_with(
        &self,
        backend: Backend<'_, R>,
        request: &mut SyncRequest,
    ) -> Result<Result<SyncStatus>, StoreUnavailable> {
        let ledger = self.own_ledger(backend, &request.directory);
        request.ledger = ledger.id();
        let (mut entry, sight);
        (entry, request.ticket) = ledger.arrive().await?;
        match self.look_after(&ledger, &request.directory, &entry).await? {
            Ok(look) => {
                request.baseline = Baseline::of(&look.report);
                let is_busy;
                (is_busy, sight) = self.weigh(&look.entry, &look.report);
                let refusals = look.entry.refusals(&look.report, self.now());
                if is_busy || matches!(refusals, Some(Refusals::Pause(_))) {
                    // A run that is about to appear began before this request, and is not what the directory shows; so did
                    // one that the target does not show.
                    request.baseline = request.baseline.filter(Baseline::shows_running);
                    return Ok(Ok(SyncStatus::Queued));
                }
                entry = look.entry;
            }
            // The directory's state comes from an undocumented call. Without its response a run is still worth starting.
            Err(e) if e.is_of_the_look_alone() => sight = None,
            Err(e) => return Ok(Err(e)),
        }
        if request.is_served_by(&entry) {
            // While this request was on its way, another caller's kick-off served it.
            return Ok(Ok(SyncStatus::Running));
        }
        Ok(match self.kick(&ledger, (&entry, sight), request, Duration::ZERO).await? {
            Ok(Kick::Sent) => {
                request.kicked = true;
                Ok(SyncStatus::Running)
            }
            Ok(kick) => {
                // An observation of an idle directory is outdated once the target responds that a run is active.
                if matches!(kick, Kick::AlreadyRunning(_)) {
                    request.baseline = self.baseline_of_waiting(&ledger, request).await?;
                }
                Ok(SyncStatus::Queued)
            }
            Err(e) => Err(e),
        })
    }

    /// The baseline of a waiting request. In a shared ledger a later kick-off will serve it; without one, other instances
    /// have only the observation.
    async fn baseline_of_waiting(
        &self,
        ledger: &Ledger<'_, R>,
        request: &SyncRequest,
    ) -> Result<Option<Baseline>, StoreUnavailable> {
        if request.ledger == SHARED {
            return Ok(None);
        }
        let look = self.look(ledger, &request.directory, Duration::ZERO).await?;
        Ok(look.ok().and_then(|look| Baseline::of(&look.report)).filter(Baseline::shows_running))
    }

    /// Sends the kick-off, if no other caller has the right to; `entry` includes what a later observation showed of the
    /// previous kick-off. The request's baseline is what the directory showed just before; other directories are checked by
    /// observations no older than `max_age`.
    pub(super) async fn kick(
        &self,
        ledger: &Ledger<'_, R>,
        (entry, sight): (&Entry, Option<Sight>),
        request: &SyncRequest,
        max_age: Duration,
    ) -> Result<Result<Kick>, StoreUnavailable> {
        if request.ignore_safeguards && !self.may_override {
            return Ok(Ok(Kick::NeedsOverride));
        }
        let Some((claim, entry)) = ledger.claim(entry).await? else { return Ok(Ok(Kick::Waits)) };
        let entry = sight.map_or_else(|| entry.clone(), |sight| entry.with(sight).0);
        if !self.has_way(ledger.backend(), &request.directory, max_age).await? {
            ledger.give_back(claim, &entry).await?;
            return Ok(Ok(Kick::GivesWay));
        }
        let sent = self.now();
        let ignores_safeguards = request.ignore_safeguards;
        if ignores_safeguards {
            self.note_override();
        }
        let outcome = self.service.kick_off(request.directory(), ignores_safeguards).await;
        let made = KickOffMade { sent, baseline: request.baseline, ignores_safeguards };
        // From here on a ledger failure only makes it less exact: the kick-off was sent.
        let kick = match outcome {
            Ok(KickOffAnswer::AlreadyRunning) => {
                let head = Head::refused(&claim, &entry, made);
                let _ = ledger.kicked(claim, &entry, head).await;
                Ok(Kick::AlreadyRunning(head.pause()))
            }
            Ok(KickOffAnswer::Started) => {
                let head = Head::started(&claim, &entry, made);
                let _ = ledger.kicked(claim, &entry, head).await;
                Ok(Kick::Sent)
            }
            Err(e) => {
                if entry.kick_off().is_none() && !e.may_have_been_done() {
                    // Before the claim ends: the next claimant finds it missing from the list, and adds it.
                    let _ = self.unlist(ledger.backend(), &request.directory).await;
                }
                // A kick-off without response may have begun a run; a rejected one has not.
                let head = match e.may_have_been_done() {
                    true => Head::started(&claim, &entry, made),
                    false => Head::nothing(&claim, &entry, self.now()),
                };
                let _ = ledger.kicked(claim, &entry, head).await;
                Err(e)
            }
        };
        self.forget_look(&request.directory);
        Ok(kick)
    }
}

/// The groups and users as queries; they were checked when the request was accepted.
pub(super) fn queries(request: &SyncRequest) -> (Vec<GroupQuery>, Vec<UserQuery>) {
    let groups = request.groups.iter().filter_map(|group| GroupQuery::parse(group).ok());
    let users = request.users.iter().filter_map(|user| UserQuery::parse(user).ok());
    (groups.collect(), users.collect())
}

impl SyncRequest {
    /// Whether the latest kick-off serves this request: it came later, and was made with the requested options.
    pub(super) fn is_served_by(&self, entry: &Entry) -> bool {
        entry
            .kick_off()
            .is_some_and(|head| head.serves >= self.ticket && (self.ignore_safeguards || !head.ignores_safeguards))
    }
}

impl Error {
    /// Whether an observation failed in a way that does not prevent a start: the target's response to this call was unusable or
    /// late.
    pub(super) fn is_of_the_look_alone(&self) -> bool {
        let is_login = self.evidence().is_some_and(|evidence| evidence.is_login);
        // A server that sends Retry-After means every call.
        let is_answer =
            self.answer_status().is_some_and(|status| !matches!(status.as_u16(), 401 | 429)) && self.wait().is_none();
        !is_login && (is_answer || self.may_have_been_done())
    }

    /// Whether the request may have taken effect without a usable response: a repetition could do it twice.
    pub(super) fn may_have_been_done(&self) -> bool {
        // If access was denied, it was not carried out.
        !self.evidence().is_some_and(|evidence| evidence.may_deny_token) && self.is_unanswered()
    }
}

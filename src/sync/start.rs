//! Starting: a request is taken, and kicked off or joined to what runs.

use std::time::{Duration, SystemTime};

use super::desk::gone;
use super::judge::Moment;
use super::ledger::{Claim, Entry, Ledger};
use super::shelf::Shelf;
use super::{Desk, Order, Request};
use crate::error::{Error, ErrorCode, Result};
use crate::runtime::Runtime;
use crate::store::Gone;
use crate::vidm::{DirectoryRef, DirectorySummary, GroupQuery, StartOptions, SyncStatus};

/// How an attempt to kick off ended.
pub(super) enum Kick {
    /// It was sent, and a run began or was joined: when that was on vIDM's clock, if it told, and on the runtime's.
    Sent(Option<Moment>, Duration),
    /// A run goes on; ours comes after it.
    Waits,
    /// Another directory's run goes on, and both have one connector; ours comes after it.
    GivesWay,
}

impl<R: Runtime> Desk<'_, R> {
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
        mut came: Duration,
    ) -> Result<(Request, SyncStatus)> {
        if order.add_to_profile && !order.groups.is_empty() {
            self.add_to_profile(&directory.id, &order.groups).await?;
            // A run that began before they were selected does not bring them.
            came = self.out.runtime().elapsed();
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
            request.moment = look.moment_of(came);
            if self.is_busy(&ledger, &look).await? {
                return Ok(Ok(SyncStatus::Queued));
            }
            entry = look.entry;
        }
        if entry.head.is_some_and(|head| head.serves >= request.ticket) {
            // While this request was on its way, somebody's kick-off came to serve it.
            return Ok(Ok(SyncStatus::Running));
        }
        Ok(match self.kick(&ledger, &entry, request, !looks, Duration::ZERO).await? {
            Ok(Kick::Sent(moment, sent)) => {
                // The request came before its kick-off was sent, by as much as was done in between.
                request.moment = moment.map(|moment| moment.widened(sent.saturating_sub(came)));
                request.kicked = true;
                Ok(SyncStatus::Running)
            }
            Ok(Kick::Waits | Kick::GivesWay) => {
                // Another instance cannot read this one's ledger: it goes by the time, and nothing has told it yet.
                if request.moment.is_none()
                    && request.ledger != Request::SHARED
                    && let Ok(look) = self.look(&ledger, &request.directory, Duration::ZERO).await?
                {
                    request.moment = look.moment_of(came);
                }
                Ok(SyncStatus::Queued)
            }
            Err(e) => Err(e),
        })
    }

    /// Sends the kick-off, if nobody else has the right to; `blind` when vIDM was not looked at just before; other
    /// directories are seen by looks no older than `max_age`.
    pub(super) async fn kick(
        &self,
        ledger: &Ledger<'_, R>,
        entry: &Entry,
        request: &Request,
        blind: bool,
        max_age: Duration,
    ) -> Result<Result<Kick>, Gone> {
        let Some(claim) = ledger.claim(entry.head, self.now()).await? else { return Ok(Ok(Kick::Waits)) };
        if !self.has_way(ledger.shelf(), &request.directory, max_age).await? {
            ledger.give_back(&claim).await?;
            return Ok(Ok(Kick::GivesWay));
        }
        let sent_at = self.now();
        let which = DirectoryRef::Id(request.directory.clone());
        let options = StartOptions { ignore_safeguards: request.ignore_safeguards };
        let outcome = self.client.start_sync(&which, options).await;
        // The answer's own exchange: a login before it may have taken long, and would make the moment that much less exact.
        let took =
            self.out.calls().last().map_or(Duration::ZERO, |call| Duration::from_millis(call.ms.saturating_add(1)));
        let sent = self.out.runtime().elapsed().saturating_sub(took);
        // From here on the ledger's failures only make it less exact: what was sent was sent.
        let kick = match outcome {
            Ok(started) if started.already_running => {
                let _ = ledger.failed(&claim, self.now()).await;
                Ok(Kick::Waits)
            }
            Ok(started) => {
                let moment = started.server_time.map(|date| Moment::before(date, Duration::ZERO, took));
                let _ = ledger.kicked(&claim, sent_at, moment, blind).await;
                Ok(Kick::Sent(moment, sent))
            }
            Err(e) => {
                let never_ran = entry.head.is_none_or(|head| head.serves == 0);
                if never_ran && !e.may_have_been_done() {
                    // Before the claim ends: who has the next one finds it gone from the list, and puts it there.
                    let _ = self.unlist(ledger.shelf(), &request.directory).await;
                }
                self.write_failure(ledger, &claim, &e, sent_at).await;
                Err(e)
            }
        };
        self.forget_look(ledger, &request.directory).await;
        Ok(kick)
    }

    /// A kick-off whose answer was lost may have begun a run; one that was refused has not.
    async fn write_failure(&self, ledger: &Ledger<'_, R>, claim: &Claim, e: &Error, sent_at: SystemTime) {
        let _ = if e.may_have_been_done() {
            ledger.kicked(claim, sent_at, None, true).await
        } else {
            ledger.failed(claim, self.now()).await
        };
    }
}

/// The groups as queries; they were checked when the request was taken.
pub(super) fn queries(groups: &[String]) -> Vec<GroupQuery> {
    groups.iter().filter_map(|group| GroupQuery::parse(group).ok()).collect()
}

impl Error {
    /// Whether what was asked for may have been done although there is no good answer: a repetition could do it twice.
    pub(super) fn may_have_been_done(&self) -> bool {
        // Where it was the login that failed, nothing was asked for.
        !self.evidence().is_some_and(|evidence| evidence.is_login)
            && matches!(
                self.code(),
                ErrorCode::UpstreamTimeout | ErrorCode::UpstreamFailed | ErrorCode::UpstreamInvalid
            )
    }
}

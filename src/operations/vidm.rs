//! The operations on a vIDM: directories, syncs with their proof, groups, health.

use std::cell::Cell;
use std::time::Duration;

use super::VidmTarget;
use crate::directory::DirectoryRef;
use crate::error::Result;
use crate::runtime::Runtime;
use crate::sync::{Coordinator, DryRun, SyncDocument, SyncHistory, SyncOrder, SyncRequest, SyncState};
use crate::upstream::Outbound;
use crate::vidm::Client;

/// The operations on one vIDM, for one piece of work.
#[derive(Debug)]
pub(crate) struct VidmOperations<'a, R> {
    pub(super) target: &'a VidmTarget,
    /// The API: what one call of it does needs no operation.
    pub(crate) client: Client<'a, R>,
    pub(super) out: &'a Outbound<'a, R>,
    may_override: bool,
    overrode: Cell<bool>,
}

impl<'a, R: Runtime> VidmOperations<'a, R> {
    /// Operations on `target`, whose calls go through `out`. `may_override`: whether the caller may start a run that ignores
    /// the safeguards. A sync request for such a run waits until a caller with that scope reads its state.
    pub(crate) fn new(target: &'a VidmTarget, out: &'a Outbound<'a, R>, may_override: bool) -> Self {
        let client = Client::new(&target.settings, &target.cache, out);
        Self { target, client, out, may_override, overrode: Cell::new(false) }
    }

    /// Whether a run that ignores the safeguards was started.
    pub(crate) fn overrode(&self) -> bool {
        self.overrode.get()
    }

    async fn with_syncs<T>(&self, work: impl AsyncFnOnce(&Coordinator<'_, R, Client<'_, R>>) -> T) -> T {
        let coordinator =
            Coordinator::new(&self.target.settings.name, &self.client, &self.target.syncs, self.out.store())
                .override_allowed(self.may_override);
        let done = work(&coordinator).await;
        self.overrode.set(self.overrode.get() || coordinator.overrode());
        done
    }

    /// Starts a sync, or joins the next one: returns the request and its first state, `running` or `queued`.
    ///
    /// # Errors
    /// `directory_not_found`, `directory_ambiguous`, `directory_not_syncable`; and those of the profile update, the login and the calls.
    pub(crate) async fn start(&self, which: &DirectoryRef, order: SyncOrder) -> Result<(SyncRequest, SyncState)> {
        let (request, status) = self.with_syncs(async |syncs| syncs.start(which, order).await).await?;
        Ok((request, SyncState::begun(status)))
    }

    /// The state of a started sync, from an observation no older than `max_age`. It proves the request's groups, and starts
    /// a queued sync when its turn has come.
    ///
    /// # Errors
    /// Those of the login and the calls.
    pub(crate) async fn state(&self, request: &SyncRequest, max_age: Duration) -> Result<SyncState> {
        self.with_syncs(async |syncs| syncs.state(request, max_age).await).await
    }

    /// The state of a directory's latest sync, however it was started; it has no `id`.
    ///
    /// # Errors
    /// Those of the directory look-up, the login and the calls.
    pub(crate) async fn latest(&self, which: &DirectoryRef) -> Result<SyncDocument> {
        self.with_syncs(async |syncs| syncs.present(which).await).await
    }

    /// A directory's recent syncs, newest first.
    ///
    /// # Errors
    /// `not_found` where this vIDM version does not expose them; and those of the directory look-up, the login and the calls.
    pub(crate) async fn history(&self, which: &DirectoryRef) -> Result<SyncHistory> {
        self.with_syncs(async |syncs| syncs.history(which).await).await
    }

    /// What a sync would change; nothing is started.
    ///
    /// # Errors
    /// `not_found` where this vIDM version has no such call; and those of the directory look-up, the login and the calls.
    pub(crate) async fn dry_run(&self, which: &DirectoryRef, ignore_safeguards: bool) -> Result<DryRun> {
        self.with_syncs(async |syncs| syncs.dry_run(which, ignore_safeguards).await).await
    }
}

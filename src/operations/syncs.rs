//! Directory syncs with their proof, for every product that has them.

use std::cell::Cell;
use std::time::Duration;

use super::directory_service::Service;
use super::{FleetTarget, VidmTarget};
use crate::directory::{DirectoryRef, DirectorySummary, Listed, Proof, SyncTarget};
use crate::error::{Error, ErrorCode, FieldError, Result};
use crate::runtime::Runtime;
use crate::sync::{
    self, Coordinator, DryRun, StaleDirectory, SyncDocument, SyncHistory, SyncOrder, SyncRequest, SyncState,
};
use crate::upstream::Outbound;
use crate::{fleet, vidm};

/// Most directories whose last sync one request reads.
const MAX_STALE: usize = 20;

/// The syncs of one target's directories, for one piece of work.
#[derive(Debug)]
pub(crate) struct SyncOperations<'a, R> {
    target: &'a SyncTarget,
    service: Service<'a, R>,
    cache: &'a sync::Cache,
    out: &'a Outbound<'a, R>,
    may_override: bool,
    overrode: Cell<bool>,
}

impl<'a, R: Runtime> SyncOperations<'a, R> {
    /// The syncs of a vIDM, whose calls go through `out`. `may_override`: whether the caller may start a run that ignores the
    /// safeguards. A sync request for such a run waits until a caller with that scope reads its state.
    pub(crate) fn of_vidm(target: &'a VidmTarget, out: &'a Outbound<'a, R>, may_override: bool) -> Self {
        let service = Service::Vidm(vidm::Client::new(&target.settings, &target.cache, out));
        let (target, cache) = (&target.id, &target.syncs);
        Self { target, service, cache, out, may_override, overrode: Cell::new(false) }
    }

    /// The syncs of a VCF Operations, which has no safeguards.
    pub(crate) fn of_fleet(target: &'a FleetTarget, out: &'a Outbound<'a, R>) -> Self {
        let service = Service::Fleet(fleet::Client::new(&target.settings, &target.cache, out));
        let (target, cache) = (&target.id, &target.syncs);
        Self { target, service, cache, out, may_override: false, overrode: Cell::new(false) }
    }

    /// The target.
    pub(crate) fn target(&self) -> &'a SyncTarget {
        self.target
    }

    /// Whether a run that ignores the safeguards was started.
    pub(crate) fn overrode(&self) -> bool {
        self.overrode.get()
    }

    async fn with_syncs<T>(&self, work: impl AsyncFnOnce(&Coordinator<'_, R, Service<'a, R>>) -> T) -> T {
        let coordinator = Coordinator::new(self.target, &self.service, self.cache, self.out.store())
            .override_allowed(self.may_override);
        let done = work(&coordinator).await;
        self.overrode.set(self.overrode.get() || coordinator.overrode());
        done
    }

    /// Starts a sync, or joins the next one: returns the request and its first state, `running` or `queued`.
    ///
    /// # Errors
    /// `directory_not_found`, `directory_ambiguous`, `directory_not_syncable`; `not_supported` for an order that the product
    /// cannot carry out; and those of the profile update, the login and the calls.
    pub(crate) async fn start(&self, which: &DirectoryRef, order: SyncOrder) -> Result<(SyncRequest, SyncState)> {
        self.service.check_order(&order).map_err(|e| e.at(&self.target.name))?;
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

    /// Those of `directories` that can be synced and whose latest sync is not known to have succeeded within `period`.
    ///
    /// # Errors
    /// `request_invalid` for more than twenty directories, because each costs a call; and those of the login and the calls, if
    /// no state can be read.
    pub(crate) async fn stale<D: Listed>(&self, directories: &[D], period: Duration) -> Result<Vec<StaleDirectory>> {
        let syncable = directories.iter().filter(|directory| directory.why_not_syncable().is_none());
        let syncable: Vec<_> = syncable.map(DirectorySummary::of).collect();
        if syncable.len() > MAX_STALE {
            let detail =
                format!("{} directories match, and staleAfter reads at most {MAX_STALE} of them", syncable.len());
            return Err(
                Error::new(ErrorCode::RequestInvalid, detail).hint("select fewer: add name or domain to the query")
            );
        }
        self.with_syncs(async |syncs| syncs.stale(syncable, period).await).await
    }

    /// A directory's recent syncs, newest first.
    ///
    /// # Errors
    /// `not_found` where this version does not expose them; and those of the directory look-up, the login and the calls.
    pub(crate) async fn history(&self, which: &DirectoryRef) -> Result<SyncHistory> {
        self.with_syncs(async |syncs| syncs.history(which).await).await
    }

    /// Brings the order's groups in by their distinguished names, without a sync.
    ///
    /// # Errors
    /// `not_supported` if the product, or this version of it, has no such call; `directory_not_found`,
    /// `directory_ambiguous`; and those of the login and the calls, if no group was brought in.
    pub(crate) async fn provision(&self, which: &DirectoryRef, order: &SyncOrder) -> Result<SyncDocument> {
        let now = self.out.runtime().now();
        match &self.service {
            Service::Fleet(fleet) => {
                let (directory, groups) = fleet.provision_all(which, order.groups()).await?;
                let groups = Proof::named(groups, order.group_names());
                Ok(SyncDocument::of_groups(self.target.product, directory.into(), groups, now))
            }
            Service::Vidm(_) => Err(Error::new(ErrorCode::NotSupported, "vIDM brings groups in only by a sync")
                .fields_of(vec![FieldError::new(
                    "/provision",
                    "is not supported: vIDM brings groups in only by a sync",
                )])
                .hint("start a sync with addToProfile instead")
                .at(&self.target.name)),
        }
    }

    /// The changes that a sync would make; nothing is started.
    ///
    /// # Errors
    /// `not_supported` if the product or this version has no dry run; and those of the directory look-up, the login and the
    /// calls.
    pub(crate) async fn dry_run(&self, which: &DirectoryRef, ignore_safeguards: bool) -> Result<DryRun> {
        self.with_syncs(async |syncs| syncs.dry_run(which, ignore_safeguards).await).await
    }
}

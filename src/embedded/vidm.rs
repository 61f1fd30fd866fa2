//! vIDM (Workspace ONE Access): directories, syncs with their proof, groups, health.

mod ensure_groups;

use std::time::Duration;

use http::HeaderMap;
use serde::Deserialize;
use serde_json::Value;

use super::{Result, Timeouts, misconfigured, problem, settings, sync_id};
use crate::config::VidmSettings;
use crate::directory::{DirectoryRef, GroupQuery};
use crate::error::{Error, FieldError, Problem};
use crate::http::Limits;
use crate::operations::{SyncOperations, VidmOperations, VidmTarget};
use crate::runtime::Runtime;
use crate::secret::Secret;
use crate::sync::{self, DryRun, SyncDocument, SyncHistory, SyncRequest, WatchEvent};
use crate::upstream::Outbound;
use crate::vidm::{Directory, DirectoryFilter, Group, Health};

pub use ensure_groups::EnsureOptions;

/// The target's name in errors and ids.
const NAME: &str = "vidm";

/// A session with one vIDM tenant.
///
/// ```
/// use idhook::embedded::{Result, Vidm};
/// use idhook::runtime::Runtime;
///
/// fn session<R: Runtime>(runtime: R) -> Result<Vidm<R>> {
///     let settings = serde_json::json!({
///         "url": "https://vidm.example", "username": "svc-idhook", "password": "hunter2",
///         "timeouts": { "operation": 60 },
///     });
///     Vidm::from_json(runtime, settings)
/// }
/// ```
#[derive(Debug)]
pub struct Vidm<R> {
    runtime: R,
    target: VidmTarget,
    limits: Limits,
    operation: Duration,
}

/// What a sync must bring.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct SyncOrder {
    /// Groups that must be in vIDM for the sync to count as succeeded: distinguished names, or `name@domain`.
    pub groups: Vec<String>,
    /// First add those groups to the directory's sync profile that no run would import. They must be distinguished names.
    pub add_to_profile: bool,
    /// Run without the safeguards: with a broken LDAP filter this deletes users.
    pub ignore_safeguards: bool,
}

impl<R: Runtime> Vidm<R> {
    /// A session with the tenant in `settings`. No call is made before the first operation.
    ///
    /// # Errors
    /// `request_invalid` with every missing or wrong setting.
    pub fn new(runtime: R, settings: VidmSettings, timeouts: Timeouts) -> Result<Self> {
        let target = settings.into_target(NAME).map_err(|problems| misconfigured(&problems))?;
        let (limits, operation) = timeouts.read().map_err(|e| problem(&e, &[]))?;
        Ok(Self { runtime, target: VidmTarget::new(target), limits, operation })
    }

    /// The same from JSON: the fields of [`VidmSettings`] in camel case, and `timeouts`.
    ///
    /// # Errors
    /// `request_invalid` with every missing, unknown or wrong setting.
    pub fn from_json(runtime: R, value: Value) -> Result<Self> {
        let (settings, timeouts) = settings(value)?;
        Self::new(runtime, settings, timeouts)
    }

    /// Runs one operation, which may take `time`.
    async fn attempt<T>(
        &self,
        time: Duration,
        work: impl AsyncFnOnce(&Outbound<'_, R>) -> std::result::Result<T, Error>,
    ) -> std::result::Result<T, Error> {
        let outbound = Outbound::new(&self.runtime, self.limits, time, HeaderMap::new()).with_secrets(self.secrets());
        work(&outbound).await
    }

    /// The same, with its failure as a problem document.
    async fn work<T>(
        &self,
        time: Duration,
        work: impl AsyncFnOnce(&Outbound<'_, R>) -> std::result::Result<T, Error>,
    ) -> Result<T> {
        self.attempt(time, work).await.map_err(|e| problem(&e, &self.secrets()))
    }

    fn vidm<'a>(&'a self, out: &'a Outbound<'a, R>) -> VidmOperations<'a, R> {
        VidmOperations::new(&self.target, out)
    }

    /// The syncs. Embedded use has no callers: a session may do what its account may.
    fn syncs<'a>(&'a self, out: &'a Outbound<'a, R>) -> SyncOperations<'a, R> {
        SyncOperations::of_vidm(&self.target, out, true)
    }

    fn secrets(&self) -> Vec<&Secret> {
        self.target.settings.credentials.secrets()
    }

    /// The directories that `filter` selects; an empty filter selects all.
    ///
    /// # Errors
    /// Those of the login and the calls.
    pub async fn directories(&self, filter: &DirectoryFilter) -> Result<Vec<Directory>> {
        self.work(self.operation, async |out| self.vidm(out).client.directories_of(filter).await).await
    }

    /// One directory, by its id, its name or one of its domains.
    ///
    /// # Errors
    /// `directory_not_found`, `directory_ambiguous`; and those of the login and the calls.
    pub async fn directory(&self, which: &str) -> Result<Directory> {
        self.work(self.operation, async |out| self.vidm(out).client.directory(&DirectoryRef::parse(which)).await).await
    }

    /// Starts a sync, or joins the next one. Its `id` gives access to its state.
    ///
    /// # Errors
    /// `request_invalid` for invalid groups, `directory_not_found`, `directory_ambiguous`, `directory_not_syncable`; and
    /// those of the login and the calls.
    pub async fn start_sync(&self, which: &str, order: SyncOrder) -> Result<SyncDocument> {
        self.work(self.operation, async |out| {
            let which = DirectoryRef::parse(which);
            let checked = sync::SyncOrder::new(&which, &order.groups, order.add_to_profile).map_err(Error::invalid)?;
            let (request, state) =
                self.syncs(out).start(&which, checked.ignoring_safeguards(order.ignore_safeguards)).await?;
            Ok(SyncDocument::of(&request, sync_id::write(&request), state))
        })
        .await
    }

    /// The state of a started sync.
    ///
    /// # Errors
    /// `sync_not_found` for an id that no start returned; and those of the login and the calls.
    pub async fn sync(&self, id: &str) -> Result<SyncDocument> {
        let request = self.request(id)?;
        self.work(self.operation, async |out| observe(&self.syncs(out), &request, id, Duration::ZERO).await).await
    }

    /// The state of a started sync once it is final, or after `max_wait`. The sync is observed after one second, then less
    /// and less often, finally every ten seconds; transient failures are retried.
    ///
    /// # Errors
    /// As [`sync`](Self::sync).
    pub async fn wait_for_sync(&self, id: &str, max_wait: Duration) -> Result<SyncDocument> {
        let request = self.request(id)?;
        self.work(self.operation.saturating_add(max_wait), async |out| {
            sync::wait(&self.runtime, max_wait, async |max_age| observe(&self.syncs(out), &request, id, max_age).await)
                .await
        })
        .await
    }

    /// A watch of a started sync, for at most `limit`.
    ///
    /// # Errors
    /// `sync_not_found` for an id that no start returned.
    pub fn watch_sync(&self, id: &str, limit: Duration) -> Result<Watch> {
        let watch = sync::Watch::new(&self.runtime, limit);
        Ok(Watch { request: self.request(id)?, id: id.to_owned(), watch, failure: None })
    }

    /// The state of a directory's latest sync, however it was started; it has no `id`.
    ///
    /// # Errors
    /// Those of the directory look-up, the login and the calls.
    pub async fn latest_sync(&self, which: &str) -> Result<SyncDocument> {
        self.work(self.operation, async |out| self.syncs(out).latest(&DirectoryRef::parse(which)).await).await
    }

    /// A directory's recent syncs, newest first.
    ///
    /// # Errors
    /// `not_found` where this vIDM version does not expose sync history; and those of the directory look-up, the login and the calls.
    pub async fn sync_history(&self, which: &str) -> Result<SyncHistory> {
        self.work(self.operation, async |out| self.syncs(out).history(&DirectoryRef::parse(which)).await).await
    }

    /// What a sync would change; nothing is started.
    ///
    /// # Errors
    /// `not_found` where this vIDM version has no such call; and those of the directory look-up, the login and the calls.
    pub async fn dry_run(&self, which: &str, ignore_safeguards: bool) -> Result<DryRun> {
        let which = DirectoryRef::parse(which);
        self.work(self.operation, async |out| self.syncs(out).dry_run(&which, ignore_safeguards).await).await
    }

    /// The groups with this distinguished name, or this name, `name@domain`.
    ///
    /// # Errors
    /// `request_invalid` for a text that cannot be a group; `upstream_invalid` if vIDM lists none and its responses do not
    /// prove that it has none; and those of the login and the calls.
    pub async fn groups(&self, name: &str) -> Result<Vec<Group>> {
        self.work(self.operation, async |out| {
            let query = GroupQuery::parse(name).map_err(|why| Error::invalid(vec![FieldError::new("", why)]))?;
            self.vidm(out).client.groups(&query).await
        })
        .await
    }

    /// vIDM's own health.
    ///
    /// # Errors
    /// Those of the login and the call.
    pub async fn health(&self) -> Result<Health> {
        self.work(self.operation, async |out| self.vidm(out).client.health().await).await
    }

    fn request(&self, id: &str) -> Result<SyncRequest> {
        sync_id::read(id, &self.target.id).map_err(|e| problem(&e, &[]))
    }
}

/// A watch: each change of a sync.
#[derive(Debug)]
pub struct Watch {
    request: SyncRequest,
    id: String,
    watch: sync::Watch,
    /// The failure of the last observation.
    failure: Option<Box<Problem>>,
}

impl Watch {
    /// The next change, observed through `vidm`; `None` after the final state, or when the watch's time is up.
    ///
    /// # Errors
    /// A permanent failure, or a transient one that lasted until the end. Either ends the watch.
    pub async fn next<R: Runtime>(&mut self, vidm: &Vidm<R>) -> Option<Result<SyncDocument>> {
        loop {
            let observed = async |max_age| {
                let work =
                    async |out: &Outbound<'_, R>| observe(&vidm.syncs(out), &self.request, &self.id, max_age).await;
                vidm.attempt(vidm.operation, work).await
            };
            match self.watch.next(&vidm.runtime, observed).await {
                Some(WatchEvent::State(document)) => {
                    self.failure = None;
                    return Some(Ok(document));
                }
                Some(WatchEvent::Failure(error)) => {
                    self.failure = Some(problem(&error, &vidm.secrets()));
                }
                Some(WatchEvent::Nothing) => {}
                None => return self.failure.take().map(Err),
            }
        }
    }
}

async fn observe<R: Runtime>(
    syncs: &SyncOperations<'_, R>,
    request: &SyncRequest,
    id: &str,
    max_age: Duration,
) -> std::result::Result<SyncDocument, Error> {
    let state = syncs.state(request, max_age).await?;
    Ok(SyncDocument::of(request, id.to_owned(), state))
}

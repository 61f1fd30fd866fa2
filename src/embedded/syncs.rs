//! Directory syncs with their proof, for every product that has them: the functions of [`Vidm`](super::Vidm) and
//! [`Fleet`](super::Fleet).

mod ensure_groups;

use std::fmt;
use std::time::Duration;

use http::HeaderMap;
use serde::Deserialize;
use serde_json::Value;

use super::{Result, Timeouts, misconfigured, problem, settings, sync_id};
use crate::directory::DirectoryRef;
use crate::error::{Error, Problem};
use crate::http::Limits;
use crate::operations::SyncOperations;
use crate::runtime::Runtime;
use crate::sync::{self, SyncDocument, SyncHistory, SyncRequest, WatchEvent};
use crate::upstream::Outbound;

pub use ensure_groups::EnsureOptions;

/// The properties of a type of target. It is public in name only: no other crate can implement it.
pub(super) mod target {
    use serde::de::DeserializeOwned;

    use crate::config::ConfigError;
    use crate::directory::SyncTarget;
    use crate::operations::{FleetTarget, SyncOperations, VidmTarget};
    use crate::runtime::Runtime;
    use crate::secret::Secret;
    use crate::upstream::Outbound;

    /// The target of a session.
    pub trait Target: Sized {
        /// Its settings.
        type Settings: DeserializeOwned;

        /// The target of `settings`, or every mistake in them.
        #[doc(hidden)]
        fn open(settings: Self::Settings) -> Result<Self, Vec<ConfigError>>;

        /// The target, without its type.
        #[doc(hidden)]
        fn any(&self) -> AnyTarget<'_>;
    }

    /// A target of any product: what uses it is compiled once.
    #[derive(Debug, Clone, Copy)]
    pub struct AnyTarget<'a>(pub(in crate::embedded) Any<'a>);

    #[derive(Debug, Clone, Copy)]
    pub(in crate::embedded) enum Any<'a> {
        Vidm(&'a VidmTarget),
        Fleet(&'a FleetTarget),
    }

    impl<'a> AnyTarget<'a> {
        /// The syncs. Embedded use has no callers: a session may do what its account may.
        pub(super) fn syncs<R: Runtime>(self, out: &'a Outbound<'a, R>) -> SyncOperations<'a, R> {
            match self.0 {
                Any::Vidm(target) => SyncOperations::of_vidm(target, out, true),
                Any::Fleet(target) => SyncOperations::of_fleet(target, out),
            }
        }

        pub(super) fn id(self) -> &'a SyncTarget {
            match self.0 {
                Any::Vidm(target) => &target.id,
                Any::Fleet(target) => &target.id,
            }
        }

        pub(super) fn name(self) -> &'a str {
            &self.id().name
        }

        pub(super) fn secrets(self) -> Vec<&'a Secret> {
            match self.0 {
                Any::Vidm(target) => target.settings.credentials.secrets(),
                Any::Fleet(target) => target.settings.credentials.secrets(),
            }
        }
    }
}

use target::{AnyTarget, Target};

/// A session with one target that has directory syncs: a [`Vidm`](super::Vidm) or a [`Fleet`](super::Fleet). Both have the
/// same sync functions with the same documents.
///
/// ```
/// use idhook::embedded::{EnsureOptions, Fleet, Result, Vidm};
/// use idhook::runtime::Runtime;
///
/// /// Succeeds if both products have the group.
/// async fn everywhere<R: Runtime>(vidm: &Vidm<R>, fleet: &Fleet<R>) -> Result<()> {
///     let groups = || vec!["gg-new@corp.example".to_owned()];
///     vidm.ensure_groups("corp.example", groups(), EnsureOptions::default(), |_| ()).await?;
///     fleet.ensure_groups("corp.example", groups(), EnsureOptions::default(), |_| ()).await?;
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct SyncSession<R, T> {
    runtime: R,
    pub(super) target: T,
    limits: Limits,
    pub(super) operation: Duration,
}

/// The groups and users that a sync must bring.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct SyncOrder {
    /// Groups that the target must have for the sync to count as succeeded: distinguished names, or `name@domain`.
    pub groups: Vec<String>,
    /// Users that the target must have for the sync to count as succeeded: `name@domain`. With the groups at most 100 names.
    pub users: Vec<String>,
    /// First add those groups to the directory's sync profile that no run would import. They must be distinguished names.
    pub add_to_profile: bool,
    /// Run without the safeguards: with a broken LDAP filter this deletes users. For vIDM only; VCF Operations has none.
    pub ignore_safeguards: bool,
}

impl<R: Runtime, T: Target> SyncSession<R, T> {
    /// A session with the target in `settings`. No call is made before the first operation.
    ///
    /// # Errors
    /// `request_invalid` with every missing or wrong setting.
    pub fn new(runtime: R, settings: T::Settings, timeouts: Timeouts) -> Result<Self> {
        let target = T::open(settings).map_err(|problems| misconfigured(&problems))?;
        let (limits, operation) = timeouts.read().map_err(|e| problem(&e, &[]))?;
        Ok(Self { runtime, target, limits, operation })
    }

    /// The same from JSON: the fields of the settings in camel case, and `timeouts`.
    ///
    /// # Errors
    /// `request_invalid` with every missing, unknown or wrong setting.
    pub fn from_json(runtime: R, value: Value) -> Result<Self> {
        let (settings, timeouts) = settings(value)?;
        Self::new(runtime, settings, timeouts)
    }

    /// The syncs of this session, in a type that does not depend on the product: for code that serves every product.
    pub fn syncs(&self) -> Syncs<'_, R> {
        Syncs { runtime: &self.runtime, target: self.target.any(), limits: self.limits, operation: self.operation }
    }

    /// Starts a sync, or joins the next one. Its `id` gives access to its state.
    ///
    /// # Errors
    /// `request_invalid` for invalid groups, `not_supported` for an order that the product cannot carry out,
    /// `directory_not_found`, `directory_ambiguous`, `directory_not_syncable`; and those of the login and the calls.
    pub async fn start_sync(&self, which: &str, order: SyncOrder) -> Result<SyncDocument> {
        self.syncs().start(which, order).await
    }

    /// The state of a started sync.
    ///
    /// # Errors
    /// `sync_not_found` for an id that no start returned; and those of the login and the calls.
    pub async fn sync(&self, id: &str) -> Result<SyncDocument> {
        self.syncs().state(id).await
    }

    /// The state of a started sync once it is final, or after `max_wait`. The sync is observed after one second, then less
    /// and less often, finally every ten seconds; transient failures are retried.
    ///
    /// # Errors
    /// As [`sync`](Self::sync).
    pub async fn wait_for_sync(&self, id: &str, max_wait: Duration) -> Result<SyncDocument> {
        self.syncs().wait(id, max_wait).await
    }

    /// A watch of a started sync, for at most `limit`.
    ///
    /// # Errors
    /// `sync_not_found` for an id that no start returned.
    pub fn watch_sync(&self, id: &str, limit: Duration) -> Result<Watch> {
        self.syncs().watch(id, limit)
    }

    /// The state of a directory's latest sync, however it was started; it has no `id`.
    ///
    /// # Errors
    /// Those of the directory look-up, the login and the calls.
    pub async fn latest_sync(&self, which: &str) -> Result<SyncDocument> {
        self.syncs().latest(which).await
    }

    /// A directory's recent syncs, newest first.
    ///
    /// # Errors
    /// `not_found` where this version of the product does not expose sync history; and those of the directory look-up, the
    /// login and the calls.
    pub async fn sync_history(&self, which: &str) -> Result<SyncHistory> {
        self.syncs().history(which).await
    }

    /// Starts a sync (or joins one), waits until it is final, and returns its final state only if it succeeded and the
    /// target has each of `groups`. Everything else is an error, so a caller without further checks cannot mistake a failure
    /// for a success. `progress` is called with the state right after the start, whose `id` can continue the sync, and then
    /// at each change.
    ///
    /// After the start, every error contains the last known state in [`Problem::sync`]:
    /// [`wait_for_sync`](Self::wait_for_sync) can continue with its `id`.
    ///
    /// # Errors
    /// * `group_absent`: the sync succeeded, but the target still lacks a group.
    /// * `safeguard_tripped`, `sync_failed`: the run failed.
    /// * `sync_timeout`: the sync was not final in time; it continues. A sync whose outcome cannot be read (`unknown`) ends
    ///   like this too.
    /// * `request_invalid` if no group is given, if one is blank, or as [`start_sync`](Self::start_sync).
    /// * Else those of [`start_sync`](Self::start_sync) and [`watch_sync`](Self::watch_sync).
    pub async fn ensure_groups(
        &self,
        which: &str,
        groups: Vec<String>,
        options: EnsureOptions,
        progress: impl FnMut(&SyncDocument),
    ) -> Result<SyncDocument> {
        self.syncs().ensure_groups(which, groups, options, progress).await
    }

    /// Runs one operation besides syncs.
    pub(super) async fn work<V>(
        &self,
        work: impl AsyncFnOnce(&Outbound<'_, R>) -> std::result::Result<V, Error>,
    ) -> Result<V> {
        self.work_for(self.operation, work).await
    }

    /// The same, for an operation that may take `time`.
    pub(super) async fn work_for<V>(
        &self,
        time: Duration,
        work: impl AsyncFnOnce(&Outbound<'_, R>) -> std::result::Result<V, Error>,
    ) -> Result<V> {
        self.syncs().work(time, work).await
    }
}

/// The syncs of a session. [`SyncSession`] describes the functions.
pub struct Syncs<'a, R> {
    runtime: &'a R,
    target: AnyTarget<'a>,
    limits: Limits,
    operation: Duration,
}

impl<R> fmt::Debug for Syncs<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Syncs").field(self.target.id()).finish()
    }
}

impl<R> Clone for Syncs<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Syncs<'_, R> {}

impl<R: Runtime> Syncs<'_, R> {
    /// Runs one operation, which may take `time`.
    async fn attempt<T>(
        &self,
        time: Duration,
        work: impl AsyncFnOnce(&Outbound<'_, R>) -> std::result::Result<T, Error>,
    ) -> std::result::Result<T, Error> {
        let outbound = Outbound::new(self.runtime, self.limits, time, HeaderMap::new());
        work(&outbound.with_secrets(self.target.secrets())).await
    }

    /// The same, with its failure as a problem document.
    async fn work<T>(
        &self,
        time: Duration,
        work: impl AsyncFnOnce(&Outbound<'_, R>) -> std::result::Result<T, Error>,
    ) -> Result<T> {
        self.attempt(time, work).await.map_err(|e| problem(&e, &self.target.secrets()))
    }

    /// Starts a sync, or joins the next one.
    ///
    /// # Errors
    /// As [`SyncSession::start_sync`].
    pub async fn start(self, which: &str, order: SyncOrder) -> Result<SyncDocument> {
        self.work(self.operation, async |out| {
            let which = DirectoryRef::parse(which);
            let checked = sync::SyncOrder::new(&which, &order.groups, &order.users, order.add_to_profile);
            let checked = checked.map_err(Error::invalid)?;
            let checked = checked.ignoring_safeguards(order.ignore_safeguards);
            let (request, state) = self.target.syncs(out).start(&which, checked).await?;
            Ok(SyncDocument::of(&request, sync_id::write(&request), state))
        })
        .await
    }

    /// The state of a started sync.
    ///
    /// # Errors
    /// As [`SyncSession::sync`].
    pub async fn state(self, id: &str) -> Result<SyncDocument> {
        let request = self.request(id)?;
        self.work(self.operation, async |out| self.observe(out, &request, id, Duration::ZERO).await).await
    }

    /// The state of a started sync once it is final, or after `max_wait`.
    ///
    /// # Errors
    /// As [`SyncSession::wait_for_sync`].
    pub async fn wait(self, id: &str, max_wait: Duration) -> Result<SyncDocument> {
        let request = self.request(id)?;
        self.work(self.operation.saturating_add(max_wait), async |out| {
            sync::wait(self.runtime, max_wait, async |max_age| self.observe(out, &request, id, max_age).await).await
        })
        .await
    }

    /// A watch of a started sync, for at most `limit`.
    ///
    /// # Errors
    /// As [`SyncSession::watch_sync`].
    pub fn watch(self, id: &str, limit: Duration) -> Result<Watch> {
        let watch = sync::Watch::new(self.runtime, limit);
        Ok(Watch { request: self.request(id)?, id: id.to_owned(), watch, failure: None })
    }

    /// The next change of `watch`; as [`Watch::next`].
    ///
    /// # Errors
    /// As [`Watch::next`].
    pub async fn next(self, watch: &mut Watch) -> Option<Result<SyncDocument>> {
        let Watch { request, id, watch, failure } = watch;
        loop {
            let observed = async |max_age| {
                self.attempt(self.operation, async |out| self.observe(out, request, id, max_age).await).await
            };
            match watch.next(self.runtime, observed).await {
                Some(WatchEvent::State(document)) => {
                    *failure = None;
                    return Some(Ok(document));
                }
                Some(WatchEvent::Failure(error)) => {
                    *failure = Some(problem(&error, &self.target.secrets()));
                }
                Some(WatchEvent::Nothing) => {}
                None => return failure.take().map(Err),
            }
        }
    }

    /// The state of a directory's latest sync, however it was started.
    ///
    /// # Errors
    /// As [`SyncSession::latest_sync`].
    pub async fn latest(self, which: &str) -> Result<SyncDocument> {
        let which = DirectoryRef::parse(which);
        self.work(self.operation, async |out| self.target.syncs(out).latest(&which).await).await
    }

    /// A directory's recent syncs, newest first.
    ///
    /// # Errors
    /// As [`SyncSession::sync_history`].
    pub async fn history(self, which: &str) -> Result<SyncHistory> {
        let which = DirectoryRef::parse(which);
        self.work(self.operation, async |out| self.target.syncs(out).history(&which).await).await
    }

    async fn observe(
        &self,
        out: &Outbound<'_, R>,
        request: &SyncRequest,
        id: &str,
        max_age: Duration,
    ) -> std::result::Result<SyncDocument, Error> {
        let syncs: SyncOperations<'_, R> = self.target.syncs(out);
        let state = syncs.state(request, max_age).await?;
        Ok(SyncDocument::of(request, id.to_owned(), state))
    }

    fn request(&self, id: &str) -> Result<SyncRequest> {
        sync_id::read(id, self.target.id()).map_err(|e| problem(&e, &[]))
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
    /// The next change, observed through `session`; `None` after the final state, or when the watch's time is up.
    ///
    /// # Errors
    /// A permanent failure, or a transient one that lasted until the end. Either ends the watch.
    pub async fn next<R: Runtime, T: Target>(&mut self, session: &SyncSession<R, T>) -> Option<Result<SyncDocument>> {
        session.syncs().next(self).await
    }
}

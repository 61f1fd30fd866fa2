//! vIDM (Workspace ONE Access): directories, groups, health, dry runs. Its syncs are in `syncs.rs`.

use super::syncs::target::{Any, AnyTarget, Target};
use super::{Result, SyncSession, group_query};
use crate::config::{ConfigError, IntoTarget as _, VidmSettings};
use crate::directory::DirectoryRef;
use crate::operations::{SyncOperations, VidmOperations, VidmTarget};
use crate::runtime::Runtime;
use crate::sync::DryRun;
use crate::upstream::Outbound;
use crate::vidm::{Directory, DirectoryFilter, Group, Health};

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
pub type Vidm<R> = SyncSession<R, VidmTenant>;

/// A vIDM tenant as the target of a session.
#[derive(Debug)]
pub struct VidmTenant(VidmTarget);

impl Target for VidmTenant {
    type Settings = VidmSettings;

    fn open(settings: VidmSettings) -> std::result::Result<Self, Vec<ConfigError>> {
        settings.into_target("vidm").map(|target| Self(VidmTarget::new(target)))
    }

    fn any(&self) -> AnyTarget<'_> {
        AnyTarget(Any::Vidm(&self.0))
    }
}

impl<R: Runtime> Vidm<R> {
    fn vidm<'a>(&'a self, out: &'a Outbound<'a, R>) -> VidmOperations<'a, R> {
        VidmOperations::new(&self.target.0, out)
    }

    /// The directories that `filter` selects; an empty filter selects all.
    ///
    /// # Errors
    /// Those of the login and the calls.
    pub async fn directories(&self, filter: &DirectoryFilter) -> Result<Vec<Directory>> {
        self.work(async |out| self.vidm(out).client.directories_of(filter).await).await
    }

    /// One directory, by its id, its name or one of its domains.
    ///
    /// # Errors
    /// `directory_not_found`, `directory_ambiguous`; and those of the login and the calls.
    pub async fn directory(&self, which: &str) -> Result<Directory> {
        self.work(async |out| self.vidm(out).client.directory(&DirectoryRef::parse(which)).await).await
    }

    /// The changes that a sync would make; nothing is started.
    ///
    /// # Errors
    /// `not_supported` where this vIDM version has no such call; and those of the directory look-up, the login and the calls.
    pub async fn dry_run(&self, which: &str, ignore_safeguards: bool) -> Result<DryRun> {
        let which = DirectoryRef::parse(which);
        self.work(async |out| {
            let syncs = SyncOperations::of_vidm(&self.target.0, out, true);
            syncs.dry_run(&which, ignore_safeguards).await
        })
        .await
    }

    /// The groups with this distinguished name, or this name, `name@domain`.
    ///
    /// # Errors
    /// `request_invalid` for a text that cannot be a group; `upstream_invalid` if vIDM lists none and its responses do not
    /// prove that it has none; and those of the login and the calls.
    pub async fn groups(&self, name: &str) -> Result<Vec<Group>> {
        self.work(async |out| self.vidm(out).client.groups(&group_query(name)?).await).await
    }

    /// vIDM's own health.
    ///
    /// # Errors
    /// Those of the login and the call.
    pub async fn health(&self) -> Result<Health> {
        self.work(async |out| self.vidm(out).client.health().await).await
    }
}

//! VCF Operations (VCF 9.1 and later): directories and groups of the identity broker, and identity providers. Its syncs are in
//! `syncs.rs`.

mod providers;

use super::syncs::target::{Any, AnyTarget, Target};
use super::{Result, SyncSession, group_query};
use crate::config::{ConfigError, FleetSettings, IntoTarget as _};
use crate::directory::DirectoryRef;
use crate::error::Error;
use crate::fleet::{Directory, DirectoryFilter, Group};
use crate::operations::{FleetOperations, FleetTarget, SyncOperations, blank_names};
use crate::runtime::Runtime;
use crate::sync::{SyncDocument, SyncOrder};
use crate::upstream::Outbound;

/// A session with one VCF Operations, which manages the identity providers of VCF single sign-on and the LDAP directories of
/// the identity broker (VCF 9.1 and later). It logs in with an account, or with an API token in its place.
///
/// ```
/// use idhook::embedded::{Fleet, Result};
/// use idhook::runtime::Runtime;
///
/// fn session<R: Runtime>(runtime: R) -> Result<Fleet<R>> {
///     let settings = serde_json::json!({
///         "url": "https://ops.example", "username": "svc-idhook", "password": "hunter2", "authSource": "local",
///     });
///     Fleet::from_json(runtime, settings)
/// }
///
/// fn session_with_token<R: Runtime>(runtime: R) -> Result<Fleet<R>> {
///     Fleet::from_json(runtime, serde_json::json!({ "url": "https://ops.example", "apiToken": "hunter2" }))
/// }
/// ```
pub type Fleet<R> = SyncSession<R, FleetServer>;

/// A VCF Operations as the target of a session.
#[derive(Debug)]
pub struct FleetServer(FleetTarget);

impl Target for FleetServer {
    type Settings = FleetSettings;

    fn open(settings: FleetSettings) -> std::result::Result<Self, Vec<ConfigError>> {
        settings.into_target("fleet").map(|target| Self(FleetTarget::new(target)))
    }

    fn any(&self) -> AnyTarget<'_> {
        AnyTarget(Any::Fleet(&self.0))
    }
}

impl<R: Runtime> Fleet<R> {
    fn fleet<'a>(&'a self, out: &'a Outbound<'a, R>) -> FleetOperations<'a, R> {
        FleetOperations::new(&self.target.0, out)
    }

    /// The directories of all realms that `filter` selects; an empty filter selects all.
    ///
    /// # Errors
    /// `not_supported` for a VCF Operations before 9.1; and those of the login and the calls.
    pub async fn directories(&self, filter: &DirectoryFilter) -> Result<Vec<Directory>> {
        self.work(async |out| self.fleet(out).directories(filter).await).await
    }

    /// One directory, by its id, its name or one of its domains.
    ///
    /// # Errors
    /// `directory_not_found`, `directory_ambiguous`; `not_supported` for a VCF Operations before 9.1; and those of the login
    /// and the calls.
    pub async fn directory(&self, which: &str) -> Result<Directory> {
        self.work(async |out| self.fleet(out).client.directory(&DirectoryRef::parse(which)).await).await
    }

    /// Brings groups into the broker by their distinguished names, without a sync. The document has no `id`; its `groups` show
    /// which are there.
    ///
    /// # Errors
    /// `request_invalid` without a group, or for a group that is not a distinguished name; `not_supported` before 9.1.1;
    /// `directory_not_found`, `directory_ambiguous`; and those of the login and the calls, if no group was brought in.
    pub async fn provision(&self, which: &str, groups: &[String]) -> Result<SyncDocument> {
        self.work(async |out| {
            let faults = blank_names(groups, &[]);
            if !faults.is_empty() {
                return Err(Error::invalid(faults));
            }
            let which = DirectoryRef::parse(which);
            let order = SyncOrder::new(&which, groups, &[], true).map_err(Error::invalid)?;
            SyncOperations::of_fleet(&self.target.0, out).provision(&which, &order).await
        })
        .await
    }

    /// The groups with this name, `name@domain`, in every realm that may have them; or with this distinguished name.
    ///
    /// # Errors
    /// `request_invalid` for a text that cannot be a group; and those of the login and the calls.
    pub async fn groups(&self, name: &str) -> Result<Vec<Group>> {
        self.work(async |out| self.fleet(out).client.groups(&group_query(name)?).await).await
    }
}

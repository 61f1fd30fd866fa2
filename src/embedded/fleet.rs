//! VCF Operations (VCF 9.1 and later): directories and groups of the identity broker. Its syncs are in `syncs.rs`.

use super::syncs::target::{Any, AnyTarget, Target};
use super::{Result, SyncSession, group_query};
use crate::config::{ConfigError, FleetSettings};
use crate::directory::DirectoryRef;
use crate::fleet::{Directory, DirectoryFilter, Group};
use crate::operations::{FleetOperations, FleetTarget};
use crate::runtime::Runtime;
use crate::upstream::Outbound;

/// A session with one VCF Operations, which manages the LDAP directories of the identity broker (VCF 9.1 and later). It logs
/// in with an account of VCF Operations, or with an API token in its place.
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

    /// The groups with this name, `name@domain`, in every realm that may have them; or with this distinguished name.
    ///
    /// # Errors
    /// `request_invalid` for a text that cannot be a group; and those of the login and the calls.
    pub async fn groups(&self, name: &str) -> Result<Vec<Group>> {
        self.work(async |out| self.fleet(out).groups(&group_query(name)?).await).await
    }
}

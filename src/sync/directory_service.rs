//! The vendor API of directory syncs, as the sync protocol uses it.

use serde_json::Value;

use crate::directory::{DirectoryRef, DirectorySummary, GroupQuery, Proof, SyncReport, UserQuery};
use crate::error::Result;

/// A vendor API's response to a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KickOffAnswer {
    /// A run began.
    Started,
    /// A run was already active: changes since its start may be missing from it.
    AlreadyRunning,
}

/// Groups that were looked up in order to select them in a sync profile.
#[derive(Debug)]
pub(crate) struct ProfileLookUp<A> {
    /// The groups that the source of the directory lacks.
    pub not_found: Vec<String>,
    /// The selection to write; `None` if the profile already selects all groups.
    pub addition: Option<A>,
}

/// One request's view of a vendor API with directory syncs. Every method may log in first, and has the errors of the login
/// and the call besides its own.
#[allow(async_fn_in_trait, reason = "futures of WASI and JavaScript hosts are not Send, and nothing here requires it")]
pub(crate) trait DirectoryService {
    /// Groups to select in a sync profile, looked up but not written yet.
    type Addition;

    /// Locates the directory to sync with as few calls as possible: a cached one costs none.
    ///
    /// # Errors
    /// `directory_not_found`, `directory_ambiguous`, `directory_not_syncable`.
    async fn locate(&self, which: &DirectoryRef) -> Result<DirectorySummary>;

    /// Starts a run, past the safeguards if `ignore_safeguards`.
    ///
    /// # Errors
    /// `directory_not_found` if the directory is gone; its cached entry is dropped, and the next [`locate`](Self::locate)
    /// looks it up.
    async fn kick_off(&self, directory: DirectorySummary, ignore_safeguards: bool) -> Result<KickOffAnswer>;

    /// The state of the directory's latest run. An unreadable response is
    /// [`SyncStatus::Unknown`](crate::directory::SyncStatus::Unknown) and not an error.
    ///
    /// # Errors
    /// Those of every call.
    async fn observe(&self, directory: &str) -> Result<SyncReport>;

    /// The directory's runs, latest start first; `None` if this version does not list them.
    ///
    /// # Errors
    /// Those of every call.
    async fn executions(&self, directory: &str) -> Result<Option<Vec<SyncReport>>>;

    /// The presence of the groups, in the given order, where the directory's syncs bring them.
    ///
    /// # Errors
    /// Those of every call, if no group's state could be determined.
    async fn prove(&self, directory: &str, groups: &[GroupQuery]) -> Result<Vec<Proof>>;

    /// Whether directories have connectors, which sync only one of them at a time.
    fn has_connectors(&self) -> bool;

    /// The presence of the users, in the given order, where the directory's syncs bring them.
    ///
    /// # Errors
    /// Those of every call, if no user's state could be determined.
    async fn prove_users(&self, directory: &str, users: &[UserQuery]) -> Result<Vec<Proof>>;

    /// The ids of the connectors that sync the directory; empty if this version does not list them.
    ///
    /// # Errors
    /// Those of every call.
    async fn connectors(&self, directory: &str) -> Result<Vec<String>>;

    /// The changes that a run would make, as the vendor reports them; `None` if this version has no dry run.
    ///
    /// # Errors
    /// `not_supported` if the product has none; those of every call.
    async fn dry_run(&self, directory: &str, ignore_safeguards: bool) -> Result<Option<Value>>;

    /// Looks up those of `groups` that the directory's sync profile does not select. Changes nothing.
    ///
    /// # Errors
    /// `request_invalid` for a group without distinguished name; `upstream_invalid` for a profile that cannot be read
    /// completely; `directory_not_found` as [`kick_off`](Self::kick_off).
    async fn look_up_for_profile(
        &self,
        directory: &str,
        groups: &[GroupQuery],
    ) -> Result<ProfileLookUp<Self::Addition>>;

    /// Selects the groups that were looked up. Only one caller at a time does this for a directory.
    ///
    /// # Errors
    /// `upstream_invalid` if a selection is missing after writing.
    async fn add_to_profile(&self, addition: Self::Addition) -> Result<()>;
}

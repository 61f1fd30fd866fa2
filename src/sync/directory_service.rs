//! What the sync protocol asks of a vendor API that runs directory syncs.

use serde_json::Value;

use crate::directory::{DirectoryRef, DirectorySummary, GroupQuery, Proof, SyncReport};
use crate::error::Result;

/// What a vendor API answers to a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KickOffAnswer {
    /// A run began.
    Started,
    /// A run was going on before: what was made since its start may not be in it.
    AlreadyRunning,
}

/// Groups that were looked up to be selected in a sync profile.
#[derive(Debug)]
pub(crate) struct ProfileLookUp<A> {
    /// The groups that the connector does not find where the directory's groups come from.
    pub not_found: Vec<String>,
    /// What is to be written; `None` where the profile selects all of them.
    pub addition: Option<A>,
}

/// A vendor API that runs directory syncs, seen by one request. Every method may log in first, and fails with the login's and the
/// call's errors besides its own.
#[allow(
    async_fn_in_trait,
    reason = "futures of WASI and JavaScript hosts are not Send, and nothing here asks them to be"
)]
pub(crate) trait DirectoryService {
    /// Groups that are to be selected in a sync profile, looked up and not written yet.
    type Addition;

    /// Finds the directory to sync, with as few calls as possible: a remembered one costs none.
    ///
    /// # Errors
    /// `directory_not_found`, `directory_ambiguous`, `directory_not_syncable`.
    async fn locate(&self, which: &DirectoryRef) -> Result<DirectorySummary>;

    /// Starts a run, past the safeguards if `ignore_safeguards`.
    ///
    /// # Errors
    /// `directory_not_found` if the directory is gone; it is forgotten then, and the next [`locate`](Self::locate) looks it up.
    async fn kick_off(&self, directory: DirectorySummary, ignore_safeguards: bool) -> Result<KickOffAnswer>;

    /// How the directory's latest run stands. An answer that cannot be read is
    /// [`SyncStatus::Unknown`](crate::directory::SyncStatus::Unknown) and no error.
    ///
    /// # Errors
    /// Those of every call.
    async fn observe(&self, directory: &str) -> Result<SyncReport>;

    /// The directory's runs, the one that began last first; `None` where this version does not list them.
    ///
    /// # Errors
    /// Those of every call.
    async fn executions(&self, directory: &str) -> Result<Option<Vec<SyncReport>>>;

    /// Whether the groups are present, in the order in which they are given.
    ///
    /// # Errors
    /// Those of every call, where no group's state could be found out.
    async fn prove(&self, groups: &[GroupQuery]) -> Result<Vec<Proof>>;

    /// The ids of the connectors that sync the directory; none where this version does not list them.
    ///
    /// # Errors
    /// Those of every call.
    async fn connectors(&self, directory: &str) -> Result<Vec<String>>;

    /// What a run would change, as the vendor reports it; `None` where this version has no dry run.
    ///
    /// # Errors
    /// Those of every call.
    async fn dry_run(&self, directory: &str, ignore_safeguards: bool) -> Result<Option<Value>>;

    /// Looks up those of `groups` that the directory's sync profile does not select. Changes nothing.
    ///
    /// # Errors
    /// `request_invalid` for a group that is not given by its distinguished name; `upstream_invalid` for a profile that cannot be read
    /// whole.
    async fn look_up_for_profile(
        &self,
        directory: &str,
        groups: &[GroupQuery],
    ) -> Result<ProfileLookUp<Self::Addition>>;

    /// Selects what was looked up. One caller at a time calls this for a directory.
    ///
    /// # Errors
    /// `upstream_invalid` where what is read back after writing lacks something.
    async fn add_to_profile(&self, addition: Self::Addition) -> Result<()>;
}

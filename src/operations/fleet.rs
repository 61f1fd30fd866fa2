//! The operations on a VCF Operations besides syncs.

use super::FleetTarget;
use crate::error::Result;
use crate::fleet::{Client, Directory, DirectoryFilter};
use crate::runtime::Runtime;
use crate::upstream::Outbound;

/// The operations on one VCF Operations, for one piece of work. Its syncs are [`SyncOperations`](super::SyncOperations).
#[derive(Debug)]
pub(crate) struct FleetOperations<'a, R> {
    pub(super) target: &'a FleetTarget,
    /// The API: what one call of it does needs no operation.
    pub(crate) client: Client<'a, R>,
    pub(super) out: &'a Outbound<'a, R>,
}

impl<'a, R: Runtime> FleetOperations<'a, R> {
    /// Operations on `target`, whose calls go through `out`.
    pub(crate) fn new(target: &'a FleetTarget, out: &'a Outbound<'a, R>) -> Self {
        Self { target, client: Client::new(&target.settings, &target.cache, out), out }
    }

    /// The directories that `filter` selects, realm by realm.
    ///
    /// # Errors
    /// `not_supported` for a VCF Operations before 9.1; and those of the login and the calls.
    pub(crate) async fn directories(&self, filter: &DirectoryFilter) -> Result<Vec<Directory>> {
        let mut directories = self.client.directories().await?;
        directories.retain(|directory| filter.takes(directory));
        Ok(directories)
    }
}

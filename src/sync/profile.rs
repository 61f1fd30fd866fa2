//! Adds groups to a sync profile, one caller at a time: a write replaces the whole set, and no call makes it conditional.

use std::time::Duration;

use super::Coordinator;
use super::coordinator::unavailable;
use super::directory_service::{DirectoryService, ProfileLookUp};
use super::ledger::LEASE;
use crate::directory::GroupQuery;
use crate::error::{Error, ErrorCode, Result};
use crate::runtime::Runtime;
use crate::shared_state::{Backend, Counters, Held, Lease, StoreUnavailable};

/// The longest wait for other callers. A change takes two reads and a write.
const MAX_WAIT: Duration = Duration::from_secs(15);

/// The interval for checking whether the others are done.
const PAUSE: Duration = Duration::from_millis(100);

impl<R: Runtime, D: DirectoryService> Coordinator<'_, R, D> {
    /// Selects those of `groups` in the directory's sync profile that it lacks. All or none: if the source lacks
    /// one, none is added.
    ///
    /// Callers take turns, through the shared store or in the instance. If that is not possible (instances without a store),
    /// reading back after every write detects and repairs losses.
    pub(super) async fn add_to_profile(&self, directory: &str, groups: &[GroupQuery]) -> Result<()> {
        let ProfileLookUp { not_found, addition } = self.service.look_up_for_profile(directory, groups).await?;
        if !not_found.is_empty() {
            return Err(Error::new(
                ErrorCode::RequestInvalid,
                format!(
                    "the directory has no {} at its source; the sync profile was not changed",
                    not_found.join(", ")
                ),
            )
            .hint("check the DN; a new group may not have reached the domain controller that is read"));
        }
        let Some(addition) = addition else { return Ok(()) };
        let (lease, held) = self.profile_lease(directory).await?;
        let outcome = self.service.add_to_profile(addition).await;
        // If the store fails now, the lease expires.
        let _ = lease.release(self.runtime(), held, Vec::new()).await;
        outcome
    }

    /// The lease for changing this directory's profile, once no other caller holds it.
    async fn profile_lease(&self, directory: &str) -> Result<(Lease<'_, R>, Held)> {
        let held = match self.shared() {
            Some(shared) => self.acquire_profile(shared, directory).await,
            None => Err(StoreUnavailable),
        };
        let held = match held {
            Ok(held) => held,
            Err(StoreUnavailable) => self.acquire_profile(self.local(), directory).await.map_err(unavailable)?,
        };
        held.ok_or_else(|| {
            Error::new(
                ErrorCode::UpstreamBusy,
                "other requests are changing this directory's sync profile; it was not changed for this request",
            )
            .hint("retry; put many groups into one request rather than into many requests at once")
        })
    }

    async fn acquire_profile<'s>(
        &'s self,
        backend: Backend<'s, R>,
        directory: &str,
    ) -> Result<Option<(Lease<'s, R>, Held)>, StoreUnavailable> {
        let lease = Lease::new(backend, format!("profile:{}:{directory}", self.target.short()), Counters::Removed);
        let (runtime, left) = (self.runtime(), self.store.remaining());
        // This request's work ends with its time, and so does its lease.
        let held = lease.acquire(runtime, left.min(LEASE), MAX_WAIT.min(left / 2), PAUSE).await?;
        Ok(held.map(|(held, _)| (lease, held)))
    }
}

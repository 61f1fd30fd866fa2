//! Groups added to a sync profile, one caller at a time: writing replaces the whole set, and nothing makes it conditional.

use std::time::Duration;

use super::Coordinator;
use super::coordinator::unavailable;
use super::directory_service::{DirectoryService, ProfileLookUp};
use super::ledger::LEASE;
use crate::directory::GroupQuery;
use crate::error::{Error, ErrorCode, Result};
use crate::runtime::Runtime;
use crate::shared_state::{Backend, Counters, Held, Lease, StoreUnavailable};

/// How long a caller waits for the others at most. A change takes two readings and a write.
const MAX_WAIT: Duration = Duration::from_secs(15);

/// How long to wait before asking again whether the others are done.
const PAUSE: Duration = Duration::from_millis(100);

impl<R: Runtime, D: DirectoryService> Coordinator<'_, R, D> {
    /// Selects those of `groups` in the directory's sync profile that it lacks. All of them or none: one that the connector
    /// does not find keeps the others out.
    ///
    /// One caller at a time does so, through the shared store or in the instance. Where that is not possible (instances without a
    /// store), the reading back behind every write notices what was lost, and repairs it.
    pub(super) async fn add_to_profile(&self, directory: &str, groups: &[GroupQuery]) -> Result<()> {
        let ProfileLookUp { not_found, addition } = self.service.look_up_for_profile(directory, groups).await?;
        if !not_found.is_empty() {
            return Err(Error::new(
                ErrorCode::RequestInvalid,
                format!(
                    "the connector does not find {} in its directory; the sync profile was not changed",
                    not_found.join(", ")
                ),
            )
            .hint("check the DN; a group that was just made may not have reached the domain controller that the connector reads"));
        }
        let Some(addition) = addition else { return Ok(()) };
        let (lease, held) = self.profile_lease(directory).await?;
        let outcome = self.service.add_to_profile(addition).await;
        // Where the store fails now, the lease runs out.
        let _ = lease.release(self.runtime(), held, Vec::new()).await;
        outcome
    }

    /// The right to change this directory's profile, as soon as nobody else has it.
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
                "others are changing this directory's sync profile; it was not changed for this request",
            )
            .hint("retry; put many groups into one request rather than into many requests at once")
        })
    }

    async fn acquire_profile<'s>(
        &'s self,
        backend: Backend<'s, R>,
        directory: &str,
    ) -> Result<Option<(Lease<'s, R>, Held)>, StoreUnavailable> {
        let lease = Lease::new(backend, format!("profile:{}:{directory}", self.target), Counters::Removed);
        let (runtime, left) = (self.runtime(), self.store.remaining());
        // This request's work ends with its time, and so does its lease.
        let held = lease.acquire(runtime, left.min(LEASE), MAX_WAIT.min(left / 2), PAUSE).await?;
        Ok(held.map(|(held, _)| (lease, held)))
    }
}

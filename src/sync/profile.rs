//! Groups added to a sync profile, one caller at a time: writing replaces the whole set, and nothing makes it conditional.

use std::time::Duration;

use super::Coordinator;
use super::backend::Shelf;
use super::coordinator::gone;
use super::ledger::LEASE;
use super::namespace::{Book, Turn};
use crate::directory::GroupQuery;
use crate::error::{Error, ErrorCode, Result};
use crate::runtime::Runtime;
use crate::shared_state::StoreUnavailable;

/// How long a caller waits for its turn at most. A change takes two readings and a write.
const PATIENCE: Duration = Duration::from_secs(15);

/// How long to wait before asking again whose turn it is.
const PAUSE: Duration = Duration::from_millis(100);

impl<R: Runtime> Coordinator<'_, R> {
    /// Selects those of `groups` in the directory's sync profile that it lacks. All of them or none: one that the connector
    /// does not find keeps the others out.
    ///
    /// Callers take turns, through the shared store or in the instance. Where they cannot (instances without a store), the
    /// reading back behind every write notices what was lost, and repairs it.
    pub(super) async fn add_to_profile(&self, directory: &str, groups: &[GroupQuery]) -> Result<()> {
        let addition = self.client.profile_addition(directory, groups).await?;
        if !addition.not_found().is_empty() {
            return Err(Error::new(
                ErrorCode::RequestInvalid,
                format!(
                    "the connector does not find {} in its directory; the sync profile was not changed",
                    addition.not_found().join(", ")
                ),
            )
            .hint("check the DN; a group that was just made may not have reached the domain controller that the connector reads"));
        }
        if !addition.is_needed() {
            return Ok(());
        }
        let turn = self.profile_turn(directory).await?;
        let outcome = self.client.add_to_profile(addition).await;
        if let Some((book, turn)) = turn {
            // Where the store fails now, the lease ends it.
            let _ = book.end_turn(&turn).await;
        }
        outcome.map(|_| ())
    }

    /// The turn at this directory's profile, as soon as nobody else has it.
    async fn profile_turn(&self, directory: &str) -> Result<Option<(Book<'_, R>, Turn)>> {
        let shared = self.out.store();
        if shared.is_there()
            && let Ok(turn) = self.turn_at(Shelf::Shared(shared), directory).await
        {
            return turn.map(Some);
        }
        self.turn_at(self.local(), directory).await.map_err(gone)?.map(Some)
    }

    async fn turn_at<'s>(
        &self,
        shelf: Shelf<'s, R>,
        directory: &str,
    ) -> Result<Result<(Book<'s, R>, Turn)>, StoreUnavailable> {
        let book = Book::new(shelf, format!("profile:{}:{directory}", self.target));
        let runtime = self.out.runtime();
        let patience = PATIENCE.min(self.out.remaining() / 2);
        let came = runtime.elapsed();
        loop {
            // This request's work ends with its time, and so does its turn.
            let lease = self.out.remaining().min(LEASE);
            if let Some(turn) = book.take_turn(0, self.now(), lease).await? {
                return Ok(Ok((book, turn)));
            }
            if runtime.elapsed().saturating_sub(came) >= patience {
                let busy = Error::new(
                    ErrorCode::UpstreamBusy,
                    "others are changing this directory's sync profile; it was not changed for this request",
                );
                return Ok(Err(busy.hint("ask again; many groups at once are better asked for in one request")));
            }
            runtime.sleep(PAUSE).await;
        }
    }
}

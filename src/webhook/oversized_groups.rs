//! Groups that are too long for a sync id: they are kept in the store, sealed as everything there, and the id holds only where.

use std::time::Duration;

use crate::error::{Error, ErrorCode, FieldError};
use crate::runtime::Runtime;
use crate::shared_state::{FOR_GOOD, HOLD, SharedStore, StoreUnavailable};
use crate::sync::SyncRequest;

/// The most that the names of groups may take of an id, in bytes as JSON; the rest is for the directory's name and numbers.
pub(super) const MAX_IN_ID: usize = 1000;

/// How long they are kept: as long as a request may move anything on, and a while for who reads the end of it.
const LIFE: Duration = Duration::from_hours(48);

/// The longest list that is kept, in bytes as JSON: a hundred names of 640 bytes.
const MAX_KEPT: usize = 64 << 10;

/// As many lists of one caller are in the store at once: 16 MiB at most. The stores have no expiry of their own, so each list
/// takes the place of the one that was written so many before it.
const LISTS: u64 = 256;

/// Groups that do not fit into an id, and where they will be kept.
#[derive(Debug)]
pub(super) struct Long {
    owner: String,
    name: String,
    text: String,
}

impl Long {
    /// What is to be kept of `groups`, and where; `None` where they fit into an id. Nothing is written yet.
    ///
    /// # Errors
    /// `request_invalid` without a store, and where they are too long for one.
    pub(super) fn of<R: Runtime>(
        store: &SharedStore<'_, R>,
        (target, caller): (&str, &str),
        groups: &[String],
    ) -> Result<Option<Self>, Error> {
        let text = serde_json::to_string(groups).unwrap_or_default();
        if text.len() <= MAX_IN_ID {
            return Ok(None);
        }
        let invalid = |what: String, hint: &str| Err(Error::invalid(vec![FieldError::new("/groups", what)]).hint(hint));
        if text.len() > MAX_KEPT {
            return invalid(format!("is {} bytes long; at most {MAX_KEPT} are taken", text.len()), "ask in parts");
        }
        // Each caller has entries of its own: what one sends takes nothing from another.
        let owner = super::idempotency::owner_of_caller(caller);
        let Some(name) = store.name("groups", target, &[&owner, &text]) else {
            return invalid(
                format!(
                    "is {} bytes long; without a key-value store at most {MAX_IN_ID} fit into the sync's id",
                    text.len()
                ),
                "ask in parts, or grant the component a key-value store",
            );
        };
        Ok(Some(Self { owner, name, text }))
    }

    /// The place, for [`SyncOrder::with_groups_at`](crate::sync::SyncOrder::with_groups_at).
    pub(super) fn place(&self) -> Option<String> {
        self.name.rsplit_once(':').map(|(_, place)| place.to_owned())
    }

    /// Keeps them. Called once the start was accepted: a start that is refused leaves nothing behind.
    ///
    /// # Errors
    /// `upstream_busy` where the store does not take them.
    pub(super) async fn keep<R: Runtime>(self, store: &SharedStore<'_, R>) -> Result<(), Error> {
        self.write(store).await.map_err(|StoreUnavailable| {
            Error::new(
                ErrorCode::UpstreamBusy,
                "the sync was started, but the store did not take its groups, so there is no id to ask for it",
            )
            .hint("send the same request again: it joins the sync; the log field store shows what failed")
            .retry_after(Some(HOLD))
        })
    }

    async fn write<R: Runtime>(&self, store: &SharedStore<'_, R>) -> Result<(), StoreUnavailable> {
        // The same list again has its place already.
        if store.look_up(&self.name).await?.is_none() {
            let serial = store.increment(&format!("groups:{}:lists", self.owner), 1).await.ok_or(StoreUnavailable)?;
            let slot = format!("groups:{}:list:{}", self.owner, serial % LISTS);
            let old = store.look_up(&slot).await?.and_then(|kept| String::from_utf8(kept.value).ok());
            if let Some(old) = old.filter(|old| *old != self.name) {
                store.delete(&old).await;
            }
            store.put(&slot, self.name.as_bytes(), FOR_GOOD).await?;
        }
        store.put(&self.name, self.text.as_bytes(), LIFE).await
    }
}

/// Brings back the groups of a request that was read from its id.
///
/// # Errors
/// `sync_not_found` where they are gone; `upstream_busy` while the store does not answer.
pub(super) async fn recall<R: Runtime>(store: &SharedStore<'_, R>, request: &mut SyncRequest) -> Result<(), Error> {
    let Some(place) = &request.groups_at else { return Ok(()) };
    let kept = store.look_up(&format!("groups:{}:{place}", request.target)).await.map_err(|StoreUnavailable| {
        Error::new(ErrorCode::UpstreamBusy, "the store that keeps this sync's groups does not answer")
            .hint("retry; the log field store shows what failed")
            .retry_after(Some(HOLD))
    })?;
    request.groups = kept.and_then(|kept| crate::json::parse(&kept.value)).ok_or_else(|| {
        Error::new(
            ErrorCode::SyncNotFound,
            "the groups of this sync are no longer in the store",
        )
        .hint("the store keeps the last 256 lists of each caller, for two days; start again, or look the groups up by GET …/groups")
    })?;
    Ok(())
}

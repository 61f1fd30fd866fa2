//! Requests that do not fit into a short sync id: they are kept in the store, sealed as everything there, and the id holds only where.
//!
//! The stores have no expiry of their own, so each caller has two rings of places, and each request takes the place of the one that was
//! written so many before it. What one caller sends takes nothing from another.

use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::idempotency::owner_of_caller;
use super::sync_id::{DIGEST, Key, LONG, Opened, Reference, SHORT};
use crate::error::{Error, ErrorCode, FieldError};
use crate::runtime::Runtime;
use crate::shared_state::{HOLD, SharedStore, StoreUnavailable};
use crate::sync::{SyncOrder, SyncRequest};

/// The most that the names of groups may take of an id in bytes, where there is no store. The rest of [`LONG`] is for the directory's
/// id, the callback's name and numbers.
const MAX_IN_ID: usize = 300;

/// The most that the names of groups may take in the store, in bytes: a hundred names of 640 bytes.
const MAX_KEPT: usize = 64 << 10;

/// How long a request is kept: as long as it may move anything on, and a while for readers of its end.
const LIFE: Duration = Duration::from_hours(48);

/// A ring: its name, its places, and the largest request in it. Each ring takes 16 MiB at most.
const RINGS: [(&str, u64, usize); 2] = [("small", 4096, 4 << 10), ("large", 256, usize::MAX)];

/// A started sync under its id.
#[derive(Debug)]
pub(super) struct StartedSync {
    pub(super) id: String,
    pub(super) request: SyncRequest,
}

/// Checks before a start that there will be room for the groups of `order`.
///
/// # Errors
/// `request_invalid`.
pub(super) fn check_room<R: Runtime>(store: &SharedStore<'_, R>, order: &SyncOrder) -> Result<(), Error> {
    let size = order.size_of_groups();
    let (limit, place, hint) = match store.is_there() {
        true => (MAX_KEPT, "", "name fewer groups in each start"),
        false => (
            MAX_IN_ID,
            " in a sync id without a key-value store",
            "grant idhook a key-value store, or name fewer groups in each start",
        ),
    };
    if size <= limit {
        return Ok(());
    }
    let detail = format!("takes {size} bytes; at most {limit} fit{place}");
    Err(Error::invalid(vec![FieldError::new("/groups", detail)]).hint(hint))
}

impl StartedSync {
    /// Gives `request` of `caller` an id. What does not fit into a short one is written to the store.
    ///
    /// # Errors
    /// `upstream_busy` if the store does not take it and it does not fit into a long id either.
    pub(super) async fn new<R: Runtime>(
        ids: &Key,
        store: &SharedStore<'_, R>,
        caller: &str,
        request: SyncRequest,
    ) -> Result<Self, Error> {
        let mut id = ids.of_request(&request)?;
        if id.len() > SHORT {
            match keep(store, caller, &request).await {
                Ok(reference) => id = ids.of_reference(&request.target, &reference)?,
                Err(StoreUnavailable) if id.len() <= LONG => {}
                Err(StoreUnavailable) => {
                    // The sync has been started by now; its state can be reported without the directory's name.
                    id = ids.of_request(&request.without_names())?;
                }
            }
        }
        if id.len() > LONG {
            let detail = "the sync was started, but the store did not take its groups, so there is no id for it";
            return Err(Error::new(ErrorCode::UpstreamBusy, detail)
                .hint("send the same request again: it joins the sync; the log field store shows what failed")
                .retry_after(Some(HOLD)));
        }
        Ok(Self { id, request })
    }

    /// Finds the request of `target` that goes by `id`; `None` for an id that is not one of ours.
    ///
    /// # Errors
    /// `sync_not_found` if the store no longer has it; `upstream_busy` while the store does not answer.
    pub(super) async fn find<R: Runtime>(
        ids: &Key,
        store: &SharedStore<'_, R>,
        target: &str,
        id: &str,
    ) -> Result<Option<Self>, Error> {
        let request = match ids.open(target, id) {
            None => return Ok(None),
            Some(Opened::Whole(request)) => request,
            Some(Opened::Kept { reference, is_current }) => {
                let request = recall(store, target, &reference).await?;
                if is_current { request } else { request.of_another_ledger() }
            }
        };
        Ok(Some(Self { id: id.to_owned(), request }))
    }
}

/// Writes `request` to the store.
async fn keep<R: Runtime>(
    store: &SharedStore<'_, R>,
    caller: &str,
    request: &SyncRequest,
) -> Result<Reference, StoreUnavailable> {
    let bytes = request.to_bytes().ok_or(StoreUnavailable)?;
    let (ring, places, _) = RINGS.into_iter().find(|(.., most)| bytes.len() <= *most).ok_or(StoreUnavailable)?;
    let owner = owner_of_caller(caller);
    let serial = store.increment(&format!("requests:{owner}:{ring}"), 1).await.ok_or(StoreUnavailable)?;
    let place = (serial % places).to_string();
    let name = store.name("request", &request.target, &[&owner, ring, &place]).ok_or(StoreUnavailable)?;
    store.put(&name, &bytes, LIFE).await?;
    let place = name.rsplit_once(':').ok_or(StoreUnavailable)?.1.to_owned();
    Ok(Reference { digest: digest(&bytes).ok_or(StoreUnavailable)?, place })
}

/// The request that `reference` leads to.
async fn recall<R: Runtime>(
    store: &SharedStore<'_, R>,
    target: &str,
    reference: &Reference,
) -> Result<SyncRequest, Error> {
    let kept = store.look_up(&format!("request:{target}:{}", reference.place)).await.map_err(|StoreUnavailable| {
        Error::new(ErrorCode::UpstreamBusy, "the store that keeps this sync's groups does not answer")
            .hint("retry; the log field store shows what failed")
            .retry_after(Some(HOLD))
    })?;
    let kept = kept.filter(|kept| digest(&kept.value) == Some(reference.digest));
    kept.and_then(|kept| SyncRequest::of_bytes(target, &kept.value)).ok_or_else(|| {
        Error::new(ErrorCode::SyncNotFound, "the store no longer has the groups of this sync").hint(
            "the store keeps them for two days, for the last 256 long requests of each caller at least; start again, or look the \
             groups up by GET …/groups",
        )
    })
}

fn digest(bytes: &[u8]) -> Option<[u8; DIGEST]> {
    Sha256::digest(bytes).first_chunk().copied()
}

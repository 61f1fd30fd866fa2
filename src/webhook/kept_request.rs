//! Requests that do not fit into a short sync id: the store keeps them, sealed like everything there, and the id holds only
//! their place.
//!
//! The stores have no expiry of their own, so each caller has two rings of places, and each request replaces the one written
//! this many requests before. Callers cannot displace each other's requests.

use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::idempotency::owner_of_caller;
use super::sync_id::{DIGEST, Key, LONG, Opened, Reference, SHORT};
use crate::directory::SyncTarget;
use crate::error::{Error, ErrorCode, FieldError};
use crate::runtime::Runtime;
use crate::shared_state::{HOLD, SharedStore, StoreUnavailable};
use crate::sync::{SyncOrder, SyncRequest};

/// The longest group names in an id without a store, in bytes. The rest of [`LONG`] is for the directory's id, the
/// callback's name and numbers.
const MAX_IN_ID: usize = 300;

/// The longest group names in the store, in bytes: a hundred names of 640 bytes.
const MAX_KEPT: usize = 64 << 10;

/// How long a request is kept: as long as it may continue a sync, plus time to read its end.
const LIFE: Duration = Duration::from_hours(48);

/// A ring: its name, its places, and its largest request. Each ring of a caller takes at most 16 MiB.
const RINGS: [(&str, u64, usize); 2] = [("small", 4096, 4 << 10), ("large", 256, usize::MAX)];

/// A started sync with its id.
#[derive(Debug)]
pub(super) struct StartedSync {
    pub(super) id: String,
    pub(super) request: SyncRequest,
}

/// Checks before a start that the groups and users of `order` will fit.
///
/// # Errors
/// `request_invalid`.
pub(super) fn check_room<R: Runtime>(store: &SharedStore<'_, R>, order: &SyncOrder) -> Result<(), Error> {
    let size = order.size_of_names();
    let (limit, place, hint) = match store.is_there() {
        true => (MAX_KEPT, "", "split the groups over several requests"),
        false => (
            MAX_IN_ID,
            " in a sync id without a key-value store",
            "give idhook a key-value store, or split the groups over several requests",
        ),
    };
    if size <= limit {
        return Ok(());
    }
    let detail = format!("takes {size} bytes; at most {limit} fit{place}");
    let field = if order.groups().is_empty() { "/users" } else { "/groups" };
    Err(Error::invalid(vec![FieldError::new(field, detail)]).hint(hint))
}

impl StartedSync {
    /// Makes an id for `request` of `caller`. A request that does not fit into a short one is written to the store.
    ///
    /// # Errors
    /// `upstream_busy` if the store does not accept it and it does not fit into a long id either.
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
            let detail = "the sync was started, but its groups could not be stored, so it has no id";
            return Err(Error::new(ErrorCode::UpstreamBusy, detail)
                .hint("send the same request again: it joins the sync; the log field store shows what failed")
                .retry_after(Some(HOLD)));
        }
        Ok(Self { id, request })
    }

    /// The request of `target` with this `id`; `None` for an id that is not valid.
    ///
    /// # Errors
    /// `sync_not_found` if the store no longer has it; `upstream_busy` while the store does not respond.
    pub(super) async fn find<R: Runtime>(
        ids: &Key,
        store: &SharedStore<'_, R>,
        target: &SyncTarget,
        id: &str,
    ) -> Result<Option<Self>, Error> {
        let request = match ids.open(target, id) {
            None => return Ok(None),
            Some(Opened::Whole(request)) => *request,
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
    // Without the target: the rings bound a caller's entries, however many targets there are.
    let name = store.name("request", "place", &[&owner, ring, &place]).ok_or(StoreUnavailable)?;
    store.put(&name, &bytes, LIFE).await?;
    let place = name.rsplit_once(':').ok_or(StoreUnavailable)?.1.to_owned();
    Ok(Reference { digest: digest(&bytes).ok_or(StoreUnavailable)?, place })
}

/// The request at the place in `reference`.
async fn recall<R: Runtime>(
    store: &SharedStore<'_, R>,
    target: &SyncTarget,
    reference: &Reference,
) -> Result<SyncRequest, Error> {
    let name = format!("request:place:{}", reference.place);
    let kept = store.look_up(&name).await.map_err(|unavailable| unavailable.error("this sync's groups"))?;
    let kept = kept.filter(|kept| digest(&kept.value) == Some(reference.digest));
    kept.and_then(|kept| SyncRequest::of_bytes(target, &kept.value)).ok_or_else(|| {
        Error::new(ErrorCode::SyncNotFound, "the store no longer has the groups of this sync").hint(
            "the store keeps them for two days, at least for each caller's last 256 long requests; start again, or look the \
             groups up with GET …/groups",
        )
    })
}

fn digest(bytes: &[u8]) -> Option<[u8; DIGEST]> {
    Sha256::digest(bytes).first_chunk().copied()
}

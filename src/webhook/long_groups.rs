//! Groups that are too long for a sync id: they are kept in the store, sealed as everything there, and the id holds only where.

use std::time::Duration;

use crate::error::{Error, ErrorCode, FieldError};
use crate::runtime::Runtime;
use crate::store::{Gone, HOLD, SharedStore};
use crate::sync::Request;

/// The most that the names of groups may take of an id, in bytes as JSON; the rest is for the directory's name and numbers.
pub(super) const MAX_IN_ID: usize = 1000;

/// How long they are kept: as long as a request may move anything on, and a while for who reads the end of it.
const LIFE: Duration = Duration::from_hours(48);

/// Keeps `groups` where they do not fit into an id; gives the place, for [`Order`](crate::sync::Order).
///
/// # Errors
/// `request_invalid` without a store.
pub(super) async fn keep<R: Runtime>(
    store: &SharedStore<'_, R>,
    target: &str,
    groups: &[String],
) -> Result<Option<String>, Error> {
    let text = serde_json::to_string(groups).unwrap_or_default();
    if text.len() <= MAX_IN_ID {
        return Ok(None);
    }
    if let Some(name) = store.name("groups", target, &[&text])
        && store.set(&name, text.as_bytes(), LIFE).await
    {
        return Ok(name.rsplit_once(':').map(|(_, place)| place.to_owned()));
    }
    Err(Error::invalid(vec![FieldError::new(
        "/groups",
        format!("is {} bytes long; without a key-value store at most {MAX_IN_ID} fit into the sync's id", text.len()),
    )])
    .hint("ask in parts, or grant the component a key-value store"))
}

/// Brings back the groups of a request that was read from its id.
///
/// # Errors
/// `sync_not_found` where they are gone; `upstream_busy` while the store does not answer.
pub(super) async fn recall<R: Runtime>(store: &SharedStore<'_, R>, request: &mut Request) -> Result<(), Error> {
    let Some(place) = &request.groups_at else { return Ok(()) };
    let kept = store.look_up(&format!("groups:{}:{place}", request.target)).await.map_err(|Gone| {
        Error::new(ErrorCode::UpstreamBusy, "the store that keeps this sync's groups does not answer")
            .hint("ask again; the line of log tells in store what ails it")
            .retry_after(Some(HOLD))
    })?;
    request.groups = kept.and_then(|kept| crate::typed::parse(&kept.value)).ok_or_else(|| {
        Error::new(
            ErrorCode::SyncNotFound,
            "the groups of this sync were kept in the store, and are not there any more",
        )
        .hint("the store keeps them for two days; start again, or look the groups up by GET …/groups")
    })?;
    Ok(())
}

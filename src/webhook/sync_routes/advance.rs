//! Looks at a target's listed syncs, as a watcher of each would: queued runs begin, and messages to receivers are sent.

use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};

use super::documents::{AdvanceAnswer, AdvancedSync};
use super::state::{Viewer, sync_answer};
use crate::directory::SyncTarget;
use crate::error::{Error, ErrorCode};
use crate::runtime::Runtime;
use crate::shared_state::StoreUnavailable;
use crate::webhook::due::Pass;
use crate::webhook::kept_request::StartedSync;
use crate::webhook::{Context, json};

/// The most syncs of one request. Each costs about as many calls as a request for its state.
const MOST: usize = 50;

/// A request with less time left does not begin with another sync.
const ENOUGH: Duration = Duration::from_secs(5);

/// Syncs of one directory share an observation of this age.
const MAX_AGE: Duration = Duration::from_secs(2);

pub(super) async fn advance<R: Runtime>(
    context: &mut Context<'_, R>,
    target: &SyncTarget,
) -> Result<Response<Bytes>, Error> {
    let (configured, outbound) = (context.configured, context.outbound);
    let store = outbound.store();
    let Some(mut pass) = Pass::begin(store, target).await else {
        return Err(no_list(store.has_none()));
    };
    let viewer = Viewer::of(context.caller);
    let mut syncs = Vec::new();
    while syncs.len() < MOST && outbound.remaining() > ENOUGH {
        let Some(entry) = pass.next().await else { break };
        let found = match StartedSync::find(&configured.sync_ids, store, target, &entry.id).await {
            Err(error) if error.code() == ErrorCode::SyncNotFound => None,
            found => found?,
        };
        let Some(sync) = found else {
            // Made under a former state key, or its groups are no longer stored: nobody can read its state.
            pass.done(&entry).await;
            continue;
        };
        let found = sync_answer(configured, outbound, context.base, &sync, &viewer, MAX_AGE).await;
        if let Err(error) = &found {
            context.log.unread_sync(&sync.request.directory, error);
        }
        let advanced = AdvancedSync::of(&sync.request.directory, &found);
        if advanced.is_open {
            pass.keep(&entry);
        } else {
            pass.done(&entry).await;
        }
        syncs.push(advanced);
    }
    viewer.log(context.log);
    json(StatusCode::OK, &AdvanceAnswer { syncs, has_more: pass.end().await })
}

/// Why the open syncs cannot be listed: there is no store (`has_none`), or it does not respond.
fn no_list(has_none: bool) -> Error {
    if has_none {
        return Error::new(ErrorCode::NotSupported, "without a store idhook does not know which syncs are open")
            .hint("give idhook a key-value store; or let each caller watch its own sync");
    }
    StoreUnavailable.error("the list of open syncs")
}

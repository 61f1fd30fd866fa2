//! The state of a sync over HTTP: now, after a wait, or as a stream.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use bytes::Bytes;
use http::header::{LOCATION, RETRY_AFTER};
use http::{Response, StatusCode};

use super::below;
use super::documents::SyncAnswer;
use crate::config::Scope;
use crate::directory::SyncTarget;
use crate::error::{Error, ErrorCode};
use crate::operations::SyncOperations;
use crate::runtime::Runtime;
use crate::shared_state::{Origin, StoreUnavailable, may_be_in_store, refresh};
use crate::sync::{self, SyncDocument, SyncRequest, SyncState};
use crate::upstream::Outbound;
use crate::webhook::caller::Caller;
use crate::webhook::changes::preference_applied;
use crate::webhook::events::has_seen_the_end;
use crate::webhook::input::{Input, query_error};
use crate::webhook::kept_request::StartedSync;
use crate::webhook::log::{FailedSync, LogLine};
use crate::webhook::{Configured, Context, Reply, callback, empty, json, with_headers};

/// A sync by its id: its state now, after a wait, or as a stream.
pub(super) async fn sync<R: Runtime>(
    context: &mut Context<'_, R>,
    target: &SyncTarget,
    text: &str,
) -> Result<Reply, Error> {
    let configured = context.configured;
    let store = context.outbound.store();
    let mut found = StartedSync::find(&configured.sync_ids, store, target, text).await?;
    if found.is_none() && refresh(&configured.state_key, store).await {
        found = StartedSync::find(&configured.sync_ids, store, target, text).await?;
    }
    if found.is_none() && may_be_in_store(&configured.state_key, store) {
        return Err(StoreUnavailable.error("the key of sync ids"));
    }
    let sync = found.ok_or_else(|| {
        let hint = match configured.state_key.origin() {
            Some(Origin::Instance) => {
                "without state_key and without a store, an id is valid only at the instance that issued it, while that runs: \
                 set state_key"
            }
            _ => "copy the id or Location of the start's response unchanged; ids become invalid when their key is removed from state_key",
        };
        Error::new(ErrorCode::SyncNotFound, "this id was not issued by this idhook for this target").hint(hint)
    })?;
    context.log.sync(&sync.request);
    let running = Running::of(&context.input)?;
    if context.wants_events {
        if has_seen_the_end(&context.request.headers) {
            return Ok(Reply::Whole(empty(StatusCode::NO_CONTENT, &[])));
        }
        let viewer = Viewer::of(context.caller);
        if sync.request.ignores_safeguards() && viewer.may_override {
            // The stream may start the run after this log line is written.
            context.log.ignores_safeguards();
        }
        return Ok(Reply::Watch(Box::new((sync, viewer)), None));
    }
    match context.max_wait {
        Some(max_wait) => waited(context, &sync, max_wait).await,
        None => {
            let viewer = Viewer::of(context.caller);
            let found =
                sync_answer(context.configured, context.outbound, context.base, &sync, &viewer, Duration::ZERO).await;
            viewer.log(context.log);
            running.answer(&found?).map(Reply::Whole)
        }
    }
}

/// The state after a wait: 200 if it is final, else the current state, with its `Location`.
pub(super) async fn waited<R: Runtime>(
    context: &mut Context<'_, R>,
    sync: &StartedSync,
    max_wait: Duration,
) -> Result<Reply, Error> {
    let running = Running::of(&context.input)?;
    let viewer = Viewer::of(context.caller);
    let observe =
        async |max_age| sync_answer(context.configured, context.outbound, context.base, sync, &viewer, max_age).await;
    let last = sync::wait(context.outbound.runtime(), max_wait, observe).await;
    viewer.log(context.log);
    let mut last = last?;
    last.ignored.clone_from(&context.ignored);
    let response = with_location(running.answer(&last)?, &running.place(&last.links.this));
    Ok(Reply::Whole(preference_applied(response, Some(max_wait))))
}

/// A caller that reads a sync's state, and what to log about it.
#[derive(Debug)]
pub(in crate::webhook) struct Viewer {
    /// Whether it may start a run that ignores the safeguards.
    may_override: bool,
    overrode: Cell<bool>,
    unknown: RefCell<Option<String>>,
    /// The syncs that failed.
    failed: RefCell<Vec<FailedSync>>,
}

impl Viewer {
    pub(super) fn of(caller: &Caller<'_>) -> Self {
        let may_override = caller.may(Scope::VidmOverride);
        Self { may_override, overrode: Cell::default(), unknown: RefCell::default(), failed: RefCell::default() }
    }

    fn saw<R: Runtime>(&self, syncs: &SyncOperations<'_, R>, request: &SyncRequest, state: &Result<SyncState, Error>) {
        self.overrode.set(self.overrode.get() || syncs.overrode());
        let unknown = state.as_ref().ok().filter(|state| state.doubt.is_some());
        *self.unknown.borrow_mut() = unknown.and_then(|state| state.report.message.clone());
        if let Some(reason) = state.as_ref().ok().and_then(|state| state.reason) {
            self.failed.borrow_mut().push(FailedSync::ended(&request.directory, reason));
        }
    }

    /// Adds what it saw to the line.
    pub(in crate::webhook) fn log(&self, line: &mut LogLine) {
        if self.overrode.get() {
            line.ignores_safeguards();
        }
        if let Some(why) = self.unknown.take() {
            line.sync_unknown(why);
        }
        for sync in self.failed.take() {
            line.failed_sync(sync);
        }
    }
}

/// The state of `sync`, by an observation no older than `max_age`.
pub(in crate::webhook) async fn sync_answer<R: Runtime>(
    configured: &Configured,
    outbound: &Outbound<'_, R>,
    base: &str,
    sync: &StartedSync,
    viewer: &Viewer,
    max_age: Duration,
) -> Result<SyncAnswer, Error> {
    let syncs = configured.targets.syncs(&sync.request.target, outbound, viewer.may_override)?;
    let state = syncs.state(&sync.request, max_age).await;
    viewer.saw(&syncs, &sync.request, &state);
    let mut answer = answer_of(base, sync, state?);
    if answer.document.is_final() {
        configured.metrics.ended(&sync.id, &sync.request.target, answer.document.reason);
        let body = || serde_json::to_vec(&answer).unwrap_or_default();
        answer.owes_message = !callback::deliver(configured, outbound, sync, body).await;
    }
    Ok(answer)
}

pub(super) fn answer_of(base: &str, sync: &StartedSync, state: SyncState) -> SyncAnswer {
    let StartedSync { id, request } = sync;
    let this = below(base, &request.target, &format!("syncs/{id}"));
    let awaits_run = !state.report.status.is_final();
    SyncAnswer { awaits_run, ..SyncAnswer::new(SyncDocument::of(request, id.clone(), state), this) }
}

/// The status of a state that is not final: 200, or with `?running=202` 202 for pollers that go by the status, such as Azure
/// Logic Apps and others that follow "202, Location". They send no headers of their own, so it is in the query and in each
/// `Location`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Running {
    Ok,
    Accepted,
}

impl Running {
    /// The query parameter's name.
    const NAME: &str = "running";

    pub(super) fn of(input: &Input) -> Result<Self, Error> {
        match input.query(Self::NAME) {
            None | Some("200") => Ok(Self::Ok),
            Some("202") => Ok(Self::Accepted),
            Some(_) => Err(query_error(Self::NAME, "use 202 for status 202 while the sync is running, or 200")),
        }
    }

    /// The path at which to read the state again.
    pub(super) fn place(self, this: &str) -> String {
        match self {
            Self::Ok => this.to_owned(),
            Self::Accepted => format!("{this}?{}=202", Self::NAME),
        }
    }

    /// The state with its status.
    fn answer(self, found: &SyncAnswer) -> Result<Response<Bytes>, Error> {
        if self == Self::Ok || found.document.is_final() {
            return answer(StatusCode::OK, found);
        }
        Ok(with_location(answer(StatusCode::ACCEPTED, found)?, &self.place(&found.links.this)))
    }
}

/// A sync's state, with `Retry-After` while it is not final.
pub(super) fn answer(status: StatusCode, answer: &SyncAnswer) -> Result<Response<Bytes>, Error> {
    let response = json(status, answer)?;
    Ok(match answer.document.retry_after {
        Some(seconds) => with_headers(response, &[(RETRY_AFTER, &seconds.to_string())]),
        None => response,
    })
}

pub(super) fn with_location(response: Response<Bytes>, place: &str) -> Response<Bytes> {
    with_headers(response, &[(LOCATION, place)])
}

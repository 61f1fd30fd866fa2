//! The steps of an authenticated request: each can only reject it, until everything is known and the work is done.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http::request::Parts;

use super::caller::{Caller, Claim, refuse_other_sites};
use super::configured::Configured;
use super::input::Input;
use super::log::LogLine;
use super::request_id::RequestIdentity;
use super::route::{Matched, Operation, Vcf, Work};
use super::{
    Body, BodyBounds, Reply, changes, events, fleet_routes, gate, hook, idempotency, metrics, sync_routes,
    token_caller, vcf_routes, vidm_routes, watch_limit,
};
use crate::error::Error;
use crate::runtime::Runtime;
use crate::upstream::Outbound;

/// A request whose route is known.
pub(super) struct Incoming<'a, R> {
    pub(super) configured: &'a Configured,
    pub(super) runtime: &'a R,
    pub(super) request: &'a Parts,
    pub(super) matched: &'a Matched,
    pub(super) operation: &'static Operation,
    pub(super) identity: &'a RequestIdentity,
    /// When it arrived, by the monotonic clock.
    pub(super) started: Duration,
    /// The prefix of every path in a response.
    pub(super) base: &'a str,
}

/// A handler's context: the request as understood so far.
pub(super) struct Context<'a, R> {
    pub(super) configured: &'a Configured,
    pub(super) outbound: &'a Outbound<'a, R>,
    pub(super) caller: &'a Caller<'a>,
    pub(super) request: &'a Parts,
    /// The prefix of every path in a response; empty if idhook is at the root.
    pub(super) base: &'a str,
    /// The body as received.
    pub(super) body: &'a [u8],
    pub(super) input: Input,
    /// Unread fields of the body, as JSON Pointers.
    pub(super) ignored: Vec<String>,
    /// How long the caller waits for a final state at most.
    pub(super) max_wait: Option<Duration>,
    /// Whether the caller wants an event stream.
    pub(super) wants_events: bool,
    pub(super) log: &'a mut LogLine,
}

impl<R: Runtime> Incoming<'_, R> {
    /// The time left for the request.
    pub(super) fn left(&self) -> Duration {
        let spent = self.runtime.elapsed().saturating_sub(self.started);
        self.configured.config.request_timeout.saturating_sub(spent)
    }

    /// Reads the body, if the method takes one. The body of an unproven caller needs one of the few places for such bodies.
    async fn body(&self, is_proven: bool, read: impl AsyncFnOnce(BodyBounds) -> Body) -> Result<Bytes, Error> {
        let (config, left) = (&self.configured.config, self.left());
        match self.request.method {
            Method::POST | Method::PUT | Method::PATCH if is_proven => {
                read(BodyBounds::proven(config, left)).await.whole(true)
            }
            Method::POST | Method::PUT | Method::PATCH => self.unproven_body(read).await,
            _ => Ok(Bytes::new()),
        }
    }

    /// Reads the body of an unproven caller, whatever the method.
    pub(super) async fn unproven_body(&self, read: impl AsyncFnOnce(BodyBounds) -> Body) -> Result<Bytes, Error> {
        let _reading = self.configured.unproven.enter()?;
        read(BodyBounds::unproven(&self.configured.config, self.left())).await.whole(false)
    }
}

/// Finds the caller and what it wants, and does it. Whatever comes of it, the line has the calls that were made.
pub(super) async fn serve<R: Runtime>(
    incoming: &Incoming<'_, R>,
    work: Work,
    read: impl AsyncFnOnce(BodyBounds) -> Body,
    line: &mut LogLine,
) -> Result<Reply, Error> {
    let Incoming { configured, runtime, request, matched, identity, .. } = *incoming;
    line.forwarded(&request.headers, &configured.config.proxy);
    refuse_other_sites(request, |name| hook::may_permit(&configured.config, matched, name))?;
    // Where nothing waits, the preference adds no time. A hook's sender waits only a few seconds; the sync continues without it.
    let max_wait = events::prefers_wait(&request.headers, configured.config.wait_limit).filter(|_| work.can_wait());
    let outbound = configured.outbound(runtime, identity, incoming.left() + max_wait.unwrap_or_default());
    let outcome = process(incoming, (work, max_wait), &outbound, read, line).await;
    line.calls(outbound.calls());
    line.store(outbound.store().trouble());
    outcome
}

/// The steps. Whoever waits does so for `max_wait` at most.
async fn process<R: Runtime>(
    incoming: &Incoming<'_, R>,
    (work, max_wait): (Work, Option<Duration>),
    outbound: &Outbound<'_, R>,
    read: impl AsyncFnOnce(BodyBounds) -> Body,
    line: &mut LogLine,
) -> Result<Reply, Error> {
    let Incoming { configured, runtime, request, matched, operation, identity, base, .. } = *incoming;
    let of_token = match token_caller::caller(configured, request, outbound, line).await? {
        None => gate::caller(configured, request, matched, outbound.store()).await?,
        found => found,
    };
    let claim = match of_token {
        Some(caller) => Claim::Proven(caller),
        None => Claim::of(request, &configured.config, runtime.now(), line)?,
    };
    let access = if work == Work::Hook { hook::access(&configured.config, matched) } else { operation.scope };
    let mut admit = async |caller: &Caller<'_>| {
        line.caller(caller);
        configured.admit(caller, (request, access, matched), outbound.store()).await
    };
    if let Some(caller) = claim.proven() {
        admit(caller).await?;
    }
    let body = incoming.body(claim.proven().is_some(), read).await?;
    let caller = match claim {
        Claim::Proven(caller) => caller,
        Claim::Signed(signed) => {
            let caller = signed.prove(&body)?;
            admit(&caller).await?;
            caller
        }
    };
    changes::refuse_unread_conditions(operation, request)?;
    let input = Input::of(request, matched, &body)?;
    if let Some(domain) = input.source_domain().filter(|_| work == Work::Vcf(Vcf::AddSource)) {
        line.domain(domain);
    }
    if input.query_flag("dryRun").is_ok_and(|flag| flag == Some(true)) {
        line.dry_run();
    }

    let wants_events = events::wants_events(&request.headers);
    let wants_no_body = input.event().is_some() && events::prefers_reply(&request.headers);
    let mut key = idempotency::Key::of(request, input.event(), caller.name(), &body)?;
    if work == Work::Hook && hook::is_idle(&configured.config, request, &input, &body, matched) {
        line.keyed(key.take().map(|_| idempotency::Status::NotStored));
    }
    let permit = if max_wait.is_some() || wants_events && work.can_stream() {
        let limit = configured.config.watch_limit;
        Some(configured.watches.enter(caller.name(), limit, outbound.store()).await?)
    } else {
        None
    };
    let context = Context {
        configured,
        outbound,
        caller: &caller,
        request,
        base,
        body: &body,
        input,
        ignored: Vec::new(),
        max_wait,
        wants_events,
        log: line,
    };
    // On the heap: with all the futures it may call, it is too large for several copies on the stack.
    let work = Box::pin(dispatch(context, work, matched));
    let work = watch_limit::held(permit.as_ref(), (configured, outbound.store()), work);
    let outcome = match key {
        None => work.await,
        Some(key) => {
            let (outcome, status, trouble) = configured.once(&key, identity, outbound, work).await;
            line.keyed(status);
            line.store(trouble);
            outcome
        }
    };
    let outcome = if wants_no_body { outcome.map(Reply::without_body) } else { outcome };
    match (outcome, permit) {
        (Ok(Reply::Watch(request, _)), permit) => Ok(Reply::Watch(request, permit)),
        (outcome, Some(permit)) => {
            permit.close(outbound.store()).await;
            outcome
        }
        (outcome, None) => outcome,
    }
}

async fn dispatch<R: Runtime>(context: Context<'_, R>, work: Work, matched: &Matched) -> Result<Reply, Error> {
    match work {
        Work::Syncs(product, action) => sync_routes::dispatch(context, (product, action), matched).await,
        Work::Vidm(action) => vidm_routes::dispatch(context, action, matched).await.map(Reply::Whole),
        Work::Fleet(action) => fleet_routes::dispatch(context, action, matched).await.map(Reply::Whole),
        Work::Vcf(action) => vcf_routes::dispatch(context, action, matched).await.map(Reply::Whole),
        Work::Hook => hook::dispatch(context, matched).await,
        Work::Metrics => metrics::answer(&context).await.map(Reply::Whole),
    }
}

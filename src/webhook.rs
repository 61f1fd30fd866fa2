//! The HTTP contract: requests in, responses out, whatever the runtime.
//!
//! The order is fixed, and each step can only reject: route, method, caller, scope and target, body, input. Nothing is
//! parsed before the caller is known, and no upstream is called before the input is valid. Only a caller that signs is
//! known by its body, which is read if the signature's form and time are right.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, HeaderValue, LOCATION};
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, StatusCode};

use crate::config::{Config, ConfigError, VariableSource};
use crate::error::Error;
use crate::runtime::Runtime;
use crate::sync;
use crate::upstream::Outbound;

mod asset;
mod body;
mod callback;
mod caller;
mod configured;
#[cfg(feature = "contract")]
pub mod contract;
mod doctor;
mod events;
mod health;
mod hook;
mod idempotency;
mod input;
mod log;
mod mount;
mod oversized_groups;
mod page;
mod problem;
mod rate_limit;
mod request_id;
mod respond;
mod route;
mod signature;
mod sync_id;
mod vcf_routes;
mod vidm_routes;
mod watch_limit;

pub use body::{Body, BodyBounds, Broken, Pace};
pub use events::Events;
pub use log::ClientAddress;
pub use mount::{BasePath, add_reports_of_spin};
pub use respond::Content;

use caller::{Caller, Claim};
use configured::Configured;
use input::Input;
use log::LogLine;
use mount::Mounted;
use request_id::RequestIdentity;
use respond::{empty, event_stream, json, not_configured, with_headers};
use route::{Action, Matched, Public, Vcf, Work};

/// The webhook: a configuration and what is remembered between requests. One for each instance of the component.
#[derive(Debug)]
pub struct Webhook {
    config: Result<Configured, Vec<ConfigError>>,
    /// Whether there is a page at `/`.
    page: bool,
    /// The variable `base_path`; empty where idhook is at the root.
    base: String,
}

/// What a handler returns.
#[derive(Debug)]
enum Reply {
    Whole(Response<Bytes>),
    /// An event stream of this sync for this viewer, with the permit for it.
    Watch(Box<(sync::SyncRequest, vidm_routes::Viewer)>, Option<watch_limit::Permit>),
}

/// What a handler works with: the request as far as it has been understood.
struct Context<'a, R> {
    configured: &'a Configured,
    outbound: &'a Outbound<'a, R>,
    caller: &'a Caller<'a>,
    request: &'a Parts,
    /// The prefix of every path in a response; empty if idhook is at the root.
    base: &'a str,
    /// The body as it came.
    body: &'a [u8],
    input: Input,
    /// Fields of the body that were not read, as JSON Pointers.
    ignored: Vec<String>,
    /// The longest time that the caller waits for a final state.
    max_wait: Option<Duration>,
    /// Whether the caller wants an event stream.
    wants_events: bool,
    log: &'a mut LogLine,
}

impl Webhook {
    /// A webhook for the outcome of [`Config::parse`]. With mistakes it still answers, and reports them.
    #[must_use]
    pub fn new(config: Result<Config, Vec<ConfigError>>) -> Self {
        let page = config.as_ref().map_or(true, |config| config.page);
        let base = config.as_ref().map(|config| config.base_path.clone()).unwrap_or_default();
        let config = config.map(Configured::new);
        Self { config, page, base }
    }

    /// A webhook for the variables that `lookup` returns. The page and the base path are as configured even if other variables
    /// have mistakes.
    #[must_use]
    pub fn of_variables(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let (page, base) = (Config::wants_page(&lookup), Config::wanted_base_path(&lookup));
        Self { page, base, ..Self::new(Config::parse(lookup)) }
    }

    /// A webhook for the variables that a runtime provides. If some could not be read, it reports which.
    #[must_use]
    pub fn of_readings(readings: &VariableSource) -> Self {
        match readings.lookup() {
            Ok(lookup) => Self::of_variables(lookup),
            Err(unreadable) => Self::new(Err(unreadable)),
        }
    }

    /// Answers one request, and logs it.
    ///
    /// `read` reads the body. It is called only if the route takes a body and the caller is known, or can be known by it: without
    /// a key, and without a signature in the form and time of a configured scheme, nothing is buffered.
    pub async fn handle<R: Runtime + Clone, B>(
        self: &Rc<Self>,
        runtime: &R,
        request: Request<B>,
        read: impl AsyncFnOnce(B, BodyBounds) -> Body,
    ) -> Response<Content<R>> {
        let started = runtime.elapsed();
        let (parts, body) = request.into_parts();
        let identity = RequestIdentity::of(&parts, runtime);
        let mut line = LogLine::new(runtime.now(), &identity, &parts);
        let is_head = parts.method == Method::HEAD;

        let read = async |bounds| read(body, bounds).await;
        let secrets = self.config.as_ref().map(|configured| configured.config.secrets()).unwrap_or_default();
        let outcome = self.answer(runtime, &parts, read, started, &identity, &mut line).await;
        let mut watched = None;
        let mut response = match outcome {
            Ok(Reply::Whole(response)) => response,
            Ok(Reply::Watch(watch, permit)) => {
                watched = Some((watch, permit));
                event_stream()
            }
            Err(error) => {
                line.failed(&error);
                problem::response(&error, &identity, &secrets)
            }
        };
        if let Some(place) = response.headers().get(LOCATION).and_then(|place| place.to_str().ok()) {
            line.located(mount::route_of(place, mount::mounted(&parts, &self.base).base));
        }
        let headers = response.headers_mut();
        headers.insert("x-request-id", identity.id.clone());
        headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
        headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        if let Some(status) = line.idempotency() {
            headers.insert("idempotency-status", HeaderValue::from_static(status.as_str()));
        }
        if is_head {
            *response.body_mut() = Bytes::new();
        }
        if line.is_wanted(
            response.status(),
            self.config.as_ref().map_or(crate::config::LogLevel::Info, |c| c.config.log_level),
        ) {
            runtime.log(&line.finish(response.status(), runtime.elapsed().saturating_sub(started), &secrets));
        }
        match (watched, &self.config) {
            (Some((watch, permit)), Ok(configured)) if !is_head => {
                let limit = configured.config.wait_limit;
                let base = mount::mounted(&parts, &self.base).base.to_owned();
                let events = Events::new(Rc::clone(self), runtime.clone(), (identity, base), (*watch, permit), limit);
                response.map(|_| Content::Events(Box::new(events)))
            }
            _ => response.map(Content::Whole),
        }
    }

    /// Answers a public route.
    fn open<R: Runtime>(&self, runtime: &R, action: Public, headers: &HeaderMap) -> Result<Response<Bytes>, Error> {
        match action {
            Public::Page => page::response(headers),
            Public::Health => json(StatusCode::OK, &health::health()),
            Public::Ready => {
                let configured = self.config.as_ref().map_err(|problems| not_configured(problems))?;
                json(StatusCode::OK, &health::ready(configured, runtime))
            }
            Public::OpenApi => asset::OPENAPI.response(headers),
            Public::OpenApi30 => asset::OPENAPI_3_0.response(headers),
        }
    }

    async fn answer<R: Runtime>(
        &self,
        runtime: &R,
        request: &Parts,
        read: impl AsyncFnOnce(BodyBounds) -> Body,
        started: Duration,
        identity: &RequestIdentity,
        line: &mut LogLine,
    ) -> Result<Reply, Error> {
        let Mounted { base, path } = mount::mounted(request, &self.base);
        let matched = route::find(path)?;
        if matched.row.does(Action::Public(Public::Page)) && !self.page {
            return Err(route::nowhere(path));
        }
        line.route(&matched);
        if request.method == Method::OPTIONS {
            let response = empty(StatusCode::NO_CONTENT, &[(ALLOW, &matched.row.allow())]);
            return Ok(Reply::Whole(match &self.config {
                Ok(configured) => hook::with_permission(response, &configured.config, request, &matched),
                Err(_) => response,
            }));
        }
        let operation =
            matched.row.operation(&request.method).ok_or_else(|| matched.row.method_not_allowed(&request.method))?;
        if operation.scope.is_none() {
            input::no_query(request.uri.query(), operation.query)?;
        }
        let work = match operation.action {
            Action::Public(action) => return self.open(runtime, action, &request.headers).map(Reply::Whole),
            Action::Work(work) => work,
        };
        let configured = self.config.as_ref().map_err(|problems| {
            line.problems(problems);
            not_configured(problems)
        })?;
        line.forwarded(&request.headers, configured.config.client_address_header.as_ref());
        caller::refuse_other_sites(request)?;
        let claim = Claim::of(request, &configured.config, runtime.now())?;
        let left = || configured.config.request_timeout.saturating_sub(runtime.elapsed().saturating_sub(started));
        // A hook's sender waits a few seconds at most; the sync goes on without it.
        let max_wait =
            events::prefers_wait(&request.headers, configured.config.wait_limit).filter(|_| work != Work::Hook);
        let outbound = configured.outbound(runtime, identity, left() + max_wait.unwrap_or_default());
        let mut admit = async |caller: &Caller<'_>| {
            line.caller(caller);
            let admitted = configured.admit(caller, operation.scope, &matched, outbound.store()).await;
            line.store(outbound.store().trouble());
            admitted
        };
        if let Some(caller) = claim.proven() {
            admit(caller).await?;
        }
        let body = match request.method {
            Method::POST | Method::PUT | Method::PATCH => {
                if claim.proven().is_some() {
                    read(BodyBounds::proven(&configured.config, left())).await
                } else {
                    let _reading = configured.unproven.enter()?;
                    read(BodyBounds::unproven(&configured.config, left())).await
                }
            }
            _ => Body::Whole(Bytes::new()),
        };
        let bytes = input::whole(&body, claim.proven().is_some())?;
        let caller = match claim {
            Claim::Proven(caller) => caller,
            Claim::Signed(signed) => {
                let caller = signed.prove(bytes)?;
                admit(&caller).await?;
                caller
            }
        };
        let input = Input::of(request, &matched, &body)?;
        if let Some(domain) = input.source_domain().filter(|_| work == Work::Vcf(Vcf::AddSource)) {
            line.domain(domain);
        }
        if input.query_flag("dryRun").is_ok_and(|flag| flag == Some(true)) {
            line.dry_run();
        }

        let wants_events = events::wants_events(&request.headers);
        let mut key = idempotency::Key::of(request, input.event(), caller.name(), &body)?;
        if work == Work::Hook && hook::is_idle(&configured.config, request, &input, bytes, &matched) {
            line.keyed(key.take().map(|_| idempotency::Status::NotStored));
        }
        let permit = if events::is_long(work, max_wait.is_some(), wants_events) {
            let limit = configured.config.watch_limit;
            Some(configured.watches.enter(caller.name(), limit, outbound.store()).await?)
        } else {
            None
        };
        let context = Context {
            configured,
            outbound: &outbound,
            caller: &caller,
            request,
            base,
            body: bytes,
            input,
            ignored: Vec::new(),
            max_wait,
            wants_events,
            log: line,
        };
        // On the heap: with all that it may call, it is too large for a few copies of it on a stack.
        let work = Box::pin(dispatch(context, work, &matched));
        let work = watch_limit::held(permit.as_ref(), outbound.store(), work);
        let (outcome, trouble) = match key {
            None => (work.await, None),
            Some(key) => {
                let (outcome, status, trouble) = configured.once(&key, identity, &outbound, work).await;
                line.keyed(status);
                (outcome, trouble)
            }
        };
        let outcome = match (outcome, permit) {
            (Ok(Reply::Watch(request, _)), permit) => Ok(Reply::Watch(request, permit)),
            (outcome, Some(permit)) => {
                permit.close(outbound.store()).await;
                outcome
            }
            (outcome, None) => outcome,
        };
        line.calls(outbound.calls());
        line.store(outbound.store().trouble().or(trouble));
        outcome
    }
}

async fn dispatch<R: Runtime>(context: Context<'_, R>, work: Work, matched: &Matched) -> Result<Reply, Error> {
    match work {
        Work::Vidm(action) => vidm_routes::dispatch(context, action, matched).await,
        Work::Vcf(action) => vcf_routes::dispatch(context, action, matched).await.map(Reply::Whole),
        Work::Hook => hook::dispatch(context, matched).await,
    }
}

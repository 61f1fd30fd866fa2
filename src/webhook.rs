//! The HTTP contract: requests in, responses out, whatever the runtime.
//!
//! The order is fixed, and each step can only refuse: route, method, caller, scope and target, body, input. Nothing is
//! parsed before the caller is known, and nothing upstream is asked before the input is valid. Only a caller that signs is
//! known by its body; that is read when the signature's form and time are right.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, LOCATION};
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, StatusCode};

use crate::config::{Config, ConfigError, VariableSource};
use crate::error::{Error, ErrorCode, FieldError};
use crate::named::Named;
use crate::runtime::Runtime;
use crate::shared_state::StateKey;
use crate::shared_state::{SharedStore, StoreAccess, settle};
use crate::upstream::Outbound;
use crate::{sync, vcf, vidm};

mod asset;
mod body;
mod callback;
mod caller;
#[cfg(feature = "contract")]
pub mod contract;
mod doctor;
mod events;
mod health;
mod hook;
mod idempotency;
mod inflate;
mod input;
mod log;
mod mount;
mod oversized_groups;
mod page;
mod problem;
mod rate_limit;
mod request_id;
mod route;
mod signature;
mod sync_id;
mod vcf_put;
mod vcf_routes;
mod vidm_routes;
mod watch_limit;

pub use body::{Body, BodyBounds, Broken, Pace};
pub use events::Events;
pub use log::ClientAddress;
pub use mount::{BasePath, add_reports_of_spin};

use asset::Asset;
use caller::{Caller, Claim};
use input::Input;
use log::LogLine;
use mount::Mounted;
use request_id::RequestIdentity;
use route::{Matched, Name};

/// The webhook: a configuration and what is remembered between requests. One for each instance of the component.
#[derive(Debug)]
pub struct Webhook {
    config: Result<Configured, Vec<ConfigError>>,
    /// Whether there is a page at `/`.
    page: bool,
    /// The variable `base_path`; empty where idhook is at the root.
    base: String,
}

/// Everything there is once the configuration is complete.
#[derive(Debug)]
struct Configured {
    config: Config,
    vidm: Named<vidm::Cache>,
    vcf: Named<vcf::Cache>,
    state_key: Rc<StateKey>,
    sync_ids: sync_id::Key,
    syncs: Named<sync::Cache>,
    rates: rate_limit::Rates,
    /// Unless it is turned off.
    store: Option<StoreAccess>,
    /// What was answered to requests with a key, where there is no store.
    answers: idempotency::LocalAnswers,
    /// The bodies that are being read of callers that are not known yet.
    unproven: body::Unproven,
    /// The waits and event streams that are open.
    watches: watch_limit::Watches,
}

/// A response's body.
#[derive(Debug)]
pub enum Content<R> {
    /// All of it.
    Whole(Bytes),
    /// One that comes piece by piece, until [`Events::next`] gives no more or the caller goes away.
    Events(Box<Events<R>>),
}

impl<R> Content<R> {
    /// What `Content-Length` says of it, for a face to add where it frames answers: said, the whole answer goes out in one
    /// piece. Where there can be none, its length would be that of another answer (RFC 9110, section 8.6).
    #[must_use]
    pub fn length(&self, status: StatusCode, is_head: bool) -> Option<usize> {
        match self {
            Self::Whole(bytes) if !is_head && !matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) => {
                Some(bytes.len())
            }
            _ => None,
        }
    }
}

/// What a handler gives.
#[derive(Debug)]
enum Reply {
    Whole(Response<Bytes>),
    /// An event stream of this sync for this viewer, with the right to it.
    Watch(Box<(sync::SyncRequest, vidm_routes::Viewer)>, Option<watch_limit::Permit>),
}

/// What a handler works with: the request as far as it has been understood.
struct Context<'a, R> {
    configured: &'a Configured,
    outbound: &'a Outbound<'a, R>,
    caller: &'a Caller<'a>,
    request: &'a Parts,
    /// What every path that is given back begins with; empty where idhook is at the root.
    base: &'a str,
    /// The body as it came.
    body: &'a [u8],
    input: Input,
    /// What of the body was not read, as JSON Pointers.
    ignored: Vec<String>,
    /// How long the caller wants to wait for a final state.
    patience: Option<Duration>,
    /// Whether the caller wants an event stream.
    wants_events: bool,
    log: &'a mut LogLine,
}

impl Configured {
    /// A view of the outside for one piece of work that may take `time`.
    fn outbound<'r, R: Runtime>(
        &'r self,
        runtime: &'r R,
        identity: &RequestIdentity,
        time: Duration,
    ) -> Outbound<'r, R> {
        let outbound =
            Outbound::new(runtime, self.config.limits, time, identity.headers()).with_secrets(self.config.secrets());
        match &self.store {
            Some(store) => outbound.with_store(store),
            None => outbound,
        }
    }

    /// Refuses a caller that may not, or not so often. For the first that may, the instance finds its state key.
    async fn admit<R: Runtime>(
        &self,
        caller: &Caller<'_>,
        access: route::Access,
        matched: &Matched,
        store: &SharedStore<'_, R>,
    ) -> Result<(), Error> {
        caller.require(access, matched)?;
        settle(&self.state_key, store).await;
        match self.config.rate_limit {
            0 => Ok(()),
            limit => self.rates.count(caller.name(), limit, store).await,
        }
    }

    /// Does `work` unless it was done under this key; what became of the key, and what was wrong with the store.
    async fn once<R: Runtime>(
        &self,
        key: &idempotency::Key,
        identity: &RequestIdentity,
        outbound: &Outbound<'_, R>,
        work: impl Future<Output = Result<Reply, Error>>,
    ) -> (Result<Reply, Error>, Option<idempotency::Status>, Option<String>) {
        let time = outbound.remaining();
        // The answer is kept after the work, whose time may be used up by then.
        let deadline = outbound.runtime().elapsed() + time + idempotency::CLOSING;
        let store = SharedStore::new(outbound.runtime(), self.store.as_ref(), deadline);
        let problem = |error: &Error| problem::response(error, identity, &self.config.secrets());
        let (outcome, status) = idempotency::once(key, self, &store, time, problem, work).await;
        (outcome, status, store.trouble())
    }
}

impl Webhook {
    /// A webhook for what [`Config::parse`] gave. With mistakes it still answers, and says what is missing.
    #[must_use]
    pub fn new(config: Result<Config, Vec<ConfigError>>) -> Self {
        let page = config.as_ref().map_or(true, |config| config.page);
        let base = config.as_ref().map(|config| config.base_path.clone()).unwrap_or_default();
        let config = config.map(|config| {
            let state_key = Rc::new(StateKey::new(&config.state_keys));
            Configured {
                vidm: vidm::Cache::each(&config.vidm),
                vcf: vcf::Cache::each(&config.vcf),
                syncs: Named::each(config.vidm.keys()),
                sync_ids: sync_id::Key::new(Rc::clone(&state_key)),
                rates: rate_limit::Rates::default(),
                store: config.store.then(|| StoreAccess::of_deployment(Rc::clone(&state_key), config.deployment())),
                state_key,
                answers: idempotency::LocalAnswers::default(),
                unproven: body::Unproven::default(),
                watches: watch_limit::Watches::default(),
                config,
            }
        });
        Self { config, page, base }
    }

    /// A webhook for the variables that `lookup` gives. Where they have mistakes, the page still is as wanted, and so is the base
    /// path.
    #[must_use]
    pub fn of_variables(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let (page, base) = (Config::wants_page(&lookup), Config::wanted_base_path(&lookup));
        Self { page, base, ..Self::new(Config::parse(lookup)) }
    }

    /// A webhook for what a runtime told of the variables; one that says which of them could not be read, where there are such.
    #[must_use]
    pub fn of_readings(readings: &VariableSource) -> Self {
        match readings.lookup() {
            Ok(lookup) => Self::of_variables(lookup),
            Err(unreadable) => Self::new(Err(unreadable)),
        }
    }

    /// Answers one request, and logs it.
    ///
    /// `read` reads its body, and is called only when the route takes one and the caller is known, or can be known by it: who
    /// has no key, and no signature in the form and time of a configured scheme, gets nothing buffered.
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

    /// What the open routes answer, which know no callers.
    fn open<R: Runtime>(&self, runtime: &R, name: Name, headers: &HeaderMap) -> Option<Result<Response<Bytes>, Error>> {
        if let Some(asset) = Asset::of(name) {
            return Some(asset.response(headers));
        }
        let config = self.config.as_ref().map_err(|problems| not_configured(problems));
        match name {
            Name::Page => Some(page::response(headers)),
            Name::Health => Some(json(StatusCode::OK, &health::health())),
            Name::Ready => Some(config.and_then(|c| json(StatusCode::OK, &health::ready(c, runtime)))),
            _ => None,
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
        if matched.row.name == Name::Page && !self.page {
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
        if let Some(answer) = self.open(runtime, matched.row.name, &request.headers) {
            return answer.map(Reply::Whole);
        }
        let configured = self.config.as_ref().map_err(|problems| {
            line.problems(problems);
            not_configured(problems)
        })?;
        line.forwarded(&request.headers, configured.config.client_address_header.as_ref());
        caller::refuse_other_sites(request)?;
        let claim = Claim::of(request, &configured.config, runtime.now())?;
        let left = || configured.config.request_timeout.saturating_sub(runtime.elapsed().saturating_sub(started));
        // Who calls a hook waits some seconds and no longer; the sync goes on without it.
        let patience = events::prefers_wait(&request.headers, configured.config.wait_limit)
            .filter(|_| matched.row.name != Name::Hook);
        let outbound = configured.outbound(runtime, identity, left() + patience.unwrap_or_default());
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
        if let Some(domain) = input.source_domain().filter(|_| matched.row.name == Name::IdentitySources) {
            line.domain(domain);
        }
        if input.query_flag("dryRun").is_ok_and(|flag| flag == Some(true)) {
            line.dry_run();
        }

        let wants_events = events::wants_events(&request.headers);
        let mut key = idempotency::Key::of(request, input.event(), caller.name(), &body)?;
        if matched.row.name == Name::Hook && hook::is_idle(&configured.config, request, &input, bytes, &matched) {
            line.keyed(key.take().map(|_| idempotency::Status::NotStored));
        }
        let permit = if events::is_long(matched.row.name, &request.method, patience.is_some(), wants_events) {
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
            patience,
            wants_events,
            log: line,
        };
        // On the heap: with all that it may call, it is too large for a few copies of it on a stack.
        let work = Box::pin(dispatch(context, &matched, &request.method));
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

async fn dispatch<R: Runtime>(context: Context<'_, R>, matched: &Matched, method: &Method) -> Result<Reply, Error> {
    if matches!(matched.row.name, Name::VidmDoctor | Name::VcfDoctor) {
        let target = matched.target().unwrap_or_default();
        doctor::examine(&context, matched.row.name, target).await.map(Reply::Whole)
    } else if matched.row.name == Name::Hook {
        hook::dispatch(context, matched).await
    } else if matched.row.kind() == Some(route::Kind::Vidm) {
        vidm_routes::dispatch(context, matched).await
    } else {
        vcf_routes::dispatch(context, matched, method).await.map(Reply::Whole)
    }
}

fn not_configured(mistakes: &[ConfigError]) -> Error {
    let shown: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
    let fields = mistakes.iter().map(|mistake| FieldError {
        variable: Some(mistake.variable.clone()),
        pointer: mistake.pointer.clone(),
        detail: mistake.detail.clone(),
        hint: mistake.hint.clone(),
    });
    Error::new(ErrorCode::NotConfigured, shown.join(". "))
        .fields_of(fields.collect())
        .hint("correct these variables; GET /readyz returns 200 once the configuration is valid")
}

/// The head of an event stream.
fn event_stream() -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    // nginx buffers answers as it comes; this turns it off for this one (ngx_http_proxy_module, proxy_buffering).
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

fn no_target(kind: &str, name: &str) -> Error {
    Error::new(ErrorCode::TargetNotFound, format!("there is no {kind} target {}", crate::error::excerpt(name)))
        .hint("GET /readyz lists the configured targets")
}

/// A JSON answer.
fn json(status: StatusCode, value: &impl serde::Serialize) -> Result<Response<Bytes>, Error> {
    json_text(status, serde_json::to_vec(value))
}

fn json_text(status: StatusCode, written: serde_json::Result<Vec<u8>>) -> Result<Response<Bytes>, Error> {
    let body = written.map_err(|e| Error::new(ErrorCode::Internal, format!("the answer could not be written: {e}")))?;
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// An answer without a body.
fn empty(status: StatusCode, headers: &[(http::HeaderName, &str)]) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    with_headers(response, headers)
}

/// Adds headers whose values are known to be valid; one that is not is left out.
fn with_headers(mut response: Response<Bytes>, headers: &[(http::HeaderName, &str)]) -> Response<Bytes> {
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

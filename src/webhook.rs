//! The HTTP contract: requests in, responses out, whatever the runtime.
//!
//! The order is fixed, and each step can only reject: route, method, caller, scope and target, body, input. Nothing is
//! parsed before the caller is known, and no upstream is called before the input is valid. Only a signed request's caller is
//! proven by the body, which is read if the signature's form and time are right.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, LOCATION};
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, StatusCode};

use crate::config::{Config, ConfigError, VariableSource};
use crate::error::Error;
use crate::runtime::Runtime;

mod asset;
mod body;
mod callback;
mod caller;
mod certificate_caller;
mod changes;
mod client_address;
mod configured;
#[cfg(feature = "contract")]
pub mod contract;
mod doctor;
mod due;
mod events;
mod fleet_routes;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod gate;
mod health;
mod hook;
mod idempotency;
mod input;
mod kept_request;
mod list_header;
mod log;
mod metrics;
mod mount;
mod page;
mod pipeline;
mod problem;
mod rate_limit;
mod request_id;
mod respond;
mod route;
mod signature;
mod sync_id;
mod sync_routes;
mod token_caller;
mod vcf_routes;
mod vidm_routes;
mod watch_limit;

pub use body::{Body, BodyBounds, Broken, Pace};
pub use client_address::ClientAddress;
pub use events::Events;
pub use mount::{BasePath, add_reports_of_spin};
pub use respond::Content;

use configured::Configured;
use log::LogLine;
use mount::Mounted;
use pipeline::{Context, Incoming};
use request_id::RequestIdentity;
use respond::{empty, event_stream, json, not_configured, with_headers};
use route::{Action, Public};

/// The webhook: a configuration and the state kept between requests. One per instance of the component.
///
/// ```
/// use std::rc::Rc;
///
/// use bytes::Bytes;
/// use idhook::runtime::Runtime;
/// use idhook::webhook::{Body, Content, Webhook};
///
/// /// A binding makes one webhook for each instance, and lets it handle every request.
/// async fn serve<R: Runtime + Clone>(
///     webhook: &Rc<Webhook>,
///     runtime: &R,
///     request: http::Request<Bytes>,
/// ) -> http::Response<Content<R>> {
///     webhook.handle(runtime, request, async |body, _bounds| Body::Whole(body)).await
/// }
///
/// let webhook = Rc::new(Webhook::of_variables(|name| std::env::var(format!("IDHOOK_{}", name.to_uppercase())).ok()));
/// ```
#[derive(Debug)]
pub struct Webhook {
    config: Result<Configured, Vec<ConfigError>>,
    /// Whether `/` serves the page.
    page: bool,
    /// The variable `base_path`; empty at the root.
    base: String,
    /// The variable `gate`.
    gate: Option<String>,
    /// The variable `docs_url`.
    docs_url: Rc<str>,
}

/// The result of a handler.
#[derive(Debug)]
enum Reply {
    Whole(Response<Bytes>),
    /// An event stream of this sync for this viewer, with the permit for it.
    Watch(Box<(kept_request::StartedSync, sync_routes::Viewer)>, Option<watch_limit::Permit>),
}

impl Reply {
    /// A success without its body.
    fn without_body(mut self) -> Self {
        if let Self::Whole(response) = &mut self
            && response.status().is_success()
        {
            response.headers_mut().remove(CONTENT_TYPE);
            *response.body_mut() = Bytes::new();
        }
        self
    }
}

impl Webhook {
    /// A webhook for the outcome of [`Config::parse`]. With mistakes it still responds, and reports them.
    #[must_use]
    pub fn new(config: Result<Config, Vec<ConfigError>>) -> Self {
        let page = config.as_ref().map_or(true, |config| config.page);
        let base = config.as_ref().map(|config| config.base_path.clone()).unwrap_or_default();
        let docs_url = config.as_ref().map(|config| config.docs_url.as_str().into()).unwrap_or_default();
        let gate = config.as_ref().ok().and_then(|config| config.gate.clone());
        let config = config.map(Configured::new);
        Self { config, page, base, gate, docs_url }
    }

    /// A webhook for the variables that `lookup` returns. The page, the base path and the address of the documentation are as
    /// configured even if other variables have mistakes.
    #[must_use]
    pub fn of_variables(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let (page, base) = (Config::wants_page(&lookup), Config::wanted_base_path(&lookup));
        let docs_url = Config::wanted_docs_url(&lookup).into();
        Self { page, base, docs_url, ..Self::new(Config::parse(lookup)) }
    }

    /// A webhook for the variables that a runtime provides. If some could not be read, it reports which.
    #[must_use]
    pub fn of_readings(readings: &VariableSource) -> Self {
        match readings.lookup() {
            Ok(lookup) => Self::of_variables(lookup),
            Err(unreadable) => Self::new(Err(unreadable)),
        }
    }

    /// Handles one request, and logs it.
    ///
    /// `read` reads the body. It is called only if the route takes a body and the request has a key, or a signature whose
    /// form and time fit a configured scheme. Otherwise nothing is buffered.
    pub async fn handle<R: Runtime + Clone, B>(
        self: &Rc<Self>,
        runtime: &R,
        request: Request<B>,
        read: impl AsyncFnOnce(B, BodyBounds) -> Body,
    ) -> Response<Content<R>> {
        let started = runtime.elapsed();
        let (parts, body) = request.into_parts();
        let Mounted { base, path } = mount::mounted(&parts, &self.base);
        let path = gate::routed(path, self.gate.as_deref());
        let identity = RequestIdentity::of(&parts, &path, runtime, &self.docs_url);
        let mut line = LogLine::new(runtime.now(), &identity, &parts);
        let is_head = parts.method == Method::HEAD;

        let read = async |bounds| read(body, bounds).await;
        let secrets = self.config.as_ref().map(|configured| configured.config.secrets()).unwrap_or_default();
        let outcome = self.answer(runtime, (&parts, base, &path), read, started, &identity, &mut line).await;
        let mut watched = None;
        let mut response = match outcome {
            Ok(Reply::Whole(response)) => response,
            Ok(Reply::Watch(watch, permit)) => {
                watched = (!is_head).then(|| (watch, permit, line.begin_stream()));
                event_stream()
            }
            Err(error) => {
                line.failed(&error);
                problem::response(&error, &identity, &secrets)
            }
        };
        if let Some(place) = response.headers().get(LOCATION).and_then(|place| place.to_str().ok()) {
            line.located(mount::route_of(place, base));
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
        let took = runtime.elapsed().saturating_sub(started);
        if let Ok(configured) = &self.config {
            line.count(&configured.metrics, &configured.config, (response.status(), took));
        }
        if line.is_wanted(
            response.status(),
            self.config.as_ref().map_or(crate::config::LogLevel::Info, |c| c.config.log_level),
        ) {
            runtime.log(&line.finish(response.status(), took, &secrets));
        }
        match (watched, &self.config) {
            (Some((watch, permit, line)), Ok(configured)) => {
                let request = (identity, base.to_owned());
                let times = (configured.config.wait_limit, started);
                let events = Events::new(Rc::clone(self), runtime.clone(), request, (*watch, permit), (times, line));
                response.map(|_| Content::Events(Box::new(events)))
            }
            _ => response.map(Content::Whole),
        }
    }

    /// Adds this instance's counts for `GET /metrics` to the store, if there is one, at most every ten seconds. A binding calls it after
    /// each response, because the instance may end with it. Requests without a proven caller alone are no reason for store calls.
    pub async fn flush_metrics<R: Runtime>(&self, runtime: &R) {
        if let Ok(configured) = &self.config {
            configured.flush_metrics_of_callers(runtime).await;
        }
    }

    /// The same for an instance that lives on after the response: waits up to ten seconds, until the next addition is due. Only
    /// one call waits at a time.
    pub async fn flush_metrics_when_due<R: Runtime>(&self, runtime: &R) {
        if let Ok(configured) = &self.config {
            configured.flush_metrics_when_due(runtime).await;
        }
    }

    /// Handles a public route.
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
        (request, base, path): (&Parts, &str, &str),
        read: impl AsyncFnOnce(BodyBounds) -> Body,
        started: Duration,
        identity: &RequestIdentity,
        line: &mut LogLine,
    ) -> Result<Reply, Error> {
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
        let incoming = |configured| Incoming {
            configured,
            runtime,
            request,
            matched: &matched,
            operation,
            identity,
            started,
            base,
        };
        match operation.action {
            Action::Public(action) => self.open(runtime, action, &request.headers).map(Reply::Whole),
            Action::Gate(call) => {
                let incoming = incoming(self.configured(line)?);
                gate::serve(&incoming, call, read, line).await.map(Reply::Whole)
            }
            Action::Work(work) => pipeline::serve(&incoming(self.configured(line)?), work, read, line).await,
        }
    }

    /// The state, or the error while the configuration has mistakes.
    fn configured(&self, line: &mut LogLine) -> Result<&Configured, Error> {
        self.config.as_ref().map_err(|problems| {
            line.problems(problems);
            not_configured(problems)
        })
    }
}

//! The HTTP contract: requests in, responses out, whatever the runtime.
//!
//! The order is fixed, and each step can only refuse: route, method, caller, scope and target, body, input. Nothing is
//! parsed before the caller is known, and nothing upstream is asked before the input is valid.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};

use crate::config::{Config, Problem};
use crate::error::{Error, ErrorCode};
use crate::outbound::{Outbound, trace_headers};
use crate::runtime::Runtime;
use crate::{http::Limits, vcf, vidm};

mod caller;
mod identity;
mod input;
mod log;
mod problem;
mod route;
mod status;
mod sync_id;
mod vcf_routes;
mod vidm_routes;

use caller::Caller;
use identity::RequestIdentity;
use input::Input;
use log::LogLine;
use route::{Matched, Name};

/// A request's body as the face could read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// All of it, within [`Webhook::request_body_limit`].
    Whole(Bytes),
    /// There was more than the limit.
    TooLarge,
    /// It did not come within [`Webhook::request_timeout`].
    TooSlow,
    /// The connection broke, or the framing was wrong.
    Broken,
}

/// The webhook: a configuration and what is remembered between requests. One for each instance of the component.
#[derive(Debug)]
pub struct Webhook {
    config: Result<Configured, Vec<Problem>>,
}

/// Everything there is once the configuration is complete.
#[derive(Debug)]
struct Configured {
    config: Config,
    vidm: BTreeMap<String, vidm::Memory>,
    vcf: BTreeMap<String, vcf::Memory>,
    sync_ids: sync_id::Key,
}

/// What a handler works with: the request as far as it has been understood.
struct Context<'a, R> {
    configured: &'a Configured,
    outbound: &'a Outbound<'a, R>,
    caller: &'a Caller<'a>,
    input: Input<'a>,
    log: &'a mut LogLine,
}

impl Webhook {
    /// A webhook for what [`Config::parse`] gave. With mistakes it still answers, and says what is missing.
    #[must_use]
    pub fn new(config: Result<Config, Vec<Problem>>) -> Self {
        let config = config.map(|config| Configured {
            vidm: config.vidm.keys().map(|name| (name.clone(), vidm::Memory::default())).collect(),
            vcf: config.vcf.keys().map(|name| (name.clone(), vcf::Memory::default())).collect(),
            sync_ids: sync_id::Key::new(&config),
            config,
        });
        Self { config }
    }

    /// The most a face should read of a request body, in bytes.
    #[must_use]
    pub fn request_body_limit(&self) -> usize {
        self.config.as_ref().map_or(64 << 10, |configured| configured.config.request_body_limit)
    }

    /// The longest a face should wait for a request body.
    #[must_use]
    pub fn request_timeout(&self) -> std::time::Duration {
        self.config.as_ref().map_or(std::time::Duration::from_secs(25), |configured| configured.config.request_timeout)
    }

    /// Answers one request, and logs it.
    pub async fn handle<R: Runtime>(&self, runtime: &R, request: Request<Body>) -> Response<Bytes> {
        let started = runtime.elapsed();
        let identity = RequestIdentity::of(&request, runtime);
        let mut line = LogLine::new(runtime.now(), &identity, &request);
        let is_head = request.method() == Method::HEAD;

        let outcome = self.answer(runtime, &request, &identity, &mut line).await;
        let mut response = match outcome {
            Ok(response) => response,
            Err(error) => {
                line.failed(&error);
                let secrets = self.config.as_ref().map(|configured| configured.config.secrets()).unwrap_or_default();
                problem::response(&error, &identity, &secrets)
            }
        };
        let headers = response.headers_mut();
        headers.insert("x-request-id", identity.id.clone());
        headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
        headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        if is_head {
            *response.body_mut() = Bytes::new();
        }
        if line.is_wanted(
            response.status(),
            self.config.as_ref().map_or(crate::config::LogLevel::Info, |c| c.config.log_level),
        ) {
            runtime.log(&line.finish(response.status(), runtime.elapsed().saturating_sub(started)));
        }
        response
    }

    async fn answer<R: Runtime>(
        &self,
        runtime: &R,
        request: &Request<Body>,
        identity: &RequestIdentity,
        line: &mut LogLine,
    ) -> Result<Response<Bytes>, Error> {
        let matched = route::find(request.uri().path())?;
        line.route(&matched);
        if request.method() == Method::OPTIONS {
            return Ok(empty(StatusCode::NO_CONTENT, &[(ALLOW, &matched.row.allow())]));
        }
        let access =
            matched.row.method(request.method()).ok_or_else(|| matched.row.method_not_allowed(request.method()))?;
        match matched.row.name {
            Name::Health => return json(StatusCode::OK, &status::health()),
            Name::Ready => {
                return self
                    .config
                    .as_ref()
                    .map_err(|problems| not_configured(problems))
                    .and_then(|c| json(StatusCode::OK, &status::ready(&c.config)));
            }
            _ => {}
        }
        let configured = self.config.as_ref().map_err(|problems| {
            line.problems(problems);
            not_configured(problems)
        })?;
        let caller = Caller::of(request.headers(), &configured.config.api_keys)?;
        line.caller(&caller);
        caller.require(access, matched.target())?;
        let input = Input::of(request)?;

        let limits: Limits = configured.config.limits;
        let outbound = Outbound::new(
            runtime,
            limits,
            configured.config.request_timeout,
            trace_headers(&identity.id, identity.traceparent.as_ref()),
        );
        let context = Context { configured, outbound: &outbound, caller: &caller, input, log: line };
        let outcome = dispatch(context, &matched, request.method()).await;
        line.calls(outbound.calls());
        outcome
    }
}

async fn dispatch<R: Runtime>(
    context: Context<'_, R>,
    matched: &Matched,
    method: &Method,
) -> Result<Response<Bytes>, Error> {
    if matched.row.name.is_vidm() {
        vidm_routes::dispatch(context, matched).await
    } else {
        vcf_routes::dispatch(context, matched, method).await
    }
}

fn not_configured(problems: &[Problem]) -> Error {
    let told: Vec<_> = problems.iter().map(ToString::to_string).collect();
    Error::new(ErrorCode::NotConfigured, told.join("; "))
        .hint("set these variables; GET /readyz tells when all is well")
}

/// A JSON answer.
fn json(status: StatusCode, value: &impl serde::Serialize) -> Result<Response<Bytes>, Error> {
    let body = serde_json::to_vec(value)
        .map_err(|e| Error::new(ErrorCode::Internal, format!("the answer could not be written: {e}")))?;
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

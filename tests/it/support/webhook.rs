//! A webhook for the scenarios: two targets, one key with all scopes, one that may only read.

use std::cell::Cell;
use std::fmt::Write as _;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use idhook::config::Config;
use idhook::http::{HttpClient, Limits, TransportError};
use idhook::runtime::{Clock, Runtime};
use idhook::webhook::{Body, BodyBounds, Content, Events, Webhook};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::support::memory_store::MemoryStore;
use crate::support::script::{Call, Script};
use crate::webhook::bodies::Drip;

pub(crate) const KEY: &str = "key-with-all-scopes";
pub(crate) const OTHER: &str = "key-of-somebody-else";
pub(crate) const READER: &str = "key-that-may-read";

/// A webhook over a script.
pub(crate) struct Instance {
    pub(crate) script: Rc<Script>,
    webhook: Rc<Webhook>,
}

/// The script, shared with the webhook.
#[derive(Debug, Clone)]
pub(crate) struct Shared(pub(crate) Rc<Script>);

impl HttpClient for Shared {
    async fn send(&self, request: Request<Bytes>, limits: &Limits) -> Result<Response<Bytes>, TransportError> {
        self.0.send(request, limits).await
    }
}

impl Clock for Shared {
    fn now(&self) -> SystemTime {
        self.0.now()
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        self.0.sleep(duration).await;
    }
}

impl Runtime for Shared {
    type Store = <Script as Runtime>::Store;

    fn random(&self) -> u64 {
        self.0.random()
    }

    fn log(&self, line: &str) {
        self.0.log(line);
    }

    fn store(&self) -> Option<&Self::Store> {
        self.0.store()
    }
}

/// One response.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) response: Response<Bytes>,
}

impl Answer {
    pub(crate) fn status(&self) -> StatusCode {
        self.response.status()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(self.response.body()).unwrap()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(self.response.body()).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.response.headers().get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Asserts that this is the problem `code`, and returns it.
    #[track_caller]
    pub(crate) fn problem(&self, code: &str) -> Value {
        let problem = self.json();
        assert_eq!(problem["code"], code, "{}", self.text());
        problem
    }
}

impl Instance {
    /// vIDM, SDDC Manager and VCF Operations with the names, accounts and passwords of the other scenarios, and a script of `calls`.
    pub(crate) fn new(calls: impl IntoIterator<Item = Call>) -> Self {
        Self::with(&[], calls)
    }

    /// The same with `variables` set.
    pub(crate) fn with(variables: &[(&str, &str)], calls: impl IntoIterator<Item = Call>) -> Self {
        Self::over(Script::new(calls), variables)
    }

    /// The same with a store that others may share.
    pub(crate) fn sharing(
        store: &Rc<MemoryStore>,
        variables: &[(&str, &str)],
        calls: impl IntoIterator<Item = Call>,
    ) -> Self {
        Self::over(Script::new(calls).with_store(store), variables)
    }

    /// The same over this script.
    pub(crate) fn over(script: Script, variables: &[(&str, &str)]) -> Self {
        let config = configuration(variables);
        assert!(config.is_ok(), "{config:?}");
        Self { script: Rc::new(script), webhook: Rc::new(Webhook::new(config)) }
    }

    /// One request with all scopes.
    pub(crate) fn send(&self, method: Method, path: &str, body: &str) -> Answer {
        self.send_as(KEY, method, path, body)
    }

    /// One request of a caller that may only read.
    pub(crate) fn send_as_reader(&self, method: Method, path: &str, body: &str) -> Answer {
        self.send_as(READER, method, path, body)
    }

    /// One request with this key.
    pub(crate) fn send_by(&self, key: &str, method: Method, path: &str, body: &str) -> Answer {
        self.send_as(key, method, path, body)
    }

    fn send_as(&self, key: &str, method: Method, path: &str, body: &str) -> Answer {
        let body = Body::Whole(Bytes::copy_from_slice(body.as_bytes()));
        self.send_request(Request::builder().method(method).uri(path).header("x-api-key", key).body(body).unwrap())
    }

    /// One request as given, with `Body` as the binding's result of reading; and whether the body was read.
    pub(crate) fn send_and_see(&self, request: Request<Body>) -> (Answer, bool) {
        let was_read = Cell::new(false);
        let answer = self.script.run(self.handled(request, &was_read));
        (answer, was_read.get())
    }

    /// One request with all scopes and these headers.
    pub(crate) fn send_with(&self, method: Method, path: &str, headers: &[(&'static str, &str)], body: &str) -> Answer {
        self.send_request(request(KEY, method, path, headers, body))
    }

    /// One request as given; `Body` is the binding's result of reading.
    pub(crate) fn send_request(&self, request: Request<Body>) -> Answer {
        self.send_and_see(request).0
    }

    /// Another instance in the same world.
    pub(crate) fn beside(&self) -> Self {
        self.beside_with(&[])
    }

    /// The same with `variables` set.
    pub(crate) fn beside_with(&self, variables: &[(&str, &str)]) -> Self {
        Self { script: Rc::clone(&self.script), webhook: Rc::new(Webhook::new(configuration(variables))) }
    }

    /// The same instance, for concurrent requests.
    pub(crate) fn same(&self) -> Self {
        Self { script: Rc::clone(&self.script), webhook: Rc::clone(&self.webhook) }
    }

    /// One of several concurrent requests.
    pub(crate) async fn ask(&self, request: Request<Body>) -> Answer {
        self.handled(request, &Cell::default()).await
    }

    /// The event stream that this request opens, or the response if it opens none.
    pub(crate) async fn open(&self, request: Request<Body>) -> Result<Box<Events<Shared>>, Box<Answer>> {
        let response = self.webhook.handle(&Shared(Rc::clone(&self.script)), request, async |body: Body, _| body).await;
        let (head, content) = response.into_parts();
        match content {
            Content::Events(events) => Ok(events),
            Content::Whole(bytes) => Err(Box::new(Answer { response: Response::from_parts(head, bytes) })),
        }
    }

    /// One of several concurrent requests, with a body that arrives piece by piece.
    pub(crate) async fn ask_dripping(&self, request: Request<Drip>) -> Answer {
        let script = &self.script;
        let read = async |drip: Drip, bounds: BodyBounds| {
            let mut pieces = drip.pieces.into_iter();
            let next = async || {
                let Some((wait, piece)) = pieces.next() else {
                    return if drip.is_endless { std::future::pending().await } else { None };
                };
                script.sleep(wait).await;
                Some(Ok(piece))
            };
            bounds.read(&**script, next).await
        };
        let response = self.webhook.handle(&Shared(Rc::clone(script)), request, read).await;
        let whole = |content| match content {
            Content::Whole(bytes) => bytes,
            Content::Events(_) => panic!("no events were requested"),
        };
        Answer { response: response.map(whole) }
    }

    /// The work of a binding whose instance may end with the response.
    pub(crate) fn flush(&self) {
        self.script.run(self.webhook.flush_metrics(&Shared(Rc::clone(&self.script))));
    }

    /// The work of a binding whose instance lives on.
    pub(crate) fn flush_when_due(&self) {
        self.script.run(self.webhook.flush_metrics_when_due(&Shared(Rc::clone(&self.script))));
    }

    async fn handled(&self, request: Request<Body>, was_read: &Cell<bool>) -> Answer {
        let read = async |body, _| {
            was_read.set(true);
            body
        };
        let response = self.webhook.handle(&Shared(Rc::clone(&self.script)), request, read).await;
        let whole = |content| match content {
            Content::Whole(bytes) => bytes,
            Content::Events(_) => panic!("no events were requested"),
        };
        Answer { response: response.map(whole) }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, "")
    }

    /// Appends these calls to the script.
    pub(crate) fn then(&self, calls: impl IntoIterator<Item = Call>) {
        self.script.then(calls);
    }

    /// The number of upstream calls.
    pub(crate) fn calls(&self) -> usize {
        self.script.requests().len()
    }
}

/// A request with this key.
pub(crate) fn request(
    key: &str,
    method: Method,
    path: &str,
    headers: &[(&'static str, &str)],
    body: &str,
) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path).header("x-api-key", key);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::Whole(Bytes::copy_from_slice(body.as_bytes()))).unwrap()
}

/// The digest of a key, as in `api_keys`.
pub(crate) fn digest(key: &str) -> String {
    let mut hex = String::new();
    for byte in Sha256::digest(key) {
        write!(hex, "{byte:02x}").unwrap();
    }
    hex
}

/// vIDM and SDDC Manager with the names, accounts and passwords of the other scenarios, with `variables` set.
pub(crate) fn configuration(variables: &[(&str, &str)]) -> Result<Config, Vec<idhook::config::ConfigError>> {
    let keys = json!([
        {"name": "all", "sha256": digest(KEY), "scopes": ["vidm:read", "vidm:sync", "vidm:profile", "vcf:read", "vcf:write", "vcf:roles", "fleet:read", "fleet:sync",
            "fleet:profile", "fleet:write", "admin", "metrics"]},
        {"name": "other", "sha256": digest(OTHER), "scopes": ["vcf:write"]},
        {"name": "reader", "sha256": digest(READER), "scopes": ["vidm:read", "vcf:read", "fleet:read"]},
    ])
    .to_string();
    Config::parse(|name| {
        let given = variables.iter().find(|(given, _)| *given == name).map(|(_, value)| (*value).to_owned());
        given.or_else(|| {
            Some(match name {
                "vidm_url" => "https://vidm.corp.example".to_owned(),
                "vidm_username" => "svc-sync".to_owned(),
                "vidm_password" => "pässword".to_owned(),
                "vcf_url" => "https://sddc.corp.example".to_owned(),
                "vcf_username" => "administrator@vsphere.local".to_owned(),
                "vcf_password" => "VMw@re1!".to_owned(),
                "fleet_url" => "https://ops.corp.example".to_owned(),
                "fleet_username" => "svc-sync".to_owned(),
                "fleet_password" => "pässword".to_owned(),
                "fleet_auth_source" => "local".to_owned(),
                "api_keys" => keys.clone(),
                "state_key" => "a text that every instance of these scenarios has".to_owned(),
                _ => return None,
            })
        })
    })
}

//! A runtime that follows a script: it expects requests in order and responds from the script, and its time passes only
//! while all tasks wait.
//!
//! ```ignore
//! let script = Script::new([
//!     post("https://vidm.corp.example/SAAS/API/1.0/REST/auth/system/login").answer(200, SESSION),
//!     get("https://vidm.corp.example/…").header("authorization", "HZN t").fail(TransportErrorKind::Refused),
//!     get("https://vidm.corp.example/…").answer(200, LIST),
//! ]);
//! let done = script.run(async { client(&script).directories().await });
//! ```
//!
//! An unexpected request panics, and so does a script that is dropped before its last call was made.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use idhook::http::{HttpClient, Limits, TransportError, TransportErrorKind};
use idhook::runtime::{Clock, Runtime};
use idhook::upstream::Outbound;

use crate::support::memory_store::MemoryStore;

/// The start time of every script: 2026-11-20T10:00:00Z.
pub(crate) const START: Duration = Duration::from_secs(1_795_168_800);

/// An expected request, and its outcome.
#[derive(Debug)]
pub(crate) struct Call {
    method: Method,
    uri: String,
    headers: Vec<(&'static str, Option<String>)>,
    body: Option<Bytes>,
    takes: Duration,
    outcome: Outcome,
}

#[derive(Debug)]
enum Outcome {
    Answer(http::Response<Bytes>),
    Fail(TransportErrorKind),
    Hang,
}

/// Expects a GET of the absolute `uri`.
pub(crate) fn get(uri: impl Into<String>) -> Call {
    Call::new(Method::GET, uri)
}

/// Expects a POST to the absolute `uri`.
pub(crate) fn post(uri: impl Into<String>) -> Call {
    Call::new(Method::POST, uri)
}

impl Call {
    /// Expects `method` on the absolute `uri`. The default response is an empty 200.
    pub(crate) fn new(method: Method, uri: impl Into<String>) -> Self {
        let outcome = Outcome::Answer(http::Response::new(Bytes::new()));
        Self { method, uri: uri.into(), headers: Vec::new(), body: None, takes: Duration::ZERO, outcome }
    }

    /// Expects this header with this value.
    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, Some(value.into())));
        self
    }

    /// Expects this header to be absent.
    pub(crate) fn without(mut self, name: &'static str) -> Self {
        self.headers.push((name, None));
        self
    }

    /// Expects exactly this body. Without it the body is not checked.
    pub(crate) fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Responds with this status and body.
    pub(crate) fn answer(mut self, status: u16, body: impl Into<Bytes>) -> Self {
        let mut answer = http::Response::new(body.into());
        *answer.status_mut() = StatusCode::from_u16(status).unwrap();
        self.outcome = Outcome::Answer(answer);
        self
    }

    /// Adds a header to the response.
    pub(crate) fn answer_header(mut self, name: &'static str, value: &str) -> Self {
        let Outcome::Answer(answer) = &mut self.outcome else { panic!("only a response has headers") };
        answer.headers_mut().append(name, HeaderValue::from_str(value).unwrap());
        self
    }

    /// Fails without a response.
    pub(crate) fn fail(mut self, kind: TransportErrorKind) -> Self {
        self.outcome = Outcome::Fail(kind);
        self
    }

    /// Never responds.
    pub(crate) fn hang(mut self) -> Self {
        self.outcome = Outcome::Hang;
        self
    }

    /// Makes the outcome take this long.
    pub(crate) fn takes(mut self, time: Duration) -> Self {
        self.takes = time;
        self
    }

    fn check(&self, request: &http::Request<Bytes>) {
        let call = format!("{} {}", self.method, self.uri);
        assert_eq!(
            format!("{} {}", request.method(), request.uri()),
            call,
            "a request that the script does not expect"
        );
        for (name, expected) in &self.headers {
            let values: Vec<_> = request.headers().get_all(*name).iter().map(|value| value.to_str().unwrap()).collect();
            assert_eq!(values, expected.as_deref().into_iter().collect::<Vec<_>>(), "header {name} of {call}");
        }
        if let Some(expected) = &self.body {
            let (body, expected) = (String::from_utf8_lossy(request.body()), String::from_utf8_lossy(expected));
            assert_eq!(body, expected, "body of {call}");
        }
    }
}

/// The scripted runtime.
#[derive(Debug)]
pub(crate) struct Script {
    calls: RefCell<VecDeque<Call>>,
    requests: RefCell<Vec<http::Request<Bytes>>>,
    elapsed: Cell<Duration>,
    /// When the instance began, and its monotonic clock.
    began: Duration,
    sleepers: RefCell<Vec<Sleeper>>,
    slept: RefCell<Vec<Duration>>,
    serial: Cell<u64>,
    lines: RefCell<Vec<String>>,
    store: Option<Rc<MemoryStore>>,
    refuses: bool,
}

#[derive(Debug)]
struct Sleeper {
    id: u64,
    until: Duration,
    waker: Waker,
}

impl Script {
    /// A script of these calls.
    pub(crate) fn new(calls: impl IntoIterator<Item = Call>) -> Self {
        Self {
            calls: RefCell::new(calls.into_iter().collect()),
            requests: RefCell::default(),
            elapsed: Cell::default(),
            began: Duration::ZERO,
            sleepers: RefCell::default(),
            slept: RefCell::default(),
            serial: Cell::default(),
            lines: RefCell::default(),
            store: None,
            refuses: false,
        }
    }

    /// A script that refuses every connection and records no request.
    pub(crate) fn refusing() -> Self {
        let mut script = Self::new([]);
        script.refuses = true;
        script
    }

    /// The same with this store, which other scripts may share.
    pub(crate) fn with_store(mut self, store: &Rc<MemoryStore>) -> Self {
        self.store = Some(Rc::clone(store));
        self
    }

    /// Appends these calls to the script.
    pub(crate) fn then(&self, calls: impl IntoIterator<Item = Call>) {
        self.calls.borrow_mut().extend(calls);
    }

    /// Upstream access with this runtime, default limits and one minute.
    pub(crate) fn outbound(&self) -> Outbound<'_, Self> {
        Outbound::new(self, Limits::default(), Duration::from_secs(60), HeaderMap::new())
    }

    /// Runs `work` to its end. Whenever all of it waits, the clock jumps to the next sleeper's time.
    pub(crate) fn run<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        let woken = Arc::new(Woken(AtomicBool::new(true)));
        let waker = Waker::from(Arc::clone(&woken));
        loop {
            if woken.0.swap(false, Ordering::Relaxed) {
                if let Poll::Ready(done) = work.as_mut().poll(&mut Context::from_waker(&waker)) {
                    return done;
                }
                continue;
            }
            let next = self.sleepers.borrow().iter().map(|sleeper| sleeper.until).min();
            let next = next.expect("all tasks wait, but none for the clock");
            self.elapsed.set(self.elapsed.get().max(next));
            for sleeper in self.sleepers.borrow().iter().filter(|sleeper| sleeper.until <= self.elapsed.get()) {
                sleeper.waker.wake_by_ref();
            }
        }
    }

    /// Lets time pass.
    pub(crate) fn advance(&self, time: Duration) {
        self.elapsed.set(self.elapsed.get() + time);
    }

    /// The same for an instance that begins this long after the others.
    pub(crate) fn begun_after(mut self, time: Duration) -> Self {
        self.advance(time);
        self.began = time;
        self
    }

    /// All requests so far.
    pub(crate) fn requests(&self) -> Vec<http::Request<Bytes>> {
        self.requests.borrow().clone()
    }

    /// All completed sleeps, in the order of their ends.
    pub(crate) fn slept(&self) -> Vec<Duration> {
        self.slept.borrow().clone()
    }

    /// All logged lines.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.borrow().clone()
    }

    /// The lines logged since the last call.
    pub(crate) fn take_lines(&self) -> Vec<String> {
        self.lines.take()
    }

    fn serial(&self) -> u64 {
        self.serial.set(self.serial.get() + 1);
        self.serial.get()
    }

    fn until(&self, time: Duration) -> Sleep<'_> {
        Sleep { script: self, id: self.serial(), until: self.elapsed.get().saturating_add(time) }
    }
}

impl HttpClient for Script {
    async fn send(&self, request: http::Request<Bytes>, _: &Limits) -> Result<http::Response<Bytes>, TransportError> {
        if self.refuses {
            return Err(TransportError::new(TransportErrorKind::Refused, "connection refused"));
        }
        let Some(call) = self.calls.borrow_mut().pop_front() else {
            panic!("unexpected request after the end of the script: {} {}", request.method(), request.uri());
        };
        call.check(&request);
        self.requests.borrow_mut().push(request);
        // Even an immediate response yields to the other tasks first, so concurrent tasks interleave.
        self.until(call.takes).await;
        match call.outcome {
            Outcome::Answer(answer) => Ok(answer),
            Outcome::Fail(kind) => Err(TransportError::new(kind, format!("scripted: {kind:?}"))),
            Outcome::Hang => std::future::pending().await,
        }
    }
}

impl Clock for Script {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + START + self.elapsed.get()
    }

    fn elapsed(&self) -> Duration {
        self.elapsed.get().saturating_sub(self.began)
    }

    async fn sleep(&self, duration: Duration) {
        self.until(duration).await;
        self.slept.borrow_mut().push(duration);
    }
}

impl Runtime for Script {
    type Store = MemoryStore;

    fn store(&self) -> Option<&MemoryStore> {
        self.store.as_deref()
    }

    /// Counts, so that values are unique and deterministic.
    fn random(&self) -> u64 {
        self.serial()
    }

    fn log(&self, line: &str) {
        assert_fits_schema(line);
        self.lines.borrow_mut().push(line.to_owned());
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        let left = self.calls.take();
        assert!(left.is_empty() || std::thread::panicking(), "calls that were not made: {left:#?}");
    }
}

struct Sleep<'s> {
    script: &'s Script,
    id: u64,
    until: Duration,
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut sleepers = self.script.sleepers.borrow_mut();
        let known = sleepers.iter().position(|sleeper| sleeper.id == self.id);
        // Never ready at once: the first poll only registers the sleep.
        if known.is_some() && self.script.elapsed.get() >= self.until {
            return Poll::Ready(());
        }
        let waker = context.waker().clone();
        match known {
            Some(at) => sleepers[at].waker = waker,
            None => sleepers.push(Sleeper { id: self.id, until: self.until, waker }),
        }
        Poll::Pending
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        self.script.sleepers.borrow_mut().retain(|sleeper| sleeper.id != self.id);
    }
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Every line of the log fits the published schema.
#[track_caller]
fn assert_fits_schema(line: &str) {
    static SCHEMA: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
        let schema = include_str!("../../../docs/reference/log.schema.json");
        jsonschema::validator_for(&serde_json::from_str(schema).unwrap()).unwrap()
    });
    let value = serde_json::from_str(line).unwrap();
    let faults: Vec<_> =
        SCHEMA.iter_errors(&value).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
    assert!(faults.is_empty(), "docs/reference/log.schema.json: {faults:#?}\n{line}");
}

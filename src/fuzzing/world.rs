//! A runtime whose upstreams and store answer with an input's bytes, and whose time passes only while something sleeps.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::task::noop_waker_ref;
use http::{Request, Response, StatusCode};

use crate::http::{HttpClient, Limits, TransportError, TransportErrorKind};
use crate::runtime::{Clock, Runtime, from_unix_ms, unix_ms};
use crate::shared_state::fuzzing::stored;
use crate::store::{Store, StoreError};

/// The start of every input's time.
const START_MS: u64 = 1_795_168_800_000;

/// More calls than any request makes.
const MAX_CALLS: usize = 2_000;

/// The variable `state_key`.
pub(super) const STATE_KEY: &str = "a text that every instance has, and nobody else";

/// The runtime. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(super) struct World(Rc<State>);

#[derive(Debug, Default)]
struct State {
    answers: RefCell<VecDeque<Response<Bytes>>>,
    calls: Cell<usize>,
    elapsed: Cell<Duration>,
    random: Cell<u64>,
    lines: RefCell<Vec<String>>,
    values: RefCell<BTreeMap<String, Vec<u8>>>,
    counters: RefCell<BTreeMap<String, u64>>,
    records: RefCell<VecDeque<Vec<u8>>>,
}

impl World {
    /// A world whose upstreams give these answers, and then none; and whose store has these records, in the order of its reads.
    pub(super) fn new(answers: Vec<Response<Bytes>>, records: Vec<Vec<u8>>) -> Self {
        let world = Self::default();
        world.0.answers.replace(answers.into());
        world.0.records.replace(records.into());
        world
    }

    /// The lines of the log.
    pub(super) fn lines(&self) -> Vec<String> {
        self.0.lines.borrow().clone()
    }

    /// Runs `work` to its end; nothing in this world waits.
    pub(super) fn run<T>(work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        for _ in 0..MAX_CALLS {
            if let Poll::Ready(done) = work.as_mut().poll(&mut Context::from_waker(noop_waker_ref())) {
                return Some(done);
            }
        }
        None
    }

    fn count_call(&self) {
        self.0.calls.set(self.0.calls.get() + 1);
        assert!(self.0.calls.get() < MAX_CALLS, "one request makes {MAX_CALLS} calls");
    }
}

impl HttpClient for World {
    async fn send(&self, request: Request<Bytes>, _: &Limits) -> Result<Response<Bytes>, TransportError> {
        self.count_call();
        if let Some(login) = login(request.uri().path()) {
            return Ok(Response::new(Bytes::from_static(login)));
        }
        let answer = self.0.answers.borrow_mut().pop_front();
        answer.ok_or_else(|| TransportError::new(TransportErrorKind::Refused, "connection refused"))
    }
}

/// The response to a login.
fn login(path: &str) -> Option<&'static [u8]> {
    Some(match path {
        "/SAAS/API/1.0/REST/auth/system/login" => br#"{"sessionToken": "t1"}"#,
        "/v1/tokens" => br#"{"accessToken": "a1", "refreshToken": {"id": "r1"}}"#,
        "/suite-api/api/auth/token/acquire" => {
            br#"{"token": "t::1", "validity": 1795190400000, "expiresAt": "x", "roles": []}"#
        }
        _ => return None,
    })
}

impl Clock for World {
    fn now(&self) -> SystemTime {
        from_unix_ms(START_MS) + self.0.elapsed.get()
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed.get()
    }

    async fn sleep(&self, duration: Duration) {
        // A call that is ready comes first, as everywhere.
        let mut is_first = true;
        std::future::poll_fn(|_| if std::mem::take(&mut is_first) { Poll::Pending } else { Poll::Ready(()) }).await;
        self.0.elapsed.set(self.0.elapsed.get() + duration.max(Duration::from_millis(1)));
    }
}

impl Runtime for World {
    type Store = Self;

    fn store(&self) -> Option<&Self> {
        Some(self)
    }

    fn random(&self) -> u64 {
        self.0.random.set(self.0.random.get() + 1);
        self.0.random.get()
    }

    fn log(&self, line: &str) {
        self.0.lines.borrow_mut().push(line.to_owned());
    }
}

impl Store for World {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.count_call();
        if let Some(value) = self.0.values.borrow().get(key) {
            return Ok(Some(value.clone()));
        }
        let until = unix_ms(self.now()) + 3_600_000;
        Ok(self.0.records.borrow_mut().pop_front().map(|record| stored(STATE_KEY, key, until, &record)))
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.count_call();
        self.0.values.borrow_mut().insert(key.to_owned(), value.to_vec());
        Ok(())
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.count_call();
        self.0.values.borrow_mut().remove(key);
        self.0.counters.borrow_mut().remove(key);
        Ok(())
    }

    async fn increment(&self, key: &str, by: u64) -> Result<u64, StoreError> {
        self.count_call();
        let mut counters = self.0.counters.borrow_mut();
        let count = counters.entry(key.to_owned()).or_default();
        *count = count.saturating_add(by);
        Ok(*count)
    }
}

/// A response: its status in the first line, headers, an empty line, the body; or only a body.
pub(super) fn answer(input: &[u8]) -> Response<Bytes> {
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let status = input.get(..end).and_then(|line| StatusCode::from_bytes(line).ok());
    let body = if status.is_some() { input.get(end + 1..).unwrap_or_default() } else { input };
    let mut answer = Response::new(Bytes::copy_from_slice(body));
    *answer.status_mut() = status.unwrap_or_default();
    answer
}

//! One key in every schedule of a few instances, up to a bound on preemptions: the request is processed once in any order,
//! and a crash at any step blocks others only for a short time. The explorer is that of `interleavings`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Request, Response};
use idhook::config::Config;
use idhook::http::{HttpClient, Limits, TransportError};
use idhook::runtime::{Clock, Runtime};
use idhook::store::{Store, StoreError};
use idhook::webhook::{Body, Webhook};
use serde_json::json;

use crate::sync::schedules::Schedule;

/// SHA-256 of `key`.
const DIGEST: &str = "2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683";
/// A request's time, and ten seconds.
const LEASE: u64 = 35_000;

#[derive(Debug, Default)]
struct World {
    now: u64,
    steps: u64,
    values: BTreeMap<String, Vec<u8>>,
    counters: BTreeMap<String, u64>,
    carried_out: usize,
    /// The number of next calls that fail.
    failures: usize,
    answers: BTreeMap<usize, u16>,
    trace: Vec<String>,
}

#[derive(Debug, Clone)]
struct Model {
    caller: usize,
    world: Rc<RefCell<World>>,
}

impl Model {
    /// Lets the others proceed, then counts as a step.
    async fn step(&self, what: String) {
        let mut yielded = false;
        poll_fn(|_| if std::mem::replace(&mut yielded, true) { Poll::Ready(()) } else { Poll::Pending }).await;
        let mut world = self.world.borrow_mut();
        world.now += 10;
        world.steps += 1;
        let line = format!("{} {}: {what}", world.now, self.caller);
        world.trace.push(line);
    }
}

impl HttpClient for Model {
    async fn send(&self, request: Request<Bytes>, _: &Limits) -> Result<Response<Bytes>, TransportError> {
        self.step(format!("{} {}", request.method(), request.uri().path())).await;
        if request.uri().path() == "/v1/tokens" {
            return Ok(Response::new(Bytes::from_static(br#"{"accessToken":"t","refreshToken":{"id":"r"}}"#)));
        }
        let mut world = self.world.borrow_mut();
        if let Some(left) = world.failures.checked_sub(1) {
            world.failures = left;
            return Ok(Response::builder().status(500).body(Bytes::new()).unwrap());
        }
        world.carried_out += 1;
        Ok(Response::builder().status(204).body(Bytes::new()).unwrap())
    }
}

impl Clock for Model {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000) + self.elapsed()
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.world.borrow().now)
    }

    /// Time limits never expire here: deadlines lose every race. The short pauses belong to callers that wait for another's
    /// login.
    async fn sleep(&self, duration: Duration) {
        if duration > Duration::from_millis(300) {
            std::future::pending().await
        }
        let mut yielded = false;
        poll_fn(|_| if std::mem::replace(&mut yielded, true) { Poll::Ready(()) } else { Poll::Pending }).await;
        self.world.borrow_mut().now += u64::try_from(duration.as_millis()).unwrap();
    }
}

impl Store for Model {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.step(format!("get {key}")).await;
        Ok(self.world.borrow().values.get(key).cloned())
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.step(format!("set {key}")).await;
        self.world.borrow_mut().values.insert(key.to_owned(), value.to_vec());
        Ok(())
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.step(format!("delete {key}")).await;
        let mut world = self.world.borrow_mut();
        world.values.remove(key);
        world.counters.remove(key);
        Ok(())
    }

    async fn increment(&self, key: &str, by: u64) -> Result<u64, StoreError> {
        self.step(format!("increment {key}")).await;
        let mut world = self.world.borrow_mut();
        let count = world.counters.entry(key.to_owned()).or_default();
        *count += by;
        Ok(*count)
    }
}

impl Runtime for Model {
    type Store = Self;

    fn store(&self) -> Option<&Self> {
        Some(self)
    }

    fn random(&self) -> u64 {
        self.caller as u64
    }

    fn log(&self, _: &str) {}
}

fn webhook() -> Rc<Webhook> {
    let keys = json!([{ "name": "k", "sha256": DIGEST, "scopes": ["vcf:write"] }]).to_string();
    let variables = [
        ("vcf_url", "https://sddc.example"),
        ("vcf_username", "u@vsphere.local"),
        ("vcf_password", "p"),
        ("api_keys", keys.as_str()),
        ("state_key", "pOb2TGAdDhbFxUcP3RmTTnhVPXuR0NJ8"),
    ];
    let variables: BTreeMap<_, _> = variables.into_iter().collect();
    Rc::new(Webhook::new(Config::parse(|name| variables.get(name).map(|value| (*value).to_owned()))))
}

/// One request, as an instance of its own.
async fn ask(model: Model) {
    let request = Request::delete("/vcf/default/v1/identity-providers/x/identity-sources/corp.example");
    let request = request.header("x-api-key", "key");
    let request = request.header("idempotency-key", "k").body(()).unwrap();
    let response = webhook().handle(&model, request, async |(), _| Body::Whole(Bytes::new())).await;
    model.world.borrow_mut().answers.insert(model.caller, response.status().as_u16());
}

type Tasks = Vec<Option<Pin<Box<dyn Future<Output = ()>>>>>;

/// All concurrently, until each is done or crashed; returns the world they leave.
fn race(models: Vec<Model>, preemptions: usize, dies: Option<(usize, usize)>, schedule: &mut Schedule) -> Tasks {
    let callers = models.len();
    let mut tasks: Tasks = models.into_iter().map(|model| Some(Box::pin(ask(model)) as _)).collect();
    let (mut last, mut left, mut went) = (None, preemptions, vec![0; callers]);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        let mut able: Vec<usize> = (0..callers).filter(|at| tasks[*at].is_some()).collect();
        if let Some(last) = last.filter(|last| able.contains(last)) {
            able.retain(|at| *at != last);
            able.insert(0, last);
            able.truncate(if left == 0 { 1 } else { callers });
        }
        let Some(&first) = able.first() else { break };
        let at = able[schedule.choose(able.len())];
        if last == Some(first) && at != first {
            left -= 1;
        }
        last = Some(at);
        went[at] += 1;
        let done = tasks[at].as_mut().unwrap().as_mut().poll(&mut context).is_ready();
        if done || dies == Some((at, went[at])) {
            tasks[at] = None;
        }
    }
    tasks
}

/// One schedule; `dies`: this caller crashes after this many of its steps.
fn play(callers: usize, preemptions: usize, dies: Option<(usize, usize)>, schedule: &mut Schedule) -> World {
    let world = Rc::new(RefCell::new(World::default()));
    let model = |caller| Model { caller, world: Rc::clone(&world) };
    let tasks = race((0..callers).map(model).collect(), preemptions, dies, schedule);
    let mut context = Context::from_waker(Waker::noop());
    // A later request gets a response: at once, or once the crashed one's lease has expired.
    for attempt in 0..3 {
        let mut task = Box::pin(ask(model(100 + attempt)));
        while task.as_mut().poll(&mut context).is_pending() {}
        let status = world.borrow().answers[&(100 + attempt)];
        if status == 204 {
            break;
        }
        assert!(status == 409 && dies.is_some() && attempt < 2, "{status} {:#?}", world.borrow().trace);
        world.borrow_mut().now += LEASE;
    }
    drop(tasks);
    world.take()
}

/// Every schedule; returns the number of schedules.
fn explore(callers: usize, preemptions: usize, dies: Option<(usize, usize)>) -> usize {
    let (mut schedule, mut count) = (Schedule::default(), 0);
    loop {
        let world = play(callers, preemptions, dies, &mut schedule);
        count += 1;
        let once = if dies.is_some() { 1..=2 } else { 1..=1 };
        assert!(once.contains(&world.carried_out), "{} times: {:#?}", world.carried_out, world.trace);
        assert!(world.answers.values().all(|status| [204, 409].contains(status)), "{:?}", world.answers);
        if dies.is_none() {
            assert!(world.answers.values().any(|status| *status == 204));
            let counters: Vec<_> =
                world.counters.keys().filter(|key| !key.ends_with(":answers") && !key.ends_with(":claims")).collect();
            assert!(counters.is_empty(), "left behind: {counters:?} {:#?}", world.trace);
        }
        match schedule.next() {
            Some(next) => schedule = next,
            None => return count,
        }
    }
}

#[test]
fn request_is_processed_once_in_every_schedule() {
    let two = explore(2, 3, None);
    let three = explore(3, 2, None);
    assert!(two > 500 && three > 1000, "{two} {three}");
}

#[test]
fn crash_at_any_step_blocks_others_only_briefly() {
    for step in 1..20 {
        explore(2, 2, Some((0, step)));
    }
}

#[test]
fn remains_of_a_failed_race_do_no_harm() {
    let mut schedule = Schedule::default();
    for count in 1.. {
        let world = Rc::new(RefCell::new(World { failures: 1, ..World::default() }));
        let models = |callers: std::ops::Range<usize>| callers.map(|caller| Model { caller, world: Rc::clone(&world) });
        race(models(0..2).collect(), 1, None, &mut schedule);
        world.borrow_mut().now += LEASE;
        race(models(2..4).collect(), 2, None, &mut schedule);
        let world = world.borrow();
        assert!(world.carried_out <= 1, "{} times: {:#?}", world.carried_out, world.trace);
        match schedule.next() {
            Some(next) => schedule = next,
            None => {
                assert!(count > 500, "{count}");
                break;
            }
        }
    }
}

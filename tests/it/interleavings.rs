//! The sync protocol over every schedule of a few callers, up to a bound on preemptions.
//!
//! The code is the webhook's own; the world around it is a model: a vIDM that joins a running sync without a word, a store, a
//! clock. Each call out of the webhook is one step; between any two steps another caller, or vIDM itself, may go on. The
//! explorer goes through all choices depth first (bounded context switches, as in CHESS, Musuvathi and Qadeer 2007) and holds
//! each run to the promises of `idhook::sync`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use idhook::config::Config;
use idhook::http::{HttpClient, Limits, TransportError, TransportErrorKind};
use idhook::runtime::{Clock, Runtime};
use idhook::store::{Store, StoreError};
use idhook::webhook::{Body, Content, Webhook};
use serde_json::{Value, json};

const DIRECTORY: &str = "d1000000-0000-4000-8000-0000000000c0";
/// SHA-256 of `key`.
const DIGEST: &str = "2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683";
/// A run ends by itself after so many milliseconds; the explorer may end it at any step before.
const LASTS: u64 = 8000;
const EPOCH_MS: u64 = 1_700_000_000_000;

/// One run of vIDM's.
#[derive(Debug, Clone)]
struct Run {
    began: u64,
    ended: Option<u64>,
    /// When whoever started it had drawn the ticket that says whom it serves.
    drawn: u64,
}

/// The world of one schedule. Times are milliseconds; each step takes ten.
#[derive(Debug, Default)]
struct World {
    now: u64,
    steps: u64,
    runs: Vec<Run>,
    tells_times: bool,
    values: BTreeMap<String, Vec<u8>>,
    counters: BTreeMap<String, u64>,
    /// When each caller came, and when it was told that it succeeded.
    came: BTreeMap<usize, u64>,
    told: BTreeMap<usize, u64>,
    /// When each caller drew tickets: its request's first, then those of its kick-offs.
    tickets: BTreeMap<usize, Vec<u64>>,
    /// What was done, for a story that went wrong.
    trace: Vec<String>,
}

#[derive(Debug, Clone)]
struct Model {
    caller: usize,
    world: Rc<RefCell<World>>,
    shares: bool,
    seed: u64,
}

impl Model {
    /// Gives the others their chance, then is a step.
    async fn step(&self, what: &str) {
        let mut yielded = false;
        poll_fn(|_| if std::mem::replace(&mut yielded, true) { Poll::Ready(()) } else { Poll::Pending }).await;
        let mut world = self.world.borrow_mut();
        world.now += 10;
        world.steps += 1;
        let now = world.now;
        world.trace.push(format!("{now} {}: {what}", self.caller));
        if let Some(run) = world.runs.last_mut().filter(|run| run.ended.is_none() && now > run.began + LASTS) {
            run.ended = Some(now);
        }
    }
}

impl World {
    fn is_running(&self) -> bool {
        self.runs.last().is_some_and(|run| run.ended.is_none())
    }

    fn answer(&mut self, caller: usize, method: &str, path: &str) -> Value {
        if path.ends_with("/auth/system/login") {
            return json!({ "sessionToken": "token" });
        }
        if method == "POST" {
            if !self.is_running() {
                let drawn = self.tickets.get(&caller).and_then(|drawn| drawn.last()).copied().unwrap_or(self.now);
                self.runs.push(Run { began: self.now, ended: None, drawn });
            }
            return json!({});
        }
        let Some(run) = self.runs.last() else { return json!({ "status": "COMPLETED" }) };
        let mut document = json!({ "status": if run.ended.is_some() { "COMPLETED" } else { "RUNNING" } });
        if self.tells_times {
            document["startTime"] = json!(EPOCH_MS + run.began);
        }
        document
    }
}

impl HttpClient for Model {
    async fn send(&self, request: http::Request<Bytes>, _: &Limits) -> Result<http::Response<Bytes>, TransportError> {
        self.step(&format!("{} {}", request.method(), request.uri().path().rsplit('/').next().unwrap())).await;
        let mut world = self.world.borrow_mut();
        let path = request.uri().path();
        if path.ends_with("/syncexecutions") {
            return Ok(http::Response::builder().status(404).body(Bytes::new()).unwrap());
        }
        if !path.contains("sync") && !path.ends_with("/login") {
            return Err(TransportError::new(TransportErrorKind::Refused, format!("no model of {path}")));
        }
        let date = SystemTime::UNIX_EPOCH + Duration::from_millis(EPOCH_MS + world.now);
        let body = world.answer(self.caller, request.method().as_str(), path).to_string();
        Ok(http::Response::builder().header("date", httpdate::fmt_http_date(date)).body(Bytes::from(body)).unwrap())
    }
}

impl Clock for Model {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(EPOCH_MS) + self.elapsed()
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.world.borrow().now)
    }

    /// Nobody's time runs out here: deadlines race everything and never win. The short pauses are those of who waits for
    /// another request's lock.
    async fn sleep(&self, duration: Duration) {
        if duration > Duration::from_millis(100) {
            std::future::pending().await
        }
        let mut yielded = false;
        poll_fn(|_| if std::mem::replace(&mut yielded, true) { Poll::Ready(()) } else { Poll::Pending }).await;
    }
}

impl Store for Model {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.step(&format!("get {}", key.rsplit_once("c0:").map_or(key, |(_, what)| what))).await;
        Ok(self.world.borrow().values.get(key).cloned())
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.step(&format!("set {}", key.rsplit_once("c0:").map_or(key, |(_, what)| what))).await;
        self.world.borrow_mut().values.insert(key.to_owned(), value.to_vec());
        Ok(())
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.step(&format!("delete {}", key.rsplit_once("c0:").map_or(key, |(_, what)| what))).await;
        let mut world = self.world.borrow_mut();
        world.values.remove(key);
        world.counters.remove(key);
        Ok(())
    }

    async fn increment(&self, key: &str, by: u64) -> Result<u64, StoreError> {
        self.step(&format!("increment {}", key.rsplit_once("c0:").map_or(key, |(_, what)| what))).await;
        let mut world = self.world.borrow_mut();
        if key.ends_with(":tickets") {
            let now = world.now;
            world.tickets.entry(self.caller).or_default().push(now);
        }
        let count = world.counters.entry(key.to_owned()).or_default();
        *count += by;
        Ok(*count)
    }
}

impl Runtime for Model {
    type Store = Self;

    fn store(&self) -> Option<&Self> {
        self.shares.then_some(self)
    }

    fn random(&self) -> u64 {
        self.seed
    }

    fn log(&self, _: &str) {}
}

fn webhook() -> Rc<Webhook> {
    let keys = json!([{ "name": "k", "sha256": DIGEST, "scopes": ["vidm:read", "vidm:sync"] }]).to_string();
    let variables = [
        ("vidm_url", "https://vidm.example"),
        ("vidm_username", "u"),
        ("vidm_password", "p"),
        ("api_keys", keys.as_str()),
        ("state_key", "0123456789abcdef0123456789abcdef"),
    ];
    let variables: BTreeMap<_, _> = variables.into_iter().collect();
    Rc::new(Webhook::new(Config::parse(|name| variables.get(name).map(|value| (*value).to_owned()))))
}

async fn ask(webhook: &Rc<Webhook>, model: &Model, method: &str, path: &str) -> Value {
    let request = http::Request::builder().method(method).uri(path).header("x-api-key", "key").body(()).unwrap();
    let response = webhook.handle(model, request, async |(), _| Body::Whole(Bytes::new())).await;
    let Content::Whole(bytes) = response.into_body() else { panic!("a stream") };
    serde_json::from_slice(&bytes).unwrap()
}

/// One caller: starts a sync, then asks until it is final, as long as the schedule gives it `polls`.
async fn caller(at: usize, webhook: Rc<Webhook>, model: Model, polls: usize) {
    let came = model.world.borrow().now;
    model.world.borrow_mut().came.insert(at, came);
    let started = ask(&webhook, &model, "POST", &format!("/vidm/default/v1/directories/{DIRECTORY}/syncs")).await;
    let place = started["links"]["self"].as_str().unwrap_or_else(|| panic!("{started}")).to_owned();
    for _ in 0..polls {
        // A poll comes seconds after the one before.
        model.world.borrow_mut().now += 2000;
        let state = ask(&webhook, &model, "GET", &place).await;
        match state["status"].as_str() {
            Some("succeeded") => {
                let now = model.world.borrow().now;
                model.world.borrow_mut().told.insert(at, now);
                return;
            }
            Some("queued" | "running") => {}
            _ => panic!("{state}"),
        }
    }
}

/// What a scenario is made of.
#[derive(Debug, Clone, Copy)]
struct Scenario {
    callers: usize,
    /// Whether all instances share a store.
    shares: bool,
    /// Whether all callers are served by one instance.
    one_instance: bool,
    tells_times: bool,
    /// Whether a run of somebody else's is going on at first.
    busy_at_first: bool,
    preemptions: usize,
    /// This caller dies after so many steps, whatever it is doing.
    dies: Option<(usize, u64)>,
}

/// The choices of one schedule: which were taken, and how many there were.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    taken: Vec<usize>,
    open: Vec<usize>,
    at: usize,
    /// Where choices beyond those taken come from; zero: the first one is taken.
    chance: u64,
}

impl Schedule {
    pub(crate) fn choose(&mut self, options: usize) -> usize {
        if self.at == self.taken.len() {
            // xorshift; one choice in four is not the first.
            self.chance ^= self.chance << 13;
            self.chance ^= self.chance >> 7;
            self.chance ^= self.chance << 17;
            let drawn = usize::try_from(self.chance % 1009).unwrap_or(0);
            self.taken.push(if drawn % 4 == 3 { drawn % options } else { 0 });
            self.open.push(options);
        }
        let choice = self.taken[self.at];
        self.at += 1;
        choice
    }

    /// The next schedule in depth-first order; `None` after the last.
    pub(crate) fn next(mut self) -> Option<Self> {
        while let (Some(taken), Some(open)) = (self.taken.pop(), self.open.pop()) {
            if taken + 1 < open {
                self.taken.push(taken + 1);
                self.open.push(open);
                return Some(Self { at: 0, ..self });
            }
        }
        None
    }
}

type Task = Pin<Box<dyn Future<Output = ()>>>;

/// One schedule from beginning to end.
fn play(scenario: Scenario, schedule: &mut Schedule) -> World {
    let world = Rc::new(RefCell::new(World { tells_times: scenario.tells_times, now: 5000, ..World::default() }));
    if scenario.busy_at_first {
        world.borrow_mut().runs.push(Run { began: 1000, ended: None, drawn: 0 });
    }
    let shared = webhook();
    let mut tasks: Vec<Option<Task>> = (0..scenario.callers)
        .map(|at| {
            let webhook = if scenario.one_instance { Rc::clone(&shared) } else { webhook() };
            let seed = if scenario.one_instance { 1 } else { 2 * at as u64 + 1 };
            let model = Model { caller: at, world: Rc::clone(&world), shares: scenario.shares, seed };
            let task: Task = Box::pin(caller(at, webhook, model, 12));
            Some(task)
        })
        .collect();
    let mut steps_of = vec![0u64; scenario.callers];
    let mut blocked = vec![false; scenario.callers];
    let (mut last, mut preemptions) = (None::<usize>, 0);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..2000 {
        // The one that went last goes on, unless it is preempted; vIDM ending its run is a choice like any other.
        let mut able: Vec<usize> = (0..tasks.len()).filter(|at| tasks[*at].is_some() && !blocked[*at]).collect();
        if let Some(last) = last.filter(|last| able.contains(last)) {
            able.retain(|at| *at != last);
            able.insert(0, last);
            if preemptions >= scenario.preemptions {
                able.truncate(1);
            }
        }
        let may_finish = world.borrow().is_running() && preemptions < scenario.preemptions;
        let options = able.len() + usize::from(may_finish);
        if options == 0 {
            break;
        }
        let choice = schedule.choose(options);
        let Some(&at) = able.get(choice) else {
            let mut world = world.borrow_mut();
            world.now += 1;
            let now = world.now;
            world.runs.last_mut().unwrap().ended = Some(now);
            preemptions += usize::from(choice > 0);
            continue;
        };
        preemptions =
            preemptions.saturating_add(usize::from(choice > 0 && last.is_some_and(|last| tasks[last].is_some())));
        last = Some(at);
        let before = world.borrow().steps;
        let is_done = tasks[at].as_mut().unwrap().as_mut().poll(&mut context).is_ready();
        let after = world.borrow().steps;
        steps_of[at] += after - before;
        let dies = scenario.dies.is_some_and(|(who, when)| who == at && steps_of[at] >= when);
        if is_done || dies {
            tasks[at] = None;
        }
        // Who made no step waits for another; anybody's step may be what it waits for.
        if after > before || is_done || dies {
            blocked.iter_mut().for_each(|blocked| *blocked = false);
        } else if steps_of[at] > 0 && tasks[at].is_some() {
            blocked[at] = true;
        }
        if tasks.iter().all(Option::is_none) {
            break;
        }
    }
    drop(tasks);
    Rc::try_unwrap(world).unwrap().into_inner()
}

/// The promises of `idhook::sync`, for one schedule.
fn check(scenario: Scenario, world: &World, schedule: &Schedule) {
    let story = || {
        let World { runs, came, told, trace, .. } = world;
        format!(
            "{scenario:?}\nchoices {:?}\nruns {runs:?}\ncame {came:?}\ntold {told:?}\n{}",
            schedule.taken,
            trace.join("\n")
        )
    };
    // Exact where there is a common ledger; to the second of the Date header where only the clocks can tell.
    let slack = if scenario.shares || scenario.one_instance { 0 } else { 1000 };
    for (at, told) in &world.told {
        let came = world.came[at];
        let served =
            world.runs.iter().any(|run| run.began + slack >= came && run.ended.is_some_and(|ended| ended <= *told));
        assert!(served, "caller {at} was told of success by a run that began before it came: {}", story());
    }
    if scenario.shares && scenario.dies.is_none() {
        // No run is for nothing: somebody needs it who drew a ticket after the run before had drawn its own. The one run more
        // is that of a first kick-off that could not know whether it had joined.
        for pair in world.runs.windows(2) {
            let [before, this] = pair else { continue };
            let mut tickets = world.tickets.values().filter_map(|drawn| drawn.first());
            let is_blind = !scenario.tells_times
                && world.runs.iter().find(|run| run.drawn > 0).is_some_and(|first| first.began == before.began);
            let needed = tickets.any(|ticket| *ticket >= before.drawn && *ticket <= this.drawn) || is_blind;
            assert!(needed, "a run that serves nobody new: {}", story());
        }
    }
}

/// Goes through all schedules of a scenario; gives how many there were, and in how many everybody was served.
fn explore(scenario: Scenario) -> (usize, usize) {
    let (mut schedule, mut count, mut served) = (Schedule::default(), 0, 0);
    loop {
        let world = play(scenario, &mut schedule);
        check(scenario, &world, &schedule);
        count += 1;
        let alive = scenario.callers - usize::from(scenario.dies.is_some());
        served += usize::from(world.told.len() >= alive);
        match schedule.next() {
            Some(next) => schedule = next,
            None => return (count, served),
        }
    }
}

/// All schedules with one preemption, and some hundred drawn by chance with any number.
fn explore_and_wander(scenario: Scenario) {
    let (count, served) = explore(scenario);
    assert!(count > 20 && served > count / 2, "{served} of {count}");
    for seed in 1..150u64 {
        let scenario = Scenario { preemptions: usize::MAX, ..scenario };
        let mut schedule = Schedule { chance: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15), ..Schedule::default() };
        let world = play(scenario, &mut schedule);
        check(scenario, &world, &schedule);
    }
}

const SCENARIO: Scenario = Scenario {
    callers: 2,
    shares: true,
    one_instance: false,
    tells_times: true,
    busy_at_first: true,
    preemptions: 1,
    dies: None,
};

#[test]
fn two_callers_during_a_run_on_two_instances_with_a_shared_store() {
    explore_and_wander(SCENARIO);
}

#[test]
fn the_same_when_vidm_tells_no_times() {
    explore_and_wander(Scenario { tells_times: false, ..SCENARIO });
}

#[test]
fn three_callers_on_an_idle_directory() {
    explore_and_wander(Scenario { callers: 3, busy_at_first: false, ..SCENARIO });
}

#[test]
fn two_callers_in_one_instance_without_a_store() {
    explore_and_wander(Scenario { shares: false, one_instance: true, ..SCENARIO });
}

#[test]
fn two_callers_on_two_instances_without_a_store() {
    explore_and_wander(Scenario { shares: false, ..SCENARIO });
}

#[test]
fn a_claimant_that_dies_at_any_step_does_not_stop_the_other() {
    for when in 1..25 {
        let scenario = Scenario { dies: Some((0, when)), preemptions: 0, ..SCENARIO };
        let (count, served) = explore(scenario);
        assert!(served > 0, "died at step {when}: in none of {count} schedules was the other served");
    }
}

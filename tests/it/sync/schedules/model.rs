//! A model of the world around the webhook: a vIDM that silently joins a running sync, a store, a clock. Each outgoing call
//! of the webhook is one step.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use idhook::config::Config;
use idhook::http::{HttpClient, Limits, TransportError, TransportErrorKind};
use idhook::runtime::{Clock, Runtime};
use idhook::store::{Store, StoreError};
use idhook::webhook::{Body, Content, Webhook};
use serde_json::{Value, json};

mod fleet;

pub(super) use fleet::{LastSync, Log, group};

pub(super) const DIRECTORY: &str = "d1000000-0000-4000-8000-0000000000c0";
/// Another directory with the same connector.
pub(super) const OTHER: &str = "d1000000-0000-4000-8000-0000000000c1";
/// SHA-256 of `key`.
const DIGEST: &str = "2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683";
/// A run ends by itself after this many milliseconds; the explorer may end it at any earlier step.
const LASTS: u64 = 4000;
const EPOCH_MS: u64 = 1_700_000_000_000;
const BASE: &str = "OU=Groups,DC=corp,DC=example";

/// One run of vIDM.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) directory: String,
    pub(super) began: u64,
    pub(super) ended: Option<u64>,
    /// When its starter had drawn the ticket that decides whom it serves.
    pub(super) drawn: u64,
}

/// vIDM's clocks, relative to the model's.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Clocks {
    /// Whether runs have start times.
    pub(super) starts: bool,
    /// How far start times are ahead, in milliseconds.
    pub(super) ahead: i64,
    /// Whether start times are cut to whole seconds.
    pub(super) whole_seconds: bool,
    /// How many milliseconds a second the clock of start times gains.
    pub(super) drift: i64,
    /// How far the `Date` header is ahead, in milliseconds; `None`: no header.
    pub(super) date_ahead: Option<i64>,
}

impl Clocks {
    /// One clock for everything.
    pub(super) const ONE: Self = Self { starts: true, ahead: 0, whole_seconds: false, drift: 0, date_ahead: Some(0) };

    /// The start time of a run that began at `began`.
    fn start(self, began: u64) -> Option<u64> {
        let gained = i64::try_from(began).unwrap() * self.drift / 1000;
        let shown = (EPOCH_MS + began).checked_add_signed(self.ahead + gained).unwrap();
        let unit = if self.whole_seconds { 1000 } else { 1 };
        self.starts.then_some(shown / unit * unit)
    }
}

/// What a vIDM shows of its runs.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Shows {
    /// How many milliseconds after its beginning a run appears in the state, and after its end in the list of runs.
    pub(super) late: u64,
    /// Whether the state has an unknown word and no time, so that only the list of ended runs can be read.
    pub(super) ended_only: bool,
}

/// The world of one schedule. Times are milliseconds; each step takes ten.
#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) now: u64,
    pub(super) steps: u64,
    pub(super) runs: Vec<Run>,
    pub(super) clocks: Clocks,
    pub(super) shows: Shows,
    /// VCF Operations in place of vIDM.
    pub(super) fleet: Option<Log>,
    /// The run that follows the active one, at a VCF Operations that queues starts.
    pub(super) queued: Option<Run>,
    /// How many starts vIDM accepted.
    pub(super) starts: usize,
    pub(super) values: BTreeMap<String, Vec<u8>>,
    pub(super) counters: BTreeMap<String, u64>,
    /// When each caller arrived, and when it got its success.
    pub(super) came: BTreeMap<usize, u64>,
    pub(super) told: BTreeMap<usize, u64>,
    /// When each caller drew tickets: its request's first, then those of its kick-offs.
    pub(super) tickets: BTreeMap<usize, Vec<u64>>,
    /// The groups that the profile selects, and those lost by a write.
    pub(super) profile: Vec<String>,
    pub(super) lost: Vec<String>,
    pub(super) writes: usize,
    /// The task that has just gone to sleep.
    pub(super) asleep: Option<usize>,
    /// The actions, for a failure's message.
    pub(super) trace: Vec<String>,
}

/// One caller's runtime.
#[derive(Debug, Clone)]
pub(super) struct Model {
    pub(super) caller: usize,
    pub(super) world: Rc<RefCell<World>>,
    pub(super) shares: bool,
    pub(super) seed: u64,
}

impl Model {
    /// Lets the others proceed, then counts as a step.
    async fn step(&self, what: &str) {
        let mut yielded = false;
        poll_fn(|_| if std::mem::replace(&mut yielded, true) { Poll::Ready(()) } else { Poll::Pending }).await;
        let mut world = self.world.borrow_mut();
        world.now += 10;
        world.steps += 1;
        let now = world.now;
        world.trace.push(format!("{now} {}: {what}", self.caller));
        for run in world.runs.iter_mut().filter(|run| run.ended.is_none() && now > run.began + LASTS) {
            run.ended = Some(now);
        }
        world.advance();
    }
}

/// A group as an entry of a profile.
fn entry(dn: &str) -> Value {
    json!({"mappedGroup": {"dn": dn, "objectGuid": dn, "groupBaseDN": BASE}, "selected": true})
}

impl World {
    pub(super) fn running(&self, directory: &str) -> Option<&Run> {
        self.runs.iter().rev().find(|run| run.directory == directory && run.ended.is_none())
    }

    /// Ends the oldest run; returns whether there was one.
    pub(super) fn finish(&mut self) -> bool {
        let now = self.now + 1;
        let Some(run) = self.runs.iter_mut().find(|run| run.ended.is_none()) else { return false };
        run.ended = Some(now);
        self.now = now;
        self.advance();
        true
    }

    /// Begins the queued run if none is active.
    fn advance(&mut self) {
        if self.running(DIRECTORY).is_none()
            && let Some(run) = self.queued.take()
        {
            self.runs.push(Run { began: self.now, ..run });
        }
    }

    fn row(&self, run: &Run) -> Value {
        let mut row = json!({ "status": if run.ended.is_some() { "COMPLETED" } else { "RUNNING" } });
        if let Some(start) = self.clocks.start(run.began) {
            row["startTime"] = json!(start);
        }
        row
    }

    /// vIDM's response; `None` for an unknown call.
    fn answer(&mut self, caller: usize, method: &str, path: &str, body: &Bytes) -> Option<Value> {
        if path.ends_with("/auth/system/login") {
            return Some(json!({ "sessionToken": "token" }));
        }
        if path.ends_with("/directoryconfigs") {
            let directory = |id: &str| json!({"directoryId": id, "name": id, "type": "ACTIVE_DIRECTORY_LDAP", "syncConfigurationEnabled": true});
            return Some(json!({"items": [directory(DIRECTORY), directory(OTHER)]}));
        }
        let (_, rest) = path.split_once("/directoryconfigs/")?;
        let (directory, call) = rest.split_once('/')?;
        Some(match (method, call) {
            ("GET", "connectors") => json!({"items": [{"instanceId": "the only one"}]}),
            ("POST", "directorygroups") => {
                let wanted: Value = serde_json::from_slice(body).unwrap();
                let found = wanted["searchDns"].as_array().unwrap().iter().map(|dn| dn.as_str().unwrap());
                let found = found.map(|dn| (dn.to_owned(), json!({"mappedGroupData": [entry(dn)]})));
                json!({"identityGroups": Value::Object(found.collect())})
            }
            ("GET", "syncprofile") => {
                let entries: Vec<_> = self.profile.iter().map(|dn| entry(dn)).collect();
                let base = json!({"mappedGroupData": entries, "numSelected": entries.len(), "selected": false});
                json!({"identityGroupInfo": {BASE: base}})
            }
            ("PUT", "syncprofile") => {
                let body: Value = serde_json::from_slice(body).unwrap();
                let entries = body["identityGroupInfo"][BASE]["mappedGroupData"].as_array().unwrap().clone();
                let selected: Vec<_> = entries.iter().filter(|entry| entry["selected"] == true).collect();
                let dns = selected.iter().map(|entry| entry["mappedGroup"]["dn"].as_str().unwrap().to_owned());
                let before = std::mem::replace(&mut self.profile, dns.collect());
                self.lost.extend(before.into_iter().filter(|dn| !self.profile.contains(dn)));
                self.writes += 1;
                json!({})
            }
            ("POST", "syncprofile/sync") => {
                self.starts += 1;
                if self.running(directory).is_none() {
                    let drawn = self.tickets.get(&caller).and_then(|drawn| drawn.last()).copied().unwrap_or(self.now);
                    self.runs.push(Run { directory: directory.to_owned(), began: self.now, ended: None, drawn });
                }
                json!({})
            }
            ("GET", "syncprofile/sync") if self.shows.ended_only => json!({ "status": "SYNC_STATE_7" }),
            ("GET", "syncprofile/sync") => {
                let appeared = |run: &&Run| run.directory == directory && run.began + self.shows.late <= self.now;
                let Some(run) = self.runs.iter().rev().find(appeared) else {
                    return Some(json!({ "status": "COMPLETED" }));
                };
                self.row(run)
            }
            ("GET", "syncexecutions") if self.shows.ended_only => {
                let appeared = |run: &&Run| {
                    run.directory == directory && run.ended.is_some_and(|ended| ended + self.shows.late <= self.now)
                };
                json!({"items": self.runs.iter().rev().filter(appeared).map(|run| self.row(run)).collect::<Vec<_>>()})
            }
            _ => return None,
        })
    }
}

impl HttpClient for Model {
    async fn send(&self, request: http::Request<Bytes>, _: &Limits) -> Result<http::Response<Bytes>, TransportError> {
        let (method, path) = (request.method().as_str(), request.uri().path());
        self.step(&format!("{method} {}", path.rsplit('/').next().unwrap())).await;
        let mut world = self.world.borrow_mut();
        if path.ends_with("/syncexecutions") && !world.shows.ended_only {
            return Ok(http::Response::builder().status(404).body(Bytes::new()).unwrap());
        }
        let answer = match world.fleet {
            Some(log) => world.answer_of_fleet(log, self.caller, (method, path, request.body())),
            None => world.answer(self.caller, method, path, request.body()),
        };
        if answer.is_none() && path.ends_with("/sync-logs") {
            return Ok(http::Response::builder().status(500).body(Bytes::new()).unwrap());
        }
        let Some(body) = answer else {
            return Err(TransportError::new(TransportErrorKind::Refused, format!("no model of {method} {path}")));
        };
        let mut answer = http::Response::builder();
        if let Some(ahead) = world.clocks.date_ahead {
            let date = Duration::from_millis((EPOCH_MS + world.now).checked_add_signed(ahead).unwrap());
            answer = answer.header("date", httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + date));
        }
        Ok(answer.body(Bytes::from(body.to_string())).unwrap())
    }
}

impl Clock for Model {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(EPOCH_MS) + self.elapsed()
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.world.borrow().now)
    }

    /// Time limits never expire here: deadlines lose every race. The short pauses belong to tasks that wait for another: any
    /// task's step may be what they wait for.
    async fn sleep(&self, duration: Duration) {
        if duration > Duration::from_millis(300) {
            std::future::pending().await
        }
        self.world.borrow_mut().asleep = Some(self.caller);
        let mut yielded = false;
        poll_fn(|_| if std::mem::replace(&mut yielded, true) { Poll::Ready(()) } else { Poll::Pending }).await;
    }
}

/// A key without the part before the directory's own.
fn short(key: &str) -> &str {
    key.split_once("default:").map_or(key, |(_, rest)| rest)
}

impl Store for Model {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.step(&format!("get {}", short(key))).await;
        Ok(self.world.borrow().values.get(key).cloned())
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.step(&format!("set {}", short(key))).await;
        self.world.borrow_mut().values.insert(key.to_owned(), value.to_vec());
        Ok(())
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.step(&format!("delete {}", short(key))).await;
        let mut world = self.world.borrow_mut();
        world.values.remove(key);
        world.counters.remove(key);
        Ok(())
    }

    async fn increment(&self, key: &str, by: u64) -> Result<u64, StoreError> {
        self.step(&format!("increment {}", short(key))).await;
        let mut world = self.world.borrow_mut();
        // Requests and claims draw from the counter of a generation of the directory's ledger.
        if by > 0 && key.contains(":sync:") && key.contains(":n:") {
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

/// An instance.
pub(super) fn webhook() -> Rc<Webhook> {
    let keys = json!([{ "name": "k", "sha256": DIGEST, "scopes": [
        "vidm:read", "vidm:sync", "vidm:profile", "fleet:read", "fleet:sync"] }])
    .to_string();
    let variables = [
        ("vidm_url", "https://vidm.example"),
        ("vidm_username", "u"),
        ("vidm_password", "p"),
        ("fleet_url", "https://ops.example"),
        ("fleet_username", "u"),
        ("fleet_password", "p"),
        ("api_keys", keys.as_str()),
        ("state_key", "pOb2TGAdDhbFxUcP3RmTTnhVPXuR0NJ8"),
        // It would only add steps to every schedule.
        ("rate_limit", "0"),
        // A schedule may take longer than a request, and nothing is sent after a request's time.
        ("request_timeout", "600"),
    ];
    let variables: BTreeMap<_, _> = variables.into_iter().collect();
    Rc::new(Webhook::new(Config::parse(|name| variables.get(name).map(|value| (*value).to_owned()))))
}

/// One request; with `watches` like a watcher, which reuses other watchers' observations.
pub(super) async fn ask(
    webhook: &Rc<Webhook>,
    model: &Model,
    (method, path, body): (&str, &str, &Value),
    watches: bool,
) -> Value {
    let mut request = http::Request::builder().method(method).uri(path).header("x-api-key", "key");
    if watches {
        // Ends after one observation: there is no time for a second.
        request = request.header("prefer", "wait=1");
    }
    let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
    let read = async |body, _| Body::Whole(body);
    let response = webhook.handle(model, request.body(body).unwrap(), read).await;
    let Content::Whole(bytes) = response.into_body() else { panic!("a stream") };
    serde_json::from_slice(&bytes).unwrap()
}

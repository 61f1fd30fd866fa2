//! What the tasks of a run share: the upstream, the receiver, the hosts, the callers, and what was started.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Result};
use idhook_simulator::{Fault, FaultKind, Options as SimulatorOptions, Server as Upstream, Simulator, SyncDuration};
use idhook_simulator::{credentials, seeds};
use serde_json::{Value, json};
use xtask::caller::Caller;
use xtask::redis::Redis;

use super::client::{Attempt, Client};
use super::hosts::Hosts;
use super::receiver::{Receiver, SECRET};
use super::tally::Tally;
use crate::server::Kind;

/// Targets with a crowd each, beside `default`.
const CROWDED: usize = 4;

/// A target whose only run lasts as long as the load.
const WATCHED: &str = "watched";

/// Requests a minute of one caller: so few that each is counted in the store, and none may be too many.
pub(super) const RATE: u32 = 39;

/// Waits and event streams of one caller.
pub(super) const WATCHES: usize = 8;

/// The callers of the load: each takes the next, so that none reaches the limit.
const CALLERS: usize = 256;

/// The duration of a run at the upstream.
pub(super) const RUN: Duration = Duration::from_secs(2);

/// How long a change at the upstream waits before it is carried out, and how long its response takes afterwards: hosts shall
/// die in either.
const BEFORE: Duration = Duration::from_millis(150);
const AFTER: Duration = Duration::from_millis(300);

/// A directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) target: String,
    /// Its id.
    pub(super) directory: String,
    /// Where its profile selects all groups.
    pub(super) groups: &'static str,
}

/// A started sync whose response arrived.
#[derive(Clone, Debug)]
pub(super) struct Started {
    pub(super) place: Place,
    pub(super) id: String,
    pub(super) path: String,
    pub(super) caller: usize,
    /// When the answered attempt was sent.
    pub(super) asked: SystemTime,
    /// The group that it names, and whether Active Directory has it.
    pub(super) group: Option<(String, bool)>,
    pub(super) has_callback: bool,
    /// The final state, and when its response was complete.
    pub(super) end: Option<(Value, SystemTime)>,
}

/// All of it.
pub(super) struct World {
    pub(super) simulator: Simulator,
    pub(super) receiver: Receiver,
    pub(super) hosts: Hosts,
    pub(super) client: Client,
    pub(super) tally: Arc<Tally>,
    /// Keys of the load, and at the end those of the two callers that test limits.
    pub(super) keys: Vec<String>,
    seed: u64,
    next: Mutex<usize>,
    /// Each attempt to start a sync, with its directory.
    pub(super) attempts: Mutex<Vec<(String, Attempt)>>,
    pub(super) started: Mutex<Vec<Started>>,
    /// The end of the load.
    pub(super) end: Instant,
}

impl World {
    /// Starts everything.
    pub(super) async fn start(
        (kind, wasm): (Kind, PathBuf),
        (hosts, seconds, seed): (usize, u64, u64),
        redis: Redis,
        logs: &Path,
    ) -> Result<Self> {
        let tenants = World::tenants();
        let simulator = Simulator::start(SimulatorOptions { tenants, ..SimulatorOptions::default() }).await?;
        simulator.record_bodies();
        slow_down(&simulator);
        let tally = Arc::<Tally>::default();
        let receiver = Receiver::start(&tally).await?;
        let (keys, api_keys) = callers()?;
        let variables = variables(&simulator, &receiver, api_keys);
        let hosts = Hosts::start((kind, wasm), hosts, variables, redis, logs).await?;
        let client = Client::new(hosts.addresses(), &tally)?;
        Ok(Self {
            simulator,
            receiver,
            hosts,
            client,
            tally,
            keys,
            seed,
            next: Mutex::default(),
            attempts: Mutex::default(),
            started: Mutex::default(),
            end: Instant::now() + Duration::from_secs(seconds),
        })
    }

    pub(super) fn is_over(&self) -> bool {
        Instant::now() >= self.end
    }

    /// A random generator for the task with this number.
    pub(super) fn random(&self, task: usize) -> fastrand::Rng {
        fastrand::Rng::with_seed(self.seed.wrapping_mul(1_000_003).wrapping_add(task as u64))
    }

    /// The next caller of the load.
    pub(super) fn caller(&self) -> usize {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        *next += 1;
        *next % CALLERS
    }

    pub(super) fn key(&self, caller: usize) -> &str {
        self.keys.get(caller).map(String::as_str).unwrap_or_default()
    }

    /// The caller whose requests are too many.
    pub(super) fn hasty(&self) -> usize {
        CALLERS
    }

    /// The caller that opens too many streams.
    pub(super) fn watcher(&self) -> usize {
        CALLERS + 1
    }

    /// The directories with a crowd each.
    pub(super) fn crowded() -> Vec<Place> {
        (1..=CROWDED).map(corp).collect()
    }

    /// The tenants of the upstream, beside the one without a name.
    fn tenants() -> Vec<String> {
        Self::crowded().into_iter().map(|place| place.target).chain([WATCHED.to_owned()]).collect()
    }

    /// The directory with the long run.
    pub(super) fn watched() -> Place {
        Place { target: WATCHED.to_owned(), ..corp(CROWDED + 1) }
    }

    /// Two directories of one connector: of the first most syncs are not watched.
    pub(super) fn neighbours() -> [Place; 2] {
        let place =
            |directory: &str, groups| Place { target: "default".to_owned(), directory: directory.to_owned(), groups };
        [place(seeds::CORP, seeds::CORP_ALL_SELECTED), place(seeds::CLOUD, "OU=Groups,DC=cloud,DC=example")]
    }

    /// Every target of vIDM.
    pub(super) fn targets() -> Vec<String> {
        std::iter::once("default".to_owned()).chain(Self::crowded().into_iter().map(|place| place.target)).collect()
    }
}

/// `corp.example` of the tenant with this number.
fn corp(number: usize) -> Place {
    Place {
        target: format!("t{number}"),
        directory: seeds::CORP.replacen("d1000000", &format!("d1{number:06x}"), 1),
        groups: seeds::CORP_ALL_SELECTED,
    }
}

/// Changes take long enough for hosts to die during them, and runs last for some seconds.
fn slow_down(simulator: &Simulator) {
    simulator.set_sync_duration(SyncDuration::Fixed(RUN));
    for (server, path) in
        [(Upstream::Vidm, "/syncprofile/sync"), (Upstream::Vidm, "/sync/v2"), (Upstream::Sddc, "/identity-sources")]
    {
        let bytes = if server == Upstream::Sddc { 40 } else { 1 };
        let pause = u64::try_from(AFTER.as_millis() / 2).unwrap_or_default();
        let before = u64::try_from(BEFORE.as_millis()).unwrap_or_default();
        let slow = [FaultKind::Delay { milliseconds: before }, FaultKind::Drip { bytes, milliseconds: pause }];
        for kind in slow {
            let (path, method) = (path.to_owned(), Some("POST".to_owned()));
            simulator.add_fault(Fault { server: Some(server), method, path, after: 0, times: None, kind });
        }
    }
}

/// The callers' keys, and the variable that lets them in.
fn callers() -> Result<(Vec<String>, String)> {
    let scopes = ["vidm:read", "vidm:sync", "vcf:read", "vcf:write"];
    let (mut keys, mut entries) = (Vec::new(), Vec::new());
    for number in 0..CALLERS + 2 {
        let caller = Caller::new(&format!("caller-{number}"), &scopes)?;
        let entry: Vec<Value> = serde_json::from_str(&caller.api_keys).context("api_keys")?;
        keys.push(caller.key);
        entries.extend(entry);
    }
    Ok((keys, Value::from(entries).to_string()))
}

fn variables(simulator: &Simulator, receiver: &Receiver, api_keys: String) -> BTreeMap<String, String> {
    let mut variables = xtask::settings::of_simulator(simulator, false);
    let target = |tenant: &str| {
        json!({"url": simulator.vidm_url(), "tenant": tenant, "username": credentials::VIDM_USERNAME,
            "password": credentials::VIDM_PASSWORD})
    };
    let targets: BTreeMap<String, Value> =
        World::tenants().into_iter().map(|tenant| (tenant.clone(), target(&tenant))).collect();
    let callbacks = json!([{"name": "ticket", "url": format!("{}/idhook", receiver.url), "secret": SECRET}]);
    let more = [
        ("targets", json!({"vidm": targets}).to_string()),
        ("callbacks", callbacks.to_string()),
        ("outbound_host1", receiver.url.clone()),
        ("api_keys", api_keys),
        ("state_key", "a key that protects nothing but a measurement".to_owned()),
        ("rate_limit", RATE.to_string()),
        ("watch_limit", WATCHES.to_string()),
    ];
    variables.extend(more.map(|(name, value)| (name.to_owned(), value)));
    variables
}

//! Crowds: a hundred callers during a run, over every kind of store, on one host and on two.

use std::ops::RangeInclusive;
use std::time::{Duration, SystemTime};

use futures_util::future::join_all;
use futures_util::{StreamExt as _, stream};
use idhook_host::{Host, KeyValue};
use idhook_simulator::{Outcome, SyncDuration, SyncRun, seeds};
use reqwest::{Method, RequestBuilder};
use serde_json::json;
use xtask::artifact::Artifact;
use xtask::redis::Redis;

use crate::scene::{Answer, STATE_KEY, Scene, Setting, send};
use crate::store::{redis, troubled};

stories! {
    all, several_threads:
    hundred_callers_during_a_run_cost_one_further_run,
    hundred_callers_over_redis_cost_one_further_run,
}

const CALLERS: usize = 100;

/// How many concurrent requests the host passes to one instance.
const PER_INSTANCE: usize = 16;

/// The duration of the run that serves the crowd.
const RUN: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Store {
    None,
    Memory,
    Redis,
}

/// The allowed number of runs. With a store: the active run, and one further run for all requests that arrived during it.
///
/// Without a shared ledger each instance starts the further run itself, once. While that run is active vIDM joins all their
/// kick-offs to it, and once it has ended every caller gets its success: it began after all of their requests. So there is
/// an additional run only for an instance that observed before the further run began and kicked off after it had ended.
fn runs(store: Store, hosts: usize) -> RangeInclusive<usize> {
    match store {
        Store::Memory | Store::Redis => 2..=2,
        Store::None => 2..=1 + hosts * CALLERS.div_ceil(PER_INSTANCE),
    }
}

async fn hundred_callers_during_a_run_cost_one_further_run(artifact: Artifact) {
    crowds_cost_one_further_run(artifact, [(Store::Memory, 1), (Store::Memory, 2), (Store::None, 1), (Store::None, 2)])
        .await;
}

async fn hundred_callers_over_redis_cost_one_further_run(artifact: Artifact) {
    crowds_cost_one_further_run(artifact, [(Store::Redis, 1), (Store::Redis, 2)]).await;
}

/// A crowd is a store, and how many hosts there are.
async fn crowds_cost_one_further_run<const N: usize>(artifact: Artifact, crowds: [(Store, usize); N]) {
    // One of the crowds keeps a machine busy enough; the others wait for the clock meanwhile.
    stream::iter(crowds)
        .for_each_concurrent(2, |(store, hosts)| async move {
            for last in [false, false, true] {
                let Some(crowd) = Crowd::new(artifact, store, hosts).await else { return };
                let started = crowd.during_a_run().await;
                // If a busy machine makes the store calls time out, the store is bypassed for a while: try once more.
                let gave_up = crowd.hosts().any(|host| troubled(host).contains(&true));
                let may_be = if gave_up { runs(Store::None, hosts) } else { runs(store, hosts) };
                assert!(may_be.contains(&started), "{store:?} on {hosts} hosts: {started} runs");
                if last || !gave_up {
                    return;
                }
            }
        })
        .await;
}

/// The hosts that a crowd calls.
struct Crowd {
    scene: Scene,
    other: Option<Host>,
    _redis: Option<Redis>,
}

/// One caller and its request.
struct Caller {
    number: usize,
    /// A group that was created just before the call.
    dn: String,
    asked: SystemTime,
    place: String,
}

impl Crowd {
    /// `None` without a Redis server.
    async fn new(artifact: Artifact, store: Store, hosts: usize) -> Option<Self> {
        let redis = if store == Store::Redis { Some(redis()?) } else { None };
        let memory = KeyValue::default();
        // A connection per host, like different machines.
        let key_value = || redis.as_ref().map_or(memory.clone(), |redis| KeyValue::redis(&redis.url()).unwrap());
        let kept = if store == Store::None { "none" } else { "auto" };
        let variables = vec![("store", kept.to_owned()), ("state_key", STATE_KEY.to_owned())];
        let scene = Scene::with(Setting { variables, key_value: key_value(), ..Setting::of(artifact) }).await;
        let other = match hosts {
            1 => None,
            _ => Some(scene.another_host(|stage| stage.key_value = key_value()).await),
        };
        Some(Self { scene, other, _redis: redis })
    }

    fn hosts(&self) -> impl Iterator<Item = &Host> {
        std::iter::once(&self.scene.host).chain(&self.other)
    }

    /// A request to one of the hosts in turn.
    fn request(&self, turn: usize, method: Method, path: &str) -> RequestBuilder {
        let host = self.other.as_ref().filter(|_| !turn.is_multiple_of(2)).unwrap_or(&self.scene.host);
        let request = self.scene.client.request(method, format!("{}{path}", host.url()));
        request.bearer_auth(&self.scene.keys.all).header("content-type", "application/json")
    }

    /// Lets the crowd arrive during a run, and follows each caller to the end; returns the number of runs.
    async fn during_a_run(&self) -> usize {
        let simulator = &self.scene.simulator;
        let first = send(self.request(0, Method::POST, &syncs())).await;
        assert_eq!(first.status, 202, "{}", first.text);
        // Without a store vIDM's clock separates the other runs from the first; it counts seconds, and a response takes time
        // on a busy machine.
        tokio::time::sleep(Duration::from_secs(4)).await;
        let callers = join_all((0..CALLERS).map(|number| self.call(number))).await;
        assert_eq!(simulator.runs_started(seeds::CORP).unwrap(), 1, "a run is going on");
        simulator.set_sync_duration(SyncDuration::Fixed(RUN));
        simulator.finish_sync(seeds::CORP, Outcome::Completed).unwrap();

        let answers = join_all(callers.iter().map(|caller| async move {
            let answer = self.follow(caller).await;
            (answer, SystemTime::now())
        }))
        .await;
        let runs = simulator.runs(seeds::CORP).unwrap();
        for (caller, (answer, answered)) in callers.iter().zip(&answers) {
            caller.got_the_truth(answer, *answered, &runs);
        }
        let last = send(self.request(1, Method::GET, first.header("location"))).await.json();
        assert_eq!(last["status"], "succeeded", "and the first stays what it was: {last}");
        simulator.runs_started(seeds::CORP).unwrap()
    }

    /// A group is created in AD, and a caller requests a sync; every second one names the group.
    async fn call(&self, number: usize) -> Caller {
        let dn = format!("CN=gg-{number},{}", seeds::CORP_ALL_SELECTED);
        self.scene.simulator.add_directory_group(seeds::CORP, &dn).unwrap();
        let body = if names_its_group(number) { json!({"groups": [dn]}) } else { json!({}) };
        let asked = SystemTime::now();
        let started = send(self.request(number, Method::POST, &syncs()).body(body.to_string())).await;
        assert_eq!(started.status, 202, "{}", started.text);
        Caller { number, dn, asked, place: started.header("location").to_owned() }
    }

    /// Until it is final: every third caller waits, the others poll; some of them at the other host.
    async fn follow(&self, caller: &Caller) -> Answer {
        loop {
            let mut request = self.request(caller.number / 2, Method::GET, &caller.place);
            if caller.number.is_multiple_of(3) {
                request = request.header("prefer", "wait=60");
            }
            let answer = send(request).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            let state = answer.json();
            if state["status"] != "queued" && state["status"] != "running" {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(700)).await;
        }
    }
}

impl Caller {
    /// It got a success, and according to the simulator rightly: a run began after its request, imported its group, and had
    /// succeeded before the response.
    fn got_the_truth(&self, answer: &Answer, answered: SystemTime, runs: &[SyncRun]) {
        let state = answer.json();
        assert_eq!(state["status"], "succeeded", "{}: {state}", self.dn);
        if names_its_group(self.number) {
            assert_eq!(state["groups"][0]["state"], "present", "{}: {state}", self.dn);
        }
        let serves = |run: &SyncRun| {
            // The simulator counts whole milliseconds.
            run.began + Duration::from_millis(1) > self.asked
                && run.groups.contains(&self.dn)
                && run.outcome == Some(Outcome::Completed)
                && run.ended.is_some_and(|ended| ended <= answered)
        };
        assert!(runs.iter().any(serves), "{} asked at {:?}: {state}\n{runs:#?}", self.dn, self.asked);
    }
}

fn names_its_group(number: usize) -> bool {
    number.is_multiple_of(2)
}

fn syncs() -> String {
    format!("/vidm/default/v1/directories/{}/syncs", seeds::CORP)
}

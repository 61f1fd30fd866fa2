//! Every kind of fault at every call of the main job to VCF Operations: no group is lost, and no caller is misled.
//!
//! After every cell the same holds: the sync profile still has its selection; no run began that the caller is asked to request
//! again; and the next request succeeds with all groups. The kinds are those of vIDM's table.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _, stream};
use idhook_simulator::{Fault, FaultKind, Server, SyncDuration, seeds};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use xtask::artifact::Artifact;

use crate::fault_table::cells::kinds;
use crate::scene::{Answer, Scene, Setting, send};

stories! {
    in_one_instance, several_threads:
    each_fault_at_each_fleet_call_loses_no_group,
}

const SYNCS: &str = "/fleet/default/v1/directories/corp.example/syncs";
/// A group that the next run imports by itself.
const NEW_GROUP: &str = "CN=gg-new,OU=Groups,DC=corp,DC=example";
/// One that must be added to the sync profile.
const HANDMADE_GROUP: &str = "CN=gg-handmade,OU=Picked,DC=corp,DC=example";
/// How long a run takes.
const RUN: Duration = Duration::from_millis(200);

/// The request during which a fault occurs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// A start, by the directory's name in a cold instance.
    Start,
    /// A start with `addToProfile`.
    Profile,
    /// The state request for an ended sync, with a group to prove.
    Proof,
}

/// Method, part of the path (with `$`: its end), number of equal calls before it, and the phase.
type Call = (&'static str, &'static str, u32, Phase);

const CALLS: [Call; 10] = [
    ("POST", "/auth/token/acquire$", 0, Phase::Start),
    ("GET", "/iam/ssorealms", 0, Phase::Start),
    ("GET", "/ldap-directories", 0, Phase::Start),
    ("POST", "/sync$", 0, Phase::Start),
    ("GET", "/sync-profile", 0, Phase::Profile),
    ("POST", "/groups/query", 0, Phase::Profile),
    ("PUT", "/sync-profile", 0, Phase::Profile),
    ("GET", "/sync-profile", 1, Phase::Profile),
    ("GET", "/ldap-directories", 0, Phase::Proof),
    ("POST", "/groups/query?", 0, Phase::Proof),
];

async fn each_fault_at_each_fleet_call_loses_no_group(artifact: Artifact) {
    let cells = kinds().into_iter().flat_map(|kind| CALLS.map(move |call| (kind.clone(), call)));
    let play = async |((name, kind), call): ((&'static str, FaultKind), Call)| {
        let cell = format!("{name} at {call:?}");
        let played = AssertUnwindSafe(play(artifact, kind, call)).catch_unwind().await;
        let failed = |panic: Box<dyn std::any::Any + Send>| match panic.downcast::<String>() {
            Ok(message) => *message,
            Err(_) => "an assertion failed; its message is above".to_owned(),
        };
        played.map_err(failed).err().map(|message| format!("{cell}: {message}"))
    };
    let played = stream::iter(cells.map(play)).buffer_unordered(32).collect::<Vec<_>>().await;
    let failures: Vec<String> = played.into_iter().flatten().collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

async fn play(artifact: Artifact, kind: FaultKind, call: Call) {
    let variables = vec![
        ("upstream_body_limit", "100000".to_owned()),
        ("request_timeout", "20".to_owned()),
        ("first_byte_timeout", "4".to_owned()),
        ("between_bytes_timeout", "4".to_owned()),
    ];
    let scene = Scene::with(Setting { variables, ..Setting::with_fleet(artifact) }).await;
    let simulator = &scene.simulator;
    simulator.configure_fleet(|settings| settings.sync_duration = SyncDuration::Fixed(RUN));
    for group in [NEW_GROUP, HANDMADE_GROUP] {
        simulator.add_ad_group(seeds::FLEET_CORP, group, &[]).unwrap();
    }
    let selected = || simulator.fleet_selected(seeds::FLEET_CORP).unwrap();
    let runs = || simulator.fleet_sync_runs(seeds::FLEET_CORP).unwrap().len();
    let before = selected();

    let (method, path, after, phase) = call;
    let fault = Fault { after, ..Fault::new(kind).on(Server::Fleet).method(method).path(path) };
    let answer = match phase {
        Phase::Start => {
            simulator.add_fault(fault);
            post(&scene, &json!({})).await
        }
        Phase::Profile => {
            simulator.add_fault(fault);
            post(&scene, &json!({"groups": [HANDMADE_GROUP], "addToProfile": true})).await
        }
        Phase::Proof => {
            let started = post(&scene, &json!({"groups": ["gg-new@corp.example"]})).await;
            assert_eq!(started.status, 202, "{}", started.text);
            tokio::time::sleep(RUN * 2).await;
            simulator.add_fault(fault);
            send(request(&scene, Method::GET, started.header("location"))).await
        }
    };
    assert_eq!(simulator.faults(), [], "the call was not made");
    let is_repeatable = answer.json()["retryable"] == true;
    if phase != Phase::Proof && (is_repeatable || (phase == Phase::Profile && !answer.status.is_success())) {
        assert_eq!(runs(), 0, "a run began, and the caller is asked to repeat the request: {}", answer.text);
    }
    if !answer.status.is_success() {
        let code = answer.json()["code"].as_str().unwrap().to_owned();
        answer.problem(&code);
    }
    let now = selected();
    assert!(now.is_superset(&before), "{before:?} became {now:?}: {}", answer.text);
    if phase == Phase::Profile && answer.status.is_success() {
        assert!(now.contains(HANDMADE_GROUP), "{now:?}");
    }

    simulator.clear_faults();
    let groups = json!({"groups": [seeds::PRESENT_GROUP_DN, NEW_GROUP, HANDMADE_GROUP], "addToProfile": true});
    let started = post(&scene, &groups).await;
    if path.contains("acquire") && answer.text.contains("upstream_auth") {
        // The account is spared for a quarter of an hour.
        started.problem("upstream_auth");
        return;
    }
    assert_eq!(started.status, 202, "{}; before: {}", started.text, answer.text);
    let mut state = Value::Null;
    // The run of the first start may appear for ten seconds; only then the next one is sent.
    for _ in 0..2 {
        let wait = request(&scene, Method::GET, started.header("location")).header("prefer", "wait=20");
        state = send(wait).await.json();
        if state["status"] == "succeeded" {
            break;
        }
    }
    assert_eq!(state["status"], "succeeded", "{state}; before: {}", answer.text);
}

fn request(scene: &Scene, method: Method, path: &str) -> RequestBuilder {
    scene.request(method, path).bearer_auth(&scene.keys.all).header("content-type", "application/json")
}

async fn post(scene: &Scene, body: &Value) -> Answer {
    send(request(scene, Method::POST, SYNCS).body(body.to_string())).await
}

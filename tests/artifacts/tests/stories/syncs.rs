//! Reliable syncs: joined, watched, proven; and many concurrent callers.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use idhook_host::KeyValue;
use idhook_simulator::{Fault, Options as SimulatorOptions, Outcome, StatusShape, SyncDuration, seeds};
use reqwest::Method;
use serde_json::{Value, json};
use xtask::artifact::Artifact;

use crate::scene::{Scene, Setting, send};

stories! {
    all:
    group_is_proven_or_reported_absent,
    invalid_groups_are_rejected_before_a_start,
    concurrent_starts_share_one_run,
    crowd_without_keys_does_no_harm,
    earlier_result_is_not_reported_as_ours,
    unreadable_states_are_unknown_unless_groups_decide,
    list_of_ended_runs_shows_a_run_at_its_end,
    wait_ends_with_the_sync_or_its_time_limit,
    event_stream_reports_each_change_and_ends,
    watchers_share_calls_and_leave_no_cost,
    history_and_dry_run_are_returned_if_available,
}

stories! {
    in_spin:
    crowd_with_a_wrong_password_locks_no_account,
    two_hosts_on_one_store_join_each_others_syncs,
}

stories! {
    in_one_instance:
    one_instance_keeps_the_queue_without_a_store,
}

const NEW_GROUP: &str = "CN=gg-new,OU=Groups,DC=corp,DC=example";
const PICKED_GROUP: &str = "CN=gg-handmade,OU=Picked,DC=corp,DC=example";

fn syncs() -> String {
    format!("/vidm/default/v1/directories/{}/syncs", seeds::CORP)
}

/// Starts a sync and returns the path of its state.
async fn start(scene: &Scene, body: &Value) -> String {
    let started = scene.post(&syncs(), &body.to_string()).await;
    assert_eq!(started.status, 202, "{}", started.text);
    started.header("location").to_owned()
}

async fn status(scene: &Scene, place: &str) -> String {
    let state = scene.get(place).await;
    assert_eq!(state.status, 200, "{}", state.text);
    state.json()["status"].as_str().unwrap().to_owned()
}

fn end(scene: &Scene) {
    scene.simulator.finish_sync(seeds::CORP, Outcome::Completed).unwrap();
}

fn runs(scene: &Scene) -> usize {
    scene.simulator.runs_started(seeds::CORP).unwrap()
}

async fn group_is_proven_or_reported_absent(artifact: Artifact) {
    for setting in Setting::with_and_without_store(artifact) {
        let scene = Scene::with(setting).await;
        scene.simulator.add_directory_group(seeds::CORP, NEW_GROUP).unwrap();
        let wanted = json!({"groups": [NEW_GROUP, "gg-new@corp.example", seeds::PRESENT_GROUP_DN]});
        let place = start(&scene, &wanted).await;
        assert_eq!(status(&scene, &place).await, "running");
        end(&scene);
        let state = scene.get(&place).await.json();
        assert_eq!(state["status"], "succeeded", "{state}");
        let states: Vec<_> = state["groups"].as_array().unwrap().iter().map(|group| &group["state"]).collect();
        assert_eq!(states, ["present"; 3], "{state}");

        // Not under a base that is synced as a whole: it is never imported by itself, and the hint says what to do.
        scene.simulator.add_directory_group(seeds::CORP, PICKED_GROUP).unwrap();
        let place = start(&scene, &json!({"groups": [PICKED_GROUP]})).await;
        end(&scene);
        let state = scene.get(&place).await.json();
        assert_eq!((&state["status"], &state["reason"]), (&json!("failed"), &json!("group_absent")), "{state}");
        assert!(state["hint"].as_str().unwrap().contains("addToProfile"));

        let place = start(&scene, &json!({"groups": [PICKED_GROUP], "addToProfile": "true"})).await;
        end(&scene);
        assert_eq!(status(&scene, &place).await, "succeeded", "added to the profile first");
        let groups = scene.get("/vidm/default/v1/groups?name=gg-app@corp.example").await.json();
        assert_eq!(groups["present"], true, "what was selected before is still there");
    }
}

async fn invalid_groups_are_rejected_before_a_start(artifact: Artifact) {
    let scene = Scene::of(artifact).await;
    let body = json!({"groups": ["", "gg\nx", "CN=a,DC=b", "name@x"], "addToProfile": true});
    let problem = scene.post(&syncs(), &body.to_string()).await.problem("request_invalid");
    let pointers: Vec<_> =
        problem["errors"].as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap()).collect();
    assert!(pointers.contains(&"/groups/2") || pointers.contains(&"/groups/1"), "{problem}");
    let many = json!({"groups": vec!["CN=gg-new,DC=corp,DC=example"; 101]});
    scene.post(&syncs(), &many.to_string()).await.problem("request_invalid");
    assert_eq!(runs(&scene), 0);
}

/// A hundred concurrent callers, with every store: `crowds.rs`.
async fn one_instance_keeps_the_queue_without_a_store(artifact: Artifact) {
    let scene = Scene::with(Setting::without_store(artifact)).await;
    let first = start(&scene, &json!({})).await;
    assert_eq!(status(&scene, &first).await, "running");
    // The second of vIDM's Date header must be over before a clock can separate the other runs from the first.
    tokio::time::sleep(Duration::from_millis(2100)).await;
    let mut places = Vec::new();
    for _ in 0..20 {
        places.push(start(&scene, &json!({})).await);
    }
    for place in [places.first().unwrap(), places.last().unwrap()] {
        assert_eq!(status(&scene, place).await, "queued");
    }
    end(&scene);
    assert_eq!(status(&scene, &first).await, "succeeded");
    for place in &places {
        let now = status(&scene, place).await;
        assert!(now == "running" || now == "queued", "the earlier run is not reported: {now}");
    }
    assert_eq!(status(&scene, places.last().unwrap()).await, "running");
    end(&scene);
    for place in &places {
        assert_eq!(status(&scene, place).await, "succeeded");
    }
    assert_eq!(status(&scene, &first).await, "succeeded", "and the first stays what it was");
    assert_eq!(runs(&scene), 2);
}

async fn concurrent_starts_share_one_run(artifact: Artifact) {
    let scene = Scene::of(artifact).await;
    let path = syncs();
    let started = join_all((0..12).map(|_| scene.post(&path, ""))).await;
    for answer in &started {
        assert_eq!(answer.status, 202, "{}", answer.text);
    }
    end(&scene);
    let mut waiting: Vec<_> = started.iter().map(|answer| answer.header("location").to_owned()).collect();
    for _ in 0..3 {
        let mut still = Vec::new();
        for place in waiting {
            if status(&scene, &place).await != "succeeded" {
                still.push(place);
            }
        }
        waiting = still;
        if !waiting.is_empty() {
            end(&scene);
        }
    }
    assert!(waiting.is_empty());
    assert!(runs(&scene) <= 2, "{} runs", runs(&scene));
}

async fn crowd_without_keys_does_no_harm(artifact: Artifact) {
    let scene = Scene::of(artifact).await;
    let answers = join_all((0..60).map(|_| scene.get("/vidm/default/v1/directories"))).await;
    for answer in answers {
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    let logins = scene.asked().iter().filter(|call| call.ends_with("/login")).count();
    // One, unless the machine is so busy that the store is bypassed or the first login takes seconds.
    assert!(logins < 20 || !scene.remembers(), "concurrent requests share a login: {logins}");
    assert!(!scene.host.output().contains("trap"), "{}", scene.host.output());
}

async fn crowd_with_a_wrong_password_locks_no_account(artifact: Artifact) {
    let variables = vec![("vidm_password", "planted-wrong".to_owned())];
    let scene = Scene::with(Setting { variables, ..Setting::of(artifact) }).await;
    for answer in join_all((0..20).map(|_| scene.get("/vidm/default/v1/directories"))).await {
        answer.problem("upstream_auth");
    }
    // The simulator locks after five.
    let asked = scene.asked().len();
    assert!(asked < 5, "{asked}");
}

async fn two_hosts_on_one_store_join_each_others_syncs(artifact: Artifact) {
    let shared = KeyValue::default();
    let scene = Scene::with(Setting { key_value: shared, ..Setting::of(artifact) }).await;
    let other = scene.another_host(|_| {}).await;
    let at_other = async |method: Method, path: &str| {
        let request = scene.client.request(method, format!("{}{path}", other.url())).bearer_auth(&scene.keys.all);
        send(request).await
    };
    let first = start(&scene, &json!({})).await;
    assert_eq!(status(&scene, &first).await, "running");
    let second = at_other(Method::POST, &syncs()).await;
    assert_eq!((second.status.as_u16(), &second.json()["status"]), (202, &json!("queued")), "{}", second.text);
    let second = second.header("location").to_owned();
    end(&scene);
    assert_eq!(at_other(Method::GET, &first).await.json()["status"], "succeeded", "either host answers for either");
    assert_eq!(status(&scene, &second).await, "running", "any request advances the queue");
    end(&scene);
    assert_eq!(at_other(Method::GET, &second).await.json()["status"], "succeeded");
    assert_eq!(runs(&scene), 2);
}

async fn earlier_result_is_not_reported_as_ours(artifact: Artifact) {
    // For a while after the kick-off vIDM reports the previous run, which succeeded.
    let mut simulator = SimulatorOptions::default();
    simulator.vidm.status_lag = Duration::from_secs(3600);
    let scene = Scene::with(Setting { simulator, ..Setting::of(artifact) }).await;
    let place = start(&scene, &json!({})).await;
    assert_eq!(status(&scene, &place).await, "running");
    assert_eq!(runs(&scene), 1, "and nothing more is started for it");
}

async fn unreadable_states_are_unknown_unless_groups_decide(artifact: Artifact) {
    for shape in [StatusShape::Word("FROBNICATING".to_owned()), StatusShape::Empty, StatusShape::NotFound] {
        let scene = Scene::of(artifact).await;
        let place = start(&scene, &json!({"groups": [seeds::PRESENT_GROUP_DN]})).await;
        scene.simulator.configure_vidm(|vidm| vidm.status_shape = shape.clone());
        scene.simulator.add_fault(Fault::answer(404, "text/html", "<title>404").path("syncexecutions").always());
        assert_eq!(status(&scene, &place).await, "succeeded", "{shape:?}: the group is there");
        let place = start(&scene, &json!({})).await;
        let state = scene.get(&place).await.json();
        assert_eq!(state["status"], "unknown", "{shape:?}: {state}");
        assert!(state["upstream"]["status"].is_string(), "{shape:?}: {state}");
    }
}

async fn list_of_ended_runs_shows_a_run_at_its_end(artifact: Artifact) {
    let scene = Scene::of(artifact).await;
    scene.simulator.add_directory_group(seeds::CORP, NEW_GROUP).unwrap();
    let place = start(&scene, &json!({"groups": [NEW_GROUP]})).await;
    scene.simulator.configure_vidm(|vidm| vidm.status_shape = StatusShape::Word("FROBNICATING".to_owned()));
    let state = scene.get(&place).await.json();
    assert_eq!((&state["status"], &state["finishedAt"]), (&json!("running"), &Value::Null), "{state}");
    end(&scene);
    let state = scene.get(&place).await.json();
    assert_eq!((&state["status"], &state["groups"][0]["state"]), (&json!("succeeded"), &json!("present")), "{state}");
    assert_eq!(runs(&scene), 1);
}

async fn wait_ends_with_the_sync_or_its_time_limit(artifact: Artifact) {
    let scene = Scene::of(artifact).await;
    let place = start(&scene, &json!({})).await;
    let wait = |seconds: u64| {
        let request = scene.request(Method::GET, &place).bearer_auth(&scene.keys.all);
        send(request.header("prefer", format!("wait={seconds}")))
    };
    let began = Instant::now();
    let patient = wait(2).await;
    assert_eq!((patient.status.as_u16(), &patient.json()["status"]), (200, &json!("running")));
    assert_eq!(patient.header("preference-applied"), "wait=2");
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    scene.simulator.set_sync_duration(SyncDuration::Manual);
    let (done, ()) = tokio::join!(wait(30), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        end(&scene);
    });
    assert_eq!(done.json()["status"], "succeeded", "{}", done.text);
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
}

async fn event_stream_reports_each_change_and_ends(artifact: Artifact) {
    let scene = Scene::of(artifact).await;
    let place = start(&scene, &json!({"groups": [seeds::PRESENT_GROUP_NAME]})).await;
    let request = scene.request(Method::GET, &place).bearer_auth(&scene.keys.all).header("accept", "text/event-stream");
    let mut response = request.send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    // Otherwise nginx buffers everything until the end.
    assert_eq!(response.headers()["x-accel-buffering"], "no");
    let mut text = String::new();
    let mut ended = false;
    while let Some(piece) = response.chunk().await.unwrap() {
        text.push_str(&String::from_utf8_lossy(&piece));
        if text.contains("running") && !ended {
            end(&scene);
            ended = true;
        }
    }
    let states: Vec<Value> = text
        .split("\n\n")
        .filter_map(|event| event.split_once("event: state\ndata: ").map(|(_, data)| data))
        .map(|data| serde_json::from_str(data).unwrap())
        .collect();
    assert_eq!(states.first().unwrap()["status"], "running", "{text}");
    let last = states.last().unwrap();
    assert_eq!((&last["status"], &last["groups"][0]["state"]), (&json!("succeeded"), &json!("present")), "{text}");
    assert!(text.contains(":\n\n"), "a heartbeat: {text}");
    let lines = streams(&scene, "ended", 1).await;
    let [begun, ended] = lines.as_slice() else { panic!("{lines:#?}") };
    assert_eq!((&begun["stream"], &begun["request_id"]), (&json!("begun"), &ended["request_id"]));
    assert!(ended["calls"].as_array().is_some_and(|calls| calls.len() >= 2), "{ended}");
}

/// The log lines of event streams, once that many are about this part.
async fn streams(scene: &Scene, part: &str, count: usize) -> Vec<Value> {
    let begun = Instant::now();
    loop {
        let mut lines = scene.log();
        lines.retain(|line| line.get("stream").is_some());
        if lines.iter().filter(|line| line["stream"] == part).count() == count {
            return lines;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{count} streams {part}: {lines:#?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn watchers_share_calls_and_leave_no_cost(artifact: Artifact) {
    let scene = Scene::of(artifact).await;
    let place = start(&scene, &json!({})).await;
    scene.asked();
    let watch = || {
        let request =
            scene.request(Method::GET, &place).bearer_auth(&scene.keys.all).header("accept", "text/event-stream");
        async { request.send().await.unwrap() }
    };
    let mut watchers = Vec::new();
    for _ in 0..10 {
        watchers.push(watch().await);
    }
    tokio::time::sleep(Duration::from_millis(2800)).await;
    let asked = scene.asked().len();
    assert!(asked <= 9 || !scene.remembers(), "ten watchers, {asked} questions in three seconds");
    drop(watchers);
    tokio::time::sleep(Duration::from_millis(2500)).await;
    scene.asked();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(scene.asked(), [""; 0], "no watcher is left");
    assert_eq!(streams(&scene, "left", 10).await.len(), 20, "each has its two lines");
}

async fn history_and_dry_run_are_returned_if_available(artifact: Artifact) {
    let scene = Scene::of(artifact).await;
    let place = start(&scene, &json!({})).await;
    end(&scene);
    assert_eq!(status(&scene, &place).await, "succeeded");
    let history = scene.get(&syncs()).await;
    assert_eq!(history.status, 200, "{}", history.text);
    let listed = history.json();
    assert!(listed["syncs"].as_array().unwrap().len() >= 2, "{listed}");
    assert_eq!(listed["syncs"][0]["status"], "succeeded");

    let dry = scene.post(&syncs(), r#"{"dryRun":true}"#).await;
    assert!(dry.problem("not_supported")["detail"].as_str().unwrap().contains("no dry run"), "{}", dry.text);
    scene.simulator.configure_vidm(|vidm| vidm.dry_run = Some(json!({"usersAdded": 3})));
    let dry = scene.post(&syncs(), r#"{"dryRun":true}"#).await;
    assert_eq!((dry.status.as_u16(), &dry.json()["result"]["usersAdded"]), (200, &json!(3)), "{}", dry.text);
    assert_eq!(runs(&scene), 1, "a dry run is no run");
}

//! Concurrent changes to one profile and one connector, and groups that do not fit into an id.

use futures_util::future::join_all;
use idhook_host::KeyValue;
use idhook_simulator::{Fault, FaultKind, Outcome, seeds};
use reqwest::Method;
use serde_json::{Value, json};
use xtask::artifact::Artifact;

use crate::scene::{Answer, Scene, Setting, send};

stories! {
    all:
    oversized_groups_without_a_store_are_rejected,
    directories_of_one_connector_sync_in_turn,
    directories_with_unknown_connectors_sync_in_parallel,
}

stories! {
    in_spin:
    oversized_groups_are_kept_in_the_store,
    lost_groups_are_reported,
    concurrent_profile_additions_lose_no_group,
}

fn syncs(directory: &str) -> String {
    format!("/vidm/default/v1/directories/{directory}/syncs")
}

async fn start(scene: &Scene, directory: &str, body: &Value) -> Answer {
    let started = scene.post(&syncs(directory), &body.to_string()).await;
    assert_eq!(started.status, 202, "{}", started.text);
    started
}

async fn state(scene: &Scene, started: &Answer) -> Value {
    scene.get(started.header("location")).await.json()
}

fn many_groups() -> Vec<String> {
    // A sync id has room for names that differ in a few characters; these differ in most.
    let letters = |at: usize| -> String { (1..=16).map(|n| char::from(b'a' + (at * n * 7 % 26) as u8)).collect() };
    (0..40).map(|at| format!("CN=gg-{}{at:02},OU=Groups,DC=corp,DC=example", letters(at))).collect()
}

async fn oversized_groups_are_kept_in_the_store(artifact: Artifact) {
    let mut scene = Scene::of(artifact).await;
    let groups = many_groups();
    for group in groups.iter().skip(1) {
        scene.simulator.add_directory_group(seeds::CORP, group).unwrap();
    }
    let started = start(&scene, seeds::CORP, &json!({ "groups": groups })).await;
    assert!(started.json()["id"].as_str().unwrap().len() <= 255, "{}", started.text);
    scene.simulator.finish_sync(seeds::CORP, Outcome::Completed).unwrap();
    // Every instance knows them, also a new one.
    scene.restart().await;
    let state = state(&scene, &started).await;
    assert_eq!((&state["status"], &state["reason"]), (&json!("failed"), &json!("group_absent")), "{state}");
    let told: Vec<_> =
        state["groups"].as_array().unwrap().iter().map(|group| group["state"].as_str().unwrap()).collect();
    assert_eq!(told[0], "absent");
    assert_eq!((told.len(), told[1..].iter().all(|told| *told == "present")), (40, true), "{told:?}");
    assert_eq!(state["id"], started.json()["id"], "the id stays what it was");
}

async fn oversized_groups_without_a_store_are_rejected(artifact: Artifact) {
    let scene = Scene::with(Setting::without_store(artifact)).await;
    let problem = scene.post(&syncs(seeds::CORP), &json!({ "groups": many_groups() }).to_string()).await;
    let problem = problem.problem("request_invalid");
    assert_eq!(problem["errors"][0]["pointer"], "/groups", "{problem}");
    assert!(problem["hint"].as_str().unwrap().contains("key-value store"), "{problem}");
    assert_eq!(scene.simulator.runs_started(seeds::CORP).unwrap(), 0);
}

async fn lost_groups_are_reported(artifact: Artifact) {
    let key_value = KeyValue::default();
    let scene = Scene::with(Setting { key_value: key_value.clone(), ..Setting::of(artifact) }).await;
    let started = start(&scene, seeds::CORP, &json!({ "groups": many_groups() })).await;
    let keys = key_value.keys("default").await.unwrap();
    let place = keys.iter().find(|key| key.contains(":request:place:")).unwrap();
    key_value.set("default", place, b"a foreign value".to_vec()).await.unwrap();
    let problem = scene.get(started.header("location")).await;
    assert!(problem.problem("sync_not_found")["detail"].as_str().unwrap().contains("store"));
}

async fn directories_of_one_connector_sync_in_turn(artifact: Artifact) {
    for setting in Setting::with_and_without_store(artifact) {
        let scene = Scene::with(setting).await;
        if !scene.remembers() {
            // Without a common store the other's sync is unknown; vIDM handles both.
            continue;
        }
        let corp = start(&scene, seeds::CORP, &json!({})).await;
        let cloud = start(&scene, seeds::CLOUD, &json!({})).await;
        assert_eq!(cloud.json()["status"], "queued");
        let waits = state(&scene, &cloud).await;
        assert_eq!(waits["status"], "queued");
        assert!(waits["message"].as_str().unwrap().contains("connector"), "{waits}");
        assert_eq!(scene.simulator.runs_started(seeds::CLOUD).unwrap(), 0);

        scene.simulator.finish_sync(seeds::CORP, Outcome::Completed).unwrap();
        assert_eq!(state(&scene, &cloud).await["status"], "running");
        assert_eq!(scene.simulator.runs_started(seeds::CLOUD).unwrap(), 1);
        assert_eq!(state(&scene, &corp).await["status"], "succeeded");
        scene.simulator.finish_sync(seeds::CLOUD, Outcome::Completed).unwrap();
        assert_eq!(state(&scene, &cloud).await["status"], "succeeded");
        let asked = scene.asked();
        let lists = asked.iter().filter(|call| call.ends_with("/connectors")).count();
        if artifact.keeps_instances() {
            assert_eq!(lists, 2, "each directory's connectors once: {asked:?}");
        }
    }
}

async fn directories_with_unknown_connectors_sync_in_parallel(artifact: Artifact) {
    let scene = Scene::of(artifact).await;
    scene.simulator.add_fault(Fault::new(FaultKind::Html { status: 404 }).path("/connectors").always());
    start(&scene, seeds::CORP, &json!({})).await;
    assert_eq!(start(&scene, seeds::CLOUD, &json!({})).await.json()["status"], "running");
    assert_eq!(scene.simulator.runs_started(seeds::CLOUD).unwrap(), 1);
}

async fn concurrent_profile_additions_lose_no_group(artifact: Artifact) {
    let scene = Scene::of(artifact).await;
    let other = scene.another_host(|_| {}).await;
    let groups: Vec<_> = (0..8).map(|at| format!("CN=gg-at-once-{at},OU=Picked,DC=corp,DC=example")).collect();
    for group in &groups {
        scene.simulator.add_directory_group(seeds::CORP, group).unwrap();
    }
    let added = groups.iter().enumerate().map(|(at, group)| {
        let host = if at % 2 == 0 { scene.host.url() } else { other.url() };
        let body = json!({"groups": [group], "addToProfile": true}).to_string();
        let path = format!("{host}{}", syncs(seeds::CORP));
        send(scene.client.request(Method::POST, path).bearer_auth(&scene.keys.all).body(body))
    });
    for answer in join_all(added).await {
        assert_eq!(answer.status, 202, "{}", answer.text);
    }
    let writes = scene.asked().into_iter().filter(|call| call.starts_with("PUT ")).count();
    assert_eq!(writes, groups.len(), "each wrote once: no repair was needed");

    let started = start(
        &scene,
        seeds::CORP,
        &json!({"groups": groups.iter().chain([&seeds::PRESENT_GROUP_DN.to_owned()]).collect::<Vec<_>>()}),
    )
    .await;
    scene.simulator.finish_sync(seeds::CORP, Outcome::Completed).unwrap();
    let mut last = state(&scene, &started).await;
    if last["status"] != "succeeded" {
        // It waited for the active run; the next one is its own.
        scene.simulator.finish_sync(seeds::CORP, Outcome::Completed).unwrap();
        last = state(&scene, &started).await;
    }
    assert_eq!(last["status"], "succeeded", "{last}");
}

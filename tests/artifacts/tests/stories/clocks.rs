//! Different clocks: the one behind vIDM's start times, the one behind its `Date` header, and idhook's.

use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};
use idhook_simulator::{Clocks, StartTimes, SyncDuration, seeds};
use serde_json::json;
use xtask::artifact::Artifact;

use crate::scene::{Scene, Setting};

stories! {
    all, several_threads:
    different_clocks_cause_no_second_start,
}

stories! {
    all:
    foreign_run_serves_no_later_request,
}

const HOUR: i64 = 3_600_000;

/// Clocks seen in the field: a proxy's `Date`, a connector's clock, local time, whole seconds, drift, or none.
const CLOCKS: [Clocks; 8] = [
    Clocks { start_times: StartTimes::Milliseconds, ahead: 0, gains: 0, date_ahead: Some(2) },
    Clocks { start_times: StartTimes::Milliseconds, ahead: 0, gains: 0, date_ahead: Some(-30) },
    Clocks { start_times: StartTimes::Milliseconds, ahead: 14 * HOUR, gains: 0, date_ahead: Some(0) },
    Clocks { start_times: StartTimes::Milliseconds, ahead: -14 * HOUR, gains: 20, date_ahead: None },
    Clocks { start_times: StartTimes::Seconds, ahead: 0, gains: 0, date_ahead: Some(0) },
    Clocks { start_times: StartTimes::Seconds, ahead: -450, gains: -20, date_ahead: Some(14 * 3600) },
    Clocks { start_times: StartTimes::Local, ahead: -5 * HOUR, gains: 0, date_ahead: Some(0) },
    Clocks { start_times: StartTimes::Local, ahead: 2 * HOUR, gains: 0, date_ahead: Some(-2) },
];

fn syncs() -> String {
    format!("/vidm/default/v1/directories/{}/syncs", seeds::CORP)
}

/// Polls until the sync is final; returns its status.
async fn ended(scene: &Scene, place: &str) -> String {
    let began = Instant::now();
    loop {
        let state = scene.get(place).await.json();
        let status = state["status"].as_str().unwrap().to_owned();
        if status == "succeeded" || status == "failed" {
            return status;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "no end: {state}");
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

async fn different_clocks_cause_no_second_start(artifact: Artifact) {
    // Hardly any of it is work: they wait for the runs.
    stream::iter(CLOCKS).for_each_concurrent(4, |clocks| cause_no_second_start(artifact, clocks)).await;
}

async fn cause_no_second_start(artifact: Artifact, clocks: Clocks) {
    for mut setting in Setting::with_and_without_store(artifact) {
        setting.simulator.vidm.clocks = clocks;
        let scene = Scene::with(setting).await;
        scene.simulator.set_sync_duration(SyncDuration::Fixed(Duration::from_millis(600)));
        let wanted = json!({"groups": [seeds::PRESENT_GROUP_DN]}).to_string();
        for requests in 1..=2 {
            let started = scene.post(&syncs(), &wanted).await;
            assert_eq!(started.status, 202, "{}", started.text);
            assert_eq!(ended(&scene, started.header("location")).await, "succeeded", "{clocks:?}");
            let runs = scene.simulator.runs_started(seeds::CORP).unwrap();
            assert_eq!(runs, requests, "one start for each request: {clocks:?}");
            if clocks.start_times != StartTimes::Milliseconds {
                // Two runs within one second look alike if times are whole seconds.
                tokio::time::sleep(Duration::from_millis(1100)).await;
            }
        }
    }
}

async fn foreign_run_serves_no_later_request(artifact: Artifact) {
    for setting in Setting::with_and_without_store(artifact) {
        let scene = Scene::with(setting).await;
        scene.simulator.configure_vidm(|vidm| vidm.clocks.date_ahead = Some(-30));
        // Another caller's run is active; vIDM accepts our start with 200 and continues that run.
        let before = scene.post(&syncs(), "").await;
        assert_eq!(before.status, 202, "{}", before.text);
        if !scene.remembers() {
            tokio::time::sleep(Duration::from_millis(1100)).await;
        }
        let ours = scene.post(&syncs(), "").await;
        assert_eq!(ours.json()["status"], "queued", "{}", ours.text);
        let place = ours.header("location");
        scene.simulator.finish_sync(seeds::CORP, idhook_simulator::Outcome::Completed).unwrap();
        assert_eq!(scene.get(place).await.json()["status"], "running", "the further run");
        assert_eq!(scene.simulator.runs_started(seeds::CORP).unwrap(), 2);
        assert_eq!(scene.get(place).await.json()["status"], "running", "it continues");
        scene.simulator.finish_sync(seeds::CORP, idhook_simulator::Outcome::Completed).unwrap();
        assert_eq!(scene.get(place).await.json()["status"], "succeeded");
    }
}

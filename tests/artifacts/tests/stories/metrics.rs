//! The metrics: instances come and go, and the counters stay.

use std::collections::BTreeMap;
use std::time::Duration;

use idhook_simulator::{Outcome, seeds};
use reqwest::StatusCode;
use xtask::artifact::Artifact;

use crate::scene::{Scene, Setting};

stories! {
    in_spin:
    counts_of_ended_instances_are_scraped,
}

stories! {
    all:
    metrics_can_be_read_without_a_store,
}

/// The samples by series, from each line of the text.
async fn scrape(scene: &Scene) -> BTreeMap<String, f64> {
    let answer = scene.get("/metrics").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let samples = answer.text.lines().filter(|line| !line.starts_with('#'));
    let samples = samples.map(|line| line.rsplit_once(' ').unwrap());
    samples.map(|(series, value)| (series.to_owned(), value.parse().unwrap())).collect()
}

async fn counts_of_ended_instances_are_scraped(artifact: Artifact) {
    let scene = Scene::of(artifact).await;
    let started = scene.post("/vidm/default/v1/directories/corp.example/syncs", "").await;
    assert_eq!(started.status, StatusCode::ACCEPTED, "{}", started.text);
    let joined = scene.post("/vidm/default/v1/directories/corp.example/syncs", "").await;
    assert_eq!(joined.status, StatusCode::ACCEPTED, "{}", joined.text);
    scene.simulator.finish_sync(seeds::CORP, Outcome::Completed).unwrap();
    for _ in 0..3 {
        assert_eq!(scene.get(started.header("location")).await.json()["status"], "succeeded");
    }
    let expected = [
        (r#"idhook_syncs_total{target="vidm/default",outcome="succeeded"}"#, 1.0),
        (r#"idhook_syncs_started_total{target="vidm/default"}"#, 2.0),
        (r#"idhook_joined_callers_total{target="vidm/default"}"#, 1.0),
        (r#"idhook_requests_total{route="/vidm/{target}/v1/syncs/{sync}",method="GET",status="200",code="none"}"#, 3.0),
        (
            r#"idhook_upstream_calls_total{target="vidm/default",call="POST /SAAS/API/1.0/REST/auth/system/login",status="200"}"#,
            1.0,
        ),
        ("idhook_counters_shared", 1.0),
    ];
    // An instance adds its counts right after its response.
    let mut seen = BTreeMap::new();
    for _ in 0..50 {
        seen = scrape(&scene).await;
        if expected.iter().all(|(series, value)| seen.get(*series) == Some(value)) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{seen:#?}");
}

async fn metrics_can_be_read_without_a_store(artifact: Artifact) {
    let scene = Scene::with(Setting::without_store(artifact)).await;
    let seen = scrape(&scene).await;
    assert_eq!(seen["idhook_counters_shared"], 0.0);
    assert_eq!(seen[concat!("idhook_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"}")], 1.0);
}

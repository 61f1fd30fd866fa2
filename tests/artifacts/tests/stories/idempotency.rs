//! Repeated requests to the shipped component: with a store, after a restart, without a store.

use idhook_host::KeyValue;
use idhook_simulator::{Fault, FaultKind, RetryAfter, seeds};
use reqwest::Method;
use serde_json::json;
use xtask::artifact::Artifact;

use crate::scene::{Answer, Scene, Setting, send};
use crate::store::{on, stores};

stories! {
    all:
    instance_memory_serves_without_a_store,
}

stories! {
    in_spin:
    every_instance_replays_the_response_with_a_store,
    concurrent_requests_start_one_sync,
    failed_request_is_processed_again,
}

fn start() -> String {
    format!("/vidm/default/v1/directories/{}/syncs", seeds::CORP)
}

async fn keyed(scene: &Scene, key: &str, body: &str) -> Answer {
    let request = scene.request(Method::POST, &start()).bearer_auth(&scene.keys.all);
    send(request.header("idempotency-key", key).body(body.to_owned())).await
}

fn status(answer: &Answer) -> &str {
    answer.header("idempotency-status")
}

async fn every_instance_replays_the_response_with_a_store(artifact: Artifact) {
    for (key_value, _redis) in stores() {
        let mut scene = Scene::with(on(artifact, key_value)).await;
        let first = keyed(&scene, "job-42", "").await;
        assert_eq!((first.status.as_u16(), status(&first)), (202, "stored"), "{}", first.text);
        scene.asked();
        scene.restart().await;
        for _ in 0..2 {
            let again = keyed(&scene, "\"job-42\"", "").await;
            assert_eq!((again.status.as_u16(), status(&again)), (202, "replayed"), "{}", again.text);
            assert_eq!((&again.text, again.header("location")), (&first.text, first.header("location")));
        }
        assert_eq!(scene.asked(), [""; 0], "vIDM was not asked");
        assert_eq!(scene.log().last().unwrap()["idempotency"], "replayed");
        keyed(&scene, "job-42", r#"{"dryRun":true}"#).await.problem("idempotency_key_reused");
        let other = scene.request(Method::POST, &start()).bearer_auth(&scene.keys.syncer);
        assert_eq!(status(&send(other.header("idempotency-key", "job-42")).await), "stored", "another caller's own");
        keyed(&scene, "two words", "").await.problem("request_invalid");
    }
}

async fn concurrent_requests_start_one_sync(artifact: Artifact) {
    for (key_value, _redis) in stores() {
        let variables = vec![("state_key", "pOb2TGAdDhbFxUcP3RmTTnhVPXuR0NJ8".to_owned())];
        let mut scene = Scene::with(Setting { variables, ..on(artifact, key_value) }).await;
        let mut other = scene.another_host(|_| {}).await;
        // Both are warm, so that no store call times out on a busy machine.
        for _ in 0..2 {
            scene.get("/vidm/default/v1/directories").await;
            std::mem::swap(&mut scene.host, &mut other);
        }
        let client = scene.client.clone();
        let calls = (0..12).map(|at| {
            let url = if at % 2 == 0 { scene.host.url() } else { other.url() };
            let request = client.post(format!("{url}{}", start())).bearer_auth(&scene.keys.all);
            tokio::spawn(send(request.header("idempotency-key", "storm")))
        });
        let (mut carried_out, mut places) = (0, Vec::new());
        for call in calls.collect::<Vec<_>>() {
            let answer = call.await.unwrap();
            match answer.status.as_u16() {
                202 => {
                    carried_out += usize::from(status(&answer) == "stored");
                    places.push(answer.header("location").to_owned());
                }
                _ => {
                    answer.problem("idempotency_key_in_flight");
                    assert!(!answer.header("retry-after").is_empty());
                }
            }
        }
        places.dedup();
        assert_eq!((carried_out, places.len()), (1, 1), "{places:?}");
        scene.restart().await;
        assert_eq!(status(&keyed(&scene, "storm", "").await), "replayed");
    }
}

async fn instance_memory_serves_without_a_store(artifact: Artifact) {
    let none = vec![("store", "none".to_owned())];
    for setting in [on(artifact, KeyValue::denied()), Setting { variables: none, ..Setting::of(artifact) }] {
        let mut scene = Scene::with(setting).await;
        let first = keyed(&scene, "job-42", "").await;
        assert_eq!((first.status.as_u16(), status(&first)), (202, "best-effort"));
        let again = keyed(&scene, "job-42", "").await;
        if artifact.keeps_instances() {
            assert_eq!((status(&again), &again.text), ("replayed", &first.text));
        } else {
            assert_eq!(status(&again), "best-effort", "no instance takes two requests");
        }
        scene.restart().await;
        assert_eq!(status(&keyed(&scene, "job-42", "").await), "best-effort", "it was another instance's");
    }
}

async fn failed_request_is_processed_again(artifact: Artifact) {
    let scene = Scene::of(artifact).await;
    scene.get("/vidm/default/v1/directories").await;
    let kind = FaultKind::Busy { status: 503, retry_after: RetryAfter::Absent };
    let fault =
        Fault { server: None, method: Some("POST".to_owned()), path: String::new(), times: None, after: 0, kind };
    scene.simulator.add_fault(fault);
    let failed = keyed(&scene, "job-43", "").await;
    assert_eq!((failed.status.as_u16(), status(&failed)), (503, "not-stored"), "{}", failed.text);
    scene.simulator.clear_faults();
    let mended = keyed(&scene, "job-43", "").await;
    assert_eq!((mended.status.as_u16(), status(&mended)), (202, "stored"), "{}", mended.text);
    assert_eq!(mended.json()["status"], json!("running"));
}

//! Many watchers of one sync.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use idhook_simulator::{Outcome, seeds};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use xtask::artifact::Artifact;

use crate::scene::{STATE_KEY, Scene, Setting, send};

stories! {
    in_spin, several_threads:
    thousand_watchers_cost_as_few_calls_as_one,
}

/// Event streams: a smaller crowd only where the machine is too slow for the one before.
const STREAMS: [usize; 4] = [1000, 400, 100, 20];

/// Requests with `Prefer: wait`.
const WAITS: usize = 50;

/// The duration of the run; longer if the machine needs longer to accept all watchers.
const RUN: Duration = Duration::from_secs(7);

/// The observations that a crowd may cost beyond twice those of one watcher: a new one observes at once, unless another just
/// did.
const MORE: usize = 6;

async fn thousand_watchers_cost_as_few_calls_as_one(artifact: Artifact) {
    // Two sockets per watcher, because both ends are in this process.
    xtask::limits::open_files(4096).unwrap();
    // One key for all of them.
    let variables = vec![("state_key", STATE_KEY.to_owned()), ("watch_limit", "0".to_owned())];
    for streams in STREAMS {
        let scene = Scene::with(Setting { variables: variables.clone(), ..Setting::of(artifact) }).await;
        let crowd = watch(&scene, streams, WAITS, RUN).await;
        let one = watch(&scene, 1, 0, crowd.length).await;
        assert!(one.looks >= 3, "one watcher looks at least so often: {one:?}");
        if crowd.looks <= 2 * one.looks + MORE && crowd.without_the_end == 0 {
            return;
        }
        // Then calls to the store exceed their time, and an instance that goes without it observes for itself.
        let is_too_slow = crowd.accepted_in > RUN / 2;
        let told = format!("{} watchers: {crowd:?}; one of them: {one:?}", streams + WAITS);
        assert!(is_too_slow, "{told}");
        // Not `eprintln!`, whose output passing tests hide.
        let _ = std::io::Write::write_all(
            &mut std::io::stderr(),
            format!("this machine is too slow for {told}\n").as_bytes(),
        );
    }
    panic!("this machine is too slow for any of the crowds");
}

/// What some watchers of one run cost, and whether they saw its end.
#[derive(Debug)]
struct Crowd {
    /// The calls for the state at vIDM.
    looks: usize,
    /// How long it took until every stream had its first event.
    accepted_in: Duration,
    /// How long the run actually was.
    length: Duration,
    /// Watchers that did not learn, or not without a problem on the way, that the run succeeded.
    without_the_end: usize,
}

/// Lets them watch a run of this length until all get the end.
async fn watch(scene: &Scene, streams: usize, waits: usize, length: Duration) -> Crowd {
    let syncs = format!("/vidm/default/v1/directories/{}/syncs", seeds::CORP);
    let started = scene.post(&syncs, "").await;
    assert_eq!(started.status, 202, "{}", started.text);
    scene.asked();

    let place = started.header("location");
    let request = || scene.request(Method::GET, place).bearer_auth(&scene.keys.all);
    let begun = Instant::now();
    let (arrived, mut arrivals) = unbounded_channel();
    let streams: Vec<_> = (0..streams).map(|_| tokio::spawn(follow(request(), arrived.clone()))).collect();
    let waits: Vec<_> = (0..waits).map(|_| tokio::spawn(send(request().header("prefer", "wait=120")))).collect();
    for _ in 0..streams.len() {
        arrivals.recv().await.unwrap();
    }
    let accepted_in = begun.elapsed();
    tokio::time::sleep(length.saturating_sub(begun.elapsed())).await;
    let length = begun.elapsed();
    scene.simulator.finish_sync(seeds::CORP, Outcome::Completed).unwrap();

    let mut without_the_end = 0;
    for last in join_all(streams).await {
        without_the_end += usize::from(last.unwrap().is_none_or(|state| state["status"] != "succeeded"));
    }
    for answer in join_all(waits).await {
        without_the_end += usize::from(answer.unwrap().json()["status"] != "succeeded");
    }
    let looks =
        scene.asked().iter().filter(|call| call.starts_with("GET") && call.ends_with("/syncprofile/sync")).count();
    Crowd { looks, accepted_in, length, without_the_end }
}

/// Follows an event stream to its end, reports the first event, and returns the last state; nothing if there was a problem.
async fn follow(request: RequestBuilder, arrived: UnboundedSender<()>) -> Option<Value> {
    let mut stream = request.header("accept", "text/event-stream").send().await.unwrap();
    assert_eq!(stream.status(), 200);
    let mut text = String::new();
    while let Some(piece) = stream.chunk().await.unwrap() {
        if text.is_empty() {
            arrived.send(()).unwrap();
        }
        text.push_str(&String::from_utf8_lossy(&piece));
    }
    if text.contains("event: problem") {
        return None;
    }
    let last = text.rsplit_once("event: state\ndata: ")?.1;
    serde_json::from_str(last.split_once("\n\n")?.0).ok()
}

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
    in_spin, alone:
    thousand_watchers_cost_as_few_calls_as_one,
}

/// Event streams.
const STREAMS: usize = 1000;

/// Streams that begin at once. All at the same moment only shows how long a slow machine needs: then store calls exceed their
/// time, and an instance that goes without the store observes for itself.
const AT_ONCE: usize = 25;

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
    let scene = Scene::with(Setting { variables, ..Setting::of(artifact) }).await;
    let (crowd, length) = looks(&scene, STREAMS, WAITS, RUN).await;
    let (one, _) = looks(&scene, 1, 0, length).await;
    assert!(one >= 3, "one watcher looks at least so often in {length:?}: {one}");
    assert!(
        crowd <= 2 * one + MORE,
        "{crowd} looks for {} watchers of a run of {length:?}; {one} for one of them",
        STREAMS + WAITS
    );
}

/// Lets them watch a run of this length until all get the end; returns the number of state calls, and the run's actual
/// length.
async fn looks(scene: &Scene, streams: usize, waits: usize, length: Duration) -> (usize, Duration) {
    let syncs = format!("/vidm/default/v1/directories/{}/syncs", seeds::CORP);
    let started = scene.post(&syncs, "").await;
    assert_eq!(started.status, 202, "{}", started.text);
    scene.asked();

    let place = started.header("location");
    let request = || scene.request(Method::GET, place).bearer_auth(&scene.keys.all);
    let begun = Instant::now();
    let (arrived, mut arrivals) = unbounded_channel();
    let waits: Vec<_> = (0..waits).map(|_| tokio::spawn(send(request().header("prefer", "wait=120")))).collect();
    let mut followers = Vec::with_capacity(streams);
    while followers.len() < streams {
        let more = AT_ONCE.min(streams - followers.len());
        followers.extend((0..more).map(|_| tokio::spawn(follow(request(), arrived.clone()))));
        for _ in 0..more {
            arrivals.recv().await.unwrap();
        }
    }
    tokio::time::sleep(length.saturating_sub(begun.elapsed())).await;
    let length = begun.elapsed();
    scene.simulator.finish_sync(seeds::CORP, Outcome::Completed).unwrap();

    for last in join_all(followers).await {
        assert_eq!(last.unwrap()["status"], "succeeded");
    }
    for answer in join_all(waits).await {
        let answer = answer.unwrap();
        assert_eq!(answer.json()["status"], "succeeded", "{}", answer.text);
    }
    let looks =
        scene.asked().iter().filter(|call| call.starts_with("GET") && call.ends_with("/syncprofile/sync")).count();
    (looks, length)
}

/// Follows an event stream to its end, reports the first event, and returns the last state.
async fn follow(request: RequestBuilder, arrived: UnboundedSender<()>) -> Value {
    let mut stream = request.header("accept", "text/event-stream").send().await.unwrap();
    assert_eq!(stream.status(), 200);
    let mut text = String::new();
    while let Some(piece) = stream.chunk().await.unwrap() {
        if text.is_empty() {
            arrived.send(()).unwrap();
        }
        text.push_str(&String::from_utf8_lossy(&piece));
    }
    assert!(!text.contains("event: problem"), "{text}");
    let last = text.rsplit_once("event: state\ndata: ").unwrap().1;
    serde_json::from_str(last.split_once("\n\n").unwrap().0).unwrap()
}

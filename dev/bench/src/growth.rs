//! How time and memory grow with the number of directories, groups to prove, watchers and targets, to detect growth worse
//! than linear. On dev/host, with its store in memory.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use http::{HeaderValue, Method, header};
use serde::Serialize;
use serde_json::json;

use crate::bench::Bench;
use crate::cell::{Operation, Store, milliseconds};
use crate::load::{self, Bounds, Order, Watcher};
use crate::report::say;
use crate::server::{Component, Kind, Server};

/// The subcommand's name.
pub(crate) const NAME: &str = "growth";

/// How long watchers watch.
const WATCHED: Duration = Duration::from_secs(10);

/// The cost of one step.
#[derive(Debug, Serialize)]
struct Step {
    what: &'static str,
    count: usize,
    /// Per request; for watchers: per second of all of them.
    cpu_ms: f64,
    p50_ms: f64,
    memory_kb: u64,
    upstream_calls: f64,
    store_calls: f64,
}

/// Measures and prints every step, and writes them to `json`.
pub(crate) async fn run(bench: &Bench, json: Option<&Path>) -> Result<()> {
    say(format!(
        "{:<22} {:>7} {:>10} {:>10} {:>12} {:>10} {:>9} {:>8}",
        "what", "count", "CPU ms", "p50 ms", "CPU us each", "memory", "upstream", "store"
    ));
    let mut steps = Vec::new();
    for count in [10, 100, 1000, 10_000] {
        bench.stub.set_directories(count);
        let mut server = start(bench, false, &[("upstream_body_limit", (64 << 20).to_string())]).await?;
        let order = bench.order(&server, Operation::List).await?;
        steps.push(repeated(bench, &mut server, ("list of directories", count), &order).await?);
        let order = bench.order(&server, Operation::Join).await?;
        steps.push(repeated(bench, &mut server, ("start among directories", count), &order).await?);
    }
    bench.stub.set_directories(1);
    for count in [1, 10, 100] {
        steps.push(groups(bench, count).await?);
    }
    for count in [1, 10, 100, 1000] {
        steps.push(watchers(bench, count).await?);
    }
    for count in [1, 10, 100, 1000, 5000] {
        let one = json!({"url": bench.stub.url(), "username": "bench", "password": "no secret"});
        let targets: BTreeMap<String, _> = (0..count).map(|number| (format!("t{number}"), one.clone())).collect();
        let targets = json!({"vidm": targets}).to_string();
        let mut server = start(bench, false, &[("targets", targets.clone())]).await?;
        let order = bench.order(&server, Operation::List).await?;
        steps.push(repeated(bench, &mut server, ("targets, warm", count), &order).await?);
        drop(server);
        let mut server = start(bench, true, &[("targets", targets)]).await?;
        let order = bench.order(&server, Operation::List).await?;
        steps.push(repeated(bench, &mut server, ("targets, cold", count), &order).await?);
    }
    if let Some(file) = json {
        std::fs::write(file, serde_json::to_vec_pretty(&steps)?).with_context(|| file.display().to_string())?;
    }
    Ok(())
}

async fn start(bench: &Bench, fresh: bool, more: &[(&str, String)]) -> Result<Server> {
    bench.server_with(&Kind::DevHost, Component::Idhook, Store::Default, fresh, more).await
}

/// Counters before a step.
struct Before {
    cpu: Duration,
    upstream: u64,
    stored: u64,
}

impl Before {
    fn now(bench: &Bench, server: &mut Server) -> Self {
        let stored = server.store_calls().unwrap_or_default().values().sum();
        Self { cpu: server.tree().cpu().unwrap_or_default(), upstream: bench.stub.calls(), stored }
    }

    /// The difference since then, divided by `by`; printed.
    fn since(
        self,
        bench: &Bench,
        server: &mut Server,
        (what, count): (&'static str, usize),
        by: f64,
        p50: Duration,
    ) -> Step {
        let now = Self::now(bench, server);
        let step = Step {
            what,
            count,
            cpu_ms: milliseconds(now.cpu.saturating_sub(self.cpu)) / by,
            p50_ms: milliseconds(p50),
            memory_kb: server.tree().memory().unwrap_or_default() / 1000,
            upstream_calls: (now.upstream - self.upstream) as f64 / by,
            store_calls: (now.stored - self.stored) as f64 / by,
        };
        say(format!(
            "{:<22} {:>7} {:>10.2} {:>10.2} {:>12.1} {:>7} MB {:>9.2} {:>8.2}",
            what,
            count,
            step.cpu_ms,
            step.p50_ms,
            step.cpu_ms * 1000.0 / count as f64,
            step.memory_kb / 1000,
            step.upstream_calls,
            step.store_calls
        ));
        step
    }
}

/// One request, repeated by one caller.
async fn repeated(bench: &Bench, server: &mut Server, step: (&'static str, usize), order: &Order) -> Result<Step> {
    load::once(server.address, order).await?;
    let before = Before::now(bench, server);
    let bounds = Bounds { requests: 300, time: Duration::from_secs(4) };
    let seen = load::run(server.address, order, 1, bounds).await?;
    anyhow::ensure!(seen.failures == 0, "{} with {}: {} requests failed", step.0, step.1, seen.failures);
    Ok(before.since(bench, server, step, seen.latencies.len() as f64, seen.percentile(0.5)))
}

/// Starts with this many groups, and the state request that proves them.
async fn groups(bench: &Bench, count: usize) -> Result<Step> {
    let mut server = start(bench, false, &[]).await?;
    let mut start = bench.order(&server, Operation::Start).await?;
    let names: Vec<String> = (0..count).map(|n| format!("CN=gg-{n},OU=Groups,DC=corp,DC=example")).collect();
    start.body = json!({"groups": names}).to_string().into();
    start.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let mut latencies = load::Seen::default();
    let before = Before::now(bench, &mut server);
    let rounds = 30;
    for _ in 0..rounds {
        let begun = Instant::now();
        let started = load::once(server.address, &start).await?;
        let place = started.headers.get(header::LOCATION).and_then(|place| place.to_str().ok());
        let path = place.context("the response has no Location")?.to_owned();
        let state = Order { method: Method::GET, path, headers: start.headers.clone(), body: bytes::Bytes::new() };
        let state = load::once(server.address, &state).await?;
        let state: serde_json::Value = serde_json::from_slice(&state.body)?;
        let is_proven = state.pointer("/groups/0/state").and_then(serde_json::Value::as_str) == Some("present");
        anyhow::ensure!(is_proven, "the groups are not proven: {state}");
        latencies.latencies.push(begun.elapsed());
    }
    let p50 = latencies.percentile(0.5);
    Ok(before.since(bench, &mut server, ("start and prove groups", count), f64::from(rounds), p50))
}

/// This many event streams of one sync.
async fn watchers(bench: &Bench, count: usize) -> Result<Step> {
    let mut server = start(bench, false, &[]).await?;
    let mut order = bench.order(&server, Operation::State).await?;
    order.headers.insert(header::ACCEPT, HeaderValue::from_static("text/event-stream"));
    let begun = Instant::now();
    let mut held = Vec::new();
    for _ in 0..count {
        held.push(Watcher::open(server.address, &order).await?);
    }
    let opened = begun.elapsed() / u32::try_from(count).unwrap_or(u32::MAX);
    let before = Before::now(bench, &mut server);
    tokio::time::sleep(WATCHED).await;
    let step = before.since(bench, &mut server, ("watchers, 1 s of", count), WATCHED.as_secs_f64(), opened);
    drop(held);
    Ok(step)
}

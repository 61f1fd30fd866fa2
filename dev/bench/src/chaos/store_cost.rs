//! `cargo xtask chaos store`: what one request costs Redis, in commands, memory and CPU, and how many requests one Redis carries.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command as Program;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::{Arg, ArgMatches, Command, value_parser};
use http::{HeaderValue, header};
use serde::Serialize;
use serde_json::json;

use super::receiver::SECRET;
use crate::bench::Bench;
use crate::cell::{Operation, Store};
use crate::load::{Connection, Order, Watcher};
use crate::redis_calls;
use crate::report::say;
use crate::server::{Component, Kind, Server};

/// The subcommand's name.
pub(super) const NAME: &str = "store";

/// The watchers, and how long they watch.
const WATCHERS: usize = 64;
const WATCHED: Duration = Duration::from_secs(30);

/// The size of a value for `redis-benchmark`; sealed entries have some hundred bytes.
const VALUE: &str = "400";

pub(super) fn command() -> Command {
    Command::new(NAME)
        .about("Counts Redis commands, memory and CPU for each kind of request, and compares them with redis-benchmark")
        .arg(
            Arg::new("requests")
                .long("requests")
                .value_name("N")
                .value_parser(value_parser!(u64).range(1..))
                .default_value("1000")
                .help("requests of each kind"),
        )
        .arg(
            Arg::new("json")
                .long("json")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .help("write all figures to this file"),
        )
}

/// A kind of request.
#[derive(Clone, Copy, Debug)]
enum What {
    Operation(Operation),
    Callback,
    Keyed,
}

const ALL: [(&str, What); 6] = [
    ("start", What::Operation(Operation::Start)),
    ("start with a callback", What::Callback),
    ("start with an Idempotency-Key", What::Keyed),
    ("join", What::Operation(Operation::Join)),
    ("state", What::Operation(Operation::State)),
    ("list", What::Operation(Operation::List)),
];

/// The cost of one request, or of one watcher for a second.
#[derive(Debug, Serialize)]
struct Cost {
    what: &'static str,
    count: usize,
    commands: BTreeMap<String, f64>,
    bytes: f64,
    /// Redis' own CPU, in microseconds.
    cpu_us: f64,
    /// How many of them in a second take all of what redis-benchmark measured.
    per_second: Option<f64>,
}

/// Redis at one time.
struct Reading {
    calls: BTreeMap<String, u64>,
    bytes: u64,
    cpu: Duration,
}

impl Reading {
    fn of(url: &str) -> Result<Self> {
        let cpu = redis_calls::cpu(url)?;
        Ok(Self { calls: redis_calls::by_command(url)?, bytes: redis_calls::size(url)?.0, cpu })
    }

    fn cost(self, url: &str, what: &'static str, count: usize, by: f64) -> Result<Cost> {
        let after = Self::of(url)?;
        let calls = redis_calls::difference(&after.calls, &self.calls);
        Ok(Cost {
            what,
            count,
            commands: calls.into_iter().map(|(name, calls)| (name, calls as f64 / by)).collect(),
            bytes: (after.bytes as f64 - self.bytes as f64) / by,
            cpu_us: after.cpu.saturating_sub(self.cpu).as_secs_f64() * 1e6 / by,
            per_second: None,
        })
    }
}

/// Measures and prints each kind.
pub(super) async fn run(matches: &ArgMatches) -> Result<()> {
    let requests = usize::try_from(matches.get_one::<u64>("requests").copied().unwrap_or(1))?;
    let bench = Bench::new(true).await?;
    let redis = bench.redis.as_ref().context("redis-server is not installed (Debian, Ubuntu: redis-server)")?;
    let url = redis.url();
    let mut costs = Vec::new();
    for (name, what) in ALL {
        costs.push(requested(&bench, &url, (name, what), requests).await?);
    }
    costs.push(watched(&bench, &url).await?);
    let rates = benchmark(&url)?;
    for (command, rate) in &rates {
        say(format!("redis-benchmark, 50 connections, {VALUE} bytes: {command} {rate:.0} a second"));
    }
    say(format!("\n{:<38} {:>9} {:>8} {:>9}  commands", "one", "bytes", "CPU us", "a second"));
    for cost in &mut costs {
        // `redis-benchmark` has no DEL and no EXISTS; they cost about as much as GET.
        let rate = |command: &str| match command {
            "incrby" => rates.get("INCR"),
            "set" => rates.get("SET"),
            _ => rates.get("GET"),
        };
        let seconds: f64 = cost.commands.iter().filter_map(|(command, calls)| Some(calls / rate(command)?)).sum();
        cost.per_second = (seconds > 0.0).then(|| 1.0 / seconds);
        let commands: Vec<String> =
            cost.commands.iter().map(|(command, calls)| format!("{command} {calls:.2}")).collect();
        let all: f64 = cost.commands.values().sum();
        say(format!(
            "{:<38} {:>9.0} {:>8.1} {:>9}  {all:.2}: {}",
            cost.what,
            cost.bytes,
            cost.cpu_us,
            cost.per_second.map_or_else(|| "-".to_owned(), |rate| format!("{rate:.0}")),
            commands.join(", ")
        ));
    }
    if let Some(file) = matches.get_one::<PathBuf>("json") {
        let document = json!({"benchmark": rates, "costs": costs});
        std::fs::write(file, serde_json::to_vec_pretty(&document)?).with_context(|| file.display().to_string())?;
    }
    Ok(())
}

/// A host with the limits that it has by default.
async fn start(bench: &Bench) -> Result<Server> {
    let callbacks = json!([{"name": "ticket", "url": format!("{}/idhook", bench.stub.url()), "secret": SECRET}]);
    let more = [
        ("rate_limit", "6000".to_owned()),
        ("watch_limit", "100".to_owned()),
        ("callbacks", callbacks.to_string()),
        ("outbound_host1", bench.stub.url()),
    ];
    bench.server_with(&Kind::DevHost, Component::Idhook, Store::Redis, false, &more).await
}

/// One request after another, of one caller.
async fn requested(bench: &Bench, url: &str, (name, what): (&'static str, What), requests: usize) -> Result<Cost> {
    let server = start(bench).await?;
    let mut order = match what {
        What::Operation(operation) => bench.order(&server, operation).await?,
        What::Callback | What::Keyed => bench.order(&server, Operation::Start).await?,
    };
    if matches!(what, What::Callback) {
        order.body = json!({"callback": "ticket"}).to_string().into();
        order.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    let mut connection = Connection::open(server.address).await?;
    let mut number = 0;
    // The first requests fill what the host remembers.
    send(&mut connection, &mut order, what, (&mut number, requests / 10)).await?;
    let before = Reading::of(url)?;
    send(&mut connection, &mut order, what, (&mut number, requests)).await?;
    before.cost(url, name, requests, requests as f64)
}

async fn send(
    connection: &mut Connection,
    order: &mut Order,
    what: What,
    (number, count): (&mut usize, usize),
) -> Result<()> {
    for _ in 0..count {
        *number += 1;
        if matches!(what, What::Keyed) {
            order.headers.insert("idempotency-key", format!("key-{number}").parse()?);
        }
        let reply = connection.send(order).await?;
        ensure!(reply.status.is_success(), "{} {}: {} {:?}", order.method, order.path, reply.status, reply.body);
    }
    Ok(())
}

/// Event streams of one sync.
async fn watched(bench: &Bench, url: &str) -> Result<Cost> {
    let server = start(bench).await?;
    let mut order = bench.order(&server, Operation::State).await?;
    order.headers.insert(header::ACCEPT, HeaderValue::from_static("text/event-stream"));
    let mut held = Vec::new();
    for _ in 0..WATCHERS {
        held.push(Watcher::open(server.address, &order).await?);
    }
    let before = Reading::of(url)?;
    tokio::time::sleep(WATCHED).await;
    before.cost(url, "second of an event stream", WATCHERS, WATCHERS as f64 * WATCHED.as_secs_f64())
}

/// Requests a second by `redis-benchmark`, by command.
fn benchmark(url: &str) -> Result<BTreeMap<String, f64>> {
    let port = url.rsplit(':').next().and_then(|rest| rest.split('/').next()).context("the URL has no port")?;
    let output = Program::new("redis-benchmark")
        .args(["-p", port, "-n", "200000", "-c", "50", "-d", VALUE, "-t", "get,set,incr", "--csv"])
        .output()
        .context("redis-benchmark cannot be started (Debian, Ubuntu: apt-get install redis-tools)")?;
    ensure!(output.status.success(), "redis-benchmark failed: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout)?;
    let line = |line: &str| {
        let mut fields = line.split(',').map(|field| field.trim_matches('"'));
        Some((fields.next()?.to_owned(), fields.next()?.parse().ok()?))
    };
    let rates: BTreeMap<String, f64> = text.lines().filter_map(line).collect();
    ensure!(!rates.is_empty(), "redis-benchmark reported nothing that can be read: {text}");
    Ok(rates)
}

//! `cargo xtask chaos`: several hosts over one Redis under load, of which one is killed every few seconds; the promises of
//! docs/internals hold nevertheless, or the command fails.

mod client;
mod follow;
mod hosts;
mod keyed;
mod limits;
mod receiver;
mod report;
mod starts;
mod store;
mod store_cost;
mod tally;
mod tenants;
mod timer;
mod verdict;
mod world;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::{Arg, ArgMatches, Command, value_parser};
use serde_json::json;
use tokio::task::JoinSet;
use xtask::artifact::Artifact;
use xtask::redis::Redis;

use crate::report::say;
use crate::server::Kind;
use world::World;

/// The subcommand's name.
pub(crate) const NAME: &str = "chaos";

/// The tasks with idempotency keys.
const KEYED: usize = 4;

/// How long the tasks may go on after the end of the load.
const CLOSING: Duration = Duration::from_secs(300);

pub(crate) fn command() -> Command {
    let number = |name: &'static str, value: &'static str, default: &'static str| {
        Arg::new(name).long(name).value_name(value).value_parser(value_parser!(u64).range(1..)).default_value(default)
    };
    let path = |name: &'static str, value: &'static str| {
        Arg::new(name).long(name).value_name(value).value_parser(value_parser!(PathBuf))
    };
    Command::new(NAME)
        .bin_name("cargo xtask chaos")
        .about("Kills hosts under load with kill -9 and checks what idhook promises of several hosts over one Redis")
        .arg(number("hosts", "N", "2").help("hosts, each in a process of its own"))
        .arg(number("seconds", "N", "600").help("duration of the load; the checks at the end take some minutes more"))
        .arg(
            Arg::new("kill-every")
                .long("kill-every")
                .value_name("SECONDS")
                .value_parser(value_parser!(f64))
                .default_value("5")
                .help("mean time between two kills; each is between 0.6 and 1.4 times as long"),
        )
        .arg(number("callers", "N", "16").help("callers that start syncs in four directories at once"))
        .arg(number("seed", "N", "1").help("begin of the random numbers: who is killed, who asks for what"))
        .arg(path("spin", "PATH").help("use this Spin (4.1 or later) in place of the development host"))
        .arg(path("logs", "FOLDER").help("keep the hosts' logs in this folder"))
        .arg(path("json", "FILE").help("write all figures to this file"))
        .subcommand(store_cost::command())
        .subcommand(tenants::command())
}

/// Runs the load and the checks.
///
/// # Errors
/// When something cannot be started, or a promise is broken.
pub(crate) async fn run(matches: &ArgMatches) -> Result<()> {
    match matches.subcommand() {
        Some((store_cost::NAME, matches)) => store_cost::run(matches).await,
        Some((tenants::NAME, matches)) => tenants::run(matches),
        _ => disturbed(matches).await,
    }
}

async fn disturbed(matches: &ArgMatches) -> Result<()> {
    let number = |name: &str| matches.get_one::<u64>(name).copied().unwrap_or(1);
    let path = |name: &str| matches.get_one::<PathBuf>(name);
    let (hosts, callers) = (usize::try_from(number("hosts"))?, usize::try_from(number("callers"))?);
    let every = matches.get_one::<f64>("kill-every").copied().unwrap_or(5.0);
    ensure!(every > 0.0, "--kill-every {every} is not a time; give a number of seconds, such as 5");
    ensure!(hosts > 1, "one host cannot take over from another; give --hosts 2 or more");
    let kind = match path("spin") {
        Some(program) => Kind::Spin(program.canonicalize().context("--spin")?),
        None => Kind::DevHost,
    };
    let redis =
        Redis::start()?.context("redis-server is not installed (Debian, Ubuntu: apt-get install redis-server)")?;
    let scratch = tempfile::tempdir()?;
    let logs = path("logs").map_or(scratch.path(), PathBuf::as_path);
    std::fs::create_dir_all(logs).with_context(|| format!("cannot make {}", logs.display()))?;
    let wasm = Artifact::Spin.build()?;
    let (seconds, seed) = (number("seconds"), number("seed"));
    let world = Arc::new(World::start((kind, wasm), (hosts, seconds, seed), redis, logs).await?);
    say(format!("{hosts} hosts, {seconds} s, a kill about every {every} s, {callers} callers, seed {seed}"));
    let load = played(&world, callers, every).await?;
    let (lines, troubles) = world.hosts.store_troubles()?;
    world.tally.add("requests in the logs", lines);
    for (trouble, count) in &troubles {
        say(format!("store: {trouble}: {count} requests"));
        world.tally.add("requests with trouble with the store", *count);
    }
    let counts = world.tally.snapshot();
    report::table(&counts, &load);
    if let Some(file) = path("json") {
        let options = json!({"hosts": hosts, "seconds": seconds, "killEvery": every, "callers": callers, "seed": seed});
        report::write(file, &options, &counts, &load)?;
    }
    ensure!(counts.broken() == 0, "{} promises are broken; the lines with BROKEN show how", counts.broken.len());
    say("\nAll promises held.");
    Ok(())
}

/// The load, the kills and the checks; returns the load on Redis.
async fn played(world: &Arc<World>, callers: usize, every: f64) -> Result<store::Load> {
    let before = store::Reading::of(&world.hosts.redis)?;
    let (added, accepted, streams) = <(Arc<keyed::Added>, Arc<limits::Accepted>, Arc<limits::Streams>)>::default();
    let mut random = world.random(0);
    let progress = tokio::spawn(report::progress(Arc::clone(world))).abort_handle();
    let mut tasks = JoinSet::new();
    let run = starts::long_run(world, &mut random).await.context("the long run cannot be started")?;
    for task in limits::watchers(world, &streams, &run) {
        tasks.spawn(task);
    }
    let places = World::crowded();
    for (number, place) in places.iter().enumerate() {
        let callers = callers.div_ceil(places.len());
        tasks.spawn(starts::crowds(Arc::clone(world), place.clone(), callers, world.random(100 + number)));
    }
    let [busy, quiet] = World::neighbours();
    tasks.spawn(starts::unwatched(Arc::clone(world), busy, world.random(200)));
    tasks.spawn(starts::neighbour(Arc::clone(world), quiet, world.random(201)));
    for number in 0..KEYED {
        let random = world.random(300 + number);
        tasks.spawn(keyed::keys(Arc::clone(world), Arc::clone(&added), places.clone(), random));
    }
    tasks.spawn(limits::hasty(Arc::clone(world), Arc::clone(&accepted), world.random(400)));
    tasks.spawn(timer::run(Arc::clone(world), world.random(500)));

    world.hosts.disturb(&world.tally, world.random(1), every, world.end).await?;
    tokio::time::sleep_until(world.end.into()).await;
    let load = store::Load::since(&before, &world.hosts.redis)?;
    say("the end of the load; all hosts stay up");
    let closed = tokio::time::timeout(CLOSING, async { while tasks.join_next().await.is_some() {} }).await;
    if closed.is_err() {
        world.tally.broke("everything is done at the end", format!("{} tasks still work", tasks.len()));
    }
    say("all requests are answered; the checks follow");
    verdict::check(world, &added.all(), (&accepted, &streams), &mut random).await?;
    progress.abort();
    Ok(load)
}

//! `cargo xtask bench`: measures idhook against the floor, in one run, with an upstream that responds at once.
//!
//! The floor (dev/floor) is a component that makes the same upstream calls and nothing else. The ratio of the two is what
//! matters; the times depend on the machine, and on dev/host, which is a development build.

mod bench;
mod cell;
mod chaos;
mod expected;
mod growth;
mod load;
mod measure;
mod process;
mod python;
mod redis_calls;
mod report;
mod serve;
mod server;
mod stub;
mod wire;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use crate::bench::{Bench, Plan};
use crate::cell::{Operation, Store};
use crate::load::Bounds;
use crate::report::say;
use crate::server::Kind;

#[tokio::main]
async fn main() -> ExitCode {
    let matches = command().get_matches();
    let done = match matches.subcommand() {
        Some((serve::NAME, matches)) => serve::run(matches).await,
        Some((python::NAME, _)) => python().await,
        Some((growth::NAME, matches)) => growth(matches).await,
        Some((chaos::NAME, matches)) => chaos(matches).await,
        _ => run(&matches).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            xtask::complain(&e);
            ExitCode::FAILURE
        }
    }
}

fn command() -> Command {
    let some = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_delimiter(',').action(ArgAction::Append).help(help)
    };
    let number = value_parser!(u64).range(1..);
    Command::new("bench")
        .bin_name("cargo xtask bench")
        .about("Measures idhook against the floor, a component that makes the same upstream calls and nothing else")
        .arg(
            Arg::new("spin")
                .long("spin")
                .value_name("PATH")
                .value_parser(value_parser!(PathBuf))
                .help("also measure on this Spin (4.1 or later), which is started for the run"),
        )
        .arg(json())
        .arg(
            Arg::new("quick").long("quick").action(ArgAction::SetTrue).help("one caller, few requests: to count calls"),
        )
        .arg(
            Arg::new("assert-calls")
                .long("assert-calls")
                .action(ArgAction::SetTrue)
                .help("fail if an operation makes more upstream or store calls than allowed"),
        )
        .arg(some("callers", "numbers of callers; default: 1,16,64,256").value_parser(number))
        .arg(
            some("operations", "some of start, join, list, state, cold; default: all")
                .value_parser(Operation::ALL.map(Operation::name)),
        )
        .arg(
            some("stores", "some of none, default (memory on dev/host, SQLite on Spin), redis; default: all")
                .value_parser(Store::ALL.map(Store::name)),
        )
        .arg(
            Arg::new("servers")
                .long("servers")
                .value_delimiter(',')
                .value_parser(["dev-host", "spin"])
                .action(ArgAction::Append)
                .help("which servers; default: both, Spin only with --spin"),
        )
        .arg(
            Arg::new("requests")
                .long("requests")
                .value_parser(value_parser!(usize))
                .help("most requests per cell; default: 2000"),
        )
        .arg(
            Arg::new("seconds")
                .long("seconds")
                .value_parser(value_parser!(u64))
                .help("most seconds per cell; default: 4"),
        )
        .subcommand(
            Command::new(python::NAME).about("Measures a Python script that starts a sync, against the same upstream"),
        )
        .subcommand(
            Command::new(growth::NAME)
                .about("Measures increasing numbers of directories, groups, watchers and targets")
                .arg(json()),
        )
        .subcommand(chaos::command())
        .subcommand(serve::command())
}

fn json() -> Arg {
    Arg::new("json")
        .long("json")
        .value_name("FILE")
        .value_parser(value_parser!(PathBuf))
        .help("write all figures to this file")
}

async fn python() -> Result<()> {
    python::run(&Bench::new(false).await?).await
}

async fn chaos(matches: &ArgMatches) -> Result<()> {
    xtask::limits::open_files(4096)?;
    chaos::run(matches).await
}

async fn growth(matches: &ArgMatches) -> Result<()> {
    xtask::limits::open_files(4096)?;
    growth::run(&Bench::new(false).await?, matches.get_one::<PathBuf>("json").map(PathBuf::as_path)).await
}

async fn run(matches: &ArgMatches) -> Result<()> {
    let quick = matches.get_flag("quick");
    let names = |name: &str| matches.get_many::<String>(name).map(|values| values.cloned().collect::<Vec<_>>());
    let (servers, stores, operations) = (names("servers"), names("stores"), names("operations"));
    let wants = |given: &Option<Vec<String>>, name: &str| {
        given.as_ref().is_none_or(|given| given.iter().any(|one| one == name))
    };
    let spin = matches.get_one::<PathBuf>("spin").map(|path| path.canonicalize().context("--spin")).transpose()?;
    let kinds = std::iter::once(Kind::DevHost).chain(spin.map(Kind::Spin));
    let callers =
        matches.get_many::<u64>("callers").map(|given| given.filter_map(|n| usize::try_from(*n).ok()).collect());
    let plan = Plan {
        servers: kinds.filter(|kind| wants(&servers, kind.name())).collect(),
        stores: Store::ALL.into_iter().filter(|store| wants(&stores, store.name())).collect(),
        operations: Operation::ALL.into_iter().filter(|operation| wants(&operations, operation.name())).collect(),
        callers: callers.unwrap_or_else(|| if quick { vec![1] } else { vec![1, 16, 64, 256] }),
        bounds: Bounds {
            requests: matches.get_one("requests").copied().unwrap_or(if quick { 100 } else { 2000 }),
            time: Duration::from_secs(matches.get_one("seconds").copied().unwrap_or(if quick { 20 } else { 4 })),
        },
    };
    // A socket for each caller and its instance's call, and some spare ones.
    xtask::limits::open_files(4096)?;
    let bench = Bench::new(plan.stores.contains(&Store::Redis)).await?;
    report::head();
    let cells = bench.run(&plan, report::row).await?;
    if let Some(file) = matches.get_one::<PathBuf>("json") {
        std::fs::write(file, serde_json::to_vec_pretty(&cells)?)
            .with_context(|| format!("cannot write {}", file.display()))?;
        say(format!("written to {}", file.display()));
    }
    if matches.get_flag("assert-calls") {
        expected::check(&cells)?;
    }
    Ok(())
}

//! `cargo demo`, `cargo serve`, `cargo simulator`, and what is done by hand now and then: `cargo xtask help`.

use std::process::ExitCode;

use clap::Command;
use xtask::{
    bench, build, bundle, ci, contract, demo, dist, docs, key, npm, openapi, python, serve, simulator, watchers,
};

#[tokio::main]
async fn main() -> ExitCode {
    let command = Command::new("cargo xtask")
        .bin_name("cargo xtask")
        .about("Development tasks of idhook")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(demo::command())
        .subcommand(serve::command())
        .subcommand(simulator::command())
        .subcommand(bench::command())
        .subcommand(build::command())
        .subcommand(ci::command())
        .subcommand(bundle::command())
        .subcommand(dist::command())
        .subcommand(docs::command())
        .subcommand(key::command())
        .subcommand(npm::command())
        .subcommand(openapi::command())
        .subcommand(python::command())
        .subcommand(contract::command())
        .subcommand(watchers::command());
    // `cargo demo -- --once` arrives as `xtask demo -- --once`: the alias has a `--` of its own already.
    let arguments = std::env::args_os().enumerate().filter(|(at, argument)| !(*at == 2 && argument == "--"));
    let done = match command.get_matches_from(arguments.map(|(_, argument)| argument)).subcommand() {
        Some((demo::NAME, matches)) => demo::run(matches).await,
        Some((serve::NAME, matches)) => serve::run(matches).await,
        Some((simulator::NAME, matches)) => simulator::run(matches).await,
        Some((contract::NAME, matches)) => contract::run(matches).await,
        Some((bench::NAME, matches)) => bench::run(matches),
        Some((ci::NAME, matches)) => ci::run(matches),
        Some((bundle::NAME, _)) => bundle::run(),
        Some((npm::NAME, _)) => npm::run(),
        Some((python::NAME, _)) => python::run(),
        Some((openapi::NAME, matches)) => openapi::run(matches),
        Some((dist::NAME, _)) => dist::run(),
        Some((docs::NAME, matches)) => docs::run(matches),
        Some((key::NAME, matches)) => key::run(matches),
        Some((watchers::NAME, matches)) => watchers::run(matches).await,
        _ => build::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            xtask::complain(&e);
            ExitCode::FAILURE
        }
    }
}

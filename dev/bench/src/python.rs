//! The Python script of the article on manual syncs, one process per sync, against the same upstream.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use crate::bench::Bench;
use crate::cell::milliseconds;
use crate::process;
use crate::report::say;
use crate::stub::DIRECTORY_NAME;

/// The subcommand's name.
pub(crate) const NAME: &str = "python";

const SCRIPT: &str = include_str!("sync.py");

/// The number of runs.
const RUNS: u32 = 20;

/// Runs it, and prints the cost of one sync.
pub(crate) async fn run(bench: &Bench) -> Result<()> {
    bench.stub.set_running(false);
    let folder = tempfile::tempdir()?;
    let script = folder.path().join("sync.py");
    std::fs::write(&script, SCRIPT)?;
    let url = bench.stub.url();
    let run = move || -> Result<String> {
        let mut python = Command::new("python3");
        let output = python.arg(&script).args([&url, DIRECTORY_NAME]).stderr(Stdio::inherit()).output();
        let output = output.context("python3 could not be started")?;
        ensure!(output.status.success(), "the script failed");
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    };
    // The first run compiles modules and fills the system's cache.
    let (client, run) = tokio::task::spawn_blocking(move || run().map(|client| (client, run))).await??;
    let (calls, cpu, begun) = (bench.stub.calls(), process::children(), Instant::now());
    tokio::task::spawn_blocking(move || (0..RUNS).try_for_each(|_| run().map(drop))).await??;
    let cpu = process::children().zip(cpu).map(|(after, before)| milliseconds(after.saturating_sub(before) / RUNS));
    let elapsed: Duration = begun.elapsed() / RUNS;
    let calls = (bench.stub.calls() - calls) as f64 / f64::from(RUNS);
    say(format!(
        "a Python script with {client}: {:.0} ms and {} of CPU per sync, {calls:.1} upstream calls",
        milliseconds(elapsed),
        cpu.map_or_else(|| "an unknown time".to_owned(), |cpu| format!("{cpu:.0} ms"))
    ));
    Ok(())
}

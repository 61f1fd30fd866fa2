//! `cargo xtask watchers`: the cost of many watchers of one sync.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use clap::{Arg, ArgMatches, Command, value_parser};
use idhook_simulator::{Options as SimulatorOptions, Outcome, Simulator, SyncDuration, credentials, seeds};
use tokio::task::JoinSet;

use crate::artifact::Artifact;
use crate::caller::Caller;
use crate::ports::free_port;
use crate::terminal::say;
use crate::{limits, serve};

/// The subcommand's name.
pub const NAME: &str = "watchers";

/// The longest that the host may take to start, and the watchers to be served.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Concurrent requests per instance: the host's default, which is Spin's.
const PER_INSTANCE: usize = 16;

/// The output of `cargo xtask watchers --help`.
#[must_use]
pub fn command() -> Command {
    let number = |name: &'static str, default: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_parser(value_parser!(u32).range(1..)).default_value(default).help(help)
    };
    Command::new(NAME)
        .about("Measures the cost of many watchers of one sync: memory of the host and upstream calls")
        .arg(number("count", "1000", "largest number of event streams"))
        .arg(number("seconds", "10", "duration of each measurement, in seconds"))
}

/// Measures with 0, 1, 100 and `--count` watchers and prints a table.
///
/// # Errors
/// When something cannot be built or started, or a watcher is not served.
pub async fn run(matches: &ArgMatches) -> Result<()> {
    let number = |name| matches.get_one::<u32>(name).copied().unwrap_or(1);
    let (count, seconds) = (number("count") as usize, number("seconds"));
    // A socket for each watcher in either process, and some to spare.
    limits::open_files(u64::from(number("count")) + 512)?;
    Artifact::Spin.build()?;
    let bench = Bench::start().await?;
    let empty = bench.host.memory();
    say(format!(
        "one sync, watched for {seconds} s; process of the host: {}\n\n{:<10} {:>12} {:>12} {:>11} {:>16}",
        bench.host.0.id(),
        "watchers",
        "memory",
        "of each",
        "instances",
        "calls per second"
    ));
    say(format!("{:<10} {:>12}", "(idle)", kilobytes(empty)));
    let mut without = None;
    let mut crowds = vec![0, 1, 100.min(count), count];
    crowds.dedup();
    for crowd in crowds {
        let (memory, looks) = bench.watched(crowd, Duration::from_secs(seconds.into())).await?;
        let without = *without.get_or_insert(memory);
        // The cost of one alone is less than the noise.
        let each = memory.zip(without).map(|(with, without)| with.saturating_sub(without) / crowd.max(1) as u64);
        say(format!(
            "{crowd:<10} {:>12} {:>12} {:>11} {:>16.2}",
            kilobytes(memory),
            if crowd > 1 { kilobytes(each) } else { String::new() },
            if crowd > 0 { format!(">= {}", crowd.div_ceil(PER_INSTANCE)) } else { String::new() },
            f64::from(looks) / f64::from(seconds)
        ));
    }
    if empty.is_none() {
        say("\nMemory is unknown: this system has no /proc/PID/status.");
    }
    Ok(())
}

fn kilobytes(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| "unknown".to_owned(), |bytes| format!("{} kB", bytes.div_ceil(1000)))
}

/// The host in a process of its own, so that its memory is its own; ended when dropped.
struct HostProcess(Child);

impl HostProcess {
    /// Its memory in bytes; `None` where the system does not report it.
    fn memory(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
    }
}

impl Drop for HostProcess {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct Bench {
    simulator: Simulator,
    host: HostProcess,
    client: reqwest::Client,
    url: String,
    key: String,
}

impl Bench {
    async fn start() -> Result<Self> {
        let simulator = Simulator::start(SimulatorOptions::default()).await?;
        simulator.set_sync_duration(SyncDuration::Manual);
        let caller = Caller::for_trying()?;
        let port = free_port()?.to_string();
        let variables = [
            ("VIDM_URL", simulator.vidm_url()),
            ("VIDM_USERNAME", credentials::VIDM_USERNAME.to_owned()),
            ("VIDM_PASSWORD", credentials::VIDM_PASSWORD.to_owned()),
            ("API_KEYS", caller.api_keys),
            ("STATE_KEY", "a key that protects nothing but a measurement".to_owned()),
            ("LOG_LEVEL", "error".to_owned()),
            // One key for all of them.
            ("WATCH_LIMIT", "0".to_owned()),
        ];
        let host = std::process::Command::new(std::env::current_exe()?)
            .args([serve::NAME, "--port", &port])
            .envs(variables.map(|(name, value)| (format!("IDHOOK_{name}"), value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .context("cannot start the host")?;
        let url = format!("http://127.0.0.1:{port}");
        let mut bench =
            Self { simulator, host: HostProcess(host), client: reqwest::Client::new(), url, key: caller.key };
        bench.is_up().await?;
        Ok(bench)
    }

    /// Waits until the host answers, by itself: no instance is made for that.
    async fn is_up(&mut self) -> Result<()> {
        let begun = Instant::now();
        let health = format!("{}/.well-known/spin/health", self.url);
        while self.client.get(&health).send().await.is_err() {
            if let Some(status) = self.host.0.try_wait()? {
                bail!("the host ended during its start ({status})");
            }
            ensure!(begun.elapsed() < TIMEOUT, "the host did not start in time");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Starts a sync, lets so many watch it for so long, and ends it; gives the host's memory at the end of that time, and how
    /// often upstream was asked in it after the state.
    async fn watched(&self, crowd: usize, time: Duration) -> Result<(Option<u64>, u32)> {
        let path = format!("{}/vidm/default/v1/directories/{}/syncs", self.url, seeds::CORP);
        let started = self.client.post(path).bearer_auth(&self.key).send().await?.error_for_status()?;
        let place = started.headers().get("location").and_then(|place| place.to_str().ok()).context("no Location")?;
        let place = format!("{}{place}", self.url);

        let (arrived, mut arrivals) = tokio::sync::mpsc::unbounded_channel();
        let mut watchers = JoinSet::new();
        for _ in 0..crowd {
            let request = self.client.get(&place).bearer_auth(&self.key).header("accept", "text/event-stream");
            let arrived = arrived.clone();
            watchers.spawn(async move {
                let mut stream = request.send().await?.error_for_status()?;
                let mut last = Vec::new();
                while let Some(piece) = stream.chunk().await? {
                    if last.is_empty() {
                        _ = arrived.send(());
                    }
                    last.extend_from_slice(&piece);
                }
                ensure!(
                    String::from_utf8_lossy(&last).contains("\"status\":\"succeeded\""),
                    "a watcher missed the end"
                );
                Ok(())
            });
        }
        let all = async {
            for _ in 0..crowd {
                arrivals.recv().await;
            }
        };
        tokio::time::timeout(TIMEOUT, all).await.context("not every watcher was served in time")?;
        self.simulator.clear_calls();
        tokio::time::sleep(time).await;
        let memory = self.host.memory();
        let calls = self.simulator.calls();
        let looks =
            calls.iter().filter(|call| call.method == "GET" && call.path().ends_with("/syncprofile/sync")).count();
        self.simulator.finish_sync(seeds::CORP, Outcome::Completed)?;
        while let Some(watcher) = tokio::time::timeout(TIMEOUT, watchers.join_next()).await? {
            watcher??;
        }
        Ok((memory, u32::try_from(looks)?))
    }
}

//! `cargo xtask contract`: the served component against its own OpenAPI document, tried by Schemathesis.

use std::path::PathBuf;
use std::process::{Child, Command as Process, ExitStatus};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use clap::{Arg, ArgMatches, Command, value_parser};
use idhook_host::{Host, KeyValue, Output};
use idhook_simulator::{Options as SimulatorOptions, Simulator, SyncDuration, seeds};

use crate::artifact::Artifact;
use crate::caller::Caller;
use crate::terminal::say;
use crate::{build, settings};

/// The subcommand's name.
pub const NAME: &str = "contract";

/// The longest that a run may take.
const TIME: Duration = Duration::from_mins(4);

/// The output of `cargo xtask contract --help`.
#[must_use]
pub fn command() -> Command {
    Command::new(NAME)
        .about("Tests the component against its OpenAPI document with Schemathesis")
        .arg(
            Arg::new("schemathesis")
                .long("schemathesis")
                .value_parser(value_parser!(PathBuf))
                .default_value("schemathesis")
                .help("program to run"),
        )
        .arg(
            Arg::new("more")
                .num_args(0..)
                .trailing_var_arg(true)
                .allow_hyphen_values(true)
                .help("further arguments for it, after --"),
        )
}

/// Runs it.
///
/// # Errors
/// When it cannot be started, takes too long, or finds a difference.
pub async fn run(matches: &ArgMatches) -> Result<()> {
    let wasm = Artifact::Spin.build()?;
    let simulator =
        Simulator::start(SimulatorOptions { external_provider: true, ..SimulatorOptions::default() }).await?;
    simulator.set_sync_duration(SyncDuration::Fixed(Duration::from_millis(200)));
    let caller = Caller::with_all_scopes("contract", false)?;
    let mut variables = settings::of_simulator(&simulator, false);
    let more = [
        ("api_keys", caller.api_keys),
        ("hooks", format!(r#"[{{"name":"h","senders":["contract"],"directory":"{}"}}]"#, seeds::CORP_NAME)),
        // It sends more requests than a caller should.
        ("rate_limit", "0".to_owned()),
        // A request with random values must not wait for long.
        ("wait_limit", "1".to_owned()),
    ];
    variables.extend(more.map(|(name, value)| (name.to_owned(), value)));
    let mut options = Artifact::Spin.options(wasm, variables, KeyValue::default());
    // Schemathesis reports everything that the log would.
    options.output = Output::Capture;
    let host = Host::start(options).await?;
    let program = matches.get_one::<PathBuf>("schemathesis").cloned().unwrap_or_default();
    // It may leave files where it runs.
    let folder = tempfile::tempdir()?;
    let child = Process::new(&program)
        .arg("--config-file")
        .arg(build::root().join("dev/openapi/schemathesis.toml"))
        .args(["run", &format!("{}/openapi.json", host.url())])
        .args(["--header", &format!("Authorization: Bearer {}", caller.key)])
        .args(["--phases", "examples,coverage,fuzzing", "--max-examples", "15", "--seed", "1", "--no-shrink"])
        // One worker: before Python 3.13 two threads that parse at once may fail each other.
        .args(["--workers", "1", "--request-timeout", "30", "--continue-on-failure", "--warnings", "off"])
        .args(matches.get_many::<String>("more").into_iter().flatten())
        .env("CONTRACT_HOOKS", build::root().join("dev/openapi/schemathesis_hooks.py"))
        .env("CONTRACT_DIRECTORY", seeds::CORP_NAME)
        .env("CONTRACT_PROVIDER", seeds::EMBEDDED_PROVIDER)
        .current_dir(folder.path())
        .spawn()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let started = Instant::now();
    let status = tokio::task::spawn_blocking(move || wait(child)).await??;
    say(format!("Schemathesis took {} s", started.elapsed().as_secs()));
    if !status.success() {
        bail!(
            "the component does not do what its OpenAPI document says, or Schemathesis failed ({status}); see its report above"
        );
    }
    Ok(())
}

/// Waits until it ends, and stops it if that takes too long.
fn wait(mut child: Child) -> Result<ExitStatus> {
    let ends = Instant::now() + TIME;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if Instant::now() > ends {
            child.kill()?;
            child.wait()?;
            bail!("Schemathesis took longer than {} s", TIME.as_secs());
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

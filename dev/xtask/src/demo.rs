//! `cargo demo`: idhook at work, over real HTTP, in acts: against simulated targets, or against a person's own vIDM, SDDC Manager and
//! VCF Operations.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use console::style;
use idhook_host::{Host, KeyValue, Options, Output};
use idhook_simulator::{Options as SimulatorOptions, Simulator, SyncDuration, seeds};

use crate::artifact::Artifact;
use crate::caller::Caller;
use crate::terminal::{columns, say, width, wrap};
use crate::{hosting, settings};

mod api;
mod fleet;
mod own;
mod sddc;
mod stage;
mod vidm;

use api::{Api, Call};
use own::{Targets, Wishes};
use stage::Stage;

/// The subcommand's name.
pub const NAME: &str = "demo";

/// The variables that name a target.
const TARGETS: [&str; 4] = ["vidm_url", "vcf_url", "fleet_url", "targets"];

/// The output of `cargo demo --help`.
#[must_use]
pub fn command() -> Command {
    let flag = |name: &'static str, help: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue).help(help);
    settings::options(
        Command::new(NAME)
            .bin_name("cargo demo")
            .about("Shows idhook at work in six acts, against simulated VMware systems or your own")
            .long_about(
                "Shows idhook at work in six acts, against a simulated vIDM, SDDC Manager and VCF Operations. Then idhook stays \
                 up, so that you can go on with curl or in a browser.\n\nWith --vidm-url, --vcf-url or --fleet-url the demo runs against your own: the doctor \
                 first, then what only reads. It asks before it starts a sync or puts an identity source.",
            )
            .after_help(
                "Exit code: 0 only if every act passed.\n\nExamples:\n  cargo demo --once\n  cargo demo --vidm-url \
                 https://vidm.corp.example --vidm-username svc-idhook --ca-file corp-ca.pem",
            ),
    )
    .arg(settings::port())
    .arg(flag("once", "end after the last act"))
    .arg(flag("yes", "start a sync in your own system, or put an identity source, without asking").short('y'))
    .arg(
        Arg::new("directory")
            .long("directory")
            .value_name("NAME")
            .help("your directory to sync, by name or id; default: the only one that can be synced"),
    )
    .arg(
        Arg::new("group")
            .long("group")
            .value_name("GROUP")
            .action(ArgAction::Append)
            .help("a group that must be there after the sync, as DN or name@domain; repeatable"),
    )
    .arg(
        Arg::new("add-source")
            .long("add-source")
            .value_name("FILE")
            .help("JSON file with an identity source (IdentitySourceSpec) to put into your SDDC Manager"),
    )
    .arg(
        Arg::new("sync-seconds")
            .long("sync-seconds")
            .value_name("SECONDS")
            .value_parser(value_parser!(f64))
            .default_value("3")
            .help("duration of a simulated sync"),
    )
}

/// Runs the demo; the exit code says whether every act passed.
///
/// # Errors
/// When something cannot be built or started.
pub async fn run(matches: &ArgMatches) -> Result<ExitCode> {
    let mut variables = settings::variables(matches);
    let is_own = TARGETS.iter().any(|name| variables.contains_key(*name));
    let ca = tempfile::NamedTempFile::new()?;
    let mut ca_file = matches.get_one::<PathBuf>("ca-file").cloned();
    let simulator = if is_own {
        settings::ask_for_passwords(&mut variables)?;
        None
    } else {
        let simulator = Simulator::start(SimulatorOptions::default()).await?;
        let seconds = matches.get_one::<f64>("sync-seconds").copied().unwrap_or(3.0).clamp(0.0, 3600.0);
        let duration = SyncDuration::Fixed(Duration::from_secs_f64(seconds));
        simulator.set_sync_duration(duration);
        simulator.configure_fleet(|settings| settings.sync_duration = duration);
        simulator.write_ca(ca.path())?;
        ca_file = Some(ca.path().to_owned());
        variables.extend(settings::of_simulator(&simulator, true));
        variables.extend(settings::of_simulated_fleet(&simulator, true));
        Some(simulator)
    };
    let caller = Caller::for_trying()?;
    variables.insert("api_keys".to_owned(), caller.api_keys);
    // The same for both hosts of a demo.
    variables.entry("state_key".to_owned()).or_insert_with(|| caller.key.clone());
    settings::checked(&variables)?;

    // --once needs no port that one can remember, and must not fail because it is in use.
    let port = if matches.get_flag("once") { 0 } else { matches.get_one::<u16>("port").copied().unwrap_or(3000) };
    let mut hosting = Hosting { wasm: hosting::build()?, variables, key_value: KeyValue::default(), ca_file, port };
    let began = Instant::now();
    let host = hosting.start(Output::Capture).await?;
    opening(&hosting, &host, simulator.as_ref(), began.elapsed());
    if is_own {
        origin(matches);
    }
    let api = Api::new(host.url(), caller.key);
    let targets = Targets::of(&api.send(&Call::get("/readyz")).await?.successful()?.body);
    let all_passed = match &simulator {
        Some(simulator) => six_acts(&api, simulator).await,
        None => own_acts(&api, &targets, matches).await,
    };
    if matches.get_flag("once") {
        return Ok(if all_passed { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    // The log would have run through the acts; from here on it is worth reading.
    hosting.port = host.url().rsplit(':').next().and_then(|port| port.parse().ok()).unwrap_or(port);
    drop(host);
    let host = hosting.start(Output::Inherit).await?;
    closing(&api, &targets, simulator.is_some());
    tokio::select! {
        () = host.stopped() => bail!("the host stopped accepting connections"),
        interrupted = tokio::signal::ctrl_c() => Ok(interrupted.map(|()| ExitCode::SUCCESS)?),
    }
}

/// The common parts of both hosts of a demo.
struct Hosting {
    wasm: PathBuf,
    variables: BTreeMap<String, String>,
    key_value: KeyValue,
    ca_file: Option<PathBuf>,
    port: u16,
}

impl Hosting {
    async fn start(&self, output: Output) -> Result<Host> {
        let options = Artifact::Spin.options(self.wasm.clone(), self.variables.clone(), self.key_value.clone());
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let options = Options { listen, ca_file: self.ca_file.clone(), output, ..options };
        hosting::start(options, &self.variables).await
    }
}

/// The parts, and where each runs.
fn opening(hosting: &Hosting, host: &Host, simulator: Option<&Simulator>, took: Duration) {
    let size = std::fs::metadata(&hosting.wasm).map_or(0, |file| file.len()).div_ceil(1000);
    let ours = format!("{} (idhook_spin.wasm, {size} kB, started in {} ms)", host.url(), took.as_millis());
    let note = if simulator.is_some() { " (simulated)" } else { "" };
    let url = |name: &str| hosting.variables.get(name).map(|url| format!("{url}{note}"));
    let (vidm, sddc, fleet) = (url("vidm_url"), url("vcf_url"), url("fleet_url"));
    let rows = [
        ("idhook", Some(&ours)),
        ("vIDM", vidm.as_ref()),
        ("SDDC Manager", sddc.as_ref()),
        ("VCF Operations", fleet.as_ref()),
    ];
    say(format!("\n{}\n", style("idhook demo").bold()));
    say(columns(rows.into_iter().filter_map(|(name, text)| Some((name, text?.as_str()))), usize::MAX));
}

/// Says which of the targets the environment named: somebody may have forgotten about them.
fn origin(matches: &ArgMatches) {
    let names = settings::from_environment(matches, &TARGETS);
    if !names.is_empty() {
        let text = format!(
            "The target comes from the environment ({}). To use the simulator instead: env -u {} cargo demo",
            names.join(", "),
            names.join(" -u ")
        );
        say(format!("\n{}", wrap(&text, 2, width())));
    }
}

/// The acts against the simulator.
async fn six_acts(api: &Api, simulator: &Simulator) -> bool {
    let mut stage = Stage::new(6);
    stage.play("vIDM: sync a directory", async |act| vidm::first_sync(act, api, simulator).await).await;
    stage.play("vIDM: a new group, 3 callers, 1 run", async |act| vidm::three_callers(act, api, simulator).await).await;
    stage.play("vIDM: the safeguards stop a sync", async |act| vidm::safeguards(act, api, simulator).await).await;
    stage.play("SDDC Manager: an identity source", async |act| sddc::identity_source(act, api, simulator).await).await;
    stage.play("VCF Operations: the same workflow", async |act| fleet::same_workflow(act, api, simulator).await).await;
    stage
        .play("The doctor", async |act| {
            act.explain(
                "Start here when something does not work. The doctor checks a target step by step, only reads, and says how to fix \
                 what it finds. For your own: cargo xtask doctor --vidm-url https://vidm.corp.example",
            );
            own::examine(act, api, "vidm", "default").await?;
            act.gap();
            own::examine(act, api, "vcf", "default").await?;
            act.gap();
            own::examine(act, api, "fleet", "default").await
        })
        .await;
    stage.finish()
}

/// The acts against somebody's own targets.
async fn own_acts(api: &Api, targets: &Targets, matches: &ArgMatches) -> bool {
    let wishes = Wishes {
        directory: matches.get_one("directory").cloned(),
        groups: matches.get_many("group").into_iter().flatten().cloned().collect(),
        add_source: matches.get_one("add-source").cloned(),
        yes: matches.get_flag("yes"),
    };
    let mut stage = Stage::new(targets.acts(&wishes));
    own::play(&mut stage, api, targets, &wishes).await;
    stage.finish()
}

/// The line before the commands, and the one behind them, to find them by.
pub const PASTE: &str = "Paste this into another terminal:";

/// How to go on. The commands can be pasted as they are; against somebody's own targets they only read.
fn closing(api: &Api, targets: &Targets, is_simulated: bool) {
    let text = format!(
        "idhook stays up until you press Ctrl-C, and writes one line of log for each request. In a browser: {}/ (the key is \
         below).",
        api.url
    );
    say(format!("\n{}\n\n{PASTE}\n", wrap(&text, 0, width())));
    for line in commands(&api.url, &api.key, targets, is_simulated) {
        say(line);
    }
    say("");
}

/// The commands, for a POSIX shell.
fn commands(url: &str, key: &str, targets: &Targets, is_simulated: bool) -> Vec<String> {
    let mut lines = vec![
        format!("export IDHOOK={url}"),
        format!("export IDHOOK_KEY={key}"),
        r#"call() { curl -sS -w '\n' -H "Authorization: Bearer $IDHOOK_KEY" "$@"; }"#.to_owned(),
        r#"call "$IDHOOK/readyz""#.to_owned(),
    ];
    let mut call = |rest: String| lines.push(format!("call {rest}"));
    if let Some(name) = &targets.vidm {
        call(format!(r#""$IDHOOK/vidm/{name}/v1/directories""#));
        if is_simulated {
            let directory = format!("$IDHOOK/vidm/{name}/v1/directories/{}", seeds::CORP_NAME);
            call(format!(r#"-X POST -H "Prefer: wait=60" "{directory}/syncs""#));
            call(format!(r#""{directory}/sync""#));
            call(format!(r#"-G "$IDHOOK/vidm/{name}/v1/groups" --data-urlencode name={}"#, seeds::PRESENT_GROUP_NAME));
        }
        call(format!(r#""$IDHOOK/vidm/{name}/v1/doctor""#));
    }
    if let Some(name) = &targets.fleet {
        call(format!(r#""$IDHOOK/fleet/{name}/v1/directories""#));
        if is_simulated {
            let directory = format!("$IDHOOK/fleet/{name}/v1/directories/{}", seeds::CORP_NAME);
            call(format!(r#"-X POST -H "Prefer: wait=60" "{directory}/syncs""#));
        }
        call(format!(r#""$IDHOOK/fleet/{name}/v1/doctor""#));
    }
    if let Some(name) = &targets.vcf {
        call(format!(r#""$IDHOOK/vcf/{name}/v1/identity-providers""#));
        call(format!(r#""$IDHOOK/vcf/{name}/v1/doctor""#));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printed_commands_change_nothing_in_a_real_vidm() {
        let targets = Targets { vidm: Some("default".to_owned()), vcf: Some("lab".to_owned()), fleet: None };
        let simulated = commands("http://127.0.0.1:3000", "idh_x", &targets, true).join("\n");
        assert!(simulated.contains("-X POST") && simulated.contains("/vcf/lab/"), "{simulated}");
        let own = commands("http://127.0.0.1:3000", "idh_x", &targets, false).join("\n");
        assert!(!own.contains("-X ") && own.contains("/vidm/default/v1/directories"), "{own}");
    }
}

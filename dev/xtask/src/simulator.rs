//! `cargo simulator`: the simulator by itself, for trying things by hand.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::{Arg, ArgMatches, Command, value_parser};
use idhook_simulator::{Options, Simulator, SyncDuration, credentials};

use crate::terminal::say;

/// The subcommand's name.
pub const NAME: &str = "simulator";

/// What `cargo simulator --help` says.
#[must_use]
pub fn command() -> Command {
    let port = |name: &'static str, default: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_parser(value_parser!(u16)).default_value(default).help(help)
    };
    Command::new(NAME)
        .bin_name("cargo simulator --")
        .about("A vIDM and an SDDC Manager on 127.0.0.1, over http and https")
        .arg(port("vidm-port", "8180", "vIDM over http"))
        .arg(port("vidm-tls-port", "8543", "vIDM over https"))
        .arg(port("sddc-port", "8181", "SDDC Manager over http"))
        .arg(port("sddc-tls-port", "8544", "SDDC Manager over https"))
        .arg(
            Arg::new("sync-seconds")
                .long("sync-seconds")
                .value_parser(value_parser!(f64))
                .default_value("4")
                .help("how long a sync takes"),
        )
        .arg(
            Arg::new("ca-file")
                .long("ca-file")
                .value_parser(value_parser!(PathBuf))
                .default_value("target/simulator-ca.pem")
                .help("where to write the CA of its certificates"),
        )
}

/// Serves until Ctrl-C.
///
/// # Errors
/// When a port is taken or the CA file cannot be written.
pub async fn run(matches: &ArgMatches) -> Result<()> {
    let port = |name| matches.get_one::<u16>(name).copied().unwrap_or_default();
    let seconds = matches.get_one::<f64>("sync-seconds").copied().unwrap_or(4.0).clamp(0.0, 3600.0);
    let options = Options {
        vidm_port: port("vidm-port"),
        vidm_tls_port: port("vidm-tls-port"),
        sddc_port: port("sddc-port"),
        sddc_tls_port: port("sddc-tls-port"),
        ..Options::default()
    };
    let simulator = Simulator::start(options).await?;
    simulator.set_sync_duration(SyncDuration::Fixed(Duration::from_secs_f64(seconds)));
    let vidm = simulator.vidm_url();
    say(format!("vIDM          {vidm}  {}", simulator.vidm_tls_url()));
    say(format!("SDDC Manager  {}  {}", simulator.sddc_url(), simulator.sddc_tls_url()));
    if let Some(path) = matches.get_one::<PathBuf>("ca-file") {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        simulator.write_ca(path)?;
        say(format!("CA            {}", path.display()));
    }
    say(format!("faults and state by hand: curl {vidm}/_simulator"));
    say("serve idhook against it, in another terminal:\n");
    say(format!("export IDHOOK_VIDM_URL={vidm}\nexport IDHOOK_VIDM_USERNAME={}", credentials::VIDM_USERNAME));
    say(format!("export IDHOOK_VIDM_PASSWORD={}", quoted(credentials::VIDM_PASSWORD)));
    say(format!(
        "export IDHOOK_VCF_URL={}\nexport IDHOOK_VCF_USERNAME={}",
        simulator.sddc_url(),
        credentials::SDDC_USERNAME
    ));
    say(format!("export IDHOOK_VCF_PASSWORD={}\ncargo serve\n\nCtrl-C ends it", quoted(credentials::SDDC_PASSWORD)));
    Ok(tokio::signal::ctrl_c().await?)
}

/// `text` for a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

//! `cargo simulator`: the simulator by itself, for trying things by hand.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, value_parser};
use idhook_simulator::{FleetVersion, Options, SddcSettings, SddcVersion, Simulator, SyncDuration, credentials};

use crate::build::target_folder;
use crate::settings;
use crate::terminal::{Failure, columns, quoted, say, width, wrap};

/// The subcommand's name.
pub const NAME: &str = "simulator";

/// The ports: option, default, help.
const PORTS: [(&str, &str, &str); 8] = [
    ("vidm-port", "8180", "port of vIDM over http"),
    ("vidm-tls-port", "8543", "port of vIDM over https"),
    ("sddc-port", "8181", "port of SDDC Manager over http"),
    ("sddc-tls-port", "8544", "port of SDDC Manager over https"),
    ("fleet-port", "8182", "port of VCF Operations over http"),
    ("fleet-tls-port", "8545", "port of VCF Operations over https"),
    ("broker-port", "8183", "port of the identity broker over http"),
    ("broker-tls-port", "8546", "port of the identity broker over https"),
];

/// The output of `cargo simulator --help`.
#[must_use]
pub fn command() -> Command {
    let port = |(name, default, help): (&'static str, &'static str, &'static str)| {
        Arg::new(name).long(name).value_name("PORT").value_parser(value_parser!(u16)).default_value(default).help(help)
    };
    Command::new(NAME)
        .bin_name("cargo simulator")
        .about("Starts a simulated vIDM, SDDC Manager and VCF Operations on 127.0.0.1, over http and https")
        .after_help(
            "Several simulators can run at once. A default port that is in use is replaced by a free one, and each simulator \
             has its own CA file. Faults, state and recorded calls: curl http://127.0.0.1:8180/_simulator",
        )
        .args(PORTS.map(port))
        .arg(
            Arg::new("fleet-version")
                .long("fleet-version")
                .value_name("VERSION")
                .value_parser(["9.0", "9.1.0", "9.1.1"])
                .default_value("9.1.0")
                .help("version of VCF Operations"),
        )
        .arg(
            Arg::new("vcf-version")
                .long("vcf-version")
                .value_name("VERSION")
                .value_parser(["5.0", "5.2", "9.1"])
                .default_value("5.2")
                .help("version of SDDC Manager: its calls, statuses and forms"),
        )
        .arg(
            Arg::new("sync-seconds")
                .long("sync-seconds")
                .value_name("SECONDS")
                .value_parser(value_parser!(f64))
                .default_value("4")
                .help("duration of a directory sync"),
        )
        .arg(
            Arg::new("ca-file")
                .long("ca-file")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .help("file for the certificate of its CA; default: one per simulator, removed at the end"),
        )
}

/// Serves until Ctrl-C.
///
/// # Errors
/// When a port that was asked for is in use or the CA file cannot be written.
pub async fn run(matches: &ArgMatches) -> Result<()> {
    let seconds = matches.get_one::<f64>("sync-seconds").copied().unwrap_or(4.0).clamp(0.0, 3600.0);
    let simulator = start(matches).await?;
    let duration = SyncDuration::Fixed(Duration::from_secs_f64(seconds));
    simulator.set_sync_duration(duration);
    let sddc = match matches.get_one::<String>("vcf-version").map(String::as_str) {
        Some("5.0") => SddcVersion::V5_0,
        Some("9.1") => SddcVersion::V9_1,
        _ => SddcVersion::V5_2,
    };
    simulator.configure_sddc(|settings| *settings = SddcSettings::of(sddc));
    simulator.configure_fleet(|settings| {
        settings.sync_duration = duration;
        settings.version = match matches.get_one::<String>("fleet-version").map(String::as_str) {
            Some("9.0") => FleetVersion::V9_0,
            Some("9.1.1") => FleetVersion::V9_1_1,
            _ => FleetVersion::V9_1_0,
        };
    });
    let ca = CaFile::write(&simulator, matches.get_one::<PathBuf>("ca-file"))?;
    show(&simulator, ca.path());
    Ok(tokio::signal::ctrl_c().await?)
}

/// Starts it on the ports that were asked for, or on the default ones as far as they are free.
async fn start(matches: &ArgMatches) -> Result<Simulator> {
    let mut ports = [0; PORTS.len()];
    for (at, (name, ..)) in ports.iter_mut().zip(PORTS) {
        let wanted = matches.get_one::<u16>(name).copied().unwrap_or_default();
        *at = match std::net::TcpListener::bind(("127.0.0.1", wanted)) {
            Ok(_) => wanted,
            Err(_) if matches.value_source(name) == Some(ValueSource::DefaultValue) => 0,
            Err(e) => {
                let fix = format!("choose another port with --{name}, or any free one with --{name} 0");
                return Err(Failure::new(format!("cannot listen on port {wanted} of 127.0.0.1: {e}"), fix).into());
            }
        };
    }
    let [vidm_port, vidm_tls_port, sddc_port, sddc_tls_port, fleet_port, fleet_tls_port, broker_port, broker_tls_port] =
        ports;
    let options = Options {
        vidm_port,
        vidm_tls_port,
        sddc_port,
        sddc_tls_port,
        fleet_port,
        fleet_tls_port,
        broker_port,
        broker_tls_port,
        ..Options::default()
    };
    Simulator::start(options).await
}

/// The file with the certificate of a simulator's CA. One whose name was not given is removed at the end.
struct CaFile {
    path: PathBuf,
    is_ours: bool,
}

impl CaFile {
    fn write(simulator: &Simulator, given: Option<&PathBuf>) -> Result<Self> {
        let path = match given {
            Some(path) => std::path::absolute(path)?,
            None => {
                // No two simulators of one machine have the same port.
                let url = simulator.vidm_tls_url();
                let port = url.rsplit(':').next().unwrap_or_default();
                target_folder().join("simulator").join(format!("ca-{port}.pem"))
            }
        };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        }
        simulator.write_ca(&path)?;
        Ok(Self { path, is_ours: given.is_none() })
    }

    fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for CaFile {
    fn drop(&mut self) {
        if self.is_ours {
            // It may be gone already.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn show(simulator: &Simulator, ca: &Path) {
    let ca = ca.display().to_string();
    let vidm = format!("{}  {}", simulator.vidm_tls_url(), simulator.vidm_url());
    let sddc = format!("{}  {}", simulator.sddc_tls_url(), simulator.sddc_url());
    let fleet = format!("{}  {}", simulator.fleet_tls_url(), simulator.fleet_url());
    let broker = format!("{}  {}", simulator.broker_tls_url(), simulator.broker_url());
    let control = format!("curl {}/_simulator", simulator.vidm_url());
    say("\nThe simulator is running. Ctrl-C ends it.\n");
    say(columns(
        [
            ("vIDM", vidm.as_str()),
            ("SDDC Manager", &sddc),
            ("VCF Operations", &fleet),
            ("Identity broker", &broker),
            ("API token", credentials::FLEET_API_TOKEN),
            ("CA certificate", &ca),
            ("Faults, state", &control),
        ],
        usize::MAX,
    ));
    say("\nPaste this into another terminal to serve idhook with these targets:\n");
    for line in exports(simulator, &ca) {
        say(line);
    }
    say("cargo serve\n");
    say(
        "Make a new group in the simulated Active Directory, which the next sync brings (the second line: for VCF Operations):\n",
    );
    for path in ["groups", "fleet/groups"] {
        let group = r#"'{"directory":"corp.example","dn":"CN=gg-new,OU=Groups,DC=corp,DC=example"}'"#;
        say(format!("curl -d {group} {}/_simulator/{path}", simulator.vidm_url()));
    }
    say("");
    let others = "Other programs take the CA like this: curl --cacert FILE, Node.js NODE_EXTRA_CA_CERTS=FILE, Spin 4.1 \
                  SSL_CERT_FILE=FILE. To do without TLS, export the http URLs instead.";
    say(wrap(others, 0, width()));
}

/// The variables that make the commands here use this simulator.
fn exports(simulator: &Simulator, ca: &str) -> Vec<String> {
    let mut variables = settings::of_simulator(simulator, true);
    variables.extend(settings::of_simulated_fleet(simulator, true));
    let mut lines = settings::exports(&variables);
    lines.push(format!("export IDHOOK_CA_FILE={}", quoted(ca)));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(arguments: &[&str]) -> ArgMatches {
        command().try_get_matches_from([&[NAME], arguments].concat()).unwrap()
    }

    #[tokio::test]
    async fn simulators_that_run_at_once_have_ports_and_ca_files_of_their_own() {
        let one = start(&matches(&[])).await.unwrap();
        let two = start(&matches(&[])).await.unwrap();
        let files = [&one, &two].map(|simulator| CaFile::write(simulator, None).unwrap());
        assert_ne!(files[0].path(), files[1].path());
        for (file, simulator) in files.iter().zip([&one, &two]) {
            assert_eq!(std::fs::read_to_string(file.path()).unwrap(), simulator.ca_pem());
            let lines = exports(simulator, &file.path().display().to_string());
            assert!(lines.contains(&format!("export IDHOOK_VIDM_URL={}", simulator.vidm_tls_url())), "{lines:?}");
            assert!(lines.contains(&format!("export IDHOOK_FLEET_URL={}", simulator.fleet_tls_url())), "{lines:?}");
            assert!(lines.iter().any(|line| line.starts_with("export IDHOOK_CA_FILE=/")), "{lines:?}");
        }
        let path = files[0].path().to_owned();
        drop(files);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_port_that_was_asked_for_and_is_in_use_is_an_error_with_its_fix() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port().to_string();
        let error = start(&matches(&["--sddc-port", &port])).await.unwrap_err();
        assert!(error.to_string().contains(&port), "{error}");
        assert!(error.downcast_ref::<Failure>().unwrap().fix().contains("--sddc-port 0"));
    }

    #[test]
    fn a_ca_file_whose_name_was_given_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sub/ca.pem");
        let file = CaFile { path: path.clone(), is_ours: false };
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "x").unwrap();
        drop(file);
        assert!(path.exists());
    }
}

//! idhook's variables as command-line options: `--vidm-url` and so on, or `IDHOOK_VIDM_URL` in the environment.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command, value_parser};
use idhook::config::{VARIABLES, Variable};
use idhook_simulator::{Simulator, credentials};

/// Adds an option for each variable, and those of the host.
#[must_use]
pub fn options(command: Command) -> Command {
    let command = command
        .arg(
            Arg::new("port")
                .long("port")
                .value_parser(value_parser!(u16))
                .default_value("3000")
                .help("where to listen on 127.0.0.1; 0: any free port"),
        )
        .arg(
            Arg::new("ca-file")
                .long("ca-file")
                .value_parser(value_parser!(PathBuf))
                .help("PEM file of the CA that signed the targets' certificates; without it: the public ones"),
        );
    VARIABLES.iter().fold(command, |command, variable| {
        command.arg(
            Arg::new(variable.name)
                .long(variable.name.replace('_', "-"))
                .env(environment(variable))
                .hide_env_values(variable.secret)
                .help(variable.description())
                .help_heading("idhook's variables"),
        )
    })
}

fn environment(variable: &Variable) -> String {
    format!("IDHOOK_{}", variable.name.to_uppercase())
}

/// The variables that were given.
#[must_use]
pub fn variables(matches: &ArgMatches) -> BTreeMap<String, String> {
    let given = |variable: &Variable| matches.get_one::<String>(variable.name).cloned();
    VARIABLES.iter().filter_map(|variable| Some((variable.name.to_owned(), given(variable)?))).collect()
}

/// The variables that make this simulator the default targets, over https where `tls`.
#[must_use]
pub fn of_simulator(simulator: &Simulator, tls: bool) -> BTreeMap<String, String> {
    let (vidm, sddc) = match tls {
        true => (simulator.vidm_tls_url(), simulator.sddc_tls_url()),
        false => (simulator.vidm_url(), simulator.sddc_url()),
    };
    let pairs = [
        ("vidm_url", vidm),
        ("vidm_username", credentials::VIDM_USERNAME.to_owned()),
        ("vidm_password", credentials::VIDM_PASSWORD.to_owned()),
        ("vcf_url", sddc),
        ("vcf_username", credentials::SDDC_USERNAME.to_owned()),
        ("vcf_password", credentials::SDDC_PASSWORD.to_owned()),
    ];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

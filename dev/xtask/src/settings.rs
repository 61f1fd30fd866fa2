//! idhook's variables as command-line options: `--vidm-url` and so on, or `IDHOOK_VIDM_URL` in the environment.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Result;
use clap::{Arg, ArgMatches, Command, value_parser};
use idhook::config::{Config, ConfigError, VARIABLES, Variable};
use idhook_simulator::{Simulator, credentials};

use crate::terminal::{Failure, ask_secret, quoted};

/// The heading of the variables in the help.
const HEADING: &str = "idhook's variables (or IDHOOK_… in the environment)";

/// The variables that most people need: these alone are in the short help (`-h`).
const COMMON: [&str; 9] = [
    "vidm_url",
    "vidm_username",
    "vidm_password",
    "vcf_url",
    "vcf_username",
    "vcf_password",
    "fleet_url",
    "fleet_username",
    "fleet_password",
];

/// The passwords that are asked for at the terminal, with what makes them necessary.
const PASSWORDS: [(&str, &str, &str); 3] = [
    ("vidm_password", "vidm_username", "vidm_url"),
    ("vcf_password", "vcf_username", "vcf_url"),
    ("fleet_password", "fleet_username", "fleet_url"),
];

/// Adds an option for each variable, and those of the host.
#[must_use]
pub fn options(command: Command) -> Command {
    let command = command.arg(
        Arg::new("ca-file")
            .long("ca-file")
            .value_name("FILE")
            .value_parser(value_parser!(PathBuf))
            .env("IDHOOK_CA_FILE")
            .hide_env_values(true)
            .help("PEM file with the CA that signed the targets' certificates; default: the public CAs and those of this system"),
    );
    VARIABLES.iter().fold(command, |command, variable| {
        command.arg(
            Arg::new(variable.name)
                .long(option(variable.name))
                .value_name("VALUE")
                .env(environment(variable.name))
                // No value of the environment is shown: a URL may hold a password too.
                .hide_env(true)
                .hide_env_values(true)
                .hide_short_help(!COMMON.contains(&variable.name))
                .help(variable.description())
                .help_heading(HEADING),
        )
    })
}

/// The option `--port`.
pub(crate) fn port() -> Arg {
    Arg::new("port")
        .long("port")
        .value_name("PORT")
        .value_parser(value_parser!(u16))
        .default_value("3000")
        .help("port of 127.0.0.1 to listen on; 0: any free port")
}

fn option(name: &str) -> String {
    name.replace('_', "-")
}

fn environment(name: &str) -> String {
    format!("IDHOOK_{}", name.to_uppercase())
}

/// The variables that were given.
#[must_use]
pub fn variables(matches: &ArgMatches) -> BTreeMap<String, String> {
    let given = |variable: &Variable| matches.get_one::<String>(variable.name).cloned();
    VARIABLES.iter().filter_map(|variable| Some((variable.name.to_owned(), given(variable)?))).collect()
}

/// The variables that came from the environment, as they are called there.
pub(crate) fn from_environment(matches: &ArgMatches, names: &[&str]) -> Vec<String> {
    let is_from_there = |name: &&&str| matches.value_source(name) == Some(clap::parser::ValueSource::EnvVariable);
    names.iter().filter(is_from_there).map(|name| environment(name)).collect()
}

/// Asks at the terminal for the passwords that are missing; elsewhere they stay so, and [`checked`] reports them.
///
/// # Errors
/// When the terminal fails.
pub(crate) fn ask_for_passwords(variables: &mut BTreeMap<String, String>) -> Result<()> {
    for (password, username, url) in PASSWORDS {
        let (Some(user), Some(url)) = (variables.get(username), variables.get(url)) else { continue };
        if variables.contains_key(password) {
            continue;
        }
        if let Some(answer) = ask_secret(&format!("Password of {user} at {url}"))? {
            variables.insert(password.to_owned(), answer);
        }
    }
    Ok(())
}

/// Checks the variables as idhook does.
///
/// # Errors
/// All mistakes at once, each with the option that corrects it.
pub(crate) fn checked(variables: &BTreeMap<String, String>) -> Result<()> {
    let Err(mistakes) = Config::parse(|name| variables.get(name).cloned()) else { return Ok(()) };
    let what: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
    let mut names: Vec<_> = mistakes.iter().map(|ConfigError { variable, .. }| variable.as_str()).collect();
    names.dedup();
    let fixes: Vec<_> = names.iter().map(|name| format!("--{} (or {})", option(name), environment(name))).collect();
    Err(Failure::new(what.join("\n"), format!("set {}", fixes.join(", "))).into())
}

/// The variables that make this simulator's vIDM and SDDC Manager the default targets, over https where `tls`.
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

/// The same for its VCF Operations, whose identity broker idhook finds by itself.
#[must_use]
pub fn of_simulated_fleet(simulator: &Simulator, tls: bool) -> BTreeMap<String, String> {
    let url = if tls { simulator.fleet_tls_url() } else { simulator.fleet_url() };
    let pairs = [
        ("fleet_url", url),
        ("fleet_username", credentials::FLEET_USERNAME.to_owned()),
        ("fleet_password", credentials::FLEET_PASSWORD.to_owned()),
    ];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Lines for a POSIX shell that set these variables for the commands here and for WASI hosts.
pub(crate) fn exports(variables: &BTreeMap<String, String>) -> Vec<String> {
    variables.iter().map(|(name, value)| format!("export {}={}", environment(name), quoted(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_reported_together_with_their_options() {
        let variables = BTreeMap::from([("vidm_url".to_owned(), "vidm.corp.example".to_owned())]);
        let error = checked(&variables).unwrap_err();
        let failure = error.downcast_ref::<Failure>().unwrap();
        assert!(failure.to_string().contains("vidm_url") && failure.to_string().contains("api_keys"), "{failure}");
        assert!(failure.fix().contains("--vidm-url (or IDHOOK_VIDM_URL)"), "{}", failure.fix());
    }

    #[test]
    fn the_help_shows_no_value_of_the_environment() {
        let mut command = options(Command::new("x"));
        for variable in VARIABLES {
            let argument = command.get_arguments().find(|argument| argument.get_id() == variable.name).unwrap();
            assert!(argument.is_hide_env_values_set(), "{}", variable.name);
        }
        assert!(!command.render_help().to_string().contains("--rate-limit"), "the short help is short");
        assert!(command.render_long_help().to_string().contains("--rate-limit"));
    }
}

//! `cargo xtask bench` and `cargo xtask chaos`: idhook measured against the floor, and several hosts of which one is killed every
//! few seconds. A package of its own does the work, so that nothing else waits for it to be built.

use anyhow::Result;
use clap::{Arg, ArgMatches, Command};

use crate::build::run_program;

/// The subcommand's name.
pub const NAME: &str = "bench";

/// The name of the other one.
pub const CHAOS: &str = "chaos";

/// The command and its help.
#[must_use]
pub fn command() -> Command {
    passing(NAME).about(
        "Compares idhook with a component that makes the same upstream calls and nothing else; bench --help lists the options",
    )
}

/// The same for the hosts that are killed.
#[must_use]
pub fn chaos() -> Command {
    passing(CHAOS).about(
        "Kills hosts under load and checks what idhook promises of several hosts over one Redis; chaos --help lists the options",
    )
}

/// A command whose options the package reads.
fn passing(name: &'static str) -> Command {
    let options = Arg::new("options").num_args(..).allow_hyphen_values(true).trailing_var_arg(true);
    Command::new(name).disable_help_flag(true).arg(options)
}

/// Builds the package and runs it with these options.
///
/// # Errors
/// When it cannot be built, or fails.
pub fn run(matches: &ArgMatches) -> Result<()> {
    run_with(&[], matches)
}

/// The same for the hosts that are killed.
///
/// # Errors
/// As [`run`].
pub fn run_chaos(matches: &ArgMatches) -> Result<()> {
    run_with(&[CHAOS], matches)
}

fn run_with(command: &[&str], matches: &ArgMatches) -> Result<()> {
    let options = matches.get_many::<String>("options").into_iter().flatten().map(String::as_str);
    run_program("idhook-bench", &command.iter().copied().chain(options).collect::<Vec<_>>())
}

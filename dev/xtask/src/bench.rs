//! `cargo xtask bench`: idhook measured against the floor. A package of its own does the work, so that nothing else waits for it
//! to be built.

use anyhow::Result;
use clap::{Arg, ArgMatches, Command};

use crate::build::cargo;

/// The subcommand's name.
pub const NAME: &str = "bench";

/// The command and its help.
#[must_use]
pub fn command() -> Command {
    Command::new(NAME)
        .about("Compares idhook with a component that makes the same upstream calls and nothing else; bench --help lists the options")
        .disable_help_flag(true)
        .arg(Arg::new("options").num_args(..).allow_hyphen_values(true).trailing_var_arg(true))
}

/// Builds the package and runs it with these options.
///
/// # Errors
/// When it cannot be built, or fails.
pub fn run(matches: &ArgMatches) -> Result<()> {
    let options = matches.get_many::<String>("options").into_iter().flatten().map(String::as_str);
    let arguments: Vec<&str> =
        ["run", "--quiet", "--package", "idhook-bench", "--"].into_iter().chain(options).collect();
    cargo(&arguments)
}

//! `cargo xtask openapi`: the OpenAPI documents, made from the code by a program of their own, so that nothing else waits for the
//! schemas to be compiled.

use anyhow::Result;
use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::build::run_program;

/// The subcommand's name.
pub const NAME: &str = "openapi";

/// The output of `cargo xtask openapi --help`.
#[must_use]
pub fn command() -> Command {
    Command::new(NAME).about("Writes the OpenAPI documents that the component serves").arg(
        Arg::new("check")
            .long("check")
            .action(ArgAction::SetTrue)
            .help("write nothing; fail if a document is not up to date"),
    )
}

/// Writes the documents, or compares them.
///
/// # Errors
/// When a route is not described, a file cannot be written or, with `--check`, is not as it would be written.
pub fn run(matches: &ArgMatches) -> Result<()> {
    let check = matches.get_flag("check").then_some("--check");
    run_program("idhook-openapi", &check.into_iter().collect::<Vec<_>>())
}

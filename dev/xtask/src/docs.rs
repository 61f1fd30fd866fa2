//! `cargo xtask docs`: writes the generated parts of the documentation and builds the website, each by a program of its own, so that
//! nothing else waits for their libraries to be compiled.

use anyhow::Result;
use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::build::{BOOK, cargo, run_program};

/// The subcommand's name.
pub const NAME: &str = "docs";

/// The help of `cargo xtask docs`.
#[must_use]
pub fn command() -> Command {
    let flag = |name: &'static str, help: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue).help(help);
    Command::new(NAME)
        .about("Writes the generated parts of the documentation, and builds the website in target/docs")
        .arg(flag("check", "write no generated part; fail if one is not up to date"))
        .arg(flag("no-book", "do not build the website"))
}

/// Writes or compares the generated parts, then builds the website.
///
/// # Errors
/// When a file cannot be written or, with `--check`, is not up to date; when the website cannot be built without warnings.
pub fn run(matches: &ArgMatches) -> Result<()> {
    let check = matches.get_flag("check").then_some("--check");
    run_program("idhook-docs", &check.into_iter().collect::<Vec<_>>())?;
    if matches.get_flag("no-book") {
        return Ok(());
    }
    cargo(&["run", "--quiet", "--locked", "--package", BOOK])
}

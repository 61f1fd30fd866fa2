//! `cargo xtask bundle`: the actions for Aria Automation and Orchestrator with idhook inside, as the zip that both take.

use std::path::PathBuf;

use anyhow::Result;
use clap::Command;

use crate::npm;
use crate::terminal::say;

/// The subcommand's name.
pub const NAME: &str = "bundle";

/// The name of the zip.
pub const FILE: &str = "idhook-aria-nodejs.zip";

/// The command and its help.
#[must_use]
pub fn command() -> Command {
    Command::new(NAME).about("Packs the zip for Aria Automation and Orchestrator and prints its path")
}

/// Packs it and prints where it is.
///
/// # Errors
/// When something cannot be built or written.
pub fn run() -> Result<()> {
    say(package()?.display());
    Ok(())
}

/// Makes the zip and gives its path. It comes with the npm package, which is most of it.
///
/// # Errors
/// When something cannot be built or written.
pub fn package() -> Result<PathBuf> {
    Ok(npm::package()?.with_file_name(FILE))
}

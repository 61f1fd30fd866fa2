//! `cargo xtask bundle`: the actions for Aria Automation and Orchestrator with idhook inside, as the zip that both take.

use std::path::PathBuf;

use anyhow::Result;
use clap::Command;

use crate::npm;

/// The subcommand's name.
pub const NAME: &str = "bundle";

/// What the zip is called.
pub const FILE: &str = "idhook-aria-nodejs.zip";

/// What `cargo xtask help` says of it.
#[must_use]
pub fn command() -> Command {
    Command::new(NAME).about("Packs the actions for Aria Automation and Orchestrator as a zip, and tells its size")
}

/// Packs, and tells.
///
/// # Errors
/// When something cannot be built or written.
pub fn run() -> Result<()> {
    package().map(|_| ())
}

/// Makes the zip and tells where it is. It comes with the npm package, which is most of it.
///
/// # Errors
/// When something cannot be built or written.
pub fn package() -> Result<PathBuf> {
    Ok(npm::package()?.with_file_name(FILE))
}

//! `cargo xtask npm`: the npm package, packed.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Command;

use crate::build::{MODULE_TARGET, root, run_program, target_folder, wasm_in};
use crate::terminal::say;

/// The file of the wasm.
pub(crate) const WASM: &str = "idhook_node.wasm";

/// The subcommand's name.
pub const NAME: &str = "npm";

/// The command and its help.
#[must_use]
pub fn command() -> Command {
    Command::new(NAME).about("Packs the npm package and prints its path")
}

/// Packs it and prints where it is.
///
/// # Errors
/// When something cannot be built or written.
pub fn run() -> Result<()> {
    say(package()?.display());
    Ok(())
}

/// Builds the wasm, packs it as an npm package and gives its path. Quick when nothing has changed.
///
/// # Errors
/// When the wasm target is missing and cannot be added, something cannot be built, or the package cannot be written.
pub fn package() -> Result<PathBuf> {
    let wasm = wasm_in(&root(), &target_folder(), MODULE_TARGET, &["idhook-node"])?.join(WASM);
    let folder = target_folder().join("dist");
    // A program of its own: see dev/npm/Cargo.toml.
    let (Some(wasm), Some(place)) = (wasm.to_str(), folder.to_str()) else { bail!("a path is not UTF-8") };
    run_program("idhook-npm", &[wasm, place])?;
    Ok(folder.join(format!("idhook-{}.tgz", env!("CARGO_PKG_VERSION"))))
}

/// Where the wasm is before it is packed.
#[must_use]
pub fn wasm() -> PathBuf {
    target_folder().join(MODULE_TARGET).join("release").join(WASM)
}

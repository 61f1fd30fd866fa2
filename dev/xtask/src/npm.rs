//! `cargo xtask npm`: the npm package, packed.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Command;

use crate::build::{cargo, cargo_with, ensure_target, remapped, root, target_folder};
use crate::terminal::say;

const TARGET: &str = "wasm32-unknown-unknown";

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
    ensure_target(TARGET)?;
    let build = ["build", "--release", "--target", TARGET, "--package", "idhook-node"];
    // A panic's place is where the source was on the machine that built it; that is nobody's business, and no two are the same.
    cargo_with(&build, "CARGO_ENCODED_RUSTFLAGS", &remapped(&root()))?;
    let wasm = wasm();
    let folder = target_folder().join("dist");
    // A program of its own: see dev/npm/Cargo.toml.
    let (Some(wasm), Some(place)) = (wasm.to_str(), folder.to_str()) else { bail!("a path is not UTF-8") };
    cargo(&["run", "--quiet", "--package", "idhook-npm", "--", wasm, place])?;
    Ok(folder.join(format!("idhook-{}.tgz", env!("CARGO_PKG_VERSION"))))
}

/// Where the wasm is before it is packed.
#[must_use]
pub fn wasm() -> PathBuf {
    target_folder().join(TARGET).join("release").join("idhook_node.wasm")
}

//! `cargo xtask python`: the Python package, as a wheel and a source distribution.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Command;

use crate::build::{MODULE_TARGET, root, run_program, target_folder, wasm_in};

/// The file of the wasm.
pub(crate) const WASM: &str = "idhook_python.wasm";

/// The subcommand's name.
pub const NAME: &str = "python";

/// The summary that `cargo xtask help` shows.
#[must_use]
pub fn command() -> Command {
    Command::new(NAME).about("Packs the Python package: a wheel and a source distribution")
}

/// Packs, and prints the paths and sizes.
///
/// # Errors
/// If something cannot be built or written.
pub fn run() -> Result<()> {
    package().map(|_| ())
}

/// Builds the wasm, packs it as a Python package and returns the paths of the wheel and the source distribution. Quick if nothing has
/// changed. Needs no Python.
///
/// # Errors
/// If the wasm target is missing and cannot be added, something cannot be built, or an archive cannot be written.
pub fn package() -> Result<[PathBuf; 2]> {
    let wasm = wasm_in(&root(), &target_folder(), MODULE_TARGET, &["idhook-python"])?.join(WASM);
    let folder = target_folder().join("dist");
    let (Some(wasm), Some(place)) = (wasm.to_str(), folder.to_str()) else { bail!("a path is not UTF-8") };
    run_program("idhook-wheel", &[wasm, place])?;
    let stem = concat!("idhook-", env!("CARGO_PKG_VERSION"));
    Ok([format!("{stem}-py3-none-any.whl"), format!("{stem}.tar.gz")].map(|name| folder.join(name)))
}

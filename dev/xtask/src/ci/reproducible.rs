//! Whether a build in another folder gives the same bytes: nothing of the machine or the checkout is in what ships.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::artifact::Artifact;
use crate::build;

/// Builds the component that ships for Spin here and in a copy of the checkout, and compares the two. Here it was built together with the
/// others, there it is built alone.
pub(super) fn check() -> Result<()> {
    let here = Artifact::Spin.build()?;
    let copy = copy_checkout()?;
    let there = build::wasm_in(&copy, &copy.join("target"), build::TARGET, &["idhook-spin"])?.join("idhook_spin.wasm");
    let same = fs::read(&here)? == fs::read(&there)?;
    ensure!(same, "{} and {} differ", here.display(), there.display());
    Ok(())
}

/// Copies what git knows, as it is now; gives the folder.
pub(crate) fn copy_checkout() -> Result<PathBuf> {
    let copy = build::target_folder().join("ci-copy").join("another folder");
    let list = Command::new("git").args(["ls-files", "-z"]).current_dir(build::root()).output().context("no git")?;
    ensure!(list.status.success(), "this is no checkout of git: {}", String::from_utf8_lossy(&list.stderr));
    // Not the folder `target` below it: what is built there is quick to build again.
    for file in String::from_utf8(list.stdout)?.split('\0').filter(|file| !file.is_empty()) {
        let (from, to) = (build::root().join(file), copy.join(file));
        // A file that was deleted and not committed.
        let Ok(bytes) = fs::read(&from) else { continue };
        if fs::read(&to).is_ok_and(|there| there == bytes) {
            continue;
        }
        fs::create_dir_all(to.parent().unwrap_or(&copy))?;
        fs::write(&to, bytes)?;
    }
    Ok(copy)
}

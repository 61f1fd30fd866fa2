//! Builds the components that ship.

use std::env::consts::EXE_EXTENSION;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::artifact::Artifact;
use crate::terminal::{Failure, note, say};

/// The target of the components.
pub(crate) const TARGET: &str = "wasm32-wasip2";

/// The target of what runs inside JavaScript and Python.
pub(crate) const MODULE_TARGET: &str = "wasm32-unknown-unknown";

/// The file of the library component.
pub(crate) const LIBRARY: &str = "idhook_library.wasm";

/// The packages of the components that ship.
pub(crate) const COMPONENTS: [&str; 4] = ["idhook-spin", "idhook-spin-wasip2", "idhook-wasi", "idhook-library"];

/// The packages of the modules for JavaScript and Python.
pub(crate) const MODULES: [&str; 2] = ["idhook-node", "idhook-python"];

/// The packages that exist only for WASI, beside the components that ship.
const ALSO_FOR_WASI: [&str; 2] = ["idhook-floor", "idhook-wasip2"];

/// The program that builds the website. It is built alone: mdBook's libraries have other features than those of the rest.
pub(crate) const BOOK: &str = "idhook-book";

/// The subcommand's name.
pub const NAME: &str = "build";

/// The command and its help.
#[must_use]
pub fn command() -> clap::Command {
    clap::Command::new(NAME).about("Builds the WebAssembly components and prints their paths and sizes")
}

/// Builds all components and prints their sizes.
///
/// # Errors
/// When the build fails.
pub fn run() -> Result<()> {
    wasm_in(&root(), &target_folder(), TARGET, &COMPONENTS)?;
    for wasm in Artifact::ALL.into_iter().map(Artifact::build).chain([library()]) {
        let wasm = wasm?;
        let size = std::fs::metadata(&wasm)?.len();
        say(format!("{} ({} kB)", wasm.display(), size.div_ceil(1000)));
    }
    Ok(())
}

/// Builds everything that ships as wasm in the checkout at `root`, with `folder` as cargo's folder. Quick when nothing has changed.
///
/// # Errors
/// As [`component`].
pub(crate) fn shipped_in(root: &Path, folder: &Path) -> Result<()> {
    wasm_in(root, folder, TARGET, &COMPONENTS)?;
    wasm_in(root, folder, MODULE_TARGET, &MODULES).map(|_| ())
}

/// Whether a component was built before, in whatever version.
pub(crate) fn is_built(file: &str) -> bool {
    target_folder().join(TARGET).join("release").join(file).is_file()
}

/// The root of the checkout.
#[must_use]
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

/// Builds the component of this package as `spin build` would but for paths of this machine, and gives the path of `file`. Quick
/// when nothing has changed.
///
/// # Errors
/// When the wasm target is missing and cannot be added, or the build fails.
pub fn component(package: &str, file: &str) -> Result<PathBuf> {
    Ok(wasm_in(&root(), &target_folder(), TARGET, &[package])?.join(file))
}

/// Builds the wasm of these packages for `target` in the checkout at `root`, with `folder` as cargo's folder; gives the folder of the wasm
/// files. In one run of cargo the packages share one build of the core, and their last steps, a minute on one core each, run side by side.
/// Each gets the same bytes as alone: their manifests see to that.
pub(crate) fn wasm_in(root: &Path, folder: &Path, target: &str, packages: &[&str]) -> Result<PathBuf> {
    ensure_target(target)?;
    let packages = packages.iter().flat_map(|package| ["--package", package]);
    let build: Vec<&str> = ["build", "--release", "--target", target].into_iter().chain(packages).collect();
    let mut cargo = Command::new(program());
    cargo.env("CARGO_ENCODED_RUSTFLAGS", remapped(root)).env("CARGO_TARGET_DIR", folder);
    run_cargo(cargo.current_dir(root), &build)?;
    Ok(folder.join(target).join("release"))
}

/// Builds the library component, for programs that call it, and gives its path.
///
/// # Errors
/// As [`component`].
pub fn library() -> Result<PathBuf> {
    component("idhook-library", LIBRARY)
}

/// The packages that exist only for WASI.
pub(crate) fn for_wasi() -> impl Iterator<Item = &'static str> {
    COMPONENTS.into_iter().chain(ALSO_FOR_WASI)
}

/// `--workspace` without what exists only as wasm.
pub(crate) fn native() -> Vec<&'static str> {
    let excluded = for_wasi().chain(MODULES).flat_map(|package| ["--exclude", package]);
    ["--workspace"].into_iter().chain(excluded).collect()
}

/// The native packages whose dependencies, built for all of them at once, are those that `cargo demo` and `cargo test` build; the gate
/// `one-build` compares the three.
pub(crate) fn sharing() -> Vec<&'static str> {
    [native(), vec!["--exclude", BOOK]].concat()
}

/// Builds and runs one of the programs that pack, document or measure. They are packages of their own, so that `cargo demo` does not wait
/// for their libraries.
///
/// # Errors
/// When it cannot be built, or fails.
pub(crate) fn run_program(name: &str, arguments: &[&str]) -> Result<()> {
    // Not `cargo run --package`: alone, the program would have its libraries built again with fewer features.
    cargo(&[&["build", "--quiet", "--locked"], sharing().as_slice(), &["--bin", name]].concat())?;
    let program = target_folder().join("debug").join(name).with_extension(EXE_EXTENSION);
    let status = Command::new(program).args(arguments).current_dir(root()).stdout(std::io::stderr()).status();
    if !status.with_context(|| format!("cannot start {name}"))?.success() {
        return Err(Failure::new(format!("{name} failed"), "see its messages above").into());
    }
    Ok(())
}

/// Runs cargo at the root.
pub(crate) fn cargo(arguments: &[&str]) -> Result<()> {
    run_cargo(Command::new(program()).current_dir(root()), arguments)
}

/// The same with one more variable in its environment.
pub(crate) fn cargo_with(arguments: &[&str], name: &str, value: &OsStr) -> Result<()> {
    run_cargo(Command::new(program()).env(name, value).current_dir(root()), arguments)
}

/// cargo itself: the one that runs this program, where one does.
pub(crate) fn program() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// Runs cargo. What it and the programs that it runs print goes to stderr: stdout is for this program's result.
///
/// It runs without the variables that `cargo run` sets for this program. With them the build script of ring runs again, and half a minute
/// of crates above it, whenever cargo is called from a program after it was called from a shell.
fn run_cargo(cargo: &mut Command, arguments: &[&str]) -> Result<()> {
    let is_of_this_package = |name: &OsString| {
        name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"))
    };
    for name in std::env::vars_os().map(|(name, _)| name).filter(is_of_this_package) {
        cargo.env_remove(name);
    }
    let status = cargo.args(arguments).stdout(std::io::stderr()).status().context("cannot start cargo")?;
    if !status.success() {
        let fix = "see cargo's messages above";
        return Err(Failure::new(format!("cargo {} failed", arguments.join(" ")), fix).into());
    }
    Ok(())
}

/// Flags that make the places of sources the same everywhere: a panic's place would be where the source was on the machine that
/// built it, and no two machines would make the same component.
pub(crate) fn remapped(root: &Path) -> OsString {
    let home = std::env::var_os("HOME").or_else(|| std::env::var_os("USERPROFILE")).map(PathBuf::from);
    let cargo = std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| home.map(|home| home.join(".cargo")));
    let mut flags = OsString::new();
    for (place, name) in cargo.map(|cargo| (cargo, "cargo")).into_iter().chain([(root.to_owned(), ".")]) {
        if !flags.is_empty() {
            flags.push("\u{1f}");
        }
        flags.push("--remap-path-prefix=");
        flags.push(place);
        flags.push("=");
        flags.push(name);
    }
    flags
}

/// Where cargo leaves what it builds.
pub(crate) fn target_folder() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// rustup adds the target that `rust-toolchain.toml` names by itself, unless that is switched off.
pub(crate) fn ensure_target(target: &str) -> Result<()> {
    let sysroot = Command::new("rustc")
        .args(["--print", "sysroot"])
        .current_dir(root())
        .output()
        .context("cannot start rustc")?;
    let sysroot = String::from_utf8(sysroot.stdout).context("the path of rustc's sysroot is not UTF-8")?;
    if Path::new(sysroot.trim()).join("lib/rustlib").join(target).is_dir() {
        return Ok(());
    }
    note(format!("Installing the Rust target {target}: rustup target add {target}"));
    let added = Command::new("rustup").args(["target", "add", target]).current_dir(root()).status();
    if added.is_ok_and(|status| status.success()) {
        return Ok(());
    }
    let fix = format!("run: rustup target add {target}");
    Err(Failure::new(format!("the Rust target {target} is not installed"), fix).into())
}

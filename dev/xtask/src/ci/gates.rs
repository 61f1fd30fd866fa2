//! The gates.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use super::{release, reproducible};
use crate::build::{self, cargo, cargo_with};
use crate::terminal::say;

/// One of the things that a change must pass.
pub(super) struct Gate {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) run: fn() -> Result<()>,
}

const fn gate(name: &'static str, about: &'static str, run: fn() -> Result<()>) -> Gate {
    Gate { name, about, run }
}

/// All of them, the quick ones first.
pub(super) const GATES: [Gate; 15] = [
    gate("fmt", "formatting", fmt),
    gate("clippy", "lints: native, wasm32-wasip2, wasm32-unknown-unknown", clippy),
    gate("purity", "the core builds for wasm and depends on no runtime", purity),
    gate(
        "one-build",
        "`cargo demo`, `cargo test` and the programs that pack share one build of their dependencies; so do the components",
        one_build,
    ),
    gate("docs", "rustdoc and website without warnings; links, completeness, code blocks", docs),
    gate("deny", "licences, bans, sources; advisories where the database can be reached", deny),
    gate("tests", "the README's `cargo test`: what Rust alone needs", tests),
    gate("npm", "tests of the programs that pack the npm, Python and WIT packages", npm),
    gate("tools", "stories that need Node.js, Python, a browser or Redis; they install what else they use", tools),
    gate("demo", "`cargo demo -- --once`", demo),
    gate("openapi", "the OpenAPI documents are valid; a client made from them reads every example (Python)", openapi),
    gate("contract", "the component does what its OpenAPI document says (Schemathesis, Python)", contract),
    gate("calls", "upstream and store calls of each operation, counted by `cargo xtask bench`", calls),
    gate("release", "a release passes its checks; SBOMs and a signature verify (OpenSSH, Python)", release::check),
    gate("reproducible", "a build in another folder gives the same bytes", reproducible::check),
];

/// Crates that only a runtime or a native host has.
const RUNTIMES: [&str; 8] =
    ["hyper", "reqwest", "spin-sdk", "tokio", "wasip2", "wasip3", "wasm-bindgen", "wit-bindgen"];

/// The versions of the Python programs.
const PYTHON: [&str; 4] = [
    "cyclonedx-python-lib[json-validation]==11.12.0",
    "openapi-python-client==0.29.1",
    "openapi-spec-validator==0.9.0",
    "schemathesis==4.32.5",
];

/// The stories that use a Redis server, beside all below `tools`.
const REDIS_STORIES: [&str; 3] = ["store::", "over_redis", "idempotency::"];

fn fmt() -> Result<()> {
    cargo(&["fmt", "--all", "--check"])
}

fn clippy() -> Result<()> {
    let deny = ["--", "-D", "warnings"];
    // With the feature, so that no story escapes.
    let features = ["--all-targets", "--features", "idhook-artifacts/tools"];
    cargo(&[&["clippy", "--locked"], build::native().as_slice(), &features, &deny].concat())?;
    // As a release, so that the macros that made the components serve here too.
    let components: Vec<&str> = build::for_wasi().flat_map(|package| ["--package", package]).collect();
    cargo(&[&["clippy", "--locked", "--release", "--target", build::TARGET], components.as_slice(), &deny].concat())?;
    let modules: Vec<&str> = build::MODULES.into_iter().flat_map(|package| ["--package", package]).collect();
    cargo(&[&["clippy", "--locked", "--release", "--target", build::MODULE_TARGET], modules.as_slice(), &deny].concat())
}

fn purity() -> Result<()> {
    // Alone: with its bindings, the core would have features of its dependencies that it does not ask for itself.
    cargo(&["check", "--locked", "--release", "--package", "idhook", "--target", build::TARGET])?;
    let tree = tree(&["--package", "idhook", "--edges", "normal", "--format", "{p}"])?;
    let names = tree.iter().filter_map(|line| line.split(' ').next());
    let found: Vec<&str> = names.filter(|name| RUNTIMES.contains(name)).collect();
    ensure!(found.is_empty(), "the core depends on a runtime: {}", found.join(", "));
    Ok(())
}

/// wasmtime alone takes two minutes to build, and the core for wasm one; each is built again if a crate below it has other features.
fn one_build() -> Result<()> {
    let demo = crates("normal,build", &["--package", "xtask"])?;
    let tests = crates("normal,build,dev", &[])?;
    // The core has its feature `contract` in tests only.
    let is_core = |line: &str| line.starts_with("idhook ");
    share("`cargo test`", &demo, &tests, "dev/xtask/Cargo.toml", is_core)?;
    let programs = crates("normal,build,dev", &build::sharing())?;
    share("a program that packs", &tests, &programs, "dev/xtask/Cargo.toml", |_| false)?;
    for (target, packages) in [(build::TARGET, build::COMPONENTS.as_slice()), (build::MODULE_TARGET, &build::MODULES)] {
        let of = |packages: &[&str]| {
            let packages = packages.iter().flat_map(|package| ["--package", package]);
            crates("normal,build", &["--target", target].into_iter().chain(packages).collect::<Vec<_>>())
        };
        let together = of(packages)?;
        for package in packages {
            share(
                "a build of all components",
                &of(&[package])?,
                &together,
                &format!("the manifest of {package}"),
                |_| false,
            )?;
        }
    }
    Ok(())
}

/// Every crate below a package, with its features.
fn crates(edges: &str, arguments: &[&str]) -> Result<BTreeSet<String>> {
    tree(&[&["--edges", edges, "--no-dedupe", "--format", "{p} with [{f}]"], arguments].concat())
}

/// Fails if `more` has a crate of `less` only with other features.
fn share(
    what: &str,
    less: &BTreeSet<String>,
    more: &BTreeSet<String>,
    manifest: &str,
    except: fn(&str) -> bool,
) -> Result<()> {
    let differ: Vec<&str> = less.difference(more).map(String::as_str).filter(|line| !except(line)).collect();
    ensure!(
        differ.is_empty(),
        "{what} builds these again, for it turns on more of their features; turn them on in {manifest}: {}",
        differ.join(", ")
    );
    Ok(())
}

/// The lines of `cargo tree`.
fn tree(arguments: &[&str]) -> Result<BTreeSet<String>> {
    let tree = [&["tree", "--locked", "--prefix", "none"], arguments].concat();
    let output = Command::new(build::program()).args(tree).current_dir(build::root()).output()?;
    ensure!(output.status.success(), "cargo tree failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?.lines().map(str::to_owned).collect())
}

fn docs() -> Result<()> {
    let arguments =
        [&["doc", "--locked"], build::native().as_slice(), &["--no-deps", "--document-private-items"]].concat();
    cargo_with(&arguments, "RUSTDOCFLAGS", OsStr::new("-D warnings"))?;
    cargo(&["xtask", "docs", "--check"])?;
    cargo(&["test", "--locked", "--test", "docs"])
}

fn deny() -> Result<()> {
    let installed = Command::new(build::program()).args(["deny", "--version"]).output();
    let is_installed = installed.is_ok_and(|output| output.status.success());
    ensure!(is_installed, "cargo-deny is not installed: cargo install --locked cargo-deny");
    cargo(&["deny", "--workspace", "check", "bans", "licenses", "sources"])?;
    // The advisory database is a git repository; where it cannot be reached, that is said and is not a failure of the change.
    if cargo(&["deny", "fetch", "db"]).is_err() {
        say("the advisory database cannot be reached from here: advisories not checked");
        return Ok(());
    }
    cargo(&["deny", "--workspace", "check", "advisories"])
}

fn npm() -> Result<()> {
    let programs = ["idhook-npm", "idhook-wheel", "idhook-wit"].into_iter().flat_map(|name| ["--bin", name]);
    cargo(&["test", "--locked"].into_iter().chain(build::sharing()).chain(programs).collect::<Vec<_>>())
}

fn tests() -> Result<()> {
    // So that no story waits for them.
    build::run()?;
    cargo(&["test", "--locked"])
}

fn tools() -> Result<()> {
    // So that no story waits for them.
    build::shipped_in(&build::root(), &build::target_folder())?;
    let test = ["test", "--locked", "--package", "idhook-artifacts", "--features", "tools", "--", "tools::"];
    cargo(&[test.as_slice(), &REDIS_STORIES].concat())
}

fn demo() -> Result<()> {
    cargo(&["demo", "--", "--once"])
}

fn openapi() -> Result<()> {
    let (bin, sources) = (python()?, build::root().join("dev/openapi"));
    let assets = build::root().join("src/webhook/assets");
    let documents = ["openapi.json", "openapi-3.0.json"].map(|name| assets.join(name));
    run(Command::new(bin.join("openapi-spec-validator")).args(&documents))?;
    for document in &documents {
        let folder = tempfile::tempdir()?;
        let client = folder.path().join("client");
        run(Command::new(bin.join("openapi-python-client"))
            .args(["generate", "--meta", "none", "--fail-on-warning", "--config"])
            .arg(sources.join("client.yaml"))
            .arg("--path")
            .arg(document)
            .arg("--output-path")
            .arg(&client))?;
        run(Command::new(bin.join("python")).arg(sources.join("read_examples.py")).arg(document).arg(&client))?;
    }
    Ok(())
}

fn contract() -> Result<()> {
    let schemathesis = python()?.join("schemathesis");
    cargo(&["xtask", "contract", "--schemathesis", schemathesis.to_str().context("a path is not UTF-8")?])
}

fn calls() -> Result<()> {
    cargo(&[
        "xtask",
        "bench",
        "--quick",
        "--assert-calls",
        "--stores",
        "none,default",
        "--operations",
        "start,join,list,state",
    ])
}

/// The folder of Python's programs in an environment of this checkout, made on first use.
pub(super) fn python() -> Result<PathBuf> {
    let folder = build::target_folder().join("ci-python");
    let bin = folder.join("bin");
    run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    run(Command::new(bin.join("python"))
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
        .args(PYTHON))?;
    Ok(bin)
}

pub(super) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("{command:?} cannot be started"))?;
    if !status.success() {
        bail!("{command:?} failed");
    }
    Ok(())
}

//! `cargo xtask version`: moves the version of every artifact, API, package and document together.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use clap::{Arg, ArgMatches, Command};
use semver::Version;
use time::OffsetDateTime;

use crate::build;
use crate::terminal::{Failure, say};

/// The subcommand's name.
pub const NAME: &str = "version";

/// The files that name the version, beside `Cargo.toml`, `Cargo.lock` and the changelog. A test fails if another file names it.
const PLACES: [&str; 22] = [
    "bindings/npm/package/README.md",
    "bindings/python/package/README.md",
    "deploy/compose/compose.yaml",
    "deploy/container/Containerfile",
    "deploy/helm/idhook/Chart.yaml",
    "deploy/kubernetes/base/application.yaml",
    "deploy/kubernetes/spin-3/kustomization.yaml",
    "deploy/wasmcloud/workload.yaml",
    "dev/floor/spin.toml",
    "docs/operate/release.md",
    "docs/reference/compatibility.md",
    "docs/start/component.md",
    "docs/start/kubernetes.md",
    "docs/start/node.md",
    "docs/start/python.md",
    "spin-wasip2.toml",
    "spin.toml",
    "src/webhook/assets/openapi-3.0.json",
    "src/webhook/assets/openapi.json",
    "tests/component/driver.py",
    "wit/world.wit",
    "CHANGELOG.md",
];

/// The file with the version of all packages.
const MANIFEST: &str = "Cargo.toml";
/// The lock files: of the workspace, and of the targets for fuzzing, which are a workspace of their own.
const LOCKS: [&str; 2] = ["Cargo.lock", "dev/fuzz/Cargo.lock"];
/// The version of a package that has none.
const NO_VERSION: &str = "0.0.0";
const CHANGELOG: &str = "CHANGELOG.md";

/// The command and its help.
#[must_use]
pub fn command() -> Command {
    Command::new(NAME)
        .about("Moves the version of artifacts, API, WIT, npm, Python and documents together")
        .after_help(
            "Without NEW it checks that all files name the same version. docs/operate/release.md describes the whole way of a release.",
        )
        .arg(Arg::new("new").value_name("NEW").help("the new version, such as 0.2.0"))
}

/// Moves the version, or checks that all files name the same.
///
/// # Errors
/// When the new version is not one or not later, or a file cannot be read or written, or names another version.
pub fn run(matches: &ArgMatches) -> Result<()> {
    let root = build::root();
    let Some(new) = matches.get_one::<String>("new") else {
        let files = check(&root)?;
        say(format!("{} in {files} files", current(&root)?));
        return Ok(());
    };
    let files = set(&root, new, &OffsetDateTime::now_utc().date().to_string())?;
    say(format!("{new} in {} files:\n  {}", files.len(), files.join("\n  ")));
    say(format!("Next: read {CHANGELOG}, then run cargo test and commit."));
    Ok(())
}

/// The version in the manifest of the checkout at `root`.
///
/// # Errors
/// When there is none.
fn current(root: &Path) -> Result<Version> {
    let manifest = read(root, MANIFEST)?;
    let manifest: toml::Table = manifest.parse().context(MANIFEST)?;
    let version = manifest.get("workspace").and_then(|table| table.get("package")?.get("version")?.as_str());
    Ok(Version::parse(version.with_context(|| format!("{MANIFEST} has no workspace.package.version"))?)?)
}

/// Checks that every place names the version of the manifest; gives the number of files.
///
/// # Errors
/// When one does not.
pub(crate) fn check(root: &Path) -> Result<usize> {
    let version = current(root)?.to_string();
    let fix = "correct it, or move all of them: cargo xtask version NEW";
    for place in PLACES {
        let names = occurrences(&read(root, place)?, &version);
        ensure!(names > 0, Failure::new(format!("{place} does not name the version {version}"), fix));
    }
    for lock in LOCKS {
        let packages = packages(&read(root, lock)?);
        let other = packages.iter().filter(|(_, of)| *of != version && of != NO_VERSION).map(|(name, _)| name);
        let other: Vec<_> = other.collect();
        let fix = "run cargo check in its folder";
        ensure!(other.is_empty(), Failure::new(format!("{lock} has another version of {other:?}"), fix));
    }
    Ok(PLACES.len() + LOCKS.len() + 1)
}

/// Sets the version in the checkout at `root`; `date` dates the section of the changelog. Gives the files.
fn set(root: &Path, new: &str, date: &str) -> Result<Vec<&'static str>> {
    let old = current(root)?;
    let fix = format!("give a version later than {old}, such as {}.{}.0", old.major, old.minor + 1);
    let new = Version::parse(new).map_err(|e| Failure::new(format!("{new:?} is no version: {e}"), &fix))?;
    ensure!(new > old, Failure::new(format!("{new} is not later than {old}"), fix));
    check(root)?;
    let (old, new) = (old.to_string(), new.to_string());

    let mut texts = vec![(
        MANIFEST,
        read(root, MANIFEST)?.replacen(&format!("\nversion = \"{old}\"\n"), &format!("\nversion = \"{new}\"\n"), 1),
    )];
    for lock in LOCKS {
        texts.push((lock, locked(&read(root, lock)?, &old, &new)));
    }
    for place in PLACES {
        let text = read(root, place)?;
        let text = if place == CHANGELOG { dated(&text, &old, &new, date)? } else { replaced(&text, &old, &new) };
        texts.push((place, text));
    }
    for (place, text) in &texts {
        fs::write(root.join(place), text).with_context(|| (*place).to_owned())?;
    }
    check(root)?;
    Ok(texts.into_iter().map(|(place, _)| place).collect())
}

fn read(root: &Path, place: &str) -> Result<String> {
    fs::read_to_string(root.join(place)).with_context(|| place.to_owned())
}

/// The changelog with "Unreleased" as the section of the new version. Sections of earlier versions stay as they are.
fn dated(changelog: &str, old: &str, new: &str, date: &str) -> Result<String> {
    let heading = "\n## Unreleased\n";
    let (promises, changes) =
        changelog.split_once(heading).with_context(|| format!("{CHANGELOG} has no \"Unreleased\""))?;
    // The table of what a version promises names the WIT package.
    let promises = promises.replace(&format!("idhook:identity@{old}"), &format!("idhook:identity@{new}"));
    Ok(format!("{promises}{heading}\n## {new} - {date}\n{changes}"))
}

/// A lock file with the new version for the packages of this repository: those without a source.
fn locked(lock: &str, old: &str, new: &str) -> String {
    let own = |block: &&str| !block.contains("\nsource = ");
    let blocks = lock.split("\n[[package]]\n");
    let moved = blocks.map(|block| match own(&block) {
        true => block.replacen(&format!("\nversion = \"{old}\"\n"), &format!("\nversion = \"{new}\"\n"), 1),
        false => block.to_owned(),
    });
    moved.collect::<Vec<_>>().join("\n[[package]]\n")
}

/// The packages of this repository in a lock file, with their versions.
fn packages(lock: &str) -> BTreeSet<(String, String)> {
    let blocks = lock.split("\n[[package]]\n").skip(1).filter(|block| !block.contains("\nsource = "));
    let field = |block: &str, name: &str| {
        let line = block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = \""));
        line.map(|value| value.trim_end_matches('"').to_owned())
    };
    blocks.filter_map(|block| Some((field(block, "name")?, field(block, "version")?))).collect()
}

/// `text` with `new` wherever it has the version `old`.
fn replaced(text: &str, old: &str, new: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut at = 0;
    for found in places(text, old) {
        result.push_str(text.get(at..found).unwrap_or_default());
        result.push_str(new);
        at = found + old.len();
    }
    result.push_str(text.get(at..).unwrap_or_default());
    result
}

fn occurrences(text: &str, version: &str) -> usize {
    places(text, version).count()
}

/// Where `text` has the version, and not a longer one that contains it, such as 9.0.1.0 or 0.1.01.
fn places<'t>(text: &'t str, version: &'t str) -> impl Iterator<Item = usize> + 't {
    text.match_indices(version).map(|(at, _)| at).filter(|at| {
        let before = text.get(..*at).unwrap_or_default().chars().next_back();
        let mut after = text.get(at + version.len()..).unwrap_or_default().chars();
        let is_longer = match after.next() {
            Some('.') => after.next().is_some_and(|c| c.is_ascii_digit()),
            Some(c) => c.is_ascii_digit(),
            None => false,
        };
        !before.is_some_and(|c| c.is_ascii_digit() || c == '.') && !is_longer
    })
}

#[cfg(test)]
mod tests;

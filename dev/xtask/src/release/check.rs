//! The checks of a release: everything that can be checked without publishing it. One line for each, with a fix for what failed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Error, Result, ensure};
use serde_json::Value;

use super::source::Source;
use super::{PROVENANCE, SBOM, built, names, oci, signature, wasm_files};
use crate::ci::copy_checkout;
use crate::dist::{DIGESTS, sha256};
use crate::terminal::{Failure, Mark, Progress, fix_of, hanging, say, summary, width};
use crate::{build, version};

/// How much is checked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope {
    /// Changes that are not committed are accepted.
    pub(super) allow_dirty: bool,
    /// Nothing is built again.
    pub(super) quick: bool,
}

/// The result of a check, or the reason why it was left out.
enum Found {
    Good(String),
    Skipped(String),
}

/// Runs the checks and prints a line for each.
///
/// # Errors
/// When a check fails; all of them run before.
pub(super) fn run(release: &Path, source: &Source, scope: Scope) -> Result<()> {
    let checks: [(&str, &dyn Fn() -> Result<Found>); 10] = [
        ("work tree", &|| work_tree(source, scope)),
        ("versions", &versions),
        ("changelog", &changelog),
        ("licences", &licences),
        ("digests", &|| digests(release)),
        ("SBOMs", &|| sboms(release)),
        ("OCI layout", &|| layout(release)),
        ("provenance", &|| provenance(release, source)),
        ("signature", &|| signed(release)),
        ("reproducible", &|| reproducible(scope)),
    ];
    let mut failed = Vec::new();
    for (name, check) in checks {
        let progress = Progress::of(name);
        let result = check();
        drop(progress);
        let (mark, text) = match &result {
            Ok(Found::Good(text)) => (Mark::Good, text.clone()),
            Ok(Found::Skipped(text)) => (Mark::Skipped, text.clone()),
            Err(e) => (Mark::Bad, summary(e)),
        };
        say(hanging(&format!("{mark} {name}: "), &text, width()));
        if let Err(e) = &result {
            failed.push(name);
            if let Some(fix) = fix_of(e) {
                say(hanging("    fix: ", fix, width()));
            }
        }
    }
    ensure!(
        failed.is_empty(),
        Failure::new(format!("{} failed", failed.join(", ")), "correct the marked checks and repeat")
    );
    Ok(())
}

fn failure(what: impl Into<String>, fix: &str) -> Error {
    Failure::new(what, fix).into()
}

fn good(text: impl Into<String>) -> Result<Found> {
    Ok(Found::Good(text.into()))
}

fn work_tree(source: &Source, scope: Scope) -> Result<Found> {
    match (source.changes.as_slice(), scope.allow_dirty) {
        ([], _) => good(format!("clean, at {}", source.commit)),
        (changes, true) => Ok(Found::Skipped(format!("{} paths differ from the commit", changes.len()))),
        (changes, false) => Err(failure(format!("changes in {}", changes.join(", ")), "commit or remove them")),
    }
}

fn versions() -> Result<Found> {
    let places = version::check(&build::root())?;
    good(format!("{} in {places} files", env!("CARGO_PKG_VERSION")))
}

fn changelog() -> Result<Found> {
    let text = fs::read_to_string(build::root().join("CHANGELOG.md"))?;
    good(changes(&text, env!("CARGO_PKG_VERSION"))?)
}

/// Which section of the changelog describes this version.
fn changes(changelog: &str, version: &str) -> Result<String> {
    let fix =
        "list what users notice in CHANGELOG.md below \"## Unreleased\"; `cargo xtask version NEW` dates the section";
    let sections: Vec<&str> = changelog.split("\n## ").skip(1).collect();
    let is_dated = |section: &&&str| section.starts_with(&format!("{version} - "));
    let unreleased = sections.iter().find(|section| section.starts_with("Unreleased\n"));
    let found = sections.iter().find(is_dated).or(unreleased);
    let section = found.ok_or_else(|| failure(format!("no section for {version} and none for \"Unreleased\""), fix))?;
    let heading = section.lines().next().unwrap_or_default();
    let entries = section.lines().filter(|line| line.starts_with("- ")).count();
    if entries == 0 {
        return Err(failure(format!("the section {heading:?} is empty"), fix));
    }
    Ok(format!("{entries} entries in {heading:?}"))
}

fn licences() -> Result<Found> {
    let deny = Command::new(build::program()).args(["deny", "--version"]).output();
    if !deny.is_ok_and(|output| output.status.success()) {
        return Err(failure("cargo-deny is not installed", "run: cargo install --locked cargo-deny"));
    }
    let arguments = ["deny", "--log-level", "error", "--workspace", "check", "licenses"];
    let checked = Command::new(build::program()).args(arguments).current_dir(build::root()).output()?;
    if !checked.status.success() {
        let fix = "see cargo xtask ci deny; deny.toml lists the accepted licences";
        return Err(failure("a crate has a licence that deny.toml does not accept", fix));
    }
    good("deny.toml accepts those of all crates")
}

fn digests(release: &Path) -> Result<Found> {
    let listed = listed(release)?;
    let fix = "make the release again: cargo xtask release";
    let own = [DIGESTS, signature::FILE];
    let present: BTreeSet<String> = names(release)?.into_iter().filter(|name| !own.contains(&name.as_str())).collect();
    let names: BTreeSet<String> = listed.keys().cloned().collect();
    if present != names {
        let differ: Vec<_> = present.symmetric_difference(&names).collect();
        return Err(failure(format!("{DIGESTS} and the folder differ in {differ:?}"), fix));
    }
    for (name, digest) in &listed {
        if sha256(&fs::read(release.join(name))?) != *digest {
            return Err(failure(format!("{name} has another digest than in {DIGESTS}"), fix));
        }
    }
    good(format!("{} files fit {DIGESTS}", listed.len()))
}

/// The files in the list of digests.
fn listed(release: &Path) -> Result<BTreeMap<String, String>> {
    let text = fs::read_to_string(release.join(DIGESTS)).context(DIGESTS)?;
    let entry = |line: &str| line.split_once("  ").map(|(digest, name)| (name.to_owned(), digest.to_owned()));
    text.lines().map(|line| entry(line).with_context(|| format!("{DIGESTS} has the line {line:?}"))).collect()
}

fn sboms(release: &Path) -> Result<Found> {
    let mut crates = BTreeSet::new();
    let artifacts = built();
    for artifact in &artifacts {
        let name = format!("{}{SBOM}", artifact.file);
        let bom = document(&release.join(&name))?;
        let digest = sha256(&fs::read(release.join(&artifact.file))?);
        let stated = bom.pointer("/metadata/component/hashes/0/content").and_then(Value::as_str);
        ensure!(stated == Some(&digest), "{name} is about another file than {}", artifact.file);
        let components = bom.get("components").and_then(Value::as_array).context("no components")?;
        let known: BTreeSet<&str> = components.iter().filter_map(|one| one.get("bom-ref")?.as_str()).collect();
        ensure!(known.len() == components.len() && known.len() > 10, "{name} lists {} components", known.len());
        ensure!(known.iter().any(|one| one.starts_with(&format!("{}@", artifact.package))), "{name} lacks its package");
        crates.extend(known.into_iter().map(str::to_owned));
    }
    good(format!("{} artifacts, {} components", artifacts.len(), crates.len()))
}

fn document(path: &Path) -> Result<Value> {
    let text = fs::read(path).with_context(|| path.display().to_string())?;
    serde_json::from_slice(&text).with_context(|| path.display().to_string())
}

fn layout(release: &Path) -> Result<Found> {
    let folder = release.join(oci::FOLDER);
    let index = document(&folder.join("index.json"))?;
    let images = index.get("manifests").and_then(Value::as_array).context("index.json lists no images")?;
    let mut blobs = BTreeSet::new();
    let mut found = Vec::new();
    for image in images {
        let manifest: Value = serde_json::from_slice(&blob(&folder, image, &mut blobs)?)?;
        blob(&folder, manifest.get("config").context("an image has no config")?, &mut blobs)?;
        for layer in manifest.get("layers").and_then(Value::as_array).context("an image has no layers")? {
            blob(&folder, layer, &mut blobs)?;
        }
        let name = image.get("annotations").and_then(|all| all.get(oci::NAME)).and_then(Value::as_str);
        found.push(name.context("an image has no name")?.to_owned());
    }
    for artifact in built().iter().filter(|artifact| artifact.file.ends_with(".wasm")) {
        let digest = sha256(&fs::read(release.join(&artifact.file))?);
        ensure!(blobs.contains(&digest), "no image contains {}", artifact.file);
    }
    let present: BTreeSet<String> = names(&folder.join("blobs/sha256"))?.into_iter().collect();
    ensure!(present == blobs, "the layout has blobs that belong to no image");
    good(found.join(", "))
}

/// The blob of a descriptor, whose digest and size it must have.
fn blob(folder: &Path, descriptor: &Value, seen: &mut BTreeSet<String>) -> Result<Vec<u8>> {
    let digest = descriptor.get("digest").and_then(Value::as_str).and_then(|text| text.strip_prefix("sha256:"));
    let digest = digest.with_context(|| format!("a descriptor has no digest: {descriptor}"))?;
    let bytes = fs::read(folder.join("blobs/sha256").join(digest)).with_context(|| format!("the blob {digest}"))?;
    let size = descriptor.get("size").and_then(Value::as_u64);
    ensure!(sha256(&bytes) == digest && size == u64::try_from(bytes.len()).ok(), "the blob {digest} is another");
    seen.insert(digest.to_owned());
    Ok(bytes)
}

fn provenance(release: &Path, source: &Source) -> Result<Found> {
    let statement = document(&release.join(PROVENANCE))?;
    let subjects = statement.get("subject").and_then(Value::as_array).context("no subjects")?;
    let entry = |subject: &Value| {
        let name = subject.get("name")?.as_str()?.to_owned();
        Some((name, subject.pointer("/digest/sha256")?.as_str()?.to_owned()))
    };
    let stated: BTreeMap<String, String> = subjects.iter().filter_map(entry).collect();
    let mut expected = listed(release)?;
    expected.remove(PROVENANCE);
    ensure!(stated == expected, "{PROVENANCE} is about other files than {DIGESTS}");
    let commit = statement.pointer("/predicate/buildDefinition/externalParameters/commit").and_then(Value::as_str);
    ensure!(commit == Some(&source.commit), "{PROVENANCE} names another commit");
    good(format!("{} files of commit {}", stated.len(), source.commit))
}

fn signed(release: &Path) -> Result<Found> {
    if !signature::file(release).is_file() {
        return Ok(Found::Skipped("the release is unsigned; --key FILE signs it".to_owned()));
    }
    good(signature::check(release)?)
}

fn reproducible(scope: Scope) -> Result<Found> {
    if scope.quick {
        return Ok(Found::Skipped("left out by --quick".to_owned()));
    }
    let copy = copy_checkout()?;
    let wasm = wasm_files();
    build::shipped_in(&copy, &copy.join("target"))?;
    for (target, file) in wasm {
        let built = |folder: PathBuf| folder.join(target).join("release").join(file);
        let (here, there) = (built(build::target_folder()), built(copy.join("target")));
        if fs::read(&here)? != fs::read(&there)? {
            let fix = "look for a path or a time in the bytes of both: cmp -l FILE FILE";
            return Err(failure(format!("{} and {} differ", here.display(), there.display()), fix));
        }
    }
    good(format!("{} wasm files have the same bytes when built in another folder", wasm.len()))
}

#[cfg(test)]
mod tests;

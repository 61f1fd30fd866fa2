//! `cargo xtask release`: everything that ships, with bills of materials, provenance, an OCI layout, digests and a signature.
//!
//! The same commit and toolchain give the same bytes in every file but the signature.

mod check;
mod crates;
mod oci;
mod provenance;
mod sbom;
mod signature;
mod source;
mod spin_lock;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use self::source::Source;
use crate::dist::{self, DIGESTS, sha256};
use crate::terminal::{Failure, Progress, note, say};
use crate::{build, bundle, npm, python};

/// The subcommand's name.
pub const NAME: &str = "release";

/// The file with the provenance.
const PROVENANCE: &str = "provenance.json";

/// The ending of a bill of materials, after the name of its artifact.
const SBOM: &str = ".cdx.json";

/// The command and its help.
#[must_use]
pub fn command() -> Command {
    let flag = |name: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue);
    Command::new(NAME)
        .about("Makes a release in target/release-VERSION: artifacts, SBOMs, provenance, OCI layout, digests, signature")
        .after_help(
            "Examples:\n  cargo xtask release --check\n  cargo xtask release --key ~/.ssh/id_ed25519\n\nNothing is published. \
             docs/operate/release.md describes the whole way, and how a user verifies a download.",
        )
        .arg(
            Arg::new("key")
                .long("key")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .help("sign the digests with this SSH key (ssh-keygen -Y sign); without it the release is unsigned"),
        )
        .arg(flag("allow-dirty").help("accept changes that are not committed; the provenance then names them"))
        .arg(flag("check").help("also check everything that can be checked without publishing; one line for each check"))
        .arg(
            flag("quick")
                .requires("check")
                .help("leave out the check that builds everything again in another folder, which takes minutes"),
        )
}

/// Makes the release, signs it if there is a key, and checks it if that is wanted.
///
/// # Errors
/// When something cannot be built, written or signed, or a check fails.
pub fn run(matches: &ArgMatches) -> Result<()> {
    let allow_dirty = matches.get_flag("allow-dirty");
    let source = Source::read()?;
    let checks = matches.get_flag("check");
    if !source.changes.is_empty() && !allow_dirty && !checks {
        let what = format!("the work tree has changes: {}", source.changes.join(", "));
        return Err(Failure::new(what, "commit or remove them; for a trial give --allow-dirty").into());
    }
    let release = make(&source)?;
    match matches.get_one::<PathBuf>("key") {
        Some(key) => signature::sign(&release, key)?,
        None if signature::file(&release).is_file() => note("The signature of an earlier run still fits."),
        None => note("The release is unsigned: sign it with --key FILE, an SSH key of the maintainer."),
    }
    if checks {
        return check::run(&release, &source, check::Scope { allow_dirty, quick: matches.get_flag("quick") });
    }
    let files = fs::read_to_string(release.join(DIGESTS))?.lines().count();
    say(format!("{} ({files} files and {DIGESTS})", release.display()));
    Ok(())
}

/// An artifact: its file, and the package and target that the wasm in it is built of.
struct Built {
    file: String,
    package: &'static str,
    target: &'static str,
}

/// The artifacts that contain wasm.
fn built() -> Vec<Built> {
    let version = env!("CARGO_PKG_VERSION");
    let component = |file: &str, package| Built { file: file.to_owned(), package, target: build::TARGET };
    let module = |file, package| Built { file, package, target: build::MODULE_TARGET };
    vec![
        component("idhook_spin.wasm", "idhook-spin"),
        component("idhook_spin_wasip2.wasm", "idhook-spin-wasip2"),
        component("idhook_wasi.wasm", "idhook-wasi"),
        component(build::LIBRARY, "idhook-library"),
        module(format!("idhook-{version}.tgz"), "idhook-node"),
        module(bundle::FILE.to_owned(), "idhook-node"),
        module(format!("idhook-{version}-py3-none-any.whl"), "idhook-python"),
        module(format!("idhook-{version}.tar.gz"), "idhook-python"),
    ]
}

/// The wasm files as cargo leaves them, with their targets.
fn wasm_files() -> [(&'static str, &'static str); 6] {
    [
        (build::TARGET, "idhook_spin.wasm"),
        (build::TARGET, "idhook_spin_wasip2.wasm"),
        (build::TARGET, "idhook_wasi.wasm"),
        (build::TARGET, build::LIBRARY),
        (build::MODULE_TARGET, npm::WASM),
        (build::MODULE_TARGET, python::WASM),
    ]
}

/// The files of a release: names relative to its folder, with `/`, and contents.
type Files = BTreeMap<String, Vec<u8>>;

/// Builds everything and writes the folder; gives its path.
fn make(source: &Source) -> Result<PathBuf> {
    let (folder, shipped) = dist::make()?;
    let progress = Progress::of("SBOMs, OCI layout, provenance");
    let mut files = Files::new();
    for file in &shipped {
        let path = folder.join(&file.name);
        files.insert(file.name.clone(), fs::read(&path).with_context(|| path.display().to_string())?);
    }
    for artifact in built() {
        let bytes = files.get(&artifact.file).with_context(|| format!("{} was not built", artifact.file))?;
        let tree = crates::Tree::of(artifact.package, artifact.target)?;
        let sbom = sbom::document(&artifact.file, &sha256(bytes), &tree, source)?;
        files.insert(format!("{}{SBOM}", artifact.file), pretty(&sbom)?);
    }
    files.extend(oci::layout(&files, source)?);
    let provenance = provenance::statement(&files, source)?;
    files.insert(PROVENANCE.to_owned(), pretty(&provenance)?);
    let digests: String = files.iter().map(|(name, bytes)| format!("{}  {name}\n", sha256(bytes))).collect();
    files.insert(DIGESTS.to_owned(), digests.into_bytes());
    drop(progress);
    let release = build::target_folder().join(format!("release-{}", source.version));
    write(&release, &files)?;
    Ok(release)
}

fn pretty(document: &serde_json::Value) -> Result<Vec<u8>> {
    Ok((serde_json::to_string_pretty(document)? + "\n").into_bytes())
}

/// Writes the files and removes those of an earlier run. A signature stays as long as it signs the same digests.
fn write(release: &Path, files: &Files) -> Result<()> {
    let is_same = fs::read(release.join(DIGESTS)).is_ok_and(|old| files.get(DIGESTS) == Some(&old));
    for file in names(release)? {
        let stays = file == signature::FILE && is_same;
        if !files.contains_key(&file) && !stays {
            fs::remove_file(release.join(&file)).with_context(|| file.clone())?;
        }
    }
    for (name, bytes) in files {
        let path = release.join(name);
        fs::create_dir_all(path.parent().unwrap_or(release))?;
        fs::write(&path, bytes).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

/// The names of the files below a folder, relative to it, with `/`, in order; none if there is no such folder.
fn names(folder: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut left = vec![(folder.to_owned(), String::new())];
    while let Some((path, prefix)) = left.pop() {
        if !path.is_dir() {
            continue;
        }
        for entry in fs::read_dir(&path).with_context(|| path.display().to_string())? {
            let entry = entry?;
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            match entry.file_type()?.is_dir() {
                true => left.push((entry.path(), format!("{name}/"))),
                false => found.push(name),
            }
        }
    }
    found.sort();
    Ok(found)
}

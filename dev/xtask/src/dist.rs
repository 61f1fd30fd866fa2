//! `cargo xtask dist`: everything that ships, in one folder, with its digests.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::artifact::Artifact;
use crate::terminal::say;
use crate::{build, bundle, npm, python};

/// The subcommand's name.
pub const NAME: &str = "dist";

/// The digests, as `sha256sum --check` takes them.
pub const DIGESTS: &str = "SHA256SUMS";

/// The name of the WIT package.
pub const WIT_PACKAGE: &str = concat!("idhook-wit-", env!("CARGO_PKG_VERSION"), ".wasm");

/// The command and its help.
#[must_use]
pub fn command() -> Command {
    Command::new(NAME)
        .about("Builds all artifacts into target/dist, with sizes and SHA-256")
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("print the list as JSON"))
}

/// A file that ships.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shipped {
    /// Its name in the folder.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its SHA-256, in hexadecimal digits.
    pub sha256: String,
}

/// Builds them and prints the list.
///
/// # Errors
/// When something cannot be built or written.
pub fn run(matches: &ArgMatches) -> Result<()> {
    let (folder, shipped) = make()?;
    if matches.get_flag("json") {
        let files: Vec<_> = shipped.iter().map(Shipped::json).collect();
        say(serde_json::to_string_pretty(&json!({ "folder": folder, "files": files }))?);
        return Ok(());
    }
    say(format!("{}, with {DIGESTS}:", folder.display()));
    for Shipped { name, size, sha256 } in shipped {
        say(format!("{:>6} kB  {name:<24} {sha256}", size.div_ceil(1000)));
    }
    Ok(())
}

/// Builds all artifacts; gives the folder and the files in it.
///
/// # Errors
/// When something cannot be built or written.
pub fn make() -> Result<(PathBuf, Vec<Shipped>)> {
    let folder = build::target_folder().join("dist");
    fs::create_dir_all(&folder)?;
    build::shipped_in(&build::root(), &build::target_folder())?;
    let mut files = Vec::new();
    for artifact in Artifact::ALL {
        files.push(copy(&artifact.build()?, &folder)?);
        if let Some(manifest) = artifact.manifest() {
            let text = fs::read_to_string(&manifest).with_context(|| manifest.display().to_string())?;
            let path = folder.join(manifest.file_name().unwrap_or_default());
            fs::write(&path, beside_its_component(&text))?;
            files.push(path);
        }
    }
    files.push(copy(&build::library()?, &folder)?);
    for document in ["openapi.json", "openapi-3.0.json"] {
        files.push(copy(&build::root().join("src/webhook/assets").join(document), &folder)?);
    }
    // The one is packed with the other.
    let package = npm::package()?;
    files.extend([package.with_file_name(bundle::FILE), package]);
    files.extend(python::package()?);
    files.push(wit_package(&folder)?);
    files.sort();

    let shipped = files.iter().map(|path| Shipped::read(path)).collect::<Result<Vec<_>>>()?;
    let digests = folder.join(DIGESTS);
    let lines: String = shipped.iter().map(|file| format!("{}  {}\n", file.sha256, file.name)).collect();
    fs::write(&digests, lines)?;
    // Files that an earlier version left do not ship with this one.
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        if path.is_file() && path != digests && !files.contains(&path) {
            fs::remove_file(&path).with_context(|| path.display().to_string())?;
        }
    }
    Ok((folder, shipped))
}

impl Shipped {
    fn json(&self) -> serde_json::Value {
        json!({ "name": self.name, "size": self.size, "sha256": self.sha256 })
    }

    fn read(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).with_context(|| path.display().to_string())?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { name, size: u64::try_from(bytes.len())?, sha256: sha256(&bytes) })
    }
}

/// The SHA-256 of `bytes`, in hexadecimal digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The WIT package with its dependencies, encoded as one file.
fn wit_package(folder: &Path) -> Result<PathBuf> {
    let file = folder.join(WIT_PACKAGE);
    let wit = build::root().join("wit");
    let (Some(wit), Some(path)) = (wit.to_str(), file.to_str()) else { bail!("a path is not UTF-8") };
    // A program of its own: see dev/wit/Cargo.toml.
    build::run_program("idhook-wit", &[wit, path])?;
    Ok(file)
}

fn copy(file: &Path, folder: &Path) -> Result<PathBuf> {
    let copied = folder.join(file.file_name().unwrap_or_default());
    fs::copy(file, &copied).with_context(|| file.display().to_string())?;
    Ok(copied)
}

/// A manifest as it stands beside its component: the source is the file there, and there is nothing to build.
fn beside_its_component(manifest: &str) -> String {
    let built = manifest.split("\n[component.idhook.build]").next().unwrap_or(manifest);
    built.replace("\"target/wasm32-wasip2/release/", "\"").trim_end().to_owned() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_beside_its_component_names_it_and_builds_nothing() {
        for artifact in Artifact::ALL {
            let Some(manifest) = artifact.manifest() else { continue };
            let text = fs::read_to_string(manifest).unwrap();
            assert!(text.contains("[component.idhook.build]"));
            let shipped = beside_its_component(&text);
            assert!(shipped.contains(&format!("source = \"{}\"\n", artifact.file_name())), "{shipped}");
            assert!(!shipped.contains("build") && !shipped.contains("target/"), "{shipped}");
            assert!(shipped.contains("wait_limit = \"{{ wait_limit }}\"\n"), "{shipped}");
        }
    }
}

//! Whether a release passes its checks, and verifies with the programs that a user has.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context as _, Result, ensure};

use super::gates::{python, run};
use crate::dist::DIGESTS;
use crate::{build, release};

/// Validates SBOMs against CycloneDX's JSON Schema, which the library contains.
const VALIDATOR: &str = "\
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
for path in sys.argv[1:]:
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(open(path).read())
    if error is not None:
        sys.exit(f'{path}: {error!r}')
";

/// Makes a release signed by a key for the occasion. The work tree may have changes, and nothing is built twice.
pub(super) fn check() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let key = folder.path().join("key");
    run(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key))?;
    let path = key.to_str().context("a path is not UTF-8")?;
    let arguments = [release::NAME, "--check", "--quick", "--allow-dirty", "--key", path];
    release::run(&release::command().try_get_matches_from(arguments)?)?;

    let made = build::target_folder().join(concat!("release-", env!("CARGO_PKG_VERSION")));
    run(Command::new("sha256sum").args(["--check", "--strict", "--quiet", DIGESTS]).current_dir(&made))?;
    let signers = folder.path().join("allowed_signers");
    let public = fs::read_to_string(key.with_extension("pub"))?;
    fs::write(&signers, format!("maintainer namespaces=\"idhook-release\" {public}"))?;
    let signature = made.join("SHA256SUMS.sig");
    let verified = verify(&signers, &signature, &made.join(DIGESTS))?;
    ensure!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
    let altered = folder.path().join(DIGESTS);
    fs::write(&altered, fs::read_to_string(made.join(DIGESTS))?.replacen('a', "b", 1))?;
    ensure!(!verify(&signers, &signature, &altered)?.status.success(), "the signature verifies other digests too");
    // The key is gone with its folder, so the signature is of no use.
    fs::remove_file(&signature)?;

    let is_sbom = |path: &PathBuf| path.to_string_lossy().ends_with(".cdx.json");
    let files = fs::read_dir(&made)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    let sboms: Vec<PathBuf> = files.into_iter().filter(is_sbom).collect();
    ensure!(!sboms.is_empty(), "the release has no SBOM");
    run(Command::new(python()?.join("python")).args(["-c", VALIDATOR]).args(sboms))
}

/// As docs/operate/release.md describes it.
fn verify(signers: &Path, signature: &Path, digests: &Path) -> Result<Output> {
    let mut keygen = Command::new("ssh-keygen");
    keygen
        .args(["-Y", "verify", "-I", "maintainer", "-n", "idhook-release", "-f"])
        .arg(signers)
        .arg("-s")
        .arg(signature);
    keygen.stdin(File::open(digests)?).output().context("cannot start ssh-keygen")
}

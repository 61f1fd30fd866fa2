//! The signature over the digests, with the maintainer's SSH key: `ssh-keygen` is on every machine that has OpenSSH 8.1 or later.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context as _, Result};

use crate::dist::DIGESTS;
use crate::terminal::{Failure, note};

/// The purpose of the signature: a signature with another namespace does not verify.
const NAMESPACE: &str = "idhook-release";

/// The name of the signature.
pub(super) const FILE: &str = "SHA256SUMS.sig";

/// The path of the signature in a release.
pub(super) fn file(release: &Path) -> PathBuf {
    release.join(FILE)
}

/// Signs the digests. `ssh-keygen` itself asks for the key's passphrase, if it has one.
///
/// # Errors
/// When the key cannot be read or used.
pub(super) fn sign(release: &Path, key: &Path) -> Result<()> {
    let _ = fs::remove_file(file(release));
    let key = key.canonicalize().map_err(|e| {
        Failure::new(
            format!("cannot read {}: {e}", key.display()),
            "give a private SSH key: ssh-keygen -t ed25519 -f FILE",
        )
    })?;
    let mut keygen = Command::new("ssh-keygen");
    keygen.args(["-Y", "sign", "-n", NAMESPACE, "-f"]).arg(key).arg(DIGESTS).current_dir(release);
    let signed = keygen.output().map_err(|e| unavailable(&e))?;
    if !signed.status.success() || !file(release).is_file() {
        let what = format!("ssh-keygen cannot sign: {}", message(&signed));
        return Err(Failure::new(what, "check that the file is a private key and that its passphrase is right").into());
    }
    note(format!("Signed {DIGESTS} with {}", check(release)?));
    Ok(())
}

/// Checks that the signature is one over these digests, and gives the fingerprint of its key. Whose key that is, only the verifier's
/// list of allowed signers states.
pub(super) fn check(release: &Path) -> Result<String> {
    let mut keygen = Command::new("ssh-keygen");
    keygen.args(["-Y", "check-novalidate", "-n", NAMESPACE, "-s"]).arg(file(release));
    keygen.stdin(File::open(release.join(DIGESTS)).context(DIGESTS)?);
    let checked = keygen.output().map_err(|e| unavailable(&e))?;
    if !checked.status.success() {
        let what = format!("the signature does not fit {DIGESTS}: {}", message(&checked));
        return Err(Failure::new(what, "sign again with --key FILE").into());
    }
    // Good "idhook-release" signature with ED25519 key SHA256:…
    let text = String::from_utf8_lossy(&checked.stdout).trim().to_owned();
    Ok(text.split(" signature with ").nth(1).unwrap_or(&text).to_owned())
}

fn message(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).trim().lines().last().unwrap_or("no message").to_owned()
}

fn unavailable(e: &std::io::Error) -> Failure {
    Failure::new(format!("cannot start ssh-keygen: {e}"), "install the client of OpenSSH 8.1 or later")
}

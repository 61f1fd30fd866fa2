//! Builds the component and serves it in the embedded host, with progress, and with errors that name the fix.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::PathBuf;

use anyhow::{Error, Result};
use idhook_host::{Host, Options};

use crate::artifact::Artifact;
use crate::settings;
use crate::terminal::{Failure, Progress, note};

/// Builds the component that the commands serve. Says how long it takes when it is built for the first time.
///
/// # Errors
/// As [`Artifact::build`].
pub(crate) fn build() -> Result<PathBuf> {
    if !crate::build::is_built(&Artifact::Spin.file_name()) {
        note("Building idhook_spin.wasm. The first build takes one to three minutes; later ones take seconds.");
    }
    Artifact::Spin.build()
}

/// Serves with these options. The first start of a new component compiles it to machine code, which takes some seconds.
///
/// # Errors
/// When the port is in use, a variable has a wrong value, or a file cannot be read.
pub(crate) async fn start(options: Options, variables: &BTreeMap<String, String>) -> Result<Host> {
    let port = options.listen.port();
    let progress = Progress::of("Compiling the component for this machine (only once)");
    let started = Host::start(options).await;
    drop(progress);
    started.map_err(|e| explained(e, port, variables))
}

fn explained(e: Error, port: u16, variables: &BTreeMap<String, String>) -> Error {
    let in_use = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == ErrorKind::AddrInUse)
    };
    if e.chain().any(in_use) {
        let fix = "choose another port with --port, or any free one with --port 0";
        return Failure::new(format!("port {port} of 127.0.0.1 is in use"), fix).into();
    }
    // The host reads the variables before the component can report what is wrong with them.
    settings::checked(variables).err().unwrap_or(e)
}

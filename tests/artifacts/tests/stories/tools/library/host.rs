//! The hosts that call the library component: Python with wasmtime, Node with jco.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use xtask::build;

use crate::scene::library_wasm;
use crate::tools::driver::Driver;
use crate::tools::install;

pub(crate) const WASMTIME: &str = "wasmtime==50.0.1";
/// The functions that jco's code calls.
pub(super) const SHIM: &str = "@bytecodealliance/preview2-shim@0.26.1";

/// The caller.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Host {
    /// Python, with wasmtime.
    Python,
    /// Node, with what jco makes of it.
    Node,
}

impl Host {
    /// The driver over this host; `None`, with word why, where the host cannot be had. `ca` is trusted where a host takes any.
    pub(crate) fn driver(self, ca: Option<&Path>) -> Option<Driver> {
        let folder = build::root().join("tests/component");
        let mut command = match self {
            Self::Python => {
                let mut command = Command::new(install::python(&[WASMTIME])?.join("python"));
                command.arg(folder.join("driver.py")).arg(library_wasm());
                command
            }
            Self::Node => {
                let mut command = Command::new("node");
                command.arg(folder.join("driver.mjs")).arg(transpiled()?);
                command
            }
        };
        if let Some(ca) = ca {
            command.env("NODE_EXTRA_CA_CERTS", ca);
        }
        Some(Driver::start(command))
    }
}

/// The output of jco for the component, made once for all stories; beside the package that it needs.
pub(super) fn transpiled() -> Option<&'static Path> {
    static MADE: OnceLock<Option<PathBuf>> = OnceLock::new();
    let make = || {
        // As the README says it.
        let out = install::npm(&[SHIM])?.join("idhook");
        let jco = install::jco()?;
        let mut command = Command::new("node");
        command.arg(jco).args(["transpile", "--name", "idhook", "-o"]).arg(&out).arg(library_wasm());
        let made = command.output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        std::fs::write(out.join("package.json"), r#"{"type": "module"}"#).unwrap();
        Some(out.join("idhook.js"))
    };
    MADE.get_or_init(make).as_deref()
}

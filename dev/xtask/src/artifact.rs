//! The components that answer HTTP: one for each kind of host.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Result;
use idhook_host::{KeyValue, Options, Runtime, Spin};

use crate::build;

/// A component that ships and answers HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Artifact {
    /// For Spin from 4.1 on: WASI 0.3.
    Spin,
    /// For Spin before that: WASI 0.2.
    SpinWasip2,
    /// For any host of WASI 0.2, configured from the environment.
    Wasi,
}

impl Artifact {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Spin, Self::SpinWasip2, Self::Wasi];

    /// Its short name, which its world in `wit/world.wit` has too.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Spin => "spin",
            Self::SpinWasip2 => "spin-wasip2",
            Self::Wasi => "wasi",
        }
    }

    /// The name of its file.
    #[must_use]
    pub fn file_name(self) -> String {
        format!("idhook_{}.wasm", self.name().replace('-', "_"))
    }

    /// The manifest that ships with it.
    #[must_use]
    pub fn manifest(self) -> Option<PathBuf> {
        match self {
            Self::Spin | Self::SpinWasip2 => Some(build::root().join(format!("{}.toml", self.name()))),
            Self::Wasi => None,
        }
    }

    /// Whether its instances have a key-value store to share.
    #[must_use]
    pub fn has_store(self) -> bool {
        self.manifest().is_some()
    }

    /// Whether an instance serves one request after another, so that it may remember something.
    #[must_use]
    pub fn keeps_instances(self) -> bool {
        self == Self::Spin
    }

    /// Builds it and gives its path. Quick when nothing has changed.
    ///
    /// # Errors
    /// When the wasm target is missing and cannot be added, or the build fails.
    pub fn build(self) -> Result<PathBuf> {
        build::component(&format!("idhook-{}", self.name()), &self.file_name())
    }

    /// Serves what was built as its runtime does, with these of idhook's variables, and with this store if it has one.
    #[must_use]
    pub fn options(self, wasm: PathBuf, variables: BTreeMap<String, String>, key_value: KeyValue) -> Options {
        match self.manifest() {
            Some(manifest) => Options::new(wasm, Spin { variables, key_value, ..Spin::new(manifest) }),
            None => {
                let environment = |(name, value): (String, String)| (format!("IDHOOK_{}", name.to_uppercase()), value);
                let environment = variables.into_iter().map(environment).collect();
                Options { environment, ..Options::new(wasm, Runtime::Wasmtime) }
            }
        }
    }
}

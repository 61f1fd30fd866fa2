//! The runtime that the host replaces.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use crate::KeyValue;

/// The replaced runtime: a component's permissions there, and the source of its configuration.
#[derive(Clone, Debug)]
pub enum Runtime {
    /// `spin up`: a manifest has the component's permissions, and its variables come through Spin's interface.
    Spin(Spin),
    /// `wasmtime serve -Scli`: the component has only WASI, may call any host, and is configured by its environment.
    Wasmtime,
}

/// An application as Spin knows it.
#[derive(Clone)]
pub struct Spin {
    /// The `spin.toml`.
    pub manifest: PathBuf,
    /// The `[component.<id>]` of the manifest to serve, whatever its `source`; not needed if there is only one.
    pub component: Option<String>,
    /// Values of application variables. They take precedence over `SPIN_VARIABLE_<NAME>` in the environment and the
    /// defaults.
    pub variables: BTreeMap<String, String>,
    /// The key-value stores. Default: an empty one with the label `default`.
    pub key_value: KeyValue,
}

impl Spin {
    /// Spin's defaults for a manifest.
    pub fn new(manifest: impl Into<PathBuf>) -> Self {
        Self { manifest: manifest.into(), component: None, variables: BTreeMap::new(), key_value: KeyValue::default() }
    }
}

impl fmt::Debug for Spin {
    /// Shows names of variables, not their values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spin")
            .field("manifest", &self.manifest)
            .field("component", &self.component)
            .field("variables", &self.variables.keys())
            .finish_non_exhaustive()
    }
}

impl From<Spin> for Runtime {
    fn from(spin: Spin) -> Self {
        Self::Spin(spin)
    }
}

/// The interfaces that a runtime links into a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Offers {
    /// Only WASI.
    Wasi,
    /// WASI and Spin's own interfaces.
    Spin,
}

impl Runtime {
    pub(crate) fn offers(&self) -> Offers {
        match self {
            Self::Spin(_) => Offers::Spin,
            Self::Wasmtime => Offers::Wasi,
        }
    }
}

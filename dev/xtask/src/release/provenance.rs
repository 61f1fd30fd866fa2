//! The provenance: an in-toto statement with SLSA's predicate, about every file of the release.
//!
//! The statement itself is not signed: the signed digests cover it.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::Files;
use super::source::Source;
use crate::build;
use crate::dist::sha256;

/// The page that describes this command: what the fields of `buildDefinition` mean, and the builder. It is the same on every machine, so
/// that two builds can be compared.
const BUILD_TYPE: &str = "docs/operate/release.md";

/// The statement about these files.
pub(super) fn statement(files: &Files, source: &Source) -> Result<Value> {
    let subjects: Vec<Value> =
        files.iter().map(|(name, bytes)| json!({ "name": name, "digest": { "sha256": sha256(bytes) } })).collect();
    let page = format!("{}@{}#{BUILD_TYPE}", source.repository, source.commit);
    let mut dependencies = vec![
        json!({ "uri": format!("{}@{}", source.repository, source.commit), "digest": { "gitCommit": source.commit } }),
    ];
    // The lock file has the digest of every crate, for the components as for the programs that pack them.
    for name in ["Cargo.lock", "rust-toolchain.toml"] {
        let bytes = std::fs::read(build::root().join(name)).with_context(|| name.to_owned())?;
        dependencies.push(json!({ "name": name, "digest": { "sha256": sha256(&bytes) } }));
    }
    Ok(json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": subjects,
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": page,
                "externalParameters": { "command": "cargo xtask release", "repository": source.repository, "commit": source.commit },
                "internalParameters": {
                    "rustc": source.rustc,
                    "changesInTheWorkTree": source.changes,
                    "limits": [
                        "The build ran in an ordinary checkout with the network of its machine; it was not isolated.",
                        "The statement was made by the build itself; no separate service observed it.",
                        "Crates come from crates.io and are compared with the digests in Cargo.lock; build scripts and procedural macros of \
                         these crates ran during the build.",
                        "Times are left out, so that the same commit gives the same statement.",
                    ],
                },
                "resolvedDependencies": dependencies,
            },
            "runDetails": { "builder": { "id": page } },
        },
    }))
}

//! A bill of materials in CycloneDX 1.6 for each artifact.
//!
//! Written here and not with `cargo-cyclonedx`, which lists the crates of a package and not of an artifact: docs/decisions/0011.

use anyhow::Result;
use serde_json::{Value, json};

use super::crates::{Crate, Id, Tree};
use super::source::Source;

/// The reference of Rust's standard library, which cargo does not list.
const STD: &str = "rust-std";

/// The document for the artifact `file` with this digest. It has no serial number, and the time of the commit: the same sources give
/// the same bytes.
pub(super) fn document(file: &str, sha256: &str, tree: &Tree, source: &Source) -> Result<Value> {
    let mut components = vec![json!({
        "type": "library",
        "bom-ref": STD,
        "name": STD,
        "version": source.rust,
        "description": "Rust's standard library, with the crates that it contains",
        "licenses": [{ "expression": "MIT OR Apache-2.0" }],
    })];
    components.extend(tree.crates.iter().map(|(id, one)| component(id, one)));
    let mut dependencies = vec![
        json!({ "ref": file, "dependsOn": [reference(&tree.root, tree), STD] }),
        json!({ "ref": STD, "dependsOn": [] }),
    ];
    for (id, one) in &tree.crates {
        let uses: Vec<_> = one.uses.iter().map(|used| reference(used, tree)).collect();
        dependencies.push(json!({ "ref": reference(id, tree), "dependsOn": uses }));
    }
    Ok(json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": source.time,
            "lifecycles": [{ "phase": "build" }],
            "tools": { "components": [{ "type": "application", "name": "cargo xtask release", "version": source.version }] },
            "component": {
                "type": "application",
                "bom-ref": file,
                "name": file,
                "version": source.version,
                "hashes": [{ "alg": "SHA-256", "content": sha256 }],
                "licenses": [{ "expression": "Apache-2.0" }],
            },
        },
        "components": components,
        "dependencies": dependencies,
    }))
}

fn component(id: &Id, one: &Crate) -> Value {
    let (name, version) = id;
    let mut component = json!({
        "type": "library",
        "bom-ref": name_of(id, one),
        "name": name,
        "version": version,
        "licenses": [{ "expression": one.license }],
    });
    let Some(fields) = component.as_object_mut() else { return component };
    if let Some(checksum) = &one.checksum {
        fields.insert("purl".to_owned(), json!(name_of(id, one)));
        fields.insert("hashes".to_owned(), json!([{ "alg": "SHA-256", "content": checksum }]));
    }
    if !one.repository.is_empty() {
        fields.insert("externalReferences".to_owned(), json!([{ "type": "vcs", "url": one.repository }]));
    }
    component
}

fn reference(id: &Id, tree: &Tree) -> String {
    tree.crates.get(id).map_or_else(String::new, |one| name_of(id, one))
}

/// A crate of crates.io has its package URL. A package of this workspace has none: a crate of that name there would be another.
fn name_of((name, version): &Id, one: &Crate) -> String {
    match one.checksum {
        // A `+` of the version begins its build metadata, and would mean a space.
        Some(_) => format!("pkg:cargo/{name}@{}", version.replace('+', "%2B")),
        None => format!("{name}@{version}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    #[test]
    fn every_reference_in_the_document_is_a_component() {
        let id = |name: &str, version: &str| (name.to_owned(), version.to_owned());
        let one = |checksum: Option<&str>, uses| Crate {
            license: "MIT".to_owned(),
            repository: "https://git.example".to_owned(),
            checksum: checksum.map(str::to_owned),
            uses,
        };
        let root = id("idhook-spin", "0.1.0");
        let used = id("toml", "1.2.1+spec-1.1.0");
        let crates = BTreeMap::from([
            (root.clone(), one(None, BTreeSet::from([used.clone()]))),
            (used, one(Some("beef"), BTreeSet::new())),
        ]);
        let source = Source::example();
        let bom = document("idhook_spin.wasm", "abcd", &Tree { root, crates }, &source).unwrap();
        let listed: BTreeSet<&str> =
            bom["components"].as_array().unwrap().iter().map(|c| c["bom-ref"].as_str().unwrap()).collect();
        assert_eq!(listed, BTreeSet::from(["rust-std", "idhook-spin@0.1.0", "pkg:cargo/toml@1.2.1%2Bspec-1.1.0"]));
        for dependency in bom["dependencies"].as_array().unwrap() {
            for used in dependency["dependsOn"].as_array().unwrap() {
                assert!(listed.contains(used.as_str().unwrap()), "{used}");
            }
        }
        assert_eq!(bom["metadata"]["component"]["hashes"][0]["content"], "abcd");
        assert_eq!(bom["metadata"]["timestamp"], "2026-11-27T00:00:00Z");
        assert!(bom.get("serialNumber").is_none());
    }
}

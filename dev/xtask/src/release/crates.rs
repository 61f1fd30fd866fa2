//! The crates that an artifact is linked of, as cargo resolves them for its package and target.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::source::output;
use crate::build;

/// A crate, by name and version.
pub(super) type Id = (String, String);

/// A crate in an artifact.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Crate {
    /// Its licence, as an SPDX expression.
    pub(super) license: String,
    /// The address of its sources, if it names one.
    pub(super) repository: String,
    /// The SHA-256 of its archive on crates.io, in hexadecimal digits; none for a package of this workspace.
    pub(super) checksum: Option<String>,
    /// The crates that it uses.
    pub(super) uses: BTreeSet<Id>,
}

/// The crates of an artifact.
#[derive(Debug)]
pub(super) struct Tree {
    /// The package itself.
    pub(super) root: Id,
    /// All of them, the package included.
    pub(super) crates: BTreeMap<Id, Crate>,
}

impl Tree {
    /// Those of `package` for `target`: without build scripts, procedural macros and tests, which leave nothing in the artifact but
    /// what they generate.
    pub(super) fn of(package: &str, target: &str) -> Result<Self> {
        let edges = "normal,no-proc-macro";
        let arguments = ["tree", "--locked", "--package", package, "--target", target, "--edges", edges, "--no-dedupe"];
        let format = ["--prefix", "depth", "--format", "|{p}|{l}|{r}"];
        let program = build::program();
        let program = program.to_str().context("the path of cargo is not UTF-8")?;
        let lines = output(program, &[arguments.as_slice(), &format].concat())?;
        let lock = std::fs::read_to_string(build::root().join("Cargo.lock"))?;
        Self::parse(&lines, &checksums(&lock)?)
    }

    /// Reads the lines of `cargo tree`: the depth, then name and version, licence, and repository.
    fn parse(lines: &str, checksums: &BTreeMap<Id, String>) -> Result<Self> {
        let mut crates: BTreeMap<Id, Crate> = BTreeMap::new();
        let mut path: Vec<Id> = Vec::new();
        for line in lines.lines() {
            let mut fields = line.split('|');
            let mut field = || fields.next().with_context(|| format!("cargo tree printed {line:?}"));
            let (depth, package, license, repository) = (field()?.parse::<usize>()?, field()?, field()?, field()?);
            let mut words = package.split(' ');
            let (Some(name), Some(version)) = (words.next(), words.next().and_then(|word| word.strip_prefix('v')))
            else {
                anyhow::bail!("cargo tree printed {line:?}")
            };
            let id = (name.to_owned(), version.to_owned());
            path.truncate(depth);
            if let Some(user) = path.last().and_then(|user| crates.get_mut(user)) {
                user.uses.insert(id.clone());
            }
            crates.entry(id.clone()).or_insert_with(|| Crate {
                license: license.replace('/', " OR "),
                repository: repository.to_owned(),
                checksum: checksums.get(&id).cloned(),
                uses: BTreeSet::new(),
            });
            path.push(id);
        }
        let root = path.first().context("cargo tree printed nothing")?.clone();
        let unnamed: Vec<_> = crates.iter().filter(|(_, one)| one.license.is_empty()).map(|(id, _)| &id.0).collect();
        ensure!(unnamed.is_empty(), "these crates name no licence: {unnamed:?}");
        Ok(Self { root, crates })
    }
}

/// The checksums in `Cargo.lock`.
fn checksums(lock: &str) -> Result<BTreeMap<Id, String>> {
    let lock: Value = toml::from_str(lock).context("Cargo.lock cannot be read")?;
    let packages = lock.get("package").and_then(Value::as_array).context("Cargo.lock lists no package")?;
    let text = |package: &Value, field: &str| package.get(field).and_then(Value::as_str).map(str::to_owned);
    let entry = |package| Some(((text(package, "name")?, text(package, "version")?), text(package, "checksum")?));
    Ok(packages.iter().filter_map(entry).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> Id {
        (name.to_owned(), "1.0.0".to_owned())
    }

    #[test]
    fn tree_has_each_crate_once_with_what_it_uses() {
        let lines = "0|a v1.0.0 (/home/a)|Apache-2.0|\n1|b v1.0.0|MIT/Apache-2.0|https://b.example\n2|c v1.0.0|MIT|\n1|c v1.0.0|MIT|\n";
        let lock = "[[package]]\nname = \"b\"\nversion = \"1.0.0\"\nchecksum = \"beef\"\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n";
        let tree = Tree::parse(lines, &checksums(lock).unwrap()).unwrap();
        assert_eq!(tree.root, id("a"));
        assert_eq!(tree.crates.keys().cloned().collect::<Vec<_>>(), [id("a"), id("b"), id("c")]);
        assert_eq!(tree.crates[&id("a")].uses, BTreeSet::from([id("b"), id("c")]));
        let b = &tree.crates[&id("b")];
        assert_eq!((b.license.as_str(), b.checksum.as_deref()), ("MIT OR Apache-2.0", Some("beef")));
        assert_eq!((b.repository.as_str(), &b.uses), ("https://b.example", &BTreeSet::from([id("c")])));
        assert!(Tree::parse("0|a v1.0.0||\n", &BTreeMap::new()).is_err(), "a crate without a licence");
        assert!(Tree::parse("", &BTreeMap::new()).is_err());
    }

    #[test]
    fn artifact_for_spin_has_its_sdk_and_no_program_of_the_developer() {
        let tree = Tree::of("idhook-spin", build::TARGET).unwrap();
        let names: BTreeSet<&str> = tree.crates.keys().map(|(name, _)| name.as_str()).collect();
        for name in ["idhook-spin", "idhook", "spin-sdk", "serde_json"] {
            assert!(names.contains(name), "{name} in {names:?}");
        }
        for name in ["wasmtime", "clap", "proptest", "schemars", "serde_derive", "wasm-bindgen"] {
            assert!(!names.contains(name), "{name} in {names:?}");
        }
        let unsigned = tree.crates.iter().filter(|(_, one)| one.checksum.is_none()).map(|((name, _), _)| name.as_str());
        assert!(unsigned.clone().all(|name| name.starts_with("idhook")), "{:?}", unsigned.collect::<Vec<_>>());
    }
}

//! Encodes a WIT package with its dependencies as one file, as `wkg` publishes it: `idhook-wit FOLDER FILE`. `cargo xtask dist` calls it.

use std::ffi::OsString;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use wit_parser::{Docs, Resolve, WorldItem};

fn main() -> Result<()> {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let [folder, file] = arguments.as_slice() else { bail!("usage: idhook-wit FOLDER FILE") };
    let file = Path::new(file);
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    std::fs::write(file, encode(Path::new(folder))?).with_context(|| file.display().to_string())
}

/// The package in `folder`, encoded. The same texts give the same bytes.
///
/// It has no documentation of imports and exports: generators with a parser from before it (componentize-py 0.25) reject a package with
/// fields that they do not know.
fn encode(folder: &Path) -> Result<Vec<u8>> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(folder).with_context(|| folder.display().to_string())?;
    for (_, world) in &mut resolve.worlds {
        for item in world.imports.values_mut().chain(world.exports.values_mut()) {
            if let WorldItem::Interface { docs, .. } = item {
                *docs = Docs::default();
            }
        }
    }
    wit_component::encode(&resolve, package)
}

#[cfg(test)]
mod tests {
    use wit_component::DecodedWasm;

    use super::*;

    #[test]
    fn encoded_package_has_the_worlds_and_the_version() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
        let bytes = encode(&folder).unwrap_or_else(|e| panic!("{e:#}"));
        let DecodedWasm::WitPackage(resolve, package) =
            wit_component::decode(&bytes).unwrap_or_else(|e| panic!("{e:#}"))
        else {
            panic!("not a WIT package")
        };
        let package = &resolve.packages[package];
        assert_eq!(package.name.to_string(), concat!("idhook:identity@", env!("CARGO_PKG_VERSION")));
        for world in ["spin", "spin-wasip2", "wasi", "library"] {
            assert!(package.worlds.contains_key(world), "{world} in {:?}", package.worlds.keys());
        }
        assert_eq!(bytes, encode(&folder).unwrap_or_else(|e| panic!("{e:#}")));
        for newer in ["interface_import_docs", "interface_export_docs"] {
            assert!(!bytes.windows(newer.len()).any(|part| part == newer.as_bytes()), "{newer}");
        }
    }
}

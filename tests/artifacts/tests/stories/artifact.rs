//! The imports and exports of the built components.

use std::collections::BTreeSet;
use std::path::Path;

use wit_component::DecodedWasm;
use wit_parser::{Docs, Resolve, Type, TypeDefKind, WorldId, WorldItem};
use xtask::artifact::Artifact;

use crate::scene::wasm;

/// Interfaces of a world, as `namespace:package/interface@version`; for 0.2, whose releases are interchangeable, only 0.2.
fn interfaces<'a>(resolve: &Resolve, items: impl Iterator<Item = &'a WorldItem>) -> BTreeSet<String> {
    let id = |item: &WorldItem| match item {
        WorldItem::Interface { id, .. } => resolve.id_of(*id),
        _ => None,
    };
    items
        .filter_map(id)
        .map(|name| match name.split_once("@0.2.") {
            // A draft is compatible only with itself.
            Some((interface, release)) if !release.contains("draft") => format!("{interface}@0.2"),
            _ => name,
        })
        .collect()
}

fn imports_and_exports(resolve: &Resolve, world: WorldId) -> (BTreeSet<String>, BTreeSet<String>) {
    let world = &resolve.worlds[world];
    (interfaces(resolve, world.imports.values()), interfaces(resolve, world.exports.values()))
}

#[test]
fn components_match_their_worlds_in_wit() {
    for artifact in Artifact::ALL {
        is_built_to_its_world(artifact);
    }
}

fn is_built_to_its_world(artifact: Artifact) {
    let name = artifact.name();
    let imports = imports_of_its_world(name, wasm(artifact));
    for import in &imports {
        // Supported by the oldest runtime of the artifact.
        let known = match artifact {
            Artifact::Spin => {
                import.starts_with("spin:variables/")
                    || import.starts_with("spin:key-value/")
                    || import.ends_with("@0.2.0-draft2")
                    || import.ends_with("@0.3.0")
            }
            Artifact::SpinWasip2 => import == "fermyon:spin/variables@2.0.0" || import.ends_with("@0.2.0-draft2"),
            Artifact::Wasi => false,
        };
        assert!(known || import.ends_with("@0.2"), "{name}: {import}");
    }
}

#[test]
fn library_matches_its_world_in_wit() {
    let imports = imports_of_its_world("library", crate::scene::library_wasm());
    // Supported by Python's wasmtime and jco.
    assert!(imports.iter().all(|import| import.ends_with("@0.2")), "{imports:?}");
}

/// Compares a component with the world of this name, in both directions, and returns its imports.
fn imports_of_its_world(name: &str, wasm: &Path) -> BTreeSet<String> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(xtask::build::root().join("wit")).unwrap();
    let world = resolve.select_world(&[package], Some(name)).unwrap();
    let (may_import, exports) = imports_and_exports(&resolve, world);

    let DecodedWasm::Component(decoded, built) = wit_component::decode(&std::fs::read(wasm).unwrap()).unwrap() else {
        panic!("not a component");
    };
    let (imports, built_exports) = imports_and_exports(&decoded, built);
    let beyond: Vec<_> = imports.difference(&may_import).collect();
    assert!(beyond.is_empty(), "{name}: imports that wit/ does not name: {beyond:?}");
    let unused: Vec<_> = may_import.difference(&imports).collect();
    assert!(unused.is_empty(), "{name}: wit/ names what is not imported: {unused:?}");
    assert_eq!(built_exports, exports, "{name}");
    for no in ["wasi:filesystem", "wasi:sockets"] {
        assert!(!imports.iter().any(|import| import.starts_with(no)), "{name}: {no}");
    }
    imports
}

/// Some readers of the library's interface have nothing else.
#[test]
fn every_item_of_the_interface_is_documented() {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(xtask::build::root().join("wit")).unwrap();
    let (mut wordless, mut seen) = (Vec::new(), 0);
    let mut look = |name: String, docs: &Docs| {
        seen += 1;
        wordless.extend(docs.contents.is_none().then_some(name));
    };
    for (name, interface) in &resolve.packages[package].interfaces {
        let interface = &resolve.interfaces[*interface];
        look(name.clone(), &interface.docs);
        for (function, it) in &interface.functions {
            look(format!("{name} {function}"), &it.docs);
        }
        for (ty, id) in &interface.types {
            let it = &resolve.types[*id];
            match &it.kind {
                TypeDefKind::Record(it) => {
                    it.fields.iter().for_each(|field| look(format!("{name} {ty}.{}", field.name), &field.docs));
                }
                TypeDefKind::Variant(it) => {
                    it.cases.iter().for_each(|case| look(format!("{name} {ty}.{}", case.name), &case.docs));
                }
                TypeDefKind::Enum(it) => {
                    it.cases.iter().for_each(|case| look(format!("{name} {ty}.{}", case.name), &case.docs));
                }
                // Items from `use` are documented at their source.
                TypeDefKind::Type(Type::Id(_)) => continue,
                _ => {}
            }
            look(format!("{name} {ty}"), &it.docs);
        }
    }
    assert!(wordless.is_empty() && seen > 200, "{seen} looked at: {wordless:?}");
}

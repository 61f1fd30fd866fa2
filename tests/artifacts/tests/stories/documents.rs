//! The manifests and the sizes in the documentation are true of the components.

use idhook::config::{UNSET_URL, VARIABLES};
use xtask::artifact::Artifact;

/// A URL that is none, for a manifest that must have one.
const UNSET: &str = UNSET_URL;

/// The manifests that ship.
fn manifests() -> impl Iterator<Item = toml::Table> {
    let files = Artifact::ALL.into_iter().filter_map(Artifact::manifest);
    files.map(|file| std::fs::read_to_string(file).unwrap().parse().unwrap())
}

fn compatibility() -> String {
    std::fs::read_to_string(xtask::build::root().join("docs/reference/compatibility.md")).unwrap()
}

#[test]
fn the_manifests_declare_every_variable_and_hide_the_secret_ones() {
    for manifest in manifests() {
        let declared = manifest["variables"].as_table().unwrap();
        let passed = manifest["component"]["idhook"]["variables"].as_table().unwrap();
        assert_eq!(passed.len(), VARIABLES.len());
        let spare: Vec<_> = declared.keys().filter(|name| !passed.contains_key(*name)).collect();
        assert!(spare.iter().all(|name| name.starts_with("outbound_host")), "{spare:?}");
        for variable in VARIABLES {
            let name = variable.name;
            let secret = declared[name].get("secret").and_then(toml::Value::as_bool).unwrap_or(false);
            assert_eq!(secret, variable.secret, "{name}");
            let default = declared[name]["default"].as_str();
            assert!(
                [Some(""), Some(UNSET)].contains(&default),
                "{name}: what is unset is told at /readyz, not by a failed start"
            );
            assert_eq!(passed[name].as_str(), Some(format!("{{{{ {name} }}}}").as_str()));
        }
    }
}

/// The variables whose hosts the manifests allow: those of the targets, and spare ones.
const HOSTS: [&str; 8] = [
    "vidm_url",
    "vcf_url",
    "fleet_url",
    "fleet_broker_url",
    "outbound_host1",
    "outbound_host2",
    "outbound_host3",
    "outbound_host4",
];

#[test]
fn the_manifests_allow_the_targets_and_nothing_else() {
    for manifest in manifests() {
        let allowed = manifest["component"]["idhook"]["allowed_outbound_hosts"].as_array().unwrap();
        let expected = HOSTS.map(|name| format!("{{{{ {name} }}}}"));
        assert_eq!(allowed.iter().map(|host| host.as_str().unwrap()).collect::<Vec<_>>(), expected);
    }
}

/// Everything but the component itself, how it is built, and how a host is written that is not set: Spin before 4.1 takes no empty
/// one.
#[test]
fn the_manifests_say_the_same() {
    let [first, second] = manifests().collect::<Vec<_>>().try_into().unwrap();
    let [first, second] = [first, second].map(|mut manifest: toml::Table| {
        let component = manifest["component"]["idhook"].as_table_mut().unwrap();
        let source = component.remove("source").unwrap();
        component["build"].as_table_mut().unwrap().remove("command").unwrap();
        for url in HOSTS {
            let default = manifest["variables"][url].as_table_mut().unwrap().remove("default").unwrap();
            let unset = if source.as_str().unwrap().contains("spin_wasip2") { UNSET } else { "" };
            assert_eq!(default.as_str(), Some(unset));
        }
        (source, manifest)
    });
    assert_ne!(first.0, second.0);
    assert_eq!(first.1, second.1);
}

#[test]
fn compatibility_page_has_the_size_of_each_component() {
    // The page has each component's name, followed by its size in brackets.
    let page = compatibility();
    let served = Artifact::ALL.map(|artifact| (artifact.file_name(), crate::scene::wasm(artifact)));
    for (name, wasm) in served.into_iter().chain([("idhook_library.wasm".to_owned(), crate::scene::library_wasm())]) {
        let name = format!("{name}`");
        let size = std::fs::metadata(wasm).unwrap().len().div_ceil(1000);
        let (_, after) = page.split_once(&name).unwrap();
        let stated: u64 = after.split_once(" kB)").unwrap().0.rsplit_once('(').unwrap().1.parse().unwrap();
        assert!(
            stated.abs_diff(size) * 20 <= size,
            "docs/reference/compatibility.md has {stated} kB for {name}, it is {size} kB"
        );
        // A cold start compiles the whole component: about 2.6 s for each 1,200 kB on Spin 4.1. The aim is 1,500 kB; with VCF Operations they exceed it.
        assert!(size < 2720, "{name}: {size} kB");
    }
}

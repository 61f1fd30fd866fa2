//! The files in `deploy/` fit idhook: each has its row in the table, and the variables that they set exist.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::page;

/// The files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn deploy() -> PathBuf {
    idhook_docs::root().join("deploy")
}

/// The variables of the manifest: idhook's, and the spare ones for hosts.
pub(crate) fn manifest_variables() -> BTreeSet<String> {
    let manifest = std::fs::read_to_string(idhook_docs::root().join("spin.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    manifest["variables"].as_table().unwrap().keys().cloned().collect()
}

/// The words of `text` that follow `prefix`, in small letters.
fn following(text: &str, prefix: &str) -> Vec<String> {
    let is_name = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
    let words = text.split(prefix).skip(1).map(|rest| rest.chars().take_while(is_name).collect::<String>());
    words.filter(|word| !word.is_empty()).map(|word| word.to_ascii_lowercase()).collect()
}

#[test]
fn each_file_has_its_row_in_the_table() {
    let table = page::at("deploy/README.md");
    let listed: BTreeSet<PathBuf> = table.links.iter().map(|(_, link)| deploy().join(link)).collect();
    let missing: Vec<PathBuf> =
        files(&deploy()).into_iter().filter(|file| *file != table.path && !listed.contains(file)).collect();
    assert!(missing.is_empty(), "deploy/README.md lacks {missing:?}");
}

/// The environment variables of callers' scripts, as in the examples.
const OF_CALLERS: [&str; 6] = ["url", "key", "key_file", "target", "wait", "query"];

#[test]
fn variables_in_the_files_exist() {
    let known = manifest_variables();
    let mut seen = BTreeSet::new();
    for file in files(&deploy()) {
        let text = std::fs::read_to_string(&file).unwrap();
        let mut set: Vec<String> = ["SPIN_VARIABLE_", "IDHOOK_", "--variable ", "--variable="]
            .iter()
            .flat_map(|word| following(&text, word))
            .collect();
        // The variables of a SpinApp are the last part of it.
        if let Some((_, list)) = text.split_once("\n  variables:\n") {
            set.extend(following(list, "\n    - name: "));
            set.extend(following(list.split_once('\n').unwrap().0, "    - name: "));
        }
        let is_of_a_caller = |file: &Path| ["keep-fresh.sh", "scheduled.yaml"].iter().any(|name| file.ends_with(name));
        if file.starts_with(deploy().join("scheduled")) || is_of_a_caller(&file) {
            set.retain(|name| !OF_CALLERS.contains(&name.as_str()));
        }
        let unknown: Vec<_> = set.iter().filter(|name| !known.contains(*name)).collect();
        assert!(unknown.is_empty(), "{}: {unknown:?}", file.display());
        seen.extend(set);
    }
    for name in ["vidm_url", "vidm_password", "state_key", "api_keys", "outbound_host1"] {
        assert!(seen.contains(name), "no file sets {name}: {seen:?}");
    }
}

/// The chart rejects a secret as a value: Helm would store it with its release.
#[test]
fn chart_accepts_the_variables_of_the_manifest_and_secrets_by_reference_only() {
    let chart = deploy().join("helm/idhook");
    let schema = std::fs::read_to_string(chart.join("values.schema.json")).unwrap();
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    let listed = |pointer: &str| -> BTreeSet<String> {
        let names = schema.pointer(pointer).and_then(serde_json::Value::as_array).unwrap();
        names.iter().map(|name| name.as_str().unwrap().to_owned()).collect()
    };
    let manifest = std::fs::read_to_string(idhook_docs::root().join("spin.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let variables = manifest["variables"].as_table().unwrap();
    let is_public = |name: &String| variables[name].get("secret").is_none();
    let public: BTreeSet<String> = manifest_variables().into_iter().filter(is_public).collect();
    assert_eq!(listed("/properties/variables/propertyNames/enum"), public);
    assert_eq!(listed("/properties/secretVariables/items/enum"), manifest_variables());

    let values = std::fs::read_to_string(chart.join("values.yaml")).unwrap();
    let section = |name: &str| values.split(&format!("\n{name}:\n")).nth(1).unwrap().split("\n\n").next().unwrap();
    let set = section("variables").lines().filter_map(|line| line.trim().split_once(": http").map(|(name, _)| name));
    assert!(set.clone().count() >= 2 && set.into_iter().all(|name| public.contains(name)));
    let secret = section("secretVariables").lines().filter_map(|line| line.trim().strip_prefix("- "));
    assert!(secret.clone().all(|name| manifest_variables().contains(name)) && secret.count() == 3);
}

/// Spin accepts no other names (`spin up`: "'_'-separated words must start with an ASCII letter").
#[test]
fn words_of_a_variable_begin_with_a_letter() {
    for name in manifest_variables() {
        assert!(name.split('_').all(|word| word.starts_with(|c: char| c.is_ascii_lowercase())), "{name}");
    }
}

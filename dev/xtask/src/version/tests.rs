use super::*;
use std::process::Command as Program;

/// The version of something else in the tests of this program.
const EXAMPLES: [&str; 7] = [
    "dev/xtask/src/release/check/tests.rs",
    "dev/xtask/src/release/oci.rs",
    "dev/xtask/src/release/sbom.rs",
    "dev/xtask/src/release/source.rs",
    "dev/xtask/src/release/spin_lock.rs",
    "dev/xtask/src/version.rs",
    "dev/xtask/src/version/tests.rs",
];

/// The files that name the version, in a folder of their own.
fn copy() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in PLACES.into_iter().chain([MANIFEST]).chain(LOCKS) {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::copy(build::root().join(file), path).unwrap();
    }
    folder
}

/// The files that git knows.
fn tracked() -> Vec<String> {
    let listed = Program::new("git").args(["ls-files", "-z"]).current_dir(build::root()).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    listed.split('\0').filter(|file| !file.is_empty()).map(str::to_owned).collect()
}

#[test]
fn no_file_names_the_old_version_after_a_move() {
    let old = env!("CARGO_PKG_VERSION");
    let folder = copy();
    let root = folder.path();
    check(root).unwrap();
    set(root, "77.8.9", "2030-01-02").unwrap();

    let mut left = Vec::new();
    for file in tracked().into_iter().filter(|file| !EXAMPLES.contains(&file.as_str())) {
        let moved = root.join(&file);
        let path = if moved.is_file() { moved } else { build::root().join(&file) };
        let Ok(text) = fs::read_to_string(path) else { continue };
        // Crates of others, and what earlier versions changed.
        let text = match file.as_str() {
            file if LOCKS.contains(&file) => {
                text.split("\n[[package]]\n").filter(|block| !block.contains("\nsource = ")).collect()
            }
            CHANGELOG => text.lines().filter(|line| line.contains("idhook:identity@")).collect(),
            _ => text,
        };
        if occurrences(&text, old) > 0 {
            left.push(file);
        }
    }
    assert!(left.is_empty(), "these files name the version {old} and are not in PLACES: {left:?}");

    let changelog = fs::read_to_string(root.join(CHANGELOG)).unwrap();
    assert!(changelog.contains("\n## Unreleased\n\n## 77.8.9 - 2030-01-02\n"));
    assert!(fs::read_to_string(root.join(MANIFEST)).unwrap().contains("\nversion = \"77.8.9\"\n"));
    assert!(fs::read_to_string(root.join("wit/world.wit")).unwrap().contains("package idhook:identity@77.8.9;"));
    let [locked, fuzzing] = LOCKS.map(|lock| packages(&fs::read_to_string(root.join(lock)).unwrap()));
    assert!(locked.len() > 10 && locked.iter().all(|(_, version)| version == "77.8.9"), "{locked:?}");
    assert!(fuzzing.contains(&("idhook".to_owned(), "77.8.9".to_owned())), "{fuzzing:?}");
    assert_eq!(check(root).unwrap(), PLACES.len() + 3);

    // Versions that are rejected, and a file that names another version.
    for (wrong, reason) in [("77.8.9", "not later"), ("0.0.1", "not later"), ("78", "no version")] {
        let error = set(root, wrong, "2030-01-02").unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
    }
    fs::write(root.join("spin.toml"), "version = \"1.0.0\"").unwrap();
    assert!(check(root).unwrap_err().to_string().contains("spin.toml does not name the version 77.8.9"));
}

#[test]
fn only_the_whole_version_is_replaced() {
    let text = "idhook-0.1.0.tgz 9.0.1.0.24 0.1.01 0.1.0.1 10.1.0 (0.1.0)";
    assert_eq!(replaced(text, "0.1.0", "0.2.0"), "idhook-0.2.0.tgz 9.0.1.0.24 0.1.01 0.1.0.1 10.1.0 (0.2.0)");
}

#[test]
fn crate_of_others_keeps_its_version_in_the_lock_file() {
    let lock = "version = 4\n\n[[package]]\nname = \"idhook\"\nversion = \"0.1.0\"\n\n[[package]]\nname = \"other\"\nversion = \"0.1.0\"\nsource = \"r\"\n";
    let moved = locked(lock, "0.1.0", "0.2.0");
    assert!(
        moved.contains("name = \"idhook\"\nversion = \"0.2.0\"\n")
            && moved.contains("name = \"other\"\nversion = \"0.1.0\"\n")
    );
    assert_eq!(packages(&moved), BTreeSet::from([("idhook".to_owned(), "0.2.0".to_owned())]));
}

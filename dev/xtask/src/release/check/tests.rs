use serde_json::json;

use super::*;

/// A folder with these files and their digests.
fn release(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut lines = String::new();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        lines += &format!("{}  {name}\n", sha256(text.as_bytes()));
    }
    fs::write(folder.path().join(DIGESTS), lines).unwrap();
    folder
}

fn text(result: Result<Found>) -> Result<String, String> {
    match result {
        Ok(Found::Good(text) | Found::Skipped(text)) => Ok(text),
        Err(e) => Err(e.to_string()),
    }
}

#[test]
fn changelog_must_describe_the_version() {
    let of = |text: &str| changes(text, "0.2.0").map_err(|e| e.to_string());
    let dated = of("# C\n\n## Unreleased\n\n## 0.2.0 - 2026-12-01\n\n- a\n- b\n");
    assert_eq!(dated.unwrap(), "2 entries in \"0.2.0 - 2026-12-01\"");
    assert_eq!(of("# C\n\n## Unreleased\n\n### Added\n\n- a\n").unwrap(), "1 entries in \"Unreleased\"");
    assert!(of("# C\n\n## Unreleased\n\n## 0.1.0 - 2026-11-01\n\n- a\n").unwrap_err().contains("is empty"));
    assert!(of("# C\n\n## 0.1.0 - 2026-11-01\n\n- a\n").unwrap_err().contains("no section"));
}

#[test]
fn digests_fail_if_a_file_is_altered_added_or_missing() {
    let folder = release(&[("a", "one"), ("sub/b", "two")]);
    let at = |name: &str| folder.path().join(name);
    assert_eq!(text(digests(folder.path())).unwrap(), format!("2 files fit {DIGESTS}"));
    fs::write(at("sub/b"), "three").unwrap();
    assert!(text(digests(folder.path())).unwrap_err().starts_with("sub/b has another digest"));
    fs::remove_file(at("sub/b")).unwrap();
    assert!(text(digests(folder.path())).unwrap_err().contains("differ in [\"sub/b\"]"));
    fs::write(at("sub/b"), "two").unwrap();
    fs::write(at("c"), "new").unwrap();
    assert!(text(digests(folder.path())).unwrap_err().contains("differ in [\"c\"]"));
}

#[test]
fn blob_must_have_the_digest_and_size_of_its_descriptor() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = folder.path().join("blobs/sha256");
    fs::create_dir_all(&blobs).unwrap();
    let digest = sha256(b"bytes");
    fs::write(blobs.join(&digest), "bytes").unwrap();
    let read = |size: u64| {
        let mut seen = BTreeSet::new();
        let descriptor = json!({ "digest": format!("sha256:{digest}"), "size": size });
        blob(folder.path(), &descriptor, &mut seen).map(|bytes| (bytes, seen))
    };
    assert_eq!(read(5).unwrap(), (b"bytes".to_vec(), BTreeSet::from([digest.clone()])));
    assert!(read(6).is_err());
    fs::write(blobs.join(&digest), "other").unwrap();
    assert!(read(5).is_err());
}

#[test]
fn provenance_must_name_the_files_and_the_commit() {
    let source = Source::example();
    let statement = |commit: &str, name: &str| {
        json!({
            "subject": [{ "name": name, "digest": { "sha256": sha256(b"one") } }],
            "predicate": { "buildDefinition": { "externalParameters": { "commit": commit } } },
        })
        .to_string()
    };
    let checked = |commit: &str, name: &str| {
        let folder = release(&[("a", "one"), (PROVENANCE, &statement(commit, name))]);
        text(provenance(folder.path(), &source))
    };
    assert_eq!(checked("c0ffee", "a").unwrap(), "1 files of commit c0ffee");
    assert!(checked("c0ffee", "b").unwrap_err().contains("other files"));
    assert!(checked("decaf", "a").unwrap_err().contains("another commit"));
}

#[test]
fn changes_fail_unless_they_are_accepted() {
    let mut source = Source { changes: vec!["spin.toml".to_owned()], ..Source::example() };
    let scope = |allow_dirty| Scope { allow_dirty, quick: true };
    assert_eq!(text(work_tree(&source, scope(false))).unwrap_err(), "changes in spin.toml");
    assert!(text(work_tree(&source, scope(true))).is_ok());
    source.changes.clear();
    assert_eq!(text(work_tree(&source, scope(false))).unwrap(), "clean, at c0ffee");
}

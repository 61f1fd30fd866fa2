//! Selecting one of vIDM's directories.

use serde_json::{Value, json};

use super::Directory;
use crate::directory::{DirectoryRef, check_syncable};
use crate::error::ErrorCode;

fn directories(items: &[(&str, &str, &str)]) -> Vec<Directory> {
    let items = items.iter().map(|(id, name, kind)| json!({"directoryId": id, "name": name, "type": kind}));
    items.map(|item| Directory::read(item.as_object().unwrap().clone()).unwrap()).collect()
}

fn found(text: &str, directories: &[Directory]) -> Option<String> {
    DirectoryRef::parse(text).find(directories).unwrap().map(|directory| directory.id.clone())
}

#[test]
fn exact_name_takes_precedence() {
    let list = directories(&[
        ("a", "corp", "LDAP_DIRECTORY"),
        ("b", "Corp", "LDAP_DIRECTORY"),
        ("c", "b", "X"),
        ("d", "Lab", "X"),
    ]);
    assert_eq!(found("corp", &list).as_deref(), Some("a"));
    assert_eq!(found("Corp", &list).as_deref(), Some("b"));
    assert_eq!(found("LAB", &list).as_deref(), Some("d"));
    assert_eq!(found("b", &list).as_deref(), Some("c"));
    assert_eq!(found("a", &list).as_deref(), Some("a"));
    assert_eq!(found("none", &list), None);
}

#[test]
fn ambiguous_names_list_candidates() {
    let list =
        directories(&[("a", "corp", "LDAP_DIRECTORY"), ("b", "Corp", "X"), ("c", "twin", "X"), ("d", "twin", "X")]);
    for text in ["CORP", "twin"] {
        let error = DirectoryRef::parse(text).find(&list).unwrap_err();
        assert_eq!((error.code(), error.candidate_list().len()), (ErrorCode::DirectoryAmbiguous, 2));
    }
    let error = DirectoryRef::parse("CORP").find(&list).unwrap_err();
    let first = &error.candidate_list()[0];
    assert_eq!((first.id.as_str(), first.name.as_str(), first.kind.as_deref()), ("a", "corp", Some("LDAP_DIRECTORY")));
}

#[test]
fn not_found_hint_lists_directories() {
    let names: Vec<_> = (0..12).map(|n| format!("n{n}")).collect();
    let items: Vec<_> = names.iter().map(|name| (name.as_str(), name.as_str(), "LDAP_DIRECTORY")).collect();
    let hint = |items| DirectoryRef::parse("x").not_found(&directories(items)).hint_text().unwrap().to_owned();
    assert!(hint(&items[..2]).ends_with(r#": "n0", "n1""#));
    assert!(hint(&items).ends_with(r#""n9" and 2 more"#));
    assert!(hint(&[("a", "System Directory", "LOCAL_DIRECTORY")]).contains("lists no directory that can be synced"));
}

#[test]
fn unsyncable_kinds_are_rejected() {
    for kind in ["LOCAL_DIRECTORY", "JIT_DIRECTORY", "OTHER_DIRECTORY"] {
        let directory = &directories(&[("a", "n", kind)])[0];
        assert_eq!(check_syncable(directory).unwrap_err().code(), ErrorCode::DirectoryNotSyncable, "{kind}");
    }
    let syncable = |fields: &Value| {
        let directory = Directory::read(fields.as_object().unwrap().clone()).unwrap();
        check_syncable(&directory).is_ok()
    };
    // VMware's PowerValidatedSolutions module creates Active Directory directories with the flag off, and then syncs them.
    for kind in ["ACTIVE_DIRECTORY_LDAP", "ACTIVE_DIRECTORY_IWA", "LDAP_DIRECTORY"] {
        assert!(syncable(&json!({"directoryId": "a", "type": kind, "syncConfigurationEnabled": false})), "{kind}");
        assert!(!syncable(&json!({"directoryId": "a", "type": kind, "deleteInProgress": true})), "{kind}");
    }
    for kind in [json!("NEW"), json!(null)] {
        assert!(syncable(&json!({"directoryId": "a", "type": kind})), "{kind}");
        assert!(!syncable(&json!({"directoryId": "a", "type": kind, "syncConfigurationEnabled": false})), "{kind}");
    }
}

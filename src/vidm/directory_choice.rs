//! Selects a listed directory by id, name or domain.

use crate::directory::DirectoryRef;
use crate::error::{Candidate, Error, ErrorCode, Result};

use super::directories::Directory;

/// Most names in a hint.
const SHOWN: usize = 10;

impl DirectoryRef {
    /// The match in `directories`: by exact name, else ignoring case, else by id. `None` without a match; a domain may still
    /// match.
    ///
    /// # Errors
    /// `directory_ambiguous` with the candidates.
    pub(crate) fn find<'d>(&self, directories: &'d [Directory]) -> Result<Option<&'d Directory>> {
        let by_id = || directories.iter().find(|directory| directory.id.eq_ignore_ascii_case(self.as_str()));
        let Self::Name(name) = self else { return Ok(by_id()) };
        let named = |fits: &dyn Fn(&str) -> bool| -> Vec<&'d Directory> {
            directories.iter().filter(|directory| directory.name.as_deref().is_some_and(fits)).collect()
        };
        let mut fitting = named(&|theirs| theirs == name);
        if fitting.is_empty() {
            fitting = named(&|theirs| theirs.eq_ignore_ascii_case(name));
        }
        match fitting.as_slice() {
            [] => Ok(by_id()),
            [one] => Ok(Some(one)),
            many => Err(self.ambiguous(many.iter().map(|directory| directory.candidate()).collect())),
        }
    }

    /// `directory_ambiguous`
    pub(crate) fn ambiguous(&self, candidates: Vec<Candidate>) -> Error {
        let detail = format!("{} directories are named \"{}\"", candidates.len(), self.as_str());
        Error::new(ErrorCode::DirectoryAmbiguous, detail).hint("use the directory's id").candidates(candidates)
    }

    /// `directory_not_found`, with the existing directories.
    pub(crate) fn not_found(&self, directories: &[Directory]) -> Error {
        let detail = match self {
            Self::Id(id) => format!("no directory has the id \"{id}\""),
            Self::Name(name) => format!("no directory has the name or a domain \"{name}\""),
        };
        let names = directories
            .iter()
            .filter(|directory| directory.syncable())
            .filter_map(|directory| directory.name.as_deref());
        let mut names: Vec<_> = names.map(|name| format!("\"{name}\"")).collect();
        let more = names.len().saturating_sub(SHOWN);
        names.truncate(SHOWN);
        let hint = match (names.as_slice(), more) {
            ([], _) => {
                "vIDM lists no directory that can be synced; check the tenant and the configured account's permissions"
                    .to_owned()
            }
            (names, 0) => format!("directories that can be synced: {}", names.join(", ")),
            (names, more) => format!("directories that can be synced: {} and {more} more", names.join(", ")),
        };
        let hint = match crate::template::hint(self.as_str()) {
            Some(template) => format!("{template}; {hint}"),
            None => hint,
        };
        Error::new(ErrorCode::DirectoryNotFound, detail).hint(hint)
    }
}

/// `directory_not_syncable`, if it cannot be synced.
pub(crate) fn check_syncable(directory: &Directory) -> Result<()> {
    let Some(why) = directory.why_not_syncable() else { return Ok(()) };
    let name = directory.name.as_deref().unwrap_or(&directory.id);
    Err(Error::new(ErrorCode::DirectoryNotSyncable, format!("the directory \"{name}\" {why}"))
        .hint("only directories with a sync profile can be synced: Active Directory or LDAP, configured in the console")
        .candidates(vec![directory.candidate()]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

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
        assert_eq!((first.id.as_str(), first.name.as_str(), first.kind.as_str()), ("a", "corp", "LDAP_DIRECTORY"));
    }

    #[test]
    fn not_found_hint_lists_directories() {
        let names: Vec<_> = (0..12).map(|n| format!("n{n}")).collect();
        let items: Vec<_> = names.iter().map(|name| (name.as_str(), name.as_str(), "LDAP_DIRECTORY")).collect();
        let hint = |items| DirectoryRef::parse("x").not_found(&directories(items)).hint_text().unwrap().to_owned();
        assert!(hint(&items[..2]).ends_with(r#": "n0", "n1""#));
        assert!(hint(&items).ends_with(r#""n9" and 2 more"#));
        assert!(
            hint(&[("a", "System Directory", "LOCAL_DIRECTORY")]).contains("lists no directory that can be synced")
        );
    }

    #[test]
    fn unsyncable_kinds_are_rejected() {
        for (kind, syncable) in [
            ("LOCAL_DIRECTORY", false),
            ("JIT_DIRECTORY", false),
            ("OTHER_DIRECTORY", false),
            ("ACTIVE_DIRECTORY_IWA", true),
            ("NEW", true),
        ] {
            let directory = &directories(&[("a", "n", kind)])[0];
            assert_eq!(check_syncable(directory).is_ok(), syncable, "{kind}");
        }
        for fields in [
            json!({"directoryId": "a", "syncConfigurationEnabled": false}),
            json!({"directoryId": "a", "deleteInProgress": true}),
        ] {
            let directory = Directory::read(fields.as_object().unwrap().clone()).unwrap();
            assert_eq!(check_syncable(&directory).unwrap_err().code(), ErrorCode::DirectoryNotSyncable);
        }
    }
}

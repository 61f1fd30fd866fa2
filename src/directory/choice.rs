//! Selects a listed directory by id, name or domain.

use serde_json::{Map, Value};

use super::DirectoryRef;
use crate::error::{Candidate, Error, ErrorCode, Result};

/// Most names in a hint.
const SHOWN: usize = 10;

/// A directory as a vendor API lists it.
pub(crate) trait Listed: Clone {
    /// The hint if no directory can be synced.
    const NONE_SYNCABLE: &'static str;
    /// Which directories can be synced, for the hint about one that cannot.
    const SYNCABLE: &'static str;

    /// Reads a directory from the form of [`written`](Self::written); `None` if that is something else.
    fn read(item: Map<String, Value>) -> Option<Self>;

    /// The directory as [`read`](Self::read) reads it, for the store.
    fn written(&self) -> Map<String, Value>;

    /// Its id.
    fn id(&self) -> &str;

    /// Its name.
    fn name(&self) -> Option<&str>;

    /// Its kind, in the vendor's words.
    fn kind(&self) -> Option<&str>;

    /// Whether the list shows that it has this domain.
    fn has_domain(&self, domain: &str) -> bool;

    /// Why it cannot be synced, worded to follow its name; `None` if it can.
    fn why_not_syncable(&self) -> Option<&'static str>;

    /// This directory as a candidate for an ambiguous name.
    fn candidate(&self) -> Candidate {
        Candidate::of(Some(self.id()), self.name(), self.kind())
    }
}

impl DirectoryRef {
    /// The match in `directories`: by exact name, else ignoring case, else by id, else by domain. `None` without a
    /// match.
    ///
    /// # Errors
    /// `directory_ambiguous` with the candidates.
    pub(crate) fn find<'d, D: Listed>(&self, directories: &'d [D]) -> Result<Option<&'d D>> {
        let by_id = || directories.iter().find(|directory| directory.id().eq_ignore_ascii_case(self.as_str()));
        let Self::Name(name) = self else { return Ok(by_id()) };
        let named = |fits: &dyn Fn(&str) -> bool| -> Vec<&'d D> {
            directories.iter().filter(|directory| directory.name().is_some_and(fits)).collect()
        };
        let mut fitting = named(&|theirs| theirs == name);
        if fitting.is_empty() {
            fitting = named(&|theirs| theirs.eq_ignore_ascii_case(name));
        }
        if fitting.is_empty() {
            fitting = match by_id() {
                Some(directory) => vec![directory],
                None => directories.iter().filter(|directory| directory.has_domain(name)).collect(),
            };
        }
        match fitting.as_slice() {
            [] => Ok(None),
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
    pub(crate) fn not_found<D: Listed>(&self, directories: &[D]) -> Error {
        let detail = match self {
            Self::Id(id) => format!("no directory has the id \"{id}\""),
            Self::Name(name) => format!("no directory has the name or a domain \"{name}\""),
        };
        let names = directories
            .iter()
            .filter(|directory| directory.why_not_syncable().is_none())
            .filter_map(|directory| directory.name());
        let mut names: Vec<_> = names.map(|name| format!("\"{name}\"")).collect();
        let more = names.len().saturating_sub(SHOWN);
        names.truncate(SHOWN);
        let hint = match (names.as_slice(), more) {
            ([], _) => D::NONE_SYNCABLE.to_owned(),
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
pub(crate) fn check_syncable<D: Listed>(directory: &D) -> Result<()> {
    let Some(why) = directory.why_not_syncable() else { return Ok(()) };
    let name = directory.name().unwrap_or(directory.id());
    Err(Error::new(ErrorCode::DirectoryNotSyncable, format!("the directory \"{name}\" {why}"))
        .hint(D::SYNCABLE)
        .candidates(vec![directory.candidate()]))
}

//! What a start is asked for, and what is wrong with it.

use crate::directory::{DirectoryRef, GroupQuery};
use crate::error::FieldError;

/// What a start is asked for.
#[derive(Debug, Clone, Default)]
pub struct SyncOrder {
    /// Run without safeguards. Only for callers who may.
    pub ignore_safeguards: bool,
    /// Groups that must be there in the end.
    pub groups: Vec<String>,
    /// Where they are kept, when they are too long to travel with the request.
    pub groups_at: Option<String>,
    /// Whether groups that are not in the sync profile are to be added to it first.
    pub add_to_profile: bool,
    /// Who is to be told of the end, by name.
    pub callback: Option<String>,
}

impl SyncOrder {
    /// Everything that is wrong with the groups of a start for `directory`, under the names of a start's fields. Blank ones count
    /// as not there.
    #[must_use]
    pub fn faults(groups: &[String], add_to_profile: bool, directory: &DirectoryRef) -> Vec<FieldError> {
        let named = || groups.iter().enumerate().filter(|(_, group)| !group.trim().is_empty());
        let mut fields = Vec::new();
        for (at, group) in named() {
            let fault = GroupQuery::fault(group, add_to_profile, Some(directory.as_str()));
            fields.extend(fault.map(|why| FieldError::new(format!("/groups/{at}"), why)));
        }
        if named().count() > GroupQuery::MAX {
            let told = format!("names {} groups; at most {} in one request", named().count(), GroupQuery::MAX);
            fields.push(FieldError::new("/groups", told));
        }
        if add_to_profile && named().next().is_none() {
            fields.push(FieldError::new("/groups", "is missing: the DNs of the groups to add to the profile"));
        }
        fields
    }
}

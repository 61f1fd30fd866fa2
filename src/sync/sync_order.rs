//! What a start is asked for, checked.

use crate::directory::{DirectoryRef, GroupQuery};
use crate::error::FieldError;

/// What a start is asked for: groups that can be meant, no more than one request may name, and DNs where they are to be added to the
/// sync profile.
///
/// ```
/// use idhook::directory::DirectoryRef;
/// use idhook::sync::SyncOrder;
///
/// let directory = DirectoryRef::parse("corp.example");
/// let order = SyncOrder::new(&directory, &["app@corp.example".to_owned()], false).unwrap();
/// assert_eq!(order.groups().len(), 1);
///
/// let faults = SyncOrder::new(&directory, &["app".to_owned()], false).unwrap_err();
/// assert_eq!(faults[0].pointer, "/groups/0");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SyncOrder {
    groups: Vec<GroupQuery>,
    add_to_profile: bool,
    ignore_safeguards: bool,
    callback: Option<String>,
}

impl SyncOrder {
    /// An order for a sync of `directory` after which vIDM must have `groups`. Blank ones are left out. With `add_to_profile` those
    /// that are not in the sync profile are added to it first.
    ///
    /// # Errors
    /// Every field that is wrong, under the names of a start's fields: `/groups/3` counts the blank ones.
    pub fn new(directory: &DirectoryRef, groups: &[String], add_to_profile: bool) -> Result<Self, Vec<FieldError>> {
        let (mut queries, mut fields) = (Vec::new(), Vec::new());
        let named = || groups.iter().enumerate().filter(|(_, group)| !group.trim().is_empty());
        for (at, group) in named() {
            match GroupQuery::of_sync(group, add_to_profile, Some(directory.as_str())) {
                Ok(query) => queries.push(query),
                Err(why) => fields.push(FieldError::new(format!("/groups/{at}"), why)),
            }
        }
        let count = named().count();
        if count > GroupQuery::MAX {
            let detail = format!("names {count} groups; at most {} in one request", GroupQuery::MAX);
            fields.push(FieldError::new("/groups", detail));
        }
        if add_to_profile && count == 0 {
            fields.push(FieldError::new("/groups", "is missing: the DNs of the groups to add to the profile"));
        }
        match fields.is_empty() {
            true => Ok(Self { groups: queries, add_to_profile, ..Self::default() }),
            false => Err(fields),
        }
    }

    /// The same, with or without the safeguards. Without them only for a caller that may.
    #[must_use]
    pub(crate) fn ignoring_safeguards(self, ignore_safeguards: bool) -> Self {
        Self { ignore_safeguards, ..self }
    }

    /// The same, the receiver of this name being sent the final state.
    #[must_use]
    pub(crate) fn with_callback(self, callback: Option<String>) -> Self {
        Self { callback, ..self }
    }

    /// Groups that must be there in the end.
    #[must_use]
    pub fn groups(&self) -> &[GroupQuery] {
        &self.groups
    }

    /// The groups as they are written in requests.
    #[must_use]
    pub(crate) fn group_names(&self) -> Vec<String> {
        self.groups.iter().map(|group| group.as_str().to_owned()).collect()
    }

    /// How many bytes the names of the groups take in a sync id.
    #[must_use]
    pub(crate) fn size_of_groups(&self) -> usize {
        super::compact::size_of_groups(&self.group_names())
    }

    /// Whether groups that are not in the sync profile are to be added to it first. There are groups then.
    #[must_use]
    pub(crate) fn adds_to_profile(&self) -> bool {
        self.add_to_profile
    }

    /// Whether the run is to ignore the safeguards.
    #[must_use]
    pub(crate) fn ignores_safeguards(&self) -> bool {
        self.ignore_safeguards
    }

    /// The receiver of the final state, by name.
    #[must_use]
    pub fn callback(&self) -> Option<&str> {
        self.callback.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(groups: &[&str], add_to_profile: bool) -> Result<SyncOrder, Vec<String>> {
        let groups: Vec<_> = groups.iter().map(|group| (*group).to_owned()).collect();
        SyncOrder::new(&DirectoryRef::parse("corp.example"), &groups, add_to_profile)
            .map_err(|fields| fields.into_iter().map(|field| field.pointer).collect())
    }

    #[test]
    fn blank_groups_are_left_out_and_keep_their_place() {
        assert_eq!(order(&[" ", "gg@corp.example", ""], false).unwrap().group_names(), ["gg@corp.example"]);
        assert_eq!(order(&[" ", "gg", "x"], false).unwrap_err(), ["/groups/1", "/groups/2"]);
        let wrong = order(&["gg@corp.example", "CN=", "CN=a,DC=b", "x\u{7}"], false).unwrap_err();
        assert_eq!(wrong, ["/groups/1", "/groups/3"]);
        assert_eq!(order(&["a@b", "a@b"], false).unwrap().groups().len(), 2);
        assert_eq!(order(&[], false).unwrap(), SyncOrder::default());
    }

    #[test]
    fn more_than_a_hundred_groups_are_rejected() {
        assert!(order(&["gg@corp.example"; 100], false).is_ok());
        assert_eq!(order(&["gg@corp.example"; 101], false).unwrap_err(), ["/groups"]);
    }

    #[test]
    fn adding_to_the_profile_requires_dns() {
        assert_eq!(order(&[" "], true).unwrap_err(), ["/groups"]);
        assert_eq!(order(&["CN=a,DC=b", "gg@corp.example"], true).unwrap_err(), ["/groups/1"]);
        assert!(order(&["CN=a,DC=b"], true).unwrap().adds_to_profile());
    }
}

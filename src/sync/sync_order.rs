//! The checked order of a start.

use crate::directory::{DirectoryRef, GroupQuery};
use crate::error::FieldError;

/// A start's order: valid groups, at most the number that one request may name, and DNs if they are to be added to the sync
/// profile.
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
    /// An order for a sync of `directory` after which vIDM must have `groups`. Blank ones are removed. With `add_to_profile`
    /// missing groups are first added to the sync profile.
    ///
    /// # Errors
    /// Every wrong field, under the names of a start's fields: `/groups/3` counts the blank ones.
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
            let detail = format!("has {count} groups, but may have at most {}", GroupQuery::MAX);
            fields.push(FieldError::new("/groups", detail));
        }
        if add_to_profile && count == 0 {
            fields.push(FieldError::new("/groups", "is missing; send the DNs of the groups to add to the profile"));
        }
        match fields.is_empty() {
            true => Ok(Self { groups: queries, add_to_profile, ..Self::default() }),
            false => Err(fields),
        }
    }

    /// The same, with or without the safeguards. Only for a caller with that permission.
    #[must_use]
    pub(crate) fn ignoring_safeguards(self, ignore_safeguards: bool) -> Self {
        Self { ignore_safeguards, ..self }
    }

    /// The same, the receiver of this name being sent the final state.
    #[must_use]
    pub(crate) fn with_callback(self, callback: Option<String>) -> Self {
        Self { callback, ..self }
    }

    /// Groups that must exist after the sync.
    #[must_use]
    pub fn groups(&self) -> &[GroupQuery] {
        &self.groups
    }

    /// The groups as written in requests.
    #[must_use]
    pub(crate) fn group_names(&self) -> Vec<String> {
        self.groups.iter().map(|group| group.as_str().to_owned()).collect()
    }

    /// The size of the groups' names in a sync id, in bytes.
    #[must_use]
    pub(crate) fn size_of_groups(&self) -> usize {
        super::compact::size_of_groups(&self.group_names())
    }

    /// Whether missing groups are first added to the sync profile. There are groups then.
    #[must_use]
    pub(crate) fn adds_to_profile(&self) -> bool {
        self.add_to_profile
    }

    /// Whether the run ignores the safeguards.
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
    fn blank_groups_are_removed_but_still_counted() {
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

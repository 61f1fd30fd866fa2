//! The checked order of a start.

use crate::directory::{DirectoryRef, GroupQuery, UserQuery};
use crate::error::FieldError;

/// A start's order: valid groups and users, together at most the number that one request may name, and DNs of the groups if
/// they are to be added to the sync profile.
///
/// ```
/// use idhook::directory::DirectoryRef;
/// use idhook::sync::SyncOrder;
///
/// let directory = DirectoryRef::parse("corp.example");
/// let order = SyncOrder::new(&directory, &["app@corp.example".to_owned()], &[], false).unwrap();
/// assert_eq!(order.groups().len(), 1);
///
/// let faults = SyncOrder::new(&directory, &["app".to_owned()], &[], false).unwrap_err();
/// assert_eq!(faults[0].pointer, "/groups/0");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SyncOrder {
    groups: Vec<GroupQuery>,
    users: Vec<UserQuery>,
    group_names: Vec<String>,
    user_names: Vec<String>,
    add_to_profile: bool,
    ignore_safeguards: bool,
    callback: Option<String>,
}

impl SyncOrder {
    /// An order for a sync of `directory` after which its product must have `groups` and `users`. Blank ones are removed.
    /// With `add_to_profile` missing groups are first added to the sync profile.
    ///
    /// # Errors
    /// Every wrong field, under the names of a start's fields: `/groups/3` counts the blank ones.
    pub fn new(
        directory: &DirectoryRef,
        groups: &[String],
        users: &[String],
        add_to_profile: bool,
    ) -> Result<Self, Vec<FieldError>> {
        let mut fields = Vec::new();
        let read_group = |text: &str| GroupQuery::of_sync(text, add_to_profile, Some(directory.as_str()));
        let queries = read(groups, "groups", read_group, &mut fields);
        let named_users = read(users, "users", UserQuery::parse, &mut fields);
        let (group_count, user_count) = (count(groups), count(users));
        if group_count > GroupQuery::MAX {
            let detail = format!("has {group_count} groups, but may have at most {}", GroupQuery::MAX);
            fields.push(FieldError::new("/groups", detail));
        } else if group_count + user_count > GroupQuery::MAX {
            let detail = format!(
                "has {user_count} users, with {group_count} groups more than the {} names that a request may have",
                GroupQuery::MAX
            );
            fields.push(FieldError::new("/users", detail));
        }
        if add_to_profile && group_count == 0 {
            fields.push(FieldError::new("/groups", "is missing; send the DNs of the groups to add to the profile"));
        }
        match fields.is_empty() {
            true => Ok(Self {
                groups: queries,
                users: named_users,
                group_names: names(groups),
                user_names: names(users),
                add_to_profile,
                ..Self::default()
            }),
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

    /// Users that must exist after the sync.
    #[must_use]
    pub fn users(&self) -> &[UserQuery] {
        &self.users
    }

    /// The groups as the caller wrote them, in the order of [`groups`](Self::groups).
    #[must_use]
    pub(crate) fn group_names(&self) -> &[String] {
        &self.group_names
    }

    /// The users as the caller wrote them, in the order of [`users`](Self::users).
    #[must_use]
    pub(crate) fn user_names(&self) -> &[String] {
        &self.user_names
    }

    /// The size of the groups' and users' names in a sync id, in bytes.
    #[must_use]
    pub(crate) fn size_of_names(&self) -> usize {
        let size = |names: &[String]| if names.is_empty() { 0 } else { super::compact::size_of(names) };
        size(&self.group_names) + size(&self.user_names)
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

/// The names in a list that are not blank, with their places.
fn named(names: &[String]) -> impl Iterator<Item = (usize, &String)> {
    names.iter().enumerate().filter(|(_, name)| !name.trim().is_empty())
}

fn count(all: &[String]) -> usize {
    named(all).count()
}

fn names(all: &[String]) -> Vec<String> {
    named(all).map(|(_, name)| name.clone()).collect()
}

/// Reads the names of a list; every wrong one is added to `fields`.
fn read<Q>(
    names: &[String],
    list: &str,
    read: impl Fn(&str) -> Result<Q, String>,
    fields: &mut Vec<FieldError>,
) -> Vec<Q> {
    let mut queries = Vec::new();
    for (at, name) in named(names) {
        match read(name) {
            Ok(query) => queries.push(query),
            Err(why) => fields.push(FieldError::new(format!("/{list}/{at}"), why)),
        }
    }
    queries
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_users(groups: &[&str], users: &[&str], add_to_profile: bool) -> Result<SyncOrder, Vec<String>> {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        SyncOrder::new(&DirectoryRef::parse("corp.example"), &owned(groups), &owned(users), add_to_profile)
            .map_err(|fields| fields.into_iter().map(|field| field.pointer).collect())
    }

    fn order(groups: &[&str], add_to_profile: bool) -> Result<SyncOrder, Vec<String>> {
        with_users(groups, &[], add_to_profile)
    }

    #[test]
    fn users_are_checked_like_groups() {
        let order = with_users(&["gg@corp.example"], &["", " jdoe@corp.example"], false).unwrap();
        assert_eq!((order.groups().len(), order.users()[0].as_str()), (1, "jdoe@corp.example"));
        assert_eq!(order.user_names(), [" jdoe@corp.example"], "as the caller wrote it");
        let wrong = with_users(&["gg"], &["jdoe@corp.example", "", "jdoe", "CN=jdoe,DC=x"], false).unwrap_err();
        assert_eq!(wrong, ["/groups/0", "/users/2", "/users/3"]);
        // Users do not replace the groups that are added to the profile.
        assert_eq!(with_users(&[], &["jdoe@corp.example"], true).unwrap_err(), ["/groups"]);
    }

    #[test]
    fn more_than_a_hundred_names_are_rejected() {
        let (group, user) = ("gg@corp.example", "jdoe@corp.example");
        assert!(with_users(&[group; 40], &[user; 60], false).is_ok());
        assert_eq!(with_users(&[group; 40], &[user; 61], false).unwrap_err(), ["/users"]);
        assert_eq!(with_users(&[group; 101], &[user; 1], false).unwrap_err(), ["/groups"]);
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

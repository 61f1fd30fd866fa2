//! A filter for the directories of all realms.

use serde::Deserialize;

use super::directories::Directory;
use crate::directory::Listed as _;

/// A filter: selects the directories that match all given fields. Case is ignored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(rename = "FleetDirectoryFilter"))]
pub struct DirectoryFilter {
    /// The name.
    pub name: Option<String>,
    /// One of the directory's domains.
    pub domain: Option<String>,
    /// The realm, by name or id.
    pub realm: Option<String>,
    /// Whether it can be synced.
    pub syncable: Option<bool>,
}

impl DirectoryFilter {
    /// Whether it selects `directory`.
    pub(crate) fn takes(&self, directory: &Directory) -> bool {
        let same = |wanted: &String, text: Option<&str>| text.is_some_and(|text| wanted.eq_ignore_ascii_case(text));
        let realm = &directory.realm;
        let is_realm = |wanted: &String| same(wanted, realm.name.as_deref()) || same(wanted, Some(&realm.id));
        self.name.as_ref().is_none_or(|wanted| same(wanted, directory.name.as_deref()))
            && self.domain.as_ref().is_none_or(|wanted| directory.has_domain(wanted))
            && self.realm.as_ref().is_none_or(is_realm)
            && self.syncable.is_none_or(|wanted| directory.why_not_syncable().is_none() == wanted)
    }
}

//! A filter for a tenant's directories.

use serde::Deserialize;

use super::client::Client;
use super::directories::{Directory, DirectoryKind};
use crate::error::Result;
use crate::runtime::Runtime;

/// A filter: selects the directories that match all given fields. Case is ignored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct DirectoryFilter {
    /// The name.
    pub name: Option<String>,
    /// The kind, in the vendor's words: `ACTIVE_DIRECTORY_LDAP`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// One of the directory's domains.
    pub domain: Option<String>,
    /// Whether it can be synced.
    pub syncable: Option<bool>,
}

impl DirectoryFilter {
    fn takes(&self, directory: &Directory) -> bool {
        let same = |wanted: &Option<String>, text: Option<&str>| match (wanted.as_deref(), text) {
            (Some(wanted), Some(text)) => wanted.eq_ignore_ascii_case(text),
            (Some(_), None) => false,
            (None, _) => true,
        };
        same(&self.name, directory.name.as_deref())
            && same(&self.kind, directory.kind.as_ref().map(DirectoryKind::as_str))
            && self.syncable.is_none_or(|wanted| directory.syncable() == wanted)
    }
}

impl<R: Runtime> Client<'_, R> {
    /// The directories that match, in vIDM's order. For a domain, up to twenty directories are asked for theirs.
    ///
    /// # Errors
    /// Those of the login and the calls.
    pub(crate) async fn directories_of(&self, filter: &DirectoryFilter) -> Result<Vec<Directory>> {
        let mut directories = self.directories().await?;
        directories.retain(|directory| filter.takes(directory));
        Ok(match &filter.domain {
            Some(domain) => self.of_domain(&directories, domain).await?.into_iter().cloned().collect(),
            None => directories,
        })
    }
}

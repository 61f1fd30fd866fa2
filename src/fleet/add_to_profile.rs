//! Adds groups to a directory's sync profile: the calls that `directory::profile` combines.

use std::time::Duration;

use super::client::Client;
use super::directories::{ListDirectories, RealmName};
use super::locate::{Located, Needs};
use super::selection::{self, Selection};
use super::sync_profile::{GetSyncProfile, PutSyncProfile};
use crate::directory::{GroupEntry, GroupQuery, Product, ProfileAccess, Wanted, profile};
use crate::error::{Error, ErrorCode, Result};
use crate::runtime::Runtime;

/// A directory by its ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryIds {
    /// The id of its identity provider.
    pub provider: String,
    /// Its own id.
    pub directory: String,
}

/// Groups to add to a directory's sync profile, looked up but not written yet.
pub type ProfileAddition = crate::directory::ProfileAddition<DirectoryIds>;

impl<R: Runtime> Client<'_, R> {
    /// Finds the groups that the sync profile of a provider's directory lacks, and looks them up in Active Directory.
    /// Changes nothing.
    ///
    /// # Errors
    /// `request_invalid` for a group without distinguished name and for a group that is not compliant, with its place in
    /// `wanted`, `/groups/3`. `upstream_invalid` if the profile cannot be read completely; and those of the login and the
    /// calls.
    pub async fn profile_addition(
        &self,
        provider_id: &str,
        directory_id: &str,
        wanted: &[GroupQuery],
    ) -> Result<ProfileAddition> {
        let ids = DirectoryIds { provider: provider_id.to_owned(), directory: directory_id.to_owned() };
        profile::find(&Profile { client: self, ids: &ids }, ids.clone(), wanted).await
    }

    /// [`profile_addition`](Self::profile_addition) for a located directory; locates it again if its ids are outdated.
    ///
    /// # Errors
    /// As [`profile_addition`](Self::profile_addition) and [`locate`](Self::locate).
    pub(crate) async fn profile_addition_of(
        &self,
        directory: &Located,
        wanted: &[GroupQuery],
    ) -> Result<ProfileAddition> {
        let mut directory = directory.clone();
        match self.profile_addition(&directory.provider, &directory.id, wanted).await {
            Err(error) => {
                self.relocate(&mut directory, Needs::Syncable, error).await?;
                self.profile_addition(&directory.provider, &directory.id, wanted).await
            }
            done => done,
        }
    }

    /// Selects the found groups in the directory's sync profile, so that its next sync imports them. Makes no call if there
    /// is nothing to add. Concurrent callers should take turns.
    ///
    /// # Errors
    /// `upstream_invalid` if the profile cannot be read completely (nothing is written then), or lacks a selection after
    /// writing; and those of the login and the calls.
    pub async fn add_to_profile(&self, addition: ProfileAddition) -> Result<()> {
        let ids = addition.directory().clone();
        profile::add(&Profile { client: self, ids: &ids }, addition).await
    }
}

/// The sync profile of one directory.
struct Profile<'p, 'a, R> {
    client: &'p Client<'a, R>,
    ids: &'p DirectoryIds,
}

impl<R: Runtime> ProfileAccess for Profile<'_, '_, R> {
    const PRODUCT: Product = Product::Fleet;
    type Selection = Selection;

    fn target(&self) -> &str {
        &self.client.target.name
    }

    async fn read(&self) -> Result<Selection> {
        let DirectoryIds { provider, directory } = self.ids;
        let profile = self.client.call(&GetSyncProfile { provider, directory }).await.map_err(missing)?;
        Selection::read(profile).map_err(|why| profile::unreadable(&why).at(self.target()))
    }

    async fn write(&self, selection: &Selection) -> Result<()> {
        let DirectoryIds { provider, directory } = self.ids;
        self.client.call(&PutSyncProfile { provider, directory, profile: selection.document() }).await
    }

    /// One search for each group that its name finds, otherwise two.
    async fn look_up(&self, groups: &[Wanted<'_>]) -> Result<Vec<GroupEntry>> {
        let DirectoryIds { provider, directory } = self.ids;
        let mut found = Vec::new();
        for group in groups {
            let entry = self.client.directory_entry(provider, directory, group.dn).await?;
            found.extend(entry.and_then(selection::found));
        }
        Ok(found)
    }

    fn refusal(&self, found: &GroupEntry) -> Option<String> {
        selection::refusal(found)
    }

    /// A directory that was never synced may have no number of groups; any other without one may have groups.
    async fn has_synced_groups(&self) -> Result<bool> {
        let DirectoryIds { provider, directory } = self.ids;
        let directories = self.client.call(&ListDirectories { realm: &RealmName::default(), provider }).await?;
        let Some(listed) = directories.into_iter().find(|listed| listed.id.eq_ignore_ascii_case(directory)) else {
            let detail = format!("VCF Operations no longer lists the directory {directory}");
            return Err(Error::new(ErrorCode::DirectoryNotFound, detail).at(self.target()));
        };
        let was_synced = listed.status.is_some() || listed.last_sync_at.is_some();
        Ok(listed.groups.map_or(was_synced, |groups| groups > 0))
    }

    async fn pause(&self, time: Duration) {
        self.client.out.runtime().sleep(time).await;
    }
}

/// The failure of a call for a profile that VCF Operations does not find.
fn missing(error: Error) -> Error {
    match error.code() {
        ErrorCode::NotFound => error.with_code(ErrorCode::UpstreamRejected).hint(
            "either the directory no longer exists, or it has no sync profile, as in the mode ON_DEMAND; list the \
                 directories",
        ),
        _ => error,
    }
}

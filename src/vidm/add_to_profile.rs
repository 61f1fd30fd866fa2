//! Adds groups to a directory's sync profile: the calls that `directory::profile` combines.

use std::time::Duration;

use http::StatusCode;

use super::client::Client;
use super::directory_groups::FindDirectoryGroups;
use super::groups::Group;
use super::locate::Located;
use super::scim_search::{Listing, PAGES};
use super::selection::{Selection, found};
use super::sync_profile::{GetSyncProfile, PutSyncProfile};
use crate::directory::{DirectoryRef, GroupEntry, GroupQuery, Product, ProfileAccess, Wanted, profile};
use crate::error::{ErrorCode, Result};
use crate::runtime::Runtime;

/// Groups per look-up call of the connector.
const LOOKED_UP: usize = 20;

/// Groups to add to a directory's sync profile, looked up but not written yet.
pub type ProfileAddition = crate::directory::ProfileAddition<String>;

impl<R: Runtime> Client<'_, R> {
    /// Finds the groups that the directory's sync profile lacks, and looks them up through the connector. Changes nothing.
    ///
    /// # Errors
    /// `request_invalid` for a group without distinguished name, with its place in `wanted`, `/groups/3`.
    /// `upstream_invalid` if the profile cannot be read completely; and those of the login and the calls.
    pub async fn profile_addition(&self, directory_id: &str, wanted: &[GroupQuery]) -> Result<ProfileAddition> {
        let access = Profile { client: self, directory: directory_id };
        profile::find(&access, directory_id.to_owned(), wanted).await
    }

    /// [`profile_addition`](Self::profile_addition) for a located directory. A 404 may mean that a cached one was created anew: then
    /// it is located again, so that the list decides.
    ///
    /// # Errors
    /// As [`profile_addition`](Self::profile_addition) and [`locate`](Self::locate).
    pub(crate) async fn profile_addition_of(
        &self,
        directory: &Located,
        wanted: &[GroupQuery],
    ) -> Result<ProfileAddition> {
        let done = self.profile_addition(&directory.summary.id, wanted).await;
        if let Err(error) = &done
            && error.answer_status() == Some(StatusCode::NOT_FOUND)
            && !directory.is_fresh
        {
            self.locate_again(directory).await?;
        }
        // If the directory exists, the rejection is about something else.
        done
    }

    /// Selects the found groups in the directory's sync profile, so that its next sync imports them. Makes no call if there
    /// is nothing to add. Concurrent callers should take turns.
    ///
    /// # Errors
    /// `upstream_invalid` if the profile cannot be read completely (nothing is written then), or lacks a selection after
    /// writing; and those of the login and the calls.
    pub async fn add_to_profile(&self, addition: ProfileAddition) -> Result<()> {
        let directory = addition.directory().clone();
        profile::add(&Profile { client: self, directory: &directory }, addition).await
    }
}

/// The sync profile of one directory.
struct Profile<'p, 'a, R> {
    client: &'p Client<'a, R>,
    directory: &'p str,
}

impl<R: Runtime> ProfileAccess for Profile<'_, '_, R> {
    const PRODUCT: Product = Product::Vidm;
    type Selection = Selection;

    fn target(&self) -> &str {
        &self.client.target.name
    }

    async fn read(&self) -> Result<Selection> {
        let profile = self.client.call(&GetSyncProfile { directory: self.directory }).await.map_err(|e| {
            if !matches!(e.answer_status().map(|status| status.as_u16()), Some(404 | 405)) {
                return e;
            }
            e.with_code(ErrorCode::UpstreamRejected).hint(
                "either this directory has no sync profile, or this version has it elsewhere: the target's profile can \
                 override the path sync_profile",
            )
        })?;
        Selection::read(profile).map_err(|why| profile::unreadable(&why).at(self.target()))
    }

    async fn write(&self, selection: &Selection) -> Result<()> {
        self.client.call(&PutSyncProfile { directory: self.directory, groups: selection.document() }).await
    }

    async fn look_up(&self, groups: &[Wanted<'_>]) -> Result<Vec<GroupEntry>> {
        let mut entries = Vec::new();
        for some in groups.chunks(LOOKED_UP) {
            let dns: Vec<_> = some.iter().map(|group| group.dn).collect();
            entries.extend(self.client.call(&FindDirectoryGroups { directory: self.directory, dns: &dns }).await?);
        }
        Ok(entries.into_iter().filter_map(found).collect())
    }

    /// The connector does not say.
    fn refusal(&self, _: &GroupEntry) -> Option<String> {
        None
    }

    /// Reads all groups: no document has `and` in a filter, and a filter by an attribute that a version lacks finds nothing.
    /// Groups count unless vIDM proves that they are not of this directory.
    async fn has_synced_groups(&self) -> Result<bool> {
        let store = self.client.directory(&DirectoryRef::Id(self.directory.to_owned())).await?.userstore_id;
        let mut is_synced = |group: Group| group.may_be_synced_from(store.as_deref());
        let listing = self.client.search("", Some("id,internalGroupType,userStoreUuid"), PAGES, &mut is_synced).await?;
        Ok(!matches!(listing, Listing::Whole(_)))
    }

    async fn pause(&self, time: Duration) {
        self.client.out.runtime().sleep(time).await;
    }
}

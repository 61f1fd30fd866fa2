//! Adds groups to a directory's sync profile without losing an earlier selection.
//!
//! Read, look up, read again, write, read back. A write replaces the whole set, and no call makes it conditional. So the
//! second read is right before the write, and the result is compared with the previous selection plus the additions.
//! Anything missing, ours or another writer's, is selected again in another round, on top of the profile's new state. A
//! profile that is not completely understood is never written.

use std::time::Duration;

use super::client::Client;
use super::directory_groups::FindDirectoryGroups;
use super::group_filter::quoted;
use super::group_search::PAGES;
use super::selection::{Found, Selection};
use super::sync_profile::{GetSyncProfile, PutSyncProfile};
use crate::directory::DirectoryRef;
use crate::directory::GroupQuery;
use crate::dn::Key;
use crate::error::{Error, ErrorCode, FieldError, Result};
use crate::runtime::Runtime;

/// The most writes of the profile.
const WRITES: u32 = 3;

/// The wait before a repeated write is read back; it grows each time. A concurrent writer may have finished by then.
const PAUSE: Duration = Duration::from_millis(250);

/// Groups per look-up call of the connector.
const LOOKED_UP: usize = 20;

/// Most names in an error.
const SHOWN: usize = 10;

const BY_HAND: &str = "select the groups in the console, in the directory's sync settings";

/// The outcome of adding groups to a sync profile: each distinguished name once, as requested.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProfileChange {
    /// Newly selected.
    pub added: Vec<String>,
    /// Already selected, individually or with everything below a base.
    pub already: Vec<String>,
    /// Not found by the connector.
    pub not_found: Vec<String>,
}

/// Groups to add to a directory's sync profile, looked up but not written yet.
#[derive(Debug)]
pub struct ProfileAddition {
    directory: String,
    change: ProfileChange,
    found: Vec<(String, Key, Found)>,
}

impl ProfileAddition {
    /// Whether there is anything to write.
    #[must_use]
    pub(crate) fn is_needed(&self) -> bool {
        !self.found.is_empty()
    }

    /// The groups that the connector does not find.
    #[must_use]
    pub fn not_found(&self) -> &[String] {
        &self.change.not_found
    }
}

/// A requested group.
type Wanted<'q> = (&'q str, Key);

impl<R: Runtime> Client<'_, R> {
    /// Finds the groups that the directory's sync profile lacks, and looks them up through the connector. Changes nothing.
    ///
    /// # Errors
    /// `request_invalid` for a group without distinguished name, with its place in `wanted`, `/groups/3`.
    /// `upstream_invalid` if the profile cannot be read completely; and those of the login and the calls.
    pub async fn profile_addition(&self, directory_id: &str, wanted: &[GroupQuery]) -> Result<ProfileAddition> {
        let wanted = distinct(wanted)?;
        let (directory, mut change) = (directory_id.to_owned(), ProfileChange::default());
        if wanted.is_empty() {
            return Ok(ProfileAddition { directory, change, found: Vec::new() });
        }
        let profile = self.selection(directory_id).await.map_err(unchanged)?;
        let (already, missing): (Vec<_>, Vec<_>) = wanted.into_iter().partition(|(_, key)| profile.selects(key));
        change.already.extend(already.into_iter().map(|(dn, _)| dn.to_owned()));
        let mut entries = self.look_up(directory_id, &missing).await.map_err(unchanged)?;
        let mut found = Vec::new();
        for (dn, key) in missing {
            match entries.iter().position(|entry| entry.is(&key)) {
                Some(at) => found.push((dn.to_owned(), key, entries.swap_remove(at))),
                None => change.not_found.push(dn.to_owned()),
            }
        }
        Ok(ProfileAddition { directory, change, found })
    }

    /// Selects the found groups in the directory's sync profile, so that its next sync imports them. Makes no call if there
    /// is nothing to add.
    ///
    /// Concurrent callers should take turns: interference of two writers is detected and repaired, but a selection that was
    /// written and lost between two of our reads was never seen here.
    ///
    /// # Errors
    /// `upstream_invalid` if the profile cannot be read completely (nothing is written then), or lacks a selection after
    /// writing; and those of the login and the calls.
    pub async fn add_to_profile(&self, addition: ProfileAddition) -> Result<ProfileChange> {
        let ProfileAddition { directory, mut change, mut found } = addition;
        if found.is_empty() {
            return Ok(change);
        }
        // The connector may have taken its time, and so may the previous holder.
        let profile = self.selection(&directory).await.map_err(unchanged)?;
        if profile.is_empty() {
            self.expect_nothing_synced(&directory).await.map_err(unchanged)?;
        }
        found.retain(|(dn, key, _)| {
            let by_now = profile.selects(key);
            if by_now { &mut change.already } else { &mut change.added }.push(dn.clone());
            !by_now
        });
        let found: Vec<_> = found.into_iter().map(|(_, _, entry)| entry).collect();
        if !found.is_empty() {
            self.write(&directory, profile, &found).await?;
        }
        Ok(change)
    }

    /// Reads the profile's selection.
    async fn selection(&self, directory: &str) -> Result<Selection> {
        let profile = self.call(&GetSyncProfile { directory }).await.map_err(|e| {
            if !matches!(e.answer_status().map(|status| status.as_u16()), Some(404 | 405)) {
                return e;
            }
            let detail = e.detail().to_owned();
            e.recode(ErrorCode::UpstreamRejected, detail).hint(
                "either this directory has no sync profile, or this version has it elsewhere: the target's profile can \
                 override the path sync_profile",
            )
        })?;
        Selection::read(profile).map_err(|why| {
            let error = Error::new(
                ErrorCode::UpstreamInvalid,
                format!("the directory's sync profile cannot be read completely: {why}"),
            );
            error
                .hint(format!(
                    "idhook does not write a profile that it does not understand, because groups could be lost; {BY_HAND}"
                ))
                .at(self.target())
        })
    }

    async fn look_up(&self, directory: &str, wanted: &[Wanted<'_>]) -> Result<Vec<Found>> {
        let mut found = Vec::new();
        for some in wanted.chunks(LOOKED_UP) {
            let dns: Vec<_> = some.iter().map(|(dn, _)| *dn).collect();
            let entries = self.call(&FindDirectoryGroups { directory, dns: &dns }).await?;
            found.extend(entries.into_iter().filter_map(Found::read));
        }
        Ok(found)
    }

    /// Accepts an empty selection only if vIDM has no groups of this directory: otherwise the profile is incomplete, and
    /// writing it would remove everything.
    async fn expect_nothing_synced(&self, directory: &str) -> Result<()> {
        let store = self.directory(&DirectoryRef::Id(directory.to_owned())).await?.userstore_id;
        let mut filter = "internalGroupType eq \"EXTERNAL\"".to_owned();
        if let Some(store) = store {
            filter.push_str(" and userStoreUuid eq ");
            filter.push_str(&quoted(&store));
        }
        let mut synced = false;
        let mut take = |_| {
            synced = true;
            true
        };
        self.search_groups(&filter, Some("id"), PAGES, &mut take).await?;
        if !synced {
            return Ok(());
        }
        let told =
            "the directory's sync profile selects nothing, although vIDM has synced groups: the profile is incomplete";
        Err(Error::new(ErrorCode::UpstreamInvalid, told).hint(BY_HAND).at(self.target()))
    }

    /// Writes until the profile selects everything in `before`, anything selected since, and `found`.
    async fn write(&self, directory: &str, before: Selection, found: &[Found]) -> Result<()> {
        let mut kept = before.clone();
        found.iter().for_each(|entry| kept.add(entry));
        let ours = |dn: &String| found.iter().any(|entry| entry.is(&Key::of(dn)));
        let (mut now, mut failed) = (before, None);
        for round in 0..=WRITES {
            let lacking = now.merge(&kept);
            if lacking.is_empty() {
                return Ok(());
            }
            match failed.take() {
                // It was not processed, and nothing was lost.
                Some(error) if lacking.iter().all(ours) => {
                    return Err(unchanged(error).hint("reading it back confirmed that; retry"));
                }
                _ if round == WRITES => return Err(lost(&lacking, ours).at(self.target())),
                _ => {}
            }
            if let Err(error) = self.call(&PutSyncProfile { directory, groups: now.document() }).await {
                if round == 0 && !may_have_arrived(&error) {
                    return Err(unchanged(error));
                }
                failed = Some(error);
            }
            if round > 0 {
                self.runtime().sleep(PAUSE * round).await;
            }
            now = self.selection(directory).await.map_err(|error| unverified(error, failed.as_ref()))?;
            kept.merge(&now);
        }
        Ok(())
    }
}

/// Each group once, by its distinguished name.
fn distinct(wanted: &[GroupQuery]) -> Result<Vec<Wanted<'_>>> {
    let (mut distinct, mut fields) = (Vec::<Wanted<'_>>::new(), Vec::new());
    for (at, query) in wanted.iter().enumerate() {
        match query {
            GroupQuery::DistinguishedName(dn) => {
                let key = Key::of(dn);
                if distinct.iter().all(|(_, known)| *known != key) {
                    distinct.push((dn.as_str(), key));
                }
            }
            GroupQuery::Name(_) => fields.push(FieldError::new(
                format!("/groups/{at}"),
                "is a name; to be added to the sync profile a group needs its distinguished name (CN=…,OU=…,DC=…), because the \
                 connector looks groups up only by that",
            )),
        }
    }
    if fields.is_empty() { Ok(distinct) } else { Err(Error::invalid(fields)) }
}

/// Whether a failed write may have been processed.
fn may_have_arrived(error: &Error) -> bool {
    match error.answer_status() {
        Some(status) => status.is_server_error() || status.is_success(),
        None => {
            matches!(error.code(), ErrorCode::UpstreamTimeout | ErrorCode::UpstreamFailed | ErrorCode::UpstreamInvalid)
        }
    }
}

/// The error of a failed write that left the profile unchanged.
fn unchanged(error: Error) -> Error {
    let detail = format!("{}; the sync profile was not changed", error.detail());
    let code = error.code();
    error.recode(code, detail)
}

/// The error if the profile was or may have been written, and its contents are unknown.
fn unverified(error: Error, failed: Option<&Error>) -> Error {
    let written = match failed {
        Some(failed) => format!("writing the sync profile failed ({})", failed.detail()),
        None => "the sync profile was written".to_owned(),
    };
    let detail = format!("{written}, but could not be read back to check that nothing was lost: {}", error.detail());
    let code = error.code();
    error.recode(code, detail).hint(format!("retry: missing groups are added then; or {BY_HAND}"))
}

/// The error if groups are still missing after the last write.
fn lost(lacking: &[String], ours: impl Fn(&String) -> bool) -> Error {
    let told = |name: &str, of_ours: bool| {
        let names: Vec<_> = lacking.iter().filter(|dn| ours(dn) == of_ours).map(String::as_str).collect();
        let more = match names.len().saturating_sub(SHOWN) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let shown = names.iter().take(SHOWN).copied().collect::<Vec<_>>().join("; ");
        (!names.is_empty()).then(|| format!("{name}: {shown}{more}"))
    };
    let told: Vec<_> =
        [told("selected before and missing now", false), told("not selected", true)].into_iter().flatten().collect();
    let detail = format!("the sync profile was written {WRITES} times and still lacks groups: {}", told.join(". "));
    Error::new(ErrorCode::UpstreamInvalid, detail)
        .hint(format!("{BY_HAND} before the next sync removes them from vIDM"))
}

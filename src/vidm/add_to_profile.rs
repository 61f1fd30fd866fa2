//! Adds groups to a directory's sync profile, and never loses what was selected before.
//!
//! Read, look up, read again, write, read back. Writing replaces the whole set, and there is nothing to make it conditional
//! with, so the second reading stands right before the write, and what is read back is compared with what was selected
//! before and what was to be added. Whatever is missing, ours or somebody else's, is selected again by another round, on top
//! of what the profile holds by then. A profile that is not understood whole is never written.

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

/// How often the profile is written at most.
const WRITES: u32 = 3;

/// How long to wait before reading back what was written again; longer each time. Whoever writes at the same time may be
/// done by then.
const PAUSE: Duration = Duration::from_millis(250);

/// How many groups the connector looks up in one call.
const LOOKED_UP: usize = 20;

/// How many names go into an error.
const SHOWN: usize = 10;

const BY_HAND: &str = "look at the directory's groups in the console (sync settings), and select them there";

/// What became of groups that were to be added to a sync profile: each distinguished name once, as it was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProfileChange {
    /// Selected now.
    pub added: Vec<String>,
    /// Selected before, by themselves or with everything below a base.
    pub already: Vec<String>,
    /// Not found where the directory's groups come from, by the connector.
    pub not_found: Vec<String>,
}

/// Groups that are to be added to a directory's sync profile, looked up and not written yet.
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

/// A group that was asked for.
type Wanted<'q> = (&'q str, Key);

impl<R: Runtime> Client<'_, R> {
    /// Finds out which groups the directory's sync profile lacks, and looks those up through the connector. Changes nothing.
    ///
    /// # Errors
    /// `request_invalid` for a group that is not given by its distinguished name, under its place in `wanted`, `/groups/3`.
    /// `upstream_invalid` when the profile cannot be read whole. Else the login's and the calls'.
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

    /// Selects what was found in the directory's sync profile, so that its next sync brings it in. With nothing to add
    /// nothing is called.
    ///
    /// Whoever may do this from several places at once should take turns: two writers are noticed and put right, but a
    /// selection that was written and lost again between two of our readings was never seen here.
    ///
    /// # Errors
    /// `upstream_invalid` when the profile cannot be read whole (nothing is written then), or when what is read back after
    /// writing lacks something (told by name). Else the login's and the calls'.
    pub async fn add_to_profile(&self, addition: ProfileAddition) -> Result<ProfileChange> {
        let ProfileAddition { directory, mut change, mut found } = addition;
        if found.is_empty() {
            return Ok(change);
        }
        // The connector may have taken its time, and so may the one whose turn it was before.
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

    /// What the profile selects.
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
                format!("the directory's sync profile cannot be read whole: {why}"),
            );
            error
                .hint(format!(
                    "writing a profile that is not understood could lose groups, so it is not done; {BY_HAND}"
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

    /// A profile that selects nothing is believed only when nothing of this directory is in vIDM: else it was not told
    /// whole, and writing it would take everything away.
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
        let told = "the directory's sync profile selects nothing, and yet groups that were synced are in vIDM: it was not told whole";
        Err(Error::new(ErrorCode::UpstreamInvalid, told).hint(BY_HAND).at(self.target()))
    }

    /// Writes until what is read back selects everything that was selected in `before`, or since, and what was `found`.
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
                // It was not carried out, and it took nothing away.
                Some(error) if lacking.iter().all(ours) => {
                    return Err(unchanged(error).hint("it was read back to be sure of that; ask again"));
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

/// Each group once, and by its distinguished name.
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
                "is a name; to be added to the sync profile a group needs its distinguished name (CN=…,OU=…,DC=…), for the \
                 connector looks groups up by nothing else",
            )),
        }
    }
    if fields.is_empty() { Ok(distinct) } else { Err(Error::invalid(fields)) }
}

/// Whether a write that failed may have been carried out all the same.
fn may_have_arrived(error: &Error) -> bool {
    match error.answer_status() {
        Some(status) => status.is_server_error() || status.is_success(),
        None => {
            matches!(error.code(), ErrorCode::UpstreamTimeout | ErrorCode::UpstreamFailed | ErrorCode::UpstreamInvalid)
        }
    }
}

/// It failed, and the profile is what it was.
fn unchanged(error: Error) -> Error {
    let detail = format!("{}; the sync profile was not changed", error.detail());
    let code = error.code();
    error.recode(code, detail)
}

/// It was written, or may have been, and nobody knows what it holds now.
fn unverified(error: Error, failed: Option<&Error>) -> Error {
    let written = match failed {
        Some(failed) => format!("writing the sync profile failed ({})", failed.detail()),
        None => "the sync profile was written".to_owned(),
    };
    let detail = format!("{written}, and it could not be read back to see that nothing is lost: {}", error.detail());
    let code = error.code();
    error.recode(code, detail).hint(format!("ask again: what is missing is added then; or {BY_HAND}"))
}

/// It was written as often as may be, and still something is missing.
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
        [told("selected before and missing now", false), told("not taken up", true)].into_iter().flatten().collect();
    let detail = format!("the sync profile was written {WRITES} times and still lacks groups: {}", told.join(". "));
    Error::new(ErrorCode::UpstreamInvalid, detail)
        .hint(format!("{BY_HAND} before the next sync takes them out of vIDM"))
}

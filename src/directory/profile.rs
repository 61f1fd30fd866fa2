//! Adds groups to a directory's sync profile without losing an earlier selection, for every product with sync profiles.
//!
//! Read, look up, read again, write, read back. A write replaces the whole set, and no call makes it conditional. So the
//! second read is right before the write, and the result is compared with the previous selection plus the additions.
//! Anything missing, ours or another writer's, is selected again in another round, on top of the profile's new state. A
//! profile that is not completely understood is never written.

use std::time::Duration;

use serde_json::Value;

use super::group_query::GroupQuery;
use super::sync_target::Product;
use crate::dn::Key;
use crate::error::{Error, ErrorCode, FieldError, Result};

/// The most writes of the profile.
const WRITES: u32 = 3;

/// The wait before a repeated write is read back; it grows each time. A concurrent writer may have finished by then.
const PAUSE: Duration = Duration::from_millis(250);

/// Most names in an error.
const SHOWN: usize = 10;

const BY_HAND: &str = "select the groups in the console, in the directory's sync settings";

/// Groups to add to the sync profile of the directory `D`, looked up but not written yet.
#[derive(Debug)]
pub struct ProfileAddition<D> {
    directory: D,
    found: Vec<GroupEntry>,
    not_found: Vec<String>,
}

impl<D> ProfileAddition<D> {
    /// The directory.
    pub(crate) fn directory(&self) -> &D {
        &self.directory
    }

    /// Whether there is anything to write.
    #[must_use]
    pub(crate) fn is_needed(&self) -> bool {
        !self.found.is_empty()
    }

    /// The groups that are not found at their source.
    #[must_use]
    pub fn not_found(&self) -> &[String] {
        &self.not_found
    }
}

/// A requested group.
#[derive(Debug)]
pub(crate) struct Wanted<'q> {
    /// Its distinguished name, as requested.
    pub(crate) dn: &'q str,
    key: Key,
    /// Its place in the request.
    at: usize,
}

/// The entry of one group, from its source or a profile.
#[derive(Debug, Clone)]
pub(crate) struct GroupEntry {
    /// The group's distinguished name.
    pub(crate) dn: String,
    /// The vendor's entry.
    pub(crate) entry: Value,
}

impl GroupEntry {
    /// Whether it is this group's entry.
    fn is(&self, group: &Key) -> bool {
        Key::of(&self.dn) == *group
    }
}

/// The selection of a completely read profile, with every other field of it. It is changed only by adding.
pub(crate) trait Selection: Clone {
    /// Whether it selects this group, individually or with everything below a base.
    fn selects(&self, group: &Key) -> bool;

    /// Whether it selects no group.
    fn is_empty(&self) -> bool;

    /// Selects what `other` selects and this one lacks; returns the additions. Nothing is ever unselected.
    fn merge(&mut self, other: &Self) -> Vec<String>;

    /// Selects a found group.
    fn add(&mut self, found: &GroupEntry);
}

/// The calls for one directory's sync profile. Each may log in first, and has the errors of the login and the call.
pub(crate) trait ProfileAccess {
    /// The product, for messages.
    const PRODUCT: Product;
    /// Its profiles.
    type Selection: Selection;

    /// The target's name.
    fn target(&self) -> &str;

    /// Reads the profile.
    ///
    /// # Errors
    /// [`unreadable`] if any part of it is not understood.
    async fn read(&self) -> Result<Self::Selection>;

    /// Writes the profile. The response decides nothing: the profile is read back.
    async fn write(&self, selection: &Self::Selection) -> Result<()>;

    /// The entries of these groups at their source; other groups' entries do not matter.
    async fn look_up(&self, groups: &[Wanted<'_>]) -> Result<Vec<GroupEntry>>;

    /// Why the vendor cannot sync this group, worded to follow a field's name; `None` if it can, or does not say.
    fn refusal(&self, found: &GroupEntry) -> Option<String>;

    /// Whether the product has any synced group of this directory.
    async fn has_synced_groups(&self) -> Result<bool>;

    /// Waits.
    async fn pause(&self, time: Duration);
}

/// Finds the groups that the sync profile of `directory` lacks, and looks them up at their source. Changes nothing.
///
/// # Errors
/// `request_invalid` for a group without distinguished name and for one that the vendor cannot sync, with its place in
/// `wanted`, `/groups/3`. `upstream_invalid` if the profile cannot be read completely; and those of the calls.
pub(crate) async fn find<A: ProfileAccess, D>(
    access: &A,
    directory: D,
    wanted: &[GroupQuery],
) -> Result<ProfileAddition<D>> {
    let mut wanted = distinct(wanted)?;
    if wanted.is_empty() {
        return Ok(ProfileAddition { directory, found: Vec::new(), not_found: Vec::new() });
    }
    let profile = access.read().await.map_err(unchanged)?;
    wanted.retain(|group| !profile.selects(&group.key));
    let mut entries = access.look_up(&wanted).await.map_err(unchanged)?;
    let (mut found, mut not_found, mut fields) = (Vec::new(), Vec::new(), Vec::new());
    for Wanted { dn, key, at } in wanted {
        let Some(entry) = entries.iter().position(|entry| entry.is(&key)) else {
            not_found.push(dn.to_owned());
            continue;
        };
        let entry = entries.swap_remove(entry);
        match access.refusal(&entry) {
            Some(why) => fields.push(FieldError::new(format!("/groups/{at}"), why)),
            None => found.push(entry),
        }
    }
    if fields.is_empty() {
        return Ok(ProfileAddition { directory, found, not_found });
    }
    Err(unchanged(Error::invalid(fields)).at(access.target()))
}

/// Selects the found groups in the directory's sync profile, so that its next sync imports them. Makes no call if there is
/// nothing to add.
///
/// Concurrent callers should take turns: interference of two writers is detected and repaired, but a selection that was
/// written and lost between two of our reads was never seen here.
///
/// # Errors
/// `upstream_invalid` if the profile cannot be read completely (nothing is written then), or lacks a selection after
/// writing; and those of the calls.
pub(crate) async fn add<A: ProfileAccess, D>(access: &A, addition: ProfileAddition<D>) -> Result<()> {
    let mut found = addition.found;
    if found.is_empty() {
        return Ok(());
    }
    // The look-up may have taken its time, and so may the previous holder.
    let profile = access.read().await.map_err(unchanged)?;
    if profile.is_empty() && access.has_synced_groups().await.map_err(unchanged)? {
        return Err(unchanged(incomplete(A::PRODUCT)).at(access.target()));
    }
    // Another writer may have selected some by now.
    found.retain(|entry| !profile.selects(&Key::of(&entry.dn)));
    if found.is_empty() { Ok(()) } else { write(access, profile, &found).await }
}

/// Writes until the profile selects everything in `before`, anything selected since, and `found`.
async fn write<A: ProfileAccess>(access: &A, before: A::Selection, found: &[GroupEntry]) -> Result<()> {
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
            _ if round == WRITES => return Err(lost(A::PRODUCT, &lacking, ours).at(access.target())),
            _ => {}
        }
        if let Err(error) = access.write(&now).await {
            if round == 0 && !may_have_arrived(&error) {
                return Err(unchanged(error));
            }
            failed = Some(error);
        }
        if round > 0 {
            access.pause(PAUSE * round).await;
        }
        now = access.read().await.map_err(|error| unverified(error, failed.as_ref()))?;
        kept.merge(&now);
    }
    Ok(())
}

/// Each group once, by its distinguished name.
fn distinct(wanted: &[GroupQuery]) -> Result<Vec<Wanted<'_>>> {
    let (mut distinct, mut fields) = (Vec::<Wanted<'_>>::new(), Vec::new());
    for (at, query) in wanted.iter().enumerate() {
        match query {
            GroupQuery::DistinguishedName(dn) => {
                let key = Key::of(dn);
                if distinct.iter().all(|known| known.key != key) {
                    distinct.push(Wanted { dn, key, at });
                }
            }
            GroupQuery::Name(_) => fields.push(FieldError::new(
                format!("/groups/{at}"),
                "is a name; to be added to the sync profile a group needs its distinguished name (CN=…,OU=…,DC=…), because \
                 groups are looked up at their source only by that",
            )),
        }
    }
    if fields.is_empty() { Ok(distinct) } else { Err(Error::invalid(fields)) }
}

/// Whether a failed write may have been processed.
fn may_have_arrived(error: &Error) -> bool {
    match error.answer_status() {
        Some(status) => status.is_server_error() || status.is_success(),
        None => error.is_unanswered(),
    }
}

/// The error of a profile that is not completely understood; `why` follows a colon.
pub(crate) fn unreadable(why: &str) -> Error {
    Error::new(ErrorCode::UpstreamInvalid, format!("the directory's sync profile cannot be read completely: {why}"))
        .hint(format!(
            "idhook does not write a profile that it does not understand, because groups could be lost; {BY_HAND}"
        ))
}

/// The error of a profile that selects nothing although groups were synced: writing it would remove them all.
fn incomplete(product: Product) -> Error {
    let detail = format!(
        "the directory's sync profile selects nothing, although {product} has synced groups: the profile is incomplete"
    );
    Error::new(ErrorCode::UpstreamInvalid, detail).hint(BY_HAND)
}

/// The error of a failure that left the profile unchanged.
fn unchanged(error: Error) -> Error {
    let detail = format!("{}; the sync profile was not changed", error.detail());
    error.with_detail(detail)
}

/// The error if the profile was or may have been written, and its contents are unknown.
fn unverified(error: Error, failed: Option<&Error>) -> Error {
    let written = match failed {
        Some(failed) => format!("writing the sync profile failed ({})", failed.detail()),
        None => "the sync profile was written".to_owned(),
    };
    let detail = format!("{written}, but could not be read back to check that nothing was lost: {}", error.detail());
    error.with_detail(detail).hint(format!("retry: missing groups are added then; or {BY_HAND}"))
}

/// The error if groups are still missing after the last write.
fn lost(product: Product, lacking: &[String], ours: impl Fn(&String) -> bool) -> Error {
    let listed = |title: &str, of_ours: bool| {
        let names: Vec<_> = lacking.iter().filter(|dn| ours(dn) == of_ours).map(String::as_str).collect();
        let more = match names.len().saturating_sub(SHOWN) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let shown = names.iter().take(SHOWN).copied().collect::<Vec<_>>().join("; ");
        (!names.is_empty()).then(|| format!("{title}: {shown}{more}"))
    };
    let lists: Vec<_> = [listed("selected before and missing now", false), listed("not selected", true)]
        .into_iter()
        .flatten()
        .collect();
    let detail = format!("the sync profile was written {WRITES} times and still lacks groups: {}", lists.join(". "));
    Error::new(ErrorCode::UpstreamInvalid, detail)
        .hint(format!("{BY_HAND} before the next sync removes them from {product}"))
}

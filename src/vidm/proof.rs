//! Is this group there, and are these? Asked in as few calls as it takes, answered exactly.
//!
//! Several groups go into one filter, joined by `or`. That vIDM's filters take `or` is not documented (its SCIM guide names
//! only the comparisons); where it is refused, each group is asked for by itself.

use std::collections::btree_map::{BTreeMap, Entry};

use serde::Serialize;

use super::client::Client;
use super::group_query::{GroupQuery, Identity};
use super::groups::{FindGroups, Group, Search, SearchGroups, is_long};
use crate::endpoint::Endpoint as _;
use crate::error::{Error, ErrorCode, Result};
use crate::runtime::Runtime;

/// How many groups are asked for in one call.
const BATCH: usize = 25;

/// How long one call's filter may grow, in bytes, before another is made.
const FILTER: usize = 6_000;

/// At most this many pages of groups are read for one question.
const PAGES: usize = 100;

/// What a name's answer has to hold. Members, of which there may be thousands, are not wanted.
const NAMES: &str = "id,displayName";

/// Whether vIDM has a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub enum Presence {
    /// vIDM has it.
    Present,
    /// vIDM does not have it.
    Absent,
    /// vIDM rejected the question, or its answer does not decide: `detail` says which.
    Unknown,
}

/// Whether a group is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The group as it was asked for.
    pub requested: String,
    /// Whether it is there.
    pub state: Presence,
    /// Why its state is unknown, or what looks odd in the name of one that is absent.
    pub detail: Option<String>,
    /// Its id in vIDM, when it is.
    pub id: Option<String>,
    /// What vIDM calls it, when it is.
    pub display_name: Option<String>,
}

/// What is known of each group that was asked for.
type Found = BTreeMap<Identity, Option<(String, Option<String>)>>;

impl<R: Runtime> Client<'_, R> {
    /// The groups that go by exactly this name; none, when there is none.
    ///
    /// # Errors
    /// The login's and the calls'.
    pub async fn groups(&self, query: &GroupQuery) -> Result<Vec<Group>> {
        let mut groups = Vec::new();
        let mut take = |group| {
            groups.extend(query.is(&group).then_some(group));
            false
        };
        self.search_groups(&query.filter(), None, &mut take).await?;
        Ok(groups)
    }

    /// Hands every group that `filter` lets through to `enough`, until that says so.
    pub(super) async fn search_groups(
        &self,
        filter: &str,
        attributes: Option<&'static str>,
        enough: &mut dyn FnMut(Group) -> bool,
    ) -> Result<()> {
        let mut start = 1;
        for _ in 0..PAGES {
            let search = Search { filter, attributes, start };
            let page = if is_long(filter) {
                self.call(&SearchGroups(search)).await?
            } else {
                self.call(&FindGroups(search)).await?
            };
            if page.groups.into_iter().any(&mut *enough) {
                return Ok(());
            }
            let Some(next) = page.next else { return Ok(()) };
            start = next;
        }
        let told = format!("{} has no end after {PAGES} pages", FindGroups::CALL);
        Err(Error::new(ErrorCode::UpstreamInvalid, told).at(self.target()))
    }

    /// Which of these groups are there, in the order asked; one that is asked for twice is looked up once.
    ///
    /// A distinguished name and a `name@domain` mean that very group, upper and lower case aside. A bare name means only a
    /// group that vIDM knows by this name alone, never one of a domain: `gg-app` is not proven by `gg-app@other.example`.
    ///
    /// # Errors
    /// The login's and the calls'.
    pub async fn prove(&self, wanted: &[GroupQuery]) -> Result<Vec<Proof>> {
        let mut found = Found::new();
        let (mut dns, mut names) = (Vec::new(), Vec::new());
        for query in wanted {
            if let Entry::Vacant(place) = found.entry(query.identity()) {
                place.insert(None);
                match query {
                    GroupQuery::DistinguishedName(_) => dns.push(query),
                    GroupQuery::Name(_) => names.push(query),
                }
            }
        }
        self.find_all(&dns, None, &mut found).await?;
        // An answer about one may have told of another.
        names.retain(|query| !is_found(query, &found));
        self.find_all(&names, Some(NAMES), &mut found).await?;
        Ok(wanted.iter().map(|query| Proof::of(query, &found)).collect())
    }

    async fn find_all(
        &self,
        queries: &[&GroupQuery],
        attributes: Option<&'static str>,
        found: &mut Found,
    ) -> Result<()> {
        let mut rest = queries;
        let mut refused = None;
        while !rest.is_empty() {
            let one_each = refused.is_some() || self.memory().one_group_each();
            let (batch, later) = rest.split_at(if one_each { 1 } else { batch_length(rest) });
            match self.find(batch, attributes, found).await {
                Err(error) if batch.len() > 1 && may_be_the_batch(&error) => refused = Some(error),
                done => {
                    done?;
                    rest = later;
                }
            }
        }
        // Each by itself they were all answered: it was the filter.
        if refused.is_some_and(|error| error.answer_status().is_some()) {
            self.memory().keep_one_group_each();
        }
        Ok(())
    }

    /// One question, for all of `batch`.
    async fn find(&self, batch: &[&GroupQuery], attributes: Option<&'static str>, found: &mut Found) -> Result<()> {
        let filter: Vec<_> = batch.iter().map(|query| query.exact_filter()).collect();
        let mut take = |group: Group| {
            let name = group.display_name.as_deref().map(Identity::of_name);
            let dn = group.distinguished_name.as_deref().map(Identity::of_dn);
            for identity in [name, dn].into_iter().flatten() {
                if let Some(place @ None) = found.get_mut(&identity) {
                    *place = Some((group.id.clone(), group.display_name.clone()));
                }
            }
            batch.iter().all(|query| is_found(query, found))
        };
        self.search_groups(&filter.join(" or "), attributes, &mut take).await
    }
}

impl Proof {
    fn of(query: &GroupQuery, found: &Found) -> Self {
        let group = found.get(&query.identity()).cloned().flatten();
        let state = if group.is_some() { Presence::Present } else { Presence::Absent };
        let (id, display_name) = group.map_or((None, None), |(id, name)| (Some(id), name));
        Self { requested: query.as_str().to_owned(), state, detail: None, id, display_name }
    }

    /// Whether vIDM has it for certain.
    #[must_use]
    pub fn is_present(&self) -> bool {
        self.state == Presence::Present
    }

    /// The proof of a group in this state.
    #[cfg(test)]
    pub(crate) fn example(requested: &str, state: Presence) -> Self {
        Self { requested: requested.to_owned(), state, detail: None, id: None, display_name: None }
    }
}

fn is_found(query: &GroupQuery, found: &Found) -> bool {
    matches!(found.get(&query.identity()), Some(Some(_)))
}

/// How many of `queries` go into one filter; one at least.
fn batch_length(queries: &[&GroupQuery]) -> usize {
    let mut length = 0;
    let fitting = queries.iter().take(BATCH).take_while(|query| {
        length += query.exact_filter().len() + " or ".len();
        length <= FILTER
    });
    fitting.count().max(1)
}

/// Whether the question was refused, or its answer too large, for what it asked at once: 400 for a filter, 404, 405 or 415
/// where there is no search with a body, 413 or 414 where it is too long.
fn may_be_the_batch(error: &Error) -> bool {
    match error.answer_status() {
        Some(status) => matches!(status.as_u16(), 400 | 404 | 405 | 413..=415),
        // A login that failed is nothing of the batch's.
        None => {
            error.code() == ErrorCode::UpstreamInvalid && !error.evidence().is_some_and(|evidence| evidence.is_login)
        }
    }
}

//! Whether groups are present: asked in as few calls as possible, compared exactly.
//!
//! Several groups go into one filter, joined by `or`. That vIDM's filters take `or` is not documented (its SCIM guide names
//! only the comparisons); where vIDM rejects it, each group is asked for by itself.
//!
//! A group is absent only where the answer proves it: a filter without escapes, pages that hold as many groups as they say.
//! Whether vIDM reads `\\"` and `\\\\` in a filter is not known (nobody is seen to write them, RFC 7644 has JSON's rule). So a name with
//! such a character is asked for with escapes, as it is, and by a piece of it without such characters; where none of the answers
//! shows any group, its state is unknown. Unknown is as well what vIDM rejects by itself while it answers for others.

use std::collections::BTreeSet;
use std::collections::btree_map::{BTreeMap, Entry};

use serde::Serialize;

use super::client::Client;
use super::group_query::{GroupQuery, Identity};
use super::groups::{FindGroups, Group, Page, Search, SearchGroups, belongs_in_body};
use super::odd_name;
use crate::error::{Error, ErrorCode, Result};
use crate::runtime::Runtime;

/// How many groups are asked for in one call.
const BATCH: usize = 25;

/// How long one call's filter may grow, in bytes, before another is made.
const FILTER: usize = 6_000;

/// At most this many pages of groups are read for one question.
pub(super) const PAGES: usize = 100;

/// At most this many are read for a question that finds other groups as well.
const PIECE_PAGES: usize = 10;

/// A filter longer than this is not tried in the URI, in bytes, where the search with a body fails.
const URI: usize = 4_000;

/// So many groups in a row may fail in a way that concerns all of them, before the rest is not asked for.
const IN_A_ROW: usize = 2;

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
type Found = BTreeMap<Identity, State>;

/// What is known of one group.
#[derive(Debug, Clone)]
enum State {
    Absent,
    Present { id: String, display_name: Option<String> },
    Unknown(String),
}

/// How much of what a filter lets through was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Listing {
    /// All of it: so many groups.
    Whole(usize),
    /// No more was wanted.
    Enough,
    /// Not all of it.
    Cut { held: usize, total: Option<usize> },
}

/// How the questions of one proof went.
#[derive(Default)]
struct Questions {
    answered: bool,
    /// The first failure that may concern all groups.
    failure: Option<Error>,
    failed_in_a_row: usize,
}

impl Questions {
    /// Takes note of an answer.
    fn answered(&mut self) {
        self.answered = true;
        self.failed_in_a_row = 0;
    }

    /// Takes note of a failure: says why the group is unknown, or fails with it where it is about more than one group.
    fn failed(&mut self, error: Error) -> Result<String> {
        let Some(concerns) = concern(&error) else { return Err(error) };
        let detail = format!("vIDM rejected the question whether it has this group: {}", error.detail());
        if concerns == Concern::Perhaps {
            self.failed_in_a_row += 1;
            let failure = self.failure.get_or_insert(error);
            if !self.answered && self.failed_in_a_row >= IN_A_ROW {
                return Err(failure.clone());
            }
        } else {
            self.answered();
        }
        Ok(detail)
    }
}

impl<R: Runtime> Client<'_, R> {
    /// The groups that go by exactly this name; none, when there is none.
    ///
    /// # Errors
    /// `upstream_invalid` where none is found and the answers do not prove that there is none. Else the login's and the calls'.
    pub async fn groups(&self, query: &GroupQuery) -> Result<Vec<Group>> {
        let mut groups = Vec::<Group>::new();
        let mut take = |group: Group| {
            if query.is(&group) && groups.iter().all(|known| known.id != group.id) {
                groups.push(group);
            }
            false
        };
        let doubt = if query.is_awkward() {
            self.look_up_awkward(query, None, &mut Questions::default(), &mut take).await?
        } else {
            let mut lacks = false;
            let mut compared = |group: Group| {
                lacks |= query.cannot_compare(&group);
                take(group)
            };
            let mut doubt = None;
            for filter in query.exact_filters() {
                let listing = self.search_groups(&filter, None, PAGES, &mut compared).await?;
                doubt = doubt.or(doubt_of(listing, false));
            }
            doubt.or(doubt_of(Listing::Whole(0), lacks))
        };
        match doubt {
            Some(doubt) if groups.is_empty() => Err(Error::new(ErrorCode::UpstreamInvalid, doubt).at(self.target())),
            _ => Ok(groups),
        }
    }

    /// Hands every group that `filter` lets through to `enough`, until that says so; reads `pages` at most.
    pub(super) async fn search_groups(
        &self,
        filter: &str,
        attributes: Option<&'static str>,
        pages: usize,
        enough: &mut dyn FnMut(Group) -> bool,
    ) -> Result<Listing> {
        let (mut ids, mut total, mut unread) = (BTreeSet::new(), None, 0);
        // The first group is 1. Where 0 is the first (the documented default is 0), one is missing, and is read from there.
        for first in [1, 0] {
            let mut start = first;
            for _ in 0..pages {
                let search = Search { filter, attributes, start };
                let page = match self.page(search).await {
                    Ok(page) => page,
                    Err(_) if first == 0 => return Ok(Listing::Cut { held: ids.len(), total }),
                    Err(error) => return Err(error),
                };
                total = total.max(page.total);
                unread += page.unread;
                for group in page.groups {
                    ids.insert(group.id.clone());
                    if enough(group) {
                        return Ok(Listing::Enough);
                    }
                }
                let Some(next) = page.next else { break };
                start = next;
            }
            if unread > 0 || total != Some(ids.len() + 1) {
                break;
            }
        }
        let held = ids.len();
        let is_whole = unread == 0 && total.is_none_or(|total| held >= total);
        Ok(if is_whole { Listing::Whole(held) } else { Listing::Cut { held, total } })
    }

    /// One page: in a body where the filter belongs there and vIDM has that call, else by the URI.
    async fn page(&self, search: Search<'_>) -> Result<Page> {
        if !belongs_in_body(search.filter) || (self.memory().no_search() && search.filter.len() <= URI) {
            return self.call(&FindGroups(search)).await;
        }
        let error = match self.call(&SearchGroups(search)).await {
            Err(error) => error,
            page => return page,
        };
        let is_missing = matches!(error.answer_status().map(|status| status.as_u16()), Some(404 | 405 | 415 | 501));
        let is_refused = matches!(error.answer_status().map(|status| status.as_u16()), Some(400 | 403 | 406));
        if search.filter.len() > URI || !(is_missing || is_refused) {
            return Err(error);
        }
        let page = self.call(&FindGroups(search)).await?;
        if is_missing {
            self.memory().keep_no_search();
        }
        Ok(page)
    }

    /// Which of these groups are there, in the order asked; one that is asked for twice is looked up once.
    ///
    /// A distinguished name and a `name@domain` mean that very group, upper and lower case aside.
    ///
    /// # Errors
    /// The login's and the calls', where they concern all groups. A group that vIDM rejects by itself is
    /// [`Presence::Unknown`].
    pub async fn prove(&self, wanted: &[GroupQuery]) -> Result<Vec<Proof>> {
        let mut found = Found::new();
        let (mut dns, mut names, mut awkward) = (Vec::new(), Vec::new(), Vec::new());
        for query in wanted {
            if let Entry::Vacant(place) = found.entry(query.identity()) {
                place.insert(State::Absent);
                match query {
                    _ if query.is_awkward() => awkward.push(query),
                    GroupQuery::DistinguishedName(_) => dns.push(query),
                    GroupQuery::Name(_) => names.push(query),
                }
            }
        }
        let mut questions = Questions::default();
        self.find_all(&dns, None, &mut questions, &mut found).await?;
        // An answer about one may have told of another.
        names.retain(|query| !is_found(query, &found));
        self.find_all(&names, Some(NAMES), &mut questions, &mut found).await?;
        awkward.retain(|query| !is_found(query, &found));
        for query in awkward {
            let attributes = matches!(query, GroupQuery::Name(_)).then_some(NAMES);
            let mut take = |group: Group| {
                note(&group, &mut found);
                is_found(query, &found)
            };
            let doubt = self.look_up_awkward(query, attributes, &mut questions, &mut take).await?;
            set_unknown(query, doubt, &mut found);
        }
        match questions.failure {
            Some(failure) if !questions.answered => Err(failure),
            _ => Ok(wanted.iter().map(|query| Proof::of(query, &found)).collect()),
        }
    }

    async fn find_all(
        &self,
        queries: &[&GroupQuery],
        attributes: Option<&'static str>,
        questions: &mut Questions,
        found: &mut Found,
    ) -> Result<()> {
        let mut rest = queries;
        let (mut refused, mut all_answered, mut one_each) = (None, true, self.memory().one_group_each());
        while !rest.is_empty() {
            let (batch, later) = rest.split_at(if one_each { 1 } else { batch_length(rest) });
            let doubt = match self.find(batch, attributes, found).await {
                Err(error) if batch.len() > 1 && concern(&error).is_some() => {
                    // Each by itself.
                    (refused, one_each) = (Some(error), true);
                    continue;
                }
                Err(error) => {
                    all_answered = false;
                    Some(questions.failed(error)?)
                }
                Ok(doubt) => {
                    questions.answered();
                    if doubt.is_some() && batch.len() > 1 {
                        one_each = true;
                        continue;
                    }
                    doubt
                }
            };
            for query in batch {
                set_unknown(query, doubt.clone(), found);
            }
            rest = later;
        }
        // Each by itself they were all answered: it was the filter.
        if all_answered && refused.is_some_and(|error| error.answer_status().is_some()) {
            self.memory().keep_one_group_each();
        }
        Ok(())
    }

    /// One question, for all of `batch`: why those that it does not find may be there all the same.
    async fn find(
        &self,
        batch: &[&GroupQuery],
        attributes: Option<&'static str>,
        found: &mut Found,
    ) -> Result<Option<String>> {
        let mut lacks = false;
        let mut take = |group: Group| {
            lacks |= batch.iter().any(|query| query.cannot_compare(&group));
            note(&group, found);
            batch.iter().all(|query| is_found(query, found))
        };
        let filters: Vec<_> = batch.iter().flat_map(|query| query.exact_filters()).collect();
        // One group is asked for without `or`, which may be what was rejected.
        let filters = if batch.len() > 1 { vec![filters.join(" or ")] } else { filters };
        let mut doubt = None;
        for filter in filters {
            match self.search_groups(&filter, attributes, PAGES, &mut take).await? {
                Listing::Enough => return Ok(None),
                listing => doubt = doubt.or(doubt_of(listing, false)),
            }
        }
        Ok(doubt.or(doubt_of(Listing::Whole(0), lacks)))
    }

    /// Looks up one group whose filter needs escapes, in each way in which it may be found: why it may be there all the same.
    async fn look_up_awkward(
        &self,
        query: &GroupQuery,
        attributes: Option<&'static str>,
        questions: &mut Questions,
        take: &mut dyn FnMut(Group) -> bool,
    ) -> Result<Option<String>> {
        let mut take = |group: Group| {
            let is_it = query.is(&group);
            take(group) || is_it
        };
        let mut rejected = None;
        for filter in query.exact_filters().into_iter().chain(query.raw_filters()) {
            match self.search_groups(&filter, attributes, PAGES, &mut take).await {
                Ok(Listing::Enough) => {
                    questions.answered();
                    return Ok(None);
                }
                Ok(_) => questions.answered(),
                Err(error) if concern(&error).is_some() => rejected = Some(error),
                Err(error) => return Err(error),
            }
        }
        let mut doubt = "vIDM lists no such group, but the name holds \" or \\ and whether this vIDM reads them in a filter is not \
                         known"
            .to_owned();
        if let Some(filter) = query.piece_filter() {
            match self.search_groups(&filter, attributes, PIECE_PAGES, &mut take).await {
                Ok(Listing::Enough) => {
                    questions.answered();
                    return Ok(None);
                }
                // It answers by this piece of the name, and this group is not among what it lists.
                Ok(Listing::Whole(held)) if held > 0 => {
                    questions.answered();
                    return Ok(None);
                }
                Ok(Listing::Cut { .. }) => {
                    questions.answered();
                    doubt.push_str("; too many groups share a part of the name to compare them all");
                }
                Ok(_) => questions.answered(),
                Err(error) if concern(&error).is_some() => rejected = Some(error),
                Err(error) => return Err(error),
            }
        }
        match rejected {
            Some(error) if !questions.answered => questions.failed(error).map(Some),
            _ => Ok(query.always_needs_escape().then_some(doubt)),
        }
    }
}

impl Proof {
    fn of(query: &GroupQuery, found: &Found) -> Self {
        let requested = query.as_str().to_owned();
        let not = |state, detail| Self { requested: requested.clone(), state, detail, id: None, display_name: None };
        let oddities = odd_name::oddities(query.as_str());
        let odd = (!oddities.is_empty()).then(|| format!("the name {}", oddities.join("; it ")));
        match found.get(&query.identity()).cloned() {
            Some(State::Present { id, display_name }) => {
                Self { requested, state: Presence::Present, detail: None, id: Some(id), display_name }
            }
            Some(State::Unknown(detail)) => {
                not(Presence::Unknown, Some(odd.map_or(detail.clone(), |odd| format!("{detail}; {odd}"))))
            }
            Some(State::Absent) | None => not(Presence::Absent, odd),
        }
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

/// Takes note of a group that was listed, where it is one that was asked for.
fn note(group: &Group, found: &mut Found) {
    let name = group.display_name.as_deref().map(Identity::of_name);
    let dn = group.distinguished_name.as_deref().map(Identity::of_dn);
    for identity in [name, dn].into_iter().flatten() {
        if let Some(place) = found.get_mut(&identity)
            && !matches!(place, State::Present { .. })
        {
            *place = State::Present { id: group.id.clone(), display_name: group.display_name.clone() };
        }
    }
}

fn is_found(query: &GroupQuery, found: &Found) -> bool {
    matches!(found.get(&query.identity()), Some(State::Present { .. }))
}

fn set_unknown(query: &GroupQuery, doubt: Option<String>, found: &mut Found) {
    if let (Some(place @ State::Absent), Some(doubt)) = (found.get_mut(&query.identity()), doubt) {
        *place = State::Unknown(doubt);
    }
}

/// Why a group that is not in a listing may be there all the same.
fn doubt_of(listing: Listing, lacks_names: bool) -> Option<String> {
    match listing {
        Listing::Enough => None,
        Listing::Cut { held, total: Some(total) } => {
            Some(format!("vIDM says that its answer has {total} groups, and its pages hold {held} that can be read"))
        }
        Listing::Cut { held, total: None } => {
            Some(format!("vIDM's answer has more than the {held} groups that can be read"))
        }
        Listing::Whole(_) if lacks_names => {
            Some("vIDM returned a group without the attribute that was asked for, so it cannot be compared".to_owned())
        }
        Listing::Whole(_) => None,
    }
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

/// Whom a failed question concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Concern {
    /// What it asked for.
    Asked,
    /// That, or all groups.
    Perhaps,
}

/// Whether a question failed for what it asked, so that another one may be answered: 400 for a filter; 404, 405, 406 or 415 where
/// there is no search with a body; 413, 414 or 431 where it is too long. A gateway may reject a filter with 403, and a server fail at
/// one with 500; but then all of them may fail so. `None` where nothing else is to be asked.
fn concern(error: &Error) -> Option<Concern> {
    let evidence = error.evidence();
    match error.answer_status().map(|status| status.as_u16()) {
        Some(400 | 404..=406 | 413..=415 | 422 | 431) => Some(Concern::Asked),
        // In the vendor's own form it is the account that may not.
        Some(403) if evidence.is_some_and(|evidence| evidence.is_vendor) => None,
        Some(403 | 500 | 501) => Some(Concern::Perhaps),
        Some(_) => None,
        // A login that failed has nothing to do with what was asked.
        None => {
            let is_login = evidence.is_some_and(|evidence| evidence.is_login);
            (error.code() == ErrorCode::UpstreamInvalid && !is_login).then_some(Concern::Perhaps)
        }
    }
}

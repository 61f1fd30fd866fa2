//! Whether groups are present: asked in as few calls as possible, compared exactly.
//!
//! Several groups go into one filter, joined by `or`. That vIDM's filters take `or` is not documented (its SCIM guide names
//! only the comparisons); where vIDM rejects it, each group is asked for by itself.
//!
//! A group is absent only where the answer proves it: a filter without escapes, pages that hold as many groups as they say.
//! Whether vIDM reads `\\"` and `\\\\` in a filter is not known (nobody is seen to write them, RFC 7644 has JSON's rule). So a name with
//! such a character is asked for with escapes, as it is, and by a piece of it without such characters; where none of the answers
//! shows any group, its state is unknown. Unknown is as well what vIDM rejects by itself while it answers for others.

use super::client::Client;
use super::group_search::{Listing, PAGES};
use super::groups::Group;
use crate::directory::{GroupQuery, Identity, Presence, Proof, odd_name};
use crate::error::{Error, ErrorCode, Result};
use crate::runtime::Runtime;
use litemap::LiteMap;

/// How many groups are asked for in one call.
const BATCH: usize = 25;

/// How long one call's filter may grow, in bytes, before another is made.
const FILTER: usize = 6_000;

/// At most this many are read for a question that finds other groups as well.
const PIECE_PAGES: usize = 10;

/// So many groups in a row may fail in a way that concerns all of them, before the rest is not asked for.
const IN_A_ROW: usize = 2;

/// What a name's answer has to hold. Members, of which there may be thousands, are not wanted.
const NAMES: &str = "id,displayName";

/// What is known of each group that was asked for.
type Found = LiteMap<Identity, State>;

/// What is known of one group.
#[derive(Debug, Clone)]
enum State {
    Absent,
    /// Those that go by this name: one, unless two directories bring it.
    Present(Vec<Group>),
    Unknown(String),
}

/// How groups are looked up.
#[derive(Clone, Copy)]
struct Wish {
    /// What the answer about a name has to hold; `None` for everything.
    names: Option<&'static str>,
    /// Whether every group of a name is wanted, and not just one of each.
    all: bool,
}

impl Wish {
    fn attributes(self, query: &GroupQuery) -> Option<&'static str> {
        // The attributes of the extension cannot be asked for by name in every version.
        self.names.filter(|_| matches!(query, GroupQuery::Name(_)))
    }
}

/// A look-up under way.
struct LookUp {
    wish: Wish,
    found: Found,
    /// Whether vIDM answered any question.
    answered: bool,
    /// The first failure that may concern all groups.
    failure: Option<Error>,
    failed_in_a_row: usize,
    /// The last rejection of one group's question.
    rejection: Option<Error>,
}

impl LookUp {
    fn is_found(&self, query: &GroupQuery) -> bool {
        matches!(self.found.get(&query.identity()), Some(State::Present(_)))
    }

    /// Takes note of a group that was listed, where it is one that was asked for.
    fn note(&mut self, group: &Group) {
        let name = group.display_name.as_deref().map(Identity::of_name);
        let dn = group.distinguished_name.as_deref().map(Identity::of_dn);
        for identity in [name, dn].into_iter().flatten() {
            match self.found.get_mut(&identity) {
                Some(State::Present(groups)) if self.wish.all && groups.iter().all(|known| known.id != group.id) => {
                    groups.push(group.clone());
                }
                Some(place @ (State::Absent | State::Unknown(_))) => *place = State::Present(vec![group.clone()]),
                Some(State::Present(_)) | None => {}
            }
        }
    }

    /// Takes note of what is known about a group that was not found.
    fn set(&mut self, query: &GroupQuery, doubt: Option<String>) {
        if let Some(place @ (State::Absent | State::Unknown(_))) = self.found.get_mut(&query.identity()) {
            *place = doubt.map_or(State::Absent, State::Unknown);
        }
    }

    /// Takes note of an answer.
    fn answered(&mut self) {
        self.answered = true;
        self.failed_in_a_row = 0;
    }

    /// Takes note of a failure: says why the group is unknown, or fails with it where it concerns more than one group.
    fn failed(&mut self, error: Error) -> Result<String> {
        let Some(concern) = concern(&error) else { return Err(error) };
        let detail = format!("vIDM rejected the question whether it has this group: {}", error.detail());
        match concern {
            Concern::Asked => self.answered(),
            Concern::Perhaps => {
                self.failed_in_a_row += 1;
                let failure = self.failure.get_or_insert_with(|| error.clone());
                if !self.answered && self.failed_in_a_row >= IN_A_ROW {
                    return Err(failure.clone());
                }
            }
        }
        self.rejection = Some(error);
        Ok(detail)
    }
}

impl<R: Runtime> Client<'_, R> {
    /// The groups that go by exactly this name; none, when there is none.
    ///
    /// # Errors
    /// `upstream_invalid` where none is found and the answers do not prove that there is none. Else the login's and the calls'.
    pub async fn groups(&self, query: &GroupQuery) -> Result<Vec<Group>> {
        let LookUp { mut found, rejection, .. } =
            self.look_up_groups(std::slice::from_ref(query), Wish { names: None, all: true }).await?;
        match (found.remove(&query.identity()), rejection) {
            (Some(State::Present(groups)), _) => Ok(groups),
            (Some(State::Unknown(_)), Some(rejection)) => Err(rejection),
            (Some(State::Unknown(doubt)), None) => Err(Error::new(ErrorCode::UpstreamInvalid, doubt).at(self.target())),
            (Some(State::Absent) | None, _) => Ok(Vec::new()),
        }
    }

    /// Which of these groups are there, in the order asked; one that is asked for twice is looked up once.
    ///
    /// A distinguished name and a `name@domain` mean that very group, upper and lower case aside.
    ///
    /// # Errors
    /// The login's and the calls', where they concern all groups. A group that vIDM rejects by itself is
    /// [`Presence::Unknown`].
    pub async fn prove(&self, wanted: &[GroupQuery]) -> Result<Vec<Proof>> {
        let LookUp { found, .. } = self.look_up_groups(wanted, Wish { names: Some(NAMES), all: false }).await?;
        Ok(wanted.iter().map(|query| Proof::of(query, &found)).collect())
    }

    async fn look_up_groups(&self, wanted: &[GroupQuery], wish: Wish) -> Result<LookUp> {
        let mut look_up =
            LookUp { wish, found: Found::new(), answered: false, failure: None, failed_in_a_row: 0, rejection: None };
        let mut distinct = Vec::new();
        for query in wanted {
            if !look_up.found.contains_key(&query.identity()) {
                look_up.found.insert(query.identity(), State::Absent);
                distinct.push(query);
            }
        }
        let (awkward, plain): (Vec<_>, Vec<_>) = distinct.into_iter().partition(|query| query.is_awkward());
        for queries in [plain, awkward] {
            let (dns, mut names): (Vec<_>, Vec<_>) =
                queries.into_iter().partition(|query| matches!(query, GroupQuery::DistinguishedName(_)));
            self.find_all(&dns, &mut look_up).await?;
            // An answer about one may have told of another.
            names.retain(|query| !look_up.is_found(query));
            self.find_all(&names, &mut look_up).await?;
            for mut queries in [dns, names] {
                queries.retain(|query| query.is_awkward() && !look_up.is_found(query));
                self.find_awkward(queries, &mut look_up).await?;
            }
        }
        match look_up.failure.take() {
            Some(failure) if !look_up.answered => Err(failure),
            _ => Ok(look_up),
        }
    }

    /// Looks all of `queries`, of one kind, up by filters with escapes.
    async fn find_all(&self, queries: &[&GroupQuery], look_up: &mut LookUp) -> Result<()> {
        let mut rest = queries;
        let (mut refused, mut all_answered, mut one_each) = (None, true, self.cache().one_group_each());
        while !rest.is_empty() {
            let (batch, later) = rest.split_at(if one_each { 1 } else { batch_length(rest) });
            let doubt = match self.find(batch, look_up).await {
                Err(error) if batch.len() > 1 && concern(&error).is_some() => {
                    // Each by itself.
                    (refused, one_each) = (Some(error), true);
                    continue;
                }
                Err(error) => {
                    all_answered = false;
                    Some(look_up.failed(error)?)
                }
                Ok(doubt) => {
                    look_up.answered();
                    if doubt.is_some() && batch.len() > 1 {
                        one_each = true;
                        continue;
                    }
                    doubt
                }
            };
            for query in batch {
                look_up.set(query, doubt.clone());
            }
            rest = later;
        }
        // Each by itself they were all answered: it was the filter.
        if all_answered && refused.is_some_and(|error| error.answer_status().is_some()) {
            self.cache().keep_one_group_each();
        }
        Ok(())
    }

    /// One question, for all of `batch`: why those that it does not find may be there all the same.
    async fn find(&self, batch: &[&GroupQuery], look_up: &mut LookUp) -> Result<Option<String>> {
        let filters: Vec<_> = batch.iter().flat_map(|query| query.exact_filters()).collect();
        let mut doubt = None;
        for filter in without_or(filters, batch.len()) {
            match self.list(&filter, batch, PAGES, look_up).await? {
                (Listing::Enough, _) => return Ok(None),
                (listing, lacks) => doubt = doubt.or(listing.doubt()).or(lacks),
            }
        }
        Ok(doubt)
    }

    /// Reads what `filter` lets through, until all of `batch` are found; and why what it lists may be one of them all the same.
    async fn list(
        &self,
        filter: &str,
        batch: &[&GroupQuery],
        pages: usize,
        look_up: &mut LookUp,
    ) -> Result<(Listing, Option<String>)> {
        let attributes = batch.first().and_then(|query| look_up.wish.attributes(query));
        let mut lacks = false;
        let mut take = |group: Group| {
            lacks |= batch.iter().any(|query| query.cannot_compare(&group));
            look_up.note(&group);
            !look_up.wish.all && batch.iter().all(|query| look_up.is_found(query))
        };
        let listing = self.search_groups(filter, attributes, pages, &mut take).await?;
        let doubt = lacks.then(|| {
            "vIDM returned a group without the attribute that was asked for, so it cannot be compared".to_owned()
        });
        let is_all = batch.iter().all(|query| look_up.is_found(query));
        Ok((if is_all { Listing::Enough } else { listing }, doubt))
    }

    /// Looks groups up, of one kind, that filters with escapes did not find: by filters as they are, then by a piece of the name.
    async fn find_awkward(&self, mut queries: Vec<&GroupQuery>, look_up: &mut LookUp) -> Result<()> {
        let mut rest = queries.as_slice();
        'raw: while !rest.is_empty() {
            let (batch, later) = rest.split_at(if self.cache().one_group_each() { 1 } else { batch_length(rest) });
            let filters: Vec<_> = batch.iter().flat_map(|query| query.raw_filters()).collect();
            for filter in without_or(filters, batch.len()) {
                match self.list(&filter, batch, PAGES, look_up).await {
                    Ok((Listing::Enough, _)) => break,
                    Ok(_) => look_up.answered(),
                    // It rejects all values of this form.
                    Err(error) if concern(&error).is_some() => break 'raw,
                    Err(error) => return Err(error),
                }
            }
            rest = later;
        }
        queries.retain(|query| !look_up.is_found(query));
        for query in queries {
            let Some(filter) = query.piece_filter() else {
                look_up.doubt_escapes(query, None);
                continue;
            };
            match self.list(&filter, &[query], PIECE_PAGES, look_up).await {
                Ok((listing, lacks)) => {
                    look_up.answered();
                    match (listing, lacks) {
                        (Listing::Enough, _) => {}
                        // vIDM answers by this piece of the name, and this group is not among what it lists.
                        (Listing::Whole(held), None) if held > 0 => look_up.set(query, None),
                        (listing, lacks) => look_up.doubt_escapes(query, listing.doubt().or(lacks)),
                    }
                }
                Err(error) if concern(&error).is_some() => look_up.doubt_escapes(query, None),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl LookUp {
    /// A group that no question found: where each of its filters needed escapes, that proves nothing.
    fn doubt_escapes(&mut self, query: &GroupQuery, more: Option<String>) {
        if !query.always_needs_escape() || !matches!(self.found.get(&query.identity()), Some(State::Absent)) {
            return;
        }
        let doubt = "vIDM lists no such group, but the name holds \" or \\ and whether this vIDM reads them in a filter is not known";
        let more = more.map(|more| format!("; {more}")).unwrap_or_default();
        self.set(query, Some(format!("{doubt}{more}")));
    }
}

impl Proof {
    fn of(query: &GroupQuery, found: &Found) -> Self {
        let requested = query.as_str().to_owned();
        let not = |state, detail| Self { requested: requested.clone(), state, detail, id: None, display_name: None };
        let oddities = odd_name::oddities(query.as_str());
        let odd = (!oddities.is_empty()).then(|| format!("the name {}", oddities.join("; it ")));
        match found.get(&query.identity()).cloned() {
            Some(State::Present(groups)) => {
                let (id, display_name) =
                    groups.into_iter().next().map_or((None, None), |group| (Some(group.id), group.display_name));
                Self { requested, state: Presence::Present, detail: None, id, display_name }
            }
            Some(State::Unknown(detail)) => {
                not(Presence::Unknown, Some(odd.map_or(detail.clone(), |odd| format!("{detail}; {odd}"))))
            }
            Some(State::Absent) | None => not(Presence::Absent, odd),
        }
    }
}

/// The filters of so many groups as one; those of one group each by itself, for `or` may be what vIDM rejects.
fn without_or(filters: Vec<String>, groups: usize) -> Vec<String> {
    if groups > 1 && !filters.is_empty() { vec![filters.join(" or ")] } else { filters }
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

/// Whether a question failed for what it asked, so that another one may be answered: 400 for a filter, 413, 414 or 431 where it is
/// too long. A gateway may reject a filter with 403, a server fail at one with 500, and a version lack the search with a body (404,
/// 405, 415); but then all of them may fail so. `None` where nothing else is to be asked.
fn concern(error: &Error) -> Option<Concern> {
    let evidence = error.evidence();
    match error.answer_status().map(|status| status.as_u16()) {
        Some(400 | 413 | 414 | 422 | 431) => Some(Concern::Asked),
        // In the vendor's own form it is the account that may not.
        Some(403) if evidence.is_some_and(|evidence| evidence.is_vendor) => None,
        Some(403..=406 | 415 | 500 | 501) => Some(Concern::Perhaps),
        Some(_) => None,
        // A login that failed has nothing to do with what was asked.
        None => {
            let is_login = evidence.is_some_and(|evidence| evidence.is_login);
            (error.code() == ErrorCode::UpstreamInvalid && !is_login).then_some(Concern::Perhaps)
        }
    }
}

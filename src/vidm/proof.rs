//! Looks groups and users up with as few calls as possible, and compares them exactly.
//!
//! Several groups are combined in one filter with `or`. vIDM's SCIM guide documents only comparisons, not `or`; if vIDM
//! rejects it, each group is looked up separately.
//!
//! A user is looked up like a group.
//!
//! A group is proved by its distinguished name with all its attributes, its members among them, because some versions do not
//! return the name's attribute if attributes are requested. If the response is too large, the rest of the look-up requests
//! attributes without members: one more call in all. A name is looked up without members from the beginning.
//!
//! A group is absent only if the response proves it: a filter without escapes, and pages with as many groups as reported.
//! Whether vIDM reads `\\"` and `\\\\` in a filter is unknown (no known client sends them; RFC 7644 has JSON's rule). So a
//! name with such a character is looked up with escapes, unescaped, and by a piece without such characters; if none of the
//! responses lists any group, its state is unknown. It is also unknown if vIDM rejects its look-up but answers others.

mod absence;

use std::collections::BTreeSet;

use super::client::Client;
use super::groups::Group;
use super::scim::Resource;
use super::scim_filter::ByName;
use super::scim_search::{Listing, PAGES};
use crate::directory::{GroupQuery, Identity, Presence, Proof, UserQuery, odd_name};
use crate::error::{Error, ErrorCode, Result};
use crate::runtime::Runtime;
use litemap::LiteMap;

/// Groups per call.
const BATCH: usize = 25;

/// The longest filter of one call, in bytes.
const FILTER: usize = 6_000;

/// Most pages for a filter that matches other groups too.
const PIECE_PAGES: usize = 10;

/// After this many consecutive failures that may concern all groups, the rest is skipped.
const IN_A_ROW: usize = 2;

/// The knowledge about each requested group.
type States<T> = LiteMap<Identity, State<T>>;

/// The knowledge about one group.
#[derive(Debug, Clone)]
enum State<T> {
    Absent,
    /// The groups with this name: one, unless two directories import it.
    Present(Vec<T>),
    Unknown(String),
}

/// Options for looking groups up.
#[derive(Clone, Copy)]
struct Wish {
    /// Whether only the names are wanted, or all attributes.
    names: bool,
    /// Whether all groups of a name are wanted, or just one.
    all: bool,
}

/// A look-up in progress.
struct LookUp<Q: ByName> {
    wish: Wish,
    found: States<Q::Resource>,
    /// Whether vIDM answered any look-up.
    answered: bool,
    /// The first failure that may concern all groups.
    failure: Option<Error>,
    failed_in_a_row: usize,
    /// The last rejection of one group's look-up.
    rejection: Option<Error>,
    /// The names that were looked up only in a filter with others.
    together: BTreeSet<Identity>,
    /// Whether a response with members was too large, and one without was not.
    without_members: bool,
}

impl<Q: ByName> LookUp<Q> {
    fn is_found(&self, query: &Q) -> bool {
        matches!(self.found.get(&query.identity()), Some(State::Present(_)))
    }

    /// Records a listed group, if it was requested.
    fn note(&mut self, group: &Q::Resource) {
        for identity in group.identities() {
            match self.found.get_mut(&identity) {
                Some(State::Present(groups))
                    if self.wish.all && groups.iter().all(|known| known.id() != group.id()) =>
                {
                    groups.push(group.clone());
                }
                Some(place @ (State::Absent | State::Unknown(_))) => *place = State::Present(vec![group.clone()]),
                Some(State::Present(_)) | None => {}
            }
        }
    }

    /// Records the result for a group that was not found.
    fn set(&mut self, query: &Q, doubt: Option<String>) {
        if let Some(place @ (State::Absent | State::Unknown(_))) = self.found.get_mut(&query.identity()) {
            *place = doubt.map_or(State::Absent, State::Unknown);
        }
    }

    /// Records a response.
    fn answered(&mut self) {
        self.answered = true;
        self.failed_in_a_row = 0;
    }

    /// Records a failure: returns why the group is unknown, or fails if it concerns more than one group.
    fn failed(&mut self, error: Error) -> Result<String> {
        let Some(concern) = concern(&error) else { return Err(error) };
        let detail = format!("vIDM rejected the look-up of this {}: {}", Q::Resource::NOUN, error.detail());
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
    /// The groups with exactly this name; empty if there are none.
    ///
    /// # Errors
    /// `upstream_invalid` if none is found and the responses do not prove that there is none; and those of the login and the
    /// calls.
    pub async fn groups(&self, query: &GroupQuery) -> Result<Vec<Group>> {
        let LookUp { mut found, rejection, .. } =
            self.look_up(std::slice::from_ref(query), Wish { names: false, all: true }).await?;
        match (found.remove(&query.identity()), rejection) {
            (Some(State::Present(groups)), _) => Ok(groups),
            (Some(State::Unknown(_)), Some(rejection)) => Err(rejection),
            (Some(State::Unknown(doubt)), None) => {
                Err(Error::new(ErrorCode::UpstreamInvalid, doubt).at(&self.target.name))
            }
            (Some(State::Absent) | None, _) => Ok(Vec::new()),
        }
    }

    /// The presence of these groups, in order; a repeated one is looked up once.
    ///
    /// A distinguished name and a `name@domain` match exactly, ignoring case. Up to 25 names of a kind cost one call; one more if a
    /// response with members is too large, and up to 40 more to confirm that names are absent.
    ///
    /// # Errors
    /// Those of the login and the calls, if they concern all groups. A group whose look-up vIDM rejects is
    /// [`Presence::Unknown`].
    pub async fn prove(&self, wanted: &[GroupQuery]) -> Result<Vec<Proof>> {
        self.prove_all(wanted).await
    }

    /// The presence of these users, in order; a repeated one is looked up once.
    ///
    /// A `name@domain` matches the account name with the domain, or the user principal name, exactly, ignoring case.
    ///
    /// # Errors
    /// Those of the login and the calls, if they concern all users. A user whose look-up vIDM rejects is
    /// [`Presence::Unknown`].
    pub async fn prove_users(&self, wanted: &[UserQuery]) -> Result<Vec<Proof>> {
        self.prove_all(wanted).await
    }

    async fn prove_all<Q: ByName>(&self, wanted: &[Q]) -> Result<Vec<Proof>> {
        let LookUp { found, .. } = self.look_up(wanted, Wish { names: true, all: false }).await?;
        Ok(wanted.iter().map(|query| proof(query, &found)).collect())
    }

    async fn look_up<Q: ByName>(&self, wanted: &[Q], wish: Wish) -> Result<LookUp<Q>> {
        let mut look_up = LookUp {
            wish,
            found: States::new(),
            answered: false,
            failure: None,
            failed_in_a_row: 0,
            rejection: None,
            together: BTreeSet::new(),
            without_members: false,
        };
        let mut distinct = Vec::new();
        for query in wanted {
            if !look_up.found.contains_key(&query.identity()) {
                look_up.found.insert(query.identity(), State::Absent);
                distinct.push(query);
            }
        }
        let (awkward, plain): (Vec<_>, Vec<_>) = distinct.iter().copied().partition(|query| query.is_awkward());
        for queries in [plain, awkward] {
            let (dns, mut names): (Vec<&Q>, Vec<&Q>) = queries.into_iter().partition(|query| query.is_dn());
            self.find_all(&dns, &mut look_up).await?;
            // A response about one name may have shown another.
            names.retain(|query| !look_up.is_found(query));
            self.find_all(&names, &mut look_up).await?;
            for mut queries in [dns, names] {
                queries.retain(|query| query.is_awkward() && !look_up.is_found(query));
                self.find_awkward(queries, &mut look_up).await?;
            }
        }
        self.confirm_absence(&distinct, &mut look_up).await?;
        match look_up.failure.take() {
            Some(failure) if !look_up.answered => Err(failure),
            _ => Ok(look_up),
        }
    }

    /// Looks up all `queries`, of one kind, with escaping filters.
    async fn find_all<Q: ByName>(&self, queries: &[&Q], look_up: &mut LookUp<Q>) -> Result<()> {
        let mut rest = queries;
        let (mut refused, mut all_answered, mut one_each) = (None, true, self.cache.one_group_each.get());
        while !rest.is_empty() {
            let (batch, later) = rest.split_at(if one_each { 1 } else { batch_length(rest) });
            let doubt = match self.find(batch, look_up).await {
                Err(error) if batch.len() > 1 && concern(&error).is_some() => {
                    // Each separately.
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
                if batch.len() > 1 {
                    look_up.together.insert(query.identity());
                }
            }
            rest = later;
        }
        // All separate look-ups succeeded: the combined filter was the problem.
        if all_answered && refused.is_some_and(|error| error.answer_status().is_some()) {
            self.cache.one_group_each.set(true);
        }
        Ok(())
    }

    /// One look-up for all of `batch`: returns why those not found may exist anyway.
    async fn find<Q: ByName>(&self, batch: &[&Q], look_up: &mut LookUp<Q>) -> Result<Option<String>> {
        let filters: Vec<_> = batch.iter().flat_map(|query| query.exact_filters()).collect();
        let found = |look_up: &LookUp<Q>| batch.iter().filter(|query| look_up.is_found(query)).count();
        let (before, mut doubt) = (found(look_up), None);
        for filter in without_or(filters, batch.len()) {
            match self.list(&filter, batch, PAGES, look_up).await? {
                (Listing::Enough, _) => {
                    doubt = None;
                    break;
                }
                (listing, lacks) => doubt = doubt.or(listing.doubt(Q::Resource::NOUN)).or(lacks),
            }
        }
        // More than one part of the filter counted.
        if found(look_up) > before + 1 {
            self.cache.evaluates_or.set(true);
        }
        Ok(doubt)
    }

    /// Reads the result of `filter` until all of `batch` are found; returns why a listed group may be one of them anyway.
    async fn list<Q: ByName>(
        &self,
        filter: &str,
        batch: &[&Q],
        pages: usize,
        look_up: &mut LookUp<Q>,
    ) -> Result<(Listing, Option<String>)> {
        let names = look_up.wish.names;
        let first = batch.first();
        let attributes = first.filter(|_| names).and_then(|query| query.attributes());
        let others = first.filter(|_| attributes.is_none()).and_then(|query| query.attributes_without_members(names));
        let attributes = attributes.or(others.filter(|_| look_up.without_members));
        let mut lacks = false;
        let mut take = |group: Q::Resource| {
            lacks |= batch.iter().any(|query| query.cannot_compare(&group));
            look_up.note(&group);
            !look_up.wish.all && batch.iter().all(|query| look_up.is_found(query))
        };
        let mut listing = self.search(filter, attributes, pages, &mut take).await;
        let mut without_members = false;
        if attributes.is_none()
            && others.is_some()
            && listing.as_ref().is_err_and(|e| e.evidence().is_some_and(|said| said.is_too_large))
            // The first error has the other fix.
            && let Ok(again) = self.search(filter, others, pages, &mut take).await
        {
            (listing, without_members) = (Ok(again), true);
        }
        let listing = listing?;
        look_up.without_members |= without_members;
        let doubt = lacks.then(|| {
            format!("vIDM returned a {} without the requested attribute, so it cannot be compared", Q::Resource::NOUN)
        });
        let is_all = batch.iter().all(|query| look_up.is_found(query));
        Ok((if is_all { Listing::Enough } else { listing }, doubt))
    }

    /// Looks up groups, of one kind, that escaping filters did not find: with unescaped filters, then by a piece of the
    /// name.
    async fn find_awkward<Q: ByName>(&self, mut queries: Vec<&Q>, look_up: &mut LookUp<Q>) -> Result<()> {
        let mut rest = queries.as_slice();
        'raw: while !rest.is_empty() {
            let (batch, later) = rest.split_at(if self.cache.one_group_each.get() { 1 } else { batch_length(rest) });
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
                        // vIDM answers for this piece of the name, and this group is not listed.
                        (Listing::Whole(held), None) if held > 0 => {
                            look_up.together.remove(&query.identity());
                            look_up.set(query, None);
                        }
                        (listing, lacks) => look_up.doubt_escapes(query, listing.doubt(Q::Resource::NOUN).or(lacks)),
                    }
                }
                Err(error) if concern(&error).is_some() => look_up.doubt_escapes(query, None),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl<Q: ByName> LookUp<Q> {
    /// Records a group that no look-up found: if all its filters needed escapes, that proves nothing.
    fn doubt_escapes(&mut self, query: &Q, more: Option<String>) {
        if !query.always_needs_escape() || !matches!(self.found.get(&query.identity()), Some(State::Absent)) {
            return;
        }
        let noun = Q::Resource::NOUN;
        let doubt = "but the name contains \" or \\, and it is unknown whether this vIDM reads them in a filter";
        let more = more.map(|more| format!("; {more}")).unwrap_or_default();
        self.set(query, Some(format!("vIDM lists no such {noun}, {doubt}{more}")));
    }
}

fn proof<Q: ByName>(query: &Q, found: &States<Q::Resource>) -> Proof {
    let requested = query.requested();
    match found.get(&query.identity()) {
        Some(State::Present(groups)) => {
            let first = groups.first();
            let id = first.map(|group| group.id().to_owned());
            let display_name = first.and_then(|group| group.display_name()).map(str::to_owned);
            Proof { id, display_name, ..Proof::new(requested, Presence::Present, None) }
        }
        Some(State::Unknown(detail)) => {
            let more = odd_name::doubt(requested).map(|odd| format!("; {odd}")).unwrap_or_default();
            Proof::new(requested, Presence::Unknown, Some(format!("{detail}{more}")))
        }
        Some(State::Absent) | None => Proof::new(requested, Presence::Absent, odd_name::doubt(requested)),
    }
}

/// The filters for several groups joined into one; those for a single group separately, because vIDM may reject `or`.
fn without_or(filters: Vec<String>, groups: usize) -> Vec<String> {
    if groups > 1 && !filters.is_empty() { vec![filters.join(" or ")] } else { filters }
}

/// How many of `queries` fit into one filter; at least one.
fn batch_length<Q: ByName>(queries: &[&Q]) -> usize {
    let mut length = 0;
    let fitting = queries.iter().take(BATCH).take_while(|query| {
        length += query.exact_filter().len() + " or ".len();
        length <= FILTER
    });
    fitting.count().max(1)
}

/// The groups that a failed look-up concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Concern {
    /// The requested ones.
    Asked,
    /// Those, or all groups.
    Perhaps,
}

/// Whether a look-up failed because of its own groups, so that another may succeed: 400 for a filter, 413, 414 or 431 if it
/// is too long. A gateway may reject a filter with 403, a server fail at one with 500, a version lack the search with a body
/// (404, 405, 415); but then all look-ups may fail. `None` if no further look-up makes sense.
fn concern(error: &Error) -> Option<Concern> {
    let evidence = error.evidence();
    match error.answer_status().map(|status| status.as_u16()) {
        Some(400 | 413 | 414 | 422 | 431) => Some(Concern::Asked),
        // In the vendor's own format it means that the account lacks permission.
        Some(403) if evidence.is_some_and(|evidence| evidence.is_vendor) => None,
        Some(403..=406 | 415 | 500 | 501) => Some(Concern::Perhaps),
        Some(_) => None,
        // A failed login does not depend on the look-up.
        None => {
            let is_login = evidence.is_some_and(|evidence| evidence.is_login);
            (error.code() == ErrorCode::UpstreamInvalid && !is_login).then_some(Concern::Perhaps)
        }
    }
}

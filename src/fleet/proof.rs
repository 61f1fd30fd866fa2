//! Whether the identity broker has groups and users, with as few calls as possible; names are compared exactly.
//!
//! Names of one domain are asked for in one query. A display name may be the bare name or `name@domain`, and whether a query
//! ignores case is unknown; so both forms are asked for, a name that is not found is asked for once more with `LIKE`, and
//! only an equal name, ignoring case as Active Directory does, counts. Distinguished names are in `dn_proof.rs`.

use std::marker::PhantomData;

use litemap::LiteMap;

use super::Client;
use super::items::PAGE;
use super::locate::Located;
use super::principal_query::{Group, Principal, Query, Term, User};
use crate::directory::{GroupQuery, Identity, Listed as _, Presence, Proof, ProvedBy, UserQuery, odd_name};
use crate::dn;
use crate::error::{Error, ErrorCode, Result};
use crate::runtime::Runtime;

/// Names in one query.
pub(super) const BATCH: usize = 50;

/// Most pages of one query.
const PAGES: usize = 20;

/// The state of each requested group or user.
pub(super) type States<P = Group> = LiteMap<Identity, State<P>>;

/// The state of one group or user.
#[derive(Debug, Clone)]
pub(super) enum State<P = Group> {
    Present(P, ProvedBy),
    /// It is absent; and how that was determined, if not by the requested name itself.
    Absent(Option<String>),
    /// Its look-up failed: the detail, and the failure.
    Unknown(String, Error),
}

/// The results of a query.
#[derive(Debug)]
pub(super) struct Entries<P> {
    pub(super) found: Vec<P>,
    /// Whether there are more, which were not read: what is not among `found` may still be there.
    is_cut: bool,
}

impl<P> Entries<P> {
    fn none() -> Self {
        Self { found: Vec::new(), is_cut: false }
    }
}

/// A requested group or user by name.
#[derive(Debug, Clone)]
pub(super) struct Name<'q> {
    pub(super) name: &'q str,
    /// Its domain; several if its entry may have any of them.
    pub(super) domains: Vec<&'q str>,
}

impl<'q> Name<'q> {
    /// Reads `name@domain`.
    fn of(text: &'q str) -> Self {
        let (name, domain) = text.rsplit_once('@').unwrap_or((text, ""));
        Self { name: name.trim(), domains: vec![domain.trim()] }
    }

    /// Whether `found` is this one. The query selected the domain; an entry may leave it out.
    fn is<P: Principal>(&self, found: &P) -> bool {
        found.domain().is_none_or(|theirs| self.domains.iter().any(|domain| same(theirs, domain)))
            && found.names().any(|theirs| {
                same(theirs, self.name) || self.domains.iter().any(|domain| same(theirs, &full(self.name, domain)))
            })
    }
}

/// The long form of a name.
pub(super) fn full(name: &str, domain: &str) -> String {
    format!("{name}@{domain}")
}

/// Why a name is neither present nor absent whose results were not all read.
fn too_many() -> Error {
    let detail = format!("the identity broker has more than {} results for its name", PAGES * PAGE);
    Error::new(ErrorCode::UpstreamInvalid, detail)
}

/// Whether two names are equal, ignoring case as Active Directory does.
pub(super) fn same(one: &str, other: &str) -> bool {
    Identity::of_name(one) == Identity::of_name(other)
}

impl<R: Runtime> Client<'_, R> {
    /// The groups with exactly this name or distinguished name, in every realm with a directory of its domain; if there is
    /// none, in all realms.
    ///
    /// # Errors
    /// Those of the login and the calls. If no group is found, that of the first look-up that was rejected: it proves nothing.
    pub(crate) async fn groups(&self, query: &GroupQuery) -> Result<Vec<Group>> {
        let domain = match query {
            GroupQuery::Name(text) => Name::of(text).domains.concat(),
            GroupQuery::DistinguishedName(text) => dn::domain(text).unwrap_or_default(),
        };
        let directories = self.known_directories().await?;
        let is_of_domain = directories.iter().any(|directory| directory.has_domain(&domain));
        let mut groups: Vec<Group> = Vec::new();
        let mut realms: Vec<String> = Vec::new();
        let mut rejected: Option<Error> = None;
        for directory in directories.into_iter().filter(|directory| !is_of_domain || directory.has_domain(&domain)) {
            let located = Located::of(directory, self.listed.get());
            let is_by_name = matches!(query, GroupQuery::Name(_));
            if is_by_name && realms.contains(&located.realm.id) {
                continue;
            }
            realms.push(located.realm.id.clone());
            let found = match query {
                GroupQuery::Name(text) => self.named(&located, &Name::of(text)).await?,
                GroupQuery::DistinguishedName(_) => match self.state_of_dn(&located, query).await? {
                    Some(State::Present(group, _)) => vec![group],
                    Some(State::Unknown(_, error)) => {
                        rejected.get_or_insert(error);
                        Vec::new()
                    }
                    Some(State::Absent(_)) | None => Vec::new(),
                },
            };
            groups.extend(found);
            groups.dedup_by(|one, other| one.group_id == other.group_id);
        }
        // Another directory of the domain may have the group: its base may contain the name.
        match rejected {
            Some(error) if groups.is_empty() => Err(error),
            _ => Ok(groups),
        }
    }

    /// The groups of one realm with exactly this name.
    async fn named(&self, located: &Located, name: &Name<'_>) -> Result<Vec<Group>> {
        let mut is_cut = false;
        for is_exact in [true, false] {
            let mut entries = self.find(located, &[name], is_exact).await?;
            entries.found.retain(|group: &Group| name.is(group));
            if !entries.found.is_empty() {
                return Ok(entries.found);
            }
            is_cut |= entries.is_cut;
        }
        if is_cut { Err(too_many().at(&self.target.name)) } else { Ok(Vec::new()) }
    }

    /// The presence of these groups in the realm of the directory, in order; a repeated one is looked up once.
    ///
    /// # Errors
    /// Those of the login and the calls. A group whose own look-up is rejected is [`Presence::Unknown`].
    pub(crate) async fn prove(&self, located: &Located, groups: &[GroupQuery]) -> Result<Vec<Proof>> {
        let mut found = States::new();
        let (names, dns): (Vec<_>, Vec<_>) = groups.iter().partition(|query| matches!(query, GroupQuery::Name(_)));
        let names = names.into_iter().map(|query| (query.identity(), Name::of(query.as_str()))).collect();
        self.prove_names(located, names, &mut found).await?;
        self.prove_dns(located, &dns, &mut found).await?;
        Ok(groups.iter().map(|query| Proof::in_broker(query.as_str(), found.get(&query.identity()))).collect())
    }

    /// The presence of these users in the realm of the directory, in order; a repeated one is looked up once.
    ///
    /// # Errors
    /// Those of the login and the calls.
    pub(crate) async fn prove_users(&self, located: &Located, users: &[UserQuery]) -> Result<Vec<Proof>> {
        let mut found: States<User> = States::new();
        let names = users.iter().map(|query| (query.identity(), Name::of(query.as_str()))).collect();
        self.prove_names(located, names, &mut found).await?;
        Ok(users.iter().map(|query| Proof::in_broker(query.as_str(), found.get(&query.identity()))).collect())
    }

    /// Looks names up, those of one domain together.
    pub(super) async fn prove_names<P: Principal>(
        &self,
        located: &Located,
        names: Vec<(Identity, Name<'_>)>,
        found: &mut States<P>,
    ) -> Result<()> {
        let mut by_domain: LiteMap<Identity, Vec<(Identity, Name<'_>)>> = LiteMap::new();
        for (identity, name) in names {
            let same_domain = by_domain.entry(Identity::of_name(&name.domains.join(" "))).or_default();
            if same_domain.iter().all(|(known, _)| *known != identity) {
                same_domain.push((identity, name));
            }
        }
        for (_, names) in by_domain {
            for batch in names.chunks(BATCH) {
                self.prove_batch(located, batch, found).await?;
            }
        }
        Ok(())
    }

    async fn prove_batch<P: Principal>(
        &self,
        located: &Located,
        batch: &[(Identity, Name<'_>)],
        found: &mut States<P>,
    ) -> Result<()> {
        let mut missing: Vec<&(Identity, Name<'_>)> = batch.iter().collect();
        let mut is_cut = false;
        for is_exact in [true, false] {
            if missing.is_empty() {
                break;
            }
            let names: Vec<&Name<'_>> = missing.iter().map(|(_, name)| name).collect();
            let entries: Entries<P> = self.find(located, &names, is_exact).await?;
            is_cut |= entries.is_cut;
            missing.retain(|(identity, name)| match entries.found.iter().find(|entry| name.is(*entry)) {
                Some(entry) => {
                    found.insert(identity.clone(), State::Present(entry.clone(), ProvedBy::Name));
                    false
                }
                None => true,
            });
        }
        let state = || match is_cut {
            true => State::Unknown(too_many().detail().to_owned(), too_many()),
            false => State::Absent(None),
        };
        found.extend(missing.into_iter().map(|(identity, _)| (identity.clone(), state())));
        Ok(())
    }

    /// The entries that a query with `EQUALS` finds, or one with `LIKE`. The latter only makes the exact one more certain, so a
    /// rejected one finds nothing.
    async fn find<P: Principal>(&self, located: &Located, names: &[&Name<'_>], is_exact: bool) -> Result<Entries<P>> {
        let Some(requested) = names.first().map(|name| name.domains.as_slice()) else { return Ok(Entries::none()) };
        // The broker may compare exactly, and probably writes a domain as the directory does.
        let known_as =
            |domain| located.domains.iter().find(|theirs| same(theirs, domain)).map_or(domain, String::as_str);
        let known: Vec<&str> = requested.iter().map(|domain| known_as(domain)).collect();
        let others = requested.iter().filter(|domain| !known.contains(domain));
        let domains = known.iter().chain(others).copied().collect();
        let long_names: Vec<String> =
            names.iter().flat_map(|name| known.iter().map(|domain| full(name.name, domain))).collect();
        let terms = names.iter().map(|name| name.name).chain(long_names.iter().map(String::as_str)).collect();
        let operator = if is_exact { "EQUALS" } else { "LIKE" };
        let names = Term { operator, ..Term::equals(P::NAME, terms) };
        match self.query(located, &[names, Term::equals("DOMAIN", domains)]).await {
            Err(error) if !is_exact && error.answer_status().is_some_and(|status| status.is_client_error()) => {
                Ok(Entries::none())
            }
            done => done,
        }
    }

    /// The first pages of a query, most often all.
    pub(super) async fn query<P: Principal>(&self, located: &Located, all_of: &[Term<'_>]) -> Result<Entries<P>> {
        let mut entries = Entries { found: Vec::new(), is_cut: true };
        for page in 0..PAGES {
            let answer = self.call(&Query { realm: &located.realm.id, all_of, page, of: PhantomData }).await?;
            entries.found.extend(answer.entries);
            if !answer.more {
                entries.is_cut = false;
                break;
            }
        }
        Ok(entries)
    }
}

impl Proof {
    /// The proof of a group or user from what is known about it.
    pub(super) fn in_broker<P: Principal>(requested: &str, found: Option<&State<P>>) -> Self {
        match found {
            Some(State::Present(entry, by)) => Self {
                id: Some(entry.id().to_owned()),
                display_name: entry.names().next().map(str::to_owned),
                proved_by: Some(*by),
                ..Self::new(requested, Presence::Present, None)
            },
            Some(State::Unknown(detail, _)) => Self::new(requested, Presence::Unknown, Some(detail.clone())),
            Some(State::Absent(Some(detail))) => Self::new(requested, Presence::Absent, Some(detail.clone())),
            Some(State::Absent(None)) | None => Self::new(requested, Presence::Absent, odd_name::doubt(requested)),
        }
    }
}

//! Whether the identity broker has groups by distinguished name.
//!
//! The broker searches by distinguished name since 9.1.1, and shows none in its response. So one query asks for many; a
//! result is assigned by its name, or by a query of its own if names do not tell. A distinguished name that is not found, or
//! a version that cannot search for one, is looked up in Active Directory through the broker. Its entry has the group's name,
//! and since 9.1.1 the group's id in the broker.

use serde_json::Value;

use super::Client;
use super::locate::Located;
use super::principal_query::{Group, Principal as _, Term};
use super::proof::{BATCH, Name, State, States, full, same};
use crate::directory::{GroupQuery, Identity, ProvedBy};
use crate::dn;
use crate::error::{Error, ErrorCode, Result};
use crate::runtime::Runtime;

/// A group's entry in Active Directory.
struct Entry {
    name: String,
    /// The domain of its distinguished name.
    domain: Option<String>,
    /// The group's id in the broker, if the broker has it.
    id: Option<String>,
}

impl Entry {
    /// The broker's group, if the entry has its id.
    fn group(&self) -> Option<Group> {
        let id = self.id.clone()?;
        let (name, domain) = (Some(self.name.clone()), self.domain.clone());
        Some(Group {
            group_id: id,
            group_name: name.clone(),
            display_name: name,
            domain_name: domain,
            extra: serde_json::Map::new(),
        })
    }
}

impl<R: Runtime> Client<'_, R> {
    /// Looks distinguished names up.
    pub(super) async fn prove_dns(&self, located: &Located, dns: &[&GroupQuery], found: &mut States) -> Result<()> {
        let mut distinct: Vec<&GroupQuery> = Vec::new();
        for query in dns {
            if distinct.iter().all(|known| known.identity() != query.identity()) {
                distinct.push(query);
            }
        }
        if distinct.is_empty() {
            return Ok(());
        }
        let can_search = match self.version().await {
            Ok(version) => version.has_principals(),
            Err(error) if error.answer_status().is_some() && error.code() != ErrorCode::UpstreamAuth => false,
            Err(error) => return Err(error),
        };
        if can_search {
            for batch in distinct.chunks(BATCH) {
                self.search_dns(located, batch, found).await?;
            }
        }
        distinct.retain(|query| !matches!(found.get(&query.identity()), Some(State::Present(..))));
        self.resolve(located, &distinct, found).await
    }

    /// Looks the group with this distinguished name up, and returns its state.
    pub(super) async fn state_of_dn(&self, located: &Located, query: &GroupQuery) -> Result<Option<State>> {
        let mut found = States::new();
        self.prove_dns(located, &[query], &mut found).await?;
        Ok(found.remove(&query.identity()))
    }

    /// Asks for all of `batch` in one query, and for single names where the results do not show whose they are.
    ///
    /// A result has no distinguished name, and a broker may ignore the field or compare only the beginning. So more results
    /// than names prove nothing, and neither does a group that two names find.
    async fn search_dns(&self, located: &Located, batch: &[&GroupQuery], found: &mut States) -> Result<()> {
        let mut answer = self.with_dns(located, batch).await?;
        let mut named: Vec<(&GroupQuery, Group)> = Vec::new();
        let mut unassigned: Vec<&GroupQuery> = Vec::new();
        for query in batch {
            let mut fitting =
                answer.iter().filter(|group| has_name(group, query) && is_in_domain(located, group, query));
            // Two groups may have the same name in different containers.
            let is_only =
                answer.len() <= batch.len() && batch.iter().filter(|other| same_name(other, query)).count() == 1;
            match (fitting.next(), fitting.next()) {
                (Some(group), None) if is_only => named.push((query, group.clone())),
                _ => unassigned.push(query),
            }
        }
        // The results may all belong to those without one: the display name of a group may be another group's name.
        if !named.is_empty() && !unassigned.is_empty() {
            answer = self.with_dns(located, &unassigned).await?;
        }
        let mut alone: Vec<(&GroupQuery, Group)> = Vec::new();
        if !answer.is_empty() {
            for query in &unassigned {
                let results = match unassigned.as_slice() {
                    [_] => std::mem::take(&mut answer),
                    _ => self.with_dns(located, &[query]).await?,
                };
                if let [group] = results.as_slice()
                    && is_in_domain(located, group, query)
                {
                    alone.push((query, group.clone()));
                }
            }
        }
        let is_shared = |group: &Group| alone.iter().filter(|(_, other)| other.group_id == group.group_id).count() > 1;
        named.retain(|(_, group)| alone.iter().all(|(_, other)| other.group_id != group.group_id));
        named.extend(alone.iter().filter(|(_, group)| !is_shared(group)).cloned());
        found.extend(named.into_iter().map(|(query, group)| (query.identity(), State::Present(group, ProvedBy::Dn))));
        Ok(())
    }

    /// The groups with one of these distinguished names. A server that rejects the search finds none: each is then looked up
    /// in Active Directory.
    async fn with_dns(&self, located: &Located, batch: &[&GroupQuery]) -> Result<Vec<Group>> {
        let terms = batch.iter().map(|query| query.as_str()).collect();
        match self.query(located, &[Term::equals("DN", terms)]).await {
            Err(error) if is_of_the_query(&error) => Ok(Vec::new()),
            done => Ok(done?.found),
        }
    }

    /// Looks `dns` up in Active Directory, and what it finds in the broker: by the entry's id, else by its name.
    async fn resolve(&self, located: &Located, dns: &[&GroupQuery], found: &mut States) -> Result<()> {
        let mut by_name: Vec<(Identity, Entry)> = Vec::new();
        for query in dns {
            let state = match self.entry(located, query.as_str()).await {
                Ok(Some(entry)) => match entry.group() {
                    Some(group) => State::Present(group, ProvedBy::Id),
                    None => {
                        by_name.push((query.identity(), entry));
                        continue;
                    }
                },
                Ok(None) => State::Absent(Some(
                    "Active Directory has no group with this distinguished name in the directory".to_owned(),
                )),
                Err(error) if is_of_the_query(&error) => State::Unknown(
                    format!("VCF Operations rejected the look-up of this group: {}", error.detail()),
                    error,
                ),
                Err(error) => return Err(error),
            };
            found.insert(query.identity(), state);
        }
        let names = by_name.iter().map(|(identity, entry)| {
            let domains = located.domains_of(entry.domain.as_deref());
            (identity.clone(), Name { name: &entry.name, domains })
        });
        self.prove_names(located, names.collect(), found).await?;
        for (identity, entry) in by_name {
            if let Some(place @ State::Absent(_)) = found.get_mut(&identity) {
                let domains = located.domains_of(entry.domain.as_deref());
                let names: Vec<_> = domains.iter().map(|domain| full(&entry.name, domain)).collect();
                let names = names.join(" or ");
                *place =
                    State::Absent(Some(format!("Active Directory has the group; the identity broker has no {names}")));
            }
        }
        Ok(())
    }

    /// The entry of a group in Active Directory; `None` if there is none.
    async fn entry(&self, located: &Located, dn: &str) -> Result<Option<Entry>> {
        let Some((name, _)) = dn::value_and_parent(dn) else { return Ok(None) };
        let found = self.directory_entry(&located.provider, &located.id, dn).await?;
        let text = |entry: &Value, field: &str| entry.get(field).and_then(Value::as_str).map(str::to_owned);
        Ok(found.map(|entry| Entry {
            name: text(&entry, "name").unwrap_or(name),
            domain: dn::domain(dn),
            id: text(&entry, "id"),
        }))
    }
}

/// Whether a result has the name that the distinguished name begins with.
fn has_name(group: &Group, query: &GroupQuery) -> bool {
    dn::value_and_parent(query.as_str()).is_some_and(|(name, _)| group.names().any(|theirs| same(theirs, &name)))
}

/// Whether a result can be of the distinguished name's domain. An entry may leave its domain out.
fn is_in_domain(located: &Located, group: &Group, query: &GroupQuery) -> bool {
    let Some((theirs, domain)) = group.domain().zip(dn::domain(query.as_str())) else { return true };
    located.domains_of(Some(&domain)).iter().any(|domain| same(theirs, domain))
}

/// Whether two distinguished names begin with the same name.
fn same_name(one: &GroupQuery, other: &GroupQuery) -> bool {
    let name = |query: &GroupQuery| dn::value_and_parent(query.as_str()).map(|(name, _)| Identity::of_name(&name));
    name(one) == name(other)
}

/// Whether an error concerns this query alone.
pub(super) fn is_of_the_query(error: &Error) -> bool {
    error.answer_status().is_some_and(|status| status.is_client_error() && !matches!(status.as_u16(), 401 | 403 | 429))
}

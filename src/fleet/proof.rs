//! Looks groups up in the identity broker, with as few calls as possible, and compares them exactly.
//!
//! The names of one domain are asked for in one query. A display name may be the bare name or `name@domain`, and whether a
//! query ignores case is unknown; so both forms are asked for, a name that is not found is asked for once more with `LIKE`,
//! and only an equal name, ignoring case as Active Directory does, counts.

use litemap::LiteMap;

use super::Client;
use super::locate::Located;
use super::principal_query::{Group, QueryGroups, Term};
use crate::directory::{GroupQuery, Identity, Listed as _, Presence, Proof, odd_name};
use crate::error::Result;
use crate::runtime::Runtime;

/// Names in one query.
const BATCH: usize = 50;

/// Most pages of one query.
const PAGES: usize = 10;

/// A requested group by name.
struct Wanted<'q> {
    name: &'q str,
    domain: &'q str,
}

impl Wanted<'_> {
    /// Whether `group` is the requested one. The query selected the domain; a group may leave it out.
    fn is(&self, group: &Group) -> bool {
        let same = |one: &str, other: &str| Identity::of_name(one) == Identity::of_name(other);
        let full = format!("{}@{}", self.name, self.domain);
        let is_name = |theirs: &String| same(theirs, self.name) || same(theirs, &full);
        group.domain_name.as_deref().is_none_or(|theirs| same(theirs, self.domain))
            && group.display_name.iter().chain(&group.group_name).any(is_name)
    }
}

impl<R: Runtime> Client<'_, R> {
    /// The groups with exactly this name, in every realm with a directory of its domain; if there is none, in all realms.
    ///
    /// # Errors
    /// Those of the login and the calls.
    pub(crate) async fn groups(&self, query: &GroupQuery) -> Result<Vec<Group>> {
        let GroupQuery::Name(text) = query else { return Ok(Vec::new()) };
        let (name, domain) = text.rsplit_once('@').unwrap_or((text, ""));
        let wanted = Wanted { name: name.trim(), domain: domain.trim() };
        let mut groups = Vec::new();
        for realm in self.realms_of(wanted.domain).await? {
            let mut found = self.find(&realm, &[&wanted], "EQUALS").await?;
            found.retain(|group| wanted.is(group));
            if found.is_empty() {
                found = self.find_loosely(&realm, &[&wanted]).await?;
                found.retain(|group| wanted.is(group));
            }
            groups.extend(found);
        }
        Ok(groups)
    }

    /// The ids of the realms with a directory of this domain; of all realms with directories if there is none.
    async fn realms_of(&self, domain: &str) -> Result<Vec<String>> {
        let directories = self.known_directories().await?;
        let realms = |of_domain: bool| {
            let theirs = directories.iter().filter(|directory| !of_domain || directory.has_domain(domain));
            let mut ids: Vec<_> = theirs.filter_map(|directory| Some(directory.realm.as_ref()?.id.clone())).collect();
            ids.sort_unstable();
            ids.dedup();
            ids
        };
        Ok(Some(realms(true)).filter(|realms| !realms.is_empty()).unwrap_or_else(|| realms(false)))
    }

    /// The presence of these groups in the realm of the directory, in order; a repeated one is looked up once.
    ///
    /// # Errors
    /// Those of the login and the calls.
    pub(crate) async fn prove(&self, located: &Located, groups: &[GroupQuery]) -> Result<Vec<Proof>> {
        let mut found: LiteMap<Identity, Group> = LiteMap::new();
        let mut by_domain: LiteMap<Identity, Vec<(Identity, Wanted<'_>)>> = LiteMap::new();
        for query in groups {
            if let GroupQuery::Name(text) = query
                && let Some((name, domain)) = text.rsplit_once('@')
            {
                let (name, domain) = (name.trim(), domain.trim());
                let wanted = by_domain.entry(Identity::of_name(domain)).or_default();
                if wanted.iter().all(|(identity, _)| *identity != query.identity()) {
                    wanted.push((query.identity(), Wanted { name, domain }));
                }
            }
        }
        for (_, wanted) in by_domain {
            for batch in wanted.chunks(BATCH) {
                self.prove_names(located, batch, &mut found).await?;
            }
        }
        Ok(groups.iter().map(|query| proof(query, found.get(&query.identity()))).collect())
    }

    /// Looks names of one domain up.
    async fn prove_names(
        &self,
        located: &Located,
        batch: &[(Identity, Wanted<'_>)],
        found: &mut LiteMap<Identity, Group>,
    ) -> Result<()> {
        let mut missing: Vec<&(Identity, Wanted<'_>)> = batch.iter().collect();
        for is_exact in [true, false] {
            if missing.is_empty() {
                break;
            }
            let wanted: Vec<&Wanted<'_>> = missing.iter().map(|(_, wanted)| wanted).collect();
            let groups = match is_exact {
                true => self.find(&located.realm, &wanted, "EQUALS").await?,
                false => self.find_loosely(&located.realm, &wanted).await?,
            };
            missing.retain(|(identity, wanted)| match groups.iter().find(|group| wanted.is(group)) {
                Some(group) => {
                    found.insert(identity.clone(), group.clone());
                    false
                }
                None => true,
            });
        }
        Ok(())
    }

    /// The groups that a query with `LIKE` finds. It only makes the exact one more certain, so a rejected one finds nothing.
    async fn find_loosely(&self, realm: &str, wanted: &[&Wanted<'_>]) -> Result<Vec<Group>> {
        match self.find(realm, wanted, "LIKE").await {
            Err(error) if error.answer_status().is_some_and(|status| status.is_client_error()) => Ok(Vec::new()),
            done => done,
        }
    }

    async fn find(&self, realm: &str, wanted: &[&Wanted<'_>], operator: &'static str) -> Result<Vec<Group>> {
        let Some(domain) = wanted.first().map(|wanted| wanted.domain) else { return Ok(Vec::new()) };
        let full: Vec<String> = wanted.iter().map(|wanted| format!("{}@{}", wanted.name, wanted.domain)).collect();
        let terms = wanted.iter().map(|wanted| wanted.name).chain(full.iter().map(String::as_str)).collect();
        let names = Term { operator, ..Term::equals("DISPLAY_NAME", terms) };
        self.query_groups(realm, &[names, Term::equals("DOMAIN", vec![domain])]).await
    }

    /// All pages of a query.
    async fn query_groups(&self, realm: &str, all_of: &[Term<'_>]) -> Result<Vec<Group>> {
        let mut groups = Vec::new();
        for page in 0..PAGES {
            let answer = self.call(&QueryGroups { realm, all_of, page }).await?;
            groups.extend(answer.entries);
            if !answer.more {
                break;
            }
        }
        Ok(groups)
    }
}

/// The proof of a group that was found, or not.
fn proof(query: &GroupQuery, found: Option<&Group>) -> Proof {
    let requested = query.as_str().to_owned();
    match found {
        Some(group) => Proof {
            requested,
            state: Presence::Present,
            detail: None,
            id: Some(group.group_id.clone()),
            display_name: group.display_name.clone().or(group.group_name.clone()),
        },
        None => {
            let oddities = odd_name::oddities(query.as_str());
            let detail = (!oddities.is_empty()).then(|| format!("the name {}", oddities.join("; it ")));
            Proof { requested, state: Presence::Absent, detail, id: None, display_name: None }
        }
    }
}

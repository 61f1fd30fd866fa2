//! The roles of groups in SDDC Manager.
//!
//! An entry of its users has exactly one role, and no call changes it. So another role means to remove the entry and to add
//! it again, and if the addition fails, the old role is restored.

use std::time::Duration;

use http::StatusCode;

use super::Progress;
use super::group::{GroupName, is_account, is_kind, split};
use super::holders::parts_of;
use super::order::Assignment;
use crate::error::{Candidate, Error, ErrorCode, FieldError, Result, StepName, StepOutcome};
use crate::operations::VcfOperations;
use crate::operations::read_back::look;
use crate::operations::replace::RESERVE;
use crate::runtime::Runtime;
use crate::vcf::{Credentials, NewGroup, Role, SsoEntity, User, UserId};

/// The role that must not become empty.
const ADMIN: &str = "ADMIN";
/// SDDC Manager's own account (`GET /v1/users/local/admin`). No group contains it, and it always has the role.
const LOCAL_ADMIN: &str = "admin@local";
/// The first wait for a group of a new source.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// The roles and their holders, as last read.
#[derive(Debug, Default)]
pub(super) struct Known {
    roles: Vec<Role>,
    users: Vec<User>,
}

/// The change that a group needs.
#[derive(Debug)]
enum Decision<'k> {
    Nothing(Option<String>),
    Add(&'k Role),
    Replace(&'k User, &'k Role),
    Remove(&'k User),
}

type Done = (StepOutcome, Option<String>);

/// A failed addition.
#[derive(Debug)]
struct NotAdded {
    error: Error,
    /// Whether the group certainly has no role.
    has_none: bool,
}

/// Whether a group that is not found may appear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Appearance {
    /// It is there, or never.
    Now,
    /// The job names its source, which was there before: it may appear if SDDC Manager does not know the domain yet.
    WithDomain,
    /// Its source was just added or changed.
    Later,
}

impl Known {
    fn role(&self, name: &str) -> Option<&Role> {
        self.roles.iter().find(|role| role.name.eq_ignore_ascii_case(name))
    }

    /// The name of the role that a user has.
    fn role_of<'k>(&'k self, user: &'k User) -> &'k str {
        let id = user.role.as_ref().map(|role| role.id.as_str()).unwrap_or_default();
        self.roles.iter().find(|role| role.id == id).map_or(id, |role| &role.name)
    }

    fn is_admin(&self, user: &User) -> bool {
        self.role_of(user).eq_ignore_ascii_case(ADMIN)
    }

    fn decide(&self, wanted: &Assignment) -> Result<Decision<'_>> {
        let unknown = |name: &str| {
            let known: Vec<_> = self.roles.iter().map(|role| role.name.as_str()).collect();
            let detail = format!("{name:?} is no role of this SDDC Manager; its roles are {}", known.join(", "));
            Error::invalid(vec![FieldError::new(format!("{}/role", wanted.pointer), detail)])
        };
        let role = wanted.role.as_deref().map(|name| self.role(name).ok_or_else(|| unknown(name))).transpose()?;
        let entries: Vec<_> = self.users.iter().filter(|user| wanted.group.is_user(user)).collect();
        Ok(match (entries.as_slice(), wanted.present, role) {
            ([], true, Some(role)) => Decision::Add(role),
            ([], ..) => Decision::Nothing(self.unclear(wanted)),
            ([one], true, Some(role)) if self.role_of(one) != role.name => Decision::Replace(one, role),
            ([_], true, _) => Decision::Nothing(None),
            ([one], false, Some(role)) if self.role_of(one) != role.name => {
                Decision::Nothing(Some(format!("it has the role {}, which is kept", self.role_of(one))))
            }
            ([one], false, _) => Decision::Remove(one),
            (many, ..) => {
                let role = |user| Some(self.role_of(user));
                let candidates =
                    many.iter().map(|one| Candidate::of(one.id.as_deref(), one.name.as_deref(), role(one)));
                let detail = format!("SDDC Manager lists {} {} times", wanted.group, many.len());
                return Err(refused(wanted, detail)
                    .hint("remove all but one of these entries in SDDC Manager's user interface")
                    .candidates(candidates.collect()));
            }
        })
    }

    /// A sentence about an entry that may be the group under another name.
    fn unclear(&self, wanted: &Assignment) -> Option<String> {
        let user = self.users.iter().find(|user| wanted.group.may_be_user(user))?;
        let (name, domain) = parts_of(user);
        let domain = domain.unwrap_or_default();
        Some(format!(
            "SDDC Manager lists {domain}\\{name} with {}, and no identity source shows which domain {domain} is: if it is {}, \
             remove the entry in SDDC Manager's user interface",
            self.role_of(user),
            wanted.group
        ))
    }

    /// Rejects the end of `user`'s role if it would leave no administrator, or might lock out idhook's own account.
    /// `gains`: whether another group becomes ADMIN first.
    fn guard(&self, user: &User, wanted: &Assignment, account: Option<&str>, gains: bool) -> Result<()> {
        if self.role(ADMIN).is_none() {
            let detail = "SDDC Manager lists no role ADMIN, so it cannot be known whether an administrator remains";
            return Err(Error::new(ErrorCode::UpstreamInvalid, detail));
        }
        if !self.is_admin(user) {
            return Ok(());
        }
        let is_other =
            |other: &&User| other.id != user.id && self.is_admin(other) && !is_kind(other.kind.as_deref(), "SERVICE");
        if !gains && !self.users.iter().any(|other| is_other(&other)) {
            let detail = format!("{} is the last user or group with the role ADMIN", wanted.group);
            return Err(refused(wanted, detail).hint("give another group or user the role ADMIN first"));
        }
        let is_own = |other: &User| account.is_some_and(|account| is_account(other, account)) && self.is_admin(other);
        let is_local = account.is_some_and(|account| account.eq_ignore_ascii_case(LOCAL_ADMIN));
        if !is_local && !self.users.iter().any(is_own) {
            let (who, fix) = match account {
                Some(account) => {
                    (format!("{account} has no ADMIN role of its own"), "give idhook's account the role ADMIN itself")
                }
                None => (
                    "idhook's account is unknown behind a refresh token".to_owned(),
                    "configure vcf_username and vcf_password in place of vcf_refresh_token",
                ),
            };
            let detail = format!(
                "{who}, so it may have the role through {}: without that group idhook could no longer change anything",
                wanted.group
            );
            let hint = format!("{fix}, or remove the group in SDDC Manager's user interface");
            return Err(refused(wanted, detail).hint(hint));
        }
        Ok(())
    }
}

/// A change that is not made.
fn refused(wanted: &Assignment, detail: String) -> Error {
    Error::invalid(vec![FieldError::new(wanted.pointer.as_str(), detail)])
}

impl<R: Runtime> VcfOperations<'_, R> {
    /// The name of idhook's account; `None` if it logs in with a refresh token.
    fn account(&self) -> Option<&str> {
        match &self.target.settings.credentials {
            Credentials::Account { username, .. } => Some(username),
            Credentials::RefreshToken(_) => None,
        }
    }

    /// Reads the roles and their holders, and rejects what cannot be done.
    pub(super) async fn plan_roles(&self, roles: &[Assignment], progress: &mut Progress) -> Result<Known> {
        if roles.is_empty() {
            return Ok(Known::default());
        }
        progress.begin(StepName::Roles, 0);
        let known = Known { roles: self.client.roles().await?, users: self.holders(roles).await? };
        let mut gains = false;
        for (index, wanted) in roles.iter().enumerate() {
            progress.begin(StepName::Roles, index);
            match known.decide(wanted)? {
                Decision::Remove(user) => known.guard(user, wanted, self.account(), gains)?,
                Decision::Replace(user, role) => {
                    known.guard(user, wanted, self.account(), gains)?;
                    gains |= role.name.eq_ignore_ascii_case(ADMIN);
                }
                Decision::Add(role) => gains |= role.name.eq_ignore_ascii_case(ADMIN),
                Decision::Nothing(_) => {}
            }
        }
        Ok(known)
    }

    /// The change that would be made for a group. `is_absent`: its domain does not exist yet.
    pub(super) async fn plan_role(&self, wanted: &Assignment, known: &Known, is_absent: bool) -> Result<Done> {
        let looked_up = async || match is_absent {
            true => Ok(Some("the group can be looked up once its domain is added".to_owned())),
            false => self.entity(wanted, Appearance::Now).await.map(|_| None),
        };
        Ok(match known.decide(wanted)? {
            Decision::Nothing(detail) => (StepOutcome::Unchanged, detail),
            Decision::Add(role) => {
                let detail = looked_up().await?.unwrap_or_else(|| role.name.clone());
                (StepOutcome::WouldCreate, Some(detail))
            }
            Decision::Replace(user, role) => {
                looked_up().await?;
                (StepOutcome::WouldUpdate, Some(format!("{} becomes {}", known.role_of(user), role.name)))
            }
            Decision::Remove(user) => (StepOutcome::WouldRemove, Some(known.role_of(user).to_owned())),
        })
    }

    /// Gives a group its role, or takes it.
    pub(super) async fn assign(&self, wanted: &Assignment, known: &mut Known, appearance: Appearance) -> Result<Done> {
        if let Decision::Remove(user) | Decision::Replace(user, _) = known.decide(wanted)?
            && known.is_admin(user)
        {
            // The guard decides by the present holders, not by those of a while ago.
            known.users = self.holders(std::slice::from_ref(wanted)).await?;
        }
        match known.decide(wanted)? {
            Decision::Nothing(detail) => Ok((StepOutcome::Unchanged, detail)),
            Decision::Add(role) => {
                let name = self.entity(wanted, appearance).await?;
                self.add(wanted, known, &name, role).await.map_err(|failed| failed.error)
            }
            Decision::Replace(user, role) => {
                known.guard(user, wanted, self.account(), false)?;
                // Without the group, or without the time to add it again, the old role would be lost.
                let name = self.entity(wanted, appearance).await?;
                self.check_time_to_replace(
                    &format!("the role of {}", wanted.group),
                    "Prefer: wait=N allows N seconds more",
                )?;
                self.remove(wanted, user).await?;
                let from = known.role_of(user);
                match self.add(wanted, known, &name, role).await {
                    Ok(_) => Ok((StepOutcome::Updated, Some(format!("{from} became {}", role.name)))),
                    Err(failed) => Err(self.restored(wanted, user, &name, from, failed).await),
                }
            }
            Decision::Remove(user) => {
                known.guard(user, wanted, self.account(), false)?;
                let from = known.role_of(user).to_owned();
                Ok(match self.remove(wanted, user).await? {
                    true => (StepOutcome::Removed, Some(from)),
                    false => (StepOutcome::Unchanged, Some("another writer removed it at the same time".to_owned())),
                })
            }
        }
    }

    /// Adds the group. If that fails and the group has the role nevertheless, another writer was faster or the response was
    /// lost.
    async fn add(&self, wanted: &Assignment, known: &Known, name: &str, role: &Role) -> Result<Done, NotAdded> {
        let group = NewGroup::new(name, wanted.group.domain.as_str(), &role.id);
        let Err(error) = self.client.add_group(&group).await else {
            return Ok((StepOutcome::Created, Some(role.name.clone())));
        };
        let read =
            async || Ok(Known { roles: known.roles.clone(), users: self.holders(std::slice::from_ref(wanted)).await? });
        // Only after a rejection is the first look certain: otherwise the group may appear later.
        let is_certain = !may_be_done(&error);
        let shows = |now: &Known| !matches!(now.decide(wanted), Ok(Decision::Add(_)));
        let now = if is_certain { read().await } else { look(self.out, read, shows).await };
        let Ok(now) = now else {
            return Err(NotAdded { error, has_none: is_certain });
        };
        match now.decide(wanted) {
            Ok(Decision::Nothing(_)) => {
                let detail =
                    format!("SDDC Manager lists it with {}, although it returned: {}", role.name, error.detail());
                Ok((StepOutcome::Created, Some(detail)))
            }
            decision => Err(NotAdded { error, has_none: matches!(decision, Ok(Decision::Add(_))) }),
        }
    }

    /// Removes an entry. Returns whether it existed. If that fails and the entry is gone nevertheless, the response was lost.
    async fn remove(&self, wanted: &Assignment, user: &User) -> Result<bool> {
        let id = UserId::parse(user.id.as_deref().unwrap_or_default())
            .map_err(|_| Error::new(ErrorCode::UpstreamInvalid, "SDDC Manager lists the group without a usable id"))?;
        let error = match self.client.remove_user(&id).await {
            Ok(()) => return Ok(true),
            Err(error) if error.code() == ErrorCode::NotFound => return Ok(false),
            // A page of another server does not prove that the entry is gone.
            Err(error) if !may_be_done(&error) && error.answer_status() != Some(StatusCode::NOT_FOUND) => {
                return Err(error);
            }
            Err(error) => error,
        };
        let is_gone = |users: &Vec<User>| users.iter().all(|other| other.id != user.id);
        match look(self.out, async || self.client.users().await, is_gone).await {
            Ok(users) if is_gone(&users) => Ok(may_be_done(&error)),
            Ok(_) => Err(error),
            Err(_) => {
                let detail = format!("{}; {} may have no role now", error.detail(), wanted.group);
                Err(error.with_detail(detail))
            }
        }
    }

    /// The error of a failed change of role, after an attempt to restore the old role. A group that may have a role is left
    /// alone: it would have two entries.
    async fn restored(&self, wanted: &Assignment, user: &User, name: &str, from: &str, failed: NotAdded) -> Error {
        let NotAdded { error, has_none } = failed;
        let old = user.role.as_ref().map(|role| role.id.as_str()).unwrap_or_default();
        let group = NewGroup::new(name, wanted.group.domain.as_str(), old);
        let state = match has_none {
            false => format!("its old role {from} was removed, and it is unknown whether it has a role now"),
            true => match self.client.add_group(&group).await {
                Ok(()) => format!("its old role {from} is restored"),
                Err(_) => format!("its old role {from} could not be restored, so it may have no role now"),
            },
        };
        let detail = format!("{}; {state}", error.detail());
        error.with_detail(detail)
    }

    /// The group's name as its domain writes it, without the domain.
    async fn entity(&self, wanted: &Assignment, mut appearance: Appearance) -> Result<String> {
        let group = &wanted.group;
        let clock = self.out.runtime();
        let (started, mut pause) = (clock.elapsed(), FIRST_WAIT);
        loop {
            let mut cause = None;
            let entities = match self.client.sso_entities(&group.domain, &group.name).await {
                Ok(entities) => entities,
                // The statuses for a domain that is not known yet are not documented.
                Err(error) if is_undecided(&error) => {
                    cause = Some(error);
                    Vec::new()
                }
                Err(error) => return Err(error),
            };
            let found: Vec<_> = entities.iter().filter(|entity| group.is_entity(entity)).collect();
            if let Some(name) = unique(&found, wanted)? {
                return Ok(bare(group, name));
            }
            let may_wait = self.out.remaining() >= pause + RESERVE;
            if appearance == Appearance::Later && may_wait {
                clock.sleep(pause).await;
                pause = (pause * 3 / 2).min(LONGEST_WAIT);
                continue;
            }
            // A failed call does not change the decision.
            let unknown = self.client.sso_domains().await.ok().filter(|known| !has_domain(known, group));
            match unknown {
                Some(_) if appearance == Appearance::WithDomain && may_wait => appearance = Appearance::Later,
                unknown => return Err(absent(group, clock.elapsed().saturating_sub(started), unknown, cause)),
            }
        }
    }

    /// Reads the holders again and compares; at most three times, if the changes are not shown at once.
    pub(super) async fn verify_roles(
        &self,
        roles: &[Assignment],
        known: &Known,
        progress: &mut Progress,
    ) -> Result<()> {
        let read = async || Ok(Known { roles: known.roles.clone(), users: self.holders(roles).await? });
        let differs = |now: &Known, wanted: &Assignment| !matches!(now.decide(wanted), Ok(Decision::Nothing(_)));
        let now = look(self.out, read, |now| !roles.iter().any(|wanted| differs(now, wanted))).await?;
        let Some((index, wanted)) = roles.iter().enumerate().find(|(_, wanted)| differs(&now, wanted)) else {
            return Ok(());
        };
        progress.begin(StepName::Roles, index);
        let shown = now.users.iter().find(|user| wanted.group.is_user(user));
        let shown = shown.map_or("without a role", |user| now.role_of(user));
        let detail = format!("SDDC Manager accepted the change, but lists {} {shown}", wanted.group);
        Err(Error::new(ErrorCode::UpstreamInvalid, detail).hint("another writer may have changed it at the same time"))
    }
}

/// Whether the change may have been made in spite of this failure.
fn may_be_done(error: &Error) -> bool {
    match error.answer_status() {
        Some(status) => !status.is_client_error(),
        None => error.is_unanswered(),
    }
}

/// Whether these domains contain that of the group.
fn has_domain(domains: &[String], group: &GroupName) -> bool {
    domains.iter().any(|known| known.eq_ignore_ascii_case(group.domain.as_str()))
}

/// Why the group is not found. `domains`: those of SDDC Manager, if the group's domain is not among them.
fn absent(group: &GroupName, waited: Duration, domains: Option<Vec<String>>, cause: Option<Error>) -> Error {
    let domain = group.domain.as_str();
    let waited = match waited.as_secs() {
        0 => String::new(),
        seconds => format!(" within {seconds} s"),
    };
    if let Some(domains) = domains {
        let detail = format!("SDDC Manager does not know the domain {domain}{waited}; it knows {}", domains.join(", "));
        return Error::new(ErrorCode::NotFound, detail)
            .hint("use the domain name of an identity source; a domain that was just added may appear later");
    }
    let detail = format!("{domain} has no group {:?}{waited}", group.name);
    cause.unwrap_or_else(|| {
        Error::new(ErrorCode::NotFound, detail).hint(
            "check the group's name, which must be complete, and that it is below groupsBaseDn of the identity source; \
             a group of a source that was just added may appear later; before VCF 5.2 SDDC Manager cannot search, and may not list \
             every group of a large domain",
        )
    })
}

/// Whether the response leaves open if the group exists.
fn is_undecided(error: &Error) -> bool {
    let codes = [ErrorCode::NotFound, ErrorCode::UpstreamRejected, ErrorCode::UpstreamFailed];
    error.answer_status().is_some() && codes.contains(&error.code())
}

/// The only entity among those found; if several differ by case, the one that is written as requested.
fn unique<'e>(found: &[&'e SsoEntity], wanted: &Assignment) -> Result<Option<&'e str>> {
    let name = |entity: &'e SsoEntity| entity.name.as_deref().unwrap_or_default();
    let exact: Vec<_> = found.iter().filter(|entity| bare(&wanted.group, name(entity)) == wanted.group.name).collect();
    match (found, exact.as_slice()) {
        ([], _) => Ok(None),
        ([one], _) => Ok(Some(name(one))),
        (_, [one]) => Ok(Some(name(one))),
        (many, _) => {
            let candidates =
                many.iter().map(|one| Candidate::of(one.id.as_deref(), one.name.as_deref(), one.kind.as_deref()));
            let detail = format!("{} groups of the domain have this name", many.len());
            let field = FieldError::new(format!("{}/group", wanted.pointer), detail);
            Err(Error::invalid(vec![field]).hint("rename one of them").candidates(candidates.collect()))
        }
    }
}

/// The name of an entity that is this group, without the domain.
fn bare(group: &GroupName, written: &str) -> String {
    match written.to_lowercase() == group.name.to_lowercase() {
        true => written.to_owned(),
        false => split(written).0.to_owned(),
    }
}

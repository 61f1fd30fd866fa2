//! vIDM's state: tenants, directories with their runs, groups, tokens.

use super::profile::Profile;
use super::{errors, seed, sync};
use crate::reply::{Ask, Reply};
use crate::settings::{Outcome, VidmSettings};
use crate::{clock, dn};
use std::collections::{BTreeMap, HashMap};

/// A tenant: directories, and the groups in SCIM.
#[derive(Debug)]
pub(crate) struct Tenant {
    pub(crate) name: String,
    pub(crate) directories: Vec<Directory>,
    pub(crate) groups: Vec<Group>,
    pub(crate) users: Vec<User>,
}

/// A user in SCIM.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) id: String,
    /// The account name.
    pub(crate) name: String,
    pub(crate) domain: String,
}

impl User {
    pub(crate) fn principal_name(&self) -> String {
        format!("{}@{}", self.name, self.domain)
    }
}

/// The kick-offs that a directory accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KickOff {
    Neither,
    Classic,
    V2,
    Both,
}

/// A directory.
#[derive(Debug)]
pub(crate) struct Directory {
    pub(crate) id: String,
    pub(crate) userstore_id: String,
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    pub(crate) base_dn: String,
    pub(crate) deleting: bool,
    pub(crate) kick_off: KickOff,
    pub(crate) safeguards_trip: bool,
    pub(crate) fails_next: Option<String>,
    pub(crate) profile: Profile,
    /// The contents of Active Directory, synced or not.
    pub(crate) in_ad: Vec<AdGroup>,
    /// The account names of new users in Active Directory.
    pub(crate) users_in_ad: Vec<String>,
    /// Oldest first.
    pub(crate) runs: Vec<Run>,
}

impl Directory {
    pub(crate) fn syncable(&self) -> bool {
        self.kick_off != KickOff::Neither
    }

    pub(crate) fn migrated(&self) -> bool {
        self.kick_off == KickOff::V2
    }

    pub(crate) fn running(&self) -> Option<&Run> {
        self.runs.last().filter(|run| run.end.is_none())
    }
}

/// A group in Active Directory.
#[derive(Clone, Debug)]
pub(crate) struct AdGroup {
    pub(crate) name: String,
    pub(crate) dn: String,
    pub(crate) guid: String,
}

impl AdGroup {
    /// The name is the first CN of the DN, unescaped (RFC 4514).
    pub(crate) fn new(dn: &str) -> Option<Self> {
        Some(Self { name: dn::common_name(dn)?, dn: dn.to_owned(), guid: clock::uuid() })
    }
}

/// A group in SCIM.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) id: String,
    pub(crate) display_name: String,
    pub(crate) external_id: Option<String>,
    pub(crate) dn: Option<String>,
    pub(crate) domain: Option<String>,
    pub(crate) internal_type: &'static str,
    /// The directory that it came from.
    pub(crate) userstore_id: Option<String>,
    pub(crate) created: u64,
}

/// The numbers of a run's changes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) groups_added: u64,
    pub(crate) groups_removed: u64,
    pub(crate) users_added: u64,
    pub(crate) users_updated: u64,
}

/// A sync run.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) id: String,
    /// False for the initial one.
    pub(crate) asked_for: bool,
    pub(crate) ignore_safeguards: bool,
    pub(crate) v2: bool,
    pub(crate) start: u64,
    /// Its planned end; `None`: on request.
    pub(crate) due: Option<u64>,
    pub(crate) planned: Outcome,
    /// The groups in AD and in the profile at its start: later ones wait for the next run.
    pub(crate) found: Vec<AdGroup>,
    /// The users in AD at its start.
    pub(crate) users: Vec<String>,
    pub(crate) end: Option<(u64, Outcome)>,
    pub(crate) counts: Counts,
    /// Further kick-offs that joined this run.
    pub(crate) joined: u32,
}

/// The meaning of a token.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) tenant: String,
    pub(crate) admin: bool,
    /// A session token also works with `HZN`; an OAuth token does not.
    pub(crate) session: bool,
    pub(crate) expires: u64,
}

/// Rejected logins of one account.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Refusals {
    pub(crate) in_a_row: u32,
    pub(crate) locked_until: u64,
}

/// The whole state.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) settings: VidmSettings,
    /// By name; the host's tenant has the empty name.
    pub(crate) tenants: BTreeMap<String, Tenant>,
    pub(crate) tokens: HashMap<String, Token>,
    /// By tenant and user name.
    pub(crate) refusals: HashMap<(String, String), Refusals>,
}

impl State {
    pub(crate) fn new(settings: VidmSettings, tenants: &[String]) -> Self {
        let names = std::iter::once(String::new()).chain(tenants.iter().cloned());
        let tenants = names.enumerate().map(|(at, name)| (name.clone(), seed::tenant(at, &name))).collect();
        Self { settings, tenants, tokens: HashMap::new(), refusals: HashMap::new() }
    }

    /// Ends the due runs.
    pub(crate) fn settle(&mut self) {
        let now = clock::now();
        self.tenants.values_mut().for_each(|tenant| sync::settle(tenant, now));
    }

    /// The requested tenant and its directory.
    pub(crate) fn directory(&mut self, ask: &Ask) -> Result<&mut Directory, Reply> {
        let id = ask.param("id");
        self.tenants
            .get_mut(&ask.tenant)
            .and_then(|tenant| tenant.directories.iter_mut().find(|directory| directory.id == id))
            .ok_or_else(|| errors::not_found("Directory configuration not found."))
    }

    /// A directory of any tenant by its id, or one of the host's tenant by its name if unambiguous.
    pub(crate) fn find(&mut self, directory: &str) -> anyhow::Result<(&mut Tenant, usize)> {
        let named = |tenant: &Tenant| tenant.directories.iter().filter(|item| item.name == directory).count();
        for (name, tenant) in &mut self.tenants {
            if let Some(at) = tenant.directories.iter().position(|item| item.id == directory) {
                return Ok((tenant, at));
            }
            if name.is_empty() {
                anyhow::ensure!(named(tenant) < 2, "several directories have the name {directory:?}; give the id");
                if let Some(at) = tenant.directories.iter().position(|item| item.name == directory) {
                    return Ok((tenant, at));
                }
            }
        }
        anyhow::bail!("there is no directory {directory:?}")
    }
}

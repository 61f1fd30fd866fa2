//! The state of VCF Operations and the broker: realms, providers, directories with their runs, tokens.

use super::{api_tokens, errors, profile::Profile, seed, sync, tasks};
use crate::reply::{Ask, Reply};
use crate::settings::{FleetSettings, FleetVersion, Outcome, UnknownId};
use crate::{clock, dn};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// An SSO realm. It has one broker and at most one provider.
#[derive(Clone, Debug)]
pub(crate) struct Realm {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) vidb: String,
    pub(crate) instance: String,
    pub(crate) created: u64,
}

/// An identity broker.
#[derive(Clone, Debug)]
pub(crate) struct Vidb {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) instance: String,
    pub(crate) embedded: bool,
}

/// A task, which ends after a while.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) id: String,
    pub(crate) removes: Removal,
    pub(crate) start: u64,
    pub(crate) due: u64,
    /// The text key of its failure.
    pub(crate) fails: Option<String>,
    pub(crate) is_done: bool,
}

/// The object that a task removes.
#[derive(Clone, Debug)]
pub(crate) enum Removal {
    Provider(String),
    Realm(String),
}

/// An identity provider.
#[derive(Debug)]
pub(crate) struct Provider {
    pub(crate) id: String,
    pub(crate) realm: String,
    /// The document of responses, without secrets; `ldapConfigurations` are those of `directories`.
    pub(crate) document: serde_json::Map<String, Value>,
    /// Its LDAP directories.
    pub(crate) directories: Vec<Directory>,
    /// Its SCIM sync client: client id, token, when it was made (ms), lifetime (min).
    pub(crate) scim: Option<super::scim_client::Client>,
}

/// An LDAP directory.
#[derive(Debug)]
pub(crate) struct Directory {
    /// The `ldapConfigurationId`.
    pub(crate) id: String,
    pub(crate) vidb_id: String,
    pub(crate) name: String,
    pub(crate) domains: Vec<String>,
    pub(crate) base_dn: String,
    /// The `LdapConfiguration` of responses, without password.
    pub(crate) configuration: Value,
    /// False while the setup is `INITIAL`.
    pub(crate) set_up: bool,
    pub(crate) on_demand: bool,
    pub(crate) alerts: u64,
    pub(crate) profile: Profile,
    pub(crate) fails_next: Option<String>,
    /// The contents of Active Directory, synced or not.
    pub(crate) ad: Contents,
    /// The entries that the runs brought into the broker.
    pub(crate) broker: Contents,
    /// The ids of principals that were brought in one by one.
    pub(crate) provisioned: BTreeSet<String>,
    /// Oldest first; those that wait for another to end have no start.
    pub(crate) runs: Vec<Run>,
}

/// Groups and users, in Active Directory or in the broker.
#[derive(Clone, Debug, Default)]
pub(crate) struct Contents {
    pub(crate) groups: Vec<Group>,
    pub(crate) users: Vec<User>,
}

/// A group. Its id in the broker is its GUID's, so that it is the same after each run.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) dn: String,
    pub(crate) guid: String,
    /// The id in the broker.
    pub(crate) id: String,
    /// The DNs of its members, users and groups.
    pub(crate) members: Vec<String>,
    /// The attributes that make it non-compliant.
    pub(crate) invalid: Vec<String>,
}

/// A user.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) dn: String,
    /// The account name.
    pub(crate) name: String,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) guid: String,
    /// The id in the broker.
    pub(crate) id: String,
}

/// The numbers of a run's changes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) groups_added: u64,
    pub(crate) groups_removed: u64,
    pub(crate) users_added: u64,
    pub(crate) users_removed: u64,
}

/// A sync run.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) id: String,
    /// False for runs of the schedule.
    pub(crate) asked_for: bool,
    /// `None` while it waits for another to end.
    pub(crate) start: Option<u64>,
    /// Its planned end; `None`: on request.
    pub(crate) due: Option<u64>,
    pub(crate) planned: Outcome,
    /// Its imports: the selected entries of Active Directory at its start.
    pub(crate) found: Contents,
    pub(crate) end: Option<(u64, Outcome)>,
    pub(crate) counts: Counts,
    /// Further calls that joined it.
    pub(crate) joined: u32,
}

/// The rights of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rights {
    /// No identity object is visible.
    None,
    /// Identity objects are visible.
    Read,
    /// Everything.
    All,
}

/// The caller behind a token.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) name: String,
    pub(crate) rights: Rights,
    pub(crate) expires: u64,
}

/// The whole state.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) settings: FleetSettings,
    /// The broker's addresses over http and https.
    pub(crate) broker: [String; 2],
    pub(crate) realms: Vec<Realm>,
    pub(crate) vidbs: Vec<Vidb>,
    pub(crate) providers: Vec<Provider>,
    pub(crate) tasks: Vec<Task>,
    /// `GlobalIamSettings`
    pub(crate) iam_settings: Value,
    pub(crate) clients: Vec<api_tokens::Client>,
    pub(crate) api_tokens: Vec<api_tokens::ApiToken>,
    /// Session tokens.
    pub(crate) sessions: HashMap<String, Caller>,
    /// Bearer tokens.
    pub(crate) bearers: HashMap<String, Caller>,
    /// The rejected logins in a row of each account.
    pub(crate) refusals: BTreeMap<String, u32>,
}

impl State {
    pub(crate) fn new(settings: FleetSettings) -> Self {
        Self {
            settings,
            broker: Default::default(),
            realms: seed::realms(),
            vidbs: seed::vidbs(),
            providers: seed::providers(),
            tasks: Vec::new(),
            iam_settings: seed::iam_settings(),
            clients: seed::clients(),
            api_tokens: seed::api_tokens(),
            sessions: HashMap::new(),
            bearers: HashMap::new(),
            refusals: BTreeMap::new(),
        }
    }

    /// Ends and begins the runs whose time has come.
    pub(crate) fn settle(&mut self) {
        let now = clock::now();
        for directory in self.providers.iter_mut().flat_map(|provider| &mut provider.directories) {
            sync::settle(directory, &self.settings, now);
        }
        tasks::settle(self, now);
    }

    /// The realm in the path.
    pub(crate) fn realm(&self, ask: &Ask) -> Result<&Realm, Reply> {
        let id = id_in_path(ask, "ssoRealmId")?;
        let realm = self.realms.iter().find(|realm| realm.id.eq_ignore_ascii_case(id));
        realm.ok_or_else(|| errors::unknown(self.settings.unknown_realm, "ssoRealmId"))
    }

    /// The provider of a realm, if it has one.
    pub(crate) fn provider_of(&self, realm: &str) -> Option<&Provider> {
        self.providers.iter().find(|provider| provider.realm == realm)
    }

    /// The provider in the path.
    pub(crate) fn provider(&mut self, ask: &Ask) -> Result<&mut Provider, Reply> {
        let id = id_in_path(ask, "idpConfigId")?;
        let unknown = self.settings.unknown_id;
        let provider = self.providers.iter_mut().find(|provider| provider.id.eq_ignore_ascii_case(id));
        provider.ok_or_else(|| errors::unknown(unknown, "idpConfigId"))
    }

    /// The LDAP directory in the path. `ON_DEMAND` directories do not exist before 9.1.1.
    pub(crate) fn directory(&mut self, ask: &Ask) -> Result<&mut Directory, Reply> {
        let unknown = self.settings.unknown_id;
        let version = self.settings.version;
        let provider = self.provider(ask)?;
        let id = id_in_path(ask, "ldapDirectoryId")?;
        let directory = provider.directories.iter_mut().find(|directory| directory.id.eq_ignore_ascii_case(id));
        directory
            .filter(|directory| directory.exists_in(version))
            .ok_or_else(|| errors::unknown(unknown, "ldapDirectoryId"))
    }

    /// The directories of a realm.
    pub(crate) fn directories_of(&self, realm: &str) -> impl Iterator<Item = &Directory> {
        let version = self.settings.version;
        let directories = self.provider_of(realm).into_iter().flat_map(|provider| &provider.directories);
        directories.filter(move |directory| directory.exists_in(version))
    }

    /// A directory by its id, or by its name if unambiguous.
    pub(crate) fn find(&mut self, directory: &str) -> anyhow::Result<(&FleetSettings, &mut Directory)> {
        let settings = &self.settings;
        let all = || self.providers.iter().flat_map(|provider| &provider.directories);
        let by_id = all().any(|item| item.id == directory);
        let named = all().filter(|item| item.name == directory).count();
        anyhow::ensure!(by_id || named < 2, "several directories have the name {directory:?}; give the id");
        let mut all = self.providers.iter_mut().flat_map(|provider| &mut provider.directories);
        all.find(|item| if by_id { item.id == directory } else { item.name == directory })
            .map(|item| (settings, item))
            .ok_or_else(|| anyhow::anyhow!("there is no directory {directory:?}"))
    }
}

/// A UUID in the path.
pub(super) fn id_in_path<'a>(ask: &'a Ask, name: &str) -> Result<&'a str, Reply> {
    let id = ask.param(name);
    if uuid::Uuid::try_parse(id).is_ok() { Ok(id) } else { Err(errors::unknown(UnknownId::InvalidParameter, name)) }
}

impl Directory {
    /// A directory that was never synced, with this `LdapConfiguration`.
    pub(super) fn new(id: &str, configuration: Value) -> Self {
        let mut directory = Self {
            id: id.to_owned(),
            vidb_id: clock::uuid(),
            name: String::new(),
            domains: Vec::new(),
            base_dn: String::new(),
            configuration: Value::Null,
            set_up: false,
            on_demand: false,
            alerts: 0,
            profile: Profile::default(),
            fails_next: None,
            ad: Contents::default(),
            broker: Contents::default(),
            provisioned: BTreeSet::new(),
            runs: Vec::new(),
        };
        directory.configure(configuration);
        directory
    }

    /// Takes over an `LdapConfiguration` without password.
    pub(super) fn configure(&mut self, configuration: Value) {
        let text =
            |pointer: &str| configuration.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        self.name = text("/name");
        self.base_dn = text("/ldapBindConfiguration/baseDn");
        self.on_demand = text("/ldapBindConfiguration/syncMode") == "ON_DEMAND";
        let domains = configuration.get("domains").and_then(Value::as_array);
        let domain = |domain: &Value| domain.as_str().map(str::to_owned);
        self.domains = domains.into_iter().flatten().filter_map(domain).collect();
        self.configuration = configuration;
    }

    pub(crate) fn exists_in(&self, version: FleetVersion) -> bool {
        !self.on_demand || version >= FleetVersion::V9_1_1
    }

    pub(crate) fn domain(&self) -> &str {
        self.domains.first().map(String::as_str).unwrap_or_default()
    }
}

impl Contents {
    pub(crate) fn group(&self, dn: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.dn.eq_ignore_ascii_case(dn))
    }

    pub(crate) fn user(&self, dn: &str) -> Option<&User> {
        self.users.iter().find(|user| user.dn.eq_ignore_ascii_case(dn))
    }

    /// The users that are members of a group; with `nested`, through other groups too.
    pub(crate) fn members(&self, group: &Group, nested: bool) -> Vec<&User> {
        let mut seen = BTreeSet::from([group.dn.to_lowercase()]);
        let mut waiting = vec![group];
        let mut users: Vec<&User> = Vec::new();
        while let Some(group) = waiting.pop() {
            for dn in &group.members {
                if let Some(user) = self.user(dn) {
                    if !users.iter().any(|known| known.id == user.id) {
                        users.push(user);
                    }
                } else if let Some(inner) = self.group(dn).filter(|_| nested)
                    && seen.insert(inner.dn.to_lowercase())
                {
                    waiting.push(inner);
                }
            }
        }
        users
    }
}

impl Group {
    /// A compliant group. The name is its CN.
    pub(crate) fn new(dn: &str, members: &[&str]) -> Option<Self> {
        Some(Self {
            name: dn::common_name(dn)?,
            dn: dn.to_owned(),
            guid: clock::uuid(),
            id: clock::uuid(),
            members: members.iter().map(|&member| member.to_owned()).collect(),
            invalid: Vec::new(),
        })
    }
}

impl User {
    /// A user; first and last name come from its CN.
    pub(crate) fn new(dn: &str, name: &str) -> Option<Self> {
        let full = dn::common_name(dn)?;
        let (first_name, last_name) = full.split_once(' ').unwrap_or((&full, ""));
        Some(Self {
            dn: dn.to_owned(),
            name: name.to_owned(),
            first_name: first_name.to_owned(),
            last_name: last_name.to_owned(),
            guid: clock::uuid(),
            id: clock::uuid(),
        })
    }
}

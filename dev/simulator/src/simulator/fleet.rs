//! The control of VCF Operations and the broker.

use super::{Shared, Simulator};
use crate::clock;
use crate::fleet::state::{Directory, Group, User};
use crate::fleet::{display_name, sync};
use crate::settings::{FleetSettings, Outcome};
use anyhow::Context as _;
use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

/// A sync run of VCF Operations that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetRun {
    /// The id of its row in the sync logs.
    pub id: String,
    /// How many further calls it took in.
    pub joined: u32,
    /// How it ended; None while it is going or waits.
    pub outcome: Option<Outcome>,
    /// When it began; None while it waits for another to end.
    pub began: Option<SystemTime>,
    /// When it ended; None while it is going or waits.
    pub ended: Option<SystemTime>,
    /// The DNs of the groups that it imports: those in Active Directory, compliant and selected when it began.
    pub groups: Vec<String>,
}

/// A group in the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetGroup {
    /// The id in the broker.
    pub id: String,
    /// The display name.
    pub display_name: String,
    /// The DN that it came from.
    pub dn: String,
    /// The account names of its members.
    pub members: Vec<String>,
}

/// `directory` is an id, or a name that only one directory has.
impl Simulator {
    /// Changes how VCF Operations and the broker behave from now on.
    pub fn configure_fleet(&self, change: impl FnOnce(&mut FleetSettings)) {
        change(&mut self.shared.fleet.state().settings);
    }

    /// Ends the run that is going. [`Outcome::Failed`] takes the message key.
    ///
    /// # Errors
    /// If there is no such directory, or no run is going.
    pub fn finish_fleet_sync(&self, directory: &str, outcome: Outcome) -> anyhow::Result<()> {
        self.shared.finish_fleet_sync(directory, outcome)
    }

    /// The next run that is asked for fails with this message key.
    ///
    /// # Errors
    /// If there is no such directory.
    pub fn fail_next_fleet_sync(&self, directory: &str, message_key: &str) -> anyhow::Result<()> {
        self.shared.fleet_directory(directory, |directory, _| directory.fails_next = Some(message_key.to_owned()))
    }

    /// A new group in Active Directory with these members (DNs of users and groups). The next run that begins brings it into
    /// the broker, if the sync profile selects it.
    ///
    /// # Errors
    /// If there is no such directory, or the DN does not begin with a CN.
    pub fn add_ad_group(&self, directory: &str, dn: &str, members: &[&str]) -> anyhow::Result<()> {
        self.shared.add_ad_group(directory, dn, members)
    }

    /// The same with a group that is not compliant because of these attributes: no run imports it.
    ///
    /// # Errors
    /// As [`Simulator::add_ad_group`].
    pub fn add_non_compliant_ad_group(&self, directory: &str, dn: &str, attributes: &[&str]) -> anyhow::Result<()> {
        let group = Group::new(dn, &[]).with_context(|| not_a_dn(dn))?;
        let invalid = attributes.iter().map(|&name| name.to_owned()).collect();
        self.shared.fleet_directory(directory, |directory, _| directory.ad.groups.push(Group { invalid, ..group }))
    }

    /// A new user in Active Directory, member of these groups (DNs). The CN is the full name.
    ///
    /// # Errors
    /// If there is no such directory or group, or the DN does not begin with a CN.
    pub fn add_ad_user(&self, directory: &str, dn: &str, account: &str, groups: &[&str]) -> anyhow::Result<()> {
        self.shared.add_ad_user(directory, dn, account, groups)
    }

    /// The runs that were asked for, oldest first (the one from the schedule before the start is not among them).
    ///
    /// # Errors
    /// If there is no such directory.
    pub fn fleet_sync_runs(&self, directory: &str) -> anyhow::Result<Vec<FleetRun>> {
        self.shared.fleet_directory(directory, |directory, _| {
            let asked_for = directory.runs.iter().filter(|run| run.asked_for);
            asked_for
                .map(|run| FleetRun {
                    id: run.id.clone(),
                    joined: run.joined,
                    outcome: run.end.as_ref().map(|(_, outcome)| outcome.clone()),
                    began: run.start.map(clock::time),
                    ended: run.end.as_ref().map(|(when, _)| clock::time(*when)),
                    groups: run.found.groups.iter().map(|group| group.dn.clone()).collect(),
                })
                .collect()
        })
    }

    /// The directory's groups in the broker.
    ///
    /// # Errors
    /// If there is no such directory.
    pub fn fleet_groups(&self, directory: &str) -> anyhow::Result<Vec<FleetGroup>> {
        self.shared.fleet_directory(directory, |directory, settings| {
            let group = |group: &Group| FleetGroup {
                id: group.id.clone(),
                display_name: display_name(directory, group, settings),
                dn: group.dn.clone(),
                members: directory.broker.members(group, false).iter().map(|user| user.name.clone()).collect(),
            };
            directory.broker.groups.iter().map(group).collect()
        })
    }

    /// The selection of the sync profile: the DN of each group that is selected by itself, and `*,BASE` for all below a base DN.
    ///
    /// # Errors
    /// If there is no such directory.
    pub fn fleet_selected(&self, directory: &str) -> anyhow::Result<BTreeSet<String>> {
        self.shared.fleet_directory(directory, |directory, _| directory.profile.selections())
    }

    /// An API token ([`crate::seeds::FLEET_API_TOKEN_ID`]) expires after this time; zero: now.
    ///
    /// # Errors
    /// If there is no such API token.
    pub fn expire_api_token_in(&self, id: &str, remaining: Duration) -> anyhow::Result<()> {
        let mut state = self.shared.fleet.state();
        let token = state.api_tokens.iter_mut().find(|token| token.id == id);
        token.with_context(|| format!("there is no API token {id:?}"))?.expires =
            clock::now() + clock::millis(remaining);
        Ok(())
    }

    /// Lets locked accounts of VCF Operations in again.
    pub fn unlock_fleet_accounts(&self) {
        self.shared.fleet.state().refusals.clear();
    }
}

fn not_a_dn(dn: &str) -> String {
    format!("{dn:?} does not begin with a CN; use CN=…,…")
}

impl Shared {
    pub(crate) fn fleet_directory<T>(
        &self,
        directory: &str,
        then: impl FnOnce(&mut Directory, &FleetSettings) -> T,
    ) -> anyhow::Result<T> {
        let mut state = self.fleet.state();
        let (settings, directory) = state.find(directory)?;
        Ok(then(directory, settings))
    }

    pub(crate) fn finish_fleet_sync(&self, directory: &str, outcome: Outcome) -> anyhow::Result<()> {
        let finished = self.fleet_directory(directory, |directory, settings| {
            sync::finish(directory, settings, clock::now(), outcome)
        })?;
        anyhow::ensure!(finished, "no sync of {directory:?} is running");
        Ok(())
    }

    pub(crate) fn add_ad_group(&self, directory: &str, dn: &str, members: &[&str]) -> anyhow::Result<()> {
        let group = Group::new(dn, members).with_context(|| not_a_dn(dn))?;
        self.fleet_directory(directory, |directory, _| directory.ad.groups.push(group))
    }

    pub(crate) fn add_ad_user(&self, directory: &str, dn: &str, account: &str, groups: &[&str]) -> anyhow::Result<()> {
        let user = User::new(dn, account).with_context(|| not_a_dn(dn))?;
        self.fleet_directory(directory, |directory, _| {
            for &wanted in groups {
                let group = directory.ad.groups.iter_mut().find(|group| group.dn.eq_ignore_ascii_case(wanted));
                group.with_context(|| format!("there is no group {wanted:?}"))?.members.push(user.dn.clone());
            }
            directory.ad.users.push(user);
            Ok(())
        })?
    }
}

//! `…/sync-profile`: what the runs of a directory import.

use super::state::{Group, User};
use super::{Fleet, errors, json, object, sync};
use crate::dn::within;
use crate::reply::{Answer, Ask, Reply};
use crate::settings::{FleetVersion, ProfilePut};
use http::StatusCode;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// The frequencies that a client may choose.
const FREQUENCIES: [&str; 8] =
    ["WEEKLY", "DAILY", "TWELVE_HOURS", "SIX_HOURS", "TWO_HOURS", "HOURLY", "FIFTEEN_MINUTES", "MANUALLY"];

/// The sync profile of a directory, as the vendor writes it.
#[derive(Clone, Debug)]
pub(crate) struct Profile(Map<String, Value>);

impl Default for Profile {
    fn default() -> Self {
        let body = json!({
            "userAttributeMappings": [
                {"attributeName": "userName", "directoryAttributeName": "sAMAccountName", "required": true},
                {"attributeName": "distinguishedName", "directoryAttributeName": "distinguishedName", "required": false},
            ],
            "ldapGroups": [],
            "ldapUsers": [],
            "syncSchedule": {"frequency": "WEEKLY", "dayOfTheWeek": "SUNDAY", "hours": 1, "minutes": 0, "seconds": 0},
            "includeNestedGroupsAndMembers": true,
        });
        Self(body.as_object().cloned().unwrap_or_default())
    }
}

impl Profile {
    /// Selects all groups below a base DN.
    pub(super) fn select_all(&mut self, base_dn: &str) {
        self.add("ldapGroups", json!({"baseDn": base_dn, "selectAll": true}));
    }

    /// Selects one group.
    pub(super) fn pick(&mut self, base_dn: &str, group: &Group) {
        let entry = json!({
            "baseDn": base_dn,
            "dn": group.dn,
            "name": group.name,
            "objectGuid": group.guid,
            "compliant": true,
            "selectAll": false,
        });
        self.add("ldapGroups", entry);
    }

    fn add(&mut self, name: &str, entry: Value) {
        if let Some(Value::Array(entries)) = self.0.get_mut(name) {
            entries.push(entry);
        }
    }

    fn entries(&self, name: &str) -> &[Value] {
        self.0.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn is_nested(&self) -> bool {
        self.0.get("includeNestedGroupsAndMembers") == Some(&Value::Bool(true))
    }

    pub(super) fn selects(&self, group: &Group) -> bool {
        self.entries("ldapGroups").iter().any(|entry| match text(entry, "dn") {
            Some(dn) => dn.eq_ignore_ascii_case(&group.dn),
            None => is_all(entry) && text(entry, "baseDn").is_some_and(|base| within(&group.dn, base)),
        })
    }

    pub(super) fn selects_user(&self, user: &User) -> bool {
        let is_user = |entry: &Value| text(entry, "dn").is_some_and(|dn| dn.eq_ignore_ascii_case(&user.dn));
        self.entries("ldapUsers").iter().any(is_user)
    }

    /// The DN of each group that is selected by itself, and `*,BASE` for all below a base DN.
    pub(crate) fn selections(&self) -> BTreeSet<String> {
        let selection = |entry: &Value| match text(entry, "dn") {
            Some(dn) => Some(dn.to_owned()),
            None if is_all(entry) => text(entry, "baseDn").map(|base| format!("*,{base}")),
            None => None,
        };
        self.entries("ldapGroups").iter().filter_map(selection).collect()
    }
}

fn text<'a>(entry: &'a Value, name: &str) -> Option<&'a str> {
    entry.get(name).and_then(Value::as_str)
}

fn is_all(entry: &Value) -> bool {
    entry.get("selectAll") == Some(&Value::Bool(true))
}

/// `GET …/sync-profile`
pub(super) fn read(fleet: &Fleet, ask: &Ask) -> Answer {
    let mut state = fleet.reader(ask)?;
    let directory = state.directory(ask)?;
    Ok(json(StatusCode::OK, &Value::Object(directory.profile.0.clone())))
}

/// `PUT …/sync-profile`: the whole profile.
pub(super) fn write(fleet: &Fleet, ask: &Ask) -> Answer {
    let mut state = fleet.writer(ask)?;
    let settings = state.settings.clone();
    let directory = state.directory(ask)?;
    let body = object(ask)?;
    check(&body, settings.version)?;
    match settings.profile_put {
        ProfilePut::Replace => {
            let mut fresh = Profile(body);
            for name in ["ldapGroups", "ldapUsers"] {
                fresh.0.entry(name).or_insert_with(|| json!([]));
            }
            directory.profile = fresh;
        }
        ProfilePut::Merge => merge(&mut directory.profile, body),
    }
    // A directory is complete once what it syncs has been chosen.
    directory.set_up = true;
    let stored = Value::Object(directory.profile.0.clone());
    // A run that is going already stays the only one.
    if settings.profile_put_syncs && directory.running().is_none() {
        sync::kick_off(directory, &settings)?;
    }
    Ok(json(StatusCode::OK, &stored))
}

/// Adds entries whose DN, or base DN without DN, is not there yet; replaces everything else.
fn merge(profile: &mut Profile, body: Map<String, Value>) {
    let key = |entry: &Value| (text(entry, "dn").map(str::to_lowercase), text(entry, "baseDn").map(str::to_lowercase));
    for (name, value) in body {
        match (profile.0.get_mut(&name), value) {
            (Some(Value::Array(old)), Value::Array(new)) if name == "ldapGroups" || name == "ldapUsers" => {
                for entry in new {
                    let same = |known: &Value| match key(&entry) {
                        (Some(dn), _) => key(known).0 == Some(dn),
                        (None, base) => key(known) == (None, base),
                    };
                    match old.iter_mut().find(|known| same(known)) {
                        Some(known) => *known = entry,
                        None => old.push(entry),
                    }
                }
            }
            (_, value) => drop(profile.0.insert(name, value)),
        }
    }
}

/// 400 for a profile that violates the schema.
fn check(body: &Map<String, Value>, version: FleetVersion) -> Result<(), Reply> {
    let list = |name: &str| match body.get(name) {
        None | Some(Value::Null) => Ok([].as_slice()),
        Some(Value::Array(entries)) => Ok(entries.as_slice()),
        Some(_) => Err(errors::invalid_body(name, "is not an array")),
    };
    let require = |entry: &Value, at: &str, fields: &[&str]| {
        let missing = fields.iter().find(|field| text(entry, field).is_none());
        missing.map_or(Ok(()), |field| Err(errors::invalid_body(&format!("{at}.{field}"), "is required")))
    };
    if !body.contains_key("userAttributeMappings") {
        return Err(errors::invalid_body("userAttributeMappings", "is required"));
    }
    for (at, entry) in list("userAttributeMappings")?.iter().enumerate() {
        require(entry, &format!("userAttributeMappings[{at}]"), &["attributeName", "directoryAttributeName"])?;
    }
    for (at, entry) in list("ldapGroups")?.iter().enumerate() {
        let at = format!("ldapGroups[{at}]");
        require(entry, &at, &["baseDn"])?;
        if text(entry, "dn").is_none() && !is_all(entry) {
            return Err(errors::invalid_body(&format!("{at}.dn"), "is required unless selectAll is true"));
        }
        let new = ["id", "roleAssignments"].into_iter().find(|field| entry.get(field).is_some());
        if let Some(field) = new.filter(|_| version < FleetVersion::V9_1_1) {
            return Err(errors::invalid_body(&format!("{at}.{field}"), "is unknown"));
        }
    }
    for (at, entry) in list("ldapUsers")?.iter().enumerate() {
        require(entry, &format!("ldapUsers[{at}]"), &["baseDn", "dn", "name", "userId"])?;
    }
    match body.get("syncSchedule") {
        None | Some(Value::Null) => Ok(()),
        Some(schedule) if text(schedule, "frequency").is_some_and(|word| FREQUENCIES.contains(&word)) => Ok(()),
        Some(_) => Err(errors::invalid_body("syncSchedule.frequency", "is not a frequency")),
    }
}

//! A sync profile's selection: read strictly, changed only by adding.
//!
//! A PUT takes the whole profile, and the next sync removes unselected groups and users from the identity broker. So a
//! profile is written only if every selecting part was understood, and everything else is written back unchanged.
//!
//! The format, from the vendor's OpenAPI document (`LdapSyncProfile`), which requires the attribute mappings and `baseDn`:
//!
//! ```json
//! {"userAttributeMappings": [{"attributeName": "…", "directoryAttributeName": "…", "required": true}],
//!  "ldapGroups": [{"baseDn": "…", "dn": "…", "name": "…", "objectGuid": "…", "compliant": true, "selectAll": false},
//!                 {"baseDn": "…", "selectAll": true}],
//!  "ldapUsers": [{"baseDn": "…", "dn": "…", "name": "…", "userId": "…"}],
//!  "syncSchedule": {…}, "includeNestedGroupsAndMembers": false}
//! ```
//!
//! `selectAll` means every group below `baseDn`, now and later.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::directory::{self, GroupEntry};
use crate::dn::{Key, value_and_parent};

const MAPPINGS: &str = "userAttributeMappings";
const GROUPS: &str = "ldapGroups";
const USERS: &str = "ldapUsers";
const DN: &str = "dn";
const BASE: &str = "baseDn";
const ALL: &str = "selectAll";

/// A completely read profile. Every field is unchanged, except for what is added.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Selection(Map<String, Value>);

/// Reads an entry of Active Directory; `None` without a distinguished name.
pub(super) fn found(mut entry: Value) -> Option<GroupEntry> {
    let dn = text(&entry, DN)?.to_owned();
    let has_base = text(&entry, BASE).is_some();
    let fields = entry.as_object_mut()?;
    if !has_base && let Some((_, parent)) = value_and_parent(&dn) {
        fields.insert(BASE.to_owned(), parent.into());
    }
    // It is added as one group, whatever else is selected.
    if fields.get(ALL) == Some(&Value::Bool(true)) {
        fields.insert(ALL.to_owned(), false.into());
    }
    Some(GroupEntry { dn, entry })
}

/// Why VCF Operations cannot sync this group, worded to follow a field's name; `None` if it can, or does not say.
pub(super) fn refusal(found: &GroupEntry) -> Option<String> {
    if matches!(found.entry.get("compliant"), None | Some(Value::Null | Value::Bool(true))) {
        return None;
    }
    let result = found.entry.get("validationResult");
    let attributes = result.and_then(|result| result.get("invalidAttributes")).and_then(Value::as_array);
    let attributes: Vec<_> = attributes.into_iter().flatten().filter_map(Value::as_str).collect();
    let mut reasons = Vec::new();
    if !attributes.is_empty() {
        reasons.push(format!("invalid attributes: {}", attributes.join(", ")));
    }
    if result.and_then(|result| result.get("duplicateId")) == Some(&Value::Bool(true)) {
        reasons.push("its object id is a duplicate".to_owned());
    }
    if reasons.is_empty() {
        reasons.push("no reason is given".to_owned());
    }
    Some(format!(
        "is not compliant, so VCF Operations does not sync it ({}); correct the group in the directory",
        reasons.join("; ")
    ))
}

impl Selection {
    /// Reads a profile completely or not at all.
    ///
    /// # Errors
    /// The part that could not be read.
    pub(super) fn read(profile: Map<String, Value>) -> Result<Self, String> {
        if !profile.get(MAPPINGS).is_some_and(Value::is_array) {
            return Err(format!("it has no list {MAPPINGS}"));
        }
        for list in [GROUPS, USERS] {
            if !matches!(profile.get(list), None | Some(Value::Null | Value::Array(_))) {
                return Err(format!("its {list} is not a list"));
            }
        }
        let selection = Self(profile);
        for (at, group) in selection.list(GROUPS).enumerate() {
            check_group(group).map_err(|why| format!("its group {at} {why}"))?;
        }
        let nameless = selection.list(USERS).position(|user| text(user, DN).is_none());
        nameless.map_or(Ok(selection), |at| Err(format!("its user {at} has no {DN}")))
    }

    /// The document to write.
    pub(super) fn document(&self) -> &Map<String, Value> {
        &self.0
    }

    fn list(&self, name: &str) -> impl Iterator<Item = &Value> {
        self.0.get(name).and_then(Value::as_array).into_iter().flatten()
    }

    /// The bases of which everything is selected.
    fn bases(&self) -> impl Iterator<Item = Key> {
        self.list(GROUPS).filter(|group| is_all(group)).filter_map(|group| text(group, BASE)).map(Key::of)
    }

    /// The entries of a list that select by distinguished name.
    fn named(&self, list: &str) -> impl Iterator<Item = Key> {
        self.list(list).filter(|entry| !is_all(entry)).filter_map(|entry| text(entry, DN)).map(Key::of)
    }

    fn push(&mut self, list: &str, entry: Value) {
        let entries = self.0.entry(list).or_insert(Value::Null);
        match entries {
            Value::Array(entries) => entries.push(entry),
            _ => *entries = Value::Array(vec![entry]),
        }
    }
}

impl directory::Selection for Selection {
    fn selects(&self, group: &Key) -> bool {
        self.bases().any(|base| group.is_within(&base)) || self.named(GROUPS).any(|known| known == *group)
    }

    fn is_empty(&self) -> bool {
        self.list(GROUPS).next().is_none()
    }

    /// Users count like groups: a write that loses one is repaired too.
    fn merge(&mut self, other: &Self) -> Vec<String> {
        let mut bases: Vec<_> = self.bases().collect();
        let mut groups: BTreeSet<_> = self.named(GROUPS).collect();
        let mut users: BTreeSet<_> = self.named(USERS).collect();
        let mut lacking = Vec::new();
        // Bases first, so that their groups need no entries.
        let (all, single): (Vec<_>, Vec<_>) = other.list(GROUPS).partition(|group| is_all(group));
        for (base, entry) in all.into_iter().filter_map(|entry| Some((text(entry, BASE)?, entry))) {
            let key = Key::of(base);
            if !bases.iter().any(|known| key.is_within(known)) {
                self.push(GROUPS, entry.clone());
                bases.push(key);
                lacking.push(format!("everything below {base}"));
            }
        }
        for (dn, entry) in single.into_iter().filter_map(|entry| Some((text(entry, DN)?, entry))) {
            let key = Key::of(dn);
            if !bases.iter().any(|base| key.is_within(base)) && groups.insert(key) {
                self.push(GROUPS, entry.clone());
                lacking.push(dn.to_owned());
            }
        }
        for (dn, entry) in other.list(USERS).filter_map(|entry| Some((text(entry, DN)?, entry))) {
            if users.insert(Key::of(dn)) {
                self.push(USERS, entry.clone());
                lacking.push(dn.to_owned());
            }
        }
        lacking
    }

    fn add(&mut self, found: &GroupEntry) {
        if !self.selects(&Key::of(&found.dn)) {
            self.push(GROUPS, found.entry.clone());
        }
    }
}

/// Checks that it is clear what a group's entry selects; returns why not.
fn check_group(group: &Value) -> Result<(), String> {
    let all = match group.get(ALL) {
        None | Some(Value::Null) => false,
        Some(Value::Bool(all)) => *all,
        Some(_) => return Err(format!("has a {ALL} that is neither true nor false")),
    };
    match if all { BASE } else { DN } {
        field if text(group, field).is_none() => Err(format!("has no {field}")),
        _ => Ok(()),
    }
}

fn is_all(entry: &Value) -> bool {
    entry.get(ALL) == Some(&Value::Bool(true))
}

/// A field's text, unless it is blank.
fn text<'v>(entry: &'v Value, name: &str) -> Option<&'v str> {
    entry.get(name)?.as_str().filter(|text| !text.trim().is_empty())
}

#[cfg(test)]
mod tests;

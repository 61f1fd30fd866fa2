//! A sync profile's selection: read strictly, changed only by adding.
//!
//! Writing a profile replaces its set of groups, and the next sync removes unselected groups from vIDM. So a profile is
//! written only if every selecting part was understood, and everything else is written back unchanged.
//!
//! The format, from VMware's PowerValidatedSolutions and public scripts:
//!
//! ```json
//! {"identityGroupInfo": {"<base DN, or a group's own DN>": {
//!     "mappedGroupData": [{"mappedGroup": {"dn": "…", "objectGuid": "…", …}, "selected": true}, …],
//!     "numSelected": 1, "numTotal": 4, "selected": false}},
//!  "excludeNestedGroupMembers": false}
//! ```
//!
//! `selected` on a base means every group below it, now and later; on an entry, that group.

use serde_json::{Map, Value, json};

use crate::directory::{self, GroupEntry, Selection as _};
use crate::dn::Key;

const INFO: &str = "identityGroupInfo";
const ENTRIES: &str = "mappedGroupData";
const SELECTED: &str = "selected";
const NUM_SELECTED: &str = "numSelected";
const NUM_TOTAL: &str = "numTotal";

/// A completely read profile. Every field is unchanged, except for what is added.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Selection(Map<String, Value>);

/// Reads an entry of the connector; `None` without a distinguished name.
pub(super) fn found(entry: Value) -> Option<GroupEntry> {
    let dn = dn_of(&entry)?.to_owned();
    Some(GroupEntry { dn, entry })
}

/// The base of an entry: its own field, else its own name, which a profile accepts too.
fn base_of(found: &GroupEntry) -> &str {
    let named = found.entry.get("mappedGroup").and_then(|group| group.get("groupBaseDN")).and_then(Value::as_str);
    named.filter(|base| !base.trim().is_empty()).unwrap_or(&found.dn)
}

impl Selection {
    /// Reads a profile completely or not at all.
    ///
    /// # Errors
    /// The part that could not be read.
    pub(super) fn read(profile: Map<String, Value>) -> Result<Self, String> {
        let Some(info) = profile.get(INFO) else { return Err(format!("it has no {INFO}")) };
        let Value::Object(bases) = info else { return Err(format!("its {INFO} is not an object")) };
        for (base, info) in bases {
            check_base(info).map_err(|why| format!("its base \"{base}\" {why}"))?;
        }
        Ok(Self(profile))
    }

    /// The document to write.
    pub(super) fn document(&self) -> &Map<String, Value> {
        &self.0
    }

    fn bases(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.0.get(INFO).and_then(Value::as_object).into_iter().flatten()
    }

    fn entries(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.bases().flat_map(|(base, info)| entries(info).map(move |entry| (base, entry)))
    }

    /// Whether everything at this place is selected.
    fn covers(&self, place: &Key) -> bool {
        self.bases().any(|(base, info)| is_selected(info) && place.is_within(&Key::of(base)))
    }

    /// The base with that name in any spelling.
    fn base_mut(&mut self, base: &str) -> Option<&mut Value> {
        let key = Key::of(base);
        self.bases_mut()?.iter_mut().find(|(name, _)| Key::of(name) == key).map(|(_, info)| info)
    }

    fn bases_mut(&mut self) -> Option<&mut Map<String, Value>> {
        self.0.get_mut(INFO).and_then(Value::as_object_mut)
    }

    fn select_base(&mut self, base: &str, theirs: &Value) {
        match self.base_mut(base) {
            Some(ours) => set(ours, SELECTED, json!(true)),
            None => {
                if let Some(bases) = self.bases_mut() {
                    bases.insert(base.to_owned(), theirs.clone());
                }
            }
        }
    }

    /// Selects a group unless it is selected: at its entry, else under `base`. Returns whether it did.
    fn select(&mut self, base: &str, dn: &str, entry: &Value) -> bool {
        let key = Key::of(dn);
        if self.selects(&key) {
            return false;
        }
        let listed = self.bases_mut().into_iter().flat_map(Map::values_mut).any(|info| {
            let Some(listed) = entries_mut(info).and_then(|all| all.iter_mut().find(|entry| is_dn(entry, &key))) else {
                return false;
            };
            set(listed, SELECTED, json!(true));
            count(info);
            true
        });
        if listed {
            return true;
        }
        let mut entry = entry.clone();
        set(&mut entry, SELECTED, json!(true));
        if let Some(info) = self.base_mut(base) {
            if let Some(entries) = entries_mut(info) {
                entries.push(entry);
            }
            count(info);
        } else if let Some(bases) = self.bases_mut() {
            let info = json!({ENTRIES: [entry], NUM_SELECTED: 1, NUM_TOTAL: 1, SELECTED: false});
            bases.insert(base.to_owned(), info);
        }
        true
    }
}

impl directory::Selection for Selection {
    fn selects(&self, dn: &Key) -> bool {
        self.covers(dn) || self.entries().any(|(_, entry)| is_selected(entry) && is_dn(entry, dn))
    }

    fn is_empty(&self) -> bool {
        !self.bases().any(|(_, info)| is_selected(info)) && !self.entries().any(|(_, entry)| is_selected(entry))
    }

    fn merge(&mut self, other: &Self) -> Vec<String> {
        let mut lacking = Vec::new();
        for (base, theirs) in other.bases() {
            if is_selected(theirs) && !self.covers(&Key::of(base)) {
                self.select_base(base, theirs);
                lacking.push(format!("everything below {base}"));
            }
        }
        for (base, entry) in other.entries().filter(|(_, entry)| is_selected(entry)) {
            if let Some(dn) = dn_of(entry)
                && self.select(base, dn, entry)
            {
                lacking.push(dn.to_owned());
            }
        }
        lacking
    }

    fn add(&mut self, found: &GroupEntry) {
        self.select(base_of(found), &found.dn, &found.entry);
    }
}

/// Checks that a base's contents are complete and understood; returns why not.
fn check_base(info: &Value) -> Result<(), String> {
    let Value::Object(fields) = info else { return Err("is not an object".to_owned()) };
    let Some(Value::Bool(all)) = fields.get(SELECTED) else {
        return Err(format!("does not say whether it is {SELECTED}"));
    };
    let Some(Value::Array(entries)) = fields.get(ENTRIES) else { return Err(format!("has no {ENTRIES}")) };
    for (at, entry) in entries.iter().enumerate() {
        if dn_of(entry).is_none() {
            return Err(format!("has an entry ({at}) without the group's dn"));
        }
        if !entry.get(SELECTED).is_some_and(Value::is_boolean) {
            return Err(format!("has an entry ({at}) that does not say whether it is {SELECTED}"));
        }
    }
    let number = |name: &str| match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value.as_u64().map(Some).ok_or_else(|| format!("has a {name} that is not a number")),
    };
    let length = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let picked = length(entries.iter().filter(|entry| is_selected(entry)).count());
    let (selected, total) = (number(NUM_SELECTED)?, number(NUM_TOTAL)?);
    if let Some(selected) = selected.filter(|selected| !all && *selected != picked) {
        return Err(format!("says that {selected} groups are selected, but lists {picked}"));
    }
    let at_least = length(entries.len()).max(selected.unwrap_or(0));
    if let Some(total) = total.filter(|total| *total < at_least) {
        return Err(format!("says that there are {total} groups in total, but lists {at_least}"));
    }
    Ok(())
}

fn is_selected(value: &Value) -> bool {
    value.get(SELECTED) == Some(&Value::Bool(true))
}

fn entries(info: &Value) -> impl Iterator<Item = &Value> {
    info.get(ENTRIES).and_then(Value::as_array).into_iter().flatten()
}

fn entries_mut(info: &mut Value) -> Option<&mut Vec<Value>> {
    info.get_mut(ENTRIES).and_then(Value::as_array_mut)
}

fn dn_of(entry: &Value) -> Option<&str> {
    entry.get("mappedGroup")?.get("dn")?.as_str().filter(|dn| !dn.trim().is_empty())
}

fn is_dn(entry: &Value, dn: &Key) -> bool {
    dn_of(entry).is_some_and(|theirs| Key::of(theirs) == *dn)
}

fn set(value: &mut Value, name: &str, to: Value) {
    if let Some(fields) = value.as_object_mut() {
        fields.insert(name.to_owned(), to);
    }
}

/// Increments a base's counts, if it has them, for one more selected group.
fn count(info: &mut Value) {
    let number = |info: &Value, name: &str| info.get(name).and_then(Value::as_u64);
    let listed = u64::try_from(entries(info).count()).unwrap_or(u64::MAX);
    let selected = number(info, NUM_SELECTED).map(|selected| selected.saturating_add(1));
    if let Some(selected) = selected {
        set(info, NUM_SELECTED, json!(selected));
    }
    if let Some(total) = number(info, NUM_TOTAL) {
        set(info, NUM_TOTAL, json!(total.max(listed).max(selected.unwrap_or(0))));
    }
}

#[cfg(test)]
mod tests;

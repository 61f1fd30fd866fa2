//! `…/directoryconfigs/{id}/syncprofile`: what a directory syncs, and the search for groups in Active Directory.
//!
//! One URL; the content type of a PUT selects the part. A PUT of the groups replaces the whole set, and the next run removes
//! unselected groups from SCIM: a client that sends only its new group loses the old ones, as with the real server. The
//! formats of PUT and `directorygroups` are those that VMware's PowerValidatedSolutions sends and reads; the formats of GET
//! and of the PUT's response are unknown and assumed to be the same.

use super::state::{AdGroup, Directory};
use super::{Vidm, errors, media};
use crate::dn::{parent, within};
use crate::reply::{Answer, Ask, Reply};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The sync profile of a directory.
#[derive(Debug)]
pub(crate) struct Profile {
    groups: GroupsPart,
    users: Value,
    schedule: Value,
}

/// The body of type `…sync.profile.groups+json`.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct GroupsPart {
    /// By base DN, or by a group's own DN.
    identity_group_info: BTreeMap<String, GroupInfo>,
    #[serde(default)]
    exclude_nested_group_members: bool,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct GroupInfo {
    #[serde(default)]
    mapped_group_data: Vec<MappedGroupData>,
    #[serde(default)]
    num_selected: usize,
    #[serde(default)]
    num_total: usize,
    /// All groups under the base DN.
    #[serde(default)]
    selected: bool,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MappedGroupData {
    mapped_group: MappedGroup,
    selected: bool,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MappedGroup {
    horizon_name: String,
    dn: String,
    object_guid: String,
    #[serde(rename = "groupBaseDN", default)]
    group_base_dn: Option<String>,
    #[serde(default)]
    source: Option<String>,
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            groups: GroupsPart::default(),
            users: json!({"identityUserInfo": {}}),
            schedule: json!({"frequency": "hourly"}),
        }
    }
}

impl Profile {
    pub(super) fn select_all(&mut self, base_dn: &str) {
        let info = GroupInfo { selected: true, ..GroupInfo::default() };
        self.groups.identity_group_info.insert(base_dn.to_owned(), info);
    }

    pub(super) fn pick(&mut self, base_dn: &str, groups: &[AdGroup]) {
        let info = GroupInfo {
            mapped_group_data: groups.iter().map(|group| mapped(group, base_dn, true)).collect(),
            num_selected: groups.len(),
            num_total: groups.len(),
            selected: false,
        };
        self.groups.identity_group_info.insert(base_dn.to_owned(), info);
    }

    /// Those of `groups` that a run imports: under a base DN with all selected, or selected individually.
    pub(super) fn selected(&self, groups: &[AdGroup]) -> Vec<AdGroup> {
        groups.iter().filter(|group| self.selects(group)).cloned().collect()
    }

    /// The DN of each individually selected group, and `*,BASE` for all below a base DN.
    pub(crate) fn selections(&self) -> BTreeSet<String> {
        let mut selections = BTreeSet::new();
        for (base, info) in &self.groups.identity_group_info {
            if info.selected {
                selections.insert(format!("*,{base}"));
            }
            let picked = info.mapped_group_data.iter().filter(|data| data.selected);
            selections.extend(picked.map(|data| data.mapped_group.dn.clone()));
        }
        selections
    }

    fn selects(&self, group: &AdGroup) -> bool {
        self.groups.identity_group_info.iter().any(|(base, info)| {
            let one = |data: &MappedGroupData| data.selected && data.mapped_group.dn.eq_ignore_ascii_case(&group.dn);
            (info.selected && within(&group.dn, base)) || info.mapped_group_data.iter().any(one)
        })
    }

    fn parts(&self) -> Value {
        let mut all = Map::new();
        for part in [serde_json::to_value(&self.groups).unwrap_or_default(), self.users.clone()] {
            if let Value::Object(fields) = part {
                all.extend(fields);
            }
        }
        all.insert("syncSchedule".to_owned(), self.schedule.clone());
        all.insert("_links".to_owned(), json!({}));
        Value::Object(all)
    }
}

fn mapped(group: &AdGroup, base_dn: &str, selected: bool) -> MappedGroupData {
    MappedGroupData {
        mapped_group: MappedGroup {
            horizon_name: group.name.clone(),
            dn: group.dn.clone(),
            object_guid: group.guid.clone(),
            group_base_dn: Some(base_dn.to_owned()),
            source: Some("DIRECTORY".to_owned()),
        },
        selected,
    }
}

/// `GET …/syncprofile`
pub(super) fn read(vidm: &Vidm, ask: &Ask) -> Answer {
    let mut state = vidm.administrator(ask)?;
    let types = [media::PROFILE, media::PROFILE_GROUPS, media::PROFILE_USERS, media::PROFILE_SCHEDULE];
    let content_type = media::produces(ask, state.settings.strict_media_types, &types)?;
    let profile = &syncable(state.directory(ask)?)?.profile;
    Ok(Reply::json(StatusCode::OK, content_type, &profile.parts()))
}

/// `PUT …/syncprofile`
pub(super) fn write(vidm: &Vidm, ask: &Ask) -> Answer {
    let mut state = vidm.administrator(ask)?;
    let strict = state.settings.strict_media_types;
    let types = [media::PROFILE_GROUPS, media::PROFILE_USERS, media::PROFILE_SCHEDULE];
    let part = media::consumes(ask, strict, &types)?;
    let content_type = media::produces(ask, strict, &[part, media::PROFILE, media::V1])?;
    let profile = &mut syncable(state.directory(ask)?)?.profile;
    let body = ask.json().ok_or_else(|| errors::bad_request("The request body is not JSON."))?;
    match part {
        media::PROFILE_GROUPS => {
            profile.groups = serde_json::from_value(body).map_err(|error| errors::bad_request(&error.to_string()))?;
        }
        media::PROFILE_USERS if body.get("identityUserInfo").is_some_and(Value::is_object) => profile.users = body,
        media::PROFILE_SCHEDULE if body.get("frequency").is_some_and(Value::is_string) => profile.schedule = body,
        _ => return Err(errors::bad_request("The request body is not this part of a sync profile.")),
    }
    Ok(Reply::json(StatusCode::OK, content_type, &profile.parts()))
}

/// `POST …/directorygroups`: looks groups up in Active Directory, by the DN of a group or of a container.
pub(super) fn search(vidm: &Vidm, ask: &Ask) -> Answer {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Query {
        search_dns: Vec<String>,
    }
    let mut state = vidm.administrator(ask)?;
    let strict = state.settings.strict_media_types;
    media::consumes(ask, strict, &[media::GROUP_QUERY])?;
    let content_type = media::produces(ask, strict, &[media::PROFILE_GROUPS, media::GROUP_QUERY, media::V1])?;
    let directory = syncable(state.directory(ask)?)?;
    let query: Query = serde_json::from_slice(&ask.body).map_err(|error| errors::bad_request(&error.to_string()))?;
    let mut found = Map::new();
    for dn in query.search_dns {
        let hits: Vec<MappedGroupData> = directory
            .in_ad
            .iter()
            .filter(|group| within(&group.dn, &dn))
            .map(|group| mapped(group, parent(&group.dn), directory.profile.selects(group)))
            .collect();
        let info = GroupInfo {
            num_selected: hits.iter().filter(|hit| hit.selected).count(),
            num_total: hits.len(),
            mapped_group_data: hits,
            selected: false,
        };
        found.insert(dn, serde_json::to_value(info).unwrap_or_default());
    }
    Ok(Reply::json(StatusCode::OK, content_type, &json!({"identityGroups": found})))
}

/// `POST …/syncprofile/dryrun`
pub(super) fn dry_run(vidm: &Vidm, ask: &Ask) -> Answer {
    let mut state = vidm.administrator(ask)?;
    state.directory(ask)?;
    match &state.settings.dry_run {
        Some(body) => Ok(Reply::json(StatusCode::OK, media::SYNC, body)),
        None => Err(Reply::tomcat(StatusCode::NOT_FOUND)),
    }
}

fn syncable(directory: &mut Directory) -> Result<&mut Directory, Reply> {
    if directory.syncable() { Ok(directory) } else { Err(errors::not_found("The directory has no sync profile.")) }
}

//! One group in vIDM (SCIM 1.1).

use serde::Serialize;
use serde_json::{Map, Value};

use super::dialect::Path;
use super::scim::{Resource, WORKSPACE};
use crate::directory::Identity;
use crate::json::take_text;

/// One group in vIDM.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct Group {
    /// Its id in vIDM.
    pub id: String,
    /// `name@domain` for a synced group.
    pub display_name: Option<String>,
    /// Its id at its source; for Active Directory the objectGUID.
    pub external_id: Option<String>,
    /// Its distinguished name at its source.
    pub distinguished_name: Option<String>,
    /// The domain of its source.
    pub domain: Option<String>,
    /// `internalGroupType`: `EXTERNAL` for a synced group; else `DYNAMIC`, `INTERNAL`, `ALL_USERS`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// All other fields from vIDM, unchanged; the extension's fields under the extension's name.
    #[serde(skip)]
    pub extra: Map<String, Value>,
}

impl Group {
    /// Whether it may come from the directory with this `userStoreUuid`, as far as vIDM returned its type and the id of its store (a
    /// deprecated attribute: the vendor's swagger).
    pub(super) fn may_be_synced_from(&self, store: Option<&str>) -> bool {
        let is_synced = self.kind.as_deref().is_none_or(|kind| kind.eq_ignore_ascii_case("EXTERNAL"));
        let theirs = self.extra.get(WORKSPACE).and_then(|workspace| workspace.get("userStoreUuid")?.as_str());
        is_synced && theirs.zip(store).is_none_or(|(theirs, store)| theirs.eq_ignore_ascii_case(store))
    }
}

impl Resource for Group {
    const FIND: &'static str = "GET /SAAS/jersey/manager/api/scim/Groups";
    const SEARCH: &'static str = "POST /SAAS/jersey/manager/api/scim/Groups/.search";
    const PATHS: (Path, Path) = (Path::Groups, Path::GroupsSearch);
    const NOUN: &'static str = "group";

    fn read(resource: Value) -> Option<Self> {
        let Value::Object(mut item) = resource else { return None };
        let id = take_text(&mut item, "id")?;
        let mut workspace = match item.get_mut(WORKSPACE) {
            Some(Value::Object(workspace)) => std::mem::take(workspace),
            _ => Map::new(),
        };
        let group = Self {
            id,
            display_name: take_text(&mut item, "displayName"),
            external_id: take_text(&mut item, "externalId"),
            distinguished_name: take_text(&mut workspace, "distinguishedName"),
            domain: take_text(&mut workspace, "domain"),
            kind: take_text(&mut workspace, "internalGroupType"),
            extra: Map::new(),
        };
        if !workspace.is_empty() {
            item.insert(WORKSPACE.to_owned(), Value::Object(workspace));
        }
        Some(Self { extra: item, ..group })
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn identities(&self) -> Vec<Identity> {
        let name = self.display_name.as_deref().map(Identity::of_name);
        let dn = self.distinguished_name.as_deref().map(Identity::of_dn);
        [name, dn].into_iter().flatten().collect()
    }

    fn display_name(&self) -> Option<&str> {
        self.display_name.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUPS: &str = include_str!("../../tests/fixtures/vidm/groups.json");

    #[test]
    fn groups_are_read_with_their_extension() {
        let groups: Value = serde_json::from_str(GROUPS).unwrap();
        let group = Group::read(groups["Resources"][0].clone()).unwrap();
        assert_eq!(group.display_name.as_deref(), Some("gg-new@corp.example"));
        assert_eq!(group.distinguished_name.as_deref(), Some("CN=gg-new,OU=Groups,DC=corp,DC=example"));
        assert_eq!(group.kind.as_deref(), Some("EXTERNAL"));
        assert_eq!(group.extra[WORKSPACE]["description"], "New");
        assert!(group.extra.contains_key("meta"));
        let shown = serde_json::to_value(&group).unwrap();
        assert_eq!(shown["displayName"], "gg-new@corp.example");
    }
}

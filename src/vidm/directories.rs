//! `GET /SAAS/jersey/manager/api/connectormanagement/directoryconfigs`: the tenant's directories.

use bytes::Bytes;
use http::{Method, Request, Response};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

use super::api::Vidm;
use super::dialect::{Dialect, Media, Path};
use crate::directory::Listed;
use crate::error::Result;
use crate::json::{take, take_flag, take_text};
use crate::redact::blank_secrets_in;
use crate::retry::Repeat;
use crate::upstream::path_segment::{self, MAX_ID};
use crate::upstream::{Endpoint, bare, invalid, read_json};

/// `GET /SAAS/jersey/manager/api/connectormanagement/directoryconfigs` (not in the vendor's public reference; used by
/// VMware's PowerValidatedSolutions module)
///
/// One page, `{"items": […]}`. Directories of just-in-time users are requested too, so that a caller who names one gets a
/// precise error.
#[derive(Debug)]
pub(crate) struct ListDirectories;

impl Endpoint for ListDirectories {
    type Api = Vidm;
    type Response = Vec<Directory>;
    const CALL: &'static str = "GET /SAAS/jersey/manager/api/connectormanagement/directoryconfigs";
    const REPEAT: Repeat = Repeat::Always;

    fn request(&self, dialect: &Dialect) -> Result<Request<Bytes>> {
        bare(Method::GET, &dialect.path(Path::Directories), &dialect.media(Media::Directories))
    }

    fn response(&self, answer: Response<Bytes>) -> Result<Vec<Directory>> {
        let items = read_items(Self::CALL, &answer)?;
        let total = items.len();
        // An item without id cannot be named, shown or synced.
        let directories: Vec<_> = items.into_iter().filter_map(Directory::read).collect();
        if directories.is_empty() && total > 0 {
            return Err(invalid(Self::CALL, &answer, &format!("all its {total} items lack a directoryId")));
        }
        Ok(directories)
    }
}

/// The objects in `{"items": […]}`, or in a bare array.
pub(super) fn read_items(call: &'static str, answer: &Response<Bytes>) -> Result<Vec<Map<String, Value>>> {
    let items = match read_json(call, answer)? {
        Value::Array(items) => items,
        Value::Object(mut body) => match body.remove("items") {
            Some(Value::Array(items)) => items,
            _ => return Err(invalid(call, answer, "it has no list of items")),
        },
        _ => return Err(invalid(call, answer, "it is not a list")),
    };
    Ok(items.into_iter().filter_map(|item| if let Value::Object(item) = item { Some(item) } else { None }).collect())
}

/// One directory, as vIDM describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Directory {
    /// Its id, a UUID. vIDM calls it `directoryId`, `directoryConfigId` or `directoryConfigurationId`.
    pub id: String,
    /// Its name. For Active Directory usually the domain's name, but it can be chosen freely.
    pub name: Option<String>,
    /// Its kind.
    pub kind: Option<DirectoryKind>,
    /// The id of the user store.
    pub userstore_id: Option<String>,
    /// The number of its domains.
    pub count_domains: Option<u64>,
    /// Whether it is being deleted.
    pub delete_in_progress: Option<bool>,
    /// Whether the newer enterprise service (connectors from 20.01) syncs it instead of the classic connector.
    pub migrated_to_enterprise_service: Option<bool>,
    /// Whether it has a sync profile, as vIDM lists it; not reliable for directories that scripts created.
    pub sync_configuration_enabled: Option<bool>,
    /// All other fields from vIDM, unchanged.
    pub extra: Map<String, Value>,
}

impl Directory {
    /// Reads one item; `None` if it has no id that is allowed in a path. A field of an unexpected type stays in `extra`.
    pub(crate) fn read(mut item: Map<String, Value>) -> Option<Self> {
        blank_secrets_in(&mut item);
        let ids = ["directoryId", "directoryConfigId", "directoryConfigurationId"];
        let id = ids
            .into_iter()
            .find_map(|name| take_text(&mut item, name).filter(|id| path_segment::check(id, MAX_ID).is_ok()))?;
        Some(Self {
            id,
            name: take_text(&mut item, "name"),
            kind: take_text(&mut item, "type")
                .or_else(|| take_text(&mut item, "directoryType"))
                .map(DirectoryKind::from),
            userstore_id: take_text(&mut item, "userstoreId").or_else(|| take_text(&mut item, "userStoreId")),
            count_domains: take(&mut item, "countDomains", Value::as_u64),
            delete_in_progress: take_flag(&mut item, "deleteInProgress"),
            migrated_to_enterprise_service: take_flag(&mut item, "migratedToEnterpriseService"),
            sync_configuration_enabled: take_flag(&mut item, "syncConfigurationEnabled"),
            extra: item,
        })
    }

    /// Whether it can be synced, as far as the list shows.
    #[must_use]
    pub fn syncable(&self) -> bool {
        self.why_not_syncable().is_none()
    }
}

impl Listed for Directory {
    const NONE_SYNCABLE: &'static str =
        "vIDM lists no directory that can be synced; check the tenant and the configured account's permissions";
    const SYNCABLE: &'static str =
        "only directories with a sync profile can be synced: Active Directory or LDAP, configured in the console";

    fn read(item: Map<String, Value>) -> Option<Self> {
        Self::read(item)
    }

    fn written(&self) -> Map<String, Value> {
        let mut item = self.extra.clone();
        let fields = [
            ("directoryId", Some(Value::from(self.id.as_str()))),
            ("name", self.name.as_deref().map(Value::from)),
            ("type", self.kind.as_ref().map(|kind| Value::from(kind.as_str()))),
            ("userstoreId", self.userstore_id.as_deref().map(Value::from)),
            ("countDomains", self.count_domains.map(Value::from)),
            ("deleteInProgress", self.delete_in_progress.map(Value::from)),
            ("migratedToEnterpriseService", self.migrated_to_enterprise_service.map(Value::from)),
            ("syncConfigurationEnabled", self.sync_configuration_enabled.map(Value::from)),
        ];
        item.extend(fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
        item
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn kind(&self) -> Option<&str> {
        self.kind.as_ref().map(DirectoryKind::as_str)
    }

    /// The list does not show domains: a further call does.
    fn has_domain(&self, _: &str) -> bool {
        false
    }

    fn why_not_syncable(&self) -> Option<&'static str> {
        if self.delete_in_progress == Some(true) {
            return Some("is being deleted");
        }
        match self.kind {
            Some(DirectoryKind::LocalDirectory) => Some("contains local users, which are not synced"),
            Some(DirectoryKind::JitDirectory) => Some("gets its users at their login (just in time), not by a sync"),
            Some(DirectoryKind::OtherDirectory) => Some("is not filled by a sync"),
            // Whatever the flag says: VMware's own scripts create such directories with the flag off, and then sync them.
            Some(
                DirectoryKind::ActiveDirectoryLdap | DirectoryKind::ActiveDirectoryIwa | DirectoryKind::LdapDirectory,
            ) => None,
            Some(DirectoryKind::Unknown(_)) | None => {
                (self.sync_configuration_enabled == Some(false)).then_some("has no sync configured")
            }
        }
    }
}

impl Serialize for Directory {
    /// Our own fields first, with our names; then the others unchanged.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const OURS: [&str; 9] = [
            "id",
            "name",
            "type",
            "syncable",
            "userstoreId",
            "countDomains",
            "deleteInProgress",
            "migratedToEnterpriseService",
            "syncConfigurationEnabled",
        ];
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &self.id)?;
        map.serialize_entry("name", &self.name)?;
        map.serialize_entry("type", &self.kind)?;
        map.serialize_entry("syncable", &self.syncable())?;
        map.serialize_entry("userstoreId", &self.userstore_id)?;
        map.serialize_entry("countDomains", &self.count_domains)?;
        map.serialize_entry("deleteInProgress", &self.delete_in_progress)?;
        map.serialize_entry("migratedToEnterpriseService", &self.migrated_to_enterprise_service)?;
        map.serialize_entry("syncConfigurationEnabled", &self.sync_configuration_enabled)?;
        for (name, value) in self.extra.iter().filter(|(name, _)| !OURS.contains(&name.as_str())) {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// The kind of a directory, in the vendor's words.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum DirectoryKind {
    /// `LOCAL_DIRECTORY`
    LocalDirectory,
    /// `ACTIVE_DIRECTORY_LDAP`
    ActiveDirectoryLdap,
    /// `ACTIVE_DIRECTORY_IWA`: integrated Windows authentication.
    ActiveDirectoryIwa,
    /// `JIT_DIRECTORY`: users are created at their login.
    JitDirectory,
    /// `OTHER_DIRECTORY`
    OtherDirectory,
    /// `LDAP_DIRECTORY`: an LDAP server that is not Active Directory.
    LdapDirectory,
    /// Another word.
    Unknown(String),
}

impl DirectoryKind {
    pub(crate) const KNOWN: [Self; 6] = [
        Self::LocalDirectory,
        Self::ActiveDirectoryLdap,
        Self::ActiveDirectoryIwa,
        Self::JitDirectory,
        Self::OtherDirectory,
        Self::LdapDirectory,
    ];

    /// The vendor's word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::LocalDirectory => "LOCAL_DIRECTORY",
            Self::ActiveDirectoryLdap => "ACTIVE_DIRECTORY_LDAP",
            Self::ActiveDirectoryIwa => "ACTIVE_DIRECTORY_IWA",
            Self::JitDirectory => "JIT_DIRECTORY",
            Self::OtherDirectory => "OTHER_DIRECTORY",
            Self::LdapDirectory => "LDAP_DIRECTORY",
            Self::Unknown(word) => word,
        }
    }
}

impl From<String> for DirectoryKind {
    fn from(word: String) -> Self {
        let known = Self::KNOWN.into_iter().find(|kind| kind.as_str().eq_ignore_ascii_case(&word));
        known.unwrap_or(Self::Unknown(word))
    }
}

impl Serialize for DirectoryKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod choice_tests;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;
    use crate::vidm::tests::{answer, sent};

    const LIST: &str = include_str!("../../tests/fixtures/vidm/directories.json");

    fn read(body: &str) -> Result<Vec<Directory>> {
        ListDirectories.response(answer(200, body))
    }

    #[test]
    fn request_is_encoded() {
        let expected = |base: &str, media: &str| {
            format!(
                "GET {base}/jersey/manager/api/connectormanagement/directoryconfigs?includeJitDirectories=true\naccept: {media}\n\n"
            )
        };
        let horizon = "application/vnd.vmware.horizon.manager.connector.management.directory.list+json";
        assert_eq!(sent(&ListDirectories, &Dialect::horizon()), expected("/SAAS", horizon));
        assert_eq!(sent(&ListDirectories, &Dialect::json()), expected("/SAAS", "application/json"));
        assert_eq!(
            sent(&ListDirectories, &Dialect::horizon().in_tenant(Some("corp"))),
            expected("/SAAS/t/corp", horizon)
        );
        assert_eq!(
            sent(&ListDirectories, &Dialect::json().in_tenant(Some("corp"))),
            expected("/SAAS/t/corp", "application/json")
        );
    }

    #[test]
    fn every_field_is_read_and_unknown_ones_are_kept() {
        let directories = read(LIST).unwrap();
        let kinds: Vec<_> = directories.iter().map(|directory| directory.kind.clone().unwrap()).collect();
        assert_eq!(
            kinds,
            [
                DirectoryKind::LocalDirectory,
                DirectoryKind::ActiveDirectoryLdap,
                DirectoryKind::ActiveDirectoryIwa,
                DirectoryKind::JitDirectory,
                DirectoryKind::Unknown("CLOUD_DIRECTORY".to_owned()),
            ]
        );
        let corp = &directories[1];
        assert_eq!(corp.id, "66666666-7777-4888-8999-000000000002");
        assert_eq!(corp.name.as_deref(), Some("corp.example"));
        assert_eq!(corp.userstore_id.as_deref(), Some("0b000000-0000-4000-8000-000000000002"));
        assert_eq!(corp.count_domains, Some(2));
        assert_eq!(corp.delete_in_progress, Some(false));
        assert_eq!(corp.migrated_to_enterprise_service, Some(false));
        assert_eq!(corp.sync_configuration_enabled, Some(true));
        assert_eq!(corp.extra["unheardOf"]["of"], true);
        assert!(corp.extra.contains_key("_links"));
        let syncable: Vec<_> = directories.iter().map(Directory::syncable).collect();
        assert_eq!(syncable, [false, true, true, false, true]);
    }

    #[test]
    fn directory_is_serialised_without_duplicate_fields() {
        let shown = serde_json::to_value(&read(LIST).unwrap()[1]).unwrap();
        assert_eq!(shown["id"], "66666666-7777-4888-8999-000000000002");
        assert_eq!(shown["type"], "ACTIVE_DIRECTORY_LDAP");
        assert_eq!(shown["syncable"], true);
        assert_eq!(shown["unheardOf"]["of"], true);
        // A vIDM field with one of our names does not appear twice.
        let odd = r#"[{"directoryId": "d", "id": 7, "syncable": "x", "deleteInProgress": "true"}]"#;
        let text = serde_json::to_string(&read(odd).unwrap()[0]).unwrap();
        assert_eq!(text.matches("\"id\"").count() + text.matches("\"syncable\"").count(), 2, "{text}");
        assert!(text.contains(r#""syncable":false"#), "{text}");
    }

    #[test]
    fn partial_items_are_read() {
        let directories = read(r#"{"items": [{"directoryConfigId": "a", "directoryType": "LDAP_DIRECTORY"}, {"name": "no id"}, 7, {"directoryConfigurationId": "b", "countDomains": "two"}]}"#).unwrap();
        assert_eq!(directories.len(), 2);
        assert_eq!(directories[0].kind, Some(DirectoryKind::LdapDirectory));
        assert!(directories[1].syncable() && directories[1].name.is_none());
        assert_eq!(directories[1].extra["countDomains"], "two");
        assert!(read(r#"{"items": []}"#).unwrap().is_empty());
    }

    #[test]
    fn other_bodies_are_rejected() {
        for body in ["", "null", "7", "<html>", "{}", r#"{"items": {}}"#, r#"{"items": [{"name": "x"}]}"#] {
            assert_eq!(read(body).unwrap_err().code(), ErrorCode::UpstreamInvalid, "{body}");
        }
    }
}

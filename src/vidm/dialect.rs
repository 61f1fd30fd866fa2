//! The path and media types of each call: everything that may differ between versions of the product.
//!
//! The product was VMware Identity Manager, then Workspace ONE Access, then Omnissa Access. Its vendor types
//! (`application/vnd.vmware.horizon.…`) are [`Dialect::horizon`]; Omnissa announced in 2025 (KB 6000953) to replace them
//! with plain JSON, which is [`Dialect::json`]. Tenants are distinguished by host, or by path (`/SAAS/t/{tenant}`, the vIDM
//! inside vRealize Automation 7; VMware's own command line client, priam, knows both).

use std::borrow::Cow;
use std::collections::BTreeMap;

use http::HeaderValue;

use crate::error::{Error, FieldError};
use crate::upstream::path_segment::{self, MAX_ID};
use crate::upstream::segment;

const MANAGER: &str = "application/vnd.vmware.horizon.manager.connector.management.directory";
const CONNECTOR: &str = "application/vnd.vmware.horizon.manager.connector.management.connector+json";
const GROUP_QUERY: &str = "application/vnd.vmware.horizon.manager.connector.management.ops.groupquery+json";
const JSON: &str = "application/json";

table! {
    /// A call whose path can be overridden: its name in configuration, and its template.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
    pub(crate) enum Path -> (&'static str, &'static str) {
        SystemLogin => ("system_login", "{base}/API/1.0/REST/auth/system/login"),
        OauthToken => ("oauth_token", "{base}/auth/oauthtoken"),
        Directories =>
            ("directories", "{base}/jersey/manager/api/connectormanagement/directoryconfigs?includeJitDirectories=true"),
        DirectoryDomains =>
            ("directory_domains", "{base}/jersey/manager/api/connectormanagement/directoryconfigs/{directory}/domains"),
        DirectoryConnectors =>
            ("directory_connectors", "{base}/jersey/manager/api/connectormanagement/directoryconfigs/{directory}/connectors"),
        Sync => ("sync", "{base}/jersey/manager/api/connectormanagement/directoryconfigs/{directory}/syncprofile/sync"),
        SyncV2 =>
            ("sync_v2", "{base}/jersey/manager/api/connectormanagement/directoryconfigurations/{directory}/sync/v2"),
        SyncExecutions =>
            ("sync_executions", "{base}/jersey/manager/api/connectormanagement/directoryconfigs/{directory}/syncexecutions"),
        SyncProfile =>
            ("sync_profile", "{base}/jersey/manager/api/connectormanagement/directoryconfigs/{directory}/syncprofile"),
        DryRun =>
            ("dry_run", "{base}/jersey/manager/api/connectormanagement/directoryconfigs/{directory}/syncprofile/dryrun"),
        DirectoryGroups =>
            ("directory_groups", "{base}/jersey/manager/api/connectormanagement/directoryconfigs/{directory}/directorygroups"),
        Groups => ("groups", "{base}/jersey/manager/api/scim/Groups"),
        GroupsSearch => ("groups_search", "{base}/jersey/manager/api/scim/Groups/.search"),
        Users => ("users", "{base}/jersey/manager/api/scim/Users"),
        UsersSearch => ("users_search", "{base}/jersey/manager/api/scim/Users/.search"),
        Health => ("health", "{base}/API/1.0/REST/system/health"),
    }
}

table! {
    /// A media type that can be overridden: its name in the configuration, and its value in the dialect.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
    pub(crate) enum Media -> (&'static str, Type) {
        Login => ("login", Type::Json),
        Directories => ("directories", Type::Manager(".list+json")),
        DirectoryDomains => ("directory_domains", Type::Manager(".domain.list+json")),
        // The vendor's type for connectors; whether this list uses it is not documented.
        DirectoryConnectors => ("directory_connectors", Type::ConnectorOrAny),
        SyncContent => ("sync_content", Type::Manager(".sync.profile.sync+json")),
        SyncAccept => ("sync_accept", Type::V1),
        SyncV2 => ("sync_v2", Type::Manager(".sync.trigger.v2+json")),
        // The type of this response is not documented, so any is accepted.
        SyncState => ("sync_state", Type::ManagerOrAny(".sync.profile.sync+json")),
        SyncExecutions => ("sync_executions", Type::JsonOrAny),
        SyncProfile => ("sync_profile", Type::Manager(".sync.profile.groups+json")),
        DryRunContent => ("dry_run_content", Type::Manager(".sync.profile.sync+json")),
        DryRunAccept => ("dry_run_accept", Type::JsonOrAny),
        DirectoryGroupsContent => ("directory_groups_content", Type::GroupQuery),
        // The public script that makes this call accepts any response.
        DirectoryGroupsAccept => ("directory_groups_accept", Type::JsonOrAny),
        Groups => ("groups", Type::Json),
        Health => ("health", Type::Json),
    }
}

/// A media type without overrides.
#[derive(Clone, Copy)]
enum Type {
    Json,
    JsonOrAny,
    V1,
    GroupQuery,
    ConnectorOrAny,
    Manager(&'static str),
    ManagerOrAny(&'static str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Kind {
    #[default]
    Horizon,
    Json,
}

/// The paths and media types of one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialect {
    kind: Kind,
    base: Cow<'static, str>,
    /// The overrides, by name.
    paths: BTreeMap<String, String>,
    media_types: BTreeMap<String, String>,
}

impl Default for Dialect {
    fn default() -> Self {
        Self::horizon()
    }
}

impl Dialect {
    /// The vendor types of vIDM and Workspace ONE Access. The default.
    #[must_use]
    pub fn horizon() -> Self {
        Self::new(Kind::Horizon)
    }

    /// Plain `application/json` throughout, as announced for Omnissa Access.
    #[must_use]
    pub fn json() -> Self {
        Self::new(Kind::Json)
    }

    fn new(kind: Kind) -> Self {
        Self { kind, base: Cow::Borrowed("/SAAS"), paths: BTreeMap::new(), media_types: BTreeMap::new() }
    }

    /// The dialect of that name, as in `vidm_profile`: `horizon` or `json`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "horizon" => Some(Self::horizon()),
            "json" => Some(Self::json()),
            _ => None,
        }
    }

    /// This dialect with a target's overrides, by the names of paths and media types in the configuration. A path is a template: `{base}` is `/SAAS`
    /// or `/SAAS/t/{tenant}`, `{directory}` the directory's id.
    ///
    /// # Errors
    /// The mistake in the first wrong override, worded to follow the variable's name.
    pub fn with(
        mut self,
        paths: &BTreeMap<String, String>,
        media_types: &BTreeMap<String, String>,
    ) -> Result<Self, String> {
        for (name, template) in paths {
            let path = Path::ALL.iter().copied().find(|path| path.row().0 == name);
            let path = path.ok_or_else(|| unknown("paths", name, Path::ALL.iter().map(|path| path.row().0)))?;
            check_template(path, template).map_err(|why| format!("has paths.{name}, which {why}"))?;
            self.paths.insert(name.clone(), template.clone());
        }
        for (name, value) in media_types {
            if !Media::ALL.iter().any(|media| media.row().0 == name) {
                return Err(unknown("media_types", name, Media::ALL.iter().map(|media| media.row().0)));
            }
            if !value.contains('/') || HeaderValue::from_str(value).is_err() {
                return Err(format!(
                    "has media_types.{name}, which is not a media type; use one such as application/json"
                ));
            }
            self.media_types.insert(name.clone(), value.clone());
        }
        Ok(self)
    }

    /// This dialect with the tenant in the path, if there is one.
    #[must_use]
    pub(crate) fn in_tenant(&self, tenant: Option<&str>) -> Self {
        let mut dialect = self.clone();
        if let Some(tenant) = tenant {
            dialect.base = Cow::Owned(format!("/SAAS/t/{}", segment(tenant)));
        }
        dialect
    }

    /// The path of a call without a directory.
    pub(crate) fn path(&self, path: Path) -> String {
        self.filled(path, "")
    }

    /// The path of a call for the directory with this id.
    ///
    /// # Errors
    /// `request_invalid` for an id that is not allowed in a path.
    pub(crate) fn directory_path(&self, path: Path, directory: &str) -> Result<String, Error> {
        path_segment::check(directory, MAX_ID)
            .map_err(|fault| Error::invalid(vec![FieldError::new("", format!("the directory's id {fault}"))]))?;
        Ok(self.filled(path, directory))
    }

    fn filled(&self, path: Path, directory: &str) -> String {
        let template = self.paths.get(path.row().0).map_or(path.row().1, String::as_str);
        template.replace("{directory}", &segment(directory)).replace("{base}", &self.base)
    }

    /// A media type, for `Accept` or `Content-Type`.
    pub(crate) fn media(&self, media: Media) -> Cow<'_, str> {
        if let Some(value) = self.media_types.get(media.row().0) {
            return Cow::Borrowed(value);
        }
        match (self.kind, media.row().1) {
            (_, Type::Json) | (Kind::Json, Type::V1 | Type::GroupQuery | Type::Manager(_)) => Cow::Borrowed(JSON),
            (_, Type::JsonOrAny) | (Kind::Json, Type::ConnectorOrAny | Type::ManagerOrAny(_)) => {
                Cow::Borrowed("application/json, */*;q=0.5")
            }
            (Kind::Horizon, Type::V1) => Cow::Borrowed("application/vnd.vmware.horizon.v1.0+json"),
            (Kind::Horizon, Type::GroupQuery) => Cow::Borrowed(GROUP_QUERY),
            (Kind::Horizon, Type::ConnectorOrAny) => Cow::Owned(format!("{CONNECTOR}, */*;q=0.5")),
            (Kind::Horizon, Type::Manager(rest)) => Cow::Owned(format!("{MANAGER}{rest}")),
            (Kind::Horizon, Type::ManagerOrAny(rest)) => Cow::Owned(format!("{MANAGER}{rest}, */*;q=0.5")),
        }
    }
}

fn unknown<'a>(table: &str, name: &str, known: impl Iterator<Item = &'a str>) -> String {
    format!("has {table}.{name}, which is not a known name; use one of {}", known.collect::<Vec<_>>().join(", "))
}

fn check_template(path: Path, template: &str) -> Result<(), &'static str> {
    let filled = template.replace("{base}", "/SAAS").replace("{directory}", "d");
    if !filled.starts_with('/') || filled.starts_with("//") {
        return Err("does not begin with {base} or /");
    }
    if filled.contains(['{', '}']) {
        return Err("contains a placeholder other than {base} and {directory}");
    }
    if filled.parse::<http::uri::PathAndQuery>().is_err() {
        return Err("is not a path");
    }
    if path.row().1.contains("{directory}") != template.contains("{directory}") {
        return Err("must contain {directory} if its default does, and only then");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overridden(overrides: &str) -> Result<Dialect, String> {
        let mut tables: BTreeMap<String, BTreeMap<String, String>> = serde_json::from_str(overrides).unwrap();
        let mut table = |name| tables.remove(name).unwrap_or_default();
        Dialect::horizon().with(&table("paths"), &table("media_types"))
    }

    #[test]
    fn tenant_is_added_to_the_path_if_set() {
        let host = Dialect::horizon();
        assert_eq!(host.path(Path::SystemLogin), "/SAAS/API/1.0/REST/auth/system/login");
        let path = host.in_tenant(Some("vsphere.local/x"));
        assert_eq!(path.path(Path::SystemLogin), "/SAAS/t/vsphere.local%2Fx/API/1.0/REST/auth/system/login");
        assert_eq!(path.in_tenant(None), path);
    }

    #[test]
    fn directory_ids_stay_in_their_segment() {
        for text in crate::upstream::path_segment::tests::HOSTILE {
            let error = Dialect::horizon().directory_path(Path::Sync, text).unwrap_err();
            assert_eq!(error.code(), crate::error::ErrorCode::RequestInvalid, "{text:?}");
        }
    }

    #[test]
    fn json_profile_uses_only_plain_json() {
        let json = Dialect::named("json").unwrap();
        for media in Media::ALL.iter().copied() {
            assert!(json.media(media).starts_with("application/json"), "{media:?}");
        }
        assert_eq!(Dialect::named("horizon"), Some(Dialect::default()));
        assert_eq!(Dialect::named("HZN"), None);
    }

    #[test]
    fn paths_and_types_can_be_overridden() {
        let given = r#"{"paths": {"oauth_token": "/acs/token", "sync": "{base}/new/{directory}"}, "media_types": {"directories": "application/json"}}"#;
        let dialect = overridden(given).unwrap().in_tenant(Some("t"));
        assert_eq!(dialect.path(Path::OauthToken), "/acs/token");
        assert_eq!(dialect.directory_path(Path::Sync, "a_b").unwrap(), "/SAAS/t/t/new/a_b");
        assert_eq!(dialect.media(Media::Directories), "application/json");
        assert_eq!(dialect.media(Media::SyncAccept), "application/vnd.vmware.horizon.v1.0+json");
    }

    #[test]
    fn wrong_overrides_are_reported_with_a_fix() {
        for (given, told) in [
            (r#"{"paths": {"synch": "/x"}}"#, "use one of system_login, oauth_token, directories"),
            (r#"{"paths": {"sync": "{base}/x"}}"#, "must contain {directory}"),
            (r#"{"paths": {"health": "{base}/{directory}"}}"#, "must contain {directory}"),
            (r#"{"paths": {"health": "{tenant}/x"}}"#, "does not begin with"),
            (r#"{"paths": {"health": "/{tenant}/x"}}"#, "placeholder"),
            (r#"{"paths": {"health": "//elsewhere/x"}}"#, "does not begin with"),
            (r#"{"paths": {"health": "/a b"}}"#, "is not a path"),
            (r#"{"media_types": {"sync": "application/json"}}"#, "use one of login, directories"),
            (r#"{"media_types": {"health": "json"}}"#, "use one such as application/json"),
        ] {
            let error = overridden(given).unwrap_err();
            assert!(error.contains(told), "{given}: {error}");
        }
    }
}

//! `GET …/identity-providers/{idpConfigId}/ldap-directories`: the LDAP directories of an identity provider.

use bytes::Bytes;
use http::{Method, Request, Response};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::api::{Fleet, IAM, JSON};
use super::items::items;
use crate::directory::Listed;
use crate::error::Result;
use crate::json::{take, take_text};
use crate::redact::blank_secrets_in;
use crate::retry::Repeat;
use crate::runtime::{from_unix_ms, rfc3339};
use crate::upstream::path_segment::{self, MAX_ID};
use crate::upstream::{Endpoint, bare};

/// The mode in which users and groups are imported one by one.
const ON_DEMAND: &str = "ON_DEMAND";

/// `GET /suite-api/api/fleet-management/iam/identity-providers/{idpConfigId}/ldap-directories` (VCF Operations API,
/// `getLdapDirectories`)
///
/// One page with each directory's latest sync.
#[derive(Debug)]
pub(super) struct ListDirectories<'a> {
    /// The realm that the provider belongs to.
    pub(super) realm: &'a RealmName,
    pub(super) provider: &'a str,
}

impl Endpoint for ListDirectories<'_> {
    type Api = Fleet;
    type Response = Vec<Directory>;
    const CALL: &'static str =
        "GET /suite-api/api/fleet-management/iam/identity-providers/{idpConfigId}/ldap-directories";
    const REPEAT: Repeat = Repeat::Always;

    fn request(&self, (): &()) -> Result<Request<Bytes>> {
        bare(Method::GET, &format!("{IAM}/identity-providers/{}/ldap-directories", self.provider), JSON)
    }

    fn response(&self, answer: Response<Bytes>) -> Result<Vec<Directory>> {
        let read = |item| Directory::read_at(item, self.realm, self.provider);
        Ok(items(Self::CALL, &answer, "ldapDirectories")?.into_iter().filter_map(read).collect())
    }
}

/// One LDAP directory of the identity broker, as VCF Operations describes it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(rename = "FleetDirectory"))]
pub struct Directory {
    /// Its id, a UUID (`ldapConfigurationId`).
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// Whether it can be synced, as far as VCF Operations reports.
    #[cfg_attr(feature = "contract", schemars(required))]
    syncable: bool,
    /// The realm of VCF single sign-on that it belongs to.
    pub realm: RealmName,
    /// The id of its identity provider.
    pub identity_provider: String,
    /// Its domains.
    pub domains: Vec<String>,
    /// The state of its latest sync, in the vendor's word (`lastSyncStatus`); absent before the first sync.
    pub status: Option<String>,
    /// The time of its latest sync.
    #[serde(serialize_with = "time")]
    #[cfg_attr(feature = "contract", schemars(with = "Option<String>", extend("format" = "date-time")))]
    pub last_sync_at: Option<u64>,
    /// Whether it is set up: `INITIAL` or `COMPLETED`.
    pub setup_status: Option<String>,
    /// How users and groups are imported: `FULL_SYNC` or `ON_DEMAND`; reported since 9.1.1.
    pub sync_mode: Option<String>,
    /// The number of its users.
    pub users: Option<u64>,
    /// The number of its groups.
    pub groups: Option<u64>,
    /// The number of its alerts.
    pub alerts: Option<u64>,
    /// All other fields from VCF Operations, unchanged.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A realm by id and name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct RealmName {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
}

#[allow(clippy::ref_option, reason = "the form that serde wants")]
fn time<S: Serializer>(ms: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
    ms.map(|ms| rfc3339(from_unix_ms(ms))).serialize(serializer)
}

/// The vendor's field of each of ours, and what the store adds to it.
mod field {
    pub(super) const ID: &str = "ldapConfigurationId";
    pub(super) const NAME: &str = "name";
    pub(super) const PROVIDER: &str = "idpConfigId";
    pub(super) const REALM: &str = "ssoRealmId";
    pub(super) const REALM_NAME: &str = "ssoRealmName";
    pub(super) const DOMAINS: &str = "domains";
    pub(super) const STATUS: &str = "lastSyncStatus";
    pub(super) const TIME: &str = "lastSyncDateTime";
    pub(super) const SETUP: &str = "setupStatus";
    pub(super) const MODE: &str = "syncMode";
    pub(super) const USERS: &str = "numberOfUsers";
    pub(super) const GROUPS: &str = "numberOfGroups";
    pub(super) const ALERTS: &str = "numberOfAlerts";
}

impl Directory {
    /// Whether it can be synced, as far as VCF Operations reports.
    #[must_use]
    pub const fn syncable(&self) -> bool {
        self.syncable
    }

    /// Reads one item of the list of `provider`; `None` if it has no id that is allowed in a path. A field of an unexpected
    /// type stays in `extra`.
    fn read_at(mut item: Map<String, Value>, realm: &RealmName, provider: &str) -> Option<Self> {
        blank_secrets_in(&mut item);
        let id = take_text(&mut item, field::ID).filter(|id| path_segment::check(id, MAX_ID).is_ok())?;
        let number = |item: &mut Map<String, Value>, name: &str| take(item, name, Value::as_u64);
        let texts = |value: &Value| -> Option<Vec<String>> {
            value.as_array()?.iter().map(|text| text.as_str().map(str::to_owned)).collect()
        };
        let mut directory = Self {
            id,
            name: take_text(&mut item, field::NAME),
            syncable: true,
            realm: realm.clone(),
            identity_provider: provider.to_owned(),
            domains: take(&mut item, field::DOMAINS, texts).unwrap_or_default(),
            status: take_text(&mut item, field::STATUS),
            // The vendor's examples write numbers that are not set as 0.
            last_sync_at: number(&mut item, field::TIME).filter(|ms| *ms > 0),
            setup_status: take_text(&mut item, field::SETUP),
            sync_mode: take_text(&mut item, field::MODE),
            users: number(&mut item, field::USERS),
            groups: number(&mut item, field::GROUPS),
            alerts: number(&mut item, field::ALERTS),
            extra: Map::new(),
        };
        directory.syncable = directory.why_not_syncable().is_none();
        const OURS: [&str; 8] =
            ["id", "syncable", "realm", "identityProvider", "status", "lastSyncAt", "users", "groups"];
        item.retain(|name, _| !OURS.contains(&name.as_str()) && name != "alerts");
        directory.extra = item;
        Some(directory)
    }
}

impl Listed for Directory {
    const NONE_SYNCABLE: &'static str = "VCF Operations lists no directory that can be synced; check that a realm has an identity provider with an LDAP \
         directory, and the account's permissions";
    const SYNCABLE: &'static str = "only LDAP directories that are set up, and in the mode FULL_SYNC, can be synced; in the mode ON_DEMAND bring a group \
         in with provision";

    fn read(mut item: Map<String, Value>) -> Option<Self> {
        let provider = take_text(&mut item, field::PROVIDER).filter(|id| path_segment::check(id, MAX_ID).is_ok())?;
        let (id, name) = (take_text(&mut item, field::REALM), take_text(&mut item, field::REALM_NAME));
        let id = id.filter(|id| path_segment::check(id, MAX_ID).is_ok())?;
        Self::read_at(item, &RealmName { id, name }, &provider)
    }

    /// Fields that change with each sync are left out, so that the store is not written again for it.
    fn written(&self) -> Map<String, Value> {
        let text = |text: &Option<String>| text.as_deref().map(Value::from);
        let fields = [
            (field::ID, Some(Value::from(self.id.as_str()))),
            (field::NAME, text(&self.name)),
            (field::PROVIDER, Some(Value::from(self.identity_provider.as_str()))),
            (field::REALM, Some(Value::from(self.realm.id.as_str()))),
            (field::REALM_NAME, text(&self.realm.name)),
            (field::DOMAINS, Some(Value::from(self.domains.clone()))),
            (field::SETUP, text(&self.setup_status)),
            (field::MODE, text(&self.sync_mode)),
        ];
        fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The list does not show it.
    fn kind(&self) -> Option<&str> {
        None
    }

    fn has_domain(&self, domain: &str) -> bool {
        self.domains.iter().any(|theirs| theirs.eq_ignore_ascii_case(domain))
    }

    fn why_not_syncable(&self) -> Option<&'static str> {
        if self.setup_status.as_deref() == Some("INITIAL") {
            return Some("is not set up yet: finish \"Configure user and group provisioning\" in VCF Operations");
        }
        let is_on_demand = self.sync_mode.as_deref() == Some(ON_DEMAND);
        is_on_demand.then_some("imports users and groups on demand, not by a sync")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::testing::{answer, sent};
    use serde_json::json;

    fn realm() -> RealmName {
        RealmName { id: "r".into(), name: Some("USA".into()) }
    }

    fn read(body: &str) -> Vec<Directory> {
        ListDirectories { realm: &realm(), provider: "p-1" }.response(answer(200, body)).unwrap()
    }

    #[test]
    fn request_is_encoded() {
        assert_eq!(
            sent(&ListDirectories { realm: &realm(), provider: "p-1" }),
            "GET /suite-api/api/fleet-management/iam/identity-providers/p-1/ldap-directories\naccept: application/json\n\n"
        );
    }

    #[test]
    fn vendors_example_is_read() {
        let directories = read(
            r#"{"ldapDirectories":[{"ldapConfigurationId":"828ad4fc-cd8a-4f44-b5bc-adb568d67d1c","name":"BROADCOM",
                "domains":["broadcom.com"],"domainControllerPort":0,"numberOfUsers":100,"numberOfGroups":7,
                "numberOfAlerts":20,"lastSyncDateTime":1753340064646,"setupStatus":"COMPLETED","lastSyncStatus":"IN_PROGRESS"},
                {"ldapConfigurationId":"b1913b00-e818-4217-a7f3-a1735d7e963d","numberOfUsers":"many"},{"name":"no id"}]}"#,
        );
        let [first, second] = directories.as_slice() else { panic!("{directories:?}") };
        assert_eq!(
            serde_json::to_value(first).unwrap(),
            json!({"id": "828ad4fc-cd8a-4f44-b5bc-adb568d67d1c", "name": "BROADCOM", "syncable": true, "realm": {"id": "r", "name": "USA"},
                "identityProvider": "p-1", "domains": ["broadcom.com"], "status": "IN_PROGRESS",
                "lastSyncAt": "2025-07-24T06:54:24.646Z", "setupStatus": "COMPLETED", "syncMode": null, "users": 100,
                "groups": 7, "alerts": 20, "domainControllerPort": 0})
        );
        assert_eq!((second.status.as_deref(), second.users, second.last_sync_at), (None, None, None));
        assert_eq!(second.extra["numberOfUsers"], "many");
        assert!(first.has_domain("Broadcom.COM") && !second.has_domain(""));
    }

    #[test]
    fn directories_that_are_not_synced_are_recognised() {
        for (setup, mode, syncable) in [
            (Some("INITIAL"), None, false),
            (Some("COMPLETED"), Some("FULL_SYNC"), true),
            (Some("COMPLETED"), Some("ON_DEMAND"), false),
            (Some("UNKNOWN"), None, true),
            (None, None, true),
        ] {
            let item = json!({"ldapConfigurationId": "d", "setupStatus": setup, "syncMode": mode});
            let directory = Directory::read_at(item.as_object().unwrap().clone(), &realm(), "p").unwrap();
            assert_eq!((directory.syncable, directory.why_not_syncable().is_none()), (syncable, syncable), "{item}");
        }
    }

    #[test]
    fn directory_round_trips_through_the_store() {
        let body = r#"{"ldapDirectories":[{"ldapConfigurationId":"d","name":"n","domains":["a","b"],"setupStatus":"COMPLETED",
            "syncMode":"FULL_SYNC"}]}"#;
        let directory = read(body).remove(0);
        assert_eq!(Directory::read(directory.written()), Some(directory));
        assert_eq!(Directory::read(Map::new()), None);
    }
}

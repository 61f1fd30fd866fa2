//! The initial objects: ids and names for tests.
//!
//! These are the ids in the host's tenant. A tenant in the path has the same directories with other ids.

/// The built-in directory of local users. Cannot be synced.
pub const SYSTEM_DIRECTORY: &str = "d1000000-0000-4000-8000-0000000000a0";
/// `corp.example`, the ordinary case: Active Directory over LDAP. Accepts the classic kick-off and v2.
pub const CORP: &str = "d1000000-0000-4000-8000-0000000000c0";
/// The name of [`CORP`].
pub const CORP_NAME: &str = "corp.example";
/// In the sync profile of [`CORP`], every group under this base DN is selected: the next run imports a new one.
pub const CORP_ALL_SELECTED: &str = "OU=Groups,DC=corp,DC=example";
/// In the sync profile of [`CORP`], only single groups are selected under this base DN.
pub const CORP_PICKED: &str = "OU=Picked,DC=corp,DC=example";
/// One of two directories with the same name, [`LAB_NAME`]. Accepts only the classic kick-off.
pub const LAB_FIRST: &str = "d1000000-0000-4000-8000-0000000000d1";
/// The other one. Active Directory with integrated Windows authentication.
pub const LAB_SECOND: &str = "d1000000-0000-4000-8000-0000000000d2";
/// The name of two directories.
pub const LAB_NAME: &str = "lab.example";
/// A just-in-time directory: listed only with `includeJitDirectories=true`. Cannot be synced.
pub const JIT: &str = "d1000000-0000-4000-8000-0000000000e0";
/// A directory that is being deleted. Cannot be synced.
pub const DELETING: &str = "d1000000-0000-4000-8000-0000000000f0";
/// `cloud.example`, migrated to the enterprise service: accepts only the v2 kick-off, the classic one returns 409.
pub const CLOUD: &str = "d1000000-0000-4000-8000-0000000000b0";
/// The name of [`CLOUD`].
pub const CLOUD_NAME: &str = "cloud.example";

/// A group of [`CORP`] that is in SCIM from the start: its DN.
pub const PRESENT_GROUP_DN: &str = "CN=gg-app,OU=Groups,DC=corp,DC=example";
/// Its `displayName` in SCIM. There is also `gg-app-admins@corp.example`, which a substring search finds too.
pub const PRESENT_GROUP_NAME: &str = "gg-app@corp.example";
/// A group of [`CORP`] whose DN needs escapes, in SCIM from the start.
pub const AWKWARD_GROUP_DN: &str = "CN=gg-\\\"quoted\\\"\\, été,OU=Groups,DC=corp,DC=example";
/// The `displayName` of [`AWKWARD_GROUP_DN`].
pub const AWKWARD_GROUP_NAME: &str = "gg-\"quoted\", été@corp.example";

/// SDDC Manager: the embedded identity provider.
pub const EMBEDDED_PROVIDER: &str = "b9103988-0000-4000-8000-42c93d480bbe";
/// SDDC Manager: the domain of an identity source of the embedded provider, over plain LDAP.
pub const LDAP_SOURCE_DOMAIN: &str = "embedded-ids.example";
/// SDDC Manager: the same over LDAPS, with a certificate.
pub const LDAPS_SOURCE_DOMAIN: &str = "secure-ids.example";
/// SDDC Manager: the external provider, if [`crate::Options::external_provider`] asks for it.
pub const EXTERNAL_PROVIDER: &str = "bb7a3e9b-0000-4000-8000-3ed00b17a821";

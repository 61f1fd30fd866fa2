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

/// SDDC Manager: a group of every identity source's domain. There is also `gg-vcf-admins-emea`, which a substring search finds
/// too, and a user with the name of the group.
pub const VCF_GROUP: &str = "gg-vcf-admins";
/// SDDC Manager: another group of every identity source's domain. That of [`LDAPS_SOURCE_DOMAIN`] has the role OPERATOR.
pub const VCF_OPERATORS: &str = "gg-vcf-operators";

/// VCF Operations: the realm with [`FLEET_PROVIDER`].
pub const FLEET_REALM: &str = "f1000000-0000-4000-8000-0000000000a1";
/// VCF Operations: a second realm with directories, [`FLEET_BRANCH_PROVIDER`]'s.
pub const FLEET_BRANCH_REALM: &str = "f1000000-0000-4000-8000-0000000000a2";
/// VCF Operations: a realm without identity provider.
pub const FLEET_EMPTY_REALM: &str = "f1000000-0000-4000-8000-0000000000a3";
/// VCF Operations: a realm with [`FLEET_SCIM_PROVIDER`], which has no LDAP directory.
pub const FLEET_SCIM_REALM: &str = "f1000000-0000-4000-8000-0000000000a4";
/// VCF Operations: an identity broker without realm.
pub const FLEET_FREE_BROKER: &str = "f1000000-0000-4000-8000-0000000000ab";
/// VCF Operations: the id of [`crate::credentials::FLEET_API_TOKEN`] in [`FLEET_REALM`].
pub const FLEET_API_TOKEN_ID: &str = "f1000000-0000-4000-8000-0000000000f1";
/// VCF Operations: the provider of [`FLEET_REALM`], Active Directory over LDAP.
pub const FLEET_PROVIDER: &str = "f1000000-0000-4000-8000-0000000000b1";
/// VCF Operations: the provider of [`FLEET_BRANCH_REALM`].
pub const FLEET_BRANCH_PROVIDER: &str = "f1000000-0000-4000-8000-0000000000b2";
/// VCF Operations: an OIDC provider with SCIM provisioning.
pub const FLEET_SCIM_PROVIDER: &str = "f1000000-0000-4000-8000-0000000000b4";
/// VCF Operations: the SCIM directory of [`FLEET_SCIM_PROVIDER`].
pub const FLEET_SCIM_DIRECTORY: &str = "f1000000-0000-4000-8000-0000000000c9";
/// VCF Operations: `corp.example`, with the contents of vIDM's [`CORP`].
pub const FLEET_CORP: &str = "f1000000-0000-4000-8000-0000000000c1";
/// VCF Operations: [`LAB_NAME`] in [`FLEET_REALM`].
pub const FLEET_LAB_FIRST: &str = "f1000000-0000-4000-8000-0000000000c2";
/// VCF Operations: [`LAB_NAME`] in [`FLEET_BRANCH_REALM`].
pub const FLEET_LAB_SECOND: &str = "f1000000-0000-4000-8000-0000000000c3";
/// VCF Operations: named [`FLEET_CLOUD_NAME`], with the domain [`CLOUD_NAME`].
pub const FLEET_CLOUD: &str = "f1000000-0000-4000-8000-0000000000c4";
/// The name of [`FLEET_CLOUD`].
pub const FLEET_CLOUD_NAME: &str = "Cloud directory";
/// VCF Operations: a directory whose setup is not complete. Cannot be synced.
pub const FLEET_INITIAL: &str = "f1000000-0000-4000-8000-0000000000c5";
/// VCF Operations: a directory that was never synced, `fresh.example`.
pub const FLEET_NEVER_SYNCED: &str = "f1000000-0000-4000-8000-0000000000c6";
/// VCF Operations: a directory with the sync mode `ON_DEMAND`, `ondemand.example`. Exists from 9.1.1.
pub const FLEET_ON_DEMAND: &str = "f1000000-0000-4000-8000-0000000000c7";
/// A group of [`FLEET_CORP`] that has [`PRESENT_GROUP_DN`] as member, beside a user of its own.
pub const FLEET_NESTED_GROUP_DN: &str = "CN=gg-nested,OU=Groups,DC=corp,DC=example";
/// A group of [`FLEET_CORP`] that is not compliant: it is never imported.
pub const FLEET_NON_COMPLIANT_DN: &str = "CN=gg-broken,OU=Picked,DC=corp,DC=example";
/// A user of [`FLEET_CORP`], member of [`PRESENT_GROUP_DN`].
pub const FLEET_USER_DN: &str = "CN=Ada Lovelace,OU=Users,DC=corp,DC=example";
/// The account name of [`FLEET_USER_DN`].
pub const FLEET_USER_NAME: &str = "ada";

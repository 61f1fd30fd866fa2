//! The directories of a provider that are synced over LDAP (the vendor's `LdapConfiguration` and its parts).

use serde::{Deserialize, Serialize};

use crate::change::{Extra, lenient};
use crate::secret::Secret;

/// A directory that is synced over LDAP.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct LdapConfiguration {
    /// Its id, a UUID; the id of the directory in other calls. A PUT adds it.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub ldap_configuration_id: Option<String>,
    /// Its name. Required in a request.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its domains. Required in a request.
    #[serde(deserialize_with = "lenient::texts", skip_serializing_if = "Option::is_none")]
    pub domains: Option<Vec<String>>,
    /// The connection. Required in a request.
    #[serde(deserialize_with = "lenient::object", skip_serializing_if = "Option::is_none")]
    pub ldap_bind_configuration: Option<LdapBindConfiguration>,
    /// Unknown fields.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The connection to a directory.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct LdapBindConfiguration {
    /// The kind of directory; `ACTIVE_DIRECTORY_LDAP` in the vendor's examples. Required in a request.
    #[serde(deserialize_with = "lenient::text", rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The base DN. Required in a request.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub base_dn: Option<String>,
    /// The DN of the account that reads the directory. Required in a request.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub bind_dn: Option<String>,
    /// Its password; masked in responses.
    #[serde(
        deserialize_with = "lenient::secret",
        skip_serializing_if = "Option::is_none",
        serialize_with = "lenient::exposed"
    )]
    pub bind_dn_password: Option<Secret>,
    /// `SECURE` (the default) or `UNSECURE`.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub communication_mode: Option<String>,
    /// The attribute by which users are found: `sAMAccountName` or `userPrincipalName`.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub directory_search_attribute: Option<String>,
    /// Trusted certificates of domain controllers that are found by DNS, as PEM texts.
    #[serde(deserialize_with = "lenient::texts", skip_serializing_if = "Option::is_none")]
    pub dns_lookup_certificate_chain: Option<Vec<String>>,
    /// The first domain controller.
    #[serde(deserialize_with = "lenient::object", skip_serializing_if = "Option::is_none")]
    pub primary_domain_controller: Option<DomainController>,
    /// The domain controller for its failure.
    #[serde(deserialize_with = "lenient::object", skip_serializing_if = "Option::is_none")]
    pub secondary_domain_controller: Option<DomainController>,
    /// The settings of OpenLDAP. The vendor requires `bindUserFilterQuery`, `groupsFilterQuery`, `usersFilterQuery` and
    /// `objectUuidAttribute`.
    #[serde(deserialize_with = "lenient::object", skip_serializing_if = "Option::is_none")]
    pub open_ldap_configuration: Option<Extra>,
    /// `FULL_SYNC` or `ON_DEMAND`; 9.1.1 and later.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub sync_mode: Option<String>,
    /// Unknown fields, and `domainChanged`.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A domain controller.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct DomainController {
    /// Its host name or address. Required in a request.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Its port, 1 to 65535.
    #[serde(deserialize_with = "lenient::whole_number", skip_serializing_if = "Option::is_none")]
    pub port: Option<i64>,
    /// `LDAP` or `LDAPS`. Required in a request.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// Its certificate or CA as a PEM text. Required for `LDAPS`, not allowed for `LDAP`.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// The name of the certificate's file.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub certificate_name: Option<String>,
    /// Unknown fields.
    #[serde(flatten)]
    pub extra: Extra,
}

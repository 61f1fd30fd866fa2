//! The vendor's identity provider, the same in requests and responses (`FederatedIdentityProvider` and its parts; VMware Cloud
//! Foundation Operations API, "IAM APIs").
//!
//! Nothing is required while reading: the vendor's own responses omit required fields, and `validate` reports all fields that
//! a request lacks. Unknown fields are preserved. Serialised, a request contains its secrets, which is only for the server;
//! those of a response are blanked before it is read.

use serde::{Deserialize, Serialize};

use super::ldap::LdapConfiguration;
use crate::change::{Extra, lenient};
use crate::secret::Secret;

/// An identity provider of VCF Operations.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct FederatedIdentityProvider {
    /// Its id, a UUID. In a request: omit it, or send it to rename the provider.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its display name. Required in a request.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The id of its SSO realm, a UUID. Required in a request.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub sso_realm_id: Option<String>,
    /// `OKTA`, `PING`, `ENTRA_ID`, `SYMANTEC_IDSP`, `ADFS`, `ADLDAP`, `OPENLDAP` or `OTHER`. Required in a request.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub idp_type: Option<String>,
    /// How users log in: `OIDC`, `SAML` or `LDAP_BIND`. Required in a request.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub idp_protocol: Option<String>,
    /// How users and groups arrive: `JIT`, `SCIM` or `LDAP`. Required in a request.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub provision_type: Option<String>,
    /// The settings of `OIDC` or `SAML`.
    #[serde(deserialize_with = "lenient::object", skip_serializing_if = "Option::is_none")]
    pub idp_config: Option<IdpConfig>,
    /// The directory of `JIT` and `SCIM`; at most one.
    #[serde(deserialize_with = "lenient::objects", skip_serializing_if = "Option::is_none")]
    pub directories: Option<Vec<IdpDirectory>>,
    /// The settings of `LDAP` and `JIT`.
    #[serde(deserialize_with = "lenient::object", skip_serializing_if = "Option::is_none")]
    pub provisioning_config: Option<ProvisioningConfig>,
    /// Trusted certificates of the external provider: at most 3 elements, each the PEM text of a certificate or of a
    /// whole chain.
    #[serde(deserialize_with = "lenient::texts", skip_serializing_if = "Option::is_none")]
    pub certificate_chain: Option<Vec<String>>,
    /// When it was created, in milliseconds since 1970. Ignored in a request.
    #[serde(deserialize_with = "lenient::whole_number", skip_serializing_if = "Option::is_none")]
    pub created_at: Option<i64>,
    /// When it was changed, in milliseconds since 1970. Ignored in a request.
    #[serde(deserialize_with = "lenient::whole_number", skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<i64>,
    /// Unknown fields.
    #[serde(flatten)]
    pub extra: Extra,
}

/// How users log in: one of the two.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct IdpConfig {
    /// OpenID Connect.
    #[serde(deserialize_with = "lenient::object", skip_serializing_if = "Option::is_none")]
    pub oidc_configuration: Option<OidcConfiguration>,
    /// SAML.
    #[serde(deserialize_with = "lenient::object", skip_serializing_if = "Option::is_none")]
    pub saml_configuration: Option<SamlConfiguration>,
    /// Unknown fields.
    #[serde(flatten)]
    pub extra: Extra,
}

/// An OpenID Connect client at the external provider.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct OidcConfiguration {
    /// The discovery endpoint: `https://…/.well-known/openid-configuration`. Required in a request.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub discovery_endpoint: Option<String>,
    /// The client's id. Required in a request.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The client's secret; masked in responses.
    #[serde(
        deserialize_with = "lenient::secret",
        skip_serializing_if = "Option::is_none",
        serialize_with = "lenient::exposed"
    )]
    pub client_secret: Option<Secret>,
    /// The claim that identifies a user.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub open_id_user_identifier_attribute: Option<String>,
    /// The attribute of the identity broker's users that it is compared with.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub internal_user_identifier_attribute: Option<String>,
    /// Unknown fields.
    #[serde(flatten)]
    pub extra: Extra,
}

/// An external SAML provider.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct SamlConfiguration {
    /// `XML` or `URL`. Required in a request.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub metadata_source_type: Option<String>,
    /// The metadata's address, for `URL`.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub metadata_url: Option<String>,
    /// The base64 of the metadata, for `XML`.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub metadata_xml: Option<String>,
    /// The format of the name id, a URN.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub name_id_format_type: Option<String>,
    /// Which of the broker's attributes the name id is. Required in a request; at most one.
    #[serde(deserialize_with = "lenient::objects", skip_serializing_if = "Option::is_none")]
    pub name_id_attribute_mappings: Option<Vec<SamlAttributeMapping>>,
    /// The requested authentication context, a URN.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub authentication_context: Option<String>,
    /// Unknown fields.
    #[serde(flatten)]
    pub extra: Extra,
}

/// An attribute of the external provider and the broker's attribute for it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct SamlAttributeMapping {
    /// The external provider's attribute. Required in a request.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub idp_attribute: Option<String>,
    /// The broker's attribute. Required in a request.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub vidb_attribute: Option<String>,
    /// Unknown fields.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The directory of a provider whose users arrive by `JIT` or `SCIM`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct IdpDirectory {
    /// Its id, a UUID. A PUT adds it.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its name: 1 to 128 letters, digits, spaces, `-` and `_`. Required in a request.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its domains, at least one. Required in a request.
    #[serde(deserialize_with = "lenient::texts", skip_serializing_if = "Option::is_none")]
    pub domains: Option<Vec<String>>,
    /// One of the domains.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub default_domain: Option<String>,
    /// Unknown fields.
    #[serde(flatten)]
    pub extra: Extra,
}

/// How users and groups arrive: one of the two, or nothing for `SCIM`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct ProvisioningConfig {
    /// The directories that are synced.
    #[serde(deserialize_with = "lenient::objects", skip_serializing_if = "Option::is_none")]
    pub ldap_configurations: Option<Vec<LdapConfiguration>>,
    /// Users are created when they log in. The vendor's `JitConfiguration`: `jitProvisioningGroups` (`domain`,
    /// `groupNames`), `oidcJitConfiguration` and `samlJitConfiguration`.
    #[serde(deserialize_with = "lenient::object", skip_serializing_if = "Option::is_none")]
    pub jit_configuration: Option<Extra>,
    /// Unknown fields.
    #[serde(flatten)]
    pub extra: Extra,
}

//! The specifications sent to SDDC Manager: the vendor's `IdentityProviderSpec` and `IdentitySourceSpec`.
//!
//! Callers send the same documents to idhook, so nothing is required while reading: `validate` reports all missing fields
//! together, each with its pointer. Serialised, they contain their secrets, which is only for SDDC Manager. Names are the
//! vendor's (VMware Cloud Foundation API, "Identity Providers"; `syncClientTokenTTL` has its capitals there).

use serde::{Deserialize, Serialize, Serializer};

use crate::certificate::{self, Form};
use crate::change::{Extra, lenient};
use crate::secret::Secret;

/// An external identity provider to add, or the complete new specification of one: there is no partial update.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(extend("required" = ["name", "type"])))]
pub struct IdentityProviderSpec {
    /// Its display name. Required.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "contract", schemars(required))]
    pub name: Option<String>,
    /// Its kind. Required; the server decides which words are valid: the vendor publishes both `ActiveDirectory` and `AD_FS`
    /// for Microsoft ADFS.
    #[serde(deserialize_with = "lenient::text", rename = "type", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "contract", schemars(required))]
    pub kind: Option<String>,
    /// The trusted root certificates of the external server, in the same form as an identity source's.
    #[serde(
        deserialize_with = "lenient::texts",
        skip_serializing_if = "Option::is_none",
        serialize_with = "cert_chain"
    )]
    pub cert_chain: Option<Vec<String>>,
    /// The directory behind an ADFS.
    #[serde(deserialize_with = "lenient::object", skip_serializing_if = "Option::is_none")]
    pub ldap: Option<LdapSpec>,
    /// The ADFS itself.
    #[serde(deserialize_with = "lenient::object", skip_serializing_if = "Option::is_none")]
    pub oidc: Option<OidcSpec>,
    /// A federated provider (Okta, Microsoft Entra ID, PingFederate; VCF 5.1 and later).
    #[serde(deserialize_with = "lenient::object", skip_serializing_if = "Option::is_none")]
    pub fed_idp_spec: Option<FederatedIdentityProviderSpec>,
    /// Unknown fields.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A directory to add to the embedded identity provider, or the complete new specification of one.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(extend("required" = ["name", "ldap"])))]
pub struct IdentitySourceSpec {
    /// Its display name. Required.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "contract", schemars(required))]
    pub name: Option<String>,
    /// The directory. Required.
    #[serde(deserialize_with = "lenient::object", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "contract", schemars(with = "LdapSpec"))]
    pub ldap: Option<LdapSpec>,
    /// Unknown fields.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The connection to a directory.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(extend("required" = ["username", "password", "sourceDetails"])))]
pub struct LdapSpec {
    /// `ActiveDirectory` or `OpenLdap`. Required for an identity source; the vendor's own examples omit it for an external
    /// provider.
    #[serde(deserialize_with = "lenient::text", rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The domain's name. Required for an identity source, which is identified by it.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub domain_name: Option<String>,
    /// Another name for the domain: the NetBIOS name of an Active Directory.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub domain_alias: Option<String>,
    /// The account that reads the directory: `user@domain`, `DOMAIN\user` or a distinguished name. Required.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "contract", schemars(required))]
    pub username: Option<String>,
    /// Its password. Required, also in an update: SDDC Manager does not return it.
    #[serde(
        deserialize_with = "lenient::secret",
        skip_serializing_if = "Option::is_none",
        serialize_with = "lenient::exposed"
    )]
    #[cfg_attr(feature = "contract", schemars(required))]
    pub password: Option<Secret>,
    /// Servers and base DNs. Required.
    #[serde(deserialize_with = "lenient::object", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "contract", schemars(with = "SourceDetails"))]
    pub source_details: Option<SourceDetails>,
    /// Unknown fields.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A directory's servers and base DNs; the same in requests and responses.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct SourceDetails {
    /// Base DN of the users. Required in a request.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub users_base_dn: Option<String>,
    /// Base DN of the groups. Required in a request.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub groups_base_dn: Option<String>,
    /// Trusted certificates of the servers; required if an endpoint is `ldaps://`.
    ///
    /// Each entry is the base64 of a PEM text, the form in the vendor's own samples (PowerVCF). PEM, and base64 of DER, are
    /// converted to it.
    #[serde(
        deserialize_with = "lenient::texts",
        skip_serializing_if = "Option::is_none",
        serialize_with = "cert_chain"
    )]
    pub cert_chain: Option<Vec<String>>,
    /// `ldap://host[:port]` or `ldaps://host[:port]`, at least one in a request.
    #[serde(deserialize_with = "lenient::texts", skip_serializing_if = "Option::is_none")]
    pub server_endpoints: Option<Vec<String>>,
    /// Unknown fields.
    #[serde(flatten)]
    pub extra: Extra,
}

/// An OpenID Connect client at the provider.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(extend("required" = ["clientId", "clientSecret", "discoveryEndpoint"])))]
pub struct OidcSpec {
    /// Its id. Required.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "contract", schemars(required))]
    pub client_id: Option<String>,
    /// Its secret. Required, in an update too.
    #[serde(
        deserialize_with = "lenient::secret",
        skip_serializing_if = "Option::is_none",
        serialize_with = "lenient::exposed"
    )]
    #[cfg_attr(feature = "contract", schemars(required))]
    pub client_secret: Option<Secret>,
    /// The discovery endpoint: `https://…/.well-known/openid-configuration`. Required.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "contract", schemars(required))]
    pub discovery_endpoint: Option<String>,
    /// Unknown fields.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A provider that pushes its users and groups (SCIM) and signs them in (OpenID Connect). VCF 5.1 and later.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(extend("required" = ["name", "directory", "oidcSpec"])))]
pub struct FederatedIdentityProviderSpec {
    /// Its display name. Required.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "contract", schemars(required))]
    pub name: Option<String>,
    /// The directory of its users. Required.
    #[serde(deserialize_with = "lenient::object", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "contract", schemars(with = "IdentityProviderDirectory"))]
    pub directory: Option<IdentityProviderDirectory>,
    /// The OpenID Connect client for its users. Required.
    #[serde(deserialize_with = "lenient::object", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "contract", schemars(with = "OidcSpec"))]
    pub oidc_spec: Option<OidcSpec>,
    /// The first SCIM token's lifetime in seconds. The vendor recommends the parameter of the sync-client call instead.
    #[serde(
        deserialize_with = "lenient::whole_number",
        rename = "syncClientTokenTTL",
        skip_serializing_if = "Option::is_none"
    )]
    pub sync_client_token_ttl: Option<i64>,
    /// Unknown fields.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The directory of a federated provider; the same in requests and responses.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct IdentityProviderDirectory {
    /// Its id, if it has one.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub directory_id: Option<String>,
    /// Its name, unique: letters of any language, digits, spaces, `_` and `-`. Required in a request.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The default domain. Required in a request.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub default_domain: Option<String>,
    /// All its domains. Required in a request.
    #[serde(deserialize_with = "lenient::texts", skip_serializing_if = "Option::is_none")]
    pub domains: Option<Vec<String>>,
    /// `OKTA`, `MICROSOFT_ENTRA_ID` or `PING_FEDERATE`. Required by VCF 5.2 and later, unknown to 5.1.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub federated_idp_source_type: Option<String>,
    /// Unknown fields.
    #[serde(flatten)]
    pub extra: Extra,
}

fn cert_chain<S: Serializer>(chain: &Option<Vec<String>>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(chain.iter().flatten().map(|entry| certificate::on_the_wire(entry, Form::Base64OfPem)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vcf::testing::compact;

    #[test]
    fn unknown_fields_are_preserved_at_every_level() {
        let json = r#"{"name":"n","type":"t","ldap":{"sourceDetails":{"a":1},"b":[null]},"oidc":{"c":{}},"fedIdpSpec":{"directory":{"d":"x"},"oidcSpec":{"e":-1},"f":1.5},"g":true}"#;
        let spec: IdentityProviderSpec = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&spec).unwrap(), json);
        let json = r#"{"name":"n","ldap":{"domainName":"d"},"h":"x"}"#;
        let spec: IdentitySourceSpec = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&spec).unwrap(), json);
    }

    #[test]
    fn secrets_appear_only_in_requests() {
        let json =
            r#"{"ldap":{"password":"hunter2","pin":"hunter2"},"oidc":{"clientSecret":"hunter2"},"token":"hunter2"}"#;
        let spec: IdentityProviderSpec = serde_json::from_str(json).unwrap();
        assert!(!format!("{spec:?}").contains("hunter2"), "{spec:?}");
        assert_eq!(serde_json::to_string(&spec).unwrap(), json);
    }

    #[test]
    fn federated_specification_keeps_the_vendors_spelling() {
        let json = include_str!("../../tests/fixtures/vcf/identity-provider-federated.request.json");
        let spec: IdentityProviderSpec = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&spec).unwrap(), compact(json));
        assert_eq!(spec.fed_idp_spec.unwrap().sync_client_token_ttl, Some(15_552_000));
    }
}

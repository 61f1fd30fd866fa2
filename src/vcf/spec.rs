//! What is sent to SDDC Manager: the models of the vendor's `IdentityProviderSpec` and `IdentitySourceSpec`.
//!
//! They are also what a caller sends to idhook, so nothing is required while reading: what is missing is told by
//! `validate`, everything at once and each thing by its place. Written down they hold their secrets, which is for the
//! wire alone. Names are the vendor's (VMware Cloud Foundation API, "Identity Providers"; `syncClientTokenTTL` has its
//! capitals there).

use serde::{Deserialize, Serialize, Serializer};

use crate::secret::Secret;
use crate::vcf::certificate;
use crate::vcf::extra::Extra;
use crate::vcf::lenient;

/// An external identity provider to be added, or the whole of one to be changed: there is no partial update.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(extend("required" = ["name", "type"])))]
pub struct IdentityProviderSpec {
    /// Its name for people. Required.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "contract", schemars(required))]
    pub name: Option<String>,
    /// Its kind. Required; the words are the server's business: the vendor publishes both `ActiveDirectory` and `AD_FS`
    /// for Microsoft ADFS.
    #[serde(deserialize_with = "lenient::text", rename = "type", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "contract", schemars(required))]
    pub kind: Option<String>,
    /// The root certificates by which the external server is trusted, in the form that an identity
    /// source's have.
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
    /// What else was given.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A directory to be added to the embedded identity provider, or the whole of one to be changed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(extend("required" = ["name", "ldap"])))]
pub struct IdentitySourceSpec {
    /// Its name for people. Required.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "contract", schemars(required))]
    pub name: Option<String>,
    /// The directory. Required.
    #[serde(deserialize_with = "lenient::object", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "contract", schemars(with = "LdapSpec"))]
    pub ldap: Option<LdapSpec>,
    /// What else was given.
    #[serde(flatten)]
    pub extra: Extra,
}

/// How to reach a directory.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(extend("required" = ["username", "password", "sourceDetails"])))]
pub struct LdapSpec {
    /// `ActiveDirectory` or `OpenLdap`. Required for an identity source; the vendor's own examples leave it out for an
    /// external provider.
    #[serde(deserialize_with = "lenient::text", rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The domain's name. Required for an identity source, which is known by it ever after.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub domain_name: Option<String>,
    /// Another name for the domain: the NetBIOS name of an Active Directory.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub domain_alias: Option<String>,
    /// Who asks the directory: `user@domain`, `DOMAIN\user` or a distinguished name. Required.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "contract", schemars(required))]
    pub username: Option<String>,
    /// Its password. Required, in an update too: SDDC Manager does not give it back.
    #[serde(deserialize_with = "lenient::secret", skip_serializing_if = "Option::is_none", serialize_with = "exposed")]
    #[cfg_attr(feature = "contract", schemars(required))]
    pub password: Option<Secret>,
    /// Servers and base names. Required.
    #[serde(deserialize_with = "lenient::object", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "contract", schemars(with = "SourceDetails"))]
    pub source_details: Option<SourceDetails>,
    /// What else was given.
    #[serde(flatten)]
    pub extra: Extra,
}

/// Where a directory's servers are and where to look in it. Requests and answers hold it alike.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct SourceDetails {
    /// Base name of the users. Required in a request.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub users_base_dn: Option<String>,
    /// Base name of the groups. Required in a request.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub groups_base_dn: Option<String>,
    /// Certificates by which the servers are trusted; required once an endpoint is `ldaps://`.
    ///
    /// Each entry is the base64 of a PEM text, which is the form the vendor's own samples (PowerVCF) hold. An entry that
    /// is PEM itself, or base64 of DER, is turned into that form when it is written down.
    #[serde(
        deserialize_with = "lenient::texts",
        skip_serializing_if = "Option::is_none",
        serialize_with = "cert_chain"
    )]
    pub cert_chain: Option<Vec<String>>,
    /// `ldap://host[:port]` or `ldaps://host[:port]`, at least one in a request.
    #[serde(deserialize_with = "lenient::texts", skip_serializing_if = "Option::is_none")]
    pub server_endpoints: Option<Vec<String>>,
    /// What else there is.
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
    #[serde(deserialize_with = "lenient::secret", skip_serializing_if = "Option::is_none", serialize_with = "exposed")]
    #[cfg_attr(feature = "contract", schemars(required))]
    pub client_secret: Option<Secret>,
    /// Where the provider describes itself: `https://…/.well-known/openid-configuration`. Required.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "contract", schemars(required))]
    pub discovery_endpoint: Option<String>,
    /// What else was given.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A provider that pushes its users and groups (SCIM) and signs them in (OpenID Connect). VCF 5.1 and later.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(extend("required" = ["name", "directory", "oidcSpec"])))]
pub struct FederatedIdentityProviderSpec {
    /// Its name for people. Required.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "contract", schemars(required))]
    pub name: Option<String>,
    /// The directory its users go to. Required.
    #[serde(deserialize_with = "lenient::object", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "contract", schemars(with = "IdentityProviderDirectory"))]
    pub directory: Option<IdentityProviderDirectory>,
    /// The client that signs them in. Required.
    #[serde(deserialize_with = "lenient::object", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "contract", schemars(with = "OidcSpec"))]
    pub oidc_spec: Option<OidcSpec>,
    /// How long the first SCIM token lives, in seconds. The vendor would rather see it asked of the sync-client call.
    #[serde(
        deserialize_with = "lenient::whole_number",
        rename = "syncClientTokenTTL",
        skip_serializing_if = "Option::is_none"
    )]
    pub sync_client_token_ttl: Option<i64>,
    /// What else was given.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The directory of a federated provider. Requests and answers hold it alike.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct IdentityProviderDirectory {
    /// Its id, once it has one.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub directory_id: Option<String>,
    /// Its name, unique: letters of any language, digits, spaces, `_` and `-`. Required in a request.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The domain taken when none is named. Required in a request.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub default_domain: Option<String>,
    /// All its domains. Required in a request.
    #[serde(deserialize_with = "lenient::texts", skip_serializing_if = "Option::is_none")]
    pub domains: Option<Vec<String>>,
    /// `OKTA`, `MICROSOFT_ENTRA_ID` or `PING_FEDERATE`. VCF 5.2 and later ask for it, 5.1 does not know it.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub federated_idp_source_type: Option<String>,
    /// What else there is.
    #[serde(flatten)]
    pub extra: Extra,
}

fn exposed<S: Serializer>(secret: &Option<Secret>, serializer: S) -> Result<S::Ok, S::Error> {
    match secret {
        Some(secret) => Secret::serialize_exposed(secret, serializer),
        None => serializer.serialize_none(),
    }
}

fn cert_chain<S: Serializer>(chain: &Option<Vec<String>>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(chain.iter().flatten().map(|entry| certificate::on_the_wire(entry)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vcf::testing::compact;

    #[test]
    fn unknown_fields_are_carried_through_at_every_level() {
        let json = r#"{"name":"n","type":"t","ldap":{"sourceDetails":{"a":1},"b":[null]},"oidc":{"c":{}},"fedIdpSpec":{"directory":{"d":"x"},"oidcSpec":{"e":-1},"f":1.5},"g":true}"#;
        let spec: IdentityProviderSpec = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&spec).unwrap(), json);
        let json = r#"{"name":"n","ldap":{"domainName":"d"},"h":"x"}"#;
        let spec: IdentitySourceSpec = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&spec).unwrap(), json);
    }

    #[test]
    fn secrets_are_for_the_wire_alone() {
        let json =
            r#"{"ldap":{"password":"hunter2","pin":"hunter2"},"oidc":{"clientSecret":"hunter2"},"token":"hunter2"}"#;
        let spec: IdentityProviderSpec = serde_json::from_str(json).unwrap();
        assert!(!format!("{spec:?}").contains("hunter2"), "{spec:?}");
        assert_eq!(serde_json::to_string(&spec).unwrap(), json);
    }

    #[test]
    fn a_federated_specification_keeps_the_vendors_spelling() {
        let json = include_str!("../../tests/fixtures/vcf/identity-provider-federated.request.json");
        let spec: IdentityProviderSpec = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&spec).unwrap(), compact(json));
        assert_eq!(spec.fed_idp_spec.unwrap().sync_client_token_ttl, Some(15_552_000));
    }
}

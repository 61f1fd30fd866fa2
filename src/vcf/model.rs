//! SDDC Manager's responses. No field is required (the vendor requires next to none), and unknown fields are preserved: a
//! newer server must not break a reader.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::change::{Extra, etag, lenient};
use crate::json;
use crate::secret::Secret;
use crate::vcf::DomainName;
use crate::vcf::spec::{IdentityProviderDirectory, SourceDetails};

/// All identity providers (the vendor's `PageOfIdentityProvider`; paging cannot be requested).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct IdentityProviders {
    /// The providers.
    #[serde(default, deserialize_with = "null_is_default")]
    pub elements: Vec<IdentityProvider>,
    /// The paging, if the server reports it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_metadata: Option<PageMetadata>,
    /// Unknown fields.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The paging of a list.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct PageMetadata {
    /// This page's number.
    #[serde(deserialize_with = "lenient::whole_number", skip_serializing_if = "Option::is_none")]
    pub page_number: Option<i64>,
    /// The number of elements on this page.
    #[serde(deserialize_with = "lenient::whole_number", skip_serializing_if = "Option::is_none")]
    pub page_size: Option<i64>,
    /// The total number of elements.
    #[serde(deserialize_with = "lenient::whole_number", skip_serializing_if = "Option::is_none")]
    pub total_elements: Option<i64>,
    /// The number of pages.
    #[serde(deserialize_with = "lenient::whole_number", skip_serializing_if = "Option::is_none")]
    pub total_pages: Option<i64>,
    /// Unknown fields.
    #[serde(flatten)]
    pub extra: Extra,
}

/// An identity provider.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct IdentityProvider {
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its display name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its kind: `Embedded`, `Microsoft ADFS`, others for federated ones.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The domains of an external one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain_names: Option<Vec<String>>,
    /// The directories of the embedded one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_sources: Option<Vec<IdentitySource>>,
    /// The directory behind an ADFS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ldap: Option<LdapInfo>,
    /// The ADFS itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oidc: Option<OidcInfo>,
    /// `active` or `inactive`, in lower or upper case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// SDDC Manager's message about managing it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idp_message: Option<String>,
    /// A federated provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fed_idp: Option<FederatedIdentityProviderInfo>,
    /// The tag of its readable state, for `If-Match`; idhook adds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// Unknown fields.
    #[serde(flatten)]
    pub extra: Extra,
}

impl IdentityProvider {
    /// Whether this is the built-in provider, which contains the identity sources.
    #[must_use]
    pub fn is_embedded(&self) -> bool {
        self.kind.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("embedded"))
    }

    /// The same with the tag of its state and those of its sources.
    #[must_use]
    pub(super) fn tagged(mut self) -> Self {
        for source in self.identity_sources.iter_mut().flatten() {
            source.etag = etag(source);
        }
        self.etag = etag(&self);
        self
    }
}

/// A directory of the embedded provider (the vendor's `VcIdentitySources`).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct IdentitySource {
    /// Its display name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `SystemDomain`, `LocalOs`, `ActiveDirectory`, `OpenLdap`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Its domains; one of them identifies it for updates and deletion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain_names: Option<Vec<String>>,
    /// The connection to the directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ldap: Option<LdapInfo>,
    /// The tag of its readable state, for `If-Match`; idhook adds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// Unknown fields.
    #[serde(flatten)]
    pub extra: Extra,
}

impl IdentityProvider {
    /// Whether it must have identity sources, but shows no list of them.
    pub(crate) fn hides_sources(&self) -> bool {
        self.is_embedded() && self.identity_sources.is_none()
    }

    /// The identity source of `domain` that it shows.
    pub(crate) fn source_of(&self, domain: &DomainName) -> Option<&IdentitySource> {
        self.identity_sources.iter().flatten().find(|source| source.has_domain(domain.as_str()))
    }
}

impl IdentitySource {
    /// Whether one of its domains has this name.
    #[must_use]
    pub(crate) fn has_domain(&self, name: &str) -> bool {
        self.domains().any(|domain| domain.eq_ignore_ascii_case(name))
    }

    /// The names of its domains.
    pub(crate) fn domains(&self) -> impl Iterator<Item = &str> {
        let own = self.ldap.as_ref().and_then(|ldap| ldap.domain_name.as_ref());
        self.domain_names.iter().flatten().chain(own).map(String::as_str)
    }
}

/// The connection to a directory. Its password is never returned.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct LdapInfo {
    /// `ActiveDirectory`, `OpenLdap`; `Oidc` behind an ADFS.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The domain's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain_name: Option<String>,
    /// The domain's alias.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain_alias: Option<String>,
    /// The account that reads the directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Servers and base DNs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_details: Option<SourceDetails>,
    /// Unknown fields.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A provider's OpenID Connect settings. The secret is never returned.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct OidcInfo {
    /// The client's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The discovery endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discovery_endpoint: Option<String>,
    /// The authorization endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_endpoint: Option<String>,
    /// The client's authentication method: `CLIENT_SECRET_BASIC` and others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_method: Option<String>,
    /// The logout endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logout_endpoint: Option<String>,
    /// The issuer of the tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// The endpoint with the token signing keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_key_uri: Option<String>,
    /// The token endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint: Option<String>,
    /// Unknown fields.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A federated provider.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct FederatedIdentityProviderInfo {
    /// Its display name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `OKTA`, `MICROSOFT_ENTRA_ID`, `PING_FEDERATE`; VCF 5.1.1 uses `AZURE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Its directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directory_list: Option<DirectoryList>,
    /// The OpenID Connect client for its users.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oidc_info: Option<OidcInfo>,
    /// The lifetime of its SCIM token, in seconds.
    #[serde(
        rename = "syncClientTokenTTL",
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "whole_number"
    )]
    pub sync_client_token_ttl: Option<i64>,
    /// The description of its SCIM token, without the token itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sync_client_token_info: Option<SyncClientTokenInfo>,
    /// Unknown fields.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The vendor's `directoryList`: one object in its specification, a list by its name. Both are read.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(rename = "IdentityProviderDirectories"))]
pub enum DirectoryList {
    /// As specified.
    One(Box<IdentityProviderDirectory>),
    /// As named.
    Many(Vec<IdentityProviderDirectory>),
}

impl<'de> Deserialize<'de> for DirectoryList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let read =
            if value.is_array() { json::read(&value).map(Self::Many) } else { json::read(&value).map(Self::One) };
        read.map_err(|_| D::Error::custom("neither a directory nor a list of directories"))
    }
}

/// The SCIM token in a provider's description. The token itself is a secret that readers of providers do not need: it is
/// skipped on reading and never written.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct SyncClientTokenInfo {
    /// Its lifetime in seconds when it was made.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "whole_number")]
    pub expire_in: Option<i64>,
    /// When it expires, in the server's words.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text")]
    pub expire_at: Option<String>,
    /// The token, never written from here.
    #[serde(default, skip_serializing, deserialize_with = "secret")]
    pub token: Option<Secret>,
    /// The endpoint to which users and groups are pushed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scim_url: Option<String>,
    /// Unknown fields.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A new SCIM token. The previous one is invalid now, so the caller must get this: it is written completely.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct SyncClientToken {
    /// The token.
    #[serde(serialize_with = "Secret::serialize_exposed")]
    pub token: Secret,
    /// Its lifetime in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expire_in: Option<i64>,
    /// When it expires, in the server's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expire_at: Option<String>,
    /// The endpoint to which users and groups are pushed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scim_url: Option<String>,
    /// Unknown fields.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The identity broker's check of a change of provider (the vendor's `IdentityProviderPrecheckResult`).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct PrecheckResult {
    /// `SUCCESS`, `WARNING` or `FAILURE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The findings. VCF 5.1.1 calls this `precheckInfo`.
    #[serde(skip_serializing_if = "Option::is_none", alias = "precheckInfo")]
    pub details: Option<Vec<PrecheckDetail>>,
    /// Unknown fields.
    #[serde(flatten)]
    pub extra: Extra,
}

/// One finding of a precheck.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct PrecheckDetail {
    /// The name of the check.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The finding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Unknown fields.
    #[serde(flatten)]
    pub extra: Extra,
}

/// SDDC Manager's own OpenID Connect client (the vendor's `SDDCManagerOidcInfo`).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct SddcManagerOidc {
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oidc_client_id: Option<String>,
    /// The authorization endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oidc_authorization_endpoint: Option<String>,
    /// The logout endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oidc_end_session_endpoint: Option<String>,
    /// The kind of the current provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idp_type: Option<String>,
    /// Its source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Unknown fields.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A provider that was added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddedProvider {
    /// Its id, if the response contains one.
    pub id: Option<String>,
    /// The response's text, if it is not an id.
    pub message: Option<String>,
}

pub(super) fn null_is_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// A string, or a number where the vendor uses both ("the seconds at which the token expires", of type string).
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => Some(text),
        Value::Null => None,
        other => Some(other.to_string()),
    })
}

/// A whole number or a string of one; any other value is ignored.
pub(super) fn whole_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    })
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    Ok(text(deserializer)?.map(Secret::new))
}

#[cfg(test)]
mod tests;

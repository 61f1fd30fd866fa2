//! What SDDC Manager answers with. Nothing in it is required (the vendor requires next to nothing either), and what has no
//! name here is carried through: a newer server must not make a reader fail.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::json;
use crate::secret::Secret;
use crate::vcf::extra::Extra;
use crate::vcf::spec::{IdentityProviderDirectory, SourceDetails};

/// All identity providers (the vendor's `PageOfIdentityProvider`; nothing can be asked for page by page).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct IdentityProviders {
    /// The providers.
    #[serde(default, deserialize_with = "null_is_default")]
    pub elements: Vec<IdentityProvider>,
    /// How the list is cut, where the server says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_metadata: Option<PageMetadata>,
    /// What else there is.
    #[serde(flatten)]
    pub extra: Extra,
}

/// How a list is cut.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct PageMetadata {
    /// This page's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_number: Option<i64>,
    /// How many are on this page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_size: Option<i64>,
    /// How many there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_elements: Option<i64>,
    /// How many pages there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_pages: Option<i64>,
    /// What else there is.
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
    /// Its name for people.
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
    /// `active` or `inactive`, in small or capital letters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// What SDDC Manager has to say about managing it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idp_message: Option<String>,
    /// A federated provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fed_idp: Option<FederatedIdentityProviderInfo>,
    /// What else there is.
    #[serde(flatten)]
    pub extra: Extra,
}

impl IdentityProvider {
    /// Whether this is the built-in one, which holds the identity sources.
    #[must_use]
    pub fn is_embedded(&self) -> bool {
        self.kind.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("embedded"))
    }

    /// Whether this is the one in use.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.status.as_deref().is_some_and(|status| status.eq_ignore_ascii_case("active"))
    }
}

/// A directory of the embedded provider (the vendor's `VcIdentitySources`).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct IdentitySource {
    /// Its name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `SystemDomain`, `LocalOs`, `ActiveDirectory`, `OpenLdap`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Its domains; by one of these it is changed and deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain_names: Option<Vec<String>>,
    /// How it is reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ldap: Option<LdapInfo>,
    /// What else there is.
    #[serde(flatten)]
    pub extra: Extra,
}

/// How a directory is reached. Its password is never given back.
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
    /// Its other name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain_alias: Option<String>,
    /// Who asks the directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Servers and base names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_details: Option<SourceDetails>,
    /// What else there is.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The OpenID Connect side of a provider. Its secret is never given back.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct OidcInfo {
    /// The client's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Where the provider describes itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discovery_endpoint: Option<String>,
    /// Where users sign in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_endpoint: Option<String>,
    /// How the client proves itself: `CLIENT_SECRET_BASIC` and the like.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_method: Option<String>,
    /// Where users sign out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logout_endpoint: Option<String>,
    /// Who issues the tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// Where the keys are that the tokens are signed with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_key_uri: Option<String>,
    /// Where tokens are had.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint: Option<String>,
    /// What else there is.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A federated provider.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct FederatedIdentityProviderInfo {
    /// Its name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `OKTA`, `MICROSOFT_ENTRA_ID`, `PING_FEDERATE`; VCF 5.1.1 says `AZURE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Its directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directory_list: Option<DirectoryList>,
    /// The client that signs its users in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oidc_info: Option<OidcInfo>,
    /// How long its SCIM token lives, in seconds.
    #[serde(rename = "syncClientTokenTTL", skip_serializing_if = "Option::is_none")]
    pub sync_client_token_ttl: Option<i64>,
    /// Its SCIM token, of which all but the token itself is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sync_client_token_info: Option<SyncClientTokenInfo>,
    /// What else there is.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The vendor's `directoryList`, which its specification makes one object and its name makes many. Both are read.
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
        read.map_err(|_| D::Error::custom("neither a directory nor a list of them"))
    }
}

/// The SCIM token as a provider's description holds it. The token itself is a secret that whoever may read providers
/// need not know: it is read over and never written down.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct SyncClientTokenInfo {
    /// The seconds it had to live when it was made.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "whole_number")]
    pub expire_in: Option<i64>,
    /// When it expires, in the server's words.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text")]
    pub expire_at: Option<String>,
    /// The token, never written down from here.
    #[serde(default, skip_serializing, deserialize_with = "secret")]
    pub token: Option<Secret>,
    /// Where users and groups are pushed to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scim_url: Option<String>,
    /// What else there is.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A new SCIM token. The one before it is void from now on, so this must reach whoever asked: written down, it is whole.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct SyncClientToken {
    /// The token.
    #[serde(serialize_with = "Secret::serialize_exposed")]
    pub token: Secret,
    /// The seconds it has to live.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expire_in: Option<i64>,
    /// When it expires, in the server's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expire_at: Option<String>,
    /// Where users and groups are pushed to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scim_url: Option<String>,
    /// What else there is.
    #[serde(flatten)]
    pub extra: Extra,
}

/// What the identity broker thinks of a change of provider (the vendor's `IdentityProviderPrecheckResult`).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct PrecheckResult {
    /// `SUCCESS`, `WARNING` or `FAILURE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// What was found. VCF 5.1.1 calls this `precheckInfo`.
    #[serde(skip_serializing_if = "Option::is_none", alias = "precheckInfo")]
    pub details: Option<Vec<PrecheckDetail>>,
    /// What else there is.
    #[serde(flatten)]
    pub extra: Extra,
}

/// One finding of a precheck.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct PrecheckDetail {
    /// What was checked.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// What there is to say about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What else there is.
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
    /// Where users sign in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oidc_authorization_endpoint: Option<String>,
    /// Where users sign out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oidc_end_session_endpoint: Option<String>,
    /// The kind of the present provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idp_type: Option<String>,
    /// Its source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What else there is.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A provider that was added.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct AddedProvider {
    /// Its id, where the answer holds one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What the answer says otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// An identity source that was added.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct AddedSource {
    /// What the answer says; versions differ in whether it says anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

fn null_is_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// A text, or a number where the vendor cannot decide ("the seconds at which the token expires", of type string).
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => Some(text),
        Value::Null => None,
        other => Some(other.to_string()),
    })
}

/// A whole number, written as one or as a text; anything else is not worth failing for.
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

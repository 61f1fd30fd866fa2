//! VCF Operations of VMware Cloud Foundation 9.1 and later, whose fleet management configures VCF single sign-on: realms,
//! their identity providers, and the LDAP directories of the identity broker (vIDB) with their syncs.
//!
//! The calls are those of the VCF Operations API 9.1.0 and 9.1.1, tag "IAM APIs", below `/suite-api`. Its OpenAPI document
//! declares no error of any of them, and the vendor's own examples leave out required fields. So every field of a response
//! may be missing here, and an unknown word is kept as it is.
//!
//! Each endpoint has its own file; [`Client`] combines them.

mod add_to_profile;
mod api;
mod api_tokens;
mod client;
mod directories;
mod directory_filter;
mod directory_query;
mod dn_proof;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod items;
mod locate;
mod login;
mod node_status;
mod principal_query;
mod proof;
mod provider;
mod provision;
mod realms;
mod selection;
mod sync_logs;
mod sync_profile;
mod sync_start;
mod syncs;
#[cfg(test)]
mod testing;
mod version;

use std::rc::Rc;

use crate::directory::CachedList;
use crate::secret::Secret;
use crate::upstream::Endpoint as _;
use crate::upstream::{Account, BaseUrl, Recent, TokenCache};

pub use add_to_profile::{DirectoryIds, ProfileAddition};
pub use api_tokens::ListedApiToken;
pub use client::Client;
pub use directories::{Directory, RealmName};
pub use directory_filter::DirectoryFilter;
pub use principal_query::Group;
pub use provider::{
    AccessTokenDetails, DomainController, FederatedIdentityProvider, IamTask, IdentityProviders, IdpConfig,
    IdpDirectory, LdapBindConfiguration, LdapConfiguration, OidcConfiguration, ProvisioningConfig, RealmProvider,
    ResourceId, SamlAttributeMapping, SamlConfiguration, SamlMetadata, SamlMetadataContent, ScimClientDetails,
    ScimSyncClient, TokenTtl,
};
pub use provision::Provisioning;
pub use realms::Realm;
pub use version::Version;

/// The calls of a login, as errors and records name them.
pub(crate) const LOGIN_CALLS: [&str; 3] =
    [login::AcquireToken::CALL, login::GetWellKnownUrl::CALL, login::ExchangeApiToken::CALL];

/// One VCF Operations.
#[derive(Debug, Clone)]
pub struct Target {
    /// Its name in routes, errors and the log.
    pub name: String,
    /// Scheme, host and port.
    pub url: BaseUrl,
    /// How to log in.
    pub credentials: Credentials,
}

/// How to log in.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// An account of VCF Operations itself, or of Active Directory (as `DOMAIN\user`, or its DN). An account of VCF single
    /// sign-on or of vCenter cannot log in this way.
    Account {
        /// User name.
        username: String,
        /// Password.
        password: Secret,
        /// The name of the account's source in VCF Operations; without it, the server's default.
        auth_source: Option<String>,
    },
    /// An API token, which the identity broker exchanges for a short-lived token.
    ApiToken {
        /// The API token.
        token: Secret,
        /// The identity broker; without it, VCF Operations is asked for it.
        broker: Option<BaseUrl>,
    },
}

impl Target {
    /// The parts that identify this target: a token or list from it is worthless once any of them changes. None is secret.
    pub(crate) fn identity(&self) -> Vec<String> {
        let mut parts = vec![self.url.origin()];
        parts.extend(match &self.credentials {
            Credentials::Account { username, auth_source, .. } => [
                "account".to_owned(),
                username.to_lowercase(),
                auth_source.as_deref().unwrap_or_default().to_lowercase(),
            ],
            Credentials::ApiToken { broker, .. } => {
                ["token".to_owned(), broker.as_ref().map(BaseUrl::origin).unwrap_or_default(), String::new()]
            }
        });
        parts
    }

    /// The account that logins count against.
    pub(crate) fn account(&self) -> Account<'_> {
        let login_call = match &self.credentials {
            Credentials::Account { .. } => login::AcquireToken::CALL,
            Credentials::ApiToken { .. } => login::ExchangeApiToken::CALL,
        };
        Account::new("fleet", &self.name, login_call, self.identity(), self.credentials.secrets())
    }
}

impl Credentials {
    /// Its secret texts.
    #[must_use]
    pub fn secrets(&self) -> Vec<&Secret> {
        match self {
            Self::Account { password, .. } => vec![password],
            Self::ApiToken { token, .. } => vec![token],
        }
    }
}

/// Kept between pieces of work: the session with one target, its directories and its version. One per target; lives as long
/// as the instance.
#[derive(Debug, Default)]
pub struct Cache {
    session: Rc<TokenCache>,
    list: CachedList<Directory>,
    version: Recent<Version>,
}

impl Cache {
    /// A cache with this token cache, which targets of the same account share.
    pub(crate) fn with_session(session: Rc<TokenCache>) -> Self {
        Self { session, ..Self::default() }
    }
}

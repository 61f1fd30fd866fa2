//! VMware Identity Manager, later Workspace ONE Access, now Omnissa Access: login, directories, sync, groups, health.
//!
//! The calls that sync a directory are in no public reference. They are known from VMware's own tools and modules (priam,
//! PowerValidatedSolutions), from public scripts, and from the article "Manual Sync of vIDM via API"; each endpoint names
//! its source. If a response is not documented anywhere, its reader accepts any form and keeps the vendor's words.
//!
//! Each endpoint has its own file; [`Client`] combines them.

mod add_to_profile;
mod api;
mod cache;
mod client;
mod connectors;
mod dialect;
mod directories;
mod directory_filter;
mod directory_groups;
mod domains;
mod dry_run;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod groups;
mod health;
mod locate;
mod login;
mod proof;
mod scim;
mod scim_filter;
mod scim_search;
mod selection;
mod start;
mod sync_executions;
mod sync_profile;
mod sync_report;
mod sync_start;
mod sync_state;
#[cfg(test)]
mod tests;
mod users;

use crate::secret::{Scheme, Secret};
use crate::upstream::Account;
use crate::upstream::BaseUrl;
use crate::upstream::Endpoint as _;

pub use add_to_profile::ProfileAddition;
pub use cache::Cache;
pub use client::Client;
pub use dialect::Dialect;
pub use directories::{Directory, DirectoryKind};
pub use directory_filter::DirectoryFilter;
pub use groups::Group;
pub use health::{Check, Health};
pub use locate::Located;

/// The login calls, as errors and records name them.
pub(crate) const LOGIN_CALLS: [&str; 2] = [login::SystemLogin::CALL, login::OauthToken::CALL];

/// One vIDM tenant.
#[derive(Debug, Clone)]
pub struct Target {
    /// Its name in routes, errors and the log.
    pub name: String,
    /// Scheme, host and port.
    pub url: BaseUrl,
    /// The tenant, if it is in the path (`/SAAS/t/{tenant}`); `None` if it is in the host name.
    pub tenant: Option<String>,
    /// How to log in.
    pub credentials: Credentials,
    /// Paths and media types.
    pub dialect: Dialect,
    /// Which call starts a sync.
    pub sync_api: SyncApi,
}

/// How to log in.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// A local account of the System Domain.
    System {
        /// User name.
        username: String,
        /// Password.
        password: Secret,
        /// The token's scheme.
        scheme: Scheme,
    },
    /// An OAuth client with the grant `client_credentials`.
    Client {
        /// Client id.
        id: String,
        /// Client secret.
        secret: Secret,
    },
    /// A domain account, through an OAuth client with the grant `password`.
    Password {
        /// Client id.
        client_id: String,
        /// Client secret.
        client_secret: Secret,
        /// User name, without its domain.
        username: String,
        /// Password.
        password: Secret,
        /// The account's domain.
        domain: String,
    },
}

impl Target {
    /// The parts that identify this target: a token or list from it is worthless once any of them changes. None is secret.
    ///
    /// Accounts are in lower case, because vIDM counts failures of `Admin` and `admin` together. The client of a password
    /// grant is not included: the account gets locked.
    pub(crate) fn identity(&self) -> Vec<String> {
        let mut parts = vec![self.url.origin(), self.tenant.clone().unwrap_or_default()];
        parts.extend(match &self.credentials {
            Credentials::System { username, .. } => ["system".to_owned(), username.to_lowercase(), String::new()],
            Credentials::Client { id, .. } => ["client".to_owned(), id.clone(), String::new()],
            Credentials::Password { username, domain, .. } => {
                ["password".to_owned(), username.to_lowercase(), domain.to_lowercase()]
            }
        });
        parts
    }

    /// The account that logins count against.
    pub(crate) fn account(&self) -> Account<'_> {
        let login_call = match &self.credentials {
            Credentials::System { .. } => login::SystemLogin::CALL,
            Credentials::Client { .. } | Credentials::Password { .. } => login::OauthToken::CALL,
        };
        Account::new("vidm", &self.name, login_call, self.identity(), self.credentials.secrets())
    }
}

impl Credentials {
    /// Its secret texts.
    #[must_use]
    pub fn secrets(&self) -> Vec<&Secret> {
        match self {
            Self::System { password, .. } => vec![password],
            Self::Client { secret, .. } => vec![secret],
            Self::Password { client_secret, password, .. } => vec![client_secret, password],
        }
    }
}

/// Which call starts a sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncApi {
    /// The one that the directory accepts: v2 first if it was migrated to the enterprise service, else classic first.
    Auto,
    /// The classic connector's.
    Classic,
    /// The enterprise service's.
    V2,
}

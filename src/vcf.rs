//! SDDC Manager of VMware Cloud Foundation: tokens, identity providers and their identity sources.
//!
//! The calls are those of the VMware Cloud Foundation API reference, chapters "Tokens" and "Identity Providers" (since VCF
//! 4.5), and those of the identity broker (since 5.1). Since VCF 9.0 all are marked deprecated, but still exist. SDDC
//! Manager manages only the management domain's sign-in; other domains use the vSphere Client.
//!
//! A [`Client`] is a view for one piece of work; the token outlives it in [`Cache`], one for each [`Target`].

mod checked;
mod compare;
mod error;
mod expiry;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod gateway;
mod identity_broker;
mod identity_providers;
mod identity_sources;
mod login;
mod model;
mod names;
mod page;
mod part;
mod provider_ref;
mod roles;
mod sddc_managers;
mod spec;
mod sso_domains;
#[cfg(test)]
mod testing;
mod text;
mod tokens;
mod users;
mod validate;
mod version;
mod wsas;

use std::cell::RefCell;
use std::rc::Rc;

use bytes::Bytes;
use http::StatusCode;

pub(crate) use identity_broker::NO_TOKEN;
pub use identity_broker::TokenLifetime;
pub use model::{
    AddedProvider, DirectoryList, FederatedIdentityProviderInfo, IdentityProvider, IdentityProviders, IdentitySource,
    LdapInfo, OidcInfo, PageMetadata, PrecheckDetail, PrecheckResult, SddcManagerOidc, SyncClientToken,
    SyncClientTokenInfo,
};
pub use names::{DomainName, ProviderId};
pub use part::{NewCertificates, NewClientSecret, NewCredentials};
pub(crate) use provider_ref::ProviderRef;
pub(crate) use roles::Role;
pub use sddc_managers::{DomainReference, SddcManager, SddcManagers};
pub use spec::{
    FederatedIdentityProviderSpec, IdentityProviderDirectory, IdentityProviderSpec, IdentitySourceSpec, LdapSpec,
    OidcSpec, SourceDetails,
};
pub(crate) use sso_domains::SsoEntity;
pub(crate) use users::{NewGroup, User, UserId};

pub use crate::certificate::CertificateFacts;
pub use crate::change::{Change, ChangeOutcome, Checked, Difference, Extra, Outcome, PutOptions};
use crate::error::{Error, ErrorCode, Result, UpstreamEvidence};
use crate::runtime::Runtime;
use crate::secret::{AccessToken, Secret};
use crate::upstream::{Account, SharedToken, TokenCache};
use crate::upstream::{Api, Endpoint};
use crate::upstream::{BaseUrl, Destination, Outbound, Prepared, Recent};
pub(crate) use version::Version;
use version::Versioned;
pub(crate) use wsas::WorkspaceOneAccess;

/// The media type of all bodies, in both directions.
const JSON: &str = "application/json";

/// The hint if a server does not know a call.
const SINCE_5_1: &str =
    "SDDC Manager has this call since VCF 5.1 (sddc-manager-oidc since 5.2): check its version and the id";

/// The hint if a new token is rejected; a rejected login has its own.
const TOKEN_REFUSED: &str = "SDDC Manager rejects a token that it has just issued: check the account's role there (ADMIN, to \
                             change identity providers) and SDDC Manager's clock";

/// The calls that create, refresh or end tokens, as errors and records name them.
pub(crate) const LOGIN_CALLS: [&str; 3] = [tokens::Create::CALL, tokens::Refresh::CALL, tokens::Revoke::CALL];

/// One SDDC Manager.
#[derive(Debug, Clone)]
pub struct Target {
    /// Its name in the configuration.
    pub name: String,
    /// Its base URL.
    pub url: BaseUrl,
    /// The account.
    pub credentials: Credentials,
}

/// How to log in.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// An account of SDDC Manager.
    Account {
        /// Its name with domain: `administrator@vsphere.local`.
        username: String,
        /// Its password.
        password: Secret,
    },
    /// The id of a refresh token that an administrator made: works until it expires or is revoked, 24 hours by the vendor's
    /// samples. idhook does not revoke it.
    RefreshToken(Secret),
}

impl Target {
    /// The parts that identify the account. None is secret: a refresh token's is its digest. vCenter SSO does not distinguish
    /// `Administrator` and `administrator`.
    pub(crate) fn identity(&self) -> Vec<String> {
        let account = match &self.credentials {
            Credentials::Account { username, .. } => username.to_lowercase(),
            Credentials::RefreshToken(token) => login::digest(token),
        };
        vec![self.url.origin(), account]
    }

    /// The account that logins count against.
    pub(crate) fn account(&self) -> Account<'_> {
        let login_call = match self.credentials {
            Credentials::Account { .. } => tokens::Create::CALL,
            Credentials::RefreshToken(_) => tokens::Refresh::CALL,
        };
        Account::new("vcf", &self.name, login_call, self.identity(), vec![self.credentials.secret()])
    }
}

/// Whether a text can be the id of a refresh token.
pub(crate) fn is_refresh_token(token: &Secret) -> bool {
    tokens::is_token(token.expose())
}

impl Credentials {
    /// Its secret text.
    #[must_use]
    pub fn secret(&self) -> &Secret {
        match self {
            Self::Account { password, .. } => password,
            Self::RefreshToken(token) => token,
        }
    }
}

/// Kept between pieces of work: the session with one target, its version, and the id of its Embedded provider.
#[derive(Debug, Default)]
pub struct Cache {
    session: Rc<TokenCache>,
    version: Recent<Version>,
    embedded: RefCell<Option<ProviderId>>,
}

impl Cache {
    /// A cache with this token cache, which targets of the same account share.
    pub(crate) fn with_session(session: Rc<TokenCache>) -> Self {
        Self { session, ..Self::default() }
    }
}

/// SDDC Manager's API.
#[derive(Debug, Clone, Copy)]
pub enum Vcf {}

impl Api for Vcf {
    /// Paths and media types are the same in all versions.
    type Dialect = ();

    fn read_error(body: &[u8]) -> Option<UpstreamEvidence> {
        error::read(body)
    }
}

/// One piece of work's view of SDDC Manager.
#[derive(Debug)]
pub struct Client<'a, R> {
    target: &'a Target,
    cache: &'a Cache,
    out: &'a Outbound<'a, R>,
}

impl<'a, R: Runtime> Client<'a, R> {
    /// A view of `target` that keeps its tokens in `cache` and calls through `out`.
    pub fn new(target: &'a Target, cache: &'a Cache, out: &'a Outbound<'a, R>) -> Self {
        Self { target, cache, out }
    }

    /// All identity providers, including the embedded one with its identity sources.
    ///
    /// # Errors
    /// As any upstream call.
    pub async fn identity_providers(&self) -> Result<IdentityProviders> {
        let list = self.versioned(&identity_providers::List).await?;
        self.remember(&list.elements);
        Ok(list)
    }

    /// One identity provider.
    ///
    /// # Errors
    /// As any upstream call.
    pub async fn identity_provider(&self, id: &ProviderId) -> Result<IdentityProvider> {
        let provider = self.versioned(&identity_providers::Get { id }).await?;
        self.remember(std::slice::from_ref(&provider));
        Ok(provider)
    }

    /// The SDDC Managers that this one knows, itself among them, with their versions.
    ///
    /// # Errors
    /// As any upstream call.
    pub async fn sddc_managers(&self) -> Result<SddcManagers> {
        let managers = self.call(&sddc_managers::List).await?;
        self.learn_version(&managers);
        Ok(managers)
    }

    /// Adds an external identity provider.
    ///
    /// # Errors
    /// As any upstream call.
    pub async fn add_identity_provider(&self, spec: &Checked<IdentityProviderSpec>) -> Result<AddedProvider> {
        self.versioned(&identity_providers::Add { spec: spec.spec() }).await
    }

    /// Changes an external identity provider; `spec` is the complete specification, secrets included.
    ///
    /// # Errors
    /// As any upstream call.
    pub async fn update_identity_provider(&self, id: &ProviderId, spec: &Checked<IdentityProviderSpec>) -> Result<()> {
        self.versioned(&identity_providers::Update { id, spec: spec.spec() }).await
    }

    /// Deletes an external identity provider.
    ///
    /// # Errors
    /// As any upstream call.
    pub async fn delete_identity_provider(&self, id: &ProviderId) -> Result<()> {
        self.versioned(&identity_providers::Delete { id }).await
    }

    /// Adds an identity source to the embedded provider, whose id is in the list of providers. Returns the response's text;
    /// some versions send one.
    ///
    /// # Errors
    /// As any upstream call.
    pub async fn add_identity_source(
        &self,
        provider: &ProviderId,
        spec: &Checked<IdentitySourceSpec>,
    ) -> Result<Option<String>> {
        self.versioned(&identity_sources::Add { provider, spec: spec.spec() }).await
    }

    /// Changes the identity source of `domain_name`; `spec` is the complete specification, its password included.
    ///
    /// # Errors
    /// As any upstream call.
    pub async fn update_identity_source(
        &self,
        provider: &ProviderId,
        domain_name: &DomainName,
        spec: &Checked<IdentitySourceSpec>,
    ) -> Result<()> {
        self.versioned(&identity_sources::Update { provider, domain_name, spec: spec.spec() }).await
    }

    /// Deletes the identity source of `domain_name`.
    ///
    /// # Errors
    /// As any upstream call.
    pub async fn delete_identity_source(&self, provider: &ProviderId, domain_name: &DomainName) -> Result<()> {
        self.versioned(&identity_sources::Delete { provider, domain_name }).await
    }

    /// Makes a new SCIM token for a federated provider; the previous one becomes invalid. VCF 5.1 and later. `None` if the response
    /// does not contain it.
    ///
    /// # Errors
    /// As any upstream call.
    pub async fn generate_sync_client_token(
        &self,
        id: &ProviderId,
        lifetime: Option<TokenLifetime>,
    ) -> Result<Option<SyncClientToken>> {
        self.versioned(&identity_broker::GenerateSyncClientToken { id, lifetime }).await.map_err(since_5_1)
    }

    /// The SCIM token that a federated provider shows; `None` if it shows none.
    ///
    /// # Errors
    /// As any upstream call.
    pub(crate) async fn shown_sync_client_token(&self, id: &ProviderId) -> Result<Option<SyncClientToken>> {
        self.versioned(&identity_providers::ShownSyncClientToken { id }).await
    }

    /// Whether the identity provider may be changed (to one of this `kind`). VCF 5.1 and later.
    ///
    /// # Errors
    /// As any upstream call.
    pub async fn prechecks(&self, kind: Option<&str>) -> Result<PrecheckResult> {
        self.versioned(&identity_broker::Prechecks { kind }).await.map_err(since_5_1)
    }

    /// SDDC Manager's own OpenID Connect client. VCF 5.2 and later.
    ///
    /// # Errors
    /// As any upstream call.
    pub async fn sddc_manager_oidc(&self) -> Result<SddcManagerOidc> {
        self.versioned(&identity_broker::SddcManagerOidcInfo).await.map_err(since_5_1)
    }

    fn shared_token(&self) -> SharedToken<'_, R> {
        SharedToken::new(self.out.store(), self.target.account())
    }

    /// Allows one more login after rejected ones, at once. Returns whether there were any.
    pub(crate) async fn allow_login(&self) -> bool {
        self.cache.session.allow_attempt(&self.shared_token()).await
    }

    fn destination(&self) -> Destination<'a, Vcf> {
        Destination { target: &self.target.name, url: &self.target.url, dialect: &() }
    }

    /// As [`call`](Self::call), if this version is not known to lack it.
    async fn versioned<E: Versioned>(&self, endpoint: &E) -> Result<E::Response> {
        self.needs(endpoint.needs())?;
        self.call(endpoint).await
    }

    /// Sends `endpoint` with a token and reads its response.
    async fn call<E: Endpoint<Api = Vcf>>(&self, endpoint: &E) -> Result<E::Response> {
        let answer = Box::pin(self.send(Prepared::new(&self.destination(), endpoint))).await?;
        endpoint.response(answer).map_err(|e| e.at(&self.target.name))
    }

    /// Sends `call` with a token; logs in first if there is none.
    async fn send(&self, call: Result<Prepared<'_>>) -> Result<http::Response<Bytes>> {
        let call = call?;
        let send = async |token: AccessToken| self.out.send(&call, Some(&token)).await.map_err(gateway::explained);
        let done = self.cache.session.with_token(&self.shared_token(), login::Account(self), send).await;
        done.map_err(|e| match e.code() {
            ErrorCode::UpstreamAuth if e.hint_text().is_none() => e.hint(TOKEN_REFUSED),
            _ => e,
        })
    }
}

fn since_5_1(error: Error) -> Error {
    match error.answer_status() {
        Some(StatusCode::NOT_FOUND) => error.hint(SINCE_5_1),
        _ => error,
    }
}

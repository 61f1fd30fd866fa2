//! SDDC Manager of VMware Cloud Foundation: tokens, identity providers and their identity sources.
//!
//! The calls are those of the VMware Cloud Foundation API reference, chapters "Tokens" and "Identity Providers" (since VCF
//! 4.5), and those of the identity broker (since 5.1). Since VCF 9.0 all are marked deprecated, but still exist. SDDC
//! Manager manages only the management domain's sign-in; other domains use the vSphere Client.
//!
//! A [`Client`] is a view for one piece of work; the token outlives it in [`Cache`], one for each [`Target`].

mod change_outcome;
mod checked;
mod compare;
mod error;
mod expiry;
mod gateway;
mod identity_broker;
mod identity_providers;
mod identity_sources;
mod model;
mod names;
mod sddc_managers;
mod spec;
#[cfg(test)]
mod testing;
mod text;
mod tokens;
mod validate;

use std::cell::RefCell;
use std::rc::Rc;

use bytes::Bytes;
use http::StatusCode;

pub use identity_broker::TokenLifetime;
pub use model::{
    AddedProvider, AddedSource, DirectoryList, FederatedIdentityProviderInfo, IdentityProvider, IdentityProviders,
    IdentitySource, LdapInfo, OidcInfo, PageMetadata, PrecheckDetail, PrecheckResult, SddcManagerOidc, SyncClientToken,
    SyncClientTokenInfo,
};
pub use names::{DomainName, ProviderId};
pub use sddc_managers::{DomainReference, SddcManager, SddcManagers};
pub use spec::{
    FederatedIdentityProviderSpec, IdentityProviderDirectory, IdentityProviderSpec, IdentitySourceSpec, LdapSpec,
    OidcSpec, SourceDetails,
};

pub use crate::certificate::CertificateFacts;
pub use crate::change::{Change, ChangeOutcome, Checked, Difference, Extra, Outcome, PutOptions};
use crate::error::{Error, ErrorCode, Result, UpstreamEvidence};
use crate::runtime::Runtime;
use crate::secret::{AccessToken, Secret};
use crate::upstream::{Account, SharedToken, TokenCache};
use crate::upstream::{Api, Endpoint};
use crate::upstream::{BaseUrl, Destination, Outbound, Prepared};

/// The hint if a server does not know a call.
const SINCE_5_1: &str =
    "SDDC Manager has this call since VCF 5.1 (sddc-manager-oidc since 5.2): check its version and the id";

/// The hint if a new token is rejected; a rejected login has its own.
const TOKEN_REFUSED: &str = "SDDC Manager rejects a token that it has just issued: check the account's role there (ADMIN, to \
                             change identity providers) and SDDC Manager's clock";

/// The calls that create or refresh tokens, as errors and records name them.
pub(crate) const LOGIN_CALLS: [&str; 2] = [tokens::Create::CALL, tokens::Refresh::CALL];

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

/// An account of SDDC Manager.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Its name with domain: `administrator@vsphere.local`.
    pub username: String,
    /// Its password.
    pub password: Secret,
}

impl Target {
    /// The account that logins count against. vCenter SSO does not distinguish `Administrator` and `administrator`.
    pub(crate) fn account(&self) -> Account<'_> {
        let parts = vec![self.url.origin(), self.credentials.username.to_lowercase()];
        Account::new("vcf", &self.name, tokens::Create::CALL, parts, vec![&self.credentials.password])
    }
}

/// Kept between pieces of work: the session with one target.
#[derive(Debug, Default)]
pub struct Cache {
    session: Rc<TokenCache>,
    refresh: RefCell<Option<Secret>>,
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
        self.call(&identity_providers::List).await
    }

    /// One identity provider.
    ///
    /// # Errors
    /// As any upstream call.
    pub async fn identity_provider(&self, id: &ProviderId) -> Result<IdentityProvider> {
        self.call(&identity_providers::Get { id }).await
    }

    /// The SDDC Managers that this one knows, itself among them, with their versions.
    ///
    /// # Errors
    /// As any upstream call.
    pub async fn sddc_managers(&self) -> Result<SddcManagers> {
        self.call(&sddc_managers::List).await
    }

    /// Adds an external identity provider.
    ///
    /// # Errors
    /// As any upstream call.
    pub async fn add_identity_provider(&self, spec: &Checked<IdentityProviderSpec>) -> Result<AddedProvider> {
        self.call(&identity_providers::Add { spec: spec.spec() }).await
    }

    /// Changes an external identity provider; `spec` is the complete specification, secrets included.
    ///
    /// # Errors
    /// As any upstream call.
    pub async fn update_identity_provider(&self, id: &ProviderId, spec: &Checked<IdentityProviderSpec>) -> Result<()> {
        self.call(&identity_providers::Update { id, spec: spec.spec() }).await
    }

    /// Deletes an external identity provider.
    ///
    /// # Errors
    /// As any upstream call.
    pub async fn delete_identity_provider(&self, id: &ProviderId) -> Result<()> {
        self.call(&identity_providers::Delete { id }).await
    }

    /// Adds an identity source to the embedded provider, whose id is in the list of providers.
    ///
    /// # Errors
    /// As any upstream call.
    pub async fn add_identity_source(
        &self,
        provider: &ProviderId,
        spec: &Checked<IdentitySourceSpec>,
    ) -> Result<AddedSource> {
        self.call(&identity_sources::Add { provider, spec: spec.spec() }).await
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
        self.call(&identity_sources::Update { provider, domain_name, spec: spec.spec() }).await
    }

    /// Deletes the identity source of `domain_name`.
    ///
    /// # Errors
    /// As any upstream call.
    pub async fn delete_identity_source(&self, provider: &ProviderId, domain_name: &DomainName) -> Result<()> {
        self.call(&identity_sources::Delete { provider, domain_name }).await
    }

    /// Makes a new SCIM token for a federated provider; the previous one becomes invalid. VCF 5.1 and later.
    ///
    /// # Errors
    /// As any upstream call.
    pub async fn generate_sync_client_token(
        &self,
        id: &ProviderId,
        lifetime: Option<TokenLifetime>,
    ) -> Result<SyncClientToken> {
        self.call(&identity_broker::GenerateSyncClientToken { id, lifetime }).await.map_err(since_5_1)
    }

    /// Whether the identity provider may be changed (to one of this `kind`). VCF 5.1 and later.
    ///
    /// # Errors
    /// As any upstream call.
    pub async fn prechecks(&self, kind: Option<&str>) -> Result<PrecheckResult> {
        self.call(&identity_broker::Prechecks { kind }).await.map_err(since_5_1)
    }

    /// SDDC Manager's own OpenID Connect client. VCF 5.2 and later.
    ///
    /// # Errors
    /// As any upstream call.
    pub async fn sddc_manager_oidc(&self) -> Result<SddcManagerOidc> {
        self.call(&identity_broker::SddcManagerOidcInfo).await.map_err(since_5_1)
    }

    fn shared_token(&self) -> SharedToken<'_, R> {
        SharedToken::new(self.out.store(), self.target.account())
    }

    /// Allows one more login after rejected ones, at once. Returns whether there were any.
    pub(crate) async fn allow_login(&self) -> bool {
        self.cache.session.allow_attempt(&self.shared_token()).await
    }

    fn destination(&self) -> Destination<'a, Vcf> {
        Destination { target: &self.target.name, url: &self.target.url, profile: &() }
    }

    /// Sends `endpoint` with a token and reads its response.
    async fn call<E: Endpoint<Api = Vcf>>(&self, endpoint: &E) -> Result<E::Response> {
        let answer = Box::pin(self.send(Prepared::new(&self.destination(), endpoint))).await?;
        endpoint.response(answer).map_err(|e| e.at(&self.target.name))
    }

    /// Sends `call` with a token; logs in first if there is none.
    async fn send(&self, call: Result<Prepared<'_>>) -> Result<http::Response<Bytes>> {
        let call = call?;
        let log_in = async || self.log_in().await;
        let send = async |token: AccessToken| {
            let sent = self.out.send(&call, Some(&token)).await;
            if sent.as_ref().is_err_and(|e| e.code() == ErrorCode::UpstreamAuth) {
                // A server that rejects its own token has lost our session or account: log in with the password next time.
                self.cache.refresh.take();
            }
            sent.map_err(gateway::explained)
        };
        let done = self.cache.session.with_token(&self.shared_token(), log_in, send).await;
        done.map_err(|e| match e.code() {
            ErrorCode::UpstreamAuth if e.hint_text().is_none() => e.hint(TOKEN_REFUSED),
            _ => e,
        })
    }

    /// A new access token: with the refresh token if there is one, otherwise with name and password.
    async fn log_in(&self) -> Result<AccessToken> {
        // Taken out, so that nothing is borrowed during the wait.
        let kept = self.cache.refresh.take();
        if let Some(refresh_token) = kept {
            match self.refresh(&refresh_token).await {
                Ok(access_token) => {
                    self.cache.refresh.replace(Some(refresh_token));
                    return Ok(tokens::access_token(access_token, self.out.runtime().now()));
                }
                // There was no response, or no time is left: a login would fail too.
                Err(e) if e.upstream_status().is_none() || e.code() == ErrorCode::UpstreamBusy => {
                    self.cache.refresh.replace(Some(refresh_token));
                    return Err(e);
                }
                // Expired, revoked, or in a form that this version does not accept.
                Err(_) => {}
            }
        }
        let pair =
            self.out.call(&self.destination(), &tokens::Create { credentials: &self.target.credentials }, None).await;
        let pair = pair.map_err(tokens::refused).map_err(gateway::explained)?;
        self.cache.refresh.replace(pair.refresh_token);
        Ok(tokens::access_token(pair.access_token, self.out.runtime().now()))
    }

    /// A new access token from `refresh_token`, sent as the specification says and, if that is rejected, as the vendor's own
    /// PowerShell module sends it.
    async fn refresh(&self, refresh_token: &Secret) -> Result<Secret> {
        let to = self.destination();
        match self.out.call(&to, &tokens::Refresh { refresh_token, form: tokens::Form::Quoted }, None).await {
            Err(e) if tokens::wants_other_form(&e) => {
                self.out.call(&to, &tokens::Refresh { refresh_token, form: tokens::Form::Bare }, None).await
            }
            done => done,
        }
    }
}

fn since_5_1(error: Error) -> Error {
    match error.answer_status() {
        Some(StatusCode::NOT_FOUND) => error.hint(SINCE_5_1),
        _ => error,
    }
}

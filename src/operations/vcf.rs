//! The operations on an SDDC Manager: identity providers and their identity sources.

use super::VcfTarget;
use crate::error::Result;
use crate::runtime::Runtime;
use crate::upstream::Outbound;
use crate::vcf::{
    ChangeOutcome, Checked, Client, DomainName, IdentityProvider, IdentityProviderSpec, IdentityProviders,
    IdentitySourceSpec, PrecheckResult, ProviderId, SddcManagerOidc, SyncClientToken, TokenLifetime,
};

/// The operations on one SDDC Manager, for one piece of work. PUT is in `put.rs`.
#[derive(Debug)]
pub(crate) struct VcfOperations<'a, R> {
    pub(super) target: &'a VcfTarget,
    pub(super) client: Client<'a, R>,
    pub(super) out: &'a Outbound<'a, R>,
}

impl<'a, R: Runtime> VcfOperations<'a, R> {
    /// Operations on `target`, whose calls go through `out`.
    pub(crate) fn new(target: &'a VcfTarget, out: &'a Outbound<'a, R>) -> Self {
        Self { target, client: Client::new(&target.settings, &target.cache, out), out }
    }

    /// All identity providers, including the embedded one with its identity sources.
    ///
    /// # Errors
    /// Those of the login and the call, as for all that follow.
    pub(crate) async fn identity_providers(&self) -> Result<IdentityProviders> {
        self.client.identity_providers().await
    }

    /// One identity provider.
    pub(crate) async fn identity_provider(&self, id: &ProviderId) -> Result<IdentityProvider> {
        self.client.identity_provider(id).await
    }

    /// Adds an external identity provider.
    pub(crate) async fn add_identity_provider(&self, spec: &Checked<IdentityProviderSpec>) -> Result<ChangeOutcome> {
        let added = self.client.add_identity_provider(spec).await?;
        Ok(ChangeOutcome::added_provider(added, spec))
    }

    /// Changes an external identity provider; `spec` is the complete specification, secrets included.
    pub(crate) async fn update_identity_provider(
        &self,
        id: &ProviderId,
        spec: &Checked<IdentityProviderSpec>,
    ) -> Result<()> {
        self.client.update_identity_provider(id, spec).await
    }

    /// Deletes an external identity provider.
    pub(crate) async fn delete_identity_provider(&self, id: &ProviderId) -> Result<()> {
        self.client.delete_identity_provider(id).await
    }

    /// Adds an identity source to the embedded provider.
    pub(crate) async fn add_identity_source(
        &self,
        provider: &ProviderId,
        spec: &Checked<IdentitySourceSpec>,
    ) -> Result<ChangeOutcome> {
        let added = self.client.add_identity_source(provider, spec).await?;
        Ok(ChangeOutcome::added_source(added, spec))
    }

    /// Changes the identity source of `domain`; `spec` is the complete specification, its password included.
    pub(crate) async fn update_identity_source(
        &self,
        provider: &ProviderId,
        domain: &DomainName,
        spec: &Checked<IdentitySourceSpec>,
    ) -> Result<()> {
        self.client.update_identity_source(provider, domain, spec).await
    }

    /// Deletes the identity source of `domain`.
    pub(crate) async fn delete_identity_source(&self, provider: &ProviderId, domain: &DomainName) -> Result<()> {
        self.client.delete_identity_source(provider, domain).await
    }

    /// Makes a new SCIM token for a federated provider; the previous one becomes invalid. VCF 5.1 and later.
    pub(crate) async fn generate_sync_client_token(
        &self,
        provider: &ProviderId,
        lifetime: Option<TokenLifetime>,
    ) -> Result<SyncClientToken> {
        self.client.generate_sync_client_token(provider, lifetime).await
    }

    /// Whether the identity provider may be changed (to one of this `kind`). VCF 5.1 and later.
    pub(crate) async fn prechecks(&self, kind: Option<&str>) -> Result<PrecheckResult> {
        self.client.prechecks(kind).await
    }

    /// SDDC Manager's own OpenID Connect client. VCF 5.2 and later.
    pub(crate) async fn sddc_manager_oidc(&self) -> Result<SddcManagerOidc> {
        self.client.sddc_manager_oidc().await
    }
}

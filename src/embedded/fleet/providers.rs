//! Identity providers of VCF single sign-on, their SCIM sync clients, and SAML metadata.

use std::time::Duration;

use super::Fleet;
use crate::change::{ChangeOutcome, Checked};
use crate::embedded::options::{ChangeOptions, ProviderDeletionOptions, condition};
use crate::embedded::{Result, checked};
use crate::fleet::{
    FederatedIdentityProvider, IamTask, IdentityProviders, ResourceId, SamlMetadata, SamlMetadataContent,
    ScimSyncClient, TokenTtl,
};
use crate::operations::Deletion;
use crate::runtime::Runtime;
use crate::upstream::Outbound;

/// A provider's id in a path.
fn provider_id(id: &str) -> crate::error::Result<ResourceId> {
    ResourceId::parse("id", id)
}

impl<R: Runtime> Fleet<R> {
    /// Work that takes at most `time`; `not_supported` from a VCF Operations without these calls.
    async fn providers<V>(
        &self,
        time: Duration,
        work: impl AsyncFnOnce(&Outbound<'_, R>) -> crate::error::Result<V>,
    ) -> Result<V> {
        self.work_for(time, async |out| match work(out).await {
            Err(error) => Err(self.fleet(out).client.explained(error).await),
            done => done,
        })
        .await
    }

    /// Every realm with its identity provider, if it has one.
    ///
    /// # Errors
    /// Those of the login and the calls.
    pub async fn identity_providers(&self) -> Result<IdentityProviders> {
        self.providers(self.operation, async |out| self.fleet(out).client.identity_providers().await).await
    }

    /// One identity provider.
    ///
    /// # Errors
    /// `request_invalid` for an invalid id; and those of the login and the call.
    pub async fn identity_provider(&self, id: &str) -> Result<FederatedIdentityProvider> {
        self.providers(self.operation, async |out| self.fleet(out).client.identity_provider(&provider_id(id)?).await)
            .await
    }

    /// Creates the identity provider of a realm without one.
    ///
    /// # Errors
    /// `request_invalid` with every missing or wrong field; and those of the login and the call.
    pub async fn create_identity_provider(&self, spec: FederatedIdentityProvider) -> Result<ChangeOutcome> {
        self.providers(self.operation, async |out| {
            let spec = checked(out.runtime(), spec, Checked::<FederatedIdentityProvider>::to_add)?;
            self.fleet(out).create_identity_provider(&spec).await
        })
        .await
    }

    /// Brings the identity provider of the specified realm into the state of `spec`: created if absent, changed if different,
    /// else left unchanged. It is never replaced by another.
    ///
    /// # Errors
    /// `request_invalid` with every missing or wrong field, for an unknown realm, and for a realm whose provider has another
    /// id, name or kind; `precondition_failed`; and those of the login and the calls.
    pub async fn put_identity_provider(
        &self,
        spec: FederatedIdentityProvider,
        options: ChangeOptions,
    ) -> Result<ChangeOutcome> {
        self.providers(self.operation, async |out| {
            let spec = checked(out.runtime(), spec, Checked::<FederatedIdentityProvider>::to_put)?;
            let condition = condition(options.if_match.as_deref())?;
            self.fleet(out).put_identity_provider(&spec, options.put(), &condition).await
        })
        .await
    }

    /// Deletes an identity provider, and follows the deletion for at most `max_wait`.
    ///
    /// # Errors
    /// `request_invalid` for an invalid id; `precondition_failed`; `upstream_failed` for a failed deletion; and those of the
    /// login and the calls.
    pub async fn delete_identity_provider(&self, id: &str, options: ProviderDeletionOptions) -> Result<Deletion> {
        let ProviderDeletionOptions { force, max_wait, if_match } = options;
        let wait = Some(max_wait).filter(|wait| !wait.is_zero());
        self.providers(self.operation.saturating_add(max_wait), async |out| {
            let (id, condition) = (provider_id(id)?, condition(if_match.as_deref())?);
            self.fleet(out).delete_identity_provider(&id, force, &condition, wait).await
        })
        .await
    }

    /// The state of a deletion's task.
    ///
    /// # Errors
    /// `request_invalid` for an invalid id; and those of the login and the call.
    pub async fn task(&self, id: &str) -> Result<IamTask> {
        self.providers(self.operation, async |out| self.fleet(out).client.task(&ResourceId::parse("task", id)?).await)
            .await
    }

    /// The SCIM sync client of the provider's directory, without its secrets.
    ///
    /// # Errors
    /// `request_invalid` for an invalid id, and for a provider without such a directory; and those of the login and the calls.
    pub async fn sync_client(&self, provider: &str) -> Result<ScimSyncClient> {
        self.providers(self.operation, async |out| self.fleet(out).sync_client(&provider_id(provider)?).await).await
    }

    /// Makes a SCIM sync client with a token, which is valid for `ttl_minutes`, or as long as the vendor decides.
    ///
    /// # Errors
    /// As [`sync_client`](Self::sync_client), and `request_invalid` for a lifetime below one minute.
    pub async fn generate_sync_client(&self, provider: &str, ttl_minutes: Option<i64>) -> Result<ScimSyncClient> {
        self.providers(self.operation, async |out| {
            let ttl = ttl_minutes.map(TokenTtl::from_minutes).transpose()?;
            self.fleet(out).generate_sync_client(&provider_id(provider)?, ttl).await
        })
        .await
    }

    /// The content of SAML metadata, as the identity broker reads it; nothing is changed.
    ///
    /// # Errors
    /// `request_invalid` with every missing or wrong field; and those of the login and the call.
    pub async fn validate_saml_metadata(&self, spec: SamlMetadata) -> Result<SamlMetadataContent> {
        self.providers(self.operation, async |out| {
            let spec = checked(out.runtime(), spec, Checked::<SamlMetadata>::to_check)?;
            self.fleet(out).client.check_saml_metadata(&spec).await
        })
        .await
    }
}

//! Identity providers: their types, checks and endpoints.

mod compare;
mod create_provider;
mod delete_provider;
mod expiry;
#[cfg(any(test, feature = "fuzzing"))]
pub(super) mod fuzzing;
mod get_provider;
mod get_task;
mod ids;
mod ldap;
mod list_providers;
mod model;
mod resource_id;
mod saml_metadata;
mod sync_client;
mod update_provider;
mod validate;

use http::StatusCode;

use super::Client;
use super::directories::{ListDirectories, RealmName};
use super::realms::Realm;
use crate::change::Checked;
use crate::error::{Error, ErrorCode, Result, excerpt};
use crate::runtime::Runtime;

use create_provider::CreateProvider;
use delete_provider::DeleteProvider;
use get_provider::GetProvider;
use get_task::GetTask;
use saml_metadata::ValidateSamlMetadata;
use sync_client::{GenerateSyncClient, GetSyncClient};
use update_provider::UpdateProvider;

pub use get_task::IamTask;
pub use ldap::{DomainController, LdapBindConfiguration, LdapConfiguration};
pub use list_providers::{IdentityProviders, RealmProvider};
pub use model::{
    FederatedIdentityProvider, IdpConfig, IdpDirectory, OidcConfiguration, ProvisioningConfig, SamlAttributeMapping,
    SamlConfiguration,
};
pub use resource_id::ResourceId;
pub use saml_metadata::{SamlMetadata, SamlMetadataContent};
pub use sync_client::{AccessTokenDetails, ScimClientDetails, ScimSyncClient, TokenTtl};

impl<R: Runtime> Client<'_, R> {
    /// The error of one of these calls: `not_supported` in place of the 404 of a VCF Operations without them.
    pub(crate) async fn explained(&self, error: Error) -> Error {
        match error.answer_status() {
            Some(StatusCode::NOT_FOUND) => self.too_old(error).await,
            _ => error,
        }
    }

    /// One identity provider, without its secrets.
    ///
    /// # Errors
    /// `not_found`; and those of the login and the calls.
    pub async fn identity_provider(&self, id: &ResourceId) -> Result<FederatedIdentityProvider> {
        match self.call(&GetProvider { id }).await {
            Err(error) => Err(self.or_unknown(id, error).await),
            done => done,
        }
    }

    /// `error`, or `not_found` if VCF Operations answered 400 and no realm has the provider: it may answer an unknown id like a malformed
    /// one.
    async fn or_unknown(&self, id: &ResourceId, error: Error) -> Error {
        if error.answer_status() != Some(StatusCode::BAD_REQUEST) {
            return error;
        }
        match self.realms().await {
            Ok(realms) if Realm::all_lack(&realms, id.as_str()) => error
                .recode(ErrorCode::NotFound, format!("no realm has the identity provider {}", id.as_str()))
                .hint("GET …/v1/identity-providers lists them"),
            _ => error,
        }
    }

    /// Creates the identity provider of a realm without one; ids in `spec` are not sent. The response has no id if the
    /// server's cannot be read.
    ///
    /// # Errors
    /// As any upstream call.
    pub async fn create_identity_provider(
        &self,
        spec: &Checked<FederatedIdentityProvider>,
    ) -> Result<FederatedIdentityProvider> {
        self.call(&CreateProvider { spec: &spec.spec().without_ids() }).await
    }

    /// Replaces the specification of `present` by `spec`; the ids are those of `present`.
    ///
    /// # Errors
    /// As any upstream call.
    pub async fn update_identity_provider(
        &self,
        present: &FederatedIdentityProvider,
        spec: &Checked<FederatedIdentityProvider>,
    ) -> Result<()> {
        let present = self.with_directory_ids(present).await?;
        self.call(&UpdateProvider { spec: &spec.spec().with_ids_of(&present) }).await
    }

    /// `present` with the ids of its synced directories. The vendor's examples of a provider omit them; the list of its
    /// directories has them.
    async fn with_directory_ids(&self, present: &FederatedIdentityProvider) -> Result<FederatedIdentityProvider> {
        let mut present = present.clone();
        if present.synced().iter().all(|directory| directory.ldap_configuration_id.is_some()) {
            return Ok(present);
        }
        let provider = present.id.as_deref().unwrap_or_default();
        let listed = self.call(&ListDirectories { realm: &RealmName::default(), provider }).await?;
        let is_only = present.synced().len() == 1;
        let only = if let [one] = listed.as_slice() { is_only.then_some(one) } else { None };
        for directory in present.synced_mut() {
            let listed = listed.iter().find(|one| one.name == directory.name).or(only);
            let id = &mut directory.ldap_configuration_id;
            *id = id.take().or_else(|| listed.map(|one| one.id.clone()));
            if id.is_none() {
                let name = directory.name.as_deref().unwrap_or("without a name");
                let detail =
                    format!("VCF Operations returns no id of the directory {}; nothing was changed", excerpt(name));
                return Err(Error::new(ErrorCode::UpstreamInvalid, detail)
                    .hint("an update without the id might replace the directory: change the provider in VCF Operations")
                    .at(&self.target.name));
            }
        }
        Ok(present)
    }

    /// Starts the deletion of an identity provider; with `force`, components that use it are removed from it too.
    ///
    /// # Errors
    /// `not_found`; and those of the login and the calls.
    pub async fn delete_identity_provider(&self, id: &ResourceId, force: bool) -> Result<IamTask> {
        match self.call(&DeleteProvider { id, force }).await {
            Err(error) => Err(self.or_unknown(id, error).await),
            done => done,
        }
    }

    /// The state of a task.
    ///
    /// # Errors
    /// As any upstream call.
    pub async fn task(&self, id: &ResourceId) -> Result<IamTask> {
        self.call(&GetTask { id }).await
    }

    /// The SCIM sync client of a directory, without its secrets.
    ///
    /// # Errors
    /// As any upstream call.
    pub async fn sync_client(&self, provider: &ResourceId, directory: &ResourceId) -> Result<ScimSyncClient> {
        self.call(&GetSyncClient { provider, directory }).await
    }

    /// Makes a SCIM sync client with a token for a directory.
    ///
    /// # Errors
    /// As any upstream call; `upstream_invalid` for a response without a token.
    pub async fn generate_sync_client(
        &self,
        provider: &ResourceId,
        directory: &ResourceId,
        ttl: Option<TokenTtl>,
    ) -> Result<ScimSyncClient> {
        self.call(&GenerateSyncClient { provider, directory, ttl }).await
    }

    /// Checks the metadata of a SAML provider.
    ///
    /// # Errors
    /// As any upstream call; `upstream_rejected` for metadata that the broker cannot read.
    pub(crate) async fn check_saml_metadata(&self, spec: &Checked<SamlMetadata>) -> Result<SamlMetadataContent> {
        self.call(&ValidateSamlMetadata { spec: spec.spec() }).await
    }
}

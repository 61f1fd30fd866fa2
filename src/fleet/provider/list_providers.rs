//! The list of identity providers, which the vendor has no call for: realm by realm.

use serde::Serialize;

use super::{FederatedIdentityProvider, ResourceId};
use crate::error::{ErrorCode, Result};
use crate::fleet::{Client, Realm};
use crate::runtime::Runtime;

/// All realms with their identity providers.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(rename = "RealmIdentityProviders"))]
pub struct IdentityProviders {
    /// The realms.
    pub elements: Vec<RealmProvider>,
}

/// A realm of VCF single sign-on with its identity provider.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(rename = "RealmIdentityProvider"))]
pub struct RealmProvider {
    /// The realm.
    pub realm: Realm,
    /// Its provider; null if the realm has none yet.
    pub provider: Option<FederatedIdentityProvider>,
}

impl<R: Runtime> Client<'_, R> {
    /// All realms with their identity providers.
    ///
    /// # Errors
    /// As [`realms`](Self::realms); and those of the calls.
    pub async fn identity_providers(&self) -> Result<IdentityProviders> {
        let mut elements = Vec::new();
        for realm in self.realms().await? {
            let provider = self.provider_of_realm(&realm).await?;
            elements.push(RealmProvider { realm, provider });
        }
        Ok(IdentityProviders { elements })
    }

    /// A realm's provider; `None` if it has none, or it was deleted since the realm was read.
    ///
    /// # Errors
    /// Those of the call.
    pub(crate) async fn provider_of_realm(&self, realm: &Realm) -> Result<Option<FederatedIdentityProvider>> {
        let Some(id) = &realm.provider else { return Ok(None) };
        let id = ResourceId::parse("id", id).map_err(|error| error.at(&self.target.name))?;
        match self.identity_provider(&id).await {
            Ok(provider) => Ok(Some(provider)),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

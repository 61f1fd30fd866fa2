//! An identity provider by its id or by an alias, and the lookup of an alias.
//!
//! There is one Embedded provider, and at most one external one (administration guide, "You can only add one external identity
//! provider"). The Embedded provider's id stays, so it is remembered. The external provider can be replaced, so its id is
//! looked up each time.

use super::{Client, IdentityProvider, IdentityProviders, ProviderId};
use crate::error::{Error, ErrorCode, Result};
use crate::runtime::Runtime;

/// An identity provider as callers name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ProviderRef {
    /// By its id.
    Id(ProviderId),
    /// `embedded`: the built-in one, which contains the identity sources.
    Embedded,
    /// `external`: the other one.
    External,
}

impl ProviderRef {
    /// Reads an id or an alias.
    ///
    /// # Errors
    /// `request_invalid` for a text that is not allowed in a path.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        Ok(match text {
            "embedded" => Self::Embedded,
            "external" => Self::External,
            id => Self::Id(ProviderId::parse(id)?),
        })
    }

    /// The provider among these.
    fn find(&self, list: IdentityProviders) -> Option<IdentityProvider> {
        list.elements.into_iter().find(|provider| match self {
            Self::Id(id) => id.is(provider),
            Self::Embedded => provider.is_embedded(),
            Self::External => !provider.is_embedded(),
        })
    }

    /// The error if it is not listed.
    pub(crate) fn not_found(&self) -> Error {
        match self {
            Self::Id(id) => Error::new(ErrorCode::NotFound, format!("there is no identity provider {}", id.as_str()))
                .hint("GET …/v1/identity-providers lists the providers; embedded and external are valid in place of an id"),
            Self::Embedded => {
                Error::new(ErrorCode::UpstreamInvalid, "SDDC Manager lists no identity provider of the type Embedded")
            }
            Self::External => Error::new(ErrorCode::NotFound, "there is no external identity provider")
                .hint("add one with POST or PUT …/v1/identity-providers"),
        }
    }
}

impl ProviderId {
    /// Whether `provider` has this id.
    pub(crate) fn is(&self, provider: &IdentityProvider) -> bool {
        provider.id.as_deref().is_some_and(|id| id.eq_ignore_ascii_case(self.as_str()))
    }

    /// The id in a response.
    ///
    /// # Errors
    /// `upstream_invalid` if it cannot be sent in a path.
    pub(crate) fn of(provider: &IdentityProvider) -> Result<Self> {
        Self::parse(provider.id.as_deref().unwrap_or_default()).map_err(|_| {
            Error::new(ErrorCode::UpstreamInvalid, "SDDC Manager lists an identity provider without a usable id")
        })
    }
}

impl<R: Runtime> Client<'_, R> {
    /// Whether this is the Embedded provider, as far as known without a call.
    pub(crate) fn is_known_as_embedded(&self, provider: &ProviderRef) -> bool {
        match provider {
            ProviderRef::Embedded => true,
            ProviderRef::External => false,
            ProviderRef::Id(id) => {
                let known = self.cache.embedded.borrow();
                known.as_ref().is_some_and(|known| known.as_str().eq_ignore_ascii_case(id.as_str()))
            }
        }
    }

    /// Remembers the Embedded provider's id.
    pub(super) fn remember(&self, providers: &[IdentityProvider]) {
        if let Some(embedded) = providers.iter().find(|provider| provider.is_embedded()) {
            self.cache.embedded.replace(ProviderId::of(embedded).ok());
        }
    }

    /// The provider, if the list of providers has it.
    pub(crate) async fn listed_provider(&self, provider: &ProviderRef) -> Result<Option<IdentityProvider>> {
        Ok(provider.find(self.identity_providers().await?))
    }

    /// The provider with its id, by one call.
    ///
    /// # Errors
    /// `not_found`, and as any upstream call.
    pub(crate) async fn referred_provider(&self, provider: &ProviderRef) -> Result<(ProviderId, IdentityProvider)> {
        if let ProviderRef::Id(id) = provider {
            return Ok((id.clone(), self.identity_provider(id).await?));
        }
        let found = self.listed_provider(provider).await?;
        let found = found.ok_or_else(|| provider.not_found().at(&self.target.name))?;
        Ok((ProviderId::of(&found).map_err(|error| error.at(&self.target.name))?, found))
    }

    /// Makes a `call` that needs only the provider's id. A remembered id that SDDC Manager does not know is forgotten and
    /// looked up once again.
    ///
    /// # Errors
    /// `not_found`, and as any upstream call.
    pub(crate) async fn at_provider<T>(
        &self,
        provider: &ProviderRef,
        call: impl AsyncFn(&ProviderId) -> Result<T>,
    ) -> Result<T> {
        let remembered = match provider {
            ProviderRef::Id(id) => return call(id).await,
            ProviderRef::Embedded => self.cache.embedded.borrow().clone(),
            ProviderRef::External => None,
        };
        let Some(id) = remembered else {
            let (id, _) = self.referred_provider(provider).await?;
            return call(&id).await;
        };
        match call(&id).await {
            Err(error) if error.code() == ErrorCode::NotFound => {
                self.cache.embedded.take();
                let (found, _) = self.referred_provider(provider).await?;
                // The provider is known, so another object of the call was not found.
                if found == id { Err(error) } else { call(&found).await }
            }
            done => done,
        }
    }
}

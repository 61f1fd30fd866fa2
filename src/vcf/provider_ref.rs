//! An identity provider by its id or by an alias, and the lookup of an alias.
//!
//! There is one Embedded provider, and at most one external one (administration guide, "You can only add one external identity
//! provider"). The Embedded provider's id stays, so it is remembered. The external provider can be replaced, so its id is
//! looked up each time.

use http::StatusCode;

use super::identity_providers::List;
use super::{Client, IdentityProvider, IdentityProviders, ProviderId};
use crate::error::{Candidate, Error, ErrorCode, FieldError, Result};
use crate::runtime::Runtime;
use crate::upstream::Endpoint as _;

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

    /// The provider among these; `None` only if the list proves that there is none.
    ///
    /// # Errors
    /// `request_invalid` if several are external; `upstream_invalid` for an incomplete list, and for a provider without a
    /// type that may be the Embedded one.
    fn find(&self, list: IdentityProviders) -> Result<Option<IdentityProvider>> {
        let unusable = |detail: String| Err(Error::new(ErrorCode::UpstreamInvalid, detail));
        let has_embedded = list.elements.iter().any(IdentityProvider::is_embedded);
        let missing = list.missing();
        let is_meant = |provider: &IdentityProvider| match self {
            Self::Id(id) => id.is(provider),
            Self::Embedded => provider.is_embedded(),
            Self::External => !provider.is_embedded(),
        };
        let meant: Vec<_> = list.elements.into_iter().filter(is_meant).collect();
        if *self == Self::External && meant.len() > 1 {
            return Err(several(&meant));
        }
        match (meant.into_iter().next(), missing) {
            (Some(found), _) if found.kind.is_none() && !has_embedded => {
                let name = found.name.as_deref().unwrap_or("without a name");
                unusable(format!(
                    "SDDC Manager lists the identity provider {name} without a type: it may be the Embedded one"
                ))
            }
            (None, Some(missing)) => unusable(format!("{}: {missing}", List::CALL)),
            (found, _) => Ok(found),
        }
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

/// The error if `external` may mean several providers.
fn several(providers: &[IdentityProvider]) -> Error {
    let candidates =
        providers.iter().map(|one| Candidate::of(one.id.as_deref(), one.name.as_deref(), one.kind.as_deref()));
    let detail = format!("SDDC Manager lists {} external identity providers", providers.len());
    Error::invalid(vec![FieldError::new("", detail)])
        .hint("send the id of one of them in place of external; before a PUT, delete all but one of them by their ids")
        .candidates(candidates.collect())
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

    /// The provider, if the list of providers has it. The Embedded one is read by itself if the list omits its sources.
    ///
    /// # Errors
    /// `request_invalid` if several providers are external, `upstream_invalid` for an incomplete list, and as any upstream call.
    pub(crate) async fn listed_provider(&self, provider: &ProviderRef) -> Result<Option<IdentityProvider>> {
        let here = |error: Error| error.at(&self.target.name);
        match provider.find(self.identity_providers().await?).map_err(here)? {
            Some(found) if found.hides_sources() => {
                self.identity_provider(&ProviderId::of(&found).map_err(here)?).await.map(Some)
            }
            found => Ok(found),
        }
    }

    /// The provider with its id, by one call.
    ///
    /// # Errors
    /// `not_found`, and as [`listed_provider`](Self::listed_provider).
    pub(crate) async fn referred_provider(&self, provider: &ProviderRef) -> Result<(ProviderId, IdentityProvider)> {
        if let ProviderRef::Id(id) = provider {
            return match self.identity_provider(id).await {
                // The specification has no other status for an unknown id: the list decides.
                Err(error) if error.answer_status() == Some(StatusCode::INTERNAL_SERVER_ERROR) => {
                    match self.listed_provider(provider).await {
                        Ok(None) => Err(provider.not_found().at(&self.target.name)),
                        _ => Err(error),
                    }
                }
                found => Ok((id.clone(), found?)),
            };
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

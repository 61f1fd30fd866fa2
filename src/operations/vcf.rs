//! The operations on an SDDC Manager: identity providers and their identity sources.

use super::VcfTarget;
use super::put::as_known;
use super::read_back::look;
use crate::change::Precondition;
use crate::error::{Error, ErrorCode, FieldError, Result};
use crate::runtime::Runtime;
use crate::upstream::Outbound;
use crate::vcf::{
    AddedProvider, ChangeOutcome, Checked, Client, DomainName, IdentityProvider, IdentityProviderSpec, IdentitySource,
    IdentitySourceSpec, NO_TOKEN, ProviderId, ProviderRef, PutOptions, SyncClientToken, TokenLifetime,
};

/// The operations on one SDDC Manager, for one piece of work. PUT is in `put.rs`, the change of one field in `parts.rs`.
#[derive(Debug)]
pub(crate) struct VcfOperations<'a, R> {
    pub(super) target: &'a VcfTarget,
    /// The API: what one call of it does needs no operation.
    pub(crate) client: Client<'a, R>,
    pub(super) out: &'a Outbound<'a, R>,
}

impl<'a, R: Runtime> VcfOperations<'a, R> {
    /// Operations on `target`, whose calls go through `out`.
    pub(crate) fn new(target: &'a VcfTarget, out: &'a Outbound<'a, R>) -> Self {
        Self { target, client: Client::new(&target.settings, &target.cache, out), out }
    }

    /// One identity provider.
    pub(crate) async fn identity_provider(&self, provider: &ProviderRef) -> Result<IdentityProvider> {
        Ok(self.client.referred_provider(provider).await?.1)
    }

    /// The identity source of `domain`.
    ///
    /// # Errors
    /// `not_found`; and those of the login and the call.
    pub(crate) async fn identity_source(&self, provider: &ProviderRef, domain: &DomainName) -> Result<IdentitySource> {
        let (_, found) = self.client.referred_provider(provider).await?;
        found.source_of(domain).cloned().ok_or_else(|| self.no_source(&found, domain))
    }

    /// The identity source of `domain`; `None` if it or the provider certainly does not exist.
    async fn listed_source(&self, provider: &ProviderRef, domain: &DomainName) -> Result<Option<IdentitySource>> {
        let Some(found) = self.client.listed_provider(provider).await? else {
            return match provider {
                ProviderRef::Embedded => Err(provider.not_found().at(&self.target.settings.name)),
                ProviderRef::External | ProviderRef::Id(_) => Ok(None),
            };
        };
        if found.hides_sources() {
            return Err(self.no_source(&found, domain));
        }
        Ok(found.source_of(domain).cloned())
    }

    /// The error if `provider` shows no source of a domain.
    pub(super) fn no_source(&self, provider: &IdentityProvider, domain: &DomainName) -> Error {
        if provider.hides_sources() {
            let detail = "SDDC Manager shows the Embedded provider without its identity sources";
            return Error::new(ErrorCode::UpstreamInvalid, detail).at(&self.target.settings.name);
        }
        Error::new(ErrorCode::NotFound, format!("there is no identity source of the domain {}", domain.as_str()))
            .hint("GET …/v1/identity-providers/embedded lists the sources; PUT creates one")
            .at(&self.target.settings.name)
    }

    /// Adds an external identity provider.
    pub(crate) async fn add_identity_provider(&self, spec: &Checked<IdentityProviderSpec>) -> Result<ChangeOutcome> {
        let AddedProvider { id, message } = self.client.add_identity_provider(spec).await?;
        Ok(ChangeOutcome { id, message, certificates: spec.certificates().to_vec(), ..ChangeOutcome::default() })
    }

    /// Changes an external identity provider to the whole of `spec`. It is read first only if there is a `condition`.
    ///
    /// # Errors
    /// `precondition_failed`, `not_found`; and those of the login and the calls.
    pub(crate) async fn update_identity_provider(
        &self,
        provider: &ProviderRef,
        spec: &Checked<IdentityProviderSpec>,
        condition: &Precondition,
    ) -> Result<()> {
        if condition.is_some() {
            let (id, present) = self.client.referred_provider(provider).await?;
            self.check(condition, present.etag.as_deref())?;
            return self.client.update_identity_provider(&id, spec).await;
        }
        self.client.at_provider(provider, async |id| self.client.update_identity_provider(id, spec).await).await
    }

    /// Deletes an external identity provider; the Embedded one is never deleted. With `absent_ok` a provider that does not
    /// exist is an outcome, not an error. `None` if it was deleted.
    ///
    /// # Errors
    /// `request_invalid` for the Embedded provider, `precondition_failed`, `not_found`; and those of the login and the calls.
    pub(crate) async fn delete_identity_provider(
        &self,
        provider: &ProviderRef,
        absent_ok: bool,
        condition: &Precondition,
    ) -> Result<Option<ChangeOutcome>> {
        if self.client.is_known_as_embedded(provider) {
            return Err(self.is_embedded());
        }
        let Some(present) = self.client.listed_provider(provider).await? else {
            if absent_ok {
                return Ok(Some(ChangeOutcome::absent()));
            }
            self.check(condition, None)?;
            return match provider {
                ProviderRef::Id(id) => self.client.delete_identity_provider(id).await.map(|()| None),
                _ => Err(provider.not_found().at(&self.target.settings.name)),
            };
        };
        if present.is_embedded() {
            return Err(self.is_embedded());
        }
        self.check(condition, present.etag.as_deref())?;
        absent(self.client.delete_identity_provider(&self.id_of(&present)?).await, absent_ok)
    }

    fn is_embedded(&self) -> Error {
        let detail = "this is the Embedded provider, which is part of SDDC Manager and is not deleted";
        Error::invalid(vec![FieldError::new("", detail)])
            .hint("delete its identity sources: DELETE …/v1/identity-providers/embedded/identity-sources/{domainName}")
            .at(&self.target.settings.name)
    }

    /// Adds an identity source to the embedded provider.
    pub(crate) async fn add_identity_source(
        &self,
        provider: &ProviderRef,
        spec: &Checked<IdentitySourceSpec>,
    ) -> Result<ChangeOutcome> {
        let message =
            self.client.at_provider(provider, async |id| self.client.add_identity_source(id, spec).await).await?;
        Ok(self.outcome_of(spec, PutOptions::default(), ChangeOutcome { message, ..ChangeOutcome::default() }))
    }

    /// Changes the identity source of `domain` to the whole of `spec`. It is read first only if there is a `condition`.
    ///
    /// # Errors
    /// `precondition_failed`, `not_found`; and those of the login and the calls.
    pub(crate) async fn update_identity_source(
        &self,
        provider: &ProviderRef,
        domain: &DomainName,
        spec: &Checked<IdentitySourceSpec>,
        condition: &Precondition,
    ) -> Result<()> {
        let mut domain = domain.clone();
        if condition.is_some() {
            let source = self.identity_source(provider, &domain).await?;
            self.check(condition, source.etag.as_deref())?;
            domain = as_known(&source, &domain)?;
        }
        self.client.at_provider(provider, async |id| self.client.update_identity_source(id, &domain, spec).await).await
    }

    /// Deletes the identity source of `domain`. With `absent_ok` a source that does not exist is an outcome, not an error.
    /// `None` if it was deleted. It is read first only for `absent_ok` and for a `condition`.
    ///
    /// # Errors
    /// `precondition_failed`, `not_found`; and those of the login and the calls.
    pub(crate) async fn delete_identity_source(
        &self,
        provider: &ProviderRef,
        domain: &DomainName,
        absent_ok: bool,
        condition: &Precondition,
    ) -> Result<Option<ChangeOutcome>> {
        let mut domain = domain.clone();
        if absent_ok || condition.is_some() {
            match self.listed_source(provider, &domain).await? {
                // In another spelling it might not be found, and then pass for deleted.
                Some(source) => {
                    self.check(condition, source.etag.as_deref())?;
                    domain = as_known(&source, &domain)?;
                }
                None if absent_ok => {
                    let domain_name = Some(domain.as_str().to_owned());
                    return Ok(Some(ChangeOutcome { domain_name, ..ChangeOutcome::absent() }));
                }
                None => self.check(condition, None)?,
            }
        }
        let delete = async |id: &_| self.client.delete_identity_source(id, &domain).await;
        absent(self.client.at_provider(provider, delete).await, absent_ok)
    }

    /// Makes a new SCIM token for a federated provider. The response may be empty; then the provider shows the token.
    ///
    /// # Errors
    /// `not_found`; `upstream_invalid` if no new token is shown; and those of the login and the calls.
    pub(crate) async fn generate_sync_client_token(
        &self,
        provider: &ProviderRef,
        lifetime: Option<TokenLifetime>,
    ) -> Result<SyncClientToken> {
        let generate = async |id: &_| {
            // Read first, because only another token than before is the new one.
            let before = self.client.shown_sync_client_token(id).await?;
            match self.client.generate_sync_client_token(id, lifetime).await? {
                Some(token) => Ok(token),
                None => self.new_sync_client_token(id, before.as_ref()).await,
            }
        };
        self.client.at_provider(provider, generate).await
    }

    /// The SCIM token that a provider shows in place of `before`.
    async fn new_sync_client_token(
        &self,
        id: &ProviderId,
        before: Option<&SyncClientToken>,
    ) -> Result<SyncClientToken> {
        let is_new =
            |shown: &SyncClientToken| before.is_none_or(|before| before.token.expose() != shown.token.expose());
        let lost = |why: &str| {
            let detail = format!("SDDC Manager accepted the request without returning a token, and {why}");
            Error::new(ErrorCode::UpstreamInvalid, detail).hint(NO_TOKEN).at(&self.target.settings.name)
        };
        let read = async || self.client.shown_sync_client_token(id).await;
        match look(self.out, read, |shown| shown.as_ref().is_some_and(is_new)).await {
            Ok(shown) => shown.filter(is_new).ok_or_else(|| lost("the provider shows no new one")),
            Err(error) => Err(lost(&format!("the provider could not be read: {}", error.detail()))),
        }
    }

    pub(super) fn check(&self, condition: &Precondition, present: Option<&str>) -> Result<()> {
        condition.check(present).map_err(|error| error.at(&self.target.settings.name))
    }
}

/// The outcome of a deletion: `None` if something was deleted.
fn absent(deleted: Result<()>, absent_ok: bool) -> Result<Option<ChangeOutcome>> {
    match deleted {
        // Somebody else deleted it after the read.
        Err(error) if absent_ok && error.code() == ErrorCode::NotFound => Ok(Some(ChangeOutcome::absent())),
        done => done.map(|()| None),
    }
}

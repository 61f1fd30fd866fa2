//! PUT: brings an identity source or the external provider into the specified state. It is created if absent, changed if
//! different, else left unchanged. After a change it is read again.

use super::read_back::{Look, read_back};
use super::{Replacement, VcfOperations};
use crate::change::Precondition;
use crate::error::{Error, FieldError, Result};
use crate::runtime::Runtime;
use crate::vcf::{
    ChangeOutcome, Checked, DomainName, IdentityProvider, IdentityProviderSpec, IdentitySource, IdentitySourceSpec,
    Outcome, ProviderId, ProviderRef, PutOptions,
};

impl<R: Runtime> VcfOperations<'_, R> {
    /// Brings the identity source of `domain` at the embedded provider into the state of `spec`.
    ///
    /// # Errors
    /// `request_invalid` for a provider without identity sources and for a built-in domain, `precondition_failed`; and those
    /// of the login and the calls.
    pub(crate) async fn put_identity_source(
        &self,
        provider: &ProviderRef,
        domain: &DomainName,
        spec: &Checked<IdentitySourceSpec>,
        options: PutOptions,
        condition: &Precondition,
    ) -> Result<ChangeOutcome> {
        let (id, found) = self.client.referred_provider(provider).await?;
        let source = self.source_of(&found, domain, "/ldap/domainName")?;
        self.check(condition, source.and_then(|source| source.etag.as_deref()))?;
        match source {
            None => {
                let mut outcome = ChangeOutcome::default().by_put();
                if !options.dry_run {
                    outcome.message = self.client.add_identity_source(&id, spec).await?;
                    outcome = self.read_source_back(&id, domain, spec, outcome).await;
                }
                Ok(self.outcome_of(spec, options, outcome))
            }
            Some(source) => {
                self.check_domain(source, domain)?;
                self.change_source(&id, source, domain, spec, options).await
            }
        }
    }

    /// Rejects a specification of `domain` for a source of several domains that belongs to another of them: it would
    /// overwrite that one.
    fn check_domain(&self, source: &IdentitySource, domain: &DomainName) -> Result<()> {
        let own = source.ldap.as_ref().and_then(|ldap| ldap.domain_name.as_deref()).unwrap_or(domain.as_str());
        let is_listed = source.domain_names.iter().flatten().any(|name| name.eq_ignore_ascii_case(own));
        if own.eq_ignore_ascii_case(domain.as_str()) || !is_listed {
            return Ok(());
        }
        let detail = format!("is a further domain of the identity source of {own}, which would be overwritten");
        Err(Error::invalid(vec![FieldError::new("/ldap/domainName", detail)])
            .hint(format!("send the specification of {own} to …/identity-sources/{own}"))
            .at(&self.target.settings.name))
    }

    /// Changes the identity source `present` if it differs from `spec`, and reads it again.
    pub(super) async fn change_source(
        &self,
        provider: &ProviderId,
        present: &IdentitySource,
        domain: &DomainName,
        spec: &Checked<IdentitySourceSpec>,
        options: PutOptions,
    ) -> Result<ChangeOutcome> {
        let mut outcome = ChangeOutcome::found(spec.spec().difference(present), options);
        outcome.etag.clone_from(&present.etag);
        if outcome.outcome == Some(Outcome::Updated) && !options.dry_run {
            let domain = as_known(present, domain)?;
            self.client.update_identity_source(provider, &domain, spec).await?;
            outcome = self.read_source_back(provider, &domain, spec, outcome).await;
        }
        Ok(self.outcome_of(spec, options, outcome))
    }

    /// Compares the source with `spec` again.
    async fn read_source_back(
        &self,
        provider: &ProviderId,
        domain: &DomainName,
        spec: &Checked<IdentitySourceSpec>,
        outcome: ChangeOutcome,
    ) -> ChangeOutcome {
        let look = async || {
            let found = self.client.identity_provider(provider).await?;
            let source = self.source_of(&found, domain, "")?.ok_or_else(|| self.no_source(&found, domain))?;
            Ok(Look { difference: spec.spec().difference(source), id: None, etag: source.etag.clone() })
        };
        read_back(self.out, outcome, look).await
    }

    pub(super) fn outcome_of(
        &self,
        spec: &Checked<IdentitySourceSpec>,
        options: PutOptions,
        outcome: ChangeOutcome,
    ) -> ChangeOutcome {
        let domain_name = spec.domain_name().map(str::to_owned);
        let certificates = spec.certificates().to_vec();
        ChangeOutcome { domain_name, certificates, dry_run: options.dry_run, ..outcome }
    }

    /// Brings the external identity provider into the state of `spec`. There can be only one. It is replaced by another only
    /// if `replacement` allows that.
    ///
    /// # Errors
    /// `request_invalid` if there is one with another name or kind, `precondition_failed`; and those of the login and the
    /// calls.
    pub(crate) async fn put_identity_provider(
        &self,
        spec: &Checked<IdentityProviderSpec>,
        options: PutOptions,
        replacement: &Replacement<'_>,
        condition: &Precondition,
    ) -> Result<ChangeOutcome> {
        let present = self.client.listed_provider(&ProviderRef::External).await?;
        self.check(condition, present.as_ref().and_then(|present| present.etag.as_deref()))?;
        let outcome = match present {
            None => self.create_provider(spec, options).await?,
            Some(present) => {
                let fields = spec.spec().is_another_than(&present);
                if fields.is_empty() {
                    self.change_provider(&present, spec, options).await?
                } else {
                    self.replace_provider(&present, fields, spec, options, replacement).await?
                }
            }
        };
        let certificates = spec.certificates().to_vec();
        Ok(ChangeOutcome { certificates, dry_run: options.dry_run, ..outcome })
    }

    pub(super) async fn create_provider(
        &self,
        spec: &Checked<IdentityProviderSpec>,
        options: PutOptions,
    ) -> Result<ChangeOutcome> {
        let outcome = ChangeOutcome::default().by_put();
        if options.dry_run {
            return Ok(outcome);
        }
        let added = self.client.add_identity_provider(spec).await?;
        Ok(self.read_provider_back(spec, ChangeOutcome { id: added.id, message: added.message, ..outcome }).await)
    }

    /// Changes the external provider `present` if it differs from `spec`, and reads it again.
    pub(super) async fn change_provider(
        &self,
        present: &IdentityProvider,
        spec: &Checked<IdentityProviderSpec>,
        options: PutOptions,
    ) -> Result<ChangeOutcome> {
        let id = self.id_of(present)?;
        let mut outcome = ChangeOutcome::found(spec.spec().difference(present), options);
        outcome.id = Some(id.as_str().to_owned());
        outcome.etag.clone_from(&present.etag);
        if outcome.outcome == Some(Outcome::Updated) && !options.dry_run {
            self.client.update_identity_provider(&id, spec).await?;
            outcome = self.read_provider_back(spec, outcome).await;
        }
        Ok(outcome)
    }

    /// Compares the external provider with `spec` again. The list also has the id, which not every version returns when a
    /// provider is added.
    async fn read_provider_back(&self, spec: &Checked<IdentityProviderSpec>, outcome: ChangeOutcome) -> ChangeOutcome {
        let look = async || {
            let found = self.client.listed_provider(&ProviderRef::External).await?;
            let found = found.ok_or_else(|| ProviderRef::External.not_found())?;
            let id = self.id_of(&found).ok().map(|id| id.as_str().to_owned());
            Ok(Look { difference: spec.spec().difference(&found), id, etag: found.etag })
        };
        read_back(self.out, outcome, look).await
    }

    /// The id of a listed provider.
    pub(super) fn id_of(&self, present: &IdentityProvider) -> Result<ProviderId> {
        ProviderId::of(present).map_err(|error| error.at(&self.target.settings.name))
    }

    /// The source with that domain, if there is one; a built-in one is an error at the field `at`.
    pub(super) fn source_of<'p>(
        &self,
        provider: &'p IdentityProvider,
        domain: &DomainName,
        at: &str,
    ) -> Result<Option<&'p IdentitySource>> {
        let refused = |pointer: &str, detail: String| {
            Err(Error::invalid(vec![FieldError::new(pointer, detail)]).at(&self.target.settings.name))
        };
        if !provider.is_embedded() && provider.identity_sources.is_none() {
            let kind = provider.kind.as_deref().unwrap_or("unknown");
            let detail = format!("identity sources belong to the embedded provider, but this one is of type {kind}");
            return refused("", detail);
        }
        let found = provider.source_of(domain);
        let kind = found.and_then(|source| source.kind.as_deref()).unwrap_or_default();
        if ["SystemDomain", "LocalOs"].iter().any(|built_in| built_in.eq_ignore_ascii_case(kind)) {
            let detail = format!("is a built-in domain ({kind}), which has no directory to configure");
            return refused(at, detail);
        }
        Ok(found)
    }
}

/// The domain's name as the server writes it, which changes must use in their path.
pub(super) fn as_known(source: &IdentitySource, domain: &DomainName) -> Result<DomainName> {
    match source.domains().find(|name| name.eq_ignore_ascii_case(domain.as_str())) {
        Some(name) => DomainName::parse(name),
        None => Ok(domain.clone()),
    }
}

//! PUT: brings an identity source or the external provider into the specified state. It is created if absent, changed if
//! different, else left unchanged.

use super::VcfOperations;
use crate::error::{Error, ErrorCode, FieldError, Result};
use crate::runtime::Runtime;
use crate::vcf::{
    ChangeOutcome, Checked, DomainName, IdentityProvider, IdentityProviderSpec, IdentitySource, IdentitySourceSpec,
    Outcome, ProviderId, PutOptions,
};

impl<R: Runtime> VcfOperations<'_, R> {
    /// Brings the identity source of `domain` at the embedded provider into the state of `spec`.
    ///
    /// # Errors
    /// `request_invalid` for a provider without identity sources and for a built-in domain; and those of the login and the
    /// calls.
    pub(crate) async fn put_identity_source(
        &self,
        provider: &ProviderId,
        domain: &DomainName,
        spec: &Checked<IdentitySourceSpec>,
        options: PutOptions,
    ) -> Result<ChangeOutcome> {
        let found = self.client.identity_provider(provider).await?;
        let source = source_of(&found, domain.as_str()).map_err(|e| e.at(&self.target.settings.name))?;
        let outcome = match source {
            None if options.dry_run => ChangeOutcome::default().by_put(),
            None => {
                let added = self.client.add_identity_source(provider, spec).await?;
                ChangeOutcome { message: added.message, ..ChangeOutcome::default() }.by_put()
            }
            Some(source) => {
                let outcome = ChangeOutcome::found(spec.spec().difference(source), options);
                if outcome.outcome == Some(Outcome::Updated) && !options.dry_run {
                    self.client.update_identity_source(provider, &as_known(source, domain)?, spec).await?;
                }
                outcome
            }
        };
        let domain_name = spec.domain_name().map(str::to_owned);
        let certificates = spec.certificates().to_vec();
        Ok(ChangeOutcome { domain_name, certificates, dry_run: options.dry_run, ..outcome })
    }

    /// Brings the external identity provider into the state of `spec`. There can be only one, and PUT never replaces it by
    /// another.
    ///
    /// # Errors
    /// `request_invalid` if there is one with another name or kind; and those of the login and the calls.
    pub(crate) async fn put_identity_provider(
        &self,
        spec: &Checked<IdentityProviderSpec>,
        options: PutOptions,
    ) -> Result<ChangeOutcome> {
        let providers = self.client.identity_providers().await?;
        let outcome = match providers.elements.iter().find(|provider| !provider.is_embedded()) {
            None if options.dry_run => ChangeOutcome::default().by_put(),
            None => {
                let added = self.client.add_identity_provider(spec).await?;
                ChangeOutcome { id: added.id, message: added.message, ..ChangeOutcome::default() }.by_put()
            }
            Some(present) => {
                let id = self.same_provider(present, spec.spec())?;
                let outcome = ChangeOutcome::found(spec.spec().difference(present), options);
                if outcome.outcome == Some(Outcome::Updated) && !options.dry_run {
                    self.client.update_identity_provider(&id, spec).await?;
                }
                ChangeOutcome { id: Some(id.as_str().to_owned()), ..outcome }
            }
        };
        let certificates = spec.certificates().to_vec();
        Ok(ChangeOutcome { certificates, dry_run: options.dry_run, ..outcome })
    }

    /// The id of the existing provider, if `spec` describes it.
    fn same_provider(&self, present: &IdentityProvider, spec: &IdentityProviderSpec) -> Result<ProviderId> {
        let name = &self.target.settings.name;
        let id = ProviderId::parse(present.id.as_deref().unwrap_or_default()).map_err(|_| {
            let detail = "SDDC Manager lists an external identity provider without a usable id";
            Error::new(ErrorCode::UpstreamInvalid, detail).at(name)
        })?;
        let fields = spec.is_another_than(present);
        if fields.is_empty() {
            return Ok(id);
        }
        let hint = format!(
            "there can be only one external provider, and PUT does not replace it by another: send its name and kind to \
             change it, or DELETE /vcf/{name}/v1/identity-providers/{} first",
            id.as_str()
        );
        Err(Error::invalid(fields).hint(hint).at(name))
    }
}

/// The domain's name as the server writes it, which the update must use.
fn as_known(source: &IdentitySource, domain: &DomainName) -> Result<DomainName> {
    match names(source).find(|name| name.eq_ignore_ascii_case(domain.as_str())) {
        Some(name) => DomainName::parse(name),
        None => Ok(domain.clone()),
    }
}

/// The source with that domain, if there is one.
fn source_of<'p>(provider: &'p IdentityProvider, domain_name: &str) -> Result<Option<&'p IdentitySource>> {
    let refused = |pointer: &str, detail: String| Err(Error::invalid(vec![FieldError::new(pointer, detail)]));
    if !provider.is_embedded() && provider.identity_sources.is_none() {
        let kind = provider.kind.as_deref().unwrap_or("unknown");
        let detail = format!("identity sources belong to the embedded provider, but this one is of type {kind}");
        return refused("", detail);
    }
    let mut sources = provider.identity_sources.iter().flatten();
    let found = sources.find(|source| names(source).any(|name| name.eq_ignore_ascii_case(domain_name)));
    let kind = found.and_then(|source| source.kind.as_deref()).unwrap_or_default();
    if ["SystemDomain", "LocalOs"].iter().any(|built_in| built_in.eq_ignore_ascii_case(kind)) {
        return refused(
            "/ldap/domainName",
            format!("is a built-in domain ({kind}), which has no directory to configure"),
        );
    }
    Ok(found)
}

/// The names of a source's domain.
fn names(source: &IdentitySource) -> impl Iterator<Item = &str> {
    let own = source.ldap.as_ref().and_then(|ldap| ldap.domain_name.as_ref());
    source.domain_names.iter().flatten().chain(own).map(String::as_str)
}

//! Making it so: an identity source, or the external provider, is to be as specified. It is created where it is absent,
//! changed where it differs, and left alone where it is as wanted; one call tells which.

use serde::Serialize;

use crate::error::{Error, ErrorCode, FieldError, Result};
use crate::runtime::Runtime;
use crate::vcf::compare::Difference;
use crate::vcf::{
    Client, DomainName, IdentityProvider, IdentityProviderSpec, IdentitySource, IdentitySourceSpec, ProviderId,
};

/// How to make it so.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PutOptions {
    /// Change it although it looks as wanted: for a new password, which cannot be compared.
    pub force: bool,
    /// Only tell what would be done.
    pub dry_run: bool,
}

/// What was done, or would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub enum Outcome {
    /// It was absent.
    Created,
    /// It was there, and other than wanted or the change was forced.
    Updated,
    /// It is as wanted, as far as can be told.
    Unchanged,
}

/// What came of making it so.
#[derive(Debug, Clone, PartialEq)]
pub struct Put {
    /// What was done.
    pub outcome: Outcome,
    /// The provider's id, where it is one and it is known.
    pub id: Option<String>,
    /// What SDDC Manager said to a creation, where that is not the id.
    pub message: Option<String>,
    /// What differed; empty for a creation.
    pub difference: Difference,
}

impl Put {
    fn created(id: Option<String>, message: Option<String>) -> Self {
        Self { outcome: Outcome::Created, id, message, difference: Difference::default() }
    }

    fn present(id: Option<String>, difference: Difference, options: PutOptions) -> Self {
        let differs = options.force || !difference.changes.is_empty();
        let outcome = if differs { Outcome::Updated } else { Outcome::Unchanged };
        Self { outcome, id, message: None, difference }
    }
}

impl<R: Runtime> Client<'_, R> {
    /// Makes the identity source of `domain_name` at the embedded provider as `spec` says; check that first.
    ///
    /// # Errors
    /// `request_invalid` for a provider that has no identity sources and for a built-in domain; otherwise as any upstream
    /// call.
    pub async fn put_identity_source(
        &self,
        provider: &str,
        domain_name: &str,
        spec: &IdentitySourceSpec,
        options: PutOptions,
    ) -> Result<Put> {
        DomainName::parse(domain_name)?;
        let found = self.identity_provider(provider).await?;
        let Some(source) = source_of(&found, domain_name).map_err(|e| e.at(&self.target.name))? else {
            if options.dry_run {
                return Ok(Put::created(None, None));
            }
            let added = self.add_identity_source(provider, spec).await?;
            return Ok(Put::created(None, added.message));
        };
        let put = Put::present(None, spec.difference(source), options);
        if put.outcome == Outcome::Updated && !options.dry_run {
            // By the name as the server writes it.
            let known = names(source).find(|name| name.eq_ignore_ascii_case(domain_name)).unwrap_or(domain_name);
            self.update_identity_source(provider, known, spec).await?;
        }
        Ok(put)
    }

    /// Makes the external identity provider as `spec` says; check that first. There can be only one, and it is never
    /// replaced by another.
    ///
    /// # Errors
    /// `request_invalid` when there is one of another name or kind; otherwise as any upstream call.
    pub async fn put_identity_provider(&self, spec: &IdentityProviderSpec, options: PutOptions) -> Result<Put> {
        let providers = self.identity_providers().await?;
        let mut external = providers.elements.iter().filter(|provider| !provider.is_embedded());
        let Some(present) = external.next() else {
            if options.dry_run {
                return Ok(Put::created(None, None));
            }
            let added = self.add_identity_provider(spec).await?;
            return Ok(Put::created(added.id, added.message));
        };
        let fields = spec.is_another_than(present);
        let id = present.id.as_deref().unwrap_or_default();
        if ProviderId::parse(id).is_err() {
            let detail = "SDDC Manager lists an external identity provider without a usable id";
            return Err(Error::new(ErrorCode::UpstreamInvalid, detail).at(&self.target.name));
        }
        if !fields.is_empty() {
            let hint = format!(
                "there can be only one external provider, and PUT does not replace it by another: give its name and kind \
                 to change it, or DELETE /vcf/{}/v1/identity-providers/{id} first",
                self.target.name
            );
            return Err(Error::invalid(fields).hint(hint).at(&self.target.name));
        }
        let put = Put::present(present.id.clone(), spec.difference(present), options);
        if put.outcome == Outcome::Updated && !options.dry_run {
            self.update_identity_provider(id, spec).await?;
        }
        Ok(put)
    }
}

/// The source of that domain, if there is one.
fn source_of<'p>(provider: &'p IdentityProvider, domain_name: &str) -> Result<Option<&'p IdentitySource>> {
    let refused = |pointer: &str, detail: String| Err(Error::invalid(vec![FieldError::new(pointer, detail)]));
    if !provider.is_embedded() && provider.identity_sources.is_none() {
        let kind = provider.kind.as_deref().unwrap_or("unknown");
        let detail = format!("identity sources belong to the embedded provider, and this one is of type {kind}");
        return refused("", detail);
    }
    let mut sources = provider.identity_sources.iter().flatten();
    let found = sources.find(|source| names(source).any(|name| name.eq_ignore_ascii_case(domain_name)));
    let kind = found.and_then(|source| source.kind.as_deref()).unwrap_or_default();
    if ["SystemDomain", "LocalOs"].iter().any(|built_in| built_in.eq_ignore_ascii_case(kind)) {
        return refused("/ldap/domainName", format!("names a built-in domain ({kind}), which has no directory to set"));
    }
    Ok(found)
}

/// What a source's domain is called.
fn names(source: &IdentitySource) -> impl Iterator<Item = &str> {
    let own = source.ldap.as_ref().and_then(|ldap| ldap.domain_name.as_ref());
    source.domain_names.iter().flatten().chain(own).map(String::as_str)
}

//! SDDC Manager (VMware Cloud Foundation): identity providers and their identity sources.

use std::time::Duration;

use http::HeaderMap;
use serde_json::Value;

use super::options::{ChangeOptions, DeleteOptions, PartOptions, ProviderOptions, UpdateOptions, condition};
use super::{Result, Timeouts, checked, misconfigured, problem, settings};
use crate::config::{IntoTarget as _, VcfSettings};
use crate::error::Error;
use crate::http::Limits;
use crate::operations::{Applied, ApplyOrder, ApplySpec, VcfOperations, VcfTarget};
use crate::runtime::Runtime;
use crate::upstream::Outbound;
use crate::vcf::{
    ChangeOutcome, Checked, DomainName, IdentityProvider, IdentityProviderSpec, IdentityProviders, IdentitySourceSpec,
    NewCertificates, NewClientSecret, NewCredentials, PrecheckResult, ProviderRef, SddcManagerOidc, SyncClientToken,
    TokenLifetime,
};

/// The target's name in errors.
const NAME: &str = "vcf";

/// A session with one SDDC Manager. `embedded` and `external` are valid in place of a provider's id.
///
/// ```
/// use idhook::embedded::{Result, Vcf};
/// use idhook::runtime::Runtime;
///
/// fn session<R: Runtime>(runtime: R) -> Result<Vcf<R>> {
///     let settings = serde_json::json!({
///         "url": "https://sddc.example", "username": "svc-idhook@vsphere.local", "password": "hunter2",
///     });
///     Vcf::from_json(runtime, settings)
/// }
/// ```
#[derive(Debug)]
pub struct Vcf<R> {
    runtime: R,
    target: VcfTarget,
    limits: Limits,
    operation: Duration,
}

impl<R: Runtime> Vcf<R> {
    /// A session with the SDDC Manager in `settings`. No call is made before the first operation.
    ///
    /// # Errors
    /// `request_invalid` with every missing or wrong setting.
    pub fn new(runtime: R, settings: VcfSettings, timeouts: Timeouts) -> Result<Self> {
        let target = settings.into_target(NAME).map_err(|problems| misconfigured(&problems))?;
        let (limits, operation) = timeouts.read().map_err(|e| problem(&e, &[]))?;
        Ok(Self { runtime, target: VcfTarget::new(target), limits, operation })
    }

    /// The same from JSON: the fields of [`VcfSettings`], and `timeouts`.
    ///
    /// # Errors
    /// `request_invalid` with every missing, unknown or wrong setting.
    pub fn from_json(runtime: R, value: Value) -> Result<Self> {
        let (settings, timeouts) = settings(value)?;
        Self::new(runtime, settings, timeouts)
    }

    /// Runs one operation.
    async fn work<T>(
        &self,
        work: impl AsyncFnOnce(&VcfOperations<'_, R>) -> std::result::Result<T, Error>,
    ) -> Result<T> {
        let secrets = vec![self.target.settings.credentials.secret()];
        let outbound = Outbound::new(&self.runtime, self.limits, self.operation, HeaderMap::new());
        let outbound = outbound.with_secrets(secrets.clone());
        work(&VcfOperations::new(&self.target, &outbound)).await.map_err(|e| problem(&e, &secrets))
    }

    /// All identity providers, including the embedded one with its identity sources.
    ///
    /// # Errors
    /// Those of the login and the call.
    pub async fn identity_providers(&self) -> Result<IdentityProviders> {
        self.work(async |vcf| vcf.client.identity_providers().await).await
    }

    /// One identity provider.
    ///
    /// # Errors
    /// `request_invalid` for an invalid id; and those of the login and the call.
    pub async fn identity_provider(&self, id: &str) -> Result<IdentityProvider> {
        self.work(async |vcf| vcf.identity_provider(&ProviderRef::parse(id)?).await).await
    }

    /// Adds an external identity provider.
    ///
    /// # Errors
    /// `request_invalid` with every missing or wrong field; and those of the login and the call.
    pub async fn add_identity_provider(&self, spec: IdentityProviderSpec) -> Result<ChangeOutcome> {
        self.work(async |vcf| {
            vcf.add_identity_provider(&checked(&self.runtime, spec, Checked::<IdentityProviderSpec>::to_add)?).await
        })
        .await
    }

    /// Brings the external identity provider into the state of `spec`: added if absent, changed if different, else left
    /// unchanged. One with another name or kind is replaced only if the options confirm that.
    ///
    /// # Errors
    /// `request_invalid` with every missing or wrong field, and if there is one with another name or kind; also
    /// `precondition_failed`; and those of the login and the calls.
    pub async fn put_identity_provider(
        &self,
        spec: IdentityProviderSpec,
        options: ProviderOptions,
    ) -> Result<ChangeOutcome> {
        self.work(async |vcf| {
            let spec = checked(&self.runtime, spec, Checked::<IdentityProviderSpec>::to_add)?;
            let condition = condition(options.if_match.as_deref())?;
            vcf.put_identity_provider(&spec, options.put(), &options.replacement(), &condition).await
        })
        .await
    }

    /// Changes an external identity provider; `spec` is the complete specification, secrets included.
    ///
    /// # Errors
    /// `request_invalid` with every missing or wrong field; `precondition_failed`; and those of the login and the calls.
    pub async fn update_identity_provider(
        &self,
        id: &str,
        spec: IdentityProviderSpec,
        options: UpdateOptions,
    ) -> Result<()> {
        self.work(async |vcf| {
            let id = ProviderRef::parse(id)?;
            let spec = checked(&self.runtime, spec, Checked::<IdentityProviderSpec>::to_update)?;
            vcf.update_identity_provider(&id, &spec, &condition(options.if_match.as_deref())?).await
        })
        .await
    }

    /// Deletes an external identity provider; the embedded one is never deleted. `None` if it was deleted, an outcome if it
    /// did not exist and the options accept that.
    ///
    /// # Errors
    /// `request_invalid` for an invalid id and for the embedded provider; `precondition_failed`; and those of the login and
    /// the calls.
    pub async fn delete_identity_provider(&self, id: &str, options: DeleteOptions) -> Result<Option<ChangeOutcome>> {
        self.work(async |vcf| {
            let (id, condition) = (ProviderRef::parse(id)?, condition(options.if_match.as_deref())?);
            vcf.delete_identity_provider(&id, options.absent.is_some(), &condition).await
        })
        .await
    }

    /// Adds an identity source to the embedded provider, whose id is in the list of providers.
    ///
    /// # Errors
    /// `request_invalid` with every missing or wrong field; and those of the login and the call.
    pub async fn add_identity_source(&self, provider: &str, spec: IdentitySourceSpec) -> Result<ChangeOutcome> {
        self.work(async |vcf| {
            let provider = ProviderRef::parse(provider)?;
            vcf.add_identity_source(&provider, &checked(&self.runtime, spec, Checked::<IdentitySourceSpec>::to_add)?)
                .await
        })
        .await
    }

    /// Brings the identity source of this domain into the state of `spec`, in which the domain name is optional: added if
    /// absent, changed if different, else left unchanged.
    ///
    /// # Errors
    /// `request_invalid` with every missing or wrong field, and for a built-in domain; `precondition_failed`; and those of the
    /// login and the calls.
    pub async fn put_identity_source(
        &self,
        provider: &str,
        domain: &str,
        spec: IdentitySourceSpec,
        options: ChangeOptions,
    ) -> Result<ChangeOutcome> {
        self.work(async |vcf| {
            let (provider, domain) = (ProviderRef::parse(provider)?, DomainName::parse(domain)?);
            let spec =
                checked(&self.runtime, spec, |spec, now| Checked::<IdentitySourceSpec>::to_put(spec, &domain, now))?;
            let condition = condition(options.if_match.as_deref())?;
            vcf.put_identity_source(&provider, &domain, &spec, options.put(), &condition).await
        })
        .await
    }

    /// Does a whole job: the server's precheck, the identity source or external provider, its verification, and the roles of
    /// groups. A second call with the same `spec` continues a job that failed, and reports `unchanged` for what is done.
    ///
    /// # Errors
    /// The problem lists the steps. `request_invalid` with every missing or wrong field, for an unknown role, and for a
    /// removal that would leave no administrator or might lock out the session's account; `not_found` for an unknown group;
    /// `upstream_rejected` for a failed precheck; `upstream_invalid` if the server does not show a change that it accepted;
    /// `precondition_failed`; and those of the login and the calls.
    pub async fn apply(&self, spec: ApplySpec, options: ChangeOptions) -> Result<Applied> {
        self.work(async |vcf| {
            let order = checked(&self.runtime, spec, ApplyOrder::of)?;
            vcf.apply(&order, options.put(), &condition(options.if_match.as_deref())?).await
        })
        .await
    }

    /// Changes the identity source of this domain; `spec` is the complete specification, its password included.
    ///
    /// # Errors
    /// `request_invalid` with every missing or wrong field; `precondition_failed`; and those of the login and the calls.
    pub async fn update_identity_source(
        &self,
        provider: &str,
        domain: &str,
        spec: IdentitySourceSpec,
        options: UpdateOptions,
    ) -> Result<()> {
        self.work(async |vcf| {
            let (provider, domain) = (ProviderRef::parse(provider)?, DomainName::parse(domain)?);
            let spec = checked(&self.runtime, spec, Checked::<IdentitySourceSpec>::to_update)?;
            let condition = condition(options.if_match.as_deref())?;
            vcf.update_identity_source(&provider, &domain, &spec, &condition).await
        })
        .await
    }

    /// Deletes the identity source of this domain. `None` if it was deleted, an outcome if it did not exist and the options
    /// accept that.
    ///
    /// # Errors
    /// `request_invalid` for an invalid id or domain; `precondition_failed`; and those of the login and the calls.
    pub async fn delete_identity_source(
        &self,
        provider: &str,
        domain: &str,
        options: DeleteOptions,
    ) -> Result<Option<ChangeOutcome>> {
        self.work(async |vcf| {
            let (provider, domain) = (ProviderRef::parse(provider)?, DomainName::parse(domain)?);
            let condition = condition(options.if_match.as_deref())?;
            vcf.delete_identity_source(&provider, &domain, options.absent.is_some(), &condition).await
        })
        .await
    }

    /// Gives the identity source of this domain a new bind password, and optionally another account. What SDDC Manager shows of
    /// the source is read and sent with it.
    ///
    /// # Errors
    /// `request_invalid` with every missing or wrong field, also if SDDC Manager does not show what must not be lost;
    /// `not_found`, `precondition_failed`; and those of the login and the calls.
    pub async fn set_identity_source_credentials(
        &self,
        provider: &str,
        domain: &str,
        new: NewCredentials,
        options: PartOptions,
    ) -> Result<ChangeOutcome> {
        self.work(async |vcf| {
            let (provider, domain) = (ProviderRef::parse(provider)?, DomainName::parse(domain)?);
            let new = checked(&self.runtime, new, Checked::<NewCredentials>::to_set)?;
            let condition = condition(options.if_match.as_deref())?;
            vcf.set_credentials((&provider, &domain), &new, options.dry_run, &condition).await
        })
        .await
    }

    /// Gives the identity source of this domain new certificates of its servers, beside the present ones if they are to be
    /// kept. Equal ones are not sent.
    ///
    /// # Errors
    /// As [`set_identity_source_credentials`](Self::set_identity_source_credentials).
    pub async fn set_identity_source_certificates(
        &self,
        provider: &str,
        domain: &str,
        new: NewCertificates,
        options: PartOptions,
    ) -> Result<ChangeOutcome> {
        self.work(async |vcf| {
            let (provider, domain) = (ProviderRef::parse(provider)?, DomainName::parse(domain)?);
            let new = checked(&self.runtime, new, Checked::<NewCertificates>::to_set)?;
            let condition = condition(options.if_match.as_deref())?;
            vcf.set_certificates((&provider, &domain), &new, options.dry_run, &condition).await
        })
        .await
    }

    /// Gives the external identity provider a new client secret.
    ///
    /// # Errors
    /// As [`set_identity_source_credentials`](Self::set_identity_source_credentials).
    pub async fn set_client_secret(
        &self,
        provider: &str,
        new: NewClientSecret,
        options: PartOptions,
    ) -> Result<ChangeOutcome> {
        self.work(async |vcf| {
            let provider = ProviderRef::parse(provider)?;
            let new = checked(&self.runtime, new, Checked::<NewClientSecret>::to_set)?;
            let condition = condition(options.if_match.as_deref())?;
            vcf.set_client_secret(&provider, &new, options.dry_run, &condition).await
        })
        .await
    }

    /// Makes a new SCIM token for a federated provider, valid for `ttl_seconds`; the previous one becomes invalid. VCF 5.1
    /// and later.
    ///
    /// # Errors
    /// `request_invalid` for an invalid id, or a lifetime below one second; and those of the login and the call.
    pub async fn generate_sync_client_token(
        &self,
        provider: &str,
        ttl_seconds: Option<i64>,
    ) -> Result<SyncClientToken> {
        self.work(async |vcf| {
            let lifetime = ttl_seconds.map(TokenLifetime::from_seconds).transpose()?;
            vcf.generate_sync_client_token(&ProviderRef::parse(provider)?, lifetime).await
        })
        .await
    }

    /// Whether the identity provider may be changed (to one of this `kind`). VCF 5.1 and later.
    ///
    /// # Errors
    /// Those of the login and the call.
    pub async fn prechecks(&self, kind: Option<&str>) -> Result<PrecheckResult> {
        self.work(async |vcf| vcf.client.prechecks(kind).await).await
    }

    /// SDDC Manager's own OpenID Connect client. VCF 5.2 and later.
    ///
    /// # Errors
    /// Those of the login and the call.
    pub async fn sddc_manager_oidc(&self) -> Result<SddcManagerOidc> {
        self.work(async |vcf| vcf.client.sddc_manager_oidc().await).await
    }
}

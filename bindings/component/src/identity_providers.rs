//! SDDC Manager: the interface `identity-providers`.

use idhook::config::VcfSettings;
use idhook::embedded::{Absent, ChangeOptions, DeleteOptions, PartOptions, ProviderOptions, UpdateOptions, Vcf};
use idhook::secret::Secret;
use idhook::vcf::{Extra, NewCertificates, NewClientSecret, NewCredentials};
use idhook_wasip2::{Wasi, block_on};

use crate::bindings::identity_providers as wit;
use crate::specs::{job, provider, source};
use crate::{Library, runtime};

type Result<T> = std::result::Result<T, wit::Error>;

impl wit::Guest for Library {
    type Session = Session;
}

/// A session with one SDDC Manager account.
#[derive(Debug)]
pub(crate) struct Session(Vcf<Wasi>);

impl wit::GuestSession for Session {
    fn open(settings: wit::Settings) -> Result<wit::Session> {
        let wit::Settings { url, username, password, refresh_token, timeouts } = settings;
        let (password, refresh_token) = (password.map(Secret::new), refresh_token.map(Secret::new));
        let settings = VcfSettings { url: Some(url), username, password, refresh_token };
        let vcf = Vcf::new(runtime(), settings, timeouts.map(Into::into).unwrap_or_default())?;
        Ok(wit::Session::new(Self(vcf)))
    }

    fn identity_providers(&self) -> Result<wit::IdentityProviderList> {
        Ok(block_on(self.0.identity_providers())?.into())
    }

    fn identity_provider(&self, id: String) -> Result<wit::IdentityProvider> {
        Ok(block_on(self.0.identity_provider(&id))?.into())
    }

    fn add_identity_provider(&self, spec: wit::IdentityProviderSpec) -> Result<wit::ChangeOutcome> {
        let spec = provider(spec)?;
        Ok(block_on(self.0.add_identity_provider(spec))?.into())
    }

    fn put_identity_provider(
        &self,
        spec: wit::IdentityProviderSpec,
        options: Option<wit::ProviderOptions>,
    ) -> Result<wit::ChangeOutcome> {
        let spec = provider(spec)?;
        Ok(block_on(self.0.put_identity_provider(spec, given(options)))?.into())
    }

    fn update_identity_provider(
        &self,
        id: String,
        spec: wit::IdentityProviderSpec,
        options: Option<wit::UpdateOptions>,
    ) -> Result<()> {
        let spec = provider(spec)?;
        Ok(block_on(self.0.update_identity_provider(&id, spec, given(options)))?)
    }

    fn delete_identity_provider(
        &self,
        id: String,
        options: Option<wit::DeleteOptions>,
    ) -> Result<Option<wit::ChangeOutcome>> {
        Ok(block_on(self.0.delete_identity_provider(&id, given(options)))?.map(Into::into))
    }

    fn add_identity_source(&self, provider_id: String, spec: wit::IdentitySourceSpec) -> Result<wit::ChangeOutcome> {
        let spec = source(spec)?;
        Ok(block_on(self.0.add_identity_source(&provider_id, spec))?.into())
    }

    fn put_identity_source(
        &self,
        provider_id: String,
        domain_name: String,
        spec: wit::IdentitySourceSpec,
        options: Option<wit::ChangeOptions>,
    ) -> Result<wit::ChangeOutcome> {
        let spec = source(spec)?;
        let put = self.0.put_identity_source(&provider_id, &domain_name, spec, given(options));
        Ok(block_on(put)?.into())
    }

    fn update_identity_source(
        &self,
        provider_id: String,
        domain_name: String,
        spec: wit::IdentitySourceSpec,
        options: Option<wit::UpdateOptions>,
    ) -> Result<()> {
        let spec = source(spec)?;
        Ok(block_on(self.0.update_identity_source(&provider_id, &domain_name, spec, given(options)))?)
    }

    fn delete_identity_source(
        &self,
        provider_id: String,
        domain_name: String,
        options: Option<wit::DeleteOptions>,
    ) -> Result<Option<wit::ChangeOutcome>> {
        let delete = self.0.delete_identity_source(&provider_id, &domain_name, given(options));
        Ok(block_on(delete)?.map(Into::into))
    }

    fn set_identity_source_credentials(
        &self,
        provider_id: String,
        domain_name: String,
        spec: wit::NewCredentials,
        options: Option<wit::PartOptions>,
    ) -> Result<wit::ChangeOutcome> {
        let wit::NewCredentials { password, username, cert_chain } = spec;
        let new = NewCredentials { password: password.map(Secret::new), username, cert_chain, extra: Extra::default() };
        let set = self.0.set_identity_source_credentials(&provider_id, &domain_name, new, given(options));
        Ok(block_on(set)?.into())
    }

    fn set_identity_source_certificates(
        &self,
        provider_id: String,
        domain_name: String,
        spec: wit::NewCertificates,
        options: Option<wit::PartOptions>,
    ) -> Result<wit::ChangeOutcome> {
        let wit::NewCertificates { cert_chain, keep, password } = spec;
        let (keep, password) = (keep.unwrap_or_default(), password.map(Secret::new));
        let new = NewCertificates { cert_chain, keep, password, extra: Extra::default() };
        let set = self.0.set_identity_source_certificates(&provider_id, &domain_name, new, given(options));
        Ok(block_on(set)?.into())
    }

    fn set_client_secret(
        &self,
        provider_id: String,
        spec: wit::NewClientSecret,
        options: Option<wit::PartOptions>,
    ) -> Result<wit::ChangeOutcome> {
        let wit::NewClientSecret { client_secret, cert_chain, password, type_ } = spec;
        let new = NewClientSecret {
            client_secret: client_secret.map(Secret::new),
            cert_chain,
            password: password.map(Secret::new),
            kind: type_,
            extra: Extra::default(),
        };
        Ok(block_on(self.0.set_client_secret(&provider_id, new, given(options)))?.into())
    }

    fn apply(&self, spec: wit::ApplySpec, options: Option<wit::ChangeOptions>) -> Result<wit::Applied> {
        let spec = job(spec)?;
        Ok(block_on(self.0.apply(spec, given(options)))?.into())
    }

    fn generate_sync_client_token(
        &self,
        provider_id: String,
        ttl_seconds: Option<i32>,
    ) -> Result<wit::SyncClientToken> {
        Ok(block_on(self.0.generate_sync_client_token(&provider_id, ttl_seconds.map(i64::from)))?.into())
    }

    fn prechecks(&self, type_: Option<String>) -> Result<wit::PrecheckResult> {
        Ok(block_on(self.0.prechecks(type_.as_deref()))?.into())
    }

    fn sddc_manager_oidc(&self) -> Result<wit::SddcManagerOidc> {
        Ok(block_on(self.0.sddc_manager_oidc())?.into())
    }
}

/// The options that a caller gave, or the defaults.
fn given<W, O: From<W> + Default>(options: Option<W>) -> O {
    options.map(Into::into).unwrap_or_default()
}

impl From<wit::ChangeOptions> for ChangeOptions {
    fn from(wit::ChangeOptions { force, dry_run, if_match }: wit::ChangeOptions) -> Self {
        Self { force: force.unwrap_or_default(), dry_run: dry_run.unwrap_or_default(), if_match }
    }
}

impl From<wit::ProviderOptions> for ProviderOptions {
    fn from(options: wit::ProviderOptions) -> Self {
        let wit::ProviderOptions { force, dry_run, replace, confirm, if_match } = options;
        let (force, dry_run) = (force.unwrap_or_default(), dry_run.unwrap_or_default());
        Self { force, dry_run, replace: replace.unwrap_or_default(), confirm, if_match }
    }
}

impl From<wit::UpdateOptions> for UpdateOptions {
    fn from(wit::UpdateOptions { if_match }: wit::UpdateOptions) -> Self {
        Self { if_match }
    }
}

impl From<wit::DeleteOptions> for DeleteOptions {
    fn from(wit::DeleteOptions { absent, if_match }: wit::DeleteOptions) -> Self {
        Self { absent: absent.map(|wit::Absent::Ok| Absent::Ok), if_match }
    }
}

impl From<wit::PartOptions> for PartOptions {
    fn from(wit::PartOptions { dry_run, if_match }: wit::PartOptions) -> Self {
        Self { dry_run: dry_run.unwrap_or_default(), if_match }
    }
}

//! SDDC Manager: the interface `identity-providers`.

use idhook::config::VcfSettings;
use idhook::embedded::Vcf;
use idhook::secret::Secret;
use idhook::vcf::{Extra, NewCertificates, NewClientSecret, NewCredentials, PutOptions};
use idhook_wasip2::{Wasi, block_on};

use crate::bindings::identity_providers as wit;
use crate::specs::{provider, source};
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
        options: Option<wit::PutOptions>,
    ) -> Result<wit::ChangeOutcome> {
        let spec = provider(spec)?;
        Ok(block_on(self.0.put_identity_provider(spec, put_options(options)))?.into())
    }

    fn update_identity_provider(&self, id: String, spec: wit::IdentityProviderSpec) -> Result<()> {
        let spec = provider(spec)?;
        Ok(block_on(self.0.update_identity_provider(&id, spec))?)
    }

    fn delete_identity_provider(&self, id: String) -> Result<()> {
        Ok(block_on(self.0.delete_identity_provider(&id))?)
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
        options: Option<wit::PutOptions>,
    ) -> Result<wit::ChangeOutcome> {
        let spec = source(spec)?;
        let put = self.0.put_identity_source(&provider_id, &domain_name, spec, put_options(options));
        Ok(block_on(put)?.into())
    }

    fn update_identity_source(
        &self,
        provider_id: String,
        domain_name: String,
        spec: wit::IdentitySourceSpec,
    ) -> Result<()> {
        let spec = source(spec)?;
        Ok(block_on(self.0.update_identity_source(&provider_id, &domain_name, spec))?)
    }

    fn delete_identity_source(&self, provider_id: String, domain_name: String) -> Result<()> {
        Ok(block_on(self.0.delete_identity_source(&provider_id, &domain_name))?)
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
        let set = self.0.set_identity_source_credentials(&provider_id, &domain_name, new, is_dry_run(options));
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
        let set = self.0.set_identity_source_certificates(&provider_id, &domain_name, new, is_dry_run(options));
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
        Ok(block_on(self.0.set_client_secret(&provider_id, new, is_dry_run(options)))?.into())
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

fn is_dry_run(options: Option<wit::PartOptions>) -> bool {
    options.and_then(|options| options.dry_run).unwrap_or_default()
}

fn put_options(options: Option<wit::PutOptions>) -> PutOptions {
    let Some(wit::PutOptions { force, dry_run }) = options else { return PutOptions::default() };
    PutOptions { force: force.unwrap_or_default(), dry_run: dry_run.unwrap_or_default() }
}

//! Changes of one field: what SDDC Manager shows is read, the new value is put into it, and the whole is sent and read again.

use super::VcfOperations;
use crate::change::Precondition;
use crate::error::{Error, FieldError, Result};
use crate::runtime::Runtime;
use crate::vcf::{
    ChangeOutcome, Checked, DomainName, IdentitySource, IdentitySourceSpec, NewCertificates, NewClientSecret,
    NewCredentials, ProviderRef, PutOptions,
};

impl<R: Runtime> VcfOperations<'_, R> {
    /// Gives the identity source of `domain` a new bind password, and optionally another account.
    ///
    /// # Errors
    /// `request_invalid` if SDDC Manager does not show what is needed, `not_found`, `precondition_failed`; and those of the
    /// login and the calls.
    pub(crate) async fn set_credentials(
        &self,
        source: (&ProviderRef, &DomainName),
        new: &Checked<NewCredentials>,
        dry_run: bool,
        condition: &Precondition,
    ) -> Result<ChangeOutcome> {
        let now = self.out.runtime().now();
        // A password cannot be compared, so it is always sent.
        let options = PutOptions { force: true, dry_run };
        self.set_part(source, options, condition, |present| new.in_source(present, source.1, now)).await
    }

    /// Gives the identity source of `domain` new certificates of its servers. Equal ones are not sent.
    ///
    /// # Errors
    /// As [`set_credentials`](Self::set_credentials).
    pub(crate) async fn set_certificates(
        &self,
        source: (&ProviderRef, &DomainName),
        new: &Checked<NewCertificates>,
        dry_run: bool,
        condition: &Precondition,
    ) -> Result<ChangeOutcome> {
        let now = self.out.runtime().now();
        let options = PutOptions { force: false, dry_run };
        self.set_part(source, options, condition, |present| new.in_source(present, source.1, now)).await
    }

    async fn set_part(
        &self,
        (provider, domain): (&ProviderRef, &DomainName),
        options: PutOptions,
        condition: &Precondition,
        with_part: impl FnOnce(&IdentitySource) -> Result<Checked<IdentitySourceSpec>, Vec<FieldError>>,
    ) -> Result<ChangeOutcome> {
        let (id, found) = self.client.referred_provider(provider).await?;
        let present = self.source_of(&found, domain, "")?.ok_or_else(|| self.no_source(&found, domain))?;
        self.check(condition, present.etag.as_deref())?;
        let spec = with_part(present).map_err(|fields| self.unfit(fields))?;
        self.change_source(&id, present, domain, &spec, options).await
    }

    /// Gives the external provider a new client secret.
    ///
    /// # Errors
    /// As [`set_credentials`](Self::set_credentials).
    pub(crate) async fn set_client_secret(
        &self,
        provider: &ProviderRef,
        new: &Checked<NewClientSecret>,
        dry_run: bool,
        condition: &Precondition,
    ) -> Result<ChangeOutcome> {
        let (_, present) = self.client.referred_provider(provider).await?;
        self.check(condition, present.etag.as_deref())?;
        let spec = new.in_provider(&present, self.out.runtime().now()).map_err(|fields| self.unfit(fields))?;
        let options = PutOptions { force: true, dry_run };
        let outcome = self.change_provider(&present, &spec, options).await?;
        Ok(ChangeOutcome { certificates: spec.certificates().to_vec(), dry_run, ..outcome })
    }

    fn unfit(&self, fields: Vec<FieldError>) -> Error {
        Error::invalid(fields).at(&self.target.settings.name)
    }
}

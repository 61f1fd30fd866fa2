//! The operations on an SDDC Manager: identity providers and their identity sources.

use super::VcfTarget;
use crate::error::Result;
use crate::runtime::Runtime;
use crate::upstream::Outbound;
use crate::vcf::{ChangeOutcome, Checked, Client, IdentityProviderSpec, IdentitySourceSpec, ProviderId};

/// The operations on one SDDC Manager, for one piece of work. PUT is in `put.rs`.
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

    /// Adds an external identity provider.
    pub(crate) async fn add_identity_provider(&self, spec: &Checked<IdentityProviderSpec>) -> Result<ChangeOutcome> {
        let added = self.client.add_identity_provider(spec).await?;
        Ok(ChangeOutcome::added_provider(added, spec))
    }

    /// Adds an identity source to the embedded provider.
    pub(crate) async fn add_identity_source(
        &self,
        provider: &ProviderId,
        spec: &Checked<IdentitySourceSpec>,
    ) -> Result<ChangeOutcome> {
        let added = self.client.add_identity_source(provider, spec).await?;
        Ok(ChangeOutcome::added_source(added, spec))
    }
}

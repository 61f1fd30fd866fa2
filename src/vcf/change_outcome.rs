//! The outcome of an addition at SDDC Manager.

use super::{AddedProvider, AddedSource, IdentityProviderSpec, IdentitySourceSpec};
use crate::change::{ChangeOutcome, Checked};

impl ChangeOutcome {
    /// A provider was added.
    pub(crate) fn added_provider(added: AddedProvider, spec: &Checked<IdentityProviderSpec>) -> Self {
        let AddedProvider { id, message } = added;
        Self { id, message, certificates: spec.certificates().to_vec(), ..Self::default() }
    }

    /// A source was added.
    pub(crate) fn added_source(added: AddedSource, spec: &Checked<IdentitySourceSpec>) -> Self {
        let AddedSource { message } = added;
        let domain_name = spec.domain_name().map(str::to_owned);
        Self { domain_name, message, certificates: spec.certificates().to_vec(), ..Self::default() }
    }
}

//! What became of a provider or a source: the document that says so, identical in every binding.

use serde::Serialize;

use super::{
    AddedProvider, AddedSource, CertificateFacts, Change, Checked, Difference, IdentityProviderSpec, IdentitySourceSpec,
};

/// How a PUT makes something as specified.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PutOptions {
    /// Change it although it looks as wanted: for a new password, which cannot be compared.
    pub force: bool,
    /// Only report what would be done.
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

/// What became of a provider or a source.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct ChangeOutcome {
    /// What a PUT did, or would do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// Nothing was done: this is what would be.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// The provider's id, where it is one and it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The domain of the identity source, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain_name: Option<String>,
    /// What SDDC Manager said, where it said something that is not the id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What differed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<Vec<Change>>,
    /// Always false where it stands: no secret is given back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secrets_compared: Option<bool>,
    /// The fields that could not be compared.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_compared: Vec<String>,
    /// The certificates that were sent: whose they are and until when.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<CertificateFacts>,
}

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

    /// The same as the outcome of a PUT that found nothing there.
    pub(crate) fn by_put(self) -> Self {
        Self { outcome: Some(Outcome::Created), ..self }
    }

    /// What a PUT does with what is there and differs so from the specification.
    pub(crate) fn found(difference: Difference, options: PutOptions) -> Self {
        let Difference { changes, not_compared } = difference;
        let differs = options.force || !changes.is_empty();
        Self {
            outcome: Some(if differs { Outcome::Updated } else { Outcome::Unchanged }),
            changes: differs.then_some(changes),
            secrets_compared: Some(false),
            not_compared,
            ..Self::default()
        }
    }

    /// Whether there is something now that was not there before.
    #[must_use]
    pub fn is_created(&self) -> bool {
        !self.dry_run && self.outcome.is_none_or(|outcome| outcome == Outcome::Created)
    }
}

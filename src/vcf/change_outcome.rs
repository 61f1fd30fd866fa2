//! What became of a provider or a source: the document that tells it, whichever the door.

use serde::Serialize;

use super::{AddedProvider, AddedSource, CertificateFacts, Change, Difference, Outcome, Put, PutOptions};

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
    #[must_use]
    pub fn added_provider(added: AddedProvider, certificates: Vec<CertificateFacts>) -> Self {
        let AddedProvider { id, message } = added;
        Self { id, message, certificates, ..Self::default() }
    }

    /// The source of this domain was added.
    #[must_use]
    pub fn added_source(added: AddedSource, domain_name: Option<String>, certificates: Vec<CertificateFacts>) -> Self {
        let AddedSource { message } = added;
        Self { domain_name, message, certificates, ..Self::default() }
    }

    /// What came of making it so; `domain_name` where it is a source.
    #[must_use]
    pub fn put(
        put: Put,
        options: PutOptions,
        domain_name: Option<String>,
        certificates: Vec<CertificateFacts>,
    ) -> Self {
        let Put { outcome, id, message, difference: Difference { changes, not_compared } } = put;
        Self {
            outcome: Some(outcome),
            dry_run: options.dry_run,
            id,
            domain_name,
            message,
            changes: (outcome == Outcome::Updated).then_some(changes),
            secrets_compared: (outcome != Outcome::Created).then_some(false),
            not_compared,
            certificates,
        }
    }

    /// Whether there is something now that was not there before.
    #[must_use]
    pub fn is_created(&self) -> bool {
        !self.dry_run && self.outcome.is_none_or(|outcome| outcome == Outcome::Created)
    }
}

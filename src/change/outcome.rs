//! The outcome of a change: its document, identical in every binding.

use serde::Serialize;

use super::{Change, Difference};
use crate::certificate::CertificateFacts;

/// Options of a PUT.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PutOptions {
    /// Update even if nothing visible differs: for a new password, which cannot be compared.
    pub force: bool,
    /// Change nothing; only report what would be done.
    pub dry_run: bool,
}

/// What was or would be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub enum Outcome {
    /// It was absent.
    Created,
    /// It existed, and differed or the update was forced.
    Updated,
    /// It is already as specified, as far as visible.
    Unchanged,
}

/// The outcome of a change to a provider or source.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct ChangeOutcome {
    /// What a PUT did or would do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// Nothing was changed; this is what would be done.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// The provider's id, if it is a provider and the id is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The identity source's domain, if it is a source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain_name: Option<String>,
    /// The server's message, if it is not the id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The differences.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<Vec<Change>>,
    /// Always false if present: secrets are not returned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secrets_compared: Option<bool>,
    /// The fields that could not be compared.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_compared: Vec<String>,
    /// The differences that the server still shows after the change; empty if it shows none. Omitted if it was not read again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remaining: Option<Vec<Change>>,
    /// The certificates in the request: subject and expiry.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<CertificateFacts>,
}

impl ChangeOutcome {
    /// The same as the outcome of a PUT that found nothing.
    pub(crate) fn by_put(self) -> Self {
        Self { outcome: Some(Outcome::Created), ..self }
    }

    /// The outcome of a PUT for an existing object with these differences.
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

    /// Whether something new was created.
    #[must_use]
    pub fn is_created(&self) -> bool {
        !self.dry_run && self.outcome.is_none_or(|outcome| outcome == Outcome::Created)
    }
}

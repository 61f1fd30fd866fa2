//! The outcome of a change: its document, identical in every binding.

use serde::Serialize;

use super::{Change, Difference};
use crate::certificate::CertificateFacts;
use crate::error::Result;

/// Options of a PUT.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PutOptions {
    /// Update even if nothing visible differs: for a new password, which cannot be compared.
    pub force: bool,
    /// Change nothing; only report what would be done.
    pub dry_run: bool,
}

/// The change that was made, or that a dry run would make.
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
    /// Another one was deleted, and this one created.
    Replaced,
}

/// The outcome of a change to a provider or source.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct ChangeOutcome {
    /// The change that a PUT made or would make.
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
    /// Whether the server shows it as specified after the change, as far as visible; `notCompared` lists the fields that cannot
    /// be verified. False too if it could not be read again. Omitted if nothing was changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified: Option<bool>,
    /// The fields with a value that the specification omits: the vendor's change takes the whole object, so the server may
    /// remove or reset them. After the change `message` names those that are not shown with the same value any more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub omitted: Vec<Change>,
    /// The differences that the server still shows after the change; empty if it shows none. Omitted if it was not read again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remaining: Option<Vec<Change>>,
    /// The objects that disappear, or disappeared, with a replaced provider.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<String>,
    /// The tag of its state after this, for `If-Match`. Omitted if the state was not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
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
        let Difference { changes, not_compared, omitted } = difference;
        let differs = options.force || !changes.is_empty();
        Self {
            omitted: if differs { omitted } else { Vec::new() },
            outcome: Some(if differs { Outcome::Updated } else { Outcome::Unchanged }),
            changes: differs.then_some(changes),
            secrets_compared: Some(false),
            not_compared,
            ..Self::default()
        }
    }

    /// The outcome of a deletion that found nothing to delete.
    pub(crate) fn absent() -> Self {
        Self { outcome: Some(Outcome::Unchanged), ..Self::default() }
    }

    /// The same after a look at the changed object, which `found` is compared with its specification. The change was made,
    /// so a failure here is a message.
    pub(crate) fn read_back(self, found: Result<Difference>) -> Self {
        match found {
            Ok(Difference { changes, not_compared, omitted }) => {
                let lost: Vec<_> =
                    self.omitted.iter().filter(|field| !omitted.contains(field)).map(|field| &*field.pointer).collect();
                let message = (!lost.is_empty()).then(|| {
                    format!(
                        "the server no longer shows the same at {}, which the specification omits: if the value is still \
                         needed, send the specification with it",
                        lost.join(", ")
                    )
                });
                Self {
                    verified: Some(changes.is_empty()),
                    remaining: Some(changes),
                    secrets_compared: Some(false),
                    not_compared,
                    ..self.with_message(message)
                }
            }
            Err(error) => {
                let why = format!("the change was made, but it could not be read again: {}", error.detail());
                Self { verified: Some(false), ..self.with_message(Some(why)) }
            }
        }
    }

    /// The same with a further message.
    pub(crate) fn with_message(self, further: Option<String>) -> Self {
        let message = match (self.message, further) {
            (Some(message), Some(further)) => Some(format!("{message}; {further}")),
            (message, further) => message.or(further),
        };
        Self { message, ..self }
    }

    /// Whether something new was created.
    #[must_use]
    pub fn is_created(&self) -> bool {
        !self.dry_run && self.outcome.is_none_or(|outcome| matches!(outcome, Outcome::Created | Outcome::Replaced))
    }
}

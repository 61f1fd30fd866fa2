//! The steps of a job of several calls: their outcomes, in a response and in the problem document of a job that failed.

use serde::Serialize;

/// A step of a job, and its outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Step {
    /// The step. `roles` occurs once for each group.
    pub step: StepName,
    /// The object of the step: an identity source's domain, a provider's name, a group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// Its outcome.
    pub outcome: StepOutcome,
    /// The finding, or the change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// The name of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub enum StepName {
    /// The server's own check before a change.
    Precheck,
    /// The identity source or provider is brought into the specified state.
    Ensure,
    /// The changed object is read again and compared.
    Verify,
    /// A group's role.
    Roles,
}

/// The outcome of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub enum StepOutcome {
    /// The object was absent and is created.
    Created,
    /// The object differed and is changed.
    Updated,
    /// The object is removed.
    Removed,
    /// The object is already as specified.
    Unchanged,
    /// A check succeeded.
    Passed,
    /// A dry run: the object is absent.
    WouldCreate,
    /// A dry run: the object differs.
    WouldUpdate,
    /// A dry run: the object exists.
    WouldRemove,
    /// The step failed, and the job with it.
    Failed,
    /// The step was not needed, or not reached.
    Skipped,
}

impl StepOutcome {
    /// Whether the step changed something.
    #[must_use]
    pub fn is_change(self) -> bool {
        matches!(self, Self::Created | Self::Updated | Self::Removed)
    }
}

impl Step {
    /// A step that was not reached yet.
    pub(crate) fn skipped(step: StepName, object: Option<String>) -> Self {
        Self { step, object, outcome: StepOutcome::Skipped, detail: None }
    }
}

//! Whether groups are present after a sync.

use serde::Serialize;

/// Whether vIDM has a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub enum Presence {
    /// vIDM has it.
    Present,
    /// vIDM does not have it.
    Absent,
    /// vIDM rejected the question, or its answer does not decide: `detail` says which.
    Unknown,
}

/// Whether a group is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The group as it was asked for.
    pub requested: String,
    /// Whether it is there.
    pub state: Presence,
    /// Why its state is unknown, or what looks odd in the name of one that is absent.
    pub detail: Option<String>,
    /// Its id in vIDM, when it is.
    pub id: Option<String>,
    /// What vIDM calls it, when it is.
    pub display_name: Option<String>,
}

impl Proof {
    /// Whether vIDM has it for certain.
    #[must_use]
    pub fn is_present(&self) -> bool {
        self.state == Presence::Present
    }

    /// The proof of a group in this state.
    #[cfg(test)]
    pub(crate) fn example(requested: &str, state: Presence) -> Self {
        Self { requested: requested.to_owned(), state, detail: None, id: None, display_name: None }
    }
}

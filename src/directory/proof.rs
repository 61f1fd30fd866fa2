//! Whether the target has a group or a user after a sync.

use serde::Serialize;

/// Whether the target has a group or user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub enum Presence {
    /// The target has it.
    Present,
    /// The target does not have it.
    Absent,
    /// The target rejected the look-up, or its response does not decide: see `detail`.
    Unknown,
}

/// The presence of a requested group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(rename = "RequestedGroup"))]
pub struct Proof {
    /// The name as the request has it.
    pub requested: String,
    /// Whether the target has it.
    pub state: Presence,
    /// Why its state is unknown, or oddities in the name of an absent group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Its id in the target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its display name in the target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// The kind of proof in VCF Operations; absent for vIDM, which always proves what was requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proved_by: Option<ProvedBy>,
}

/// The kind of a group's proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub enum ProvedBy {
    /// Its distinguished name (VCF Operations 9.1.1 and later).
    Dn,
    /// Its name and domain. A distinguished name was first looked up in Active Directory.
    Name,
    /// The id that Active Directory's entry, or a group that was just brought in, has in the identity broker (9.1.1 and
    /// later).
    Id,
}

impl Proof {
    /// Whether the target certainly has it.
    #[must_use]
    pub fn is_present(&self) -> bool {
        self.state == Presence::Present
    }

    /// The proofs under the names that the caller wrote, which have the same order: a client that compares them finds its own
    /// text, though a DN is looked up without meaningless blanks.
    pub(crate) fn named(proofs: Vec<Self>, names: &[String]) -> Vec<Self> {
        proofs.into_iter().zip(names).map(|(proof, name)| Self { requested: name.clone(), ..proof }).collect()
    }

    /// A proof with a state and its reason, and nothing of what was found.
    pub(crate) fn new(requested: &str, state: Presence, detail: Option<String>) -> Self {
        Self { requested: requested.to_owned(), state, detail, id: None, display_name: None, proved_by: None }
    }
}

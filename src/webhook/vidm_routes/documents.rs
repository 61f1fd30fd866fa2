//! Response documents below `/vidm/{target}`.

use serde::Serialize;

use crate::sync::StaleDirectory;
use crate::vidm::{Directory, Group};

/// The matching directories.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(rename = "DirectoryList"))]
pub(in crate::webhook) struct Directories {
    /// The matches, in vIDM's order.
    pub(super) directories: Vec<Directory>,
    /// With `staleAfter`: why each directory counts as stale.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stale: Option<Vec<StaleDirectory>>,
}

/// The groups with a name.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(rename = "GroupList"))]
pub(in crate::webhook) struct Groups {
    /// Whether there is at least one.
    pub(super) present: bool,
    /// All groups with that name.
    pub(super) groups: Vec<Group>,
}

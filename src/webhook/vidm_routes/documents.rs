//! Response documents below `/vidm/{target}`.

use serde::Serialize;

use crate::vidm::{Directory, Group};

/// The matching directories.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(rename = "DirectoryList"))]
pub(in crate::webhook) struct Directories {
    /// The matches, in vIDM's order.
    pub(super) directories: Vec<Directory>,
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

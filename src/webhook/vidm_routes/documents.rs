//! What is taken and what is answered below `/vidm/{target}`, as JSON.

use serde::{Deserialize, Serialize};

use crate::sync::{DryRun, SyncDocument};
use crate::vidm::{Directory, Group};
use crate::webhook::input::{flag, text, texts};

/// What a start may be asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(extend("additionalProperties" = true)))]
pub(in crate::webhook) struct StartRequest {
    /// The id or the name of the directory, where the path does not name it.
    #[serde(deserialize_with = "text")]
    pub(super) directory: Option<String>,
    /// Run without the safeguards: a broken LDAP filter then deletes users. Needs the scope `vidm:override`.
    #[serde(deserialize_with = "flag")]
    pub(super) ignore_safeguards: bool,
    /// Start nothing; tell what a run would change, where this vIDM has such a call.
    #[serde(deserialize_with = "flag")]
    pub(super) dry_run: bool,
    /// Groups that must be in vIDM for the sync to count as succeeded: distinguished names, or `name@domain`.
    #[serde(deserialize_with = "texts")]
    pub(super) groups: Vec<String>,
    /// First add those of the groups to the directory's sync profile that no run would bring. They must be distinguished names.
    /// Needs the scope `vidm:profile`.
    #[serde(deserialize_with = "flag")]
    pub(super) add_to_profile: bool,
    /// Who is told of the end: the name of one of the configured callbacks.
    #[serde(deserialize_with = "text")]
    pub(super) callback: Option<String>,
}

/// The directories that fit.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(rename = "DirectoryList"))]
pub(in crate::webhook) struct Directories {
    /// Those that fit, in vIDM's order.
    pub(super) directories: Vec<Directory>,
}

/// The groups of a name.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(rename = "GroupList"))]
pub(in crate::webhook) struct Groups {
    /// Whether there is one.
    pub(super) present: bool,
    /// All of that name.
    pub(super) groups: Vec<Group>,
}

/// A sync as callers see it: always flat, always answered with 2xx.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(rename = "Sync"))]
pub(in crate::webhook) struct SyncAnswer {
    #[serde(flatten)]
    pub(super) document: SyncDocument,
    /// In the answer to a start: the fields that were not read, as JSON Pointers into the body, 20 at most.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) ignored: Vec<String>,
    /// Where to go from here.
    pub(super) links: Links,
}

/// What a run would change; nothing was started.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(rename = "DryRun"))]
pub(in crate::webhook) struct DryRunAnswer {
    #[serde(flatten)]
    pub(super) document: DryRun,
    /// The fields that were not read, as JSON Pointers into the body, 20 at most.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) ignored: Vec<String>,
}

/// Where to go from here.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub(super) struct Links {
    /// The address of its state; with `Accept: text/event-stream` it is an event stream.
    #[serde(rename = "self")]
    pub(super) this: String,
}

impl AsRef<SyncDocument> for SyncAnswer {
    fn as_ref(&self) -> &SyncDocument {
        &self.document
    }
}

//! What is taken and what is answered below `/vidm/{target}`, as JSON.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::ASK_AGAIN;
use crate::runtime::rfc3339;
use crate::sync::{Reason, State};
use crate::vidm::{Counts, Directory, Group, SyncReport, SyncStatus};
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
    #[serde(deserialize_with = "flag")]
    pub(super) add_to_profile: bool,
    /// Who is told of the end: the name of one of the configured callbacks.
    #[serde(deserialize_with = "text")]
    pub(super) callback: Option<String>,
}

/// The directories that fit.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(rename = "DirectoryList"))]
pub(in crate::webhook) struct Directories<'d> {
    /// Those that fit, in vIDM's order.
    pub(super) directories: Vec<&'d Directory>,
}

/// What a run would change.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub(in crate::webhook) struct DryRun {
    /// Nothing was started.
    pub(super) dry_run: bool,
    /// What would be synced.
    pub(super) directory: DirectoryDocument,
    /// vIDM's answer, as it came.
    pub(super) result: serde_json::Value,
}

/// A directory's recent runs.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(rename = "SyncHistory"))]
pub(in crate::webhook) struct History {
    /// Whose runs they are.
    pub(super) directory: DirectoryDocument,
    /// The newest first.
    pub(super) syncs: Vec<SyncReport>,
}

/// The groups of a name.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(rename = "GroupList"))]
pub(in crate::webhook) struct Groups {
    /// Whether there is one.
    pub(super) present: bool,
    /// All of that name; a bare name may be in several domains.
    pub(super) groups: Vec<Group>,
}

/// A sync as callers see it: always flat, always answered with 2xx.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(rename = "Sync"))]
pub(in crate::webhook) struct SyncDocument {
    /// Names the request; `self` leads to it. Absent where only a directory's present state was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    /// Where it stands. `succeeded` and `failed` are final.
    pub(super) status: SyncStatus,
    /// What is synced.
    pub(super) directory: DirectoryDocument,
    /// When the request came.
    #[cfg_attr(feature = "contract", schemars(extend("format" = "date-time")))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) requested_at: Option<String>,
    /// When the run began, as vIDM tells.
    #[cfg_attr(feature = "contract", schemars(extend("format" = "date-time")))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) started_at: Option<String>,
    /// When it ended, as vIDM tells.
    #[cfg_attr(feature = "contract", schemars(extend("format" = "date-time")))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) finished_at: Option<String>,
    /// What it changed, where vIDM tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) counts: Option<Counts>,
    /// Each group that was asked for, once it was looked up.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) groups: Vec<GroupDocument>,
    /// Why it failed, when it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<Reason>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hint: Option<&'static str>,
    /// What vIDM says about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) message: Option<String>,
    /// vIDM's own word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) upstream: Option<UpstreamWord>,
    /// Seconds until it is worth asking again; absent once it is final.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) retry_after: Option<u64>,
    /// Where to go from here.
    pub(super) links: Links,
    /// How old the look is that this comes from.
    #[serde(skip)]
    pub(in crate::webhook) age: Duration,
}

/// Whether a group that was asked for is there.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(rename = "RequestedGroup"))]
pub(super) struct GroupDocument {
    /// As it was asked for.
    pub(super) requested: String,
    /// Whether vIDM has it.
    #[cfg_attr(feature = "contract", schemars(extend("enum" = ["present", "absent"])))]
    pub(super) state: &'static str,
    /// Its id in vIDM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    /// What vIDM calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) display_name: Option<String>,
}

/// A directory, as briefly as it can be named.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(rename = "DirectoryName"))]
pub(super) struct DirectoryDocument {
    /// Its id, a UUID.
    pub(super) id: String,
    /// Its name, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    /// Its kind, in the vendor's words.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<String>,
}

/// What vIDM said.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub(super) struct UpstreamWord {
    /// The word the status was read from, or could not be.
    pub(super) status: String,
}

/// Where to go from here.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub(super) struct Links {
    /// Where to ask for its state.
    #[serde(rename = "self")]
    pub(super) this: String,
    /// The same, as an event stream: with `Accept: text/event-stream`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) events: Option<String>,
}

impl SyncDocument {
    pub(super) fn new(state: State, directory: DirectoryDocument, links: Links) -> Self {
        let State { status, report, groups, reason, age } = state;
        let time = |time: Option<SystemTime>| time.map(rfc3339);
        let groups = groups.into_iter().map(|group| GroupDocument {
            requested: group.requested,
            state: if group.present { "present" } else { "absent" },
            id: group.id,
            display_name: group.display_name,
        });
        Self {
            id: None,
            status,
            directory,
            requested_at: None,
            started_at: time(report.started_at),
            finished_at: time(report.finished_at),
            counts: report.counts,
            groups: groups.collect(),
            reason,
            hint: reason.map(Reason::hint),
            message: report.message,
            upstream: report.upstream_word.map(|status| UpstreamWord { status }),
            retry_after: (!status.is_final()).then_some(ASK_AGAIN),
            links,
            age,
        }
    }

    /// Whether it will stay as it is.
    pub(in crate::webhook) fn is_final(&self) -> bool {
        self.status.is_final()
    }
}

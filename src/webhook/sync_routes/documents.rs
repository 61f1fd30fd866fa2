//! Request and response documents of syncs, the same for every product.

use serde::{Deserialize, Serialize};

use crate::directory::SyncStatus;
use crate::error::Error;
use crate::sync::{DryRun, SyncDocument};
use crate::webhook::input::{flag, text, texts};

/// The body of a start. An omitted boolean is `false`, an omitted list is empty.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(extend("additionalProperties" = true)))]
pub(in crate::webhook) struct StartRequest {
    /// The directory's id or name, if the path does not name it.
    #[serde(deserialize_with = "text")]
    pub(super) directory: Option<String>,
    /// Run without the safeguards: with a broken LDAP filter this deletes users. Needs the scope `vidm:override`; VCF
    /// Operations has none (`not_supported`).
    #[serde(deserialize_with = "flag")]
    pub(super) ignore_safeguards: bool,
    /// Start nothing; return what a run would change, if this vIDM version supports it; VCF Operations does not
    /// (`not_supported`).
    #[serde(deserialize_with = "flag")]
    pub(super) dry_run: bool,
    /// Groups that must be in the target for the sync to count as succeeded: distinguished names, or `name@domain`.
    #[serde(deserialize_with = "texts")]
    pub(super) groups: Vec<String>,
    /// Users that must be in the target for the sync to count as succeeded: `name@domain`, the account name with its domain
    /// or the user principal name. With the groups at most 100 names.
    #[serde(deserialize_with = "texts")]
    pub(super) users: Vec<String>,
    /// First add those groups to the directory's sync profile that no run would import. They must be distinguished names.
    /// Needs the scope `vidm:profile` or `fleet:profile`.
    #[serde(deserialize_with = "flag")]
    pub(super) add_to_profile: bool,
    /// Bring the groups in now, by their distinguished names and without a sync (VCF Operations 9.1.1 and later). Needs the
    /// scope `fleet:profile`; vIDM has no such call (`not_supported`).
    #[serde(deserialize_with = "flag")]
    pub(super) provision: bool,
    /// The receiver of a message at the end: the name of a configured callback.
    #[serde(deserialize_with = "text")]
    pub(super) callback: Option<String>,
}

/// A sync as callers see it: always flat, always with a 2xx status.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(rename = "Sync"))]
pub(in crate::webhook) struct SyncAnswer {
    #[serde(flatten)]
    pub(super) document: SyncDocument,
    /// In the response to a start: the unread fields and the blank texts, as JSON Pointers into the body, at most 20.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) ignored: Vec<String>,
    /// Links to related requests.
    pub(super) links: Links,
    /// Whether the message about its end could not be sent yet.
    #[serde(skip)]
    pub(super) owes_message: bool,
    /// Whether its run is not shown as ended. Its groups may prove the sync before that, but the others in its queue wait for the run.
    #[serde(skip)]
    pub(super) awaits_run: bool,
}

impl SyncAnswer {
    /// `document`, whose state is at the path `this`.
    pub(super) fn new(document: SyncDocument, this: String) -> Self {
        Self { document, ignored: Vec::new(), links: Links { this }, owes_message: false, awaits_run: false }
    }
}

/// The syncs that were looked at.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(rename = "Advance"))]
pub(in crate::webhook) struct AdvanceAnswer {
    /// Each sync, the oldest first; at most 50.
    pub(super) syncs: Vec<AdvancedSync>,
    /// Whether more are listed than this request could look at: send it again.
    pub(super) has_more: bool,
}

/// A sync that was looked at. Its id is its starter's alone.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub(super) struct AdvancedSync {
    /// The directory's id.
    directory: String,
    /// The status now; absent if it could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<SyncStatus>,
    /// Whether it stays listed: it or the run of its queue has not ended, or its message could not be sent.
    #[serde(rename = "open")]
    pub(super) is_open: bool,
    /// The error code, if the state could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "contract", schemars(with = "Option<crate::error::ErrorCode>"))]
    code: Option<&'static str>,
    /// What happened, if the state could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

impl AdvancedSync {
    /// A sync of `directory` with its state.
    pub(super) fn of(directory: &str, found: &Result<SyncAnswer, Error>) -> Self {
        let (status, is_open) = match found {
            Ok(answer) => {
                let is_open = !answer.document.is_final() || answer.owes_message || answer.awaits_run;
                (Some(answer.document.status), is_open)
            }
            Err(_) => (None, true),
        };
        let error = found.as_ref().err();
        let code = error.map(|error| error.code().as_str());
        let detail = error.map(|error| error.detail().to_owned());
        Self { directory: directory.to_owned(), status, is_open, code, detail }
    }
}

/// The changes that a run would make; nothing was started.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(rename = "DryRun"))]
pub(in crate::webhook) struct DryRunAnswer {
    #[serde(flatten)]
    pub(super) document: DryRun,
    /// The unread fields and the blank texts, as JSON Pointers into the body, at most 20.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) ignored: Vec<String>,
}

/// Links to related requests.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub(super) struct Links {
    /// The path of its state; with `Accept: text/event-stream` it is an event stream.
    #[serde(rename = "self")]
    pub(super) this: String,
}

impl AsRef<SyncDocument> for SyncAnswer {
    fn as_ref(&self) -> &SyncDocument {
        &self.document
    }
}

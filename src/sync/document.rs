//! Sync documents: the results of the webhook and the functions, identical in every binding.

use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::proof_outcome::{ProofOutcome, ProofSet};
use super::{SyncFailure, SyncState};
use crate::directory::{Counts, DirectorySummary, Presence, Product, Proof, SyncReport, SyncStatus};
use crate::error::excerpt;
use crate::runtime::rfc3339;

/// Seconds to wait before reading an active sync's state again.
const ASK_AGAIN: u64 = 2;

/// For at most this many groups and users the hint lists the oddities of their names.
const ODD_NAMES: usize = 3;

/// Most names in one message.
const MAX_SHOWN: usize = 5;

/// A sync: always flat, and never an error, whatever its status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(rename = "Sync"))]
pub struct SyncDocument {
    /// Identifies the request. Absent if only a directory's current state was requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The status. `succeeded` and `failed` are final.
    pub status: SyncStatus,
    /// The synced directory.
    pub directory: DirectorySummary,
    /// When the request arrived.
    #[cfg_attr(feature = "contract", schemars(extend("format" = "date-time")))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested_at: Option<String>,
    /// When the run began, as the target reports it; VCF Operations does not.
    #[cfg_attr(feature = "contract", schemars(extend("format" = "date-time")))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    /// When it ended, as the target reports it.
    #[cfg_attr(feature = "contract", schemars(extend("format" = "date-time")))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<String>,
    /// The changes that it made, if the target reports them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counts: Option<Counts>,
    /// Each requested group, once looked up; empty if none was requested.
    pub groups: Vec<Proof>,
    /// Each requested user, once looked up; absent if none was requested.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<Proof>,
    /// Why it failed, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<SyncFailure>,
    /// The fix.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The target's message, or idhook's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The target's own word for the status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream: Option<UpstreamWord>,
    /// Seconds to wait before the next request; absent once it is final.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// The age of the observation behind this document.
    #[serde(skip)]
    pub age: Duration,
    /// The product that ran the sync.
    #[serde(skip)]
    pub(crate) product: Product,
}

/// The target's own report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct UpstreamWord {
    /// The target's word for the status, readable or not.
    pub status: String,
}

/// A directory's recent runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct SyncHistory {
    /// The directory.
    pub directory: DirectorySummary,
    /// The runs, newest first.
    pub syncs: Vec<SyncReport>,
}

/// The changes that a run would make.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct DryRun {
    /// Nothing was started.
    pub dry_run: bool,
    /// The directory.
    pub directory: DirectorySummary,
    /// The target's response, unchanged.
    pub result: serde_json::Value,
}

impl SyncDocument {
    /// The state of a directory's sync, without a request.
    #[must_use]
    pub(crate) fn new(product: Product, state: SyncState, directory: DirectorySummary) -> Self {
        let SyncState { status, report, groups, users, reason, doubt, age } = state;
        let time = |time: Option<SystemTime>| time.map(rfc3339);
        let names = || groups.iter().chain(&users);
        let is_absence = matches!(reason, Some(SyncFailure::GroupAbsent | SyncFailure::UserAbsent));
        let odd = is_absence.then(|| odd_names(names())).flatten();
        let hint = reason.map(|reason| match odd {
            Some(odd) => format!("{odd}. Otherwise {}", reason.hint(product)),
            None => reason.hint(product).to_owned(),
        });
        let is_unknown = status == SyncStatus::Unknown && names().any(|name| name.state == Presence::Unknown);
        let unknown = is_unknown.then(|| {
            format!("look for them in the console of {product}, or name a group that has a DN as name@domain")
        });
        let message = report.message.or_else(|| is_absence.then(|| absent_names(product, names())));
        Self {
            id: None,
            status,
            directory,
            requested_at: None,
            started_at: time(report.started_at),
            finished_at: time(report.finished_at),
            counts: report.counts,
            groups,
            users,
            reason,
            hint: hint.or(doubt.map(|doubt| doubt.hint(product))).or(unknown),
            message,
            upstream: report.upstream_word.map(|status| UpstreamWord { status }),
            retry_after: (!status.is_final()).then_some(ASK_AGAIN),
            age,
            product,
        }
    }

    /// The outcome of bringing groups in without a sync: it is final, and has no id.
    #[must_use]
    pub(crate) fn of_groups(
        product: Product,
        directory: DirectorySummary,
        groups: Vec<Proof>,
        now: SystemTime,
    ) -> Self {
        let proofs = ProofSet { groups, users: Vec::new() };
        let ProofOutcome { status, reason, message } = ProofOutcome::after_success(&proofs);
        let hint = reason.map(|_| "the detail of each absent group says why".to_owned());
        let message = message.map(|_| "the presence of some groups is unknown: see their detail".to_owned());
        let report = SyncReport { status, message, ..SyncReport::running() };
        let state = SyncState { groups: proofs.groups, reason, ..SyncState::from(report) };
        Self { hint, requested_at: Some(rfc3339(now)), retry_after: None, ..Self::new(product, state, directory) }
    }

    /// The state of a request, with its id.
    #[must_use]
    pub fn of(request: &super::SyncRequest, id: String, state: SyncState) -> Self {
        let mut document = Self::new(request.target.product, state, request.directory());
        document.id = Some(id);
        document.requested_at = Some(rfc3339(request.requested()));
        document
    }

    /// Whether the status is final.
    #[must_use]
    pub(crate) fn is_final(&self) -> bool {
        self.status.is_final()
    }
}

/// The message about absent groups and users: their names, because callers show messages.
fn absent_names<'p>(product: Product, proofs: impl Iterator<Item = &'p Proof>) -> String {
    let absent = proofs.filter(|proof| proof.state == Presence::Absent);
    let names: Vec<_> = absent.map(|proof| format!("\"{}\"", excerpt(proof.requested.trim()))).collect();
    format!("{product} does not have {}", listed(&names, "them"))
}

/// As many names as fit into a message.
pub(crate) fn listed(names: &[String], otherwise: &str) -> String {
    let mut shown: Vec<_> = names.iter().take(MAX_SHOWN).cloned().collect();
    match names.len().saturating_sub(MAX_SHOWN) {
        0 => {}
        more => shown.push(format!("{more} more")),
    }
    if shown.is_empty() { otherwise.to_owned() } else { shown.join(", ") }
}

/// The oddities in the names of absent groups and users, of the first few.
fn odd_names<'p>(proofs: impl Iterator<Item = &'p Proof> + Clone) -> Option<String> {
    let odd = || proofs.clone().filter(|group| group.state == Presence::Absent && group.detail.is_some());
    let told = odd().take(ODD_NAMES).map(|group| {
        format!("check the name \"{}\": {}", excerpt(&group.requested), group.detail.as_deref().unwrap_or_default())
    });
    let mut told: Vec<_> = told.collect();
    match odd().count().saturating_sub(ODD_NAMES) {
        0 => {}
        more => told.push(format!("see the `detail` of {more} more")),
    }
    (!told.is_empty()).then(|| told.join(". "))
}

impl AsRef<SyncDocument> for SyncDocument {
    fn as_ref(&self) -> &SyncDocument {
        self
    }
}

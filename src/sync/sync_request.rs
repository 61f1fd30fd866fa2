//! A request for a sync: all there is to know about it, so that whoever gets it back can answer for it.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::SyncOrder;
use super::decide::Baseline;
use crate::directory::DirectorySummary;
use crate::runtime::{from_unix_ms as time, unix_ms as ms};
use crate::shared_state::{SHARED, Ticket};

/// A request that was taken. It travels in the sync id, under short names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncRequest {
    /// The vIDM target's name.
    #[serde(rename = "t")]
    pub target: String,
    /// The directory's id.
    #[serde(rename = "d")]
    pub directory: String,
    /// Its name, where it was known.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its type, where it was known.
    #[serde(rename = "y", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// When it came, in milliseconds since 1970.
    #[serde(rename = "r")]
    pub(super) requested_ms: u64,
    /// What the directory showed before its kick-off; while it waits, what it showed when the request came. Absent where that could
    /// not be observed.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub(super) baseline: Option<Baseline>,
    /// The ledger its ticket is from: that of the shared store, or an instance's.
    #[serde(rename = "l")]
    pub(super) ledger: u64,
    /// Its ticket there.
    #[serde(rename = "q")]
    pub(super) ticket: Ticket,
    /// Whether it kicked a run off when it came.
    #[serde(rename = "k", default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) kicked: bool,
    /// Whether its run ignores the safeguards.
    #[serde(rename = "i", default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) ignore_safeguards: bool,
    /// The groups that must be there in the end.
    #[serde(rename = "g", default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Where they are kept, when they are too long to travel with it.
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    pub groups_at: Option<String>,
    /// The receiver of the final state, by name.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub callback: Option<String>,
}

impl SyncRequest {
    /// A ledger in the shared store under another state key. Like [`SHARED`] it is even, and instances' are odd.
    const ANOTHERS: u64 = 2;

    /// The same request, its ticket being from a shared ledger that is not the present one: the state key has been replaced since.
    #[must_use]
    pub(crate) fn of_another_ledger(self) -> Self {
        let ledger = if self.ledger == SHARED { Self::ANOTHERS } else { self.ledger };
        Self { ledger, ..self }
    }

    pub(super) fn new(target: &str, directory: DirectorySummary, requested: SystemTime, order: &SyncOrder) -> Self {
        Self {
            target: target.to_owned(),
            directory: directory.id,
            name: directory.name,
            kind: directory.kind,
            requested_ms: ms(requested),
            baseline: None,
            ledger: SHARED,
            ticket: Ticket::NONE,
            kicked: false,
            ignore_safeguards: order.ignores_safeguards(),
            groups: order.group_names(),
            groups_at: order.groups_at().map(str::to_owned),
            callback: order.callback().map(str::to_owned),
        }
    }

    /// What is synced.
    #[must_use]
    pub fn directory(&self) -> DirectorySummary {
        DirectorySummary { id: self.directory.clone(), name: self.name.clone(), kind: self.kind.clone() }
    }

    /// Whether its run is to ignore the safeguards.
    #[must_use]
    pub(crate) fn ignores_safeguards(&self) -> bool {
        self.ignore_safeguards
    }

    /// When it came.
    #[must_use]
    pub fn requested(&self) -> SystemTime {
        time(self.requested_ms)
    }
}

#[cfg(test)]
impl SyncRequest {
    /// A request with everything filled in.
    pub(crate) fn example() -> Self {
        let at = time(1_700_000_000_123);
        Self {
            target: "default".to_owned(),
            directory: "d1000000-0000-4000-8000-0000000000c0".to_owned(),
            name: Some("corp.example".to_owned()),
            kind: Some("ACTIVE_DIRECTORY_LDAP".to_owned()),
            requested_ms: ms(at),
            baseline: Some(Baseline::example()),
            ledger: u64::MAX,
            ticket: Ticket::example(),
            kicked: true,
            ignore_safeguards: true,
            groups: vec!["gg-app@corp.example".to_owned()],
            groups_at: None,
            callback: Some("ticket".to_owned()),
        }
    }
}

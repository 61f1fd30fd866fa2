//! A request for a sync: everything about it, so that any instance can report its state.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::decide::Baseline;
use super::{SyncOrder, compact};
use crate::directory::{DirectorySummary, SyncTarget};
use crate::runtime::{from_unix_ms as time, unix_ms as ms};
use crate::shared_state::{SHARED, Ticket};

/// An accepted request. The sync id contains all of it except the target: the order of the fields is the format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncRequest {
    /// The target.
    #[serde(skip)]
    pub target: SyncTarget,
    /// The directory's id.
    #[serde(with = "compact::directory_id")]
    pub directory: String,
    /// Its name, if known.
    pub name: Option<String>,
    /// Its type, if known.
    #[serde(with = "compact::directory_type")]
    pub kind: Option<String>,
    /// When it arrived, in milliseconds since 1970.
    pub(super) requested_ms: u64,
    /// The directory's state before its kick-off; while it waits, its state when the request arrived. Absent if it
    /// could not be observed.
    pub(super) baseline: Option<Baseline>,
    /// The ledger of its ticket: the shared store's, or an instance's.
    pub(super) ledger: u64,
    /// Its ticket there.
    pub(super) ticket: Ticket,
    /// Whether it kicked a run off when it arrived.
    pub(super) kicked: bool,
    /// Whether its run ignores the safeguards.
    pub(super) ignore_safeguards: bool,
    /// The groups that must exist after the sync.
    #[serde(with = "compact::names")]
    pub groups: Vec<String>,
    /// The receiver of the final state, by name.
    pub callback: Option<String>,
    /// The users that must exist after the sync.
    #[serde(with = "compact::names")]
    pub users: Vec<String>,
}

impl SyncRequest {
    /// A ledger in the shared store under another state key. Like [`SHARED`] it is even; instances' ids are odd.
    const ANOTHERS: u64 = 2;

    /// The same for requests of a directory that the same kick-off serves.
    #[must_use]
    pub(crate) fn queue(&self) -> (u64, (u64, u64), bool) {
        (self.ledger, self.ticket.interval(), self.ignore_safeguards)
    }

    /// The same request with a ticket from a shared ledger that is no longer used: the state key was replaced since.
    #[must_use]
    pub(crate) fn of_another_ledger(self) -> Self {
        let ledger = if self.ledger == SHARED { Self::ANOTHERS } else { self.ledger };
        Self { ledger, ..self }
    }

    /// Whether it began no run when it arrived: it joined one, or waits for the next.
    pub(crate) const fn joined(&self) -> bool {
        !self.kicked
    }

    pub(super) fn new(
        target: &SyncTarget,
        directory: DirectorySummary,
        requested: SystemTime,
        order: &SyncOrder,
    ) -> Self {
        Self {
            target: target.clone(),
            directory: directory.id,
            name: directory.name,
            kind: directory.kind,
            requested_ms: ms(requested),
            baseline: None,
            ledger: SHARED,
            ticket: Ticket::NONE,
            kicked: false,
            ignore_safeguards: order.ignores_safeguards(),
            groups: order.group_names().to_owned(),
            callback: order.callback().map(str::to_owned),
            users: order.user_names().to_owned(),
        }
    }

    /// This request in compact form, without the target's name.
    pub(crate) fn to_bytes(&self) -> Option<Vec<u8>> {
        postcard::to_allocvec(self).ok()
    }

    /// A request of `target` from the bytes of [`to_bytes`](Self::to_bytes), and from no others.
    pub(crate) fn of_bytes(target: &SyncTarget, bytes: &[u8]) -> Option<Self> {
        let (request, rest) = postcard::take_from_bytes::<Self>(bytes).ok()?;
        rest.is_empty().then(|| Self { target: target.clone(), ..request })
    }

    /// Whether anything must exist after the sync.
    pub(super) fn needs_proof(&self) -> bool {
        !self.groups.is_empty() || !self.users.is_empty()
    }

    /// The synced directory.
    #[must_use]
    pub fn directory(&self) -> DirectorySummary {
        DirectorySummary { id: self.directory.clone(), name: self.name.clone(), kind: self.kind.clone() }
    }

    /// The same without the directory's name and type, which are only informative.
    #[must_use]
    pub(crate) fn without_names(&self) -> Self {
        Self { name: None, kind: None, ..self.clone() }
    }

    /// Whether its run ignores the safeguards.
    #[must_use]
    pub(crate) fn ignores_safeguards(&self) -> bool {
        self.ignore_safeguards
    }

    /// When it arrived.
    #[must_use]
    pub fn requested(&self) -> SystemTime {
        time(self.requested_ms)
    }
}

#[cfg(test)]
impl SyncRequest {
    /// A request with all fields set.
    pub(crate) fn example() -> Self {
        let at = time(1_700_000_000_123);
        Self {
            target: SyncTarget::parse("default"),
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
            callback: Some("ticket".to_owned()),
            users: vec!["jdoe@corp.example".to_owned()],
        }
    }
}

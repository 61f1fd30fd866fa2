//! The documents of syncs, which are the same for every product: the interface `syncs`.

use idhook::directory;
use idhook::runtime::rfc3339;
use idhook::sync::{self, SyncDocument, SyncFailure};

use crate::bindings::syncs as wit;
use crate::numbers::{each, unsigned};

impl From<sync::SyncHistory> for wit::SyncHistory {
    fn from(sync::SyncHistory { directory, syncs }: sync::SyncHistory) -> Self {
        Self { directory: directory.into(), syncs: each(syncs) }
    }
}

impl From<SyncDocument> for wit::SyncState {
    fn from(document: SyncDocument) -> Self {
        let SyncDocument {
            id,
            status,
            directory,
            requested_at,
            started_at,
            finished_at,
            counts,
            groups,
            users,
            reason,
            hint,
            message,
            upstream,
            retry_after,
            ..
        } = document;
        Self {
            id,
            status: status.into(),
            directory: directory.into(),
            requested_at,
            started_at,
            finished_at,
            counts: counts.map(Into::into),
            groups: each(groups),
            users: each(users),
            reason: reason.map(Into::into),
            hint,
            message,
            upstream: upstream.map(|sync::UpstreamWord { status }| wit::UpstreamWord { status }),
            retry_after: retry_after.map(unsigned),
        }
    }
}

impl From<directory::SyncStatus> for wit::SyncStatus {
    fn from(status: directory::SyncStatus) -> Self {
        match status {
            directory::SyncStatus::Queued => Self::Queued,
            directory::SyncStatus::Running => Self::Running,
            directory::SyncStatus::Succeeded => Self::Succeeded,
            directory::SyncStatus::Failed => Self::Failed,
            directory::SyncStatus::Unknown => Self::Unknown,
        }
    }
}

impl From<SyncFailure> for wit::SyncFailure {
    fn from(reason: SyncFailure) -> Self {
        match reason {
            SyncFailure::SafeguardTripped => Self::SafeguardTripped,
            SyncFailure::SyncFailed => Self::SyncFailed,
            SyncFailure::GroupAbsent => Self::GroupAbsent,
            SyncFailure::UserAbsent => Self::UserAbsent,
        }
    }
}

impl From<directory::DirectorySummary> for wit::DirectoryName {
    fn from(directory::DirectorySummary { id, name, kind }: directory::DirectorySummary) -> Self {
        Self { id, name, type_: kind }
    }
}

impl From<directory::Counts> for wit::Counts {
    fn from(directory::Counts { users, groups }: directory::Counts) -> Self {
        Self { users: users.into(), groups: groups.into() }
    }
}

impl From<directory::Changes> for wit::Changes {
    fn from(directory::Changes { added, updated, removed }: directory::Changes) -> Self {
        Self { added: added.map(unsigned), updated: updated.map(unsigned), removed: removed.map(unsigned) }
    }
}

impl From<directory::Proof> for wit::RequestedGroup {
    fn from(proof: directory::Proof) -> Self {
        let directory::Proof { requested, state, detail, id, display_name, proved_by } = proof;
        let state = match state {
            directory::Presence::Present => wit::GroupState::Present,
            directory::Presence::Absent => wit::GroupState::Absent,
            directory::Presence::Unknown => wit::GroupState::Unknown,
        };
        let proved_by = proved_by.map(|by| match by {
            directory::ProvedBy::Dn => wit::ProvedBy::Dn,
            directory::ProvedBy::Name => wit::ProvedBy::Name,
            directory::ProvedBy::Id => wit::ProvedBy::Id,
        });
        Self { requested, state, detail, id, display_name, proved_by }
    }
}

impl From<directory::SyncReport> for wit::SyncReport {
    fn from(report: directory::SyncReport) -> Self {
        let directory::SyncReport {
            status,
            upstream_word,
            message,
            started_at,
            finished_at,
            counts,
            reason,
            server_time: _,
            marks: _,
            without_log: _,
            ended_only: _,
        } = report;
        Self {
            status: status.into(),
            upstream_word,
            message,
            started_at: started_at.map(rfc3339),
            finished_at: finished_at.map(rfc3339),
            counts: counts.map(Into::into),
            reason: reason.map(|reason| SyncFailure::from(reason).into()),
        }
    }
}

//! The desk: what both a start and a question after the state need: looks, the ledger at hand, what they say together.

use std::time::{Duration, SystemTime};

use super::book;
use super::judge::{Began, Kicked, Verdict, judge};
use super::ledger::{Entry, Head, Ledger};
use super::shelf::Shelf;
use super::{Look, Memory};
use crate::error::{Error, ErrorCode, Result};
use crate::outbound::Outbound;
use crate::runtime::Runtime;
use crate::store::Gone;
use crate::vidm::{Client, SyncReport, SyncStatus};

/// Syncs of one vIDM target, for one piece of work.
pub struct Desk<'a, R: Runtime> {
    pub(super) target: &'a str,
    pub(super) client: &'a Client<'a, R>,
    pub(super) memory: &'a Memory,
    pub(super) out: &'a Outbound<'a, R>,
}

impl<R: Runtime> std::fmt::Debug for Desk<'_, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").field("target", &self.target).finish_non_exhaustive()
    }
}

impl<'a, R: Runtime> Desk<'a, R> {
    /// The syncs of `target`, asked through `client`.
    pub fn new(target: &'a str, client: &'a Client<'a, R>, memory: &'a Memory, out: &'a Outbound<'a, R>) -> Self {
        Self { target, client, memory, out }
    }

    pub(super) fn now(&self) -> SystemTime {
        self.out.runtime().now()
    }

    /// The instance's own ledger.
    pub(super) fn local(&self) -> Shelf<'_, R> {
        Shelf::Local(&self.memory.local, self.memory.local.id(|| self.out.runtime().random()))
    }

    /// Whether the run of the latest kick-off, or another, is going on; writes down what was seen.
    pub(super) async fn is_busy(&self, ledger: &Ledger<'_, R>, look: &Look) -> Result<bool, Gone> {
        let (entry, status) = (&look.entry, look.report.status);
        let Some(head) = entry.head else { return Ok(matches!(status, SyncStatus::Queued | SyncStatus::Running)) };
        let untimed = look.report.started_at.is_none() && status != SyncStatus::Unknown;
        let began = Began::against(look.report.started_at, head.moment());
        match judge(status, began, self.serving(&head, entry)) {
            Verdict::Running => {
                ledger.saw(entry, status == SyncStatus::Running, None, untimed).await?;
                Ok(true)
            }
            Verdict::Queued => Ok(true),
            Verdict::Ended { succeeded, .. } => {
                ledger.saw(entry, false, Some(succeeded), untimed).await?;
                Ok(false)
            }
            Verdict::Start | Verdict::Unknown => Ok(false),
        }
    }

    /// What is known of the kick-off `head`.
    pub(super) fn serving(&self, head: &Head, entry: &Entry) -> Kicked {
        Kicked::Serving { ago: self.since(head.kicked_ms), seen_running: entry.seen_running(), blind: head.blind }
    }

    /// What vIDM tells of the latest run, from the second source where the first is not to be read.
    pub(super) async fn report(&self, directory: &str) -> Result<SyncReport> {
        let report = self.client.sync_state(directory).await?;
        if report.status != SyncStatus::Unknown {
            return Ok(report);
        }
        let runs = self.client.executions(directory).await?;
        Ok(runs.and_then(|runs| runs.into_iter().next()).unwrap_or(report))
    }

    pub(super) fn since(&self, ms: u64) -> Duration {
        self.now().duration_since(book::time(ms)).unwrap_or_default()
    }
}

/// The instance's own ledger is memory and answers always.
pub(super) fn gone(_: Gone) -> Error {
    Error::new(ErrorCode::Internal, "the instance's own ledger does not answer")
}

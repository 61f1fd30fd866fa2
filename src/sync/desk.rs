//! The desk: what both a start and a question after the state need: looks, the ledger at hand, what they say together.

use std::rc::Rc;
use std::time::{Duration, SystemTime};

use super::judge::{Began, Kicked, Moment, Verdict, judge};
use super::ledger::{self, Entry, Gone, Head, Ledger, Shelf};
use super::{Look, Memory};
use crate::error::{Error, ErrorCode, Result};
use crate::gate::lock;
use crate::outbound::Outbound;
use crate::runtime::Runtime;
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

    /// The state of a directory, as fresh as is good for all who ask at once, and the ledger's entry from just before.
    pub(super) async fn look(
        &self,
        ledger: &Ledger<'_, R>,
        directory: &str,
        max_age: Duration,
    ) -> Result<Result<Look>, Gone> {
        let shared = Rc::clone(self.memory.looks.borrow_mut().entry(directory.to_owned()).or_default());
        let runtime = self.out.runtime();
        let came = runtime.elapsed();
        let mut kept = lock(&shared, runtime).await;
        // A look that ended while this one waited for the lock was taken for all who waited.
        let is_fresh = |look: &&Look| look.ledger_id == ledger.id() && look.at.saturating_add(max_age) > came;
        if let Some(look) = kept.as_ref().filter(is_fresh) {
            return Ok(Ok(look.clone()));
        }
        let entry = ledger.entry().await?;
        let asked = runtime.elapsed();
        let report = match self.report(directory).await {
            Ok(report) => report,
            Err(e) => return Ok(Err(e)),
        };
        let at = runtime.elapsed();
        let look = Look { ledger_id: ledger.id(), entry, report, at, took: at.saturating_sub(asked) };
        *kept = Some(look.clone());
        Ok(Ok(look))
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

    /// After a kick-off the last look is of the past.
    pub(super) fn forget_look(&self, directory: &str) {
        self.memory.looks.borrow_mut().remove(directory);
    }

    /// When something happened that was at `came`, on vIDM's clock.
    pub(super) fn moment_of(&self, look: &Look, came: Duration) -> Option<Moment> {
        let date = look.report.server_time?;
        let sent = look.at.saturating_sub(look.took);
        Some(match sent.checked_sub(came) {
            Some(ago) => Moment::before(date, ago, look.took),
            // While the look was on its way, or after it. When in that time vIDM set the date is not known.
            None => Moment {
                earliest: date.checked_sub(look.at.saturating_sub(came)).unwrap_or(date),
                latest: date + Duration::from_secs(1) + came.saturating_sub(sent),
            },
        })
    }

    pub(super) fn since(&self, ms: u64) -> Duration {
        self.now().duration_since(ledger::time(ms)).unwrap_or_default()
    }
}

/// The instance's own ledger is memory and answers always.
pub(super) fn gone(_: Gone) -> Error {
    Error::new(ErrorCode::Internal, "the instance's own ledger does not answer")
}

//! Observations: what the vendor API reports of a directory's latest run, requested once for all concurrent readers.
//!
//! Within an instance all watchers of a directory share an observation. With a shared store instances share it too: it is
//! the slot of a lease, so one instance observes, and the others wait for its result.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use futures_util::lock::Mutex;
use litemap::LiteMap;
use serde::{Deserialize, Serialize};

use super::directory_service::DirectoryService;
use super::entry::{Entry, Head, Seen};
use super::ledger::Ledger;
use super::proof_outcome::ProofSet;
use super::start::queries;
use super::{Coordinator, SyncRequest};
use crate::directory::{Counts, FailureReason, Proof, RunMarks, SyncReport, SyncStatus};
use crate::error::Result;
use crate::poll_lock::lock;
use crate::runtime::{Runtime, from_unix_ms as time, unix_ms as ms};
use crate::shared_state::{Backend, Claim, Counters, Lease, SHARED, StoreUnavailable, Ticket};

/// How long an instance waits for another's observation before it observes itself.
const MAX_WAIT: Duration = Duration::from_secs(3);

/// The interval for checking whether it is there.
const PAUSE: Duration = Duration::from_millis(50);

/// The largest difference between two instances' clocks for sharing observations.
const SKEW: Duration = Duration::from_secs(2);

/// Beyond this many proofs per instance, those without a waiting request are dropped.
const PROOFS: usize = 64;

/// The last observation of each directory.
pub(super) type Observations = RefCell<LiteMap<String, Rc<Mutex<Option<Observation>>>>>;

/// The last result of each query and its time.
pub(super) type Proofs = RefCell<Vec<(ProofKey, Rc<Mutex<Option<(Duration, ProofSet)>>>)>>;

/// One observation of a directory, and the ledger's entry from just before. The order matters: a kick-off in the entry was
/// sent before the observation, so the observation is not older.
#[derive(Debug, Clone)]
pub(super) struct Observation {
    /// The ledger's id.
    ledger_id: u64,
    pub(super) entry: Entry,
    pub(super) report: SyncReport,
    /// When its call was sent, by the runtime's monotonic clock.
    sent: Duration,
    /// When it was made, by the same clock.
    at: Duration,
    /// Its age.
    pub(super) age: Duration,
}

/// A proof belongs to a request and to the run that was seen to end: it must not be used for another run, nor one from before
/// the end for the time after it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ProofKey {
    directory: String,
    ledger: u64,
    ticket: Ticket,
    generation: u64,
    began: Option<SystemTime>,
    marks: Option<RunMarks>,
    has_succeeded: bool,
}

/// An observation as instances share it, with short names.
#[derive(Debug, Serialize, Deserialize)]
struct SharedLook {
    #[serde(rename = "a")]
    at_ms: u64,
    #[serde(rename = "h")]
    head: Option<Head>,
    #[serde(rename = "v")]
    seen: Option<Seen>,
    #[serde(rename = "s")]
    status: SyncStatus,
    #[serde(rename = "w")]
    word: Option<String>,
    #[serde(rename = "m")]
    message: Option<String>,
    #[serde(rename = "b")]
    began_ms: Option<u64>,
    #[serde(rename = "e")]
    ended_ms: Option<u64>,
    #[serde(rename = "c")]
    counts: Option<Counts>,
    #[serde(rename = "r")]
    reason: Option<FailureReason>,
    #[serde(rename = "d")]
    server_ms: Option<u64>,
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    marks: Option<RunMarks>,
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    without_log: Option<SyncStatus>,
    #[serde(rename = "o", default, skip_serializing_if = "std::ops::Not::not")]
    ended_only: bool,
}

impl Observation {
    /// This observation if it shows a success; otherwise only that a success was known, because it shows a later run.
    pub(super) fn as_success(&self) -> Self {
        match self.report.status {
            SyncStatus::Succeeded => self.clone(),
            _ => Self { report: SyncReport { status: SyncStatus::Succeeded, ..SyncReport::running() }, ..self.clone() },
        }
    }

    /// This observation with another `report`.
    pub(super) fn with(&self, report: SyncReport) -> Self {
        Self { report, ..self.clone() }
    }
}

impl SharedLook {
    fn of(look: &Observation, now: SystemTime) -> Self {
        let Observation { entry, report, .. } = look;
        Self {
            at_ms: ms(now),
            head: entry.head,
            seen: entry.seen,
            status: report.status,
            word: report.upstream_word.clone(),
            message: report.message.clone(),
            began_ms: report.started_at.map(ms),
            ended_ms: report.finished_at.map(ms),
            counts: report.counts,
            reason: report.reason,
            server_ms: report.server_time.map(ms),
            marks: report.marks,
            without_log: report.without_log,
            ended_only: report.ended_only,
        }
    }

    /// The observation by this instance's clocks; `None` if it is in their future.
    fn read(self, now: SystemTime, elapsed: Duration) -> Option<Observation> {
        let age = match now.duration_since(time(self.at_ms)) {
            Ok(age) => age,
            Err(ahead) if ahead.duration() <= SKEW => Duration::ZERO,
            Err(_) => return None,
        };
        Some(Observation {
            ledger_id: SHARED,
            entry: Entry::observed(self.head, self.seen),
            report: SyncReport {
                status: self.status,
                upstream_word: self.word,
                message: self.message,
                started_at: self.began_ms.map(time),
                finished_at: self.ended_ms.map(time),
                counts: self.counts,
                reason: self.reason,
                server_time: self.server_ms.map(time),
                marks: self.marks,
                without_log: self.without_log,
                ended_only: self.ended_only,
            },
            sent: Duration::ZERO,
            at: elapsed.saturating_sub(age),
            age,
        })
    }
}

impl<R: Runtime, D: DirectoryService> Coordinator<'_, R, D> {
    /// The state of a directory, no older than `max_age` and shared by concurrent readers, and the ledger's entry from just
    /// before.
    ///
    /// If the store refuses writes and the ledger is not the request's own, this fails, so that its own is read.
    pub(super) async fn look(
        &self,
        ledger: &Ledger<'_, R>,
        directory: &str,
        max_age: Duration,
    ) -> Result<Result<Observation>, StoreUnavailable> {
        self.look_with(ledger, directory, max_age, None).await
    }

    /// The state of a directory now, after `entry` was read or confirmed.
    pub(super) async fn look_after(
        &self,
        ledger: &Ledger<'_, R>,
        directory: &str,
        entry: &Entry,
    ) -> Result<Result<Observation>, StoreUnavailable> {
        self.look_with(ledger, directory, Duration::ZERO, Some(entry)).await
    }

    async fn look_with(
        &self,
        ledger: &Ledger<'_, R>,
        directory: &str,
        max_age: Duration,
        entry: Option<&Entry>,
    ) -> Result<Result<Observation>, StoreUnavailable> {
        let place = Rc::clone(self.cache.looks.borrow_mut().entry(directory.to_owned()).or_default());
        let runtime = self.runtime();
        let came = runtime.elapsed();
        let mut kept = lock(&place, runtime).await;
        // An observation that ended while this one waited for the lock serves all who waited.
        // For a start only if it also began since: what it shows must not be older than the request.
        let is_fresh = |look: &&Observation| match entry {
            Some(_) => look.sent > came,
            None => look.at.saturating_add(max_age) > came,
        };
        if let Some(look) = kept.as_ref().filter(is_fresh) {
            let look = Observation { age: runtime.elapsed().saturating_sub(look.at), ..look.clone() };
            match ledger.backend() {
                backend if backend.id() == look.ledger_id => return Ok(Ok(look)),
                // This instance's kick-offs discard the observation: it is later than all in its own ledger. A store that
                // refuses a write leads here, after the observation for the shared ledger.
                Backend::Local(..) => {
                    return Ok(Ok(Observation { ledger_id: ledger.id(), entry: ledger.entry().await?, ..look }));
                }
                Backend::Shared(_) => {}
            }
        }
        let look = match (ledger.backend(), entry) {
            (_, Some(entry)) => self.look_now(ledger, directory, entry.clone()).await,
            (Backend::Shared(_), None) if max_age > Duration::ZERO => {
                self.look_for_all(ledger, directory, max_age).await?
            }
            (_, None) => self.look_now(ledger, directory, ledger.entry().await?).await,
        };
        // One that is older than this instance has no time on its clock, and would pass for a younger one.
        if let Ok(look) = &look
            && look.age <= runtime.elapsed()
        {
            *kept = Some(look.clone());
        }
        Ok(look)
    }

    /// An observation shared by instances.
    async fn look_for_all(
        &self,
        ledger: &Ledger<'_, R>,
        directory: &str,
        max_age: Duration,
    ) -> Result<Result<Observation>, StoreUnavailable> {
        let runtime = self.runtime();
        let name = format!("look:{}:{directory}", self.target.short());
        let lease = Lease::new(ledger.backend(), name, Counters::Removed);
        let came = runtime.elapsed();
        loop {
            let slot = lease.read().await?;
            let shared = crate::json::parse::<SharedLook>(&slot.payload);
            let shared = shared.and_then(|shared| shared.read(self.now(), runtime.elapsed()));
            // By its age: it may be older than this instance, whose clock began later.
            let waited = runtime.elapsed().saturating_sub(came);
            if let Some(look) = shared.filter(|look| look.age < max_age.saturating_add(waited)) {
                return Ok(Ok(look));
            }
            let held = match lease.claim(runtime, &slot, MAX_WAIT, MAX_WAIT).await {
                Ok(Claim::Won(held)) => Some(held),
                // Another instance observed meanwhile, or is observing.
                Ok(_) if runtime.elapsed().saturating_sub(came) < MAX_WAIT => {
                    runtime.sleep(PAUSE).await;
                    continue;
                }
                Ok(_) => None,
                Err(StoreUnavailable) if ledger.is_own() => None,
                Err(StoreUnavailable) => return Err(StoreUnavailable),
            };
            let look = self.look_now(ledger, directory, ledger.entry().await?).await;
            if let Some(held) = held {
                let payload = match &look {
                    Ok(look) => serde_json::to_vec(&SharedLook::of(look, self.now())).unwrap_or_default(),
                    Err(_) => slot.payload,
                };
                // Without it, others observe for themselves.
                let _ = lease.release(runtime, held, payload).await;
            }
            return Ok(look);
        }
    }

    async fn look_now(&self, ledger: &Ledger<'_, R>, directory: &str, entry: Entry) -> Result<Observation> {
        let sent = self.runtime().elapsed();
        let report = self.report(directory).await?;
        let (ledger_id, at) = (ledger.id(), self.runtime().elapsed());
        Ok(Observation { ledger_id, entry, report, sent, at, age: Duration::ZERO })
    }

    /// After a kick-off this instance's last observation is outdated. Those of other instances are older than the request
    /// that kicked off.
    pub(super) fn forget_look(&self, directory: &str) {
        self.cache.looks.borrow_mut().remove(directory);
    }

    /// Which of the request's groups and users are present after what `look` shows; looked up once for all watchers of the request.
    pub(super) async fn prove(&self, request: &SyncRequest, look: &Observation, max_age: Duration) -> Result<ProofSet> {
        if !request.needs_proof() {
            return Ok(ProofSet::default());
        }
        let key = ProofKey {
            directory: request.directory.clone(),
            ledger: request.ledger,
            ticket: request.ticket,
            generation: look.entry.head.map_or(0, |head| head.generation),
            began: look.report.started_at,
            marks: look.report.marks,
            has_succeeded: look.report.status == SyncStatus::Succeeded,
        };
        let place = {
            let mut proofs = self.cache.proofs.borrow_mut();
            if proofs.len() >= PROOFS {
                proofs.retain(|(_, place)| Rc::strong_count(place) > 1);
            }
            let kept = proofs.iter().find(|(of, _)| *of == key).map(|(_, place)| Rc::clone(place));
            kept.unwrap_or_else(|| {
                let place = Rc::default();
                proofs.push((key, Rc::clone(&place)));
                place
            })
        };
        let runtime = self.runtime();
        let came = runtime.elapsed();
        let mut kept = lock(&place, runtime).await;
        if let Some((_, proof)) = kept.as_ref().filter(|(at, _)| at.saturating_add(max_age) > came) {
            return Ok(proof.clone());
        }
        let proof = self.prove_now(request).await?;
        *kept = Some((runtime.elapsed(), proof.clone()));
        Ok(proof)
    }

    /// Looks the request's groups and users up.
    pub(super) async fn prove_now(&self, request: &SyncRequest) -> Result<ProofSet> {
        let (groups, users) = queries(request);
        let mut proofs = ProofSet::default();
        if !groups.is_empty() {
            let found = self.service.prove(&request.directory, &groups).await?;
            proofs.groups = Proof::named(found, &request.groups);
        }
        if !users.is_empty() {
            let found = self.service.prove_users(&request.directory, &users).await?;
            proofs.users = Proof::named(found, &request.users);
        }
        Ok(proofs)
    }
}

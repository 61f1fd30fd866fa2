//! The ledger: which requests there are, who may kick off, which kick-off serves whom. It lives in the shared store where
//! there is one, else in the instance.
//!
//! The only atomic it needs is an increment. For each directory it holds:
//!
//! | key | written by | holds |
//! |---|---|---|
//! | `tickets` (counter) | everybody | requests and kick-offs draw from one row of numbers |
//! | `claims:{generation}` (counter) | who wants to kick off | whoever draws 1 may |
//! | `lease` | the claimant, or who meets a claim without one | until when a claim is waited for |
//! | `head` | the claimant | the latest kick-off: its generation and the highest ticket it serves |
//! | `seen` | who looked | whether that run was seen running, how it ended |
//!
//! A kick-off draws its own ticket before it is sent, so it serves exactly the tickets below: their requests came before it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::judge::Moment;
use super::request::Request;
use crate::runtime::Runtime;
use crate::store::SharedStore;

/// How long a claimant may take from its claim to the kick-off's answer. No request lasts longer without asking to wait, and
/// a start never waits.
pub(super) const LEASE: Duration = Duration::from_secs(45);

/// A run that nobody has seen for so many milliseconds is over: an hour, more than any public account of a sync tells of.
const RUN_MS: u64 = 3_600_000;

/// How long the shared store keeps what a ledger holds. Long, for a generation that is forgotten begins again at one.
const LIFE: Duration = Duration::from_hours(400 * 24);

/// Where a ledger is kept.
pub(super) enum Shelf<'s, R> {
    /// In the store that instances share.
    Shared(&'s SharedStore<'s, R>),
    /// In the instance's own memory.
    Local(&'s LocalStore, u64),
}

impl<R: Runtime> Shelf<'_, R> {
    /// Which ledger it is.
    pub(super) fn id(&self) -> u64 {
        match self {
            Self::Shared(_) => Request::SHARED,
            Self::Local(_, id) => *id,
        }
    }

    /// The value of `key`.
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Gone> {
        match self {
            Self::Local(store, _) => Ok(store.values.borrow().get(key).cloned()),
            Self::Shared(store) => match store.get(key).await {
                Some(kept) => Ok(Some(kept.value)),
                None if store.is_there() => Ok(None),
                None => Err(Gone),
            },
        }
    }

    /// Gives `key` this value.
    async fn set(&self, key: &str, value: &[u8]) -> Result<(), Gone> {
        match self {
            Self::Local(store, _) => {
                store.values.borrow_mut().insert(key.to_owned(), value.to_vec());
                Ok(())
            }
            Self::Shared(store) => {
                if store.set(key, value, LIFE).await {
                    Ok(())
                } else {
                    Err(Gone)
                }
            }
        }
    }

    /// Adds one to the counter `key`, atomically, and gives its new value.
    async fn count(&self, key: &str) -> Result<u64, Gone> {
        match self {
            Self::Local(store, _) => {
                let mut counters = store.counters.borrow_mut();
                let count = counters.entry(key.to_owned()).or_default();
                *count = count.saturating_add(1);
                Ok(*count)
            }
            Self::Shared(store) => store.increment(key, 1).await.ok_or(Gone),
        }
    }

    /// Forgets the counter `key`.
    async fn forget(&self, key: &str) {
        match self {
            Self::Local(store, _) => {
                store.counters.borrow_mut().remove(key);
            }
            Self::Shared(store) => store.delete_counter(key).await,
        }
    }
}

/// The shelf does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gone;

/// The latest kick-off of a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    #[serde(rename = "g")]
    pub(super) generation: u64,
    /// The highest ticket it serves; 0 when it certainly started nothing.
    #[serde(rename = "s")]
    pub(super) serves: u64,
    /// When it was sent, in milliseconds since 1970, on the claimant's clock.
    #[serde(rename = "k")]
    pub(super) kicked_ms: u64,
    /// When it was sent, on vIDM's clock: earliest and latest, in milliseconds since 1970.
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    pub(super) moment_ms: Option<(u64, u64)>,
    /// Whether it was sent without a look at vIDM first.
    #[serde(rename = "b", default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) blind: bool,
}

impl Head {
    pub(super) fn moment(&self) -> Option<Moment> {
        self.moment_ms.map(|(earliest, latest)| Moment { earliest: time(earliest), latest: time(latest) })
    }
}

/// What was seen of the run of a kick-off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seen {
    #[serde(rename = "g")]
    pub(super) generation: u64,
    #[serde(rename = "r")]
    pub(super) running: bool,
    /// Whether it succeeded, once it has ended.
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub(super) ended: Option<bool>,
    /// The highest ticket that a successful run has served, of this kick-off or an earlier one.
    #[serde(rename = "s", default)]
    pub(super) succeeded: u64,
    /// Whether vIDM told of a run without saying when it began.
    #[serde(rename = "u", default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) untimed: bool,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Lease {
    #[serde(rename = "g")]
    generation: u64,
    #[serde(rename = "u")]
    until_ms: u64,
}

/// The right to kick off once.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Claim {
    generation: u64,
    /// What the kick-off will serve.
    pub(super) serves: u64,
}

/// What a directory's ledger says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) head: Option<Head>,
    pub(super) seen: Option<Seen>,
}

impl Entry {
    /// Whether the latest kick-off may still be running, as far as anybody has seen; one of long ago is not believed to.
    pub(super) fn may_run(&self, now: SystemTime) -> bool {
        match (self.head, self.seen) {
            (Some(head), _) if head.serves == 0 || ms(now).saturating_sub(head.kicked_ms) > RUN_MS => false,
            (Some(head), Some(seen)) if seen.generation == head.generation => seen.ended.is_none(),
            (Some(_), _) => true,
            (None, _) => false,
        }
    }

    /// The highest ticket that a successful run is known to have served.
    pub(super) fn succeeded(&self) -> u64 {
        self.seen.map_or(0, |seen| seen.succeeded)
    }

    /// Whether vIDM is known to tell of runs without saying when they began.
    pub(super) fn untimed(&self) -> bool {
        self.seen.is_some_and(|seen| seen.untimed)
    }

    /// Whether the latest kick-off was seen running.
    pub(super) fn seen_running(&self) -> bool {
        self.head.zip(self.seen).is_some_and(|(head, seen)| head.generation == seen.generation && seen.running)
    }
}

/// One directory's ledger in a store.
pub(super) struct Ledger<'s, R> {
    store: Shelf<'s, R>,
    directory: String,
}

impl<'s, R: Runtime> Ledger<'s, R> {
    pub(super) fn new(store: Shelf<'s, R>, target: &str, directory: &str) -> Self {
        Self { store, directory: format!("sync:{target}:{directory}") }
    }

    /// Which ledger it is: [`Request::SHARED`], or an instance's.
    pub(super) fn id(&self) -> u64 {
        self.store.id()
    }

    fn key(&self, what: &str) -> String {
        format!("{}:{what}", self.directory)
    }

    async fn read<T: for<'de> Deserialize<'de>>(&self, what: &str) -> Result<Option<T>, Gone> {
        // What cannot be read is as good as absent: it was written by another version.
        Ok(self.store.get(&self.key(what)).await?.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    async fn write(&self, what: &str, value: &impl Serialize) -> Result<(), Gone> {
        let bytes = serde_json::to_vec(value).unwrap_or_default();
        self.store.set(&self.key(what), &bytes).await
    }

    /// Draws a ticket for a request.
    pub(super) async fn ticket(&self) -> Result<u64, Gone> {
        self.store.count(&self.key("tickets")).await
    }

    /// What is written.
    pub(super) async fn entry(&self) -> Result<Entry, Gone> {
        Ok(Entry { head: self.read("head").await?, seen: self.read("seen").await? })
    }

    /// Tries for the right to kick off after `head`. `None`: somebody else has it.
    ///
    /// A claim whose lease has run out is passed over: its claimant is gone, or its kick-off's answer is.
    pub(super) async fn claim(&self, head: Option<Head>, now: SystemTime) -> Result<Option<Claim>, Gone> {
        let written = head.map_or(0, |head| head.generation);
        let lease: Option<Lease> = self.read("lease").await?;
        let generation = match lease {
            Some(lease) if lease.generation > written && lease.until_ms > ms(now) => return Ok(None),
            Some(lease) => lease.generation.max(written) + 1,
            None => written + 1,
        };
        let lease = Lease { generation, until_ms: ms(now + LEASE) };
        if self.store.count(&self.key(&format!("claims:{generation}"))).await? > 1 {
            // Drawn already. Where its claimant died before it wrote a lease, this one ends the waiting.
            let present: Option<Lease> = self.read("lease").await?;
            if present.is_none_or(|present| present.generation < generation) {
                self.write("lease", &lease).await?;
            }
            return Ok(None);
        }
        self.write("lease", &lease).await?;
        // Between the entry that was read and the claim another kick-off may have been made and forgotten by its lease.
        let present: Option<Head> = self.read("head").await?;
        if present.map_or(0, |head| head.generation) > written {
            self.write("lease", &Lease { generation, until_ms: 0 }).await?;
            return Ok(None);
        }
        Ok(Some(Claim { generation, serves: self.ticket().await? }))
    }

    /// Writes down a kick-off that was sent at `kicked` and may have started a run.
    pub(super) async fn kicked(
        &self,
        claim: &Claim,
        kicked: SystemTime,
        moment: Option<Moment>,
        blind: bool,
    ) -> Result<(), Gone> {
        let moment_ms = moment.map(|moment| (ms(moment.earliest), ms(moment.latest)));
        let (generation, serves) = (claim.generation, claim.serves);
        self.advance(Head { generation, serves, kicked_ms: ms(kicked), moment_ms, blind }).await
    }

    /// Writes down a kick-off that certainly started nothing: the next may try at once.
    pub(super) async fn failed(&self, claim: &Claim, now: SystemTime) -> Result<(), Gone> {
        let generation = claim.generation;
        self.advance(Head { generation, serves: 0, kicked_ms: ms(now), moment_ms: None, blind: false }).await
    }

    async fn advance(&self, head: Head) -> Result<(), Gone> {
        let present: Option<Head> = self.read("head").await?;
        if present.is_some_and(|present| present.generation >= head.generation) {
            // We took longer than our lease, and somebody went on.
            return Ok(());
        }
        self.write("head", &head).await?;
        // The claims of two kick-offs ago are nobody's business any more: who still holds that entry is stopped by the head.
        if let Some(old) = head.generation.checked_sub(2).filter(|old| *old > 0) {
            self.store.forget(&self.key(&format!("claims:{old}"))).await;
        }
        Ok(())
    }

    /// Writes down what was seen of the run of `head`, where it is news.
    pub(super) async fn saw(
        &self,
        entry: &Entry,
        running: bool,
        ended: Option<bool>,
        untimed: bool,
    ) -> Result<(), Gone> {
        let Some(head) = entry.head else { return Ok(()) };
        let before = entry.seen.filter(|seen| seen.generation == head.generation);
        let succeeded = entry.succeeded();
        let now = Seen {
            generation: head.generation,
            running: running || before.is_some_and(|seen| seen.running),
            ended: ended.or(before.and_then(|seen| seen.ended)),
            succeeded: if ended == Some(true) { succeeded.max(head.serves) } else { succeeded },
            untimed: untimed || entry.untimed(),
        };
        if entry.seen == Some(now) { Ok(()) } else { self.write("seen", &now).await }
    }
}

/// A store in the instance's own memory: what the ledger is kept in where there is no shared one.
#[derive(Debug, Default)]
pub struct LocalStore {
    values: RefCell<BTreeMap<String, Vec<u8>>>,
    counters: RefCell<BTreeMap<String, u64>>,
    /// Told apart from every other instance's, and from the shared store's.
    id: Cell<u64>,
}

impl LocalStore {
    /// This store's id, drawn on first use; never 0.
    pub(super) fn id(&self, random: impl FnOnce() -> u64) -> u64 {
        if self.id.get() == 0 {
            self.id.set(random() | 1);
        }
        self.id.get()
    }
}

pub(super) fn ms(time: SystemTime) -> u64 {
    u64::try_from(time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}

pub(super) fn time(ms: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(ms)).unwrap_or(SystemTime::UNIX_EPOCH)
}

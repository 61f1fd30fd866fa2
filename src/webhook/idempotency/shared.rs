//! Keys in the store that instances share. Each key has a lease (`shared_state/lease.rs`): the holder carries the request out, its slot
//! holds the claim and then the answer.
//!
//! # Bounds
//! The stores have no expiry of their own, and nobody asks again for most keys. So each caller has two rings of its own, and
//! whatever is written under a key stands in one of them:
//!
//! | ring | entered | when its turn comes again |
//! |---|---|---|
//! | `{owner}:claims` (counter), `{owner}:claim:{serial mod CLAIMS}` | before anything is written under a key | what a dead claimant left there is deleted; where the claim still runs, the new request is rejected |
//! | `{owner}:answers` (counter), `{owner}:answer:{serial mod ANSWERS}` | with an answer | that answer is deleted |
//!
//! Thus a caller has at most [`ANSWERS`] answers and [`CLAIMS`] claims in the store, and what it sends takes nothing from
//! another. A request whose answer is not kept enters the first ring alone, so it displaces no answer either. What can be left for
//! good is one counter of a claimant that died between two calls to the store and whose turn came again within its lease.

use std::time::{Duration, SystemTime};

use super::record::Record;
use super::{Claim, Key, LIFE};
use crate::runtime::Runtime;
use crate::shared_state::{self, Backend, Counters, FOR_GOOD, Held, Lease, SharedStore, Slot, StoreUnavailable};

/// As many answers of one caller are in the store at once, [`MAX_BODY`](super::MAX_BODY) bytes each at most.
const ANSWERS: u64 = 1024;

/// As many of one caller's claims are in the store at once. A request that is carried out has one.
const CLAIMS: u64 = 256;

/// The most attempts at a claim within one request.
const MAX_CLAIMS: usize = 8;

/// One key's place in the store.
pub(super) struct Place<'s, R> {
    store: &'s SharedStore<'s, R>,
    owner: String,
    name: String,
}

impl<'s, R: Runtime> Place<'s, R> {
    /// Where `key` is kept; `None` without a store.
    pub(super) fn new(store: &'s SharedStore<'s, R>, key: &Key) -> Option<Self> {
        let name = store.name("idempotency", "key", &[&key.id])?;
        Some(Self { store, owner: key.owner.clone(), name })
    }

    /// The lease of the key at `name`.
    fn lease_of(&self, name: &str) -> Lease<'s, R> {
        Lease::new(Backend::Shared(self.store), name.to_owned(), Counters::Removed).kept_for(LIFE)
    }

    fn lease(&self) -> Lease<'s, R> {
        self.lease_of(&self.name)
    }

    /// A name in one of the caller's rings.
    fn ring(&self, what: &str) -> String {
        format!("idempotency:{}:{what}", self.owner)
    }

    fn now(&self) -> SystemTime {
        self.store.runtime().now()
    }

    /// What `slot` says to another request with the key, if anything: a claim that is still waited for, or an answer that is still given.
    fn taken(&self, slot: &Slot) -> Option<Record> {
        let record = Record::read(&slot.payload)?;
        match slot.held_until(self.now()) {
            Some(until) => Some(Record { until, ..record }),
            None => Some(record).filter(|record| record.holds(self.now())),
        }
    }

    /// Tries for the right to carry the request out.
    pub(super) async fn claim(&self, key: &Key, life: Duration) -> Result<Claim<Held>, StoreUnavailable> {
        let (lease, clock) = (self.lease(), self.store.runtime());
        let mut slot = lease.read().await?;
        if let Some(record) = self.taken(&slot) {
            return Ok(Claim::Taken(record));
        }
        if let Some(until) = self.enter(life).await? {
            return Ok(Claim::Full(until));
        }
        for _ in 0..MAX_CLAIMS {
            match lease.claim(clock, &slot, life, life).await? {
                shared_state::Claim::Won(held) => {
                    let record = Record { input: Some(key.input.clone()), ..Record::default() };
                    lease.announce(&held, self.now() + life, &record.write()).await?;
                    return Ok(Claim::Won(held));
                }
                shared_state::Claim::Done(newer) => {
                    if let Some(record) = self.taken(&newer) {
                        return Ok(Claim::Taken(record));
                    }
                    slot = newer;
                }
                shared_state::Claim::Busy { until, slot } => {
                    let record = slot.and_then(|slot| self.taken(&slot));
                    return Ok(record.map_or(Claim::Waits(until), Claim::Taken));
                }
            }
        }
        Ok(Claim::Waits(self.now() + life))
    }

    /// Enters the key into the caller's ring of claims, and deletes what a dead claimant left where it stands now; where
    /// that claim may still run, until when.
    async fn enter(&self, life: Duration) -> Result<Option<SystemTime>, StoreUnavailable> {
        let serial = self.store.increment(&self.ring("claims"), 1).await.ok_or(StoreUnavailable)?;
        let place = self.ring(&format!("claim:{}", serial % CLAIMS));
        let until = self.now() + life;
        if let Some(kept) = self.store.look_up(&place).await?
            && let Some((ended, name)) = entry(&kept.value).filter(|(_, name)| *name != self.name)
        {
            let old = self.lease_of(name);
            let slot = old.read().await?;
            let is_answered = Record::read(&slot.payload).is_some_and(|record| record.answer.is_some());
            match slot.held_until(self.now()) {
                Some(until) => return Ok(Some(until)),
                // It stands in the other ring.
                None if is_answered => {}
                // It was given back, or its claimant died before it wrote a slot. It may be about to, within its lease.
                None if slot.generation == 0 && ended > self.now() => {}
                None => old.erase(&slot).await?,
            }
        }
        let ms = until.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis();
        self.store.put(&place, format!("{ms} {}", self.name).as_bytes(), FOR_GOOD).await?;
        Ok(None)
    }

    /// Keeps the answer in `record`; whether it is kept.
    pub(super) async fn keep(&self, held: Held, record: Record) -> bool {
        let Some(serial) = self.store.increment(&self.ring("answers"), 1).await else { return false };
        let place = self.ring(&format!("answer:{}", serial % ANSWERS));
        self.make_room(&place).await;
        if !self.store.set(&place, format!("{serial} {}", self.name).as_bytes(), FOR_GOOD).await {
            return false;
        }
        let payload = Record { serial, ..record }.write();
        matches!(self.lease().release(self.store.runtime(), held, payload).await, Ok(Some(_)))
    }

    /// Deletes the answer whose place is needed.
    async fn make_room(&self, place: &str) {
        let Some(old) = self.store.get(place).await else { return };
        let old = String::from_utf8_lossy(&old.value).into_owned();
        let Some((serial, name)) = old.split_once(' ') else { return };
        let lease = self.lease_of(name);
        // The key may have come again since and have another place now.
        if let Ok(slot) = lease.read().await
            && let Some(record) = Record::read(&slot.payload)
            && record.answer.is_some()
            && record.serial.to_string() == serial
        {
            lease.forget().await;
        }
    }

    /// Gives the claim back: the request may be carried out again.
    pub(super) async fn release(&self, held: Held) {
        self.lease().give_back(held).await;
    }
}

/// What stands in the ring of claims: when the lease ends, and the key's place.
fn entry(kept: &[u8]) -> Option<(SystemTime, &str)> {
    let (ms, name) = str::from_utf8(kept).ok()?.split_once(' ')?;
    Some((SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(ms.parse().ok()?))?, name))
}

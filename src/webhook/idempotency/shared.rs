//! Keys in the shared store. Each key has a lease (`shared_state/lease.rs`): the holder processes the request, its slot
//! holds the claim and then the response.
//!
//! # Bounds
//! The stores have no expiry of their own, and most keys are never used again. So each caller has two rings, and every entry
//! stands in one of them:
//!
//! | ring | entered | when its turn comes again |
//! |---|---|---|
//! | `{owner}:claims` (counter), `{owner}:claim:{serial mod CLAIMS}` | before anything is written under a key | what a crashed claimant left there is deleted; if the claim is still active, the new request takes a later turn; after a few of them it is rejected |
//! | `{owner}:answers` (counter), `{owner}:answer:{serial mod ANSWERS}` | with a response | that response is deleted |
//!
//! So a caller has at most [`ANSWERS`] responses and [`CLAIMS`] claims in the store, and cannot displace another's. A
//! request whose response is not stored enters only the first ring, so it displaces no response. The only thing that can
//! remain for good is one counter of a claimant that crashed between two store calls and whose turn came again within its
//! lease.

use std::time::{Duration, SystemTime};

use super::record::Record;
use super::{Key, KeyClaim, LIFE};
use crate::runtime::{Runtime, unix_ms};
use crate::shared_state::{self, Backend, Counters, FOR_GOOD, Held, Lease, SharedStore, Slot, StoreUnavailable};

/// At most this many responses per caller are in the store, of [`MAX_BODY`](super::MAX_BODY) bytes each.
const ANSWERS: u64 = 1024;

/// At most this many claims per caller are in the store, one per request being processed.
const CLAIMS: u64 = 256;

/// The most turns that one request takes in the ring of claims. Each step is twice the one before, so together they lead
/// past a run of 127 active claims: long requests often stand side by side.
const MAX_TURNS: u32 = 8;

/// The most attempts at a claim within one request.
const MAX_CLAIMS: usize = 8;

/// One key's place in the store.
pub(super) struct Place<'s, R> {
    store: &'s SharedStore<'s, R>,
    owner: String,
    name: String,
}

impl<'s, R: Runtime> Place<'s, R> {
    /// The place of `key`; `None` without a store.
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

    /// The record that `slot` shows to another request with the key: an active claim, or a response that is still valid.
    fn taken(&self, slot: &Slot) -> Option<Record> {
        let record = Record::read(&slot.payload)?;
        match slot.held_until(self.now()) {
            Some(until) => Some(Record { until, ..record }),
            None => Some(record).filter(|record| record.holds(self.now())),
        }
    }

    /// Tries to get the right to process the request.
    pub(super) async fn claim(&self, key: &Key, life: Duration) -> Result<KeyClaim<Held>, StoreUnavailable> {
        let (lease, clock) = (self.lease(), self.store.runtime());
        let mut slot = lease.read().await?;
        if let Some(record) = self.taken(&slot) {
            return Ok(KeyClaim::Taken(record));
        }
        if let Some(until) = self.enter(life).await? {
            return Ok(KeyClaim::Full(until));
        }
        for _ in 0..MAX_CLAIMS {
            match lease.claim(clock, &slot, life, life).await? {
                shared_state::Claim::Won(held) => {
                    let record = Record { input: Some(key.input.clone()), ..Record::default() };
                    lease.announce(&held, self.now() + life, &record.write()).await?;
                    return Ok(KeyClaim::Won(held));
                }
                shared_state::Claim::Done(newer) => {
                    if let Some(record) = self.taken(&newer) {
                        return Ok(KeyClaim::Taken(record));
                    }
                    slot = newer;
                }
                shared_state::Claim::Busy { until, slot } => {
                    let record = slot.and_then(|slot| self.taken(&slot));
                    return Ok(record.map_or(KeyClaim::Waits(until), KeyClaim::Taken));
                }
            }
        }
        Ok(KeyClaim::Waits(self.now() + life))
    }

    /// Enters the key into the caller's ring of claims. The ring goes by turns, and a long request may still have the place;
    /// then the next turns are tried. If all of these places are active, returns the earliest end.
    async fn enter(&self, life: Duration) -> Result<Option<SystemTime>, StoreUnavailable> {
        let mut earliest: Option<SystemTime> = None;
        for turn in 0..MAX_TURNS {
            let serial = self.store.increment(&self.ring("claims"), 1 << turn).await.ok_or(StoreUnavailable)?;
            let Some(until) = self.enter_at(serial, life).await? else { return Ok(None) };
            earliest = Some(earliest.map_or(until, |earliest| earliest.min(until)));
        }
        Ok(earliest)
    }

    /// Enters the key at the place of `serial`, and deletes a crashed claimant's entry there; if that claim may still be
    /// active, returns its end.
    async fn enter_at(&self, serial: u64, life: Duration) -> Result<Option<SystemTime>, StoreUnavailable> {
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
                // It is in the other ring.
                None if is_answered => {}
                // It was released, or its claimant crashed before it wrote a slot; within its lease it may still write one.
                None if slot.generation == 0 && ended > self.now() => {}
                None => old.erase(&slot).await?,
            }
        }
        let ms = unix_ms(until);
        self.store.put(&place, format!("{ms} {}", self.name).as_bytes(), FOR_GOOD).await?;
        Ok(None)
    }

    /// Stores the response in `record`; returns whether it is stored.
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

    /// Deletes the response whose place is needed.
    async fn make_room(&self, place: &str) {
        let Some(old) = self.store.get(place).await else { return };
        let old = String::from_utf8_lossy(&old.value).into_owned();
        let Some((serial, name)) = old.split_once(' ') else { return };
        let lease = self.lease_of(name);
        // The key may have been used again and have another place now.
        if let Ok(slot) = lease.read().await
            && let Some(record) = Record::read(&slot.payload)
            && record.answer.is_some()
            && record.serial.to_string() == serial
        {
            lease.forget().await;
        }
    }

    /// Releases the claim: the request may be processed again.
    pub(super) async fn release(&self, held: Held) {
        self.lease().give_back(self.store.runtime(), held).await;
    }
}

/// An entry in the ring of claims: the end of the lease, and the key's place.
fn entry(kept: &[u8]) -> Option<(SystemTime, &str)> {
    let (ms, name) = str::from_utf8(kept).ok()?.split_once(' ')?;
    Some((SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(ms.parse().ok()?))?, name))
}

//! Keys in the store that instances share. The only atomic it needs is an increment. For each key there is:
//!
//! | key | written by | holds |
//! |---|---|---|
//! | `record` | who carries the request out | the claim with its lease, then the answer |
//! | `draws:{generation}` (counter) | who wants to | whoever draws 1 may |
//! | `mark` | who draws more, and finds no record | which draw that was, and until when a record is waited for |
//!
//! A generation is an attempt: the first is 1, and a claim that has run out is followed by the next. Whoever has drawn looks at
//! the record once more before it believes its draw, for a counter is taken out when its claim is settled; so a draw from
//! one that began anew is noticed. A claimant that dies before it wrote its record leaves none; then the mark's time counts. Only
//! who won writes the record, so nothing overwrites an answer.
//!
//! # Bounds
//! The stores have no expiry of their own, and nobody asks again for most keys. So each caller has two rings of its own, and
//! whatever is written under a key stands in one of them:
//!
//! | ring | entered | when its turn comes again |
//! |---|---|---|
//! | `{owner}:claims` (counter), `{owner}:claim:{serial mod CLAIMS}` | before anything is written under a key | what a claimant that died left there is taken out; where the claim still runs, the new request is refused |
//! | `{owner}:answers` (counter), `{owner}:answer:{serial mod ANSWERS}` | with an answer | that answer is taken out |
//!
//! Thus a caller has at most [`ANSWERS`] answers and [`CLAIMS`] claims in the store, and what it sends takes nothing from
//! another. A request whose answer is not kept enters the first ring alone, so it displaces no answer either. What can be left for
//! good is one counter of a claimant that died between two calls to the store and whose turn came again within its lease.

use std::time::{Duration, SystemTime};

use super::record::Record;
use super::{Claim, Key, LIFE};
use crate::runtime::Runtime;
use crate::shared_state::{FOR_GOOD, SharedStore, StoreUnavailable};

/// As many answers of one caller are in the store at once, [`MAX_BODY`](super::MAX_BODY) bytes each at most.
const ANSWERS: u64 = 1024;

/// As many of one caller's claims are in the store at once. A request that is carried out has one.
const CLAIMS: u64 = 256;

/// The most attempts at a claim within one request. Each comes of a claimant that died.
const MAX_DRAWS: u64 = 8;

/// The right to carry a request out.
#[derive(Debug)]
pub(super) struct Ticket {
    generation: u64,
}

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

    fn key(&self, what: &str) -> String {
        format!("{}:{what}", self.name)
    }

    fn draws(&self, generation: u64) -> String {
        self.key(&format!("draws:{generation}"))
    }

    /// The place of another key of the same caller.
    fn of_same_owner(&self, name: &str) -> Self {
        Self { store: self.store, owner: self.owner.clone(), name: name.to_owned() }
    }

    /// A name in one of the caller's rings.
    fn ring(&self, what: &str) -> String {
        format!("idempotency:{}:{what}", self.owner)
    }

    fn now(&self) -> SystemTime {
        self.store.runtime().now()
    }

    async fn read(&self, name: &str) -> Result<Option<Record>, StoreUnavailable> {
        // What cannot be read is as good as absent: it was written by another version.
        Ok(self.store.look_up(name).await?.and_then(|kept| Record::read(&kept.value)))
    }

    async fn write(&self, name: &str, record: &Record, life: Duration) -> Result<(), StoreUnavailable> {
        self.store.put(name, &record.write(), life).await
    }

    /// Tries for the right to carry the request out.
    pub(super) async fn claim(&self, key: &Key, lease: Duration) -> Result<Claim<Ticket>, StoreUnavailable> {
        let record = self.key("record");
        let mut generation = match self.read(&record).await? {
            Some(found) if found.holds(self.now()) => return Ok(Claim::Taken(found)),
            Some(found) => found.generation + 1,
            None => 1,
        };
        if let Some(until) = self.enter(lease).await? {
            return Ok(Claim::Full(until));
        }
        for _ in 0..MAX_DRAWS {
            let drawn = self.store.increment(&self.draws(generation), 1).await.ok_or(StoreUnavailable)?;
            if let Some(found) = self.read(&record).await?
                && (found.generation >= generation || found.holds(self.now()))
            {
                // It went on in between; a counter that began anew is nobody's.
                if drawn == 1 {
                    self.store.delete_counter(&self.draws(generation)).await;
                }
                if found.holds(self.now()) {
                    return Ok(Claim::Taken(found));
                }
                generation = found.generation + 1;
                continue;
            }
            let until = self.now() + lease;
            if drawn == 1 {
                let claim = Record { input: Some(key.input.clone()), generation, until, ..Record::default() };
                self.write(&record, &claim, FOR_GOOD).await?;
                return Ok(Claim::Won(Ticket { generation }));
            }
            // A mark of as late a draw is of another row of draws that began at 1: its counter was taken out since.
            let counts =
                |mark: &Record| mark.generation > generation || mark.generation == generation && mark.serial < drawn;
            match self.read(&self.key("mark")).await?.filter(counts) {
                Some(mark) if mark.holds(self.now()) => return Ok(Claim::Waits(mark.until)),
                Some(mark) => generation = mark.generation + 1,
                None => {
                    let mark = Record { generation, serial: drawn, until, ..Record::default() };
                    self.write(&self.key("mark"), &mark, FOR_GOOD).await?;
                    return Ok(Claim::Waits(until));
                }
            }
        }
        Ok(Claim::Waits(self.now() + lease))
    }

    /// Enters the key into the caller's ring of claims, and takes out what a claimant that died left where it stands now; where
    /// that claim may still run, until when.
    async fn enter(&self, lease: Duration) -> Result<Option<SystemTime>, StoreUnavailable> {
        let serial = self.store.increment(&self.ring("claims"), 1).await.ok_or(StoreUnavailable)?;
        let slot = self.ring(&format!("claim:{}", serial % CLAIMS));
        let until = self.now() + lease;
        if let Some(kept) = self.store.look_up(&slot).await?
            && let Some((ended, name)) = entry(&kept.value).filter(|(_, name)| *name != self.name)
        {
            let old = self.of_same_owner(name);
            match old.read(&old.key("record")).await? {
                // It stands in the other ring.
                Some(record) if record.answer.is_some() => {}
                Some(record) if record.holds(self.now()) => return Ok(Some(record.until)),
                Some(record) => old.clear(record.generation).await,
                // It was given back, or its claimant died before it wrote one. It may be about to, within its lease.
                None if ended > self.now() => {}
                None => {
                    let mark = old.read(&old.key("mark")).await?;
                    old.clear(mark.map_or(1, |mark| mark.generation)).await;
                }
            }
        }
        let ms = until.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis();
        self.store.put(&slot, format!("{ms} {}", self.name).as_bytes(), FOR_GOOD).await?;
        Ok(None)
    }

    /// Takes out all that was written under the key, up to this attempt.
    async fn clear(&self, generation: u64) {
        for generation in generation.saturating_sub(1).max(1)..=generation {
            self.store.delete_counter(&self.draws(generation)).await;
        }
        self.store.delete(&self.key("record")).await;
        self.store.delete(&self.key("mark")).await;
    }

    /// Keeps the answer in `record`; whether it is kept.
    pub(super) async fn keep(&self, ticket: &Ticket, record: Record) -> bool {
        let Some(serial) = self.store.increment(&self.ring("answers"), 1).await else { return false };
        let slot = self.ring(&format!("answer:{}", serial % ANSWERS));
        self.make_room(&slot).await;
        let generation = ticket.generation;
        let place = format!("{serial} {}", self.name);
        let kept = self.store.set(&slot, place.as_bytes(), FOR_GOOD).await
            && self.write(&self.key("record"), &Record { generation, serial, ..record }, LIFE).await.is_ok();
        if kept {
            self.forget_draws(ticket).await;
        }
        kept
    }

    /// Takes out the answer whose slot is needed.
    async fn make_room(&self, slot: &str) {
        let Some(old) = self.store.get(slot).await else { return };
        let old = String::from_utf8_lossy(&old.value).into_owned();
        let Some((serial, name)) = old.split_once(' ') else { return };
        let place = self.of_same_owner(name);
        // The key may have come again since and have another slot now.
        if let Ok(Some(record)) = place.read(&place.key("record")).await
            && record.answer.is_some()
            && record.serial.to_string() == serial
        {
            self.store.delete(&place.key("record")).await;
            self.store.delete(&place.key("mark")).await;
        }
    }

    /// Gives the claim back: the request may be carried out again.
    pub(super) async fn release(&self, ticket: &Ticket) {
        // The counter first: without a record it would say that somebody has drawn and died.
        self.forget_draws(ticket).await;
        self.store.delete(&self.key("record")).await;
    }

    async fn forget_draws(&self, ticket: &Ticket) {
        self.store.delete_counter(&self.draws(ticket.generation)).await;
        // Of claimants that died before.
        if ticket.generation > 1 {
            self.store.delete_counter(&self.draws(ticket.generation - 1)).await;
            self.store.delete(&self.key("mark")).await;
        }
    }
}

/// What stands in the ring of claims: when the lease ends, and the key's place.
fn entry(kept: &[u8]) -> Option<(SystemTime, &str)> {
    let (ms, name) = str::from_utf8(kept).ok()?.split_once(' ')?;
    Some((SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(ms.parse().ok()?))?, name))
}

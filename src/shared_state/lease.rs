//! A lease: the right of one caller at a time to do something, over a store whose only atomic call is an increment.
//!
//! Work under a lease goes on in generations: 1, 2, 3 … Each generation has at most one holder.
//!
//! | key | written by | holds |
//! |---|---|---|
//! | `{name}` | holders | the [`Slot`]: the latest generation that a holder wrote, the end of its hold, and its payload |
//! | `{name}:n:{generation}` (counter) | all callers | tickets in its low bits, claims in its high ones: the first claim wins |
//! | `{name}:w` | a caller that met a claim and saw no slot of the holder | the generation it lost, and the end of the wait for the holder |
//!
//! A claimant draws from the counter of the generation after the slot's. The winner is the holder, and only the holder
//! writes the slot. So the slot is never overwritten by an older one, and a losing claim changes nothing.
//!
//! A crashed holder leaves no slot. A claimant that loses against it and finds no slot records the end of the wait; after
//! that time the next generation may be claimed. A crashed holder delays the others by at most that time, counted from the
//! first claim that lost against it.
//!
//! # Tickets
//! Tickets order requests and claims: a request reads the slot and then draws a [`Ticket`]. It is greater than every claim's
//! ticket from before the read, and smaller than every claim's ticket from after the draw. A counter without claims also
//! proves that the slot is unchanged: a caller that knows the slot need not read it again.
//!
//! # Counters
//! Stores have no expiry, so counters have to be deleted. A deleted counter begins anew, and a claimant that read the slot
//! long ago could win a past generation. There are two solutions ([`Counters`]): the counter is deleted at the end of its
//! generation, and a winner reads the slot once more; or the counter outlives its generation by two minutes, longer than any
//! request, and a winner need not read again.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::backend::Backend;
use super::{FOR_GOOD, StoreUnavailable};
use crate::runtime::{Runtime, from_unix_ms, unix_ms};

mod slot;

use slot::Sweep;
pub(crate) use slot::{Contents, Slot};

/// A claim's addition to a counter; a ticket adds 1. So a generation has room for 16 million tickets.
const CLAIM: u64 = 1 << 24;

/// How long a claimant that lost waits for the holder's slot before it records its wait.
const PAUSE: Duration = Duration::from_millis(50);

/// The treatment of former generations' counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counters {
    /// Each is deleted at the end of its generation. A winner confirms its claim by reading the slot once more.
    Removed,
    /// They are deleted minutes later. A claim needs no confirmation, and tickets may be drawn.
    Kept,
}

/// A position in an order of requests and claims.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Ticket(u64, u64);

impl Ticket {
    /// Before every drawn ticket.
    pub(crate) const NONE: Self = Self(0, 0);

    /// The number of claims at its generation, including its own.
    fn claims(self) -> u64 {
        self.1 / CLAIM
    }

    /// The same for all tickets between the same two claims.
    pub(crate) fn interval(self) -> (u64, u64) {
        (self.0, self.claims())
    }

    /// Whether a claim was made at its generation before it was drawn: the slot may have changed since it was read.
    pub(crate) fn is_after_a_claim(self) -> bool {
        self.claims() > 0
    }

    /// Whether no ticket after `slot` can have its generation yet: the store has lost the slot that it was drawn after.
    pub(crate) fn is_ahead_of(self, slot: &Slot) -> bool {
        self.0 > slot.generation + 1
    }

    /// A ticket for tests.
    #[cfg(test)]
    pub(crate) fn example() -> Self {
        Self(u64::from(u32::MAX), CLAIM * 100)
    }
}

/// The wait for a holder.
#[derive(Debug, Serialize, Deserialize)]
struct Watch {
    #[serde(rename = "g")]
    generation: u64,
    /// The claim that lost. A watch of an equal or later claim belongs to a counter that was deleted since.
    #[serde(rename = "c")]
    claim: u64,
    #[serde(rename = "u")]
    until_ms: u64,
}

/// The right to work.
#[derive(Debug)]
pub(crate) struct Held {
    /// The held generation.
    pub(crate) generation: u64,
    /// Every ticket drawn before this claim is smaller.
    pub(crate) ticket: Ticket,
    since: SystemTime,
    life: Duration,
    sweep: Sweep,
    is_hurried: bool,
}

impl Held {
    /// The same for a holder that leaves the deletion of former counters to a later one.
    pub(crate) fn hurried(self) -> Self {
        Self { is_hurried: true, ..self }
    }

    /// Whether others may have continued without this holder.
    fn is_over(&self, now: SystemTime) -> bool {
        now.duration_since(self.since).unwrap_or_default() >= self.life
    }
}

/// The result of a claim.
#[derive(Debug)]
pub(crate) enum Claim {
    /// It won.
    Won(Held),
    /// It lost, and the holder is done: this is its slot.
    Done(Slot),
    /// It lost, and the holder works until then at the latest; its slot so far, if any.
    Busy { until: SystemTime, slot: Option<Slot> },
}

/// One lease.
pub(crate) struct Lease<'s, R> {
    backend: Backend<'s, R>,
    name: String,
    counters: Counters,
    kept_for: Duration,
}

impl<'s, R: Runtime> Lease<'s, R> {
    pub(crate) fn new(backend: Backend<'s, R>, name: String, counters: Counters) -> Self {
        Self { backend, name, counters, kept_for: FOR_GOOD }
    }

    /// The same with a slot that is ignored after `life`. Only for a lease whose counters are removed, because it then
    /// begins anew.
    pub(crate) fn kept_for(self, life: Duration) -> Self {
        Self { kept_for: life, ..self }
    }

    pub(crate) fn backend(&self) -> Backend<'s, R> {
        self.backend
    }

    fn counter(&self, generation: u64) -> String {
        format!("{}:n:{generation}", self.name)
    }

    fn watch(&self) -> String {
        format!("{}:w", self.name)
    }

    /// The wait for a holder, if a claimant recorded one.
    async fn watched(&self) -> Result<Option<Watch>, StoreUnavailable> {
        Ok(self.backend.get(&self.watch()).await?.and_then(|bytes| crate::json::parse(&bytes)))
    }

    /// The last holder's slot.
    pub(crate) async fn read(&self) -> Result<Slot, StoreUnavailable> {
        // An unreadable slot counts as absent: another version wrote it.
        Ok(self.backend.get(&self.name).await?.and_then(|bytes| Slot::read(&bytes)).unwrap_or_default())
    }

    /// The last slots of holders under all state keys, this instance's first.
    pub(crate) async fn read_all(&self) -> Result<Vec<Slot>, StoreUnavailable> {
        let values = self.backend.get_all(&self.name).await?;
        Ok(values.iter().filter_map(|bytes| Slot::read(bytes)).collect())
    }

    /// Draws a ticket after `slot` was read.
    pub(crate) async fn ticket(&self, slot: &Slot) -> Result<Ticket, StoreUnavailable> {
        self.draw(slot.generation + 1, 1).await
    }

    /// Whether a claim after `slot` was made whose holder may be at work. As a claimant that lost would, records the end of the
    /// wait for a holder that takes longer than `silence`: it may have crashed, and nobody else may ever claim.
    pub(crate) async fn is_claimed(&self, clock: &R, slot: &Slot, silence: Duration) -> Result<bool, StoreUnavailable> {
        let mut generation = slot.generation + 1;
        loop {
            let drawn = self.draw(generation, 0).await?;
            if !drawn.is_after_a_claim() {
                return Ok(false);
            }
            let watch = self.watched().await?;
            let counts = |watch: &Watch| {
                watch.generation > generation || watch.generation == generation && watch.claim <= drawn.claims()
            };
            let Some(watch) = watch.filter(counts) else {
                let until_ms = unix_ms(clock.now() + silence);
                self.record(&Watch { generation, claim: drawn.claims(), until_ms }).await?;
                return Ok(true);
            };
            if from_unix_ms(watch.until_ms) > clock.now() {
                return Ok(true);
            }
            // The holder crashed; the next generation may be claimed.
            generation = watch.generation + 1;
        }
    }

    async fn record(&self, watch: &Watch) -> Result<(), StoreUnavailable> {
        let written = serde_json::to_vec(watch).unwrap_or_default();
        self.backend.set(&self.watch(), &written, FOR_GOOD).await
    }

    async fn draw(&self, generation: u64, by: u64) -> Result<Ticket, StoreUnavailable> {
        Ok(Ticket(generation, self.backend.count(&self.counter(generation), by).await?))
    }

    /// Claims the generation after `slot`, for a holder that works for at most `life`. `silence` is how long a holder may
    /// take to write its slot; a claimant that loses waits that long.
    pub(crate) async fn claim(
        &self,
        clock: &R,
        slot: &Slot,
        life: Duration,
        silence: Duration,
    ) -> Result<Claim, StoreUnavailable> {
        if let Some(until) = slot.held_until(clock.now()) {
            return Ok(Claim::Busy { until, slot: Some(slot.clone()) });
        }
        let first = slot.generation + 1;
        let drawn = self.draw(first, CLAIM).await?;
        let held = |generation, ticket| Held {
            generation,
            ticket,
            since: clock.now(),
            life,
            sweep: slot.sweep,
            is_hurried: false,
        };
        if drawn.claims() == 1 {
            return self.confirmed(clock, held(first, drawn)).await;
        }
        if let Some(found) = self.found(clock, first).await? {
            return Ok(found);
        }
        if self.counters == Counters::Kept {
            // Holders usually write within milliseconds.
            clock.sleep(PAUSE).await;
            if let Some(found) = self.found(clock, first).await? {
                return Ok(found);
            }
        }
        let watch = self.watched().await?;
        let counts =
            |watch: &Watch| watch.generation > first || watch.generation == first && watch.claim < drawn.claims();
        let mut lost = drawn;
        if let Some(watch) = watch.filter(counts) {
            if from_unix_ms(watch.until_ms) > clock.now() {
                return Ok(Claim::Busy { until: from_unix_ms(watch.until_ms), slot: None });
            }
            // The holder crashed.
            let next = watch.generation + 1;
            lost = self.draw(next, CLAIM).await?;
            if lost.claims() == 1 {
                // Requests draw their tickets from the counter that follows the slot.
                let ticket = self.draw(first, 1).await?;
                return self.confirmed(clock, held(next, ticket)).await;
            }
        }
        let until = clock.now() + silence;
        self.record(&Watch { generation: lost.0, claim: lost.claims(), until_ms: unix_ms(until) }).await?;
        Ok(Claim::Busy { until, slot: None })
    }

    /// Claims the generation after `slot` unless it is claimed; never waits. For leases that keep their counters.
    pub(crate) async fn claim_if_free(
        &self,
        clock: &R,
        slot: &Slot,
        life: Duration,
    ) -> Result<Option<Held>, StoreUnavailable> {
        let ticket = self.draw(slot.generation + 1, CLAIM).await?;
        let (generation, since, sweep) = (slot.generation + 1, clock.now(), slot.sweep);
        Ok((ticket.claims() == 1).then_some(Held { generation, ticket, since, life, sweep, is_hurried: false }))
    }

    /// The slot of a holder of `generation` or a later one.
    async fn found(&self, clock: &R, generation: u64) -> Result<Option<Claim>, StoreUnavailable> {
        let slot = self.read().await?;
        if slot.generation < generation {
            return Ok(None);
        }
        Ok(Some(match slot.held_until(clock.now()) {
            Some(until) => Claim::Busy { until, slot: Some(slot) },
            None => Claim::Done(slot),
        }))
    }

    async fn confirmed(&self, clock: &R, held: Held) -> Result<Claim, StoreUnavailable> {
        if self.counters == Counters::Kept {
            return Ok(Claim::Won(held));
        }
        match self.found(clock, held.generation).await? {
            None => Ok(Claim::Won(held)),
            // The generation is over, and its counter began anew.
            Some(found) => {
                self.backend.delete_counter(&self.counter(held.generation)).await;
                Ok(found)
            }
        }
    }

    /// Claims once no other caller is at work, waiting at most `max_wait`; `None` if one still is.
    pub(crate) async fn acquire(
        &self,
        clock: &R,
        life: Duration,
        max_wait: Duration,
        pause: Duration,
    ) -> Result<Option<(Held, Slot)>, StoreUnavailable> {
        let came = clock.elapsed();
        let mut slot = self.read().await?;
        loop {
            let until = match self.claim(clock, &slot, life, life).await? {
                Claim::Won(held) => return Ok(Some((held, slot))),
                Claim::Done(newer) => {
                    slot = newer;
                    continue;
                }
                Claim::Busy { until, .. } => until,
            };
            let lost = slot.generation;
            while slot.generation == lost && clock.now() < until {
                if clock.elapsed().saturating_sub(came) >= max_wait {
                    return Ok(None);
                }
                clock.sleep(pause).await;
                slot = self.read().await?;
            }
        }
    }

    /// Records until when the holder works, and `payload` for those who wait.
    pub(crate) async fn announce(
        &self,
        held: &Held,
        until: SystemTime,
        payload: &[u8],
    ) -> Result<(), StoreUnavailable> {
        let Held { generation, sweep, .. } = *held;
        let slot = Slot { generation, held_until_ms: unix_ms(until), payload: payload.to_vec(), sweep };
        self.backend.set(&self.name, &slot.write(), self.kept_for).await
    }

    /// Ends the work with `payload`; returns the new slot. `None` if it took longer than allowed, and others continued.
    pub(crate) async fn release(
        &self,
        clock: &R,
        held: Held,
        payload: Vec<u8>,
    ) -> Result<Option<Slot>, StoreUnavailable> {
        let now = clock.now();
        if held.is_over(now) {
            return Ok(None);
        }
        let mut sweep = held.sweep;
        let mut deleted = Vec::new();
        if self.counters == Counters::Kept {
            deleted = sweep.advance(held.generation, unix_ms(now), held.is_hurried);
        }
        let slot = Slot { generation: held.generation, held_until_ms: 0, payload, sweep };
        self.backend.set(&self.name, &slot.write(), self.kept_for).await?;
        match self.counters {
            Counters::Kept => {
                for generation in deleted {
                    self.backend.delete_counter(&self.counter(generation)).await;
                }
            }
            Counters::Removed => self.remove_counters(held.generation).await,
        }
        Ok(Some(slot))
    }

    /// Releases the right, for a lease whose counters are removed: it begins anew. If it took longer than allowed, others continued, and
    /// the slot is theirs.
    pub(crate) async fn give_back(&self, clock: &R, held: Held) {
        if held.is_over(clock.now()) {
            return;
        }
        // The counter first: without a slot it would look like a crashed claimant.
        self.remove_counters(held.generation).await;
        self.backend.delete(&self.name).await;
    }

    /// Deletes everything of an idle lease whose counters are removed.
    pub(crate) async fn erase(&self, slot: &Slot) -> Result<(), StoreUnavailable> {
        let watch = self.watched().await?;
        let lost = watch.as_ref().map_or(1, |watch| watch.generation);
        self.remove_counters(slot.generation.max(lost)).await;
        self.backend.delete(&self.name).await;
        if watch.is_some() {
            self.backend.delete(&self.watch()).await;
        }
        Ok(())
    }

    /// Deletes the slot and the watch; the counters are gone already.
    pub(crate) async fn forget(&self) {
        self.backend.delete(&self.name).await;
        self.backend.delete(&self.watch()).await;
    }

    async fn remove_counters(&self, generation: u64) {
        self.backend.delete_counter(&self.counter(generation)).await;
        // Of holders that crashed before.
        if generation > 1 {
            self.backend.delete_counter(&self.counter(generation - 1)).await;
            self.backend.delete(&self.watch()).await;
        }
    }
}

#[cfg(test)]
mod tests;

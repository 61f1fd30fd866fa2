//! How the counts of all instances become sums. Instances hand in batches; after every [`EVERY`]th batch, one instance adds the batches
//! to the sums.
//!
//! An instance that serves one request hands in its counts after each response. If it did that under the lease it would wait for
//! all others; at 16 requests at a time such instances piled up until Spin refused new ones. So handing in needs no lease and waits for
//! nobody: it draws a number, and writes the batch at that number's place in a ring. Places are used again, so nothing is deleted.
//!
//! | name | holds |
//! |---|---|
//! | [`NUMBERS`] (counter) | the number of the latest batch |
//! | `metrics:b:{number mod RING}` | the batch and its number |
//! | [`LEASE`] (a lease) | the [`Sums`] |
//!
//! A batch is lost if [`RING`] more are handed in before an addition, or if it is written long after its number was drawn.

use std::time::Duration;

use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};

use super::totals::Totals;
use super::{Family, LIFE, WATCHED};
use crate::runtime::Runtime;
use crate::shared_state::{Backend, Claim, Counters, FOR_GOOD, Lease, SharedStore, StoreUnavailable};

/// The counter of batches.
const NUMBERS: &str = "metrics:b";

/// The lease's name.
const LEASE: &str = "metrics";

/// The number of places for batches that are not added yet: those of two seconds, the life of a lease whose holder crashed, at 500 a second.
const RING: u64 = 1024;

/// Every such batch is followed by an addition.
const EVERY: u64 = 16;

/// How many batches one addition reads at a time, and until when it begins to read more: on a busy host each call takes long, and
/// an addition that takes longer than the lease's life adds nothing.
const AT_A_TIME: usize = 16;
const BEGIN_WITHIN: Duration = Duration::from_millis(500);

/// Most batches whose number was drawn and that were not found yet: as many instances may be between the two calls.
const MAX_MISSING: usize = 256;

/// The first byte of what is written: its format.
const FORM: u8 = 2;

/// What an instance hands in.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Batch {
    /// 0 until it is handed in.
    number: u64,
    pub(super) counts: Totals,
    /// The instance's id, its open watches, and the time of that, in milliseconds since 1970.
    watches: (u64, u64, u64),
}

impl Batch {
    pub(super) fn new(counts: Totals, watches: (u64, u64, u64)) -> Self {
        Self { number: 0, counts, watches }
    }

    /// Adds this to the sums.
    pub(super) fn add_to(self, sums: &mut Totals) {
        let (id, open, at_ms) = self.watches;
        sums.merge(self.counts);
        sums.watch(id, open, at_ms, WATCHED);
    }

    /// Writes this at the place of its number.
    pub(super) async fn hand_in<R: Runtime>(
        self,
        number: u64,
        store: &SharedStore<'_, R>,
    ) -> Result<(), StoreUnavailable> {
        store.put(&place(number), &write(&Self { number, ..self }), FOR_GOOD).await
    }
}

/// Draws a number for a batch.
pub(super) async fn number<R: Runtime>(store: &SharedStore<'_, R>) -> Result<u64, StoreUnavailable> {
    store.increment(NUMBERS, 1).await.ok_or(StoreUnavailable)
}

/// The batch with this number; `None` if it is not written yet, or overwritten.
async fn look_up<R: Runtime>(number: u64, store: &SharedStore<'_, R>) -> Result<Option<Batch>, StoreUnavailable> {
    let kept = store.look_up(&place(number)).await?;
    Ok(kept.and_then(|kept| read::<Batch>(&kept.value)).filter(|batch| batch.number == number))
}

/// Adds all batches to the sums if `number` is a multiple of [`EVERY`] and no other instance is adding. Batches that were not added are
/// part of the next addition.
pub(super) async fn add_in_turn<R: Runtime>(number: u64, store: &SharedStore<'_, R>) -> Result<(), StoreUnavailable> {
    if !number.is_multiple_of(EVERY) {
        return Ok(());
    }
    let (lease, clock) = (lease(store), store.runtime());
    let slot = lease.read().await?;
    if let Claim::Won(held) = lease.claim(clock, &slot, LIFE, LIFE).await? {
        let mut sums = Sums::read(&slot.payload);
        sums.collect(store).await?;
        lease.release(clock, held, sums.write()).await?;
    }
    Ok(())
}

/// The sums of all instances, and which batches they contain.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Sums {
    pub(super) totals: Totals,
    /// The batches up to this number were read.
    read: u64,
    /// Those among them that were not there yet, oldest first.
    missing: Vec<u64>,
}

impl Sums {
    /// Parses written sums. Unreadable ones, of another version, count as absent: the counters begin anew.
    pub(super) fn read(bytes: &[u8]) -> Self {
        read(bytes).unwrap_or_default()
    }

    pub(super) fn write(&self) -> Vec<u8> {
        write(self)
    }

    /// Adds the batches that were handed in since.
    pub(super) async fn collect<R: Runtime>(&mut self, store: &SharedStore<'_, R>) -> Result<(), StoreUnavailable> {
        let latest = store.increment(NUMBERS, 0).await.ok_or(StoreUnavailable)?;
        if latest < self.read {
            // The store lost the counter.
            (self.read, self.missing) = (0, Vec::new());
        }
        // The places of these belong to later ones.
        let overwritten = latest.saturating_sub(RING);
        let lost = overwritten.saturating_sub(self.read);
        // New sums begin without what came before them.
        if self.read > 0 {
            self.totals.count_by(Family::LostBatches, lost);
        }
        self.read += lost;
        let (gone, missing): (Vec<u64>, Vec<u64>) =
            std::mem::take(&mut self.missing).into_iter().partition(|number| *number <= overwritten);
        self.totals.count_by(Family::LostBatches, count(gone.len()));
        let numbers: Vec<u64> = missing.into_iter().chain(self.read + 1..=latest).collect();
        let clock = store.runtime();
        let (began, mut rest) = (clock.elapsed(), numbers.as_slice());
        while !rest.is_empty() && clock.elapsed().saturating_sub(began) <= BEGIN_WITHIN {
            let (numbers, later) = rest.split_at(rest.len().min(AT_A_TIME));
            let batches = try_join_all(numbers.iter().map(|number| look_up(*number, store))).await?;
            for (number, batch) in numbers.iter().zip(batches) {
                self.read = self.read.max(*number);
                match batch {
                    Some(batch) => batch.add_to(&mut self.totals),
                    None => self.missing.push(*number),
                }
            }
            rest = later;
        }
        self.missing.extend(rest.iter().filter(|number| **number <= self.read));
        let given_up = self.missing.drain(..self.missing.len().saturating_sub(MAX_MISSING)).count();
        self.totals.count_by(Family::LostBatches, count(given_up));
        Ok(())
    }
}

/// The lease for additions.
pub(super) fn lease<'s, R: Runtime>(store: &'s SharedStore<'s, R>) -> Lease<'s, R> {
    Lease::new(Backend::Shared(store), LEASE.to_owned(), Counters::Kept)
}

fn count(of: usize) -> u64 {
    u64::try_from(of).unwrap_or(u64::MAX)
}

fn place(number: u64) -> String {
    format!("metrics:b:{}", number % RING)
}

fn write(value: &impl Serialize) -> Vec<u8> {
    // Numbers, texts and lists only: this cannot fail.
    let mut bytes = vec![FORM];
    bytes.extend(postcard::to_allocvec(value).unwrap_or_default());
    bytes
}

fn read<'b, T: Deserialize<'b>>(bytes: &'b [u8]) -> Option<T> {
    match bytes.split_first() {
        Some((&FORM, rest)) => postcard::from_bytes(rest).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests;

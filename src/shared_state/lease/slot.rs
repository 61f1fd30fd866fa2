//! The last holder's slot, and the progress of deleting former generations' counters.

use std::time::{Duration, SystemTime};

use crate::runtime::{from_unix_ms, millis};

/// How long a kept counter outlives its generation. No request takes longer from its read to its claim.
pub(super) const OUTLIVES: Duration = Duration::from_mins(2);

/// Counters deleted at once.
const SWEPT_AT_ONCE: u64 = 16;

/// The backlog of undeleted counters at which a hurried holder deletes some too.
const BACKLOG: u64 = 64;

/// The format of a stored slot.
pub(super) const FORM: u8 = 1;

/// The last holder's slot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Slot {
    /// The generation that wrote it; 0 if none did.
    pub(crate) generation: u64,
    /// The end of its holder's work; 0 once it is done.
    pub(super) held_until_ms: u64,
    /// Its payload.
    pub(crate) payload: Vec<u8>,
    pub(super) sweep: Sweep,
}

/// A slot's generation and payload, by which it can be recognised.
pub(crate) type Contents = (u64, Vec<u8>);

/// The progress of deleting former generations' counters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sweep {
    /// Counters up to this generation are deleted.
    pub(super) done: u64,
    /// Counters up to this generation may be deleted.
    pub(super) ready: u64,
    /// Counters up to this generation may be deleted after their extra lifetime.
    pub(super) next: u64,
    /// When `next` was the latest generation.
    pub(super) next_ms: u64,
}

impl Slot {
    /// The end of the hold, if it is still held.
    pub(crate) fn held_until(&self, now: SystemTime) -> Option<SystemTime> {
        Some(from_unix_ms(self.held_until_ms)).filter(|until| *until > now)
    }

    /// Whether it has these contents.
    pub(crate) fn has(&self, (generation, payload): &Contents) -> bool {
        (&self.generation, &self.payload) == (generation, payload)
    }

    pub(crate) fn into_contents(self) -> Contents {
        (self.generation, self.payload)
    }

    pub(in crate::shared_state) fn write(&self) -> Vec<u8> {
        let Sweep { done, ready, next, next_ms } = self.sweep;
        let mut bytes = vec![FORM];
        for number in [self.generation, self.held_until_ms, done, ready, next, next_ms] {
            bytes.extend(number.to_be_bytes());
        }
        bytes.extend(&self.payload);
        bytes
    }

    /// Parses a slot; `None` if another version wrote it.
    pub(in crate::shared_state) fn read(bytes: &[u8]) -> Option<Self> {
        let (&FORM, mut rest) = bytes.split_first()? else { return None };
        let mut number = || {
            let (number, after) = rest.split_first_chunk::<8>()?;
            rest = after;
            Some(u64::from_be_bytes(*number))
        };
        let (generation, held_until_ms) = (number()?, number()?);
        let sweep = Sweep { done: number()?, ready: number()?, next: number()?, next_ms: number()? };
        Some(Self { generation, held_until_ms, sweep, payload: rest.to_vec() })
    }
}

impl Sweep {
    /// Advances to `generation`; returns the generations whose counters are to be deleted now.
    pub(super) fn advance(&mut self, generation: u64, now_ms: u64, is_hurried: bool) -> Vec<u64> {
        if now_ms.saturating_sub(self.next_ms) >= millis(OUTLIVES) {
            (self.ready, self.next, self.next_ms) = (self.next, generation, now_ms);
        }
        if is_hurried && generation.saturating_sub(self.done) < BACKLOG {
            return Vec::new();
        }
        let upto = self.ready.min(self.done.saturating_add(SWEPT_AT_ONCE));
        let deleted = (self.done + 1..=upto).collect();
        self.done = self.done.max(upto);
        deleted
    }
}

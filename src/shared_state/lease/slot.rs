//! What the last holder of a lease left, and how far counters of former generations are deleted.

use std::time::{Duration, SystemTime};

use crate::runtime::from_unix_ms;

/// How long a counter that is kept outlives its generation. No request takes longer from its reading to its claim.
pub(super) const OUTLIVES: Duration = Duration::from_mins(2);

/// How many counters are deleted at once.
const SWEPT_AT_ONCE: u64 = 16;

/// How many counters of former generations are left until a holder that is in a hurry deletes some as well.
const BACKLOG: u64 = 64;

/// The form of a slot in the store.
pub(super) const FORM: u8 = 1;

/// What the last holder left.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Slot {
    /// The generation that wrote it; 0 where nobody ever did.
    pub(crate) generation: u64,
    /// Until when its holder is at work; 0 once it is done.
    pub(super) held_until_ms: u64,
    /// What it left.
    pub(crate) payload: Vec<u8>,
    pub(super) sweep: Sweep,
}

/// How far counters of former generations are deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sweep {
    /// Counters up to this generation are deleted.
    pub(super) done: u64,
    /// Counters up to this generation may be deleted.
    pub(super) ready: u64,
    /// Counters up to this generation may be deleted when they have outlived it.
    pub(super) next: u64,
    /// When `next` was the latest generation.
    pub(super) next_ms: u64,
}

impl Slot {
    /// Until when the slot is held, if it still is.
    pub(crate) fn held_until(&self, now: SystemTime) -> Option<SystemTime> {
        Some(from_unix_ms(self.held_until_ms)).filter(|until| *until > now)
    }

    pub(super) fn write(&self) -> Vec<u8> {
        let Sweep { done, ready, next, next_ms } = self.sweep;
        let mut bytes = vec![FORM];
        for number in [self.generation, self.held_until_ms, done, ready, next, next_ms] {
            bytes.extend(number.to_be_bytes());
        }
        bytes.extend(&self.payload);
        bytes
    }

    /// The slot again; `None` for what another version wrote.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
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
    /// Moves on to `generation`; gives the generations whose counters are to be deleted now.
    pub(super) fn advance(&mut self, generation: u64, now_ms: u64, is_hurried: bool) -> Vec<u64> {
        if now_ms.saturating_sub(self.next_ms) >= u64::try_from(OUTLIVES.as_millis()).unwrap_or(u64::MAX) {
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

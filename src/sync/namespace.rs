//! A book on a shelf: values and counters under one name, and turns at what must not be done by two at once.
//!
//! The only atomic a shelf has is an increment, so a turn is drawn: turns are numbered, and whoever is the first to draw the
//! next number has it. It is leased, for whoever has it may die:
//!
//! | key | written by | holds |
//! |---|---|---|
//! | `turns:{generation}` (counter) | who wants that turn | whoever draws 1 has it |
//! | `turn` | who has it, or who meets a drawn turn without one | its generation, and until when it is waited for |

use std::time::{Duration, SystemTime};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::backend::Shelf;
use crate::runtime::Runtime;
use crate::shared_state::{FOR_GOOD, StoreUnavailable};

/// Values and counters under one name.
pub(super) struct Book<'s, R> {
    shelf: Shelf<'s, R>,
    name: String,
}

/// A turn that was taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) generation: u64,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Lease {
    #[serde(rename = "g")]
    pub(super) generation: u64,
    #[serde(rename = "u")]
    pub(super) until_ms: u64,
}

impl<'s, R: Runtime> Book<'s, R> {
    pub(super) fn new(shelf: Shelf<'s, R>, name: String) -> Self {
        Self { shelf, name }
    }

    /// Which shelf it is on: [`SyncRequest::SHARED`](super::SyncRequest::SHARED), or an instance's.
    pub(super) fn id(&self) -> u64 {
        self.shelf.id()
    }

    /// Which shelf it is on.
    pub(super) fn shelf(&self) -> Shelf<'s, R> {
        self.shelf
    }

    fn key(&self, what: &str) -> String {
        format!("{}:{what}", self.name)
    }

    /// What is written under `what`.
    pub(super) async fn read<T: DeserializeOwned>(&self, what: &str) -> Result<Option<T>, StoreUnavailable> {
        // What cannot be read is as good as absent: it was written by another version.
        Ok(self.shelf.get(&self.key(what)).await?.and_then(|bytes| crate::json::parse(&bytes)))
    }

    /// Writes `value` under `what`, for good.
    pub(super) async fn write(&self, what: &str, value: &impl Serialize) -> Result<(), StoreUnavailable> {
        self.write_for(FOR_GOOD, what, value).await
    }

    /// Writes `value` under `what`, for a while.
    pub(super) async fn write_for(
        &self,
        life: Duration,
        what: &str,
        value: &impl Serialize,
    ) -> Result<(), StoreUnavailable> {
        let bytes = serde_json::to_vec(value).unwrap_or_default();
        self.shelf.set(&self.key(what), &bytes, life).await
    }

    /// Takes out what is written under `what`.
    pub(super) async fn erase(&self, what: &str) {
        self.shelf.delete(&self.key(what)).await;
    }

    /// Adds one to the counter `what`, atomically, and gives its new value.
    pub(super) async fn count(&self, what: &str) -> Result<u64, StoreUnavailable> {
        self.shelf.count(&self.key(what)).await
    }

    /// Takes the next turn where nobody has one; turns up to `ended` are known to be over. `None`: somebody else has it.
    pub(super) async fn take_turn(
        &self,
        ended: u64,
        now: SystemTime,
        lease: Duration,
    ) -> Result<Option<Turn>, StoreUnavailable> {
        let known = self.lease().await?;
        let generation = match known {
            Some(known) if known.generation > ended && known.until_ms > ms(now) => return Ok(None),
            Some(known) => known.generation.max(ended) + 1,
            None => ended + 1,
        };
        let is_first = self.count(&format!("turns:{generation}")).await? == 1;
        let present = self.lease().await?.map_or(0, |lease| lease.generation);
        if present > generation || present == generation && !is_first {
            // Theirs; or, between the reading and the drawing, had, ended and its counter forgotten.
            return Ok(None);
        }
        // Who was not the first, and sees no lease, writes one as well: the first may have died before it could.
        self.write("turn", &Lease { generation, until_ms: ms(now + lease) }).await?;
        if let Some(old) = generation.checked_sub(2).filter(|old| *old > 0) {
            self.shelf.forget(&self.key(&format!("turns:{old}"))).await;
        }
        Ok(is_first.then_some(Turn { generation }))
    }

    /// Ends a turn, unless it was passed over.
    pub(super) async fn end_turn(&self, turn: &Turn) -> Result<(), StoreUnavailable> {
        match self.lease().await? {
            Some(present) if present.generation == turn.generation => {
                self.write("turn", &Lease { until_ms: 0, ..present }).await
            }
            _ => Ok(()),
        }
    }

    /// The latest turn.
    pub(super) async fn lease(&self) -> Result<Option<Lease>, StoreUnavailable> {
        self.read("turn").await
    }
}

pub(super) fn ms(time: SystemTime) -> u64 {
    u64::try_from(time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}

pub(super) fn time(ms: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(ms)).unwrap_or(SystemTime::UNIX_EPOCH)
}

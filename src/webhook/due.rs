//! Syncs whose state has to be read again: those with a callback, and those that wait for their run to begin. Usually a watcher reads
//! it; without watchers a timer does, for all of them.
//!
//! The store lists their ids, for each target in a ring of [`PLACES`] places: a counter gives each sync a serial, which is its
//! place. A cursor says up to which serial nothing is open, and where the last pass stopped: the next one goes on there, so that many
//! open syncs do not keep it from later ones. Without a store nothing is listed.
//!
//! Counter, places and cursor belong to the sealing key: after its replacement the list begins anew.
//!
//! A place may be empty because its sync is done, or because its request has not written it yet. So the cursor passes an empty
//! place only if its serial was drawn before an earlier pass, longer ago than a request takes.

use std::cell::RefCell;
use std::iter::{Chain, Peekable};
use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::kept_request::StartedSync;
use crate::directory::{SyncStatus, SyncTarget};
use crate::runtime::{Runtime, from_unix_ms, unix_ms};
use crate::shared_state::{FOR_GOOD, SharedStore};

/// The most listed syncs of one target; a further one replaces the oldest.
const PLACES: u64 = 1024;

/// How long a sync is listed: as long as its message may be sent.
const LIFE: Duration = super::callback::LIFE;

/// After this long every request that drew a serial has written its place, whatever the difference between two instances' clocks.
const SETTLED: Duration = Duration::from_mins(1);

/// The progress of the passes over one target's list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Cursor {
    /// Up to this serial nothing is open.
    done: u64,
    /// The next pass begins with this serial, if it is listed.
    resume: u64,
    /// The last serial at an earlier pass.
    seen: u64,
    /// When that was, in milliseconds since 1970.
    at: u64,
}

/// The most queues that an instance remembers.
const QUEUES: usize = 64;

/// The queues in which this instance has listed a sync, the latest last. A further one in the same queue needs no listing: the same
/// kick-off serves both.
#[derive(Debug, Default)]
pub(super) struct Queues(RefCell<Vec<Queue>>);

/// The target, the directory, and [`queue`](crate::sync::SyncRequest::queue) of the request.
type Queue = (String, String, (u64, (u64, u64), bool));

impl Queues {
    /// Lists a sync that was just started with this status, if it has a callback, or waits for its run to begin and no listed sync waits
    /// in the same queue.
    pub(super) async fn list<R: Runtime>(&self, store: &SharedStore<'_, R>, sync: &StartedSync, status: SyncStatus) {
        let request = &sync.request;
        let queue = (request.target.short(), request.directory.clone(), request.queue());
        let is_new = status == SyncStatus::Queued && !self.0.borrow().contains(&queue);
        if !is_new && request.callback.is_none() {
            return;
        }
        let is_listed = list(store, sync).await;
        if is_new && is_listed {
            let mut queues = self.0.borrow_mut();
            if queues.len() == QUEUES {
                queues.remove(0);
            }
            queues.push(queue);
        }
    }
}

/// Lists `sync`, so that a later pass finds it; returns whether it is listed.
async fn list<R: Runtime>(store: &SharedStore<'_, R>, sync: &StartedSync) -> bool {
    let target = &sync.request.target;
    match store.increment(&counter(target), 1).await {
        Some(serial) => store.set(&place(target, serial), sync.id.as_bytes(), LIFE).await,
        None => false,
    }
}

/// One pass over a target's list.
pub(super) struct Pass<'s, R> {
    store: &'s SharedStore<'s, R>,
    target: &'s SyncTarget,
    cursor: Cursor,
    last: u64,
    /// Whether it began with the first serial that may be open.
    is_from_the_first: bool,
    serials: Peekable<Chain<RangeInclusive<u64>, Range<u64>>>,
    /// The lowest serial that stays open.
    open: Option<u64>,
}

/// A listed sync.
pub(super) struct Entry {
    serial: u64,
    pub(super) id: String,
}

impl<'s, R: Runtime> Pass<'s, R> {
    /// Begins a pass; `None` without a responding store.
    pub(super) async fn begin(store: &'s SharedStore<'s, R>, target: &'s SyncTarget) -> Option<Self> {
        let last = store.increment(&counter(target), 0).await?;
        let kept = store.get(&cursor(target)).await;
        let cursor = kept.and_then(|kept| postcard::from_bytes::<Cursor>(&kept.value).ok());
        // A store may lose the counter and keep the cursor.
        let cursor = cursor.filter(|cursor| cursor.done <= last).unwrap_or_default();
        let first = cursor.done.max(last.saturating_sub(PLACES)) + 1;
        let begin = if (first..=last).contains(&cursor.resume) { cursor.resume } else { first };
        let serials = (begin..=last).chain(first..begin).peekable();
        Some(Self { store, target, cursor, last, is_from_the_first: begin == first, serials, open: None })
    }

    /// The next listed sync, the oldest first; `None` at the end, or if the store fails.
    pub(super) async fn next(&mut self) -> Option<Entry> {
        while let Some(&serial) = self.serials.peek() {
            let found = self.store.look_up(&place(self.target, serial)).await.ok()?;
            self.serials.next();
            match found.and_then(|kept| String::from_utf8(kept.value).ok()) {
                Some(id) => return Some(Entry { serial, id }),
                None if self.is_settled(serial) => {}
                None => self.stays(serial),
            }
        }
        None
    }

    /// Removes `entry`: nothing is left to do for it.
    pub(super) async fn done(&self, entry: &Entry) {
        self.store.delete(&place(self.target, entry.serial)).await;
    }

    /// Keeps `entry` for the next pass.
    pub(super) fn keep(&mut self, entry: &Entry) {
        self.stays(entry.serial);
    }

    /// Ends the pass; returns whether it did not come to the end of the list.
    pub(super) async fn end(mut self) -> bool {
        let next = self.serials.next();
        let before_open = self.open.map_or(u64::MAX, |open| open - 1);
        let done = match next {
            None => before_open.min(self.last),
            Some(next) if self.is_from_the_first => before_open.min(next - 1),
            // This pass did not read the serials before the one that it began with.
            Some(_) => self.cursor.done,
        };
        let now = unix_ms(self.store.runtime().now());
        // The earlier pass counts until it is old enough.
        let (seen, at) = match self.age() {
            Some(age) if age < SETTLED && self.cursor.at > 0 => (self.cursor.seen, self.cursor.at),
            _ => (self.last, now),
        };
        if let Ok(bytes) = postcard::to_allocvec(&Cursor { done, resume: next.unwrap_or(0), seen, at }) {
            self.store.set(&cursor(self.target), &bytes, FOR_GOOD).await;
        }
        next.is_some()
    }

    fn stays(&mut self, serial: u64) {
        self.open = Some(self.open.map_or(serial, |open| open.min(serial)));
    }

    fn is_settled(&self, serial: u64) -> bool {
        serial <= self.cursor.seen && self.age().is_some_and(|age| age >= SETTLED)
    }

    /// How long ago the earlier pass was; `None` if a clock was set back.
    fn age(&self) -> Option<Duration> {
        self.store.runtime().now().duration_since(from_unix_ms(self.cursor.at)).ok()
    }
}

fn counter(target: &SyncTarget) -> String {
    format!("due:{}", target.short())
}

fn place(target: &SyncTarget, serial: u64) -> String {
    format!("due:{}:{}", target.short(), serial % PLACES)
}

fn cursor(target: &SyncTarget) -> String {
    format!("due:{}:cursor", target.short())
}

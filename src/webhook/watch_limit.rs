//! Limits the waits and event streams that a caller may have open at once.
//!
//! An instance counts its own exactly: a [`Permit`] is returned when dropped, at the end or when the client disconnects.
//! Hosts run many instances, some one per request, so with a store all instances count together. The store's only atomic
//! operation is an addition. So time is cut into windows of [`WINDOW`], each with a counter that holds two numbers: how many
//! watchers entered it (the lower 32 bits) and how many left it (the upper ones). A watcher enters each new window and
//! leaves the one before, so the open watches are those in the current and the previous window. A watcher of a crashed
//! instance never leaves, and counts for at most two windows. Older counters are deleted, so a caller has about three keys
//! in the store. Without a store, or while it fails, each instance counts alone.

use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use futures_util::future::{Either, select};
use litemap::LiteMap;

use super::Configured;
use crate::error::{Error, ErrorCode};
use crate::runtime::Runtime;
use crate::shared_state::{FOR_GOOD, SharedStore};

/// Longer than the longest wait of a watcher between two renewals (`sync/watch.rs`).
const WINDOW: Duration = Duration::from_secs(15);

/// One watcher that left, in a window's counter.
const LEFT: u64 = 1 << 32;

/// When a caller at its limit may try again.
const COME_BACK: Duration = Duration::from_secs(5);

/// The open watches of this instance.
#[derive(Debug, Default)]
pub(super) struct Watches(Rc<RefCell<LiteMap<String, Own>>>);

#[derive(Debug, Default)]
struct Own {
    open: usize,
    /// The windows of watchers that ended without informing the store.
    gone: Vec<u64>,
}

/// The right to one wait or stream.
#[derive(Debug)]
pub(super) struct Permit {
    watches: Rc<RefCell<LiteMap<String, Own>>>,
    caller: String,
    /// Its window in the store.
    window: Cell<Option<u64>>,
}

impl Watches {
    /// How many this instance has open.
    pub(super) fn open(&self) -> u64 {
        let open: usize = self.0.borrow().values().map(|own| own.open).sum();
        u64::try_from(open).unwrap_or(u64::MAX)
    }

    /// Takes a permit for `caller`, which may have `limit` open; 0: unlimited.
    ///
    /// # Errors
    /// `rate_limited` if the limit is reached.
    pub(super) async fn enter<R: Runtime>(
        &self,
        caller: &str,
        limit: usize,
        store: &SharedStore<'_, R>,
    ) -> Result<Permit, Error> {
        let open = with(&self.0, caller, |own| {
            own.open += 1;
            own.open
        });
        let permit = Permit { watches: Rc::clone(&self.0), caller: caller.to_owned(), window: Cell::default() };
        if limit == 0 {
            return Ok(permit);
        }
        if open > limit {
            return Err(refusal(caller, limit));
        }
        permit.flush(store).await;
        if permit.step(store).await.is_some_and(|open| open > limit as u64) {
            permit.leave(store).await;
            return Err(refusal(caller, limit));
        }
        Ok(permit)
    }
}

impl Permit {
    fn name(&self, window: u64) -> String {
        format!("watch:{}:{window}", super::idempotency::owner_of_caller(&self.caller))
    }

    /// Renews this watcher's entry in the store.
    pub(super) async fn renew<R: Runtime>(&self, store: &SharedStore<'_, R>) {
        if self.window.get().is_some_and(|window| window != present(store)) {
            let before = self.window.get();
            self.step(store).await;
            self.leave_window(before, store).await;
            self.flush(store).await;
        }
    }

    /// Returns the permit at the end of a wait or a stream. Dropping it does the same for this instance; the others learn of
    /// it with this instance's next watcher, or after two windows.
    pub(super) async fn close<R: Runtime>(&self, store: &SharedStore<'_, R>) {
        self.leave(store).await;
    }

    /// Enters the current window; returns how many watches are open, if the store responds.
    async fn step<R: Runtime>(&self, store: &SharedStore<'_, R>) -> Option<u64> {
        let window = present(store);
        let now = store.increment(&self.name(window), 1).await?;
        self.window.set(Some(window));
        if entered(now) == 1 {
            self.clean(window, store).await;
        }
        let last = store.increment(&self.name(window.saturating_sub(1)), 0).await?;
        Some(inside(now) + inside(last))
    }

    async fn leave<R: Runtime>(&self, store: &SharedStore<'_, R>) {
        let window = self.window.take();
        self.leave_window(window, store).await;
    }

    async fn leave_window<R: Runtime>(&self, window: Option<u64>, store: &SharedStore<'_, R>) {
        // Older ones do not count any more, and their counters are gone.
        if let Some(window) = window.filter(|window| window + 1 >= present(store)) {
            store.increment(&self.name(window), LEFT).await;
        }
    }

    /// Reports ended watches to the store.
    async fn flush<R: Runtime>(&self, store: &SharedStore<'_, R>) {
        let gone = with(&self.watches, &self.caller, |own| std::mem::take(&mut own.gone));
        for window in gone {
            self.leave_window(Some(window), store).await;
        }
    }

    /// Takes out the counters of windows that have passed; done by the first in each window.
    async fn clean<R: Runtime>(&self, window: u64, store: &SharedStore<'_, R>) {
        let latest = format!("watch:{}", super::idempotency::owner_of_caller(&self.caller));
        let before = store.get(&latest).await.and_then(|kept| str::from_utf8(&kept.value).ok()?.parse::<u64>().ok());
        for old in before.into_iter().flat_map(|before| [before.saturating_sub(1), before]) {
            if old + 1 < window {
                store.delete_counter(&self.name(old)).await;
            }
        }
        store.set(&latest, window.to_string().as_bytes(), FOR_GOOD).await;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let window = self.window.take();
        with(&self.watches, &self.caller, |own| {
            own.open = own.open.saturating_sub(1);
            own.gone.extend(window);
            // Those of passed windows are of no interest, and the others are not more than may be open.
            if let Some(latest) = own.gone.iter().max().copied() {
                own.gone.retain(|window| window + 1 >= latest);
            }
        });
    }
}

/// Changes this instance's own record of `caller`.
fn with<O>(watches: &RefCell<LiteMap<String, Own>>, caller: &str, change: impl FnOnce(&mut Own) -> O) -> O {
    change(watches.borrow_mut().entry(caller.to_owned()).or_default())
}

fn present<R: Runtime>(store: &SharedStore<'_, R>) -> u64 {
    let since = store.runtime().now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    since.as_secs() / WINDOW.as_secs()
}

fn entered(counter: u64) -> u64 {
    counter % LEFT
}

fn inside(counter: u64) -> u64 {
    entered(counter).saturating_sub(counter / LEFT)
}

fn refusal(caller: &str, limit: usize) -> Error {
    Error::new(ErrorCode::RateLimited, format!("caller {caller} has {limit} waits and event streams open, its limit"))
        .hint("close unused streams, and share one stream per sync; watch_limit sets the limit")
        .retry_after(Some(COME_BACK))
}

/// Does `work`, and meanwhile renews the permit and reports the metrics.
pub(super) async fn held<R: Runtime, T>(
    permit: Option<&Permit>,
    (configured, store): (&Configured, &SharedStore<'_, R>),
    mut work: impl Future<Output = T> + Unpin,
) -> T {
    let Some(permit) = permit else { return work.await };
    loop {
        match select(&mut work, pin!(store.runtime().sleep(WINDOW / 2))).await {
            Either::Left((done, _)) => return done,
            Either::Right(((), _)) => {
                permit.renew(store).await;
                configured.flush_metrics(store).await;
            }
        }
    }
}

//! `GET /metrics`: counters for Prometheus. The log line counts itself (`log/count.rs`); counted elsewhere are the calls of event
//! streams, as they are made, and the ends of syncs.
//!
//! An instance counts in memory and hands its counts in to the store, at most every [`EVERY`] and at the end of an event stream
//! (`batches.rs`). A scrape adds them to the sums in the store, with this instance's counts, and returns the sums. It never mixes in counts
//! that are not stored yet: the next scrape may reach another instance, and a counter that decreases is a restart to Prometheus,
//! which would count everything before it once more.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http::header::{CONTENT_TYPE, HeaderValue};
use sha2::{Digest as _, Sha256};

use super::{Configured, Context, health};
use crate::config::{Callback, Config};
use crate::directory::SyncTarget;
use crate::error::{Error, ErrorCode};
use crate::runtime::{Runtime, unix_ms};
use crate::shared_state::{SharedStore, StoreUnavailable};
use crate::sync::{SyncFailure, SyncRequest};
use crate::upstream::Outbound;

mod batches;
mod family;
mod text;
mod totals;

use batches::{Batch, Sums};
pub(super) use family::{Family, NONE};
pub(super) use totals::Totals;

/// The shortest time between two batches of an instance.
const EVERY: Duration = Duration::from_secs(10);

/// How long an instance's number of open watches is valid without a new one: three batches.
const WATCHED: Duration = Duration::from_secs(30);

/// After so many failures an instance no longer waits to hand in its counts.
const TRIES: u32 = 3;

/// How long one addition to the sums may take.
const LIFE: Duration = Duration::from_secs(2);

/// How long a scrape waits for other instances' additions: longer than for one that crashed. And how often it looks.
const MAX_WAIT: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(20);

/// The outcome of a sync that succeeded, and of a message that its receiver accepted.
pub(super) const SUCCEEDED: &str = "succeeded";

/// The outcome of a message that its receiver did not accept. A sync that failed has its reason.
pub(super) const FAILED: &str = "failed";

/// An instance's counts.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    /// Not in the store yet.
    pending: RefCell<Totals>,
    /// Whether `pending` has a request of a proven caller.
    is_of_caller: Cell<bool>,
    /// When the next batch is due, by the monotonic clock.
    due: Cell<Duration>,
    /// Whether a task waits for that.
    waits: Cell<bool>,
    /// This instance's id among those with open watches; drawn on first use.
    id: Cell<u64>,
    /// Whether the store has a number of open watches of this instance.
    has_watches: Cell<bool>,
    /// Whether the store failed at the latest batch.
    failed: Cell<bool>,
}

impl Metrics {
    /// Counts.
    pub(super) fn count(&self, count: impl FnOnce(&mut Totals)) {
        count(&mut self.pending.borrow_mut());
    }

    /// Counts a request of a proven caller as such.
    pub(super) fn of_caller(&self) {
        self.is_of_caller.set(true);
    }

    /// Counts the end of the sync `id`: once, however often its state is read.
    pub(super) fn ended(&self, id: &str, target: &SyncTarget, reason: Option<SyncFailure>) {
        let digest = Sha256::digest(id).first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
        let outcome = reason.map_or(SUCCEEDED, |reason| reason.code().as_str());
        let target = label(target.product.kind(), &target.name);
        self.count(|totals| totals.ended(digest, &[&target, outcome]));
    }

    /// Counts what an event stream does after its log line was written.
    pub(super) fn streamed<R: Runtime>(&self, outbound: &Outbound<'_, R>, request: &SyncRequest) {
        let target = label(request.target.product.kind(), &request.target.name);
        self.count(|totals| {
            if outbound.store().trouble().is_some() {
                totals.count(Family::StoreFailures, &[]);
            }
            totals.calls(&outbound.calls(), &target);
        });
    }

    /// Takes this instance's counts, with its number of open watches.
    fn take<R: Runtime>(&self, runtime: &R, open: u64) -> Taken<'_> {
        self.due.set(runtime.elapsed().saturating_add(EVERY));
        if self.id.get() == 0 {
            self.id.set(runtime.random() | 1);
        }
        let batch = Batch::new(self.pending.take(), (self.id.get(), open, unix_ms(runtime.now())));
        Taken { from: self, batch: Some(batch), is_of_caller: self.is_of_caller.replace(false) }
    }

    /// Hands in this instance's counts and its number of open watches. Counts that the store did not take stay.
    async fn hand_in<R: Runtime>(&self, store: &SharedStore<'_, R>, open: u64) -> Result<(), StoreUnavailable> {
        let mut taken = self.take(store.runtime(), open);
        let number = batches::number(store).await?;
        taken.give(async |batch| batch.hand_in(number, store).await).await?;
        self.has_watches.set(open > 0);
        // Its failure does not concern the batch.
        let _ = batches::add_in_turn(number, store).await;
        Ok(())
    }

    /// Adds all that was handed in to the sums, and what this instance has; returns the sums.
    async fn sums<R: Runtime>(&self, store: &SharedStore<'_, R>, open: u64) -> Result<Totals, StoreUnavailable> {
        let runtime = store.runtime();
        let mut taken = self.take(runtime, open);
        let lease = batches::lease(store);
        if let Some((held, slot)) = lease.acquire(runtime, LIFE, MAX_WAIT, PAUSE).await? {
            let mut sums = Sums::read(&slot.payload);
            sums.collect(store).await?;
            sums.totals.identify(|| runtime.random());
            let added = async |batch: Batch| {
                batch.add_to(&mut sums.totals);
                lease.release(runtime, held, sums.write()).await?.ok_or(StoreUnavailable)?;
                Ok(sums.totals)
            };
            if let Ok(totals) = taken.give(added).await {
                self.has_watches.set(open > 0);
                return Ok(totals);
            }
        }
        // Others are at it, or this took too long: the sums without this instance's latest counts.
        Ok(Sums::read(&lease.read().await?.payload).totals)
    }
}

/// An instance's counts on their way to the store. What the store does not take goes back, also if the request is cancelled: a
/// client may close its connection at any time.
struct Taken<'m> {
    from: &'m Metrics,
    batch: Option<Batch>,
    is_of_caller: bool,
}

impl Taken<'_> {
    /// Gives the counts to the store by `work`. From here on a client that goes away leaves them to the store.
    async fn give<T>(
        &mut self,
        work: impl AsyncFnOnce(Batch) -> Result<T, StoreUnavailable>,
    ) -> Result<T, StoreUnavailable> {
        let batch = self.batch.take().unwrap_or_default();
        let done = work(batch.clone()).await;
        if done.is_err() {
            self.batch = Some(batch);
        }
        done
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        if let Some(batch) = self.batch.take() {
            self.from.pending.borrow_mut().take_back(batch.counts);
            self.from.is_of_caller.set(self.from.is_of_caller.get() || self.is_of_caller);
        }
    }
}

impl Configured {
    /// Hands in this instance's counts if that is due and there are any. Counts that the store did not take stay.
    pub(super) async fn flush_metrics<R: Runtime>(&self, store: &SharedStore<'_, R>) {
        if store.runtime().elapsed() >= self.metrics.due.get() {
            self.flush_metrics_now(store).await;
        }
    }

    /// The same, whether it is due or not: at the end of an event stream, because the instance may end with it.
    pub(super) async fn flush_metrics_now<R: Runtime>(&self, store: &SharedStore<'_, R>) {
        let (metrics, open) = (&self.metrics, self.watches.open());
        if open > 0 || self.has_metrics() {
            if store.is_there() {
                metrics.failed.set(metrics.hand_in(store, open).await.is_err());
            } else {
                metrics.due.set(store.runtime().elapsed().saturating_add(EVERY));
                metrics.failed.set(true);
            }
        }
    }

    /// Whether the store lacks a count, or has watches that ended.
    fn has_metrics(&self) -> bool {
        let metrics = &self.metrics;
        !metrics.pending.borrow().is_empty() || metrics.has_watches.get() && self.watches.open() == 0
    }

    /// The same after a response, in an instance that may end with it. Requests without a proven caller alone are no reason.
    pub(super) async fn flush_metrics_of_callers<R: Runtime>(&self, runtime: &R) {
        if self.metrics.is_of_caller.get() {
            self.flush_metrics(&self.store_for(runtime, LIFE + MAX_WAIT)).await;
        }
    }

    /// The same after a response, in an instance that lives on: whenever it is due, until nothing is left or the store failed too
    /// often. Here, too, requests without a proven caller alone are no reason.
    pub(super) async fn flush_metrics_when_due<R: Runtime>(&self, runtime: &R) {
        let has_reason = self.metrics.is_of_caller.get() || self.metrics.has_watches.get();
        if !has_reason || self.store_for(runtime, Duration::ZERO).has_none() || self.metrics.waits.replace(true) {
            return;
        }
        let mut tries = 0;
        while self.has_metrics() && tries < TRIES {
            let wait = self.metrics.due.get().saturating_sub(runtime.elapsed());
            if wait > Duration::ZERO {
                runtime.sleep(wait).await;
            }
            self.flush_metrics(&self.store_for(runtime, LIFE + MAX_WAIT)).await;
            tries = if self.metrics.failed.get() { tries + 1 } else { 0 };
        }
        self.metrics.waits.set(false);
    }

    fn store_for<'r, R: Runtime>(&'r self, runtime: &'r R, time: Duration) -> SharedStore<'r, R> {
        SharedStore::new(runtime, self.store.as_ref(), runtime.elapsed() + time)
    }
}

/// `GET /metrics`.
pub(super) async fn answer<R: Runtime>(context: &Context<'_, R>) -> Result<Response<Bytes>, Error> {
    let (configured, store) = (context.configured, context.outbound.store());
    let (metrics, open, runtime) = (&configured.metrics, configured.watches.open(), store.runtime());
    let shared = match store.has_none() {
        true => None,
        false => match metrics.sums(store, open).await {
            Ok(sums) => Some(sums),
            // The host turned out to grant no store.
            Err(StoreUnavailable) if store.has_none() => None,
            Err(unavailable) => return Err(unavailable.error("the counters")),
        },
    };
    let is_shared = shared.is_some();
    let mut totals = shared.unwrap_or_else(|| {
        let mut own = metrics.pending.borrow_mut();
        own.settle();
        own.watch(1, open, unix_ms(runtime.now()), WATCHED);
        own.clone()
    });
    let watchers = totals.watchers(unix_ms(runtime.now()));
    let warnings = u64::try_from(health::warnings(configured, runtime).len()).unwrap_or(u64::MAX);
    totals.set(Family::BuildInfo, &[env!("CARGO_PKG_VERSION")], 1);
    totals.set(Family::ConfigurationWarnings, &[], warnings);
    totals.set(Family::CountersShared, &[], u64::from(is_shared));
    totals.set(Family::Watchers, &[], watchers);
    preset(&mut totals, &configured.config);
    let mut response = Response::new(Bytes::from(text::write(&totals)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(text::MEDIA_TYPE));
    Ok(response)
}

/// Begins the counters at 0 whose first increase matters: Prometheus does not see the increase of a series that begins at 1.
fn preset(totals: &mut Totals, config: &Config) {
    totals.preset(Family::StoreFailures, &[]);
    totals.preset(Family::LostBatches, &[]);
    for code in ErrorCode::ALL.iter().filter(|code| code.is_sent_over_http()) {
        totals.preset(Family::Errors, &[code.as_str()]);
    }
    for Callback { name, .. } in &config.callbacks {
        totals.preset(Family::Callbacks, &[name, SUCCEEDED]);
        totals.preset(Family::Callbacks, &[name, FAILED]);
    }
    let vidm = config.vidm.keys().map(|name| label("vidm", name));
    let of_syncs: Vec<_> = vidm.chain(config.fleet.keys().map(|name| label("fleet", name))).collect();
    for target in &of_syncs {
        totals.preset(Family::SyncsStarted, &[target]);
        totals.preset(Family::JoinedCallers, &[target]);
        for outcome in [SUCCEEDED].into_iter().chain(SyncFailure::ALL.map(|reason| reason.code().as_str())) {
            totals.preset(Family::Syncs, &[target, outcome]);
        }
    }
    for target in config.vcf.keys().map(|name| label("vcf", name)).chain(of_syncs) {
        totals.preset(Family::RejectedLogins, &[&target]);
    }
}

/// A target as `api_keys` names it.
pub(super) fn label(kind: &str, name: &str) -> String {
    format!("{kind}/{name}")
}

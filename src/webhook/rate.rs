//! How much one caller may ask for: so many requests in each minute of the clock. It stops a caller that runs wild; it is no
//! exact account.
//!
//! An instance counts what it sees. With a store all instances count together, in steps, for a call to the store may cost as
//! much as one upstream: with a caller's fourth request in a minute, and then with every twentieth (sooner where the limit is
//! small), an instance adds them to the caller's counter and learns how far the others are. So who comes now and then costs
//! nothing, a new instance lets through three too many, any other nineteen; and around a change of minute there may be twice
//! the limit. The counter only grows; beside it stands how far it was when the minute began, written by whoever came first in
//! it, so nothing is left to be cleaned up. Without a store, or while it ails, each instance is alone.

use std::cell::RefCell;
use std::time::{Duration, SystemTime};

use crate::error::{Error, ErrorCode};
use crate::named::Named;
use crate::runtime::Runtime;
use crate::store::SharedStore;

const MINUTE: u64 = 60;

/// How many requests of a caller are told at once. Spin renews an instance after 128 requests, unless it is told otherwise; what
/// is not told by then is forgotten.
const STEP: u64 = 20;

/// The first step of an instance in a minute.
const FIRST: u64 = 4;

/// What each caller has used, as far as this instance knows.
#[derive(Debug, Default)]
pub(super) struct Rates(RefCell<Named<Used>>);

#[derive(Debug, Clone, Copy, Default)]
struct Used {
    minute: u64,
    /// In all.
    requests: u64,
    /// Of them, those that are not in the shared counter yet.
    unshared: u64,
    /// How far the shared counter was when the minute began, once that is known.
    base: Option<u64>,
}

impl Rates {
    /// Counts one request of `caller`.
    ///
    /// # Errors
    /// `rate_limited` beyond `limit`. From then on the store is not asked before the next minute.
    pub(super) async fn count<R: Runtime>(
        &self,
        caller: &str,
        limit: u64,
        store: &SharedStore<'_, R>,
    ) -> Result<(), Error> {
        let now = store.runtime().now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let (minute, step) = (now / MINUTE, (limit / STEP).clamp(1, STEP));
        let told = self.0.borrow_mut().with(caller, |used| {
            if used.minute < minute {
                *used = Used { minute, ..Used::default() };
            }
            used.requests += 1;
            used.unshared += 1;
            if used.requests > limit {
                return Err(refusal(caller, limit, now));
            }
            let is_due = used.unshared >= if used.base.is_none() { step.min(FIRST) } else { step };
            Ok(is_due.then(|| (used.base, std::mem::take(&mut used.unshared))))
        });
        let Some((base, share)) = told? else { return Ok(()) };
        let name = format!("rate:{caller}");
        let Some(count) = store.increment(&name, share).await else { return Ok(()) };
        let base = match base {
            Some(base) => base,
            None => begin(store, &name, minute, count.saturating_sub(share)).await,
        };
        let requests = count.saturating_sub(base);
        self.0.borrow_mut().with(caller, |used| {
            if used.minute == minute {
                used.base = Some(base);
                used.requests = used.requests.max(requests);
            }
        });
        if requests > limit { Err(refusal(caller, limit, now)) } else { Ok(()) }
    }
}

/// How far the counter was when this minute began, by what stands in the store; who finds nothing of this minute there begins
/// it at `count`.
async fn begin<R: Runtime>(store: &SharedStore<'_, R>, name: &str, minute: u64, count: u64) -> u64 {
    if let Some(kept) = store.get(name).await
        && let Some((theirs, base)) = kept.value.split_first_chunk::<8>()
        && let Ok(base) = base.try_into().map(u64::from_be_bytes)
        // Another's clock may be ahead: its minute is ours.
        && u64::from_be_bytes(*theirs) >= minute
    {
        return base;
    }
    store.set(name, &[minute.to_be_bytes(), count.to_be_bytes()].concat(), Duration::from_secs(2 * MINUTE)).await;
    count
}

fn refusal(caller: &str, limit: u64, now: u64) -> Error {
    Error::new(ErrorCode::RateLimited, format!("the caller {caller} has had its {limit} requests of this minute"))
        .hint("ask for a sync's state as seldom as its retryAfter says, or wait with Prefer: wait=60; rate_limit sets the limit")
        .retry_after(Some(Duration::from_secs(MINUTE - now % MINUTE)))
}

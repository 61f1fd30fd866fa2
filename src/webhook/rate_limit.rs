//! The rate limit per caller: a token bucket that holds one minute's requests and refills evenly. It stops a runaway caller;
//! it is not an exact count.
//!
//! Each instance has a bucket per caller. With a store all instances share one, and report to it in steps, because a store
//! call may cost as much as an upstream call: with a caller's fourth request, then with every twentieth (sooner for small
//! limits). So an occasional caller costs nothing; a new instance may let three requests too many through, any other
//! nineteen. The store keeps a counter of drawn requests, its one atomic operation, and next to it the bucket's level at
//! some count, which each reporting instance recomputes. The order of those writes does not matter: each is true for its own
//! moment. Without a store, or while it fails, each instance counts alone.

use std::cell::RefCell;
use std::time::Duration;

use litemap::LiteMap;
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorCode};
use crate::runtime::{Runtime, unix_ms};
use crate::shared_state::SharedStore;

/// The cost of a request. A bucket of `limit` requests has a capacity of `limit` times this, and gains `limit` each
/// millisecond.
const REQUEST: i64 = 60_000;

/// After this long every bucket is full.
const MINUTE: Duration = Duration::from_secs(60);

/// How many requests of a caller are reported at once. Spin replaces an instance after 128 requests by default; unreported
/// requests are then forgotten.
const STEP: u64 = 20;

/// The first step of an instance.
const FIRST: u64 = 4;

/// Each caller's remaining requests, as far as this instance knows.
#[derive(Debug, Default)]
pub(super) struct Rates(RefCell<LiteMap<String, Own>>);

#[derive(Debug, Default)]
struct Own {
    bucket: Bucket,
    /// Requests that are not in the shared counter yet.
    unshared: u64,
    /// Whether any request was reported.
    has_shared: bool,
}

/// The most that clocks of instances may differ, in milliseconds: as long as a bucket takes to fill.
const AHEAD_MS: u64 = 60_000;

/// A bucket's level at some time; an old level counts as full.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Bucket {
    /// Milliseconds since 1970.
    #[serde(rename = "a")]
    at_ms: u64,
    #[serde(rename = "l")]
    level: i64,
    /// The shared counter at that time.
    #[serde(rename = "n")]
    drawn: u64,
}

impl Bucket {
    /// The bucket at `now_ms`. A clock that is behind adds nothing, unless it is far behind: then the clock that wrote the bucket was wrong, and
    /// nobody waits until that time comes.
    fn refilled(self, limit: i64, now_ms: u64) -> Self {
        if self.at_ms > now_ms.saturating_add(AHEAD_MS) {
            return Self { at_ms: now_ms, level: limit.saturating_mul(REQUEST), ..self };
        }
        let passed = i64::try_from(now_ms.saturating_sub(self.at_ms)).unwrap_or(i64::MAX);
        let level = self.level.saturating_add(passed.saturating_mul(limit)).min(limit.saturating_mul(REQUEST));
        Self { at_ms: self.at_ms.max(now_ms), level, ..self }
    }

    /// The bucket when the counter is at `drawn`. Requests beyond its level were rejected: they are not owed, and the part of a
    /// request that had refilled remains, or a caller that asks too often would never be served again.
    fn drawn_to(self, drawn: u64) -> (Self, bool) {
        let requests = i64::try_from(drawn.saturating_sub(self.drawn)).unwrap_or(i64::MAX);
        let level = self.level.saturating_sub(requests.saturating_mul(REQUEST));
        let left = if level < 0 { self.level % REQUEST } else { level };
        (Self { level: left, drawn: self.drawn.max(drawn), ..self }, level >= 0)
    }
}

impl Rates {
    /// Draws one request of `caller`, whose bucket holds `limit`.
    ///
    /// # Errors
    /// `rate_limited` if it is empty, with the time until the next request is allowed.
    pub(super) async fn count<R: Runtime>(
        &self,
        caller: &str,
        limit: u64,
        store: &SharedStore<'_, R>,
    ) -> Result<(), Error> {
        let now_ms = unix_ms(store.runtime().now());
        let (step, rate) = ((limit / STEP).clamp(1, STEP), i64::try_from(limit).unwrap_or(i64::MAX));
        let share = self.with(caller, |own| {
            own.bucket = own.bucket.refilled(rate, now_ms);
            if own.bucket.level < REQUEST {
                return Err(refusal(caller, rate, own.bucket.level));
            }
            own.bucket.level -= REQUEST;
            own.unshared += 1;
            let is_due = own.unshared >= if own.has_shared { step } else { step.min(FIRST) };
            Ok(is_due.then(|| std::mem::take(&mut own.unshared)))
        });
        let Some(share) = share? else { return Ok(()) };
        let name = format!("rate:{caller}");
        let Some(drawn) = store.increment(&name, share).await else { return Ok(()) };
        let kept = store.get(&name).await.and_then(|kept| crate::json::parse::<Bucket>(&kept.value));
        let before = kept.unwrap_or(Bucket { drawn: drawn.saturating_sub(share), ..Bucket::default() });
        let (bucket, had_enough) = before.refilled(rate, now_ms).drawn_to(drawn);
        store.set(&name, &serde_json::to_vec(&bucket).unwrap_or_default(), 2 * MINUTE).await;
        self.with(caller, |own| {
            own.has_shared = true;
            own.bucket.level = own.bucket.level.min(bucket.level);
        });
        if had_enough { Ok(()) } else { Err(refusal(caller, rate, bucket.level)) }
    }

    /// Changes this instance's record of `caller`.
    fn with<O>(&self, caller: &str, change: impl FnOnce(&mut Own) -> O) -> O {
        change(self.0.borrow_mut().entry(caller.to_owned()).or_default())
    }
}

fn refusal(caller: &str, rate: i64, level: i64) -> Error {
    let wait = u64::try_from((REQUEST - level) / rate.max(1)).unwrap_or_default().div_ceil(1000).max(1);
    Error::new(ErrorCode::RateLimited, format!("caller {caller} has used its {rate} requests per minute"))
        .hint("poll a sync's state no sooner than its retryAfter, or wait with Prefer: wait=60; rate_limit sets the limit")
        .retry_after(Some(Duration::from_secs(wait)))
}

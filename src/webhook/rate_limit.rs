//! How much one caller may ask for: a bucket of as many requests as it may make in a minute, refilled evenly. It stops a caller
//! that runs wild; it is no exact account.
//!
//! An instance has a bucket for each caller. With a store all instances draw from one, and tell it in steps, for a call to the
//! store may cost as much as one upstream: with a caller's fourth request, and then with every twentieth (sooner where the limit
//! is small). So who comes now and then costs nothing; a new instance lets through three too many, any other nineteen. What is
//! drawn is a counter, the one atomic there is; beside it stands how full the bucket was after so many draws, which whoever
//! draws works out anew. Whose write comes last does not matter: each says the same of another moment. Without a store, or while
//! it ails, each instance is alone.

use std::cell::RefCell;
use std::time::{Duration, SystemTime};

use litemap::LiteMap;
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorCode};
use crate::runtime::Runtime;
use crate::shared_state::SharedStore;

/// What a request takes. A bucket of `limit` requests has a capacity of `limit` times this, and gets `limit` back each
/// millisecond.
const REQUEST: i64 = 60_000;

/// After this long every bucket is full.
const MINUTE: Duration = Duration::from_secs(60);

/// How many requests of a caller are told at once. Spin renews an instance after 128 requests, unless it is told otherwise; what
/// is not told by then is forgotten.
const STEP: u64 = 20;

/// The first step of an instance.
const FIRST: u64 = 4;

/// What is left to each caller, as far as this instance knows.
#[derive(Debug, Default)]
pub(super) struct Rates(RefCell<LiteMap<String, Own>>);

#[derive(Debug, Default)]
struct Own {
    bucket: Bucket,
    /// Requests that are not in the shared counter yet.
    unshared: u64,
    /// Whether any ever were.
    has_shared: bool,
}

/// How full a bucket was; one of long ago is full.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Bucket {
    /// Milliseconds since 1970.
    #[serde(rename = "a")]
    at_ms: u64,
    #[serde(rename = "l")]
    level: i64,
    /// How far the shared counter was.
    #[serde(rename = "n")]
    drawn: u64,
}

impl Bucket {
    /// The bucket as it is by now. A clock that is behind gives nothing away.
    fn refilled(self, limit: i64, now_ms: u64) -> Self {
        let passed = i64::try_from(now_ms.saturating_sub(self.at_ms)).unwrap_or(i64::MAX);
        let level = self.level.saturating_add(passed.saturating_mul(limit)).min(limit.saturating_mul(REQUEST));
        Self { at_ms: self.at_ms.max(now_ms), level, ..self }
    }

    /// The bucket when the counter stands at `drawn`. What it lacked was refused, and is not owed.
    fn drawn_to(self, drawn: u64) -> (Self, bool) {
        let requests = i64::try_from(drawn.saturating_sub(self.drawn)).unwrap_or(i64::MAX);
        let level = self.level.saturating_sub(requests.saturating_mul(REQUEST));
        (Self { level: level.max(0), drawn: self.drawn.max(drawn), ..self }, level >= 0)
    }
}

impl Rates {
    /// Draws one request of `caller`, whose bucket holds `limit`.
    ///
    /// # Errors
    /// `rate_limited` when it is empty, with when there will be one again.
    pub(super) async fn count<R: Runtime>(
        &self,
        caller: &str,
        limit: u64,
        store: &SharedStore<'_, R>,
    ) -> Result<(), Error> {
        let now = store.runtime().now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let now_ms = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
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

    /// Changes this instance's own record of `caller`.
    fn with<O>(&self, caller: &str, change: impl FnOnce(&mut Own) -> O) -> O {
        change(self.0.borrow_mut().entry(caller.to_owned()).or_default())
    }
}

fn refusal(caller: &str, rate: i64, level: i64) -> Error {
    let wait = u64::try_from((REQUEST - level) / rate.max(1)).unwrap_or_default().div_ceil(1000).max(1);
    Error::new(ErrorCode::RateLimited, format!("the caller {caller} has used up its {rate} requests a minute"))
        .hint("ask for a sync's state as seldom as its retryAfter says, or wait with Prefer: wait=60; rate_limit sets the limit")
        .retry_after(Some(Duration::from_secs(wait)))
}

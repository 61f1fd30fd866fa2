//! A repeated request gets the stored response and is not processed again: `Idempotency-Key`
//! (draft-ietf-httpapi-idempotency-key-header-07) and the headers that webhooks use instead.
//!
//! | in | what |
//! |---|---|
//! | `idempotency/key.rs` | a request's key, and when two inputs are equal |
//! | `idempotency/record.rs` | the stored record of a key |
//! | `idempotency/shared.rs` | claims and responses in the shared store, each under a lease |
//! | `idempotency/local.rs` | the same in the instance's memory, without a store or while it fails |

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::Response;

use super::{Configured, Reply};
use crate::error::{Error, ErrorCode};
use crate::runtime::Runtime;
use crate::shared_state::{SharedStore, StoreUnavailable};

#[cfg(any(test, feature = "fuzzing"))]
pub(super) mod fuzzing;
mod key;
mod local;
mod record;
mod shared;

pub(super) use key::{Key, owner_of_caller};
pub(super) use local::LocalAnswers;

use record::{Answer, Record};
use shared::Place;

/// How long a response is replayed.
const LIFE: Duration = Duration::from_hours(24);

/// Responses with a larger body are not stored.
const MAX_BODY: usize = 64 << 10;

/// Time that a claimant may take beyond its request's time before it counts as crashed.
const MARGIN: Duration = Duration::from_secs(10);

/// Time to store a response, after the request's own time.
pub(super) const CLOSING: Duration = Duration::from_secs(2);

/// The longest `Retry-After` for a request whose key is in use.
const COME_BACK: Duration = Duration::from_secs(5);

/// The key's status, as in the response header `Idempotency-Status` and the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(rename_all = "kebab-case"))]
pub(super) enum Status {
    /// The response is in the shared store.
    Stored,
    /// The response is in this instance's memory, and lost with it.
    BestEffort,
    /// The response is not stored: the same request will be processed again.
    NotStored,
    /// This is a stored response.
    Replayed,
}

impl Status {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::BestEffort => "best-effort",
            Self::NotStored => "not-stored",
            Self::Replayed => "replayed",
        }
    }
}

/// Marks a response that is not stored: it contains a secret, or nothing was done and the request can be repeated.
#[derive(Debug, Clone, Copy)]
pub(super) struct NotKept;

/// The result of an attempt to claim a key.
enum KeyClaim<T> {
    /// This request may be processed.
    Won(T),
    /// Another request with the key is being processed, or has finished.
    Taken(Record),
    /// Another request holds the key, but its record is not readable yet.
    Waits(SystemTime),
    /// The caller has reached its limit of concurrent claims; the oldest ends then.
    Full(SystemTime),
}

/// Where the claim was made, and where the response is stored.
enum HeldKey<'s, R> {
    Shared(Place<'s, R>, crate::shared_state::Held),
    Local(&'s LocalAnswers),
}

/// Processes `work` once for `key`: returns its result or the stored one, and the key's status. `time` is what the work may
/// take; `problem` turns a failure into a response.
pub(super) async fn once<R: Runtime>(
    key: &Key,
    configured: &Configured,
    store: &SharedStore<'_, R>,
    time: Duration,
    problem: impl Fn(&Error) -> Response<Bytes>,
    work: impl Future<Output = Result<Reply, Error>>,
) -> (Result<Reply, Error>, Option<Status>) {
    let lease = time + MARGIN;
    let runtime = store.runtime();
    let held = match claim(key, configured, store, lease).await {
        KeyClaim::Won(held) => held,
        KeyClaim::Waits(until) => return (Err(in_flight(until, runtime.now())), None),
        KeyClaim::Full(until) => return (Err(full(until, runtime.now())), None),
        KeyClaim::Taken(record) if record.input.as_deref().is_some_and(|input| input != key.input) => {
            return (Err(reused()), None);
        }
        KeyClaim::Taken(Record { answer: Some(answer), .. }) => {
            return (Ok(Reply::Whole(answer.response())), Some(Status::Replayed));
        }
        KeyClaim::Taken(record) => return (Err(in_flight(record.until, runtime.now())), None),
    };
    let outcome = work.await;
    let answer = match &outcome {
        Ok(Reply::Whole(response)) if response.extensions().get::<NotKept>().is_some() => None,
        Ok(Reply::Whole(response)) => Answer::of(response),
        Ok(Reply::Watch(..)) => None,
        // The upstream rejected it and would again. Other failures may be temporary.
        Err(error) if error.code() == ErrorCode::UpstreamRejected && !error.is_retryable() => {
            Answer::of(&problem(error))
        }
        Err(_) => None,
    };
    let status = settle(key, configured, held, answer, runtime.now()).await;
    (outcome, Some(status))
}

/// Does `work` unless it was done before or another caller is at it; returns whether it is known to be done. One caller at a time works; it
/// counts as crashed after `time` and a margin.
pub(super) async fn unless_done<R: Runtime>(
    key: &Key,
    configured: &Configured,
    store: &SharedStore<'_, R>,
    time: Duration,
    work: impl Future<Output = bool>,
) -> bool {
    match claim(key, configured, store, time + MARGIN).await {
        KeyClaim::Won(held) => {
            let is_done = work.await;
            let done = is_done.then(|| Answer::of(&Response::new(Bytes::new()))).flatten();
            settle(key, configured, held, done, store.runtime().now()).await;
            is_done
        }
        // The one who is at it may crash.
        KeyClaim::Taken(record) => record.answer.is_some(),
        KeyClaim::Waits(_) | KeyClaim::Full(_) => false,
    }
}

async fn claim<'s, R: Runtime>(
    key: &Key,
    configured: &'s Configured,
    store: &'s SharedStore<'s, R>,
    lease: Duration,
) -> KeyClaim<HeldKey<'s, R>> {
    let memory = &configured.answers;
    // What the store did not take when it failed, and may not show now that it works again.
    if let Some(record) = memory.find(key, store.runtime().now()) {
        return KeyClaim::Taken(record);
    }
    if let Some(place) = Place::new(store, key) {
        match place.claim(key, lease).await {
            Ok(KeyClaim::Won(held)) => return KeyClaim::Won(HeldKey::Shared(place, held)),
            Ok(KeyClaim::Taken(record)) => return KeyClaim::Taken(record),
            Ok(KeyClaim::Waits(until)) => return KeyClaim::Waits(until),
            Ok(KeyClaim::Full(until)) => return KeyClaim::Full(until),
            Err(StoreUnavailable) => {}
        }
    }
    match memory.claim(key, store.runtime().now(), lease) {
        Some(record) => KeyClaim::Taken(record),
        None => KeyClaim::Won(HeldKey::Local(memory)),
    }
}

/// Stores the response if there is one to store; otherwise frees the key.
async fn settle<R: Runtime>(
    key: &Key,
    configured: &Configured,
    held: HeldKey<'_, R>,
    answer: Option<Answer>,
    now: SystemTime,
) -> Status {
    let Some(answer) = answer else {
        match held {
            HeldKey::Shared(place, held) => place.release(held).await,
            HeldKey::Local(memory) => memory.release(key),
        }
        return Status::NotStored;
    };
    let record =
        Record { input: Some(key.input.clone()), answer: Some(answer), until: now + LIFE, ..Record::default() };
    if let HeldKey::Shared(place, held) = held
        && place.keep(held, record.clone()).await
    {
        return Status::Stored;
    }
    configured.answers.keep(key, record, now);
    Status::BestEffort
}

fn in_flight(until: SystemTime, now: SystemTime) -> Error {
    let left = until.duration_since(now).unwrap_or_default();
    Error::new(ErrorCode::IdempotencyKeyInFlight, "a request with this key is still being processed")
        .hint("send the same request again after Retry-After to get its response")
        .retry_after(Some(left.clamp(Duration::from_secs(1), COME_BACK)))
}

fn full(until: SystemTime, now: SystemTime) -> Error {
    let left = until.duration_since(now).unwrap_or_default();
    Error::new(
        ErrorCode::RateLimited,
        "too many requests of this caller with idempotency keys are still being processed",
    )
    .hint("send the same request again after Retry-After")
    .retry_after(Some(left.clamp(Duration::from_secs(1), COME_BACK)))
}

fn reused() -> Error {
    Error::new(ErrorCode::IdempotencyKeyReused, "this key was used with a different request")
        .hint("use a new key for a different request; method, path, query and body must be identical to the byte")
}

#[cfg(test)]
mod tests;

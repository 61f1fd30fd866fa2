//! The same request sent again is answered again, not carried out again: `Idempotency-Key`
//! (draft-ietf-httpapi-idempotency-key-header-07) and the names that webhooks have in its place.
//!
//! | in | what |
//! |---|---|
//! | `idempotency/key.rs` | which key a request has, and what makes its input the same |
//! | `idempotency/record.rs` | what is kept of one |
//! | `idempotency/shared.rs` | claims and answers in the store that instances share, under a lease each |
//! | `idempotency/local.rs` | the same in the instance's own memory, where there is none |

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::Response;

use super::{Configured, Reply};
use crate::error::{Error, ErrorCode};
use crate::runtime::Runtime;
use crate::shared_state::{SharedStore, StoreUnavailable};

mod key;
mod local;
mod record;
mod shared;

pub(super) use key::{Key, owner_of_caller};
pub(super) use local::LocalAnswers;

use record::{Answer, Record};
use shared::Place;

/// How long an answer is given again.
const LIFE: Duration = Duration::from_hours(24);

/// Answers with a larger body are not kept.
const MAX_BODY: usize = 64 << 10;

/// What a claimant may take beyond the time of its request, before it counts as gone.
const MARGIN: Duration = Duration::from_secs(10);

/// What keeping an answer may take, after the request's own time.
pub(super) const CLOSING: Duration = Duration::from_secs(2);

/// The longest time after which one that finds its key in use is told to come back.
const COME_BACK: Duration = Duration::from_secs(5);

/// What became of a request's key, as the answer's header `Idempotency-Status` and the log tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(rename_all = "kebab-case"))]
pub(super) enum Status {
    /// The answer is kept in the shared store.
    Stored,
    /// It is kept in this instance's memory, and gone with it.
    BestEffort,
    /// It is not kept: the same request will be carried out again.
    NotStored,
    /// This is an answer that was kept.
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

/// In a response's extensions: its answer is not kept. It holds a secret, which has no place in a store, or it says that nothing
/// was done, and can be worked out again.
#[derive(Debug, Clone, Copy)]
pub(super) struct NotKept;

/// How an attempt to claim a key ended.
enum Claim<T> {
    /// The request is ours to carry out.
    Won(T),
    /// Somebody was or is there.
    Taken(Record),
    /// Somebody is there and has not said with what.
    Waits(SystemTime),
    /// As many of the caller's requests are being carried out as may be; the oldest claim ends then.
    Full(SystemTime),
}

/// Where a claim was made, and with it where the answer goes.
enum Held<'s, R> {
    Shared(Place<'s, R>, crate::shared_state::Held),
    Local(&'s LocalAnswers),
}

/// Carries out `work` once for `key`: gives what it gave, or what it gave before; and what became of the key. `time` is what the
/// work may take; `problem` writes down a failure as it goes out.
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
        Claim::Won(held) => held,
        Claim::Waits(until) => return (Err(in_flight(until, runtime.now())), None),
        Claim::Full(until) => return (Err(full(until, runtime.now())), None),
        Claim::Taken(record) if record.input.as_deref().is_some_and(|input| input != key.input) => {
            return (Err(reused()), None);
        }
        Claim::Taken(Record { answer: Some(answer), .. }) => {
            return (Ok(Reply::Whole(answer.response())), Some(Status::Replayed));
        }
        Claim::Taken(record) => return (Err(in_flight(record.until, runtime.now())), None),
    };
    let outcome = work.await;
    let answer = match &outcome {
        Ok(Reply::Whole(response)) if response.extensions().get::<NotKept>().is_some() => None,
        Ok(Reply::Whole(response)) => Answer::of(response),
        Ok(Reply::Watch(..)) => None,
        // It was asked, and it refused: it would again. Everything else somebody or time may mend.
        Err(error) if error.code() == ErrorCode::UpstreamRejected && !error.is_retryable() => {
            Answer::of(&problem(error))
        }
        Err(_) => None,
    };
    let status = settle(key, configured, held, answer, runtime.now()).await;
    (outcome, Some(status))
}

/// Does `work` unless it was done, as far as is remembered; it says whether it is done now. One at a time does it, and is taken
/// for gone after `time` and a little.
pub(super) async fn unless_done<R: Runtime>(
    key: &Key,
    configured: &Configured,
    store: &SharedStore<'_, R>,
    time: Duration,
    work: impl Future<Output = bool>,
) {
    if let Claim::Won(held) = claim(key, configured, store, time + MARGIN).await {
        let done = work.await.then(|| Answer::of(&Response::new(Bytes::new()))).flatten();
        settle(key, configured, held, done, store.runtime().now()).await;
    }
}

async fn claim<'s, R: Runtime>(
    key: &Key,
    configured: &'s Configured,
    store: &'s SharedStore<'s, R>,
    lease: Duration,
) -> Claim<Held<'s, R>> {
    if let Some(place) = Place::new(store, key) {
        match place.claim(key, lease).await {
            Ok(Claim::Won(held)) => return Claim::Won(Held::Shared(place, held)),
            Ok(Claim::Taken(record)) => return Claim::Taken(record),
            Ok(Claim::Waits(until)) => return Claim::Waits(until),
            Ok(Claim::Full(until)) => return Claim::Full(until),
            Err(StoreUnavailable) => {}
        }
    }
    let memory = &configured.answers;
    match memory.claim(key, store.runtime().now(), lease) {
        Some(record) => Claim::Taken(record),
        None => Claim::Won(Held::Local(memory)),
    }
}

/// Keeps the answer, if there is one to keep; else the key is free again.
async fn settle<R: Runtime>(
    key: &Key,
    configured: &Configured,
    held: Held<'_, R>,
    answer: Option<Answer>,
    now: SystemTime,
) -> Status {
    let Some(answer) = answer else {
        match held {
            Held::Shared(place, held) => place.release(held).await,
            Held::Local(memory) => memory.release(key),
        }
        return Status::NotStored;
    };
    let record =
        Record { input: Some(key.input.clone()), answer: Some(answer), until: now + LIFE, ..Record::default() };
    if let Held::Shared(place, held) = held
        && place.keep(held, record.clone()).await
    {
        return Status::Stored;
    }
    configured.answers.keep(key, record, now);
    Status::BestEffort
}

fn in_flight(until: SystemTime, now: SystemTime) -> Error {
    let left = until.duration_since(now).unwrap_or_default();
    Error::new(ErrorCode::IdempotencyKeyInFlight, "a request with this key is being carried out")
        .hint("send the same request again after Retry-After: it will have its answer")
        .retry_after(Some(left.clamp(Duration::from_secs(1), COME_BACK)))
}

fn full(until: SystemTime, now: SystemTime) -> Error {
    let left = until.duration_since(now).unwrap_or_default();
    Error::new(ErrorCode::RateLimited, "too many requests of this caller with idempotency keys are being carried out")
        .hint("send the same request again after Retry-After")
        .retry_after(Some(left.clamp(Duration::from_secs(1), COME_BACK)))
}

fn reused() -> Error {
    Error::new(ErrorCode::IdempotencyKeyReused, "this key came with another request before")
        .hint("a key stands for one request, byte by byte: method, path, query and body; take a new one for another")
}

#[cfg(test)]
mod tests;

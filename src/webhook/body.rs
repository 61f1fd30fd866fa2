//! How a request's body is read: whole, within bounds that depend on whether its caller is known already.
//!
//! A caller that signs is proven by its body alone, so a stranger can make idhook wait for one. Such bodies are small, have to
//! come soon and steadily, and few are read at once.

use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, select};

use crate::config::Config;
use crate::error::{Error, ErrorCode};
use crate::runtime::Clock;

/// The longest that the body of a caller that is not proven yet may take.
const UNPROVEN_TIME: Duration = Duration::from_secs(5);

/// How it has to come: a link of 64 kbit/s will do.
const UNPROVEN_PACE: Pace = Pace { grace: Duration::from_secs(2), bytes_per_second: 8 << 10 };

/// As many of them are read at once by one instance. Spin gives an instance 16 requests at once unless it is told otherwise: half
/// of those stay for callers that are known.
pub(super) const MAX_UNPROVEN: usize = 8;

/// What may be read of a request's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyBounds {
    /// The most, in bytes.
    pub limit: usize,
    /// The longest it may take as a whole.
    pub time: Duration,
    /// How steadily it has to come, where that matters.
    pub pace: Option<Pace>,
}

/// The least that has to come in a given time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// How long nothing has to come, beginning with the first look.
    pub grace: Duration,
    /// What has to come in each second after that.
    pub bytes_per_second: u32,
}

/// A request's body as it could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// All of it, within [`BodyBounds::limit`].
    Whole(Bytes),
    /// There was more than the limit.
    TooLarge,
    /// It did not come within [`BodyBounds::time`], or slower than [`BodyBounds::pace`].
    TooSlow,
    /// The connection broke, or the framing was wrong.
    Broken,
}

/// The connection broke, or the framing was wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken;

impl BodyBounds {
    /// What a caller that is known may send, in what is `left` of the request's time.
    pub(super) fn proven(config: &Config, left: Duration) -> Self {
        Self { limit: config.request_body_limit, time: left, pace: None }
    }

    /// What a caller may send that is to be proven by it.
    pub(super) fn unproven(config: &Config, left: Duration) -> Self {
        Self {
            limit: config.request_body_limit.min(config.signed_body_limit),
            time: left.min(UNPROVEN_TIME),
            pace: Some(UNPROVEN_PACE),
        }
    }

    /// Reads a body within these bounds. `next` gives its next piece, as large as it comes, and `None` at its end; it is not
    /// asked again once a bound is reached.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use idhook::{runtime::Clock, webhook::{Body, BodyBounds}};
    /// # async fn example(clock: &impl Clock, mut pieces: std::vec::IntoIter<bytes::Bytes>) -> Body {
    /// let bounds = BodyBounds { limit: 1024, time: Duration::from_secs(5), pace: None };
    /// bounds.read(clock, async || pieces.next().map(Ok)).await
    /// # }
    /// ```
    pub async fn read(&self, clock: &impl Clock, mut next: impl AsyncFnMut() -> Option<Result<Bytes, Broken>>) -> Body {
        let began = clock.elapsed();
        let mut first = Bytes::new();
        let mut whole = Vec::new();
        loop {
            let length = if whole.is_empty() { first.len() } else { whole.len() };
            let left = self.due(length).saturating_sub(clock.elapsed().saturating_sub(began));
            if left.is_zero() {
                return Body::TooSlow;
            }
            match select(pin!(next()), pin!(clock.sleep(left))).await {
                Either::Left((Some(Ok(piece)), _)) if piece.len() > self.limit.saturating_sub(length) => {
                    return Body::TooLarge;
                }
                // Most bodies come in one piece.
                Either::Left((Some(Ok(piece)), _)) if length == 0 => first = piece,
                Either::Left((Some(Ok(piece)), _)) => {
                    if whole.is_empty() {
                        whole.extend_from_slice(&first);
                    }
                    whole.extend_from_slice(&piece);
                }
                Either::Left((Some(Err(Broken)), _)) => return Body::Broken,
                Either::Left((None, _)) => return Body::Whole(if whole.is_empty() { first } else { whole.into() }),
                Either::Right(((), _)) => return Body::TooSlow,
            }
        }
    }

    /// When the next piece has to be there, or the end, after `length` bytes.
    fn due(&self, length: usize) -> Duration {
        let steady = self.pace.map(|pace| {
            let millis = (length as u64).saturating_mul(1000) / u64::from(pace.bytes_per_second.max(1));
            pace.grace.saturating_add(Duration::from_millis(millis))
        });
        steady.map_or(self.time, |steady| steady.min(self.time))
    }
}

/// The bodies of callers that are not proven yet, as many as an instance reads at this moment.
#[derive(Debug, Default)]
pub(super) struct Unproven(Rc<Cell<usize>>);

/// A place among them, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Reading(Rc<Cell<usize>>);

impl Unproven {
    /// A place to read one more.
    ///
    /// # Errors
    /// `overloaded` when all are taken.
    pub(super) fn enter(&self) -> Result<Reading, Error> {
        if self.0.get() >= MAX_UNPROVEN {
            return Err(Error::new(
                ErrorCode::Overloaded,
                format!(
                    "this instance is reading {MAX_UNPROVEN} bodies of callers that sign, as many as it does at once"
                ),
            )
            .hint("send the same request again after Retry-After; a caller with an API key does not wait for this")
            .retry_after(Some(Duration::from_secs(1))));
        }
        self.0.set(self.0.get() + 1);
        Ok(Reading(Rc::clone(&self.0)))
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}

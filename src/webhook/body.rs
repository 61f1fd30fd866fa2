//! Reads a request's body, within bounds that depend on whether its caller is proven.
//!
//! Only the body proves the caller of a signed request, so a stranger can make idhook wait for one. Such bodies must be
//! small and arrive soon and steadily, and few are read at once.

use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, select};

use crate::config::Config;
use crate::error::{Error, ErrorCode, FieldError};
use crate::runtime::Clock;

/// The longest time for the body of an unproven caller.
const UNPROVEN_TIME: Duration = Duration::from_secs(5);

/// Its pace: a link of 64 kbit/s is fast enough.
const UNPROVEN_PACE: Pace = Pace { grace: Duration::from_secs(2), bytes_per_second: 8 << 10 };

/// At most this many are read at once per instance. Spin gives an instance 16 concurrent requests by default: half of them
/// stay free for proven callers.
pub(super) const MAX_UNPROVEN: usize = 8;

/// Bounds for reading a request's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyBounds {
    /// The most, in bytes.
    pub limit: usize,
    /// The longest time for the whole body.
    pub time: Duration,
    /// The slowest pace, if there is one.
    pub pace: Option<Pace>,
}

/// The slowest accepted pace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// The initial time in which nothing has to arrive.
    pub grace: Duration,
    /// The bytes that must arrive in each second after that.
    pub bytes_per_second: u32,
}

/// A request's body, or why it could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// The whole body, within [`BodyBounds::limit`].
    Whole(Bytes),
    /// It is longer than the limit.
    TooLarge,
    /// It did not arrive within [`BodyBounds::time`], or was slower than [`BodyBounds::pace`].
    TooSlow,
    /// The connection broke, or the framing was wrong.
    Broken,
}

impl Body {
    /// The body, if it could be read. `is_proven`: whether its caller was proven without it, which decides the bounds.
    pub(super) fn whole(self, is_proven: bool) -> Result<Bytes, Error> {
        Err(match self {
            Self::Whole(bytes) => return Ok(bytes),
            Self::TooLarge if is_proven => Error::new(ErrorCode::BodyTooLarge, "the request body exceeds the limit")
                .hint("send only fields that the route reads, or raise request_body_limit"),
            Self::TooLarge => Error::new(
                ErrorCode::BodyTooLarge,
                "the request body, which alone proves its caller, exceeds the limit",
            )
            .hint(
                "raise signed_body_limit, and request_body_limit if it is lower; or make the sender omit unneeded data, or use an API key in \
                 the headers",
            ),
            Self::TooSlow if is_proven => {
                Error::new(ErrorCode::RequestTimeout, "the request body did not arrive in time")
            }
            Self::TooSlow => Error::new(
                ErrorCode::RequestTimeout,
                "the request body, which alone proves its caller, did not arrive in time",
            )
            .hint("such a body must arrive steadily within 5 seconds; on slow links use an API key in the headers"),
            Self::Broken => {
                Error::invalid(vec![FieldError::new("", "the connection closed before the end of the request body")])
            }
        })
    }
}

/// The connection broke, or the framing was wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken;

impl BodyBounds {
    /// The bounds for a proven caller, with `left` of the request's time.
    pub(super) fn proven(config: &Config, left: Duration) -> Self {
        Self { limit: config.request_body_limit, time: left, pace: None }
    }

    /// The bounds for a caller that the body must prove.
    pub(super) fn unproven(config: &Config, left: Duration) -> Self {
        Self {
            limit: config.request_body_limit.min(config.signed_body_limit),
            time: left.min(UNPROVEN_TIME),
            pace: Some(UNPROVEN_PACE),
        }
    }

    /// Reads a body within these bounds. `next` returns the next piece, of any size, and `None` at the end; it is not called
    /// again once a bound is reached.
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
                // Most bodies are one piece.
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

    /// When the next piece, or the end, is due after `length` bytes.
    fn due(&self, length: usize) -> Duration {
        let steady = self.pace.map(|pace| {
            let millis = (length as u64).saturating_mul(1000) / u64::from(pace.bytes_per_second.max(1));
            pace.grace.saturating_add(Duration::from_millis(millis))
        });
        steady.map_or(self.time, |steady| steady.min(self.time))
    }
}

/// The bodies of unproven callers that this instance is reading.
#[derive(Debug, Default)]
pub(super) struct Unproven(Rc<Cell<usize>>);

/// A place for one such body, freed when dropped.
#[derive(Debug)]
pub(super) struct Reading(Rc<Cell<usize>>);

impl Unproven {
    /// Takes a place for one more body.
    ///
    /// # Errors
    /// `overloaded` if no place is free.
    pub(super) fn enter(&self) -> Result<Reading, Error> {
        if self.0.get() >= MAX_UNPROVEN {
            return Err(Error::new(
                ErrorCode::Overloaded,
                format!("this instance is already reading the bodies of {MAX_UNPROVEN} callers that are not proven yet, its limit"),
            )
            .hint("send the same request again after Retry-After; callers with an API key in a header are not limited")
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

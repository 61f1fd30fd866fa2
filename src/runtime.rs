//! What the core asks of the place it runs in, besides HTTP: the time, a sleep, chance, and somewhere to log.

use std::time::{Duration, SystemTime};

use crate::http::HttpClient;

/// Time, as an argument.
#[allow(
    async_fn_in_trait,
    reason = "futures of WASI and JavaScript hosts are not Send, and nothing here asks them to be"
)]
pub trait Clock {
    /// The wall clock: for expiry, for time stamps.
    fn now(&self) -> SystemTime;

    /// A clock that never goes back, from an arbitrary start: for deadlines and for measuring.
    fn elapsed(&self) -> Duration;

    /// Comes back after `duration`.
    async fn sleep(&self, duration: Duration);
}

/// Everything the core needs from outside. A face implements it once; tests script it.
pub trait Runtime: HttpClient + Clock {
    /// Random bits: for request ids and to spread retries. Need not be fit for keys.
    fn random(&self) -> u64;

    /// Takes one line of log, without its newline.
    fn log(&self, line: &str);
}

/// `time` as RFC 3339 in UTC with milliseconds.
#[must_use]
pub fn rfc3339(time: SystemTime) -> String {
    humantime::format_rfc3339_millis(time).to_string()
}

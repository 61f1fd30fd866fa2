//! The core's ports besides HTTP: the clock, a sleep, random numbers, the log, and an optional key-value store.

use std::time::{Duration, SystemTime};

use crate::http::HttpClient;
use crate::store::Store;

/// Time, as an argument.
#[allow(async_fn_in_trait, reason = "futures of WASI and JavaScript hosts are not Send, and nothing here requires it")]
pub trait Clock {
    /// The wall clock, for expiry and time stamps.
    fn now(&self) -> SystemTime;

    /// A monotonic clock with an arbitrary start, for deadlines and durations.
    fn elapsed(&self) -> Duration;

    /// Returns after `duration`.
    async fn sleep(&self, duration: Duration);
}

/// Everything the core needs from outside. A binding implements it once; tests script it.
pub trait Runtime: HttpClient + Clock {
    /// Its key-value store.
    type Store: Store;

    /// The store, if there is one. Its calls may still return [`Absent`](crate::store::StoreError::Absent).
    fn store(&self) -> Option<&Self::Store>;

    /// Random bits for keys, from a cryptographically secure generator such as `wasi:random/random` or
    /// `crypto.getRandomValues`. Without `state_key`, an instance's key is made of them.
    fn random(&self) -> u64;

    /// Writes one log line: printable ASCII, at most [`MAX_LINE`] bytes, without newline. A binding writes the line and the
    /// newline with **one** call: instances write to the same place concurrently, and two calls would mix their lines.
    fn log(&self, line: &str);

    /// How to give this runtime a CA; completes the sentence "give the runtime the CA: ".
    fn how_to_trust(&self) -> &'static str {
        "for Spin a [[client_tls]] table with ca_roots_file in the runtime configuration, or SSL_CERT_FILE in its environment"
    }
}

/// `N` random bytes, suitable for a key.
pub(crate) fn random_bytes<const N: usize>(runtime: &impl Runtime) -> [u8; N] {
    let mut bytes = [0; N];
    for piece in bytes.chunks_mut(8) {
        for (to, from) in piece.iter_mut().zip(runtime.random().to_le_bytes()) {
            *to = from;
        }
    }
    bytes
}

/// The longest log line, in bytes, without newline. With it, 4096: the size that a pipe on Linux writes in one piece
/// (`PIPE_BUF`), and the limit of one `blocking-write-and-flush` of `wasi:io/streams` 0.2.
pub const MAX_LINE: usize = 4095;

/// The last second that RFC 3339 can represent, in seconds since 1970: the end of the year 9999.
const LAST_SECOND: u64 = 253_402_300_799;

/// `time` as RFC 3339 in UTC with milliseconds; clamped to the years 1970 to 9999.
///
/// ```
/// use std::time::{Duration, SystemTime};
///
/// let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_608_207_386);
/// assert_eq!(idhook::runtime::rfc3339(time), "2020-12-17T12:16:26.000Z");
/// ```
#[must_use]
pub fn rfc3339(time: SystemTime) -> String {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().min(Duration::from_secs(LAST_SECOND));
    // humantime fails outside its range, and `to_string` then panics; it can format everything from 1970 to 9999.
    humantime::format_rfc3339_millis(SystemTime::UNIX_EPOCH + since).to_string()
}

/// `duration` in whole milliseconds.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// `time` in milliseconds since 1970; 0 for a time before.
pub(crate) fn unix_ms(time: SystemTime) -> u64 {
    millis(time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
}

/// The time `ms` milliseconds after the beginning of 1970; 1970 itself if the clock type cannot represent it.
pub(crate) fn from_unix_ms(ms: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(ms)).unwrap_or(SystemTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_can_be_formatted() {
        let at = |seconds| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).unwrap();
        assert_eq!(rfc3339(at(1_608_207_386)), "2020-12-17T12:16:26.000Z");
        for seconds in [LAST_SECOND, LAST_SECOND + 1, 1 << 62] {
            assert_eq!(rfc3339(at(seconds)), "9999-12-31T23:59:59.000Z");
        }
        assert_eq!(rfc3339(SystemTime::UNIX_EPOCH - Duration::from_secs(1)), "1970-01-01T00:00:00.000Z");
    }
}

//! What the core asks of the place it runs in, besides HTTP: the time, a sleep, chance, somewhere to log, and a key-value
//! store where it has one.

use std::time::{Duration, SystemTime};

use crate::http::HttpClient;
use crate::store::Store;

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
    /// Its key-value store.
    type Store: Store;

    /// The store, if there is one. It may still turn out to be [`Absent`](crate::store::StoreError::Absent) when asked.
    fn store(&self) -> Option<&Self::Store>;

    /// Random bits, fit for keys: from a cryptographically secure generator that nobody outside can predict, `wasi:random/random`
    /// or `crypto.getRandomValues`. Where there is no `state_key`, the key of an instance is made of them.
    fn random(&self) -> u64;

    /// Takes one line of log: printable ASCII, at most [`MAX_LINE`] bytes, without its newline. A binding writes the line and a
    /// newline with **one** call: instances write to one place at the same time, and two calls let their lines interleave.
    fn log(&self, line: &str);

    /// How this runtime is given a CA, to follow "give the runtime the CA".
    fn how_to_trust(&self) -> &'static str {
        "for Spin a [[client_tls]] table with ca_roots_file in the runtime configuration, or SSL_CERT_FILE in its environment"
    }
}

/// `N` random bytes, fit for a key.
pub(crate) fn random_bytes<const N: usize>(runtime: &impl Runtime) -> [u8; N] {
    let mut bytes = [0; N];
    for piece in bytes.chunks_mut(8) {
        for (to, from) in piece.iter_mut().zip(runtime.random().to_le_bytes()) {
            *to = from;
        }
    }
    bytes
}

/// The longest line of log, in bytes, without its newline. With the newline it is 4096: as much as a pipe takes in one piece on
/// Linux (`PIPE_BUF`), and as much as one `blocking-write-and-flush` of `wasi:io/streams` 0.2 takes.
pub const MAX_LINE: usize = 4095;

/// The last moment that RFC 3339 can write down, in seconds since 1970: the end of the year 9999.
const LAST_SECOND: u64 = 253_402_300_799;

/// `time` as RFC 3339 in UTC with milliseconds; what lies before 1970 or beyond the year 9999 as the nearest that does not.
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
    // humantime refuses what it cannot write, and `to_string` panics then; from 1970 to 9999 it can write everything.
    humantime::format_rfc3339_millis(SystemTime::UNIX_EPOCH + since).to_string()
}

/// `time` in milliseconds since 1970; 0 for a time before.
pub(crate) fn unix_ms(time: SystemTime) -> u64 {
    u64::try_from(time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}

/// The time `ms` milliseconds after the beginning of 1970; 1970 itself where the clock cannot show it.
pub(crate) fn from_unix_ms(ms: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(ms)).unwrap_or(SystemTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_can_be_written_down() {
        let at = |seconds| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).unwrap();
        assert_eq!(rfc3339(at(1_608_207_386)), "2020-12-17T12:16:26.000Z");
        for seconds in [LAST_SECOND, LAST_SECOND + 1, 1 << 62] {
            assert_eq!(rfc3339(at(seconds)), "9999-12-31T23:59:59.000Z");
        }
        assert_eq!(rfc3339(SystemTime::UNIX_EPOCH - Duration::from_secs(1)), "1970-01-01T00:00:00.000Z");
    }
}

//! When to try again, and after how long: a value to be computed, with no clock inside.

use std::time::Duration;

/// Whether a request may be sent a second time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// It changes nothing (GET): repeat on any transient failure.
    Always,
    /// It changes something, or counts against an account: repeat only when it certainly never arrived.
    IfNeverArrived,
}

/// How often and how patiently to repeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Tries in all, the first included. Default 3.
    pub attempts: u32,
    /// The longest first wait; it doubles with each try. Default 400 ms.
    pub base: Duration,
    /// The longest wait of our own choosing. Default 5 s. An upstream's `Retry-After` may ask for more.
    pub cap: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { attempts: 3, base: Duration::from_millis(400), cap: Duration::from_secs(5) }
    }
}

impl RetryPolicy {
    /// How long to wait after try number `attempt` (from 1) failed, or `None` to give up: no tries left, or the wait would
    /// not end within `remaining`.
    ///
    /// The upstream's `retry_after` is honoured to the second; otherwise the wait is drawn evenly from half to whole of the
    /// doubled base, so that callers who failed together do not come back together.
    #[must_use]
    pub fn wait(
        &self,
        attempt: u32,
        retry_after: Option<Duration>,
        random: u64,
        remaining: Duration,
    ) -> Option<Duration> {
        if attempt >= self.attempts {
            return None;
        }
        let wait = retry_after.unwrap_or_else(|| {
            let ceiling = self.base.saturating_mul(1 << (attempt.clamp(1, 16) - 1)).min(self.cap);
            let spread = u64::try_from(ceiling.as_micros() / 2).unwrap_or(u64::MAX - 1);
            ceiling / 2 + Duration::from_micros(random % (spread + 1))
        });
        (wait < remaining).then_some(wait)
    }
}

/// Reads a `Retry-After` header: seconds, or an HTTP date (RFC 9110 section 10.2.3) seen from `now`.
#[must_use]
pub fn retry_after(headers: &http::HeaderMap, now: std::time::SystemTime) -> Option<Duration> {
    let value = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = httpdate::parse_http_date(value).ok()?;
    Some(at.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn waits_grow_and_end() {
        let policy = RetryPolicy::default();
        for random in [0, 1, 123_456, u64::MAX] {
            let first = policy.wait(1, None, random, LONG).unwrap();
            let second = policy.wait(2, None, random, LONG).unwrap();
            assert!(first >= policy.base / 2 && first <= policy.base, "{first:?}");
            assert!(second >= policy.base && second <= policy.base * 2, "{second:?}");
            assert_eq!(policy.wait(3, None, random, LONG), None);
        }
    }

    #[test]
    fn the_upstream_is_honoured_within_the_deadline_only() {
        let policy = RetryPolicy::default();
        let asked = Some(Duration::from_secs(7));
        assert_eq!(policy.wait(1, asked, 9, LONG), asked);
        assert_eq!(policy.wait(1, asked, 9, Duration::from_secs(7)), None);
    }

    #[test]
    fn retry_after_in_both_forms() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777); // Sun, 06 Nov 1994 08:49:37 GMT
        let read = |value: &str| {
            let mut headers = http::HeaderMap::new();
            headers.insert("retry-after", value.parse().unwrap());
            retry_after(&headers, now)
        };
        assert_eq!(read("120"), Some(Duration::from_secs(120)));
        assert_eq!(read("Sun, 06 Nov 1994 08:50:37 GMT"), Some(Duration::from_secs(60)));
        assert_eq!(read("Sun, 06 Nov 1994 08:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(read("soon"), None);
    }
}

//! When to retry, and after how long, as a computed value without a clock.

use std::time::Duration;

use crate::http::{only_value, server_time};

/// Whether a request may be repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// It changes nothing (GET): repeat after any transient failure.
    Always,
    /// It changes something, or counts against an account: repeat only if it certainly never arrived.
    IfNeverArrived,
}

/// Attempts in all, including the first.
const ATTEMPTS: u32 = 3;

/// The longest first wait; it doubles with each attempt.
const BASE: Duration = Duration::from_millis(400);

/// The longest wait that idhook chooses itself. An upstream's `Retry-After` may be longer.
const CAP: Duration = Duration::from_secs(5);

/// The wait after attempt number `attempt` (from 1) failed, or `None` to give up: no attempts left, or the wait would
/// not end within `remaining`.
///
/// The wait is random between half and all of the doubled base, so that callers that failed together do not return
/// together; it is the upstream's `retry_after` if that is longer.
#[must_use]
pub(crate) fn wait(attempt: u32, retry_after: Option<Duration>, random: u64, remaining: Duration) -> Option<Duration> {
    if attempt >= ATTEMPTS {
        return None;
    }
    let ceiling = BASE.saturating_mul(1 << (attempt.max(1) - 1)).min(CAP);
    let spread = u64::try_from(ceiling.as_micros() / 2).unwrap_or(u64::MAX - 1);
    let own = ceiling / 2 + Duration::from_micros(random % spread.saturating_add(1));
    // A server that sends 0 or a past date must still not get three requests in a row.
    let wait = retry_after.unwrap_or_default().max(own);
    (wait < remaining).then_some(wait)
}

/// The longest `Retry-After` that is used: a day. So the next attempt's time can always be represented.
const MAX_RETRY_AFTER: Duration = Duration::from_hours(24);

/// Reads a `Retry-After` header: seconds, or an HTTP date (RFC 9110, section 10.2.3). A date is compared with the response's
/// own `Date`, because the clocks may differ, or with `now` if there is none. Fractions of a second are rounded up; the
/// maximum is a day. `None` for other values, several values, and negative numbers.
#[must_use]
pub(crate) fn retry_after(headers: &http::HeaderMap, now: std::time::SystemTime) -> Option<Duration> {
    let value = only_value(headers, http::header::RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match seconds(value) {
        Some(seconds) => Duration::from_secs(seconds),
        None => {
            let at = httpdate::parse_http_date(value).ok()?;
            at.duration_since(server_time(headers).unwrap_or(now)).unwrap_or_default()
        }
    };
    Some(wait.min(MAX_RETRY_AFTER))
}

/// Digits, with or without a fraction, as whole seconds; too large numbers become the maximum.
fn seconds(value: &str) -> Option<u64> {
    let (whole, fraction) = value.split_once('.').unwrap_or((value, "0"));
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let seconds: u64 = whole.parse().unwrap_or(u64::MAX);
    Some(seconds.saturating_add(u64::from(fraction.bytes().any(|digit| digit != b'0'))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn waits_grow_and_end() {
        for random in [0, 1, 123_456, u64::MAX] {
            let first = wait(1, None, random, LONG).unwrap();
            let second = wait(2, None, random, LONG).unwrap();
            assert!(first >= BASE / 2 && first <= BASE, "{first:?}");
            assert!(second >= BASE && second <= BASE * 2, "{second:?}");
            assert_eq!(wait(3, None, random, LONG), None);
        }
    }

    #[test]
    fn retry_after_is_honoured_only_within_the_deadline() {
        let asked = Some(Duration::from_secs(7));
        assert_eq!(wait(1, asked, 9, LONG), asked);
        assert_eq!(wait(1, asked, 9, Duration::from_secs(7)), None);
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
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

    #[test]
    fn odd_retry_after_is_bounded_or_ignored() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let read = |values: &[&str], date: Option<&str>| {
            let mut headers = http::HeaderMap::new();
            for value in values {
                headers.append("retry-after", value.parse().unwrap());
            }
            if let Some(date) = date {
                headers.insert("date", date.parse().unwrap());
            }
            retry_after(&headers, now).map(|wait| wait.as_secs())
        };
        const DAY: u64 = 86_400;
        for (value, seconds) in [
            ("0", Some(0)),
            (" 7 ", Some(7)),
            ("007", Some(7)),
            ("1.5", Some(2)),
            ("2.0", Some(2)),
            ("99999999999999999999999999", Some(DAY)),
            ("18446744073709551615.9", Some(DAY)),
            ("Fri, 31 Dec 9999 23:59:59 GMT", Some(DAY)),
            ("-1", None),
            ("+5", None),
            ("1e3", None),
            ("5s", None),
            (".5", None),
            ("5.", None),
            ("5, 6", None),
            ("", None),
            ("1994-11-06T08:50:37Z", None),
        ] {
            assert_eq!(read(&[value], None), seconds, "{value}");
        }
        assert_eq!(read(&["5", "6"], None), None);
        // The server's clock is an hour ahead: its date is compared with its own time.
        assert_eq!(read(&["Sun, 06 Nov 1994 09:50:07 GMT"], Some("Sun, 06 Nov 1994 09:49:37 GMT")), Some(30));
    }

    #[test]
    fn retry_after_zero_still_waits() {
        assert!(wait(1, Some(Duration::ZERO), 0, LONG).unwrap() >= BASE / 2);
    }
}

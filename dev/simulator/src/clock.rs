//! The only place that reads the time and makes ids.

use crate::settings::{Clocks, StartTimes};
use serde_json::{Value, json};
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970, as the vendor's JSON counts them.
pub(crate) fn now() -> u64 {
    millis(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

/// A duration in whole milliseconds.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The time this many milliseconds after the beginning of 1970.
pub(crate) fn time(at: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(at)
}

/// The HTTP date (RFC 9110, 5.6.7) this many seconds from now.
pub(crate) fn http_date_in(seconds: u64) -> String {
    http_date_ahead(i64::try_from(seconds).unwrap_or(i64::MAX))
}

/// The same for a clock that is this many seconds ahead (negative: behind).
pub(crate) fn http_date_ahead(seconds: i64) -> String {
    httpdate::fmt_http_date(time(now().saturating_add_signed(seconds.saturating_mul(1000))))
}

/// The time `at` of a run, as vIDM's clocks show it.
pub(crate) fn shown(clocks: Clocks, at: u64) -> Value {
    // The drift is counted from the beginning of the day; otherwise it would be years.
    let today = i64::try_from(at % 86_400_000).unwrap_or_default();
    let at = at.saturating_add_signed(clocks.ahead + today / 1000 * clocks.gains);
    match clocks.start_times {
        StartTimes::Milliseconds => json!(at),
        StartTimes::Seconds => json!(at / 1000),
        StartTimes::Local => json!(iso(at).get(..19)),
        StartTimes::Absent => Value::Null,
    }
}

/// `2024-01-01T10:00:00.000Z`, the form of SCIM's `meta.created`.
pub(crate) fn iso(at: u64) -> String {
    humantime::format_rfc3339_millis(time(at)).to_string()
}

/// 64 bits that differ at every call. Not for secrets.
pub(crate) fn unique() -> u64 {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    RandomState::new().hash_one(COUNT.fetch_add(1, Ordering::Relaxed))
}

/// A fresh version 4 UUID.
pub(crate) fn uuid() -> String {
    uuid::Uuid::new_v4().to_string()
}

#[cfg(test)]
mod tests {
    use super::shown;
    use crate::settings::{Clocks, StartTimes};
    use serde_json::json;

    #[test]
    fn times_follow_the_configured_clocks() {
        let at = 1_704_103_200_789;
        let clocks = |start_times| Clocks { start_times, ahead: -3_600_000, ..Clocks::default() };
        assert_eq!(shown(Clocks::default(), at), json!(at));
        assert_eq!(shown(clocks(StartTimes::Milliseconds), at), json!(at - 3_600_000));
        assert_eq!(shown(clocks(StartTimes::Seconds), at), json!(1_704_099_600));
        assert_eq!(shown(clocks(StartTimes::Local), at), json!("2024-01-01T09:00:00"));
        assert_eq!(shown(clocks(StartTimes::Absent), at), json!(null));
        let fast = Clocks { gains: 1, ..Clocks::default() };
        assert_eq!(shown(fast, at + 10_000).as_u64().unwrap() - shown(fast, at).as_u64().unwrap(), 10_010);
    }
}

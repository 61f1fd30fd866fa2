//! The one place that reads the time and makes ids.

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

/// The moment that many milliseconds after the beginning of 1970.
pub(crate) fn time(at: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(at)
}

/// The HTTP date (RFC 9110, 5.6.7) that many seconds from now.
pub(crate) fn http_date_in(seconds: u64) -> String {
    http_date_ahead(i64::try_from(seconds).unwrap_or(i64::MAX))
}

/// The same of a clock that is so many seconds ahead, or behind where they are less than zero.
pub(crate) fn http_date_ahead(seconds: i64) -> String {
    httpdate::fmt_http_date(time(now().saturating_add_signed(seconds.saturating_mul(1000))))
}

/// The time `at` of a run, as vIDM shows it by its clocks.
pub(crate) fn shown(clocks: Clocks, at: u64) -> Value {
    // What it gains is counted from the beginning of the day, lest it be years.
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
    let (days, ms) = (at / 86_400_000, at % 86_400_000);
    // Howard Hinnant's civil-from-days, for dates after 1970 only.
    let z = days + 719_468;
    let era = z / 146_097;
    let day_of_era = z % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", ms % 1_000)
}

/// 64 bits that differ at every call. Not for secrets.
pub(crate) fn unique() -> u64 {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    RandomState::new().hash_one(COUNT.fetch_add(1, Ordering::Relaxed))
}

/// A fresh id in the form of a version 4 UUID.
pub(crate) fn uuid() -> String {
    let (a, b) = (unique(), unique());
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        a >> 32,
        (a >> 16) & 0xffff,
        a & 0xfff,
        (b >> 48) & 0x3fff | 0x8000,
        b & 0xffff_ffff_ffff
    )
}

#[cfg(test)]
mod tests {
    use super::{iso, shown, uuid};
    use crate::settings::{Clocks, StartTimes};
    use serde_json::json;

    #[test]
    fn times_are_shown_by_the_clocks_that_were_chosen() {
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

    #[test]
    fn dates_follow_the_calendar() {
        assert_eq!(iso(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(iso(951_827_696_789), "2000-02-29T12:34:56.789Z");
        assert_eq!(iso(1_704_103_200_000), "2024-01-01T10:00:00.000Z");
    }

    #[test]
    fn ids_look_like_version_4_uuids_and_differ() {
        let (a, b) = (uuid(), uuid());
        assert_ne!(a, b);
        assert_eq!(a.len(), 36);
        assert_eq!(a.as_bytes()[14], b'4');
    }
}

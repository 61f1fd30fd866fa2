//! Times in servers' formats.

use std::time::{Duration, SystemTime};

use serde_json::Value;

/// Numbers from here on are milliseconds: as seconds they would be after the year 5000.
const MILLISECONDS: u64 = 100_000_000_000;

/// A time: seconds or milliseconds since 1970, as a number or a string, or RFC 3339 (with an offset, or UTC without one).
pub(crate) fn read_time(value: &Value) -> Option<SystemTime> {
    match value {
        Value::Number(number) => epoch(number.as_u64().or_else(|| whole(number.as_f64()?))?),
        Value::String(text) => match text.trim().parse() {
            Ok(number) => epoch(number),
            Err(_) => date(text.trim()),
        },
        _ => None,
    }
}

/// The seconds of a number with a fraction.
fn whole(number: f64) -> Option<u64> {
    Duration::try_from_secs_f64(number).ok().map(|duration| duration.as_secs())
}

fn epoch(number: u64) -> Option<SystemTime> {
    let since = if number >= MILLISECONDS { Duration::from_millis(number) } else { Duration::from_secs(number) };
    bounded(SystemTime::UNIX_EPOCH.checked_add(since)?)
}

/// Zero means "never". Times after the year 9999 cannot be formatted.
fn bounded(time: SystemTime) -> Option<SystemTime> {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    (1..253_402_300_800).contains(&since.as_secs()).then_some(time)
}

fn date(text: &str) -> Option<SystemTime> {
    let text = text.strip_suffix("UTC").unwrap_or(text).trim_end();
    let time = text.get(19..)?;
    let Some(sign_at) = time.find(['+', '-']) else {
        return bounded(humantime::parse_rfc3339_weak(text).ok()?);
    };
    let (fraction, offset) = time.split_at_checked(sign_at)?;
    let local = humantime::parse_rfc3339_weak(&format!("{}{fraction}", text.get(..19)?)).ok()?;
    let digits: String = offset.chars().filter(char::is_ascii_digit).collect();
    let number = |range| digits.get(range).unwrap_or("00").parse::<u64>().ok();
    let shift = Duration::from_secs(number(0..2)? * 3600 + number(2..4)? * 60);
    let utc = if offset.starts_with('+') { local.checked_sub(shift) } else { local.checked_add(shift) };
    bounded(utc?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn all_formats_of_a_time_are_read() {
        let moment = SystemTime::UNIX_EPOCH + Duration::from_secs(1_608_207_386);
        for form in [
            json!(1_608_207_386),
            json!(1_608_207_386.4),
            json!("1608207386"),
            json!(1_608_207_386_000_u64),
            json!("1608207386000"),
            json!("2020-12-17T12:16:26Z"),
            json!("2020-12-17T12:16:26.000Z"),
            json!("2020-12-17T13:16:26+01:00"),
            json!("2020-12-17T13:16:26.000+0100"),
            json!("2020-12-17T07:16:26-05"),
            json!("2020-12-17 12:16:26"),
            json!("2020-12-17 12:16:26 UTC"),
        ] {
            assert_eq!(read_time(&form), Some(moment), "{form}");
        }
    }

    #[test]
    fn other_values_are_not_times() {
        for form in [
            json!(0),
            json!(-5),
            json!(null),
            json!(true),
            json!(""),
            json!("yesterday"),
            json!("1970-01-01T00:00:00+10:00"),
            json!("9999-12-31T23:59:59.999-05:00"),
            json!("9999-12-31T23:59:59.999-99:99"),
            json!("1970-01-01T00:00:00Z"),
            json!(u64::MAX),
            json!(1e300),
            json!("2020-12-17"),
            json!("2020-13-45T99:99:99Z"),
            json!("äääääääääääääääääääääää+é"),
            json!({}),
        ] {
            assert_eq!(read_time(&form), None, "{form}");
        }
    }

    proptest! {
        #[test]
        fn every_read_time_can_be_formatted(year in 0u32..=9999, rest in "-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,3})?(Z|[+-][0-9]{2}:?[0-9]{2})?") {
            if let Some(time) = read_time(&json!(format!("{year:04}{rest}"))) {
                prop_assert_eq!(humantime::format_rfc3339_millis(time).to_string(), crate::runtime::rfc3339(time));
            }
        }

        #[test]
        fn every_number_can_be_formatted(number in any::<u64>(), fraction in any::<f64>()) {
            for value in [json!(number), json!(number.to_string()), json!(fraction)] {
                read_time(&value).map(crate::runtime::rfc3339);
            }
        }
    }
}

//! Numbers and JSON in WIT's types. There are no 64-bit numbers: JavaScript has another type for those, which cannot be
//! written as JSON. Larger values are clamped.

use std::time::Duration;

use idhook::embedded::Timeouts;
use serde_json::{Map, Value};

use crate::bindings::types::Timeouts as WitTimeouts;

pub(crate) fn unsigned(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

pub(crate) fn signed(number: i64) -> i32 {
    i32::try_from(number).unwrap_or(if number < 0 { i32::MIN } else { i32::MAX })
}

/// The longest wait for a sync, in seconds. Negative numbers and NaN mean no wait.
pub(crate) fn max_wait(seconds: f64) -> Duration {
    let longest = if seconds > 0.0 { Duration::MAX } else { Duration::ZERO };
    Duration::try_from_secs_f64(seconds).unwrap_or(longest)
}

/// Further fields, if there are any.
pub(crate) fn extra(fields: Map<String, Value>) -> Option<String> {
    (!fields.is_empty()).then(|| Value::Object(fields).to_string())
}

/// All elements of a list, in WIT's types.
pub(crate) fn each<T, U: From<T>>(list: Vec<T>) -> Vec<U> {
    list.into_iter().map(U::from).collect()
}

impl From<WitTimeouts> for Timeouts {
    fn from(WitTimeouts { connect, first_byte, between_bytes, operation }: WitTimeouts) -> Self {
        Self { connect, first_byte, between_bytes, operation }
    }
}

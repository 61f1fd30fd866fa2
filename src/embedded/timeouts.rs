//! Time limits.

use std::time::Duration;

use serde::Deserialize;

use crate::error::{Error, FieldError};
use crate::http::Limits;

/// Time limits in seconds; an absent one has its default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct Timeouts {
    /// For an upstream connection, TLS included; default 10.
    pub connect: Option<f64>,
    /// To the first byte of an upstream response; default 30.
    pub first_byte: Option<f64>,
    /// Between pieces of an upstream response; default 10.
    pub between_bytes: Option<f64>,
    /// For a whole operation, with its login and its retries; default 25. Waiting for a sync has a separate limit.
    pub operation: Option<f64>,
}

/// For a whole operation; the webhook's default for a request.
const OPERATION: Duration = Duration::from_secs(25);

impl Timeouts {
    /// The limits of one exchange, and the time for a whole operation.
    ///
    /// # Errors
    /// `request_invalid` for values outside 0.1 to 600 seconds.
    pub(super) fn read(&self) -> Result<(Limits, Duration), Error> {
        let default = Limits::default();
        let mut fields = Vec::new();
        let mut time = |name: &str, given: Option<f64>, default: Duration| match given {
            None => default,
            Some(seconds) if (0.1..=600.0).contains(&seconds) => Duration::from_secs_f64(seconds),
            Some(_) => {
                let detail = "is not a number of seconds from 0.1 to 600";
                fields.push(FieldError::new(format!("/timeouts/{name}"), detail));
                default
            }
        };
        let limits = Limits {
            connect_timeout: time("connect", self.connect, default.connect_timeout),
            first_byte_timeout: time("firstByte", self.first_byte, default.first_byte_timeout),
            between_bytes_timeout: time("betweenBytes", self.between_bytes, default.between_bytes_timeout),
            max_body: default.max_body,
        };
        let operation = time("operation", self.operation, OPERATION);
        if fields.is_empty() { Ok((limits, operation)) } else { Err(Error::invalid(fields)) }
    }
}

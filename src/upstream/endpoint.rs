//! An endpoint: a type with the whole contract of one upstream call.

use bytes::Bytes;
use serde_json::Value;

use crate::error::{Error, UpstreamEvidence, excerpt};
use crate::retry::Repeat;

/// A vendor's API: the common part of its endpoints.
pub trait Api {
    /// The part that a target may override: paths, media types.
    type Dialect;

    /// Reads the vendor's error format from a body, without facts about the call; `None` if the body is something else (a
    /// gateway's page).
    fn read_error(body: &[u8]) -> Option<UpstreamEvidence>;
}

/// A field of a vendor's error for the evidence: a text that is not blank, or a number.
pub(crate) fn evidence_text(error: &Value, name: &str) -> Option<String> {
    match error.get(name)? {
        Value::String(text) if !text.trim().is_empty() => Some(excerpt(text)),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// One call of a vendor's API.
pub trait Endpoint {
    /// The API that it belongs to.
    type Api: Api;
    /// The contents of a successful response.
    type Response;

    /// HTTP method and path template, as the vendor writes them. Logs and errors use it as the call's name.
    const CALL: &'static str;
    /// Whether it may be repeated.
    const REPEAT: Repeat;
    /// Whether it gets or ends a token. Only the status and the vendor's code of such a response are ever shown, and its
    /// status says nothing about the operation that needs the token.
    const IS_LOGIN: bool = false;
    /// Whether it is sent to the receiver of a callback. A request has one target and any number of receivers, so the call's record
    /// names the receiver.
    const IS_CALLBACK: bool = false;
    /// Whether a 2xx response's body is read. If only the status matters, the body may be anything: a page, or compressed.
    const READS_ANSWER: bool = true;

    /// The request, its URI relative to the target's base URL. Authorization is added by the sender.
    ///
    /// # Errors
    /// The request cannot be encoded (a body that does not serialise).
    fn request(&self, dialect: &<Self::Api as Api>::Dialect) -> Result<http::Request<Bytes>, Error>;

    /// Reads a 2xx response.
    ///
    /// # Errors
    /// `upstream_invalid` if it is not in the documented form.
    fn response(&self, answer: http::Response<Bytes>) -> Result<Self::Response, Error>;
}

/// The part of an endpoint that the sender needs, the same type for all endpoints.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) call: &'static str,
    pub(crate) repeat: Repeat,
    pub(crate) is_login: bool,
    pub(super) is_callback: bool,
    pub(super) reads_answer: bool,
    pub(super) read_error: fn(&[u8]) -> Option<UpstreamEvidence>,
}

impl Kind {
    pub(crate) fn of<E: Endpoint>() -> Self {
        Self {
            call: E::CALL,
            repeat: E::REPEAT,
            is_login: E::IS_LOGIN,
            is_callback: E::IS_CALLBACK,
            reads_answer: E::READS_ANSWER,
            read_error: <E::Api as Api>::read_error,
        }
    }

    /// Whether it changes more than a token.
    pub(crate) fn changes(&self) -> bool {
        self.repeat == Repeat::IfNeverArrived && !self.is_login
    }
}

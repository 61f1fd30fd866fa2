//! An endpoint: a type that carries the whole contract of one upstream call.

use bytes::Bytes;

use crate::error::{Error, UpstreamEvidence};
use crate::retry::Repeat;

/// A vendor's API: what all its endpoints share.
pub trait Api {
    /// What a target may override: paths, media types.
    type Dialect;

    /// Reads the vendor's error form from a body: what stands in it, and nothing about the call. `None` when the body is something
    /// else (a gateway's page).
    fn read_error(body: &[u8]) -> Option<UpstreamEvidence>;
}

/// One call of a vendor's API.
pub trait Endpoint {
    /// Whose API it belongs to.
    type Api: Api;
    /// What a good answer holds.
    type Response;

    /// HTTP method and path template, as the vendor writes them. Logs and errors name the call so.
    const CALL: &'static str;
    /// Whether it may be sent again.
    const REPEAT: Repeat;
    /// Whether it gets or ends a token. Of the answer to such a call nothing is ever shown but its status and the vendor's code,
    /// and no status of it is taken for word about what was to be done with the token.
    const IS_LOGIN: bool = false;
    /// Whether a 2xx answer says anything. Where the status is all, its body may be whatever it is: a page, or in a coding.
    const READS_ANSWER: bool = true;

    /// The request, its URI relative to the target's base URL. Authorization is added by the sender.
    ///
    /// # Errors
    /// When the request cannot be written down (a body that does not serialise).
    fn request(&self, profile: &<Self::Api as Api>::Dialect) -> Result<http::Request<Bytes>, Error>;

    /// Reads a 2xx answer.
    ///
    /// # Errors
    /// `upstream_invalid` when it is not what it should be.
    fn response(&self, answer: http::Response<Bytes>) -> Result<Self::Response, Error>;
}

/// What the sender needs to know of an endpoint, the same for all of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) call: &'static str,
    pub(crate) repeat: Repeat,
    pub(crate) is_login: bool,
    pub(super) reads_answer: bool,
    pub(super) read_error: fn(&[u8]) -> Option<UpstreamEvidence>,
}

impl Kind {
    pub(crate) fn of<E: Endpoint>() -> Self {
        Self {
            call: E::CALL,
            repeat: E::REPEAT,
            is_login: E::IS_LOGIN,
            reads_answer: E::READS_ANSWER,
            read_error: <E::Api as Api>::read_error,
        }
    }

    /// Whether it changes something beyond a token.
    pub(crate) fn changes(&self) -> bool {
        self.repeat == Repeat::IfNeverArrived && !self.is_login
    }
}

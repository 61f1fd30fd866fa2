//! How every upstream call is made: an [`Endpoint`] encodes the request, [`Outbound`] sends it within its limits,
//! [`TokenCache`] provides the token, and one check examines every response.

pub(crate) mod path_segment;

mod base_url;
mod encoding;
mod endpoint;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod recent;
mod response;
mod sender;
#[cfg(test)]
pub(crate) mod testing;
mod time;
mod token_cache;

pub use base_url::BaseUrl;
pub use encoding::{bare, segment, with_body};
pub(crate) use encoding::{form, is_uuid, json};
pub(crate) use endpoint::evidence_text;
pub use endpoint::{Api, Endpoint};
pub(crate) use recent::Recent;
#[cfg(test)]
pub(crate) use response::check;
pub(crate) use response::{invalid, read_json, read_shown, rejected_with_success};
pub(crate) use sender::{CallRecord, Prepared};
pub use sender::{Destination, Outbound};
pub(crate) use time::read_time;
pub use token_cache::{Account, Login, SharedToken, TokenCache, Tokens};

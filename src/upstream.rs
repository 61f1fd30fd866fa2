//! How any upstream call is made: an endpoint is encoded, sent within bounds, logged in, and its answer checked.

pub mod path_segment;

mod endpoint;
mod sender;
mod token_cache;

pub use endpoint::*;
pub use sender::*;
pub use token_cache::*;

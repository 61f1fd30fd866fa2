//! How a call is sent, and the tokens it takes.

pub(crate) mod sender;
pub(crate) mod token_cache;

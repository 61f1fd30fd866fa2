//! Sending of calls, and their tokens.

pub(crate) mod sender;
pub(crate) mod token_cache;

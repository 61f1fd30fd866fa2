//! Calls to SDDC Manager and the interpretation of its responses.

pub(crate) mod documents;
pub(crate) mod input;
pub(crate) mod operations;
pub(crate) mod paths;
pub(crate) mod put;
pub(crate) mod session;
pub(crate) mod shared_tokens;

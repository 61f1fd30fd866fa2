//! Calls to SDDC Manager and the interpretation of its responses.

pub(crate) mod aliases;
pub(crate) mod apply;
pub(crate) mod conditions;
pub(crate) mod denied_tokens;
pub(crate) mod documents;
pub(crate) mod ensure;
pub(crate) mod input;
pub(crate) mod operations;
pub(crate) mod parts;
pub(crate) mod paths;
pub(crate) mod put;
pub(crate) mod replace;
pub(crate) mod session;
pub(crate) mod shared_tokens;
mod sync_client;
pub(crate) mod versions;

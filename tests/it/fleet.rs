//! Calls to VCF Operations and the interpretation of its responses.

pub(crate) mod profile;
pub(crate) mod provision;

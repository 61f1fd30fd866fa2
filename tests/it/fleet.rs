//! Calls to VCF Operations and the interpretation of its responses.

pub(crate) mod profile;
pub(crate) mod provider_deletion;
pub(crate) mod provider_put;
pub(crate) mod providers;
pub(crate) mod provision;

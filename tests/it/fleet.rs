//! Calls to VCF Operations and the interpretation of its responses.

mod directories;
mod doctor;
mod login;
pub(crate) mod profile;
mod proof;
mod provider_conditions;
pub(crate) mod provider_deletion;
pub(crate) mod provider_put;
pub(crate) mod providers;
pub(crate) mod provision;
mod provisioned;
mod replaced_provider;
mod syncs;
pub(crate) mod user_proof;

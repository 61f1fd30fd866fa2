//! Scripts, stores and targets for the scenarios.

pub(crate) mod fleet;
pub(crate) mod issuer;
pub(crate) mod memory_store;
pub(crate) mod script;
pub(crate) mod server;
pub(crate) mod signer;
pub(crate) mod vcf;
pub(crate) mod vidm;
pub(crate) mod webhook;

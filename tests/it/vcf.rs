//! Calls to SDDC Manager and what is made of its answers.

pub(crate) mod documents;
pub(crate) mod input;
pub(crate) mod operations;
pub(crate) mod paths;
pub(crate) mod put;
pub(crate) mod session;

//! Calls to vIDM and the interpretation of its responses.

pub(crate) mod absence;
pub(crate) mod big_groups;
pub(crate) mod group_proof;
pub(crate) mod login;
pub(crate) mod login_lockout;
pub(crate) mod profile;
pub(crate) mod proof;
pub(crate) mod reads;
pub(crate) mod runs;
pub(crate) mod start;
pub(crate) mod user_proof;

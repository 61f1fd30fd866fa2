//! The HTTP contract, route by route.

pub(crate) mod addresses;
pub(crate) mod advance;
pub(crate) mod bodies;
pub(crate) mod callback;
pub(crate) mod certificates;
pub(crate) mod config;
pub(crate) mod doctor;
pub(crate) mod gate;
pub(crate) mod hooks;
pub(crate) mod hostile;
pub(crate) mod idempotency;
pub(crate) mod idempotency_schedules;
pub(crate) mod input;
pub(crate) mod log;
pub(crate) mod metrics;
pub(crate) mod mount;
pub(crate) mod oidc;
pub(crate) mod page;
pub(crate) mod rate_limit;
pub(crate) mod senders;
pub(crate) mod state_key;
pub(crate) mod sync_ids;
pub(crate) mod watch_limit;

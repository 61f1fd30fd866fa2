//! The protocols among callers in every schedule of a few of them, up to a bound on preemptions.
//!
//! The code is the webhook's own; the world around it is a model. Between any two steps another caller, or vIDM itself, may
//! proceed. The explorer checks the guarantees of `idhook::sync` in each schedule.

mod connector_conflicts;
mod explorer;
mod model;
mod profile;
mod syncs;

pub(crate) use explorer::Schedule;

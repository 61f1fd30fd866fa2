//! The protocols among callers over every schedule of a few of them, up to a bound on preemptions.
//!
//! The code is the webhook's own; the world around it is a model. Between any two steps another caller, or vIDM itself, may go
//! on. The explorer holds each schedule to the promises of `idhook::sync`.

mod connector_conflicts;
mod explorer;
mod model;
mod profile;
mod syncs;

pub(crate) use explorer::Schedule;

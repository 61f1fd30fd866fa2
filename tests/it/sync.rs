//! The sync protocol: stories and every schedule of a few callers.

pub(crate) mod connector_conflicts;
mod late_looks;
pub(crate) mod pace;
pub(crate) mod schedules;
pub(crate) mod staleness;
pub(crate) mod truth;
pub(crate) mod unshown;

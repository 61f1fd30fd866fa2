//! The vocabulary of directory syncs: what callers name, what a vendor API reports, and what a sync proves.
//!
//! The sync protocol and each vendor API that runs syncs share these values, so none of them has to know another.

mod directory_ref;
mod group_query;
pub(crate) mod odd_name;
mod proof;
mod sync_report;

pub use directory_ref::{DirectoryRef, DirectorySummary};
pub use group_query::GroupQuery;
pub(crate) use group_query::Identity;
pub use proof::{Presence, Proof};
pub use sync_report::{Changes, Counts, FailureReason, SyncReport, SyncStatus};

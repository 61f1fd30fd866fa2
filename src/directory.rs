//! The vocabulary of directory syncs: references by callers, reports by vendor APIs, proofs by a sync.
//!
//! The sync protocol and each vendor API with syncs share these values and need not know each other.

mod directory_ref;
mod group_query;
pub(crate) mod odd_name;
pub(crate) mod profile;
mod proof;
mod sync_report;
mod sync_target;

pub use directory_ref::{DirectoryRef, DirectorySummary};
pub use group_query::GroupQuery;
pub(crate) use group_query::Identity;
pub(crate) use profile::{Found, ProfileAccess, Selection, Wanted};
pub use profile::{ProfileAddition, ProfileChange};
pub use proof::{Presence, Proof};
pub use sync_report::{Changes, Counts, FailureReason, SyncReport, SyncStatus};
pub use sync_target::{Product, SyncTarget};

//! The vocabulary of directory syncs: references by callers, reports by vendor APIs, proofs by a sync.
//!
//! The sync protocol and each vendor API with syncs share these values and need not know each other.

mod cached_list;
mod choice;
mod directory_ref;
mod group_query;
pub(crate) mod odd_name;
pub(crate) mod profile;
mod proof;
mod sync_report;
mod sync_target;
mod user_query;

pub(crate) use cached_list::CachedList;
pub(crate) use choice::{Listed, check_syncable};
pub use directory_ref::{DirectoryRef, DirectorySummary};
pub use group_query::GroupQuery;
pub(crate) use group_query::Identity;
pub use profile::ProfileAddition;
pub(crate) use profile::{GroupEntry, ProfileAccess, Selection, Wanted};
pub use proof::{Presence, Proof, ProvedBy};
pub use sync_report::{Changes, Counts, FailureReason, RunMarks, SyncReport, SyncStatus};
pub use sync_target::{Product, SyncTarget};
pub use user_query::UserQuery;

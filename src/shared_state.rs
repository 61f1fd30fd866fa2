//! State that instances share through the key-value store: sealed values, an agreed key, and leases.

mod agreed_key;
mod backend;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod lease;
mod seal;
mod shared_store;
mod state_key;
#[cfg(test)]
pub(crate) mod testing;

pub(crate) use agreed_key::{may_be_in_store, refresh, settle};
pub(crate) use backend::{Backend, LocalStore, SHARED};
pub(crate) use lease::{Claim, Contents, Counters, Held, Lease, Slot, Ticket};
pub(crate) use seal::Sealer;
pub(crate) use shared_store::{FOR_GOOD, HOLD, StoreUnavailable};
pub use shared_store::{Kept, SharedStore, StoreAccess};
pub(crate) use state_key::LENGTH;
pub use state_key::{Origin, StateKey, hmac};

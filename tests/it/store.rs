//! State that instances share.

pub(crate) mod costs;
pub(crate) mod shared_state;

//! What instances share.

pub(crate) mod shared_state;

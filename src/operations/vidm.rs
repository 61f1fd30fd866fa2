//! The operations on a vIDM besides syncs.

use super::VidmTarget;
use crate::runtime::Runtime;
use crate::upstream::Outbound;
use crate::vidm::Client;

/// The operations on one vIDM, for one piece of work. Its syncs are [`SyncOperations`](super::SyncOperations).
#[derive(Debug)]
pub(crate) struct VidmOperations<'a, R> {
    pub(super) target: &'a VidmTarget,
    /// The API: what one call of it does needs no operation.
    pub(crate) client: Client<'a, R>,
    pub(super) out: &'a Outbound<'a, R>,
}

impl<'a, R: Runtime> VidmOperations<'a, R> {
    /// Operations on `target`, whose calls go through `out`.
    pub(crate) fn new(target: &'a VidmTarget, out: &'a Outbound<'a, R>) -> Self {
        Self { target, client: Client::new(&target.settings, &target.cache, out), out }
    }
}

//! What can be asked of an SDDC Manager and done there: identity providers and their identity sources.

use super::VcfTarget;
use crate::runtime::Runtime;
use crate::upstream::Outbound;
use crate::vcf::Client;

/// The operations on one SDDC Manager, for one piece of work.
#[derive(Debug)]
pub(crate) struct VcfOperations<'a, R> {
    pub(super) target: &'a VcfTarget,
    pub(super) client: Client<'a, R>,
    pub(super) out: &'a Outbound<'a, R>,
}

impl<'a, R: Runtime> VcfOperations<'a, R> {
    /// Operations on `target`, whose calls go through `out`.
    pub(crate) fn new(target: &'a VcfTarget, out: &'a Outbound<'a, R>) -> Self {
        Self { target, client: Client::new(&target.settings, &target.cache, out), out }
    }
}

//! Every operation, by what it is about. Schemas are named as [`idhook::webhook::contract::schemas`] names them.

use crate::operation::Operation;

mod idhook;
mod vcf;
mod vidm;

/// The groups of operations, in the order they are shown.
pub(crate) const TAGS: [(&str, &str); 7] = [
    ("idhook", "idhook itself: no key is needed, no target is asked."),
    ("Syncs", "Directory syncs of vIDM: started, joined, watched, proven."),
    ("Directories", "vIDM's directories."),
    ("Groups", "Groups in vIDM, looked up exactly."),
    (
        "Identity providers",
        "SDDC Manager's identity providers: its own paths and bodies, checked before anything is sent.",
    ),
    ("Identity sources", "The directories behind SDDC Manager's embedded identity provider."),
    ("Diagnosis", "What is wrong with a target, and what to do about it."),
];

/// Every operation there is.
pub(crate) fn all() -> Vec<Operation> {
    [idhook::all(), vidm::all(), vcf::all()].into_iter().flatten().collect()
}

//! Every operation, by what it is about.
//!
//! A new route is described here, each method by itself: a stable `id`, a summary, the parameters of its query, what it takes and
//! each good answer with an example, and the codes that are its own. The rest follows from the route: parameters of the path
//! (described once, in `document.rs`), the scope, and what may go wrong with any operation of its kind (`codes` there). Schemas go
//! by the names that `contract::schemas` in the core gives them; a new type is added there. A new error code needs an example in
//! `problems.rs`. Then: `cargo xtask openapi`.

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

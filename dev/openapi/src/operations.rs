//! Every operation, by topic.
//!
//! Describe a new route here, each method separately: a stable `id`, a summary, the query parameters, the request, each
//! successful response with an example, and its own error codes. The rest follows from the route: path parameters (described
//! once, in `document.rs`), the scope, and the error codes of its kind (`codes` there). Schemas have the names that
//! `contract::schemas` in the core gives them; add new types there, or to `schemas` here if the core has no type for them. A
//! new error code needs an example in `problems.rs`. Then run `cargo xtask openapi`.

use serde_json::Value;

use crate::operation::Operation;

mod doctor;
mod fleet;
mod fleet_providers;
mod gate;
mod idhook;
mod syncs;
mod vcf;
mod vcf_apply;
mod vidm;

/// The group of operations on VCF Operations.
const FLEET: &str = "VCF Operations";

/// The groups of operations, in display order.
pub(crate) const TAGS: [(&str, &str); 10] = [
    ("idhook", "idhook itself: no call to a target, and no key needed except for the metrics."),
    ("Syncs", "Directory syncs of vIDM: start, join, watch, prove."),
    ("Directories", "vIDM's directories."),
    ("Groups", "Exact look-up of groups in vIDM."),
    (FLEET, "Directories, syncs and groups of VCF Operations (9.1 and later), in the form of vIDM's."),
    (
        "Identity providers",
        "SDDC Manager's identity providers: the vendor's paths and bodies, validated before they are sent.",
    ),
    ("Identity sources", "The directories behind SDDC Manager's embedded identity provider."),
    (
        "Tokens",
        "The token calls of SDDC Manager's API, for its existing clients: an API key of idhook in place of the password.",
    ),
    (
        "Identity providers of VCF 9",
        "The identity providers of VCF Operations: the vendor's bodies, validated before they are sent.",
    ),
    ("Diagnosis", "Finds what is wrong with a target, and the fix."),
];

/// The schemas that are not in `contract::schemas`, by name.
pub(crate) fn schemas() -> impl Iterator<Item = (String, Value)> {
    syncs::schemas().into_iter().map(|(name, schema)| (name.to_owned(), schema))
}

/// Every operation.
pub(crate) fn all() -> Vec<Operation> {
    [idhook::all(), syncs::all(), vidm::all(), vcf::all(), gate::all(), fleet::all(), fleet_providers::all()]
        .into_iter()
        .flatten()
        .collect()
}

//! Every use case once, on checked input, for the entry points [`webhook`](crate::webhook) and
//! [`embedded`](crate::embedded). The webhook adds HTTP, callers and scopes; `embedded` adds sessions. A decision that both
//! need belongs here.
//!
//! | in | what |
//! |---|---|
//! | `targets.rs` | a target with its caches |
//! | `syncs.rs` | directory syncs with their proof, for every product that has them |
//! | `vidm.rs` | directories, groups and health of a vIDM |
//! | `fleet.rs` | directories, groups and users of a VCF Operations |
//! | `fleet_providers.rs` | identity providers of a VCF Operations |
//! | `vcf.rs`, `put.rs`, `replace.rs`, `parts.rs` | identity providers and sources of an SDDC Manager |
//! | `read_back.rs` | the look at an object after its change |
//! | `apply.rs` | the whole job at an SDDC Manager: precheck, source or provider, roles of groups |
//! | `directory_service.rs` | each product as the sync protocol's `DirectoryService` |
//! | `doctor.rs` | the diagnosis of a target |
//! | `ensure_groups.rs` | whether a sync proves its groups |

mod apply;
mod directory_service;
mod doctor;
mod ensure_groups;
mod fleet;
mod fleet_providers;
mod parts;
mod put;
mod read_back;
mod replace;
mod syncs;
mod targets;
mod vcf;
mod vidm;

pub(crate) use apply::ApplyOrder;
pub use apply::{Applied, ApplySpec, GroupParts, GroupSpec, RoleSpec};
pub(crate) use doctor::{Diagnosis, Examination};
pub(crate) use ensure_groups::{blank_names, failure};
pub(crate) use fleet::FleetOperations;
pub use fleet_providers::Deletion;
pub(crate) use replace::Replacement;
pub(crate) use syncs::SyncOperations;
pub(crate) use targets::{FleetTarget, Targets, VcfTarget, VidmTarget};
pub(crate) use vcf::VcfOperations;
pub(crate) use vidm::VidmOperations;

//! Every use case once: what the entry points [`webhook`](crate::webhook) and [`embedded`](crate::embedded) offer, on checked
//! input. The webhook adds HTTP, callers and scopes; `embedded` adds sessions. If both need the same decision, it belongs here.
//!
//! | in | what |
//! |---|---|
//! | `targets.rs` | a target with what is remembered of it |
//! | `vidm.rs` | directories, syncs, groups and health of a vIDM |
//! | `vcf.rs`, `put.rs` | identity providers and sources of an SDDC Manager |
//! | `directory_service.rs` | vIDM as the sync protocol sees it |
//! | `doctor.rs` | what is wrong with a target |
//! | `ensure_groups.rs` | whether a sync proves the groups it was started for |

mod directory_service;
mod doctor;
mod ensure_groups;
mod put;
mod targets;
mod vcf;
mod vidm;

pub(crate) use doctor::{Diagnosis, Examination};
pub(crate) use ensure_groups::{blank_groups, failure};
pub(crate) use targets::{Targets, VcfTarget, VidmTarget};
pub(crate) use vcf::VcfOperations;
pub(crate) use vidm::VidmOperations;

//! Scenarios over the core: several calls, repeats, replays and how many calls were made. Nothing leaves the process:
//! the runtime is a [`script`], its clock included.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking, as tests do"
)]

mod outbound;
mod script;
mod session;
mod vcf_operations;
mod vcf_session;
mod vidm_login;
mod vidm_reads;
mod vidm_support;
mod vidm_sync;

//! Scenarios over the core: several calls, repeats, replays, and the number of calls. Nothing leaves the process: the
//! runtime is a [`script`], including its clock.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking, as tests do"
)]

mod architecture;
mod embedded;
mod fleet;
mod store;
mod support;
mod sync;
mod upstream;
mod vcf;
mod vidm;
mod webhook;

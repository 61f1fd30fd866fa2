//! Scenarios over the core: several calls, repeats, replays and how many calls were made. Nothing leaves the process:
//! the runtime is a [`script`], its clock included.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking, as tests do"
)]

mod embedded;
mod ensure_groups;
mod group_proof;
mod idempotency_schedules;
mod interleavings;
mod login_lockout;
mod memory_store;
mod outbound;
mod script;
mod session;
mod store;
mod sync_truth;
mod vcf_documents;
mod vcf_input;
mod vcf_operations;
mod vcf_paths;
mod vcf_session;
mod vidm_login;
mod vidm_profile;
mod vidm_proof;
mod vidm_reads;
mod vidm_runs;
mod vidm_support;
mod vidm_sync;
mod webhook_bodies;
mod webhook_callback;
mod webhook_config;
mod webhook_doctor;
mod webhook_hooks;
mod webhook_hostile;
mod webhook_idempotency;
mod webhook_input;
mod webhook_log;
mod webhook_long_groups;
mod webhook_mount;
mod webhook_neighbours;
mod webhook_page;
mod webhook_rate;
mod webhook_senders;
mod webhook_state_key;
mod webhook_support;
mod webhook_vcf_put;
mod webhook_watch_limit;

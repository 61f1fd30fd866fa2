//! That the simulator is as strict as it claims: one test for each rule a client could break.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "the helpers of tests are tests too")]

mod client;
mod control;
mod faults;
mod fleet_api_tokens;
mod fleet_directories;
mod fleet_login;
mod fleet_principals;
mod fleet_profile;
mod fleet_providers;
mod fleet_sync;
mod ops;
mod sddc_front;
mod sddc_providers;
mod sddc_tokens;
mod sddc_users;
mod sddc_versions;
mod tls;
mod vidm_directories;
mod vidm_login;
mod vidm_profile;
mod vidm_scim;
mod vidm_sync;

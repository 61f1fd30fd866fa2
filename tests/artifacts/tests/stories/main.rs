//! The main job and what can go wrong with it, over the component that ships.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "these are tests, helpers included")]

mod artifact;
mod callback;
mod callers;
mod doctor;
mod documents;
mod faults;
mod idempotency;
mod payloads;
mod put;
mod scene;
mod secrets;
mod store;
mod syncs;
mod vcf;
mod vidm;

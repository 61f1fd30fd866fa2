//! The main job and what can go wrong with it, over the component that ships.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "these are tests, helpers included")]

mod artifact;
mod browser;
mod callback;
mod callers;
mod contract;
mod crowds;
mod doctor;
mod documents;
mod examples;
mod fault_table;
mod faults;
mod hooks;
mod idempotency;
mod npm;
mod page;
mod payloads;
mod programs;
mod put;
mod scene;
mod secrets;
mod snippets;
mod store;
mod syncs;
mod together;
mod tools;
mod vcf;
mod vidm;
mod watchers;

/// Says that a story is not told here, and why; with `CI` set in the environment that is a failure.
#[track_caller]
fn skip(why: &str) {
    assert!(std::env::var_os("CI").is_none_or(|value| value.is_empty()), "{why}");
    // Not `eprintln!`, which a passing test keeps to itself.
    let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("SKIPPED: {why}\n").as_bytes());
}

//! Stories that need more than Rust: Node.js, Python, a browser, curl, wasmtime or jco. `cargo xtask ci tools` runs them.

mod axe;
mod bindings;
mod browser;
mod dist;
mod driver;
mod examples;
mod gate;
mod install;
mod library;
mod line;
mod npm;
mod page;
mod page_fleet;
mod page_views;
mod programs;
mod python;
mod scheduled;
mod snippets;
mod stub;
mod vendor_client;
mod wasmtime_serve;

/// Skips a story and reports why; with `CI` set in the environment that is a failure.
#[track_caller]
fn skip(why: &str) {
    assert!(std::env::var_os("CI").is_none_or(|value| value.is_empty()), "{why}");
    // Not `eprintln!`, whose output passing tests hide.
    let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("SKIPPED: {why}\n").as_bytes());
}

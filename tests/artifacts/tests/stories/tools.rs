//! Stories that need more than Rust: Node.js, Python, a browser, curl, wasmtime or jco. `cargo xtask ci tools` runs them.

mod axe;
mod browser;
mod dist;
mod doors;
mod driver;
mod examples;
mod install;
mod library;
mod line;
mod npm;
mod page;
mod page_views;
mod programs;
mod snippets;
mod stub;
mod wasmtime_serve;

/// Says that a story is not told here, and why; with `CI` set in the environment that is a failure.
#[track_caller]
fn skip(why: &str) {
    assert!(std::env::var_os("CI").is_none_or(|value| value.is_empty()), "{why}");
    // Not `eprintln!`, which a passing test keeps to itself.
    let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("SKIPPED: {why}\n").as_bytes());
}

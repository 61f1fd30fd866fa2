//! The library binding: typed functions over WASI 0.2 for programs that embed components, in Python, Node or Rust. The
//! contract is `wit/`, the implementation `idhook::embedded`. This crate only translates, and contains no panic: a panic
//! would end the instance with all its sessions.
//!
//! The functions are synchronous, because most hosts support no others: each drives the core to its end before it returns.

mod bindings;
mod directories;
mod failure;
mod fleet;
mod identity_providers;
mod numbers;
mod providers;
mod specs;
mod syncs;

use idhook_wasip2::Wasi;

/// The type that implements the exports.
#[derive(Debug)]
pub(crate) struct Library;

/// The sessions' runtime.
fn runtime() -> Wasi {
    Wasi::new()
}

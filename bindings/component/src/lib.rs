//! The library door: typed functions over WASI 0.2 for whoever embeds components, in Python, Node or Rust. The contract is
//! `wit/`; what is done is `idhook::embedded`. This translates between the two and decides nothing, and there is no panic in
//! it, for a panic would end the instance with all its sessions.
//!
//! The functions are synchronous, for most hosts can call no others: each drives the core to its end before it comes back.

mod bindings;
mod directories;
mod failure;
mod identity_providers;
mod numbers;
mod providers;
mod specs;

use idhook_wasip2::Wasi;

/// What the exports are implemented for.
#[derive(Debug)]
pub(crate) struct Library;

/// What the sessions run in.
fn runtime() -> Wasi {
    Wasi::new()
}

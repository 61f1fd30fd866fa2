//! Shared by the bindings for WASI 0.2: an event loop over `wasi:io/poll`, clocks, random numbers and the log, a client over
//! `wasi:http/outgoing-handler`, and the handling of one incoming request.
//!
//! A binding that serves HTTP calls [`serve`] with its store, if it has one; a binding with plain functions drives the core
//! with [`block_on`]. This crate only translates, and contains no panic. `docs/decisions/0001-wasip2-glue.md` explains why
//! it does not use `wstd`.

mod client;
mod reactor;
mod runtime;
mod server;
mod stream;

pub use reactor::{block_on, ready};
pub use runtime::{Wasi, sleep};
pub use server::{Reports, serve};

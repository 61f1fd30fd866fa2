//! What every face on WASI 0.2 shares: a loop that drives futures over `wasi:io/poll`, clocks, chance and the log, outbound
//! HTTP over `wasi:http/outgoing-handler`, and the serving of one incoming request.
//!
//! A face picks what it needs: one that serves HTTP calls [`serve`] with its store, if it has one; one whose exports are plain
//! functions drives the core with [`block_on`]. Like every face it decides nothing, and there is no panic in it.
//!
//! # Why not `wstd`
//! The Bytecode Alliance's `wstd` 0.6.8 was weighed. Its server takes only streams that are `Send`, which one over the core's
//! futures is not; its client gives up where a host does not support one of the time-outs, and gives an answer up when the
//! request's body was not wanted whole; and both unwrap what a host may refuse. What would be left of it is its reactor, which
//! is [`block_on`] and [`ready`] here. A component that calls and sleeps came out at 263 kB with it and at 147 kB with this.

mod client;
mod reactor;
mod runtime;
mod server;
mod stream;

pub use reactor::{block_on, ready};
pub use runtime::{Wasi, sleep};
pub use server::{Reports, serve};

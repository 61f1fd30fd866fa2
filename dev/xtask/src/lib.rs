//! The commands, one file each: `cargo xtask help --all` lists them.
//!
//! The artifact tests use [`artifact`] too, so that they test the very components that ship, and [`redis`],
//! [`ports`] and [`limits`].

pub mod artifact;
pub mod bench;
pub mod build;
pub mod bundle;
pub mod caller;
pub mod ci;
pub mod cli;
pub mod completions;
pub mod contract;
pub mod demo;
pub mod dist;
pub mod docs;
pub mod doctor;
pub mod fuzz;
mod hosting;
mod https;
pub mod key;
pub mod limits;
pub mod npm;
pub mod openapi;
pub mod ports;
pub mod python;
pub mod redis;
pub mod release;
mod report;
pub mod serve;
pub mod settings;
pub mod simulator;
mod terminal;
pub mod version;
pub mod watchers;

/// Prints an error on stderr: what failed, then the fix.
pub fn complain(e: &anyhow::Error) {
    terminal::complain(e);
}

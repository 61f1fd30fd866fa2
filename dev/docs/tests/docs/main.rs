//! The documentation is true: what is generated is up to date, links lead somewhere, nothing is missing, and code blocks are valid.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "these are tests, helpers included")]

mod code;
mod complete;
mod current;
mod deploy;
mod links;
mod log_version;
mod observe;
mod page;
mod programs;

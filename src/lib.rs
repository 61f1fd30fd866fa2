//! idhook: an identity webhook for VMware estates.
//!
//! This crate is the whole of it but for the doors. It does no I/O: requests come in as [`http`](::http) values, calls go
//! out through [`http::HttpClient`], time is [`runtime::Clock`]'s. A face (a package below `bindings`) binds it to a
//! runtime and decides nothing.
//!
//! ```text
//!  faces/{spin, spin2, wasi} ──► webhook ──┐
//!                                          ├──► sync, vidm, vcf ──► session, outbound ──► endpoint, retry ──► http, runtime, auth, error
//!  faces/{library, node} ──► embedded ─────┘
//! ```
//!
//! * [`webhook`]: the HTTP contract: routes, callers, input, problems, the log line.
//! * [`embedded`]: the same as functions, for who embeds idhook and serves nothing.
//! * [`sync`]: syncs one can trust, on top of [`vidm`]: start, join, state, proof; the protocol is written down there.
//! * [`vidm`]: VMware Identity Manager, now Workspace ONE Access: login, directories, sync, groups, health.
//! * [`vcf`]: SDDC Manager of VMware Cloud Foundation: tokens, identity providers and sources.
//! * [`config`]: every variable, read and checked once.
//! * [`session`], [`outbound`], [`endpoint`], [`retry`]: how any upstream call is made.
//! * [`store`], [`seal`], [`state_key`]: what instances share, where the runtime has a key-value store.
//! * [`http`], [`runtime`], [`auth`], [`error`]: the ground they stand on.

#![forbid(unsafe_code)]

pub mod api_key;
pub mod config;
pub mod directory;
mod dn;
pub mod embedded;
pub mod error;
pub mod http;
mod json;
mod operations;
mod poll_lock;
mod redact;
pub mod retry;
pub mod runtime;
pub mod secret;
pub mod shared_state;
mod spelling;
pub mod store;
pub mod sync;
mod template;
pub mod upstream;
pub mod vcf;
pub mod vidm;
pub mod webhook;

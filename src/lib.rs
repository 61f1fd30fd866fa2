//! idhook: an identity webhook for VMware systems.
//!
//! This crate contains everything except the runtime bindings. It does no I/O: requests arrive as [`http`](::http) values, calls
//! leave through [`http::HttpClient`], and time is read from [`runtime::Clock`]. A binding (a package below `bindings`)
//! connects it to one runtime and decides nothing.
//!
//! ```text
//! webhook, embedded → operations → sync, config → vidm, vcf, fleet → directory, upstream → shared_state → http, json, secret, error, store, runtime, …
//! ```
//!
//! * [`webhook`]: the HTTP contract: routes, callers, input, problems, the log line.
//! * [`embedded`]: the same operations as functions, for programs without an HTTP server.
//! * `operations`: every use case once.
//! * [`sync`]: the sync protocol: start, join, observe, prove.
//! * [`vidm`], [`vcf`], [`fleet`]: the APIs of VMware Identity Manager (Workspace ONE Access), SDDC Manager and VCF Operations.
//! * `fuzzing` (feature of the same name): entry points for fuzzers.
//! * `oidc`: callers with tokens of OpenID Connect issuers.
//! * [`config`]: every variable, read and checked once.
//! * [`upstream`]: how every upstream call is made.
//! * [`shared_state`], [`store`]: state that instances share, if the runtime has a key-value store.
//! * [`http`], [`runtime`], [`secret`], [`error`]: ports and values that everything else uses.
//!
//! `ARCHITECTURE.md` has the whole module map, which a test compares with the imports, and follows one request through it.

#![forbid(unsafe_code)]

#[macro_use]
mod table;

pub mod api_key;
mod certificate;
mod change;
pub mod config;
pub mod directory;
mod dn;
pub mod embedded;
pub mod error;
pub mod fleet;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
pub mod http;
mod json;
mod oidc;
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

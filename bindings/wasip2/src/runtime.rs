//! The clocks, random numbers and log of WASI 0.2 as the core's ports.

use std::io::Write as _;
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime};

use idhook::runtime::{Clock, Runtime};
use idhook::store::{NoStore, Store};
use wasip2::clocks::monotonic_clock;
use wasip2::random::random;

use crate::reactor::ready;

/// A runtime of WASI 0.2, with the store `S` if its binding has one.
#[derive(Debug, Clone, Copy)]
pub struct Wasi<S = NoStore> {
    store: Option<S>,
}

impl Wasi<NoStore> {
    /// The runtime of plain WASI, without a store.
    #[must_use]
    pub const fn new() -> Self {
        Self { store: None }
    }
}

impl Default for Wasi<NoStore> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Wasi<S> {
    /// A runtime with a store.
    pub const fn with_store(store: S) -> Self {
        Self { store: Some(store) }
    }
}

/// Returns after `duration`.
pub async fn sleep(duration: Duration) {
    let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    ready(monotonic_clock::subscribe_duration(nanoseconds)).await;
}

impl<S> Clock for Wasi<S> {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn elapsed(&self) -> Duration {
        static START: OnceLock<Instant> = OnceLock::new();
        START.get_or_init(Instant::now).elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        sleep(duration).await;
    }
}

impl<S: Store> Runtime for Wasi<S> {
    type Store = S;

    fn store(&self) -> Option<&S> {
        self.store.as_ref()
    }

    fn random(&self) -> u64 {
        random::get_random_u64()
    }

    fn log(&self, line: &str) {
        // One write for the line and its newline: stderr has no buffer, and `writeln!` would write twice, so another
        // instance's line could come in between. A failed write of the log cannot be reported.
        let _ = std::io::stderr().write_all(format!("{line}\n").as_bytes());
    }

    /// A component cannot determine its host.
    fn how_to_trust(&self) -> &'static str {
        "for Spin a [[client_tls]] table with ca_roots_file in the runtime configuration, for Node.js NODE_EXTRA_CA_CERTS, and \
         with wasmtime serve, which cannot be given a CA, a proxy that trusts it"
    }
}

//! Spin's clocks, random numbers, log and store as the core's ports.

use std::io::Write as _;
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime};

use idhook::runtime::{Clock, Runtime};

use crate::store::SpinStore;

/// The runtime of this component.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spin;

impl Clock for Spin {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn elapsed(&self) -> Duration {
        static START: OnceLock<Instant> = OnceLock::new();
        START.get_or_init(Instant::now).elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        spin_sdk::time::sleep(duration).await;
    }
}

impl Runtime for Spin {
    type Store = SpinStore;

    fn store(&self) -> Option<&SpinStore> {
        Some(&SpinStore)
    }

    fn random(&self) -> u64 {
        spin_sdk::wasip3::random::random::get_random_u64()
    }

    fn log(&self, line: &str) {
        // One write for the line and its newline: stderr has no buffer, and `writeln!` would write twice, so another
        // instance's line could come in between. A failed write of the log cannot be reported.
        let _ = std::io::stderr().write_all(format!("{line}\n").as_bytes());
    }
}

//! A lock among the requests of one instance that waits by asking again.
//!
//! The usual asynchronous locks let the task that releases wake the one that waits. In a component each request is a task of the
//! host's, and one that is woken by another, with nothing of the host's to wait for, traps the whole instance unless the
//! bindings were built for it; those that are, trap in newer hosts (wit-bindgen 0.57, wasmtime 48). Asking again every few
//! milliseconds works everywhere, and what is waited for here is an upstream's answer, which takes longer.

use std::time::Duration;

use futures_util::lock::{Mutex, MutexGuard};

use crate::runtime::Clock;

/// How long to wait before asking again.
pub(crate) const PAUSE: Duration = Duration::from_millis(10);

/// Takes the lock, when its holder has done.
pub(crate) async fn lock<'m, T>(mutex: &'m Mutex<T>, clock: &impl Clock) -> MutexGuard<'m, T> {
    loop {
        if let Some(guard) = mutex.try_lock() {
            return guard;
        }
        clock.sleep(PAUSE).await;
    }
}

//! A lock between requests of one instance that waits by polling.
//!
//! With the usual asynchronous locks the releasing task wakes the waiting one. In a component each request is a task of the
//! host. A task woken by another task, without anything of the host to wait for, traps the whole instance unless the
//! bindings support it; bindings that do trap in newer hosts (wit-bindgen 0.57, wasmtime 48). Polling every few milliseconds
//! works everywhere, and the holder usually waits for an upstream's response, which takes longer.

use std::time::Duration;

use futures_util::lock::{Mutex, MutexGuard};

use crate::runtime::Clock;

/// The polling interval.
pub(crate) const PAUSE: Duration = Duration::from_millis(10);

/// Waits until the lock is free, and takes it.
pub(crate) async fn lock<'m, T>(mutex: &'m Mutex<T>, clock: &impl Clock) -> MutexGuard<'m, T> {
    loop {
        if let Some(guard) = mutex.try_lock() {
            return guard;
        }
        clock.sleep(PAUSE).await;
    }
}

//! Drives futures on WASI 0.2, which has no tasks: each waiting future waits for a pollable of the host, and one call waits
//! for all pollables.

use std::cell::RefCell;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use wasip2::io::poll::{Pollable, poll};

thread_local! {
    /// The awaited pollables and their wakers.
    static WAITING: RefCell<Vec<(Rc<Pollable>, Waker)>> = const { RefCell::new(Vec::new()) };
}

/// Returns when `pollable` is ready.
///
/// A pollable must be dropped before the object it was made from (a stream, say): await this at once, or drop it first.
pub fn ready(pollable: Pollable) -> impl Future<Output = ()> {
    Ready(Rc::new(pollable))
}

struct Ready(Rc<Pollable>);

impl Ready {
    fn forget(&self) {
        WAITING.with_borrow_mut(|waiting| waiting.retain(|(pollable, _)| !Rc::ptr_eq(pollable, &self.0)));
    }
}

impl Future for Ready {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.forget();
        if self.0.ready() {
            return Poll::Ready(());
        }
        let entry = (Rc::clone(&self.0), context.waker().clone());
        WAITING.with_borrow_mut(|waiting| waiting.push(entry));
        Poll::Pending
    }
}

impl Drop for Ready {
    fn drop(&mut self) {
        self.forget();
    }
}

/// Whether the future was woken since it was last polled.
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Drives `future` to its end; nothing else runs in this instance meanwhile.
///
/// A future that waits for no pollable and was not woken would wait for ever: the host then ends the instance
/// (`wasi:io/poll` traps on an empty list), which is better than a hang.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let woken = Arc::new(Woken(AtomicBool::new(false)));
    let waker = Waker::from(Arc::clone(&woken));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        while !woken.0.swap(false, Ordering::Relaxed) {
            wait();
        }
    }
}

/// Waits until one of the pollables is ready, and wakes its future.
fn wait() {
    let waiting = WAITING.with_borrow(Clone::clone);
    let pollables: Vec<_> = waiting.iter().map(|(pollable, _)| &**pollable).collect();
    for index in poll(&pollables) {
        if let Some((_, waker)) = usize::try_from(index).ok().and_then(|index| waiting.get(index)) {
            waker.wake_by_ref();
        }
    }
}

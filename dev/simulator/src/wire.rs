//! Below HTTP: a TCP stream that a handler can tear down, and misbehaving bodies.

use bytes::{Buf as _, Bytes};
use hyper::body::{Body, Frame};
use std::convert::Infallible;
use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::Sleep;

/// Ends a connection at once when triggered.
#[derive(Debug, Default)]
pub(crate) struct Cord {
    reset: AtomicBool,
    pull: Notify,
}

impl Cord {
    /// Tears the connection down with a TCP reset; never returns.
    pub(crate) async fn reset<T>(&self) -> T {
        self.reset.store(true, Ordering::Relaxed);
        self.pull.notify_one();
        std::future::pending().await
    }

    /// Closes the connection, with or without TLS, without any further data.
    fn close(&self) {
        self.pull.notify_one();
    }

    pub(crate) async fn pulled(&self) {
        self.pull.notified().await;
    }
}

/// A TCP stream that is torn down when its trigger fires.
#[derive(Debug)]
pub(crate) struct Wire {
    tcp: TcpStream,
    cord: Arc<Cord>,
}

impl Wire {
    pub(crate) fn new(tcp: TcpStream, cord: Arc<Cord>) -> Self {
        Self { tcp, cord }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.cord.reset.load(Ordering::Relaxed) {
            // Closing with a linger time of zero sends RST instead of FIN.
            let _ = self.tcp.set_zero_linger();
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(context)
    }
}

/// A body of unknown length in pieces, which may never end.
#[derive(Debug)]
pub(crate) struct Paced {
    rest: Bytes,
    piece: usize,
    pause: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
    /// Triggered instead of an end.
    cut: Option<Arc<Cord>>,
}

impl Paced {
    /// A few bytes at a time, with a pause before each.
    pub(crate) fn drip(rest: Bytes, piece: usize, pause: Duration) -> Self {
        Self { rest, piece, pause, sleep: None, cut: None }
    }

    /// The whole body, after which the connection is closed.
    pub(crate) fn then_cut(rest: Bytes, cord: Arc<Cord>) -> Self {
        Self { rest, piece: usize::MAX, pause: Duration::ZERO, sleep: None, cut: Some(cord) }
    }
}

impl Body for Paced {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if !self.rest.has_remaining() {
            return match &self.cut {
                None => Poll::Ready(None),
                Some(cord) => {
                    cord.close();
                    Poll::Pending
                }
            };
        }
        if !self.pause.is_zero() {
            let pause = self.pause;
            let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep(pause)));
            std::task::ready!(sleep.as_mut().poll(context));
            self.sleep = None;
        }
        let piece = self.piece.min(self.rest.len());
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(piece)))))
    }
}

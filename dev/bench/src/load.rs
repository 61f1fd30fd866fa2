//! The load generator: several callers, each with its own connection and one request after another.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::task::JoinSet;

use crate::wire::Prompt;

/// A repeated request.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// A cell's limits: the first one reached ends it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) requests: usize,
    pub(crate) time: Duration,
}

/// The callers' results.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// The duration of each successful request.
    pub(crate) latencies: Vec<Duration>,
    /// Responses without success status, and broken connections.
    pub(crate) failures: usize,
    pub(crate) elapsed: Duration,
}

impl Seen {
    /// The latency that this share of the requests did not exceed.
    pub(crate) fn percentile(&self, share: f64) -> Duration {
        let mut sorted = self.latencies.clone();
        sorted.sort_unstable();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index within the list")]
        let at = (sorted.len().saturating_sub(1) as f64 * share).round() as usize;
        sorted.get(at).copied().unwrap_or_default()
    }
}

/// One complete response.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// A keep-alive connection.
pub(crate) struct Connection {
    address: SocketAddr,
    sender: http1::SendRequest<Full<Bytes>>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = Prompt::connect(address).await?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { address, sender })
    }

    fn request(&self, order: &Order) -> Result<Request<Full<Bytes>>> {
        let mut request = Request::new(Full::new(order.body.clone()));
        *request.method_mut() = order.method.clone();
        *request.uri_mut() = order.path.parse()?;
        request.headers_mut().clone_from(&order.headers);
        request.headers_mut().insert(http::header::HOST, self.address.to_string().parse()?);
        Ok(request)
    }

    pub(crate) async fn send(&mut self, order: &Order) -> Result<Reply> {
        let request = self.request(order)?;
        self.sender.ready().await?;
        let (parts, body) = self.sender.send_request(request).await?.into_parts();
        Ok(Reply { status: parts.status, headers: parts.headers, body: body.collect().await?.to_bytes() })
    }
}

/// Sends one request on a new connection; a response without success status is an error.
pub(crate) async fn once(address: SocketAddr, order: &Order) -> Result<Reply> {
    let reply = Connection::open(address).await?.send(order).await?;
    ensure!(reply.status.is_success(), "{} {}: {} {:?}", order.method, order.path, reply.status, reply.body);
    Ok(reply)
}

/// Lets `callers` send the order until a limit is reached.
pub(crate) async fn run(address: SocketAddr, order: &Order, callers: usize, bounds: Bounds) -> Result<Seen> {
    let left = Arc::new(AtomicUsize::new(bounds.requests));
    let order = Arc::new(order.clone());
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..callers {
        let (left, order) = (Arc::clone(&left), Arc::clone(&order));
        tasks.spawn(async move { caller(address, &order, &left, begun + bounds.time).await });
    }
    let mut all = Seen::default();
    while let Some(seen) = tasks.join_next().await {
        let seen = seen.context("a caller ended early")?;
        all.latencies.extend(seen.latencies);
        all.failures += seen.failures;
    }
    all.elapsed = begun.elapsed();
    Ok(all)
}

async fn caller(address: SocketAddr, order: &Order, left: &AtomicUsize, end: Instant) -> Seen {
    let mut seen = Seen::default();
    let mut connection = None;
    while Instant::now() < end && left.try_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)).is_ok() {
        let sent = Instant::now();
        let reply = async {
            let open = match connection.take() {
                Some(open) => open,
                None => Connection::open(address).await?,
            };
            connection.insert(open).send(order).await
        };
        match reply.await {
            Ok(reply) if reply.status.is_success() => seen.latencies.push(sent.elapsed()),
            Ok(_) => seen.failures += 1,
            Err(_) => {
                seen.failures += 1;
                connection = None;
            }
        }
    }
    seen
}

/// An event stream that is read and discarded until it is dropped.
pub(crate) struct Watcher(tokio::task::AbortHandle);

impl Watcher {
    /// Opens it, and waits for its first piece.
    pub(crate) async fn open(address: SocketAddr, order: &Order) -> Result<Self> {
        let mut connection = Connection::open(address).await?;
        let response = connection.sender.send_request(connection.request(order)?).await?;
        ensure!(response.status().is_success(), "{}: {}", order.path, response.status());
        let mut body = response.into_body();
        body.frame().await.context("the stream ended at once")??;
        let reading = tokio::spawn(async move {
            let _open = connection;
            while let Some(Ok(_)) = body.frame().await {}
        });
        Ok(Self(reading.abort_handle()))
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.0.abort();
    }
}

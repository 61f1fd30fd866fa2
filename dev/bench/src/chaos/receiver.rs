//! The receiver of callbacks: verifies and keeps each message.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use standardwebhooks::Webhook;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use super::tally::Tally;

/// The secret that signs the messages.
pub(super) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// The time between a message's arrival and the response: hosts shall die within it.
const SLOW: Duration = Duration::from_millis(150);

/// Each of so many messages is answered with 503.
const REJECTED: u64 = 20;

/// The receiver; dropping it ends it.
pub(super) struct Receiver {
    pub(super) url: String,
    kept: Arc<Kept>,
    server: AbortHandle,
}

struct Kept {
    /// By sync id.
    messages: Mutex<BTreeMap<String, Received>>,
    webhook: Webhook,
    tally: Arc<Tally>,
}

/// The messages about one sync.
#[derive(Clone, Debug, Default)]
pub(super) struct Received {
    /// The `webhook-id` of each.
    pub(super) ids: Vec<String>,
    /// How many were accepted.
    pub(super) accepted: usize,
}

impl Receiver {
    pub(super) async fn start(tally: &Arc<Tally>) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address: SocketAddr = listener.local_addr()?;
        let kept =
            Arc::new(Kept { messages: Mutex::default(), webhook: Webhook::new(SECRET)?, tally: Arc::clone(tally) });
        let server = tokio::spawn(listen(listener, Arc::clone(&kept))).abort_handle();
        Ok(Self { url: format!("http://{address}"), kept, server })
    }

    /// The messages so far, by sync id.
    pub(super) fn messages(&self) -> BTreeMap<String, Received> {
        self.kept.messages.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn listen(listener: TcpListener, kept: Arc<Kept>) {
    while let Ok((stream, _)) = listener.accept().await {
        let kept = Arc::clone(&kept);
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let kept = Arc::clone(&kept);
                async move { Ok::<_, Infallible>(kept.take(request).await) }
            });
            // An error here is a host that was killed.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

impl Kept {
    async fn take(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        let Ok(body) = body.collect().await.map(http_body_util::Collected::to_bytes) else {
            return answer(StatusCode::BAD_REQUEST);
        };
        self.tally.count("messages");
        if self.webhook.verify(&body, &parts.headers).is_err() {
            self.tally.broke("every message is signed", String::from_utf8_lossy(&body));
        }
        let state: Value = serde_json::from_slice(&body).unwrap_or_default();
        let text = |name: &str| state.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        if !matches!(text("status").as_str(), "succeeded" | "failed") {
            self.tally.broke("every message has a final state", &state);
        }
        let is_rejected = self.tally.fact("messages").is_multiple_of(REJECTED);
        let id = parts.headers.get("webhook-id").and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned();
        {
            let mut messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
            let received = messages.entry(text("id")).or_default();
            received.ids.push(id);
            received.accepted += usize::from(!is_rejected);
        }
        tokio::time::sleep(SLOW).await;
        answer(if is_rejected { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::NO_CONTENT })
    }
}

fn answer(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::new()));
    *response.status_mut() = status;
    response
}

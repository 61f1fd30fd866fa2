//! Sends a message to a receiver when a sync has ended, signed according to Standard Webhooks 1.0
//! (<https://www.standardwebhooks.com>). The request that first observes the end sends it. There is no background work:
//! without any request, no message is sent; `POST …/advance` is such a request for all syncs of a target.

use std::pin::pin;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::future::{Either, select};
use http::{HeaderName, HeaderValue, Method, Request, Response};

use super::kept_request::StartedSync;
use super::metrics::{FAILED, Family, SUCCEEDED};
use super::{Configured, idempotency};
use crate::config::Callback;
use crate::error::{Error, UpstreamEvidence};
use crate::retry::Repeat;
use crate::runtime::Runtime;
use crate::shared_state::hmac;
use crate::upstream::{Api, Endpoint, with_body};
use crate::upstream::{Destination, Outbound};

/// How long a receiver may take. The request that observes the end waits meanwhile.
const TIME: Duration = Duration::from_secs(5);

/// No message is sent for a sync requested longer ago; sent messages are remembered for the same time.
pub(super) const LIFE: Duration = Duration::from_hours(24);

/// A receiver, as an upstream without an error format of its own.
struct Receiver;

impl Api for Receiver {
    type Dialect = ();

    fn read_error(_: &[u8]) -> Option<UpstreamEvidence> {
        None
    }
}

/// `POST` to a receiver, with the three headers of Standard Webhooks. Any 2xx is a success, and so is 410: the receiver
/// wants no more messages.
struct Message<'m> {
    path: &'m str,
    headers: [(&'static str, String); 3],
    body: Bytes,
}

impl Endpoint for Message<'_> {
    type Api = Receiver;
    type Response = ();

    const CALL: &'static str = "POST callback";
    const REPEAT: Repeat = Repeat::IfNeverArrived;
    const IS_CALLBACK: bool = true;
    // Receivers respond with anything, even HTML pages.
    const READS_ANSWER: bool = false;

    fn request(&self, (): &()) -> Result<Request<Bytes>, Error> {
        let mut request = with_body(Method::POST, self.path, "*/*", "application/json", self.body.clone())?;
        for (name, value) in &self.headers {
            if let Ok(value) = HeaderValue::from_str(value) {
                request.headers_mut().insert(HeaderName::from_static(name), value);
            }
        }
        Ok(request)
    }

    fn response(&self, _: Response<Bytes>) -> Result<(), Error> {
        Ok(())
    }
}

/// The message `id` with `body` and `timestamp` for this receiver.
fn message(to: &Callback, id: String, timestamp: u64, body: Bytes) -> Message<'_> {
    let signed = [format!("{id}.{timestamp}.").as_bytes(), &body].concat();
    let signature = format!("v1,{}", STANDARD.encode(hmac(&to.key(), &signed)));
    let headers = [("webhook-id", id), ("webhook-timestamp", timestamp.to_string()), ("webhook-signature", signature)];
    Message { path: to.path.expose(), headers, body }
}

/// Sends the message to the receiver in `sync`, unless it was sent before: `document` is the sync's final state. A failure
/// never fails the response; the next request that observes the end tries again. Returns whether no message is owed any more.
pub(super) async fn deliver<R: Runtime>(
    configured: &Configured,
    out: &Outbound<'_, R>,
    sync: &StartedSync,
    document: impl FnOnce() -> Vec<u8>,
) -> bool {
    let named = sync.request.callback.as_deref().and_then(|name| configured.config.callback(name));
    let Some(to) = named.filter(|callback| callback.is_for(&sync.request.target)) else {
        return true;
    };
    let now = out.runtime().now();
    if now.duration_since(sync.request.requested()).is_ok_and(|age| age >= LIFE) {
        return true;
    }
    let key = idempotency::Key::of_message(&to.name, &sync.id);
    let work = async {
        let timestamp = now.duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs();
        let message = message(to, key.message_id(), timestamp, Bytes::from(document()));
        let destination = Destination { target: &to.name, url: &to.url, dialect: &() };
        let sent = pin!(out.call(&destination, &message, None));
        let is_done = match select(sent, pin!(out.runtime().sleep(TIME))).await {
            Either::Left((Ok(()), _)) => true,
            Either::Left((Err(e), _)) => e.upstream_status() == Some(http::StatusCode::GONE),
            Either::Right(_) => {
                out.gave_up(&destination, &message, TIME.as_secs() * 1000);
                false
            }
        };
        let outcome = if is_done { SUCCEEDED } else { FAILED };
        configured.metrics.count(|totals| totals.count(Family::Callbacks, &[&to.name, outcome]));
        is_done
    };
    idempotency::unless_done(&key, configured, out.store(), TIME, work).await
}

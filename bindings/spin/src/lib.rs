//! The Spin binding: a WASI 0.3 HTTP service that passes requests to [`idhook::webhook`], with Spin's outbound HTTP, clocks
//! and variables. It only translates, and contains no panic: a panic would end every other request in the instance.

mod client;
mod runtime;
mod store;

use std::cell::OnceCell;
use std::rc::Rc;

use bytes::Bytes;
use futures_util::stream::{iter, unfold};
use futures_util::{Stream, StreamExt as _};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use idhook::config::{VARIABLES, VariableSource};
use idhook::webhook::{Body, BodyBounds, Broken, Content, Webhook, add_reports_of_spin};
use spin_sdk::http::{Request, Response};
use spin_sdk::variables;
use spin_sdk::wasip3::http_compat::IncomingRequestBody;
use spin_sdk::wasip3::spawn;
use std::convert::Infallible;
use std::pin::Pin;

/// How many variables are read at the same time.
const AT_ONCE: usize = 8;

thread_local! {
    /// The instance's webhook, kept between requests. Spin drops an instance that is idle for a second.
    static WEBHOOK: OnceCell<Rc<Webhook>> = const { OnceCell::new() };
}

/// A response's body: whole, or a stream that produces its next piece only when the last one is sent, and ends when its
/// reader is gone.
type Outgoing =
    http_body_util::Either<Full<Bytes>, StreamBody<Pin<Box<dyn Stream<Item = Result<Frame<Bytes>, Infallible>>>>>>;

/// Handles one request.
#[spin_sdk::http_service]
async fn handle(mut request: Request) -> Response<Outgoing> {
    let webhook = webhook().await;
    add_reports_of_spin(&mut request);
    let is_head = request.method() == http::Method::HEAD;
    let response = webhook.handle(&runtime::Spin, request, read).await;
    let (mut parts, content) = response.into_parts();
    if let Some(length) = content.length(parts.status, is_head) {
        parts.headers.insert(http::header::CONTENT_LENGTH, length.into());
    }
    let body = match content {
        Content::Whole(bytes) => Outgoing::Left(Full::new(bytes)),
        Content::Events(events) => {
            let pieces =
                unfold(events, async |mut events| events.next().await.map(|piece| (Ok(Frame::data(piece)), events)));
            Outgoing::Right(StreamBody::new(Box::pin(pieces)))
        }
    };
    // Spin keeps the instance until this is done, unless it is stopped itself.
    spawn(async move { webhook.flush_metrics_when_due(&runtime::Spin).await });
    Response::from_parts(parts, body)
}

/// The instance's webhook, made on the first request. While a variables provider fails it is made again each time, so that
/// the instance recovers when the provider does.
async fn webhook() -> Rc<Webhook> {
    if let Some(webhook) = WEBHOOK.with(|cell| cell.get().cloned()) {
        return webhook;
    }
    let mut readings = VariableSource::default();
    // Several at the same time: a provider such as Vault needs a request for each.
    let values = iter(VARIABLES).map(|variable| variables::get(variable.name)).buffered(AT_ONCE);
    for (variable, value) in VARIABLES.iter().zip(values.collect::<Vec<_>>().await) {
        match value {
            Ok(value) => readings.value(variable.name, value),
            Err(variables::Error::Undefined(_)) => {}
            // The provider's message may quote the value.
            Err(_) => readings.unreadable(variable.name),
        }
    }
    let webhook = Rc::new(Webhook::of_readings(&readings));
    if !readings.are_whole() {
        return webhook;
    }
    WEBHOOK.with(|cell| cell.get_or_init(|| webhook).clone())
}

/// Reads a request body within bounds.
async fn read(mut body: IncomingRequestBody, bounds: BodyBounds) -> Body {
    let next = async || {
        // A frame without data contains trailers, which are not used.
        let frame = body.frame().await?;
        Some(frame.map(|frame| frame.into_data().unwrap_or_default()).map_err(|_| Broken))
    };
    bounds.read(&runtime::Spin, next).await
}

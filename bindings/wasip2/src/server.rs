//! Handles one incoming request of `wasi:http/incoming-handler`.

use std::rc::Rc;

use http::{Method as HttpMethod, Request, Response, Uri};
use idhook::runtime::Runtime;
use idhook::webhook::{Body, BodyBounds, Broken, Content, Webhook};
use wasip2::http::types::{
    ErrorCode, Fields, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

use crate::client::headers;
use crate::reactor::block_on;
use crate::runtime::Wasi;
use crate::stream;

/// Adds the host's reports for which WASI 0.2 has no call, the client's address and the mount point, to the request's
/// extensions.
pub type Reports = fn(&mut Request<IncomingRequest>);

/// Responds to `request` through `out`; returns when the whole response is sent or its reader is gone, and the metrics are flushed. `reports` adds
/// the host's reports.
pub fn serve<R: Runtime + Clone>(
    runtime: &R,
    webhook: &Rc<Webhook>,
    reports: Reports,
    request: IncomingRequest,
    out: ResponseOutparam,
) {
    block_on(answer(runtime, webhook, reports, request, out));
}

async fn answer<R: Runtime + Clone>(
    runtime: &R,
    webhook: &Rc<Webhook>,
    reports: Reports,
    request: IncomingRequest,
    out: ResponseOutparam,
) {
    let mut request = match incoming(request) {
        Ok(request) => request,
        Err(code) => return ResponseOutparam::set(out, Err(code)),
    };
    reports(&mut request);
    let is_head = request.method() == HttpMethod::HEAD;
    let response = webhook.handle(runtime, request, read).await;
    let (head, content) = (outgoing(&response, is_head), response.into_body());
    let Ok(body) = head.body() else {
        return ResponseOutparam::set(out, Err(ErrorCode::InternalError(None)));
    };
    ResponseOutparam::set(out, Ok(head));
    if write(&body, content).await {
        let _ = OutgoingBody::finish(body, None);
    }
    // Otherwise the body stays unfinished, which signals the host that it was truncated.
    webhook.flush_metrics(runtime).await;
}

/// The request in the core's type; its body is read later, if at all.
fn incoming(request: IncomingRequest) -> Result<Request<IncomingRequest>, ErrorCode> {
    let method = match request.method() {
        Method::Get => HttpMethod::GET,
        Method::Head => HttpMethod::HEAD,
        Method::Post => HttpMethod::POST,
        Method::Put => HttpMethod::PUT,
        Method::Delete => HttpMethod::DELETE,
        Method::Connect => HttpMethod::CONNECT,
        Method::Options => HttpMethod::OPTIONS,
        Method::Trace => HttpMethod::TRACE,
        Method::Patch => HttpMethod::PATCH,
        Method::Other(name) => {
            HttpMethod::from_bytes(name.as_bytes()).map_err(|_| ErrorCode::HttpRequestMethodInvalid)?
        }
    };
    let path = request.path_with_query().unwrap_or_else(|| "/".to_owned());
    let uri = Uri::try_from(path).map_err(|_| ErrorCode::HttpRequestUriInvalid)?;
    let headers = headers(&request.headers()).ok_or(ErrorCode::HttpProtocolError)?;
    let mut incoming = Request::new(request);
    *incoming.method_mut() = method;
    *incoming.uri_mut() = uri;
    *incoming.headers_mut() = headers;
    Ok(incoming)
}

/// Reads a request's body within bounds.
async fn read(request: IncomingRequest, bounds: BodyBounds) -> Body {
    let Ok(body) = request.consume() else { return Body::Broken };
    let Ok(stream) = body.stream() else { return Body::Broken };
    bounds.read(&Wasi::new(), async || stream::next(&stream).await.map(|piece| piece.map_err(|_| Broken))).await
}

/// The response's status and headers, with its framing.
fn outgoing<R: Runtime>(response: &Response<Content<R>>, is_head: bool) -> OutgoingResponse {
    let fields = Fields::new();
    // The host controls some headers itself.
    for (name, value) in response.headers() {
        let _ = fields.append(name.as_str(), value.as_bytes());
    }
    if let Some(length) = response.body().length(response.status(), is_head) {
        let _ = fields.append(http::header::CONTENT_LENGTH.as_str(), length.to_string().as_bytes());
    }
    let head = OutgoingResponse::new(fields);
    let _ = head.set_status_code(response.status().as_u16());
    head
}

/// Writes a response's body; returns whether all of it was accepted. A stream produces its next piece only when the last one
/// is sent, and stops when its reader is gone.
async fn write<R: Runtime>(body: &OutgoingBody, content: Content<R>) -> bool {
    let Ok(stream) = body.write() else { return false };
    match content {
        Content::Whole(bytes) => stream::write(&stream, &bytes).await.is_ok(),
        Content::Events(mut events) => {
            while let Some(piece) = events.next().await {
                if stream::write(&stream, &piece).await.is_err() {
                    events.close().await;
                    return false;
                }
            }
            true
        }
    }
}

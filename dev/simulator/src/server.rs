//! The listeners. The accept loop is our own, below axum, because faults such as a reset or a truncated body must be real on
//! the wire, with and without TLS.

use crate::calls::{Call, Exchange, Server};
use crate::contract::Release;
use crate::faults::{FaultKind, RetryAfter};
use crate::reply::{OverTls, Reply};
use crate::wire::{Cord, Paced, Wire};
use crate::{Shared, clock, control};
use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse as _;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// The body limit; requests to the real servers are far smaller.
const LARGEST_REQUEST: usize = 4 << 20;

/// One of the servers, on its http or https port.
pub(crate) struct Endpoint {
    pub(crate) server: Server,
    pub(crate) tls: Option<TlsAcceptor>,
    pub(crate) router: Router,
    pub(crate) shared: Arc<Shared>,
}

/// Accepts until the task is aborted; its connections end with it.
pub(crate) async fn listen(listener: TcpListener, endpoint: Arc<Endpoint>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((tcp, _)) => drop(connections.spawn(connection(tcp, Arc::clone(&endpoint)))),
                // Probably out of file descriptors: waiting helps, retrying at once does not.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(tcp: TcpStream, endpoint: Arc<Endpoint>) {
    let _ = tcp.set_nodelay(true);
    let cord = Arc::new(Cord::default());
    let wire = Wire::new(tcp, Arc::clone(&cord));
    match endpoint.tls.clone() {
        None => serve(wire, endpoint, cord).await,
        // A client that does not trust the CA disconnects here.
        Some(acceptor) => {
            if let Ok(stream) = acceptor.accept(wire).await {
                serve(stream, endpoint, cord).await;
            }
        }
    }
}

async fn serve<S>(stream: S, endpoint: Arc<Endpoint>, cord: Arc<Cord>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let service = service_fn(|request| {
        let (endpoint, cord) = (Arc::clone(&endpoint), Arc::clone(&cord));
        async move { Ok::<_, Infallible>(answer(&endpoint, &cord, request).await) }
    });
    // A setting selects the clock of `Date`: see `dated`.
    let mut http = hyper::server::conn::http1::Builder::new();
    let connection = http.auto_date_header(false).serve_connection(TokioIo::new(stream), service);
    // The connection is polled first, so that written data is sent before it is torn down.
    tokio::select! {
        biased;
        _ = connection => {}
        () = cord.pulled() => {}
    }
}

/// Reads a request completely, records it, and responds normally or with a fault.
async fn answer(endpoint: &Endpoint, cord: &Arc<Cord>, request: Request<Incoming>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let target = parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    let Ok(body) = Limited::new(body, LARGEST_REQUEST).collect().await else {
        return Reply::tomcat(StatusCode::PAYLOAD_TOO_LARGE).into_response();
    };
    let body = body.to_bytes();
    if endpoint.tls.is_none() && (target == "/_simulator" || target.starts_with("/_simulator/")) {
        return control::answer(&endpoint.shared, &parts.method, parts.uri.path(), &body).into_response();
    }
    let mut call = Call::new(endpoint.server, endpoint.tls.is_some(), &parts.method, &target, &parts.headers);
    call.body_length = body.len();
    let number = endpoint.shared.calls.arrived(call);
    let (delay, fault) = endpoint.shared.faults.take(endpoint.server, parts.method.as_str(), &target);
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    let method = parts.method.clone();
    let mut request = Request::from_parts(parts, Body::from(body));
    if endpoint.tls.is_some() {
        request.extensions_mut().insert(OverTls);
    }
    let response = match fault {
        None => carry_out(endpoint, number, request).await,
        Some(FaultKind::Reset) => cord.reset().await,
        Some(FaultKind::LoseAnswer) => {
            carry_out(endpoint, number, request).await;
            cord.reset().await
        }
        Some(FaultKind::ExpiredToken) => match endpoint.server {
            Server::Vidm => crate::vidm::Vidm::expired(&method).into_response(),
            Server::Sddc => crate::sddc::Sddc::expired(&method).into_response(),
            Server::Fleet => endpoint.shared.fleet.expired().into_response(),
            Server::Broker => endpoint.shared.fleet.dead_api_token().into_response(),
        },
        Some(
            kind @ (FaultKind::CutBody
            | FaultKind::Drip { .. }
            | FaultKind::GarbageJson
            | FaultKind::WrongContentType { .. }),
        ) => spoil(carry_out(endpoint, number, request).await, kind, cord).await,
        Some(kind) => instead(endpoint.server, kind),
    };
    endpoint.shared.calls.answered(number, response.status().as_u16());
    dated(endpoint, response)
}

/// The response with the `Date` of the server's clock, or that of a proxy in front.
fn dated(endpoint: &Endpoint, mut response: Response<Body>) -> Response<Body> {
    let ahead = match endpoint.server {
        Server::Vidm => endpoint.shared.vidm.state().settings.clocks.date_ahead,
        Server::Fleet => endpoint.shared.fleet.state().settings.clocks.date_ahead,
        Server::Sddc | Server::Broker => Some(0),
    };
    if let Some(date) = ahead.and_then(|ahead| HeaderValue::from_str(&clock::http_date_ahead(ahead)).ok()) {
        response.headers_mut().insert(header::DATE, date);
    }
    response
}

/// Responds, and records both bodies if tests want them.
async fn carry_out(endpoint: &Endpoint, number: usize, request: Request<Body>) -> Response<Body> {
    let is_recorded = endpoint.server != Server::Vidm;
    if !is_recorded || !endpoint.shared.calls.records_bodies() {
        return dispatch(endpoint, number, request).await;
    }
    let content_type = |headers: &HeaderMap| Some(headers.get(header::CONTENT_TYPE)?.to_str().ok()?.to_owned());
    let (parts, body) = request.into_parts();
    let asked = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let method = parts.method.to_string();
    let path_and_query = parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    let request_type = content_type(&parts.headers);
    let contract = match endpoint.server {
        Server::Fleet => endpoint.shared.fleet.state().settings.contract(&path_and_query).map(Release::Fleet),
        Server::Sddc => endpoint.shared.sddc.state().settings.contract(&path_and_query).map(Release::Sddc),
        Server::Vidm | Server::Broker => None,
    };
    let response = dispatch(endpoint, number, Request::from_parts(parts, Body::from(asked.clone()))).await;
    let (parts, body) = response.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    endpoint.shared.calls.exchanged(Exchange {
        server: endpoint.server,
        method,
        path_and_query,
        request_type,
        request: asked,
        status: parts.status.as_u16(),
        response_type: content_type(&parts.headers),
        response: body.clone(),
        contract,
    });
    Response::from_parts(parts, Body::from(body))
}

async fn dispatch(endpoint: &Endpoint, number: usize, request: Request<Body>) -> Response<Body> {
    let request = match endpoint.server {
        Server::Vidm => match endpoint.shared.vidm.take_tenant(request) {
            Ok(request) => request,
            Err(reply) => return reply.into_response(),
        },
        Server::Sddc => match in_front(endpoint, number, request) {
            Ok(request) => request,
            Err(answer) => return *answer,
        },
        Server::Fleet | Server::Broker => request,
    };
    match TowerToHyperService::new(endpoint.router.clone()).call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// The request as SDDC Manager's nginx forwards it, if there is one.
fn in_front(endpoint: &Endpoint, number: usize, request: Request<Body>) -> Result<Request<Body>, Box<Response<Body>>> {
    let Some(front) = endpoint.shared.sddc.state().settings.front else { return Ok(request) };
    let length = request.body().size_hint().lower();
    let request = crate::sddc::front::pass(front, request, usize::try_from(length).unwrap_or(usize::MAX))?;
    endpoint.shared.calls.routed(number, request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str));
    Ok(request)
}

/// The real response, modified by the fault.
async fn spoil(response: Response<Body>, kind: FaultKind, cord: &Arc<Cord>) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    if parts.status == StatusCode::NO_CONTENT {
        // It may have no body to modify.
        parts.status = StatusCode::OK;
    }
    let body = match kind {
        FaultKind::CutBody => {
            parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len() + 100));
            Body::new(Paced::then_cut(body, Arc::clone(cord)))
        }
        FaultKind::Drip { bytes, milliseconds } => {
            Body::new(Paced::drip(body, bytes.max(1), Duration::from_millis(milliseconds)))
        }
        FaultKind::WrongContentType { content_type } => {
            if let Ok(value) = HeaderValue::from_str(&content_type) {
                parts.headers.insert(header::CONTENT_TYPE, value);
            }
            Body::from(body)
        }
        _ => {
            parts.headers.remove(header::CONTENT_LENGTH);
            Body::from("{\"items\":[{\"name\":\"gar")
        }
    };
    Response::from_parts(parts, body)
}

/// A response in place of the real one.
fn instead(server: Server, kind: FaultKind) -> Response<Body> {
    let page = |status: u16| {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        match server {
            Server::Vidm => Reply::tomcat(status),
            Server::Fleet => Reply::apache(status),
            Server::Sddc | Server::Broker => Reply::nginx(status),
        }
        .into_response()
    };
    let with = |mut response: Response<Body>, name: header::HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
        response
    };
    match kind {
        FaultKind::Busy { status, retry_after } => match retry_after {
            RetryAfter::Absent => page(status),
            RetryAfter::Seconds(seconds) => with(page(status), header::RETRY_AFTER, &seconds.to_string()),
            RetryAfter::DateIn(seconds) => with(page(status), header::RETRY_AFTER, &clock::http_date_in(seconds)),
        },
        FaultKind::Html { status } => page(status),
        FaultKind::Redirect { status, location } => with(page(status), header::LOCATION, &location),
        FaultKind::Answer { status, content_type, body } => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            Reply::text(status, content_type, body).into_response()
        }
        FaultKind::Oversized { bytes, chunked } => {
            let frame = "{\"items\":[],\"padding\":\"\"}";
            let padding = "x".repeat(bytes.saturating_sub(frame.len()));
            let body = Bytes::from(format!("{{\"items\":[],\"padding\":\"{padding}\"}}"));
            let body = if chunked { Body::new(Paced::drip(body, 64 << 10, Duration::ZERO)) } else { Body::from(body) };
            with(Response::new(body), header::CONTENT_TYPE, "application/json")
        }
        // The other faults were handled before.
        _ => page(500),
    }
}

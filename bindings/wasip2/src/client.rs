//! Outbound HTTP through `wasi:http/outgoing-handler`, with every timeout set: a host's default may be ten minutes.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, select};
use http::header::CONTENT_LENGTH;
use http::uri::Scheme as UriScheme;
use http::{HeaderMap, HeaderName, HeaderValue, Method as HttpMethod, Request, Response, StatusCode};
use idhook::http::{HttpClient, Limits, TransportError, TransportErrorKind as Kind};
use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    ErrorCode, Fields, FutureIncomingResponse, IncomingResponse, Method, OutgoingBody, OutgoingRequest, RequestOptions,
    Scheme,
};

use crate::reactor::ready;
use crate::runtime::Wasi;
use crate::stream::{self, Unread};

impl<S> HttpClient for Wasi<S> {
    async fn send(&self, request: Request<Bytes>, limits: &Limits) -> Result<Response<Bytes>, TransportError> {
        exchange(&request, limits).await.map_err(|e| doubted(e, request.method()))
    }
}

async fn exchange(request: &Request<Bytes>, limits: &Limits) -> Result<Response<Bytes>, TransportError> {
    let outgoing = outgoing(request)?;
    let body = outgoing.body().map_err(|()| refused("a body"))?;
    let coming = outgoing_handler::handle(outgoing, Some(options(limits))).map_err(failed)?;
    let answer = pin!(answer(coming, limits.max_body, request.method() == HttpMethod::HEAD));
    let sent = pin!(write(body, request.body()));
    // The response may arrive before the request is sent, and best explains why sending failed.
    match select(answer, sent).await {
        Either::Left((answer, _)) => answer,
        Either::Right(((), answer)) => answer.await,
    }
}

fn outgoing(request: &Request<Bytes>) -> Result<OutgoingRequest, TransportError> {
    let fields = Fields::new();
    for (name, value) in request.headers() {
        fields.append(name.as_str(), value.as_bytes()).map_err(|_| refused(name.as_str()))?;
    }
    let outgoing = OutgoingRequest::new(fields);
    let uri = request.uri();
    let scheme = match uri.scheme() {
        Some(scheme) if *scheme == UriScheme::HTTP => Scheme::Http,
        _ => Scheme::Https,
    };
    outgoing.set_method(&method(request.method())).map_err(|()| refused("the method"))?;
    outgoing.set_scheme(Some(&scheme)).map_err(|()| refused("the scheme"))?;
    outgoing.set_authority(uri.authority().map(|authority| authority.as_str())).map_err(|()| refused("the host"))?;
    let path = uri.path_and_query().map(|path| path.as_str());
    outgoing.set_path_with_query(path).map_err(|()| refused("the path"))?;
    Ok(outgoing)
}

fn method(method: &HttpMethod) -> Method {
    match method.as_str() {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        "PATCH" => Method::Patch,
        "OPTIONS" => Method::Options,
        other => Method::Other(other.to_owned()),
    }
}

fn options(limits: &Limits) -> RequestOptions {
    let nanoseconds = |time: Duration| Some(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    let options = RequestOptions::new();
    // A host without support for one of these uses its own; the core's deadline applies in any case.
    let _ = options.set_connect_timeout(nanoseconds(limits.connect_timeout));
    let _ = options.set_first_byte_timeout(nanoseconds(limits.first_byte_timeout));
    let _ = options.set_between_bytes_timeout(nanoseconds(limits.between_bytes_timeout));
    options
}

/// Writes a request's body. The response reports a failure.
async fn write(body: OutgoingBody, bytes: &[u8]) {
    let Ok(stream) = body.write() else { return };
    let written = stream::write(&stream, bytes).await;
    // The stream is part of the body and must be dropped before it.
    drop(stream);
    if written.is_ok() {
        let _ = OutgoingBody::finish(body, None);
    }
}

/// Waits for the response and reads it completely.
async fn answer(
    coming: FutureIncomingResponse,
    limit: usize,
    head_only: bool,
) -> Result<Response<Bytes>, TransportError> {
    ready(coming.subscribe()).await;
    let answer = match coming.get() {
        Some(Ok(answer)) => answer.map_err(failed)?,
        Some(Err(())) | None => return Err(TransportError::new(Kind::Interrupted, "the host returned no response")),
    };
    let mut response = head(&answer)?;
    let body = answer.consume().map_err(|()| refused("to return the response's body"))?;
    let stream = body.stream().map_err(|()| refused("to return the response's body"))?;
    let bytes = match stream::read(&stream, limit).await {
        Ok(bytes) => bytes,
        Err(Unread::TooLarge) => return Err(TransportError::new(Kind::BodyTooLarge, format!("over {limit} bytes"))),
        Err(Unread::Broken(why)) => return Err(broken(why.to_debug_string())),
    };
    // Some hosts end the stream of a truncated body as if it were complete.
    let announced = response.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if !head_only && announced.is_some_and(|length: usize| bytes.len() < length) {
        return Err(TransportError::new(Kind::Interrupted, "the response was truncated"));
    }
    *response.body_mut() = bytes;
    Ok(response)
}

/// The response's status and headers.
fn head(answer: &IncomingResponse) -> Result<Response<Bytes>, TransportError> {
    let invalid = |what| TransportError::new(Kind::Protocol, format!("the response's {what} is not valid"));
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::from_u16(answer.status()).map_err(|_| invalid("status"))?;
    *response.headers_mut() = headers(&answer.headers()).ok_or_else(|| invalid("header"))?;
    Ok(response)
}

/// Headers in the core's type; `None` if one is not valid.
pub(crate) fn headers(fields: &Fields) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in fields.entries() {
        headers.append(HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_bytes(&value).ok()?);
    }
    Some(headers)
}

fn refused(what: &str) -> TransportError {
    TransportError::new(Kind::Protocol, format!("the host refused {what}"))
}

/// The failure of a response's body, from the host's message: `http-error-code`, which should explain it, returns nothing in
/// wasmtime 48, and ends the whole process in the shim of jco 1.35.
fn broken(why: String) -> TransportError {
    let kind = if why.to_ascii_lowercase().contains("timeout") { Kind::Timeout } else { Kind::Interrupted };
    TransportError::new(kind, why)
}

/// A connect timeout, if it can be believed. That shim reports any silence before the response like this, also for a request
/// that has arrived; so for a request that changes something it does not prove that it did not.
fn doubted(error: TransportError, method: &HttpMethod) -> TransportError {
    match error.kind {
        Kind::ConnectTimeout if !method.is_safe() => TransportError { kind: Kind::Timeout, ..error },
        _ => error,
    }
}

/// A `wasi:http` error in the core's terms.
#[allow(clippy::needless_pass_by_value, reason = "the form map_err wants")]
fn failed(code: ErrorCode) -> TransportError {
    let kind = match &code {
        ErrorCode::HttpRequestDenied | ErrorCode::DestinationIpProhibited => Kind::HostNotAllowed,
        ErrorCode::DnsError(_) | ErrorCode::DnsTimeout | ErrorCode::DestinationNotFound => Kind::Dns,
        ErrorCode::ConnectionRefused
        | ErrorCode::DestinationUnavailable
        | ErrorCode::DestinationIpUnroutable
        | ErrorCode::ConnectionLimitReached => Kind::Refused,
        ErrorCode::ConnectionTimeout => Kind::ConnectTimeout,
        ErrorCode::TlsProtocolError | ErrorCode::TlsCertificateError | ErrorCode::TlsAlertReceived(_) => Kind::Tls,
        // Node's message for an untrusted certificate; jco passes it on.
        ErrorCode::InternalError(Some(why)) if why.contains("certificate") => Kind::Tls,
        ErrorCode::ConnectionReadTimeout | ErrorCode::ConnectionWriteTimeout | ErrorCode::HttpResponseTimeout => {
            Kind::Timeout
        }
        ErrorCode::HttpResponseBodySize(_) => Kind::BodyTooLarge,
        ErrorCode::HttpRequestUriInvalid
        | ErrorCode::HttpRequestMethodInvalid
        | ErrorCode::HttpResponseHeaderSectionSize(_)
        | ErrorCode::HttpResponseHeaderSize(_)
        | ErrorCode::HttpResponseContentCoding(_)
        | ErrorCode::HttpResponseTransferCoding(_)
        | ErrorCode::HttpUpgradeFailed => Kind::Protocol,
        // A connection closed in the middle causes any of several codes, `HttpProtocolError` among them.
        _ => Kind::Interrupted,
    };
    TransportError::new(kind, code.to_string())
}

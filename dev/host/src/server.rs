//! The inbound side: accepts connections, finds the route, passes the request to an instance.
//!
//! Requests and responses follow Spin 4.1 (`trigger-http`); without routes they follow `wasmtime serve`, which passes them
//! on unchanged.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use http::uri::{Authority, Scheme};
use http::{HeaderName, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use wasmtime_wasi_http::handler::ProxyHandler;
use wasmtime_wasi_http::{Error, WasiBody};

use crate::instances::Instances;
use crate::output::Sink;
use crate::routes::Router;

/// Paths under it are never passed to the guest.
const WELL_KNOWN: &str = "/.well-known/spin/";

/// The served application.
pub(crate) struct Server {
    /// `None`: the component gets every request unchanged.
    pub(crate) router: Option<Router>,
    pub(crate) handler: ProxyHandler<Instances>,
    pub(crate) output: Sink,
}

impl Server {
    /// Serves until accepting fails. Dropping the future ends all connections.
    pub(crate) async fn run(self: Arc<Self>, listener: TcpListener) {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, client)) => {
                        connections.spawn(Arc::clone(&self).connection(stream, client));
                    }
                    Err(error) => {
                        self.output.say(format_args!("can no longer accept connections: {error}"));
                        return;
                    }
                },
                Some(_) = connections.join_next() => {}
            }
        }
    }

    async fn connection(self: Arc<Self>, stream: TcpStream, client: SocketAddr) {
        // Spin leaves Nagle's algorithm on, which costs a keep-alive client on loopback 40 ms per streamed response.
        _ = stream.set_nodelay(true);
        let service = service_fn(|request| self.respond(request, client));
        // An error here is a disconnected client, or a request that could not be passed to the guest.
        _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    }

    /// An error closes the connection without a response, as Spin does if a request has no host.
    async fn respond(&self, mut request: Request<Incoming>, client: SocketAddr) -> Result<Response<WasiBody>> {
        let Some(router) = &self.router else {
            return Ok(self.answered(self.call(request).await));
        };
        strip_headers(&mut request);
        let path = request.uri().path().to_owned();
        if let Some(name) = path.strip_prefix(WELL_KNOWN) {
            return Ok(match name {
                "health" => answer(StatusCode::OK, "OK"),
                _ => answer(StatusCode::NOT_FOUND, ""),
            });
        }
        let Some(found) = router.route(&path) else {
            return Ok(answer(StatusCode::NOT_FOUND, ""));
        };
        make_uri_absolute(&mut request)?;
        let response = match add_headers(&mut request, |uri, host| found.headers(uri, host, client)) {
            Ok(()) => self.call(request).await,
            Err(error) => Err(error),
        };
        Ok(self.answered(response))
    }

    /// Turns a failure into a response, so that every client gets one.
    fn answered(&self, response: Result<Response<WasiBody>>) -> Response<WasiBody> {
        response.unwrap_or_else(|error| {
            self.output.say(format_args!("a request failed: {error:#}"));
            answer(StatusCode::INTERNAL_SERVER_ERROR, "")
        })
    }

    async fn call(&self, request: Request<Incoming>) -> Result<Response<WasiBody>> {
        let request = request.map(|body| body.map_err(Error::from).boxed_unsync());
        Ok(self.handler.handle((), request).await?)
    }
}

fn answer(status: StatusCode, body: &'static str) -> Response<WasiBody> {
    let body = Full::new(Bytes::from_static(body.as_bytes())).map_err(Error::from).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
}

/// Removes transport headers, and a host name that only Spin itself may use.
fn strip_headers<B>(request: &mut Request<B>) {
    let headers = request.headers_mut();
    let internal = headers.get(header::HOST).and_then(|host| host.to_str().ok()).is_some_and(|host| {
        let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
        host.split_once('.').is_some_and(|(_, domain)| domain == "spin.internal")
    });
    if internal {
        headers.remove(header::HOST);
    }
    headers.remove(header::CONNECTION);
}

/// Adds a scheme and an authority to the URI; the authority comes from `Host`, from the request line, or from both if equal.
fn make_uri_absolute<B>(request: &mut Request<B>) -> Result<()> {
    let mut parts = request.uri().clone().into_parts();
    let named: Option<Authority> = match request.headers().get(header::HOST) {
        Some(host) => Some(host.to_str()?.parse().context("the Host header is not an authority")?),
        None => None,
    };
    let authority = match (named, parts.authority.take()) {
        (None, None) => bail!("the request has no host"),
        (Some(named), Some(target)) if named != target => bail!("the Host header differs from the request target"),
        (Some(authority), _) | (None, Some(authority)) => authority,
    };
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(authority);
    *request.uri_mut() = http::Uri::from_parts(parts)?;
    Ok(())
}

/// Appends the `spin-*` headers. A header that is not UTF-8 fails the request.
fn add_headers<B>(
    request: &mut Request<B>,
    make: impl FnOnce(&http::Uri, &str) -> Vec<(String, String)>,
) -> Result<()> {
    for value in request.headers().values() {
        str::from_utf8(value.as_bytes()).context("a request header is not UTF-8")?;
    }
    let host = match request.headers().get(header::HOST) {
        Some(host) => str::from_utf8(host.as_bytes())?.to_owned(),
        None => "localhost".to_owned(),
    };
    for (name, value) in make(request.uri(), &host) {
        // Invalid names and values are omitted.
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::try_from(value)) {
            request.headers_mut().append(name, value);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::{add_headers, make_uri_absolute, strip_headers};

    fn request(uri: &str, host: Option<&str>) -> Request<()> {
        let builder = Request::get(uri).header("connection", "close");
        match host {
            Some(host) => builder.header("host", host),
            None => builder,
        }
        .body(())
        .unwrap()
    }

    #[test]
    fn guest_receives_an_absolute_uri() {
        for (uri, host, absolute) in [
            ("/a?b", Some("h:1"), Some("http://h:1/a?b")),
            ("http://h/a", None, Some("http://h/a")),
            ("http://h/a", Some("h"), Some("http://h/a")),
            ("http://h/a", Some("g"), None),
            ("/a", None, None),
        ] {
            let mut request = request(uri, host);
            let made = make_uri_absolute(&mut request).is_ok().then(|| request.uri().to_string());
            assert_eq!(made.as_deref(), absolute, "{uri} {host:?}");
        }
    }

    #[test]
    fn transport_headers_and_internal_hosts_are_removed() {
        for (host, stays) in [
            ("h.example", true),
            ("spin.internal", true),
            ("app.spin.internal", false),
            ("app.spin.internal:80", false),
        ] {
            let mut request = request("/", Some(host));
            strip_headers(&mut request);
            assert_eq!(request.headers().contains_key("host"), stays, "{host}");
            assert!(!request.headers().contains_key("connection"));
        }
    }

    #[test]
    fn callers_header_does_not_hide_the_hosts() {
        let mut request = request("/", Some("h"));
        request.headers_mut().insert("spin-client-addr", "faked".parse().unwrap());
        let made = |_: &http::Uri, host: &str| vec![("spin-client-addr".to_owned(), format!("1.2.3.4:5 {host}"))];
        add_headers(&mut request, made).unwrap();
        let values: Vec<_> = request.headers().get_all("spin-client-addr").iter().collect();
        assert_eq!(values, ["faked", "1.2.3.4:5 h"]);
        request.headers_mut().insert("x", http::HeaderValue::from_bytes(b"\xff").unwrap());
        assert!(add_headers(&mut request, made).is_err());
    }
}

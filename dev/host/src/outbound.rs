//! HTTP calls that the guest makes.
//!
//! Time limits, errors and rejections are those of Spin 4.1 (`factor-outbound-http`), so that the guest sees the same
//! behaviour here. Older versions and `wasmtime serve` behave the same, and so do WASI 0.2 and 0.3. Unlike Spin this host
//! supports only HTTP/1.1, which the guest cannot see.

use std::error::Error as _;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, Uri, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::time::Sleep;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use crate::allowed_hosts::AllowedHosts;
use crate::connect::{CONNECT_TIMEOUT, ConnectError, Connector};
use crate::output::Sink;

/// Spin's default for connecting, for the first byte and between bytes.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(600);

type Sent = (Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>);

/// The outbound side of a host, shared by all instances.
pub(crate) struct Outbound {
    client: Client<Connector, WasiBody>,
    /// `None`: any host. There is no manifest then, and no own application to call.
    allowed: Option<AllowedHosts>,
    /// The host's own address, for calls to the application itself.
    origin: Authority,
    output: Sink,
}

impl Outbound {
    pub(crate) fn new(
        tls: rustls::ClientConfig,
        allowed: Option<AllowedHosts>,
        origin: Authority,
        output: Sink,
    ) -> Self {
        if let Some(why) = allowed.as_ref().and_then(AllowedHosts::malformed) {
            output.say(format_args!("every outbound call will be rejected: {why}"));
        }
        let client = Client::builder(TokioExecutor::new()).build(Connector::new(tls, output.clone()));
        Self { client, allowed, origin, output }
    }

    async fn send(&self, mut request: Request<WasiBody>, options: RequestOptions) -> Result<Sent, Error> {
        self.check(request.uri_mut())?;
        // The client sets it from the URI.
        request.headers_mut().remove(header::HOST);
        let connect = options.connect_timeout.unwrap_or(DEFAULT_TIMEOUT);
        let first_byte = options.first_byte_timeout.unwrap_or(DEFAULT_TIMEOUT);
        let between_bytes = options.between_bytes_timeout.unwrap_or(DEFAULT_TIMEOUT);
        let response = CONNECT_TIMEOUT.scope(connect, self.client.request(request));
        let response = tokio::time::timeout(first_byte, response)
            .await
            .map_err(|_| Error::ConnectionReadTimeout)?
            .map_err(|error| self.request_error(&error))?;
        let response = response.map(|body| TimedBody::new(body, between_bytes).boxed_unsync());
        Ok((response, Box::new(std::future::ready(Ok(())))))
    }

    /// Rejects calls that the manifest does not allow, and directs calls to the application itself to this host.
    fn check(&self, uri: &mut Uri) -> Result<(), Error> {
        let Some(allowed) = &self.allowed else {
            let host = uri.authority().map(Authority::host).filter(|host| !host.is_empty());
            return host.map(drop).ok_or(Error::HttpRequestUriInvalid);
        };
        match uri.authority().map(Authority::host) {
            None | Some("" | "self.alt") => {
                if !allowed.allows_self() {
                    self.output.say(format_args!(
                        "the component is not allowed to call its own application; to allow it, add \"http://self\" to its \
                         allowed_outbound_hosts"
                    ));
                    return Err(Error::HttpRequestDenied);
                }
                let path = uri.path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/"));
                *uri = Uri::builder()
                    .scheme(Scheme::HTTP)
                    .authority(self.origin.clone())
                    .path_and_query(path)
                    .build()
                    .map_err(|_| Error::HttpRequestUriInvalid)?;
                Ok(())
            }
            Some(_) if allowed.allows(uri) => Ok(()),
            Some(host) => {
                let port = uri.port().map(|port| format!(":{port}")).unwrap_or_default();
                self.output.say(format_args!(
                    "the component is not allowed to call {host}{port}; to allow it, add \"{}://{host}{port}\" to its \
                     allowed_outbound_hosts",
                    uri.scheme_str().unwrap_or("https")
                ));
                Err(Error::HttpRequestDenied)
            }
        }
    }

    fn request_error(&self, error: &hyper_util::client::legacy::Error) -> Error {
        match error.source().and_then(|source| source.downcast_ref::<ConnectError>()) {
            Some(error) => error.into(),
            None => {
                self.output.say(format_args!("an outbound request failed: {}", Chain(error)));
                Error::HttpProtocolError
            }
        }
    }
}

/// An error with all its causes on one line.
struct Chain<'a>(&'a dyn std::error::Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut next = self.0.source();
        while let Some(error) = next {
            write!(f, ": {error}")?;
            next = error.source();
        }
        Ok(())
    }
}

/// The callbacks of `wasi:http`, for one instance.
pub(crate) struct Hooks(pub(crate) Arc<Outbound>);

impl WasiHttpHooks for Hooks {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _response_processed: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<Sent, Error>> + Send> {
        let outbound = Arc::clone(&self.0);
        Box::new(async move { outbound.send(request, options.unwrap_or_default()).await })
    }
}

/// A response body that fails if no data arrives for too long.
struct TimedBody {
    /// `None` once it has timed out, so that the connection is closed at once.
    body: Option<Incoming>,
    timeout: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl TimedBody {
    fn new(body: Incoming, timeout: Duration) -> Self {
        Self { body: Some(body), timeout, sleep: None }
    }
}

impl Body for TimedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        let Some(body) = &mut this.body else {
            return Poll::Ready(None);
        };
        if let Poll::Ready(frame) = Pin::new(body).poll_frame(cx) {
            this.sleep = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(Error::from)));
        }
        let timeout = this.timeout;
        ready!(this.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep(timeout))).as_mut().poll(cx));
        this.body = None;
        Poll::Ready(Some(Err(Error::ConnectionReadTimeout)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map(Body::size_hint).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::net::SocketAddr;
    use std::sync::Arc;
    use std::time::Duration;

    use bytes::Bytes;
    use http::Request;
    use http_body_util::{BodyExt as _, Empty};
    use rustls::pki_types::PrivateKeyDer;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

    use super::Outbound;
    use crate::allowed_hosts::AllowedHosts;
    use crate::output::{Output, Sink};
    use crate::tls;
    use crate::variables::Variables;

    const HELLO: &[&str] = &["HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", "hello"];

    /// A server that responds to each request on a connection with these parts, half a second apart; optionally with TLS.
    async fn server(parts: &'static [&'static str], tls: Option<rustls::ServerConfig>) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let tls = tls.map(|config| tokio_rustls::TlsAcceptor::from(Arc::new(config)));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let tls = tls.clone();
                tokio::spawn(async move {
                    match tls {
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                answer(stream, parts).await;
                            }
                        }
                        None => answer(stream, parts).await,
                    }
                });
            }
        });
        address
    }

    async fn answer(mut stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin, parts: &[&str]) {
        let mut buffer = [0; 4096];
        while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {
            for (i, part) in parts.iter().enumerate() {
                if i > 1 {
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
                stream.write_all(part.as_bytes()).await.unwrap();
            }
            if parts.len() < 2 {
                return;
            }
        }
    }

    fn outbound(allowed: &[&str], origin: &str, ca_file: Option<&std::path::Path>) -> Outbound {
        let none = BTreeMap::new();
        let variables = Variables::resolve(&BTreeMap::new(), &none, |_| None).unwrap();
        let allowed: Vec<_> = allowed.iter().map(|entry| (*entry).to_owned()).collect();
        let allowed = AllowedHosts::parse(&allowed, &variables).unwrap();
        Outbound::new(
            tls::client_config(ca_file).unwrap(),
            Some(allowed),
            origin.parse().unwrap(),
            Sink::new(Output::Capture),
        )
    }

    async fn get(outbound: &Outbound, uri: &str, options: RequestOptions) -> Result<Bytes, Error> {
        let body: WasiBody = Empty::new().map_err(Error::from).boxed_unsync();
        let (response, _) = outbound.send(Request::get(uri).body(body).unwrap(), options).await?;
        assert_eq!(response.status(), 200);
        Ok(response.into_body().collect().await?.to_bytes())
    }

    #[tokio::test]
    async fn rejected_host_is_reported_with_the_entry_to_add() {
        let address = server(HELLO, None).await;
        let uri = format!("http://{address}/");
        let yes = outbound(&[&format!("http://{address}")], "h:1", None);
        assert_eq!(get(&yes, &uri, RequestOptions::default()).await.unwrap(), "hello");
        let no = outbound(&["http://127.0.0.1:1"], "h:1", None);
        assert!(matches!(get(&no, &uri, RequestOptions::default()).await, Err(Error::HttpRequestDenied)));
        assert!(no.output.contents().contains(&format!("\"http://{address}\"")), "{}", no.output.contents());
    }

    #[tokio::test]
    async fn call_to_its_own_application_works_if_allowed() {
        let address = server(HELLO, None).await.to_string();
        let yes = outbound(&["http://self"], &address, None);
        assert_eq!(get(&yes, "https://self.alt/", RequestOptions::default()).await.unwrap(), "hello");
        assert!(matches!(get(&yes, "http://self/", RequestOptions::default()).await, Err(Error::HttpRequestDenied)));
        let no = outbound(&[], &address, None);
        assert!(matches!(get(&no, "http://self.alt/", RequestOptions::default()).await, Err(Error::HttpRequestDenied)));
    }

    #[tokio::test]
    async fn any_host_can_be_called_without_a_manifest() {
        let address = server(HELLO, None).await;
        let any = Outbound { allowed: None, ..outbound(&[], &address.to_string(), None) };
        assert_eq!(get(&any, &format!("http://{address}/"), RequestOptions::default()).await.unwrap(), "hello");
        assert!(get(&any, "http://self.alt/", RequestOptions::default()).await.is_err());
        let error = any.check(&mut "/".parse().unwrap()).unwrap_err();
        assert!(matches!(error, Error::HttpRequestUriInvalid), "{error}");
    }

    #[tokio::test]
    async fn failures_have_the_codes_of_spin() {
        let all = outbound(&["*://*:*"], "h:1", None);
        let closed = {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            listener.local_addr().unwrap()
        };
        let error = get(&all, &format!("http://{closed}/"), RequestOptions::default()).await.unwrap_err();
        assert!(matches!(error, Error::ConnectionRefused), "{error}");
        let cut = server(&["HTTP/1.1 200"], None).await;
        let error = get(&all, &format!("http://{cut}/"), RequestOptions::default()).await.unwrap_err();
        assert!(matches!(error, Error::HttpProtocolError), "{error}");
        let plain = server(HELLO, None).await;
        let error = get(&all, &format!("https://{plain}/"), RequestOptions::default()).await.unwrap_err();
        assert!(matches!(error, Error::TlsProtocolError), "{error}");
    }

    #[tokio::test]
    async fn time_limits_of_the_guest_apply() {
        let all = outbound(&["*://*:*"], "h:1", None);
        let short = Some(Duration::from_millis(100));
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("http://{}/", silent.local_addr().unwrap());
        let options = RequestOptions { first_byte_timeout: short, ..RequestOptions::default() };
        assert!(matches!(get(&all, &uri, options).await, Err(Error::ConnectionReadTimeout)));

        let halting = server(&["HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n", "ab", "cd"], None).await;
        let uri = format!("http://{halting}/");
        let options = RequestOptions { between_bytes_timeout: short, ..RequestOptions::default() };
        assert!(matches!(get(&all, &uri, options).await, Err(Error::ConnectionReadTimeout)));
        assert_eq!(get(&all, &uri, RequestOptions::default()).await.unwrap(), "abcd");
    }

    #[tokio::test]
    async fn https_requires_a_trusted_certificate() {
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let rcgen::CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed(names).unwrap();
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        let port = server(HELLO, Some(config)).await.port();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file, cert.pem().as_bytes()).unwrap();

        let trusting = outbound(&["*://*:*"], "h:1", Some(file.path()));
        for host in ["localhost", "127.0.0.1"] {
            let body = get(&trusting, &format!("https://{host}:{port}/"), RequestOptions::default()).await;
            assert_eq!(body.unwrap(), "hello");
        }
        let wary = outbound(&["*://*:*"], "h:1", None);
        let error = get(&wary, &format!("https://localhost:{port}/"), RequestOptions::default()).await.unwrap_err();
        assert!(matches!(error, Error::TlsProtocolError), "{error}");
        assert!(wary.output.contents().contains("UnknownIssuer"), "{}", wary.output.contents());
    }

    #[test]
    fn ca_file_without_certificates_is_rejected() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(tls::client_config(Some(file.path())).unwrap_err().to_string().contains("no PEM certificate"));
    }
}

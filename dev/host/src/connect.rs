//! Connections to the servers that the guest calls.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use http::uri::Scheme;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use wasmtime_wasi_http::Error;

use crate::output::Sink;

tokio::task_local! {
    /// How long the current request may wait for a TCP connection. The client passes a connector only the URI.
    pub(crate) static CONNECT_TIMEOUT: Duration;
}

/// Opens connections for the client's pool.
#[derive(Clone)]
pub(crate) struct Connector {
    tls: TlsConnector,
    output: Sink,
}

/// Why there is no connection; the error codes are Spin's.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ConnectError {
    UriInvalid,
    AddressNotAvailable,
    InvalidDnsName,
    Timeout,
    Refused,
    Tls,
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Error::from(self).fmt(f)
    }
}

impl std::error::Error for ConnectError {}

impl From<&ConnectError> for Error {
    fn from(error: &ConnectError) -> Self {
        let dns = |rcode: &str| Self::DnsError { rcode: Some(rcode.to_owned()), info_code: Some(0) };
        match error {
            ConnectError::UriInvalid => Self::HttpRequestUriInvalid,
            ConnectError::AddressNotAvailable => dns("address not available"),
            ConnectError::InvalidDnsName => dns("invalid dns name"),
            ConnectError::Timeout => Self::ConnectionTimeout,
            ConnectError::Refused => Self::ConnectionRefused,
            ConnectError::Tls => Self::TlsProtocolError,
        }
    }
}

impl Connector {
    pub(crate) fn new(mut tls: rustls::ClientConfig, output: Sink) -> Self {
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        Self { tls: TlsConnector::from(Arc::new(tls)), output }
    }

    async fn connect(self, uri: Uri, timeout: Option<Duration>) -> Result<TokioIo<Stream>, ConnectError> {
        let host = uri.host().ok_or(ConnectError::UriInvalid)?;
        let https = uri.scheme() == Some(&Scheme::HTTPS);
        let port = uri.port_u16().unwrap_or(if https { 443 } else { 80 });
        let addresses: Vec<_> = tokio::net::lookup_host(format!("{host}:{port}"))
            .await
            .map_err(|_| ConnectError::AddressNotAvailable)?
            .collect();
        let connect = TcpStream::connect(addresses.as_slice());
        let tcp = match timeout {
            Some(timeout) => tokio::time::timeout(timeout, connect).await.map_err(|_| ConnectError::Timeout)?,
            None => connect.await,
        };
        let tcp = tcp.map_err(|error| match error.kind() {
            io::ErrorKind::AddrNotAvailable => ConnectError::AddressNotAvailable,
            _ => ConnectError::Refused,
        })?;
        if !https {
            return Ok(TokioIo::new(Stream(Box::new(tcp))));
        }
        let name = ServerName::try_from(host.to_owned()).map_err(|_| ConnectError::InvalidDnsName)?;
        let tls = self.tls.connect(name, tcp).await.map_err(|error| {
            self.output.say(format_args!("TLS with {host}:{port} failed: {error}"));
            ConnectError::Tls
        })?;
        Ok(TokioIo::new(Stream(Box::new(tls))))
    }
}

impl tower_service::Service<Uri> for Connector {
    type Response = TokioIo<Stream>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let timeout = CONNECT_TIMEOUT.try_get().ok();
        Box::pin(self.clone().connect(uri, timeout))
    }
}

trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// A connection, with TLS or without.
pub(crate) struct Stream(Box<dyn Io>);

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }
}

//! A TLS proxy in front of another server, for clients that speak https only.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Context as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

/// The proxy, running; its certificate is for `localhost` and signed by the simulator's CA. Dropping it stops it.
#[derive(Debug)]
pub struct TlsFront {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl TlsFront {
    /// Starts it on a free port of 127.0.0.1, in front of `server`.
    pub(crate) async fn start(acceptor: TlsAcceptor, server: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("cannot listen on 127.0.0.1")?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((tcp, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                connections.spawn(async move {
                    // A client that does not trust the CA disconnects; so does one that has what it wants.
                    let _ = forward(&acceptor, tcp, server).await;
                });
            }
        });
        Ok(Self { address, task })
    }

    /// `localhost:PORT`, for clients that take a host name.
    #[must_use]
    pub fn host(&self) -> String {
        format!("localhost:{}", self.address.port())
    }
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn forward(acceptor: &TlsAcceptor, tcp: TcpStream, server: SocketAddr) -> std::io::Result<()> {
    let mut client = acceptor.accept(tcp).await?;
    let mut server = TcpStream::connect(server).await?;
    tokio::io::copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}

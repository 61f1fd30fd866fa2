//! A line between the browser and idhook that can be cut and mended: a TCP proxy on one port.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

pub(crate) struct Line {
    address: SocketAddr,
    /// `host:port` of idhook.
    target: String,
    task: JoinHandle<()>,
}

impl Line {
    /// A line to the server at `url`.
    pub(crate) async fn to(url: &str) -> Self {
        let target = url.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(forward(listener, target.clone()));
        Self { address, target, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Ends every connection and accepts no other.
    pub(crate) async fn cut(&mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
    }

    pub(crate) fn mend(&mut self) {
        let socket = TcpSocket::new_v4().unwrap();
        // Connections that ended a moment ago still hold the port.
        socket.set_reuseaddr(true).unwrap();
        socket.bind(self.address).unwrap();
        self.task = tokio::spawn(forward(socket.listen(64).unwrap(), self.target.clone()));
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn forward(listener: TcpListener, target: String) {
    // Dropped with this task, and its connections with it.
    let mut connections = JoinSet::new();
    loop {
        let (mut browser, _) = listener.accept().await.unwrap();
        let target = target.clone();
        connections.spawn(async move {
            let mut server = TcpStream::connect(target).await.unwrap();
            let _ = copy_bidirectional(&mut browser, &mut server).await;
        });
    }
}

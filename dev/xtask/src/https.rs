//! GET over http or https, of an idhook anywhere. The other commands talk to loopback only.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use crate::terminal::Failure;

/// How long a response may take: longer than idhook's own `request_timeout` as people set it.
const TIMEOUT: Duration = Duration::from_secs(120);

/// The largest document read, in bytes.
const MAX_BODY: usize = 4 * 1024 * 1024;

/// A client that trusts one CA, or the public ones and those of the system.
pub(crate) struct Https {
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
}

impl Https {
    /// # Errors
    /// When the CA file cannot be read.
    pub(crate) fn new(ca_file: Option<&Path>) -> Result<Self> {
        let tls = idhook_host::tls_client_config(ca_file)?;
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().build();
        Ok(Self { client: Client::builder(TokioExecutor::new()).build(connector) })
    }

    /// The status and the JSON at `url`.
    ///
    /// # Errors
    /// When there is no response, or one that is not JSON.
    pub(crate) async fn get(&self, url: &str, key: Option<&str>) -> Result<(StatusCode, Value)> {
        let mut request = Request::get(url);
        if let Some(key) = key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        let request = request.body(Empty::new()).map_err(|_| {
            Failure::new(format!("{url} is not a URL, or the key holds characters that a header cannot"), "")
        })?;
        let exchange = async {
            let response = self.client.request(request).await?;
            let status = response.status();
            let body = Limited::new(response.into_body(), MAX_BODY).collect().await;
            Ok::<_, anyhow::Error>((status, body.map_err(|e| anyhow::anyhow!(e))?.to_bytes()))
        };
        let exchange = tokio::time::timeout(TIMEOUT, exchange).await.context("the response took too long");
        let (status, body) = exchange.and_then(|done| done).with_context(|| unreachable(url))?;
        let json = serde_json::from_slice(&body).map_err(|_| {
            Failure::new(format!("{url} returned {status} and no JSON"), "check that --url is the address of an idhook")
        })?;
        Ok((status, json))
    }
}

fn unreachable(url: &str) -> Failure {
    let fix = if url.starts_with("https:") {
        "check the address and the firewall; if its certificate is from a private CA, give the CA with --ca-file"
    } else {
        "check the address, the firewall, and that idhook is running"
    };
    Failure::new(format!("cannot get {url}"), fix)
}

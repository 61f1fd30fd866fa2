//! Serves the built `.wasm` on this machine, for development and for tests of the artifact itself.
//!
//! It replaces a [`Runtime`]. In place of Spin it reads the same manifest, links WASI 0.2 and 0.3 with Spin's variables and
//! key-value interfaces, rejects outbound hosts that the manifest does not allow, and treats requests and instances as Spin
//! does. In place of `wasmtime serve` it has no manifest: only WASI is linked, and the environment configures the component.
//! wasmtime's own crates do the work; this crate combines them:
//!
//! | module | |
//! |---|---|
//! | `runtime` | the replaced runtime |
//! | `application` over `manifest`, `variables`, `routes`, `allowed_hosts` | the manifest |
//! | `server` | inbound: HTTP/1.1, route, headers |
//! | `instances` | how instances are made, reused and ended |
//! | `outbound`, `connect`, `tls` | the guest's HTTP calls |
//! | `state`, `bindings`, `key_value` | what is linked into an instance |
//!
//! Behaviour follows Spin's source (<https://github.com/spinframework/spin>, 4.1 for WASI 0.3, 3.6 and 4.0 for WASI 0.2) and
//! wasmtime's (`serve`, 48). Unsupported parts are reported at the start: no `files`, no SQLite, no static responses, no
//! component dependencies. These differences show at run time: calls use only HTTP/1.1; a WASI 0.3 guest gets no `Host`
//! header (it has the URI), which wasmtime 48 withholds and the 47 of Spin 4.1.0 did not; and [`Options::ca_file`] also
//! works in place of `wasmtime serve`, which itself trusts only the public CAs.

mod allowed_hosts;
mod application;
mod bindings;
mod components;
mod connect;
mod instances;
mod key_value;
mod manifest;
mod outbound;
mod output;
mod routes;
mod runtime;
mod server;
mod state;
mod tls;
mod variables;

use std::collections::BTreeMap;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use wasmtime_wasi_http::handler::ProxyHandler;

pub use crate::key_value::KeyValue;
pub use crate::output::Output;
pub use crate::runtime::{Runtime, Spin};
pub use crate::tls::client_config as tls_client_config;

use crate::application::Application;
use crate::instances::{Instances, Reuse};
use crate::outbound::Outbound;
use crate::output::Sink;
use crate::server::Server;

/// The application to serve, and how. The defaults are the runtime's.
#[derive(Clone)]
pub struct Options {
    /// The component.
    pub wasm: PathBuf,
    /// The replaced runtime.
    pub runtime: Runtime,
    /// The address to listen on; port 0 takes a free one. Default: 127.0.0.1, a free port.
    pub listen: SocketAddr,
    /// Trust only the certificates in this PEM file when the guest calls HTTPS.
    pub ca_file: Option<PathBuf>,
    /// The guest's environment variables, in addition to a manifest's.
    pub environment: BTreeMap<String, String>,
    /// The destination of the guest's stdout and stderr.
    pub output: Output,
    /// Requests per instance. Default: 128 for WASI 0.3 and one for WASI 0.2, which is fixed in Spin.
    pub max_instance_reuse_count: Option<usize>,
    /// Concurrent requests per instance of WASI 0.3. Default: 16. An instance of WASI 0.2 handles one at a time.
    pub max_instance_concurrent_reuse_count: usize,
    /// How long an idle instance is kept. Default: 1 s.
    pub idle_instance_timeout: Duration,
    /// How long a request may take, and separately the guest's work after it. Default: no limit. In Spin only for WASI 0.3.
    pub request_timeout: Option<Duration>,
}

impl Options {
    /// The runtime's defaults.
    pub fn new(wasm: impl Into<PathBuf>, runtime: impl Into<Runtime>) -> Self {
        Self {
            wasm: wasm.into(),
            runtime: runtime.into(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            ca_file: None,
            environment: BTreeMap::new(),
            output: Output::default(),
            max_instance_reuse_count: None,
            max_instance_concurrent_reuse_count: 16,
            idle_instance_timeout: Duration::from_secs(1),
            request_timeout: None,
        }
    }
}

impl fmt::Debug for Options {
    /// Shows names of variables, not their values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("wasm", &self.wasm)
            .field("runtime", &self.runtime)
            .field("listen", &self.listen)
            .field("ca_file", &self.ca_file)
            .field("environment", &self.environment.keys())
            .finish_non_exhaustive()
    }
}

/// A component being served. Dropping it stops it: connections are closed and instances are ended.
pub struct Host {
    address: SocketAddr,
    output: Sink,
    server: AbortHandle,
    /// Closed when the server has ended.
    ended: watch::Receiver<()>,
    /// Dropping it ends the instances.
    _stop: watch::Sender<()>,
}

impl Host {
    /// Reads the manifest, compiles the component and starts to serve it; it accepts requests once this returns.
    ///
    /// # Errors
    ///
    /// The runtime would not start either (the manifest is not valid, a required variable has no value, a key-value label is
    /// unknown, the component imports an unknown interface or handles no HTTP), a file cannot be read, or the address is in
    /// use.
    pub async fn start(options: Options) -> Result<Self> {
        let application = Application::read(&options)?;
        let tls = tls::client_config(options.ca_file.as_deref())?;
        let reuse = Reuse::of(&options);
        let (wasm, offers) = (options.wasm, options.runtime.offers());
        let context = format!("cannot serve {}", wasm.display());
        let component = tokio::task::spawn_blocking(move || components::load(&wasm, offers)).await?;
        let component = component.context(context)?;
        let listener =
            TcpListener::bind(options.listen).await.with_context(|| format!("cannot listen on {}", options.listen))?;
        let address = listener.local_addr()?;

        let output = Sink::new(options.output);
        let outbound = Outbound::new(tls, application.allowed_hosts, address.to_string().parse()?, output.clone());
        let (stop, stopped) = watch::channel(());
        let instances = Instances {
            reuse: reuse.of_component(&component, offers),
            component,
            environment: application.environment,
            variables: Arc::new(application.variables),
            key_value: application.key_value,
            key_value_labels: Arc::new(application.key_value_labels),
            outbound: Arc::new(outbound),
            output: output.clone(),
            stop: stopped,
        };
        let handler = ProxyHandler::new(instances);
        let server = Arc::new(Server { router: application.router, handler, output: output.clone() });
        let (end, ended) = watch::channel(());
        let server = tokio::spawn(async move {
            server.run(listener).await;
            drop(end);
        });
        Ok(Self { address, output, server: server.abort_handle(), ended, _stop: stop })
    }

    /// Its URL: scheme, address and port, without a trailing slash.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The guest's output on stdout and stderr so far, and the host's messages; empty unless [`Output::Capture`].
    #[must_use]
    pub fn output(&self) -> String {
        self.output.contents()
    }

    /// Waits until it stops serving, which happens only when accepting connections fails.
    pub async fn stopped(&self) {
        let mut ended = self.ended.clone();
        while ended.changed().await.is_ok() {}
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.server.abort();
    }
}

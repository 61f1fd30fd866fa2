//! The life of instances: creation, number of requests, end.
//!
//! wasmtime's [`ProxyHandler`](wasmtime_wasi_http::handler::ProxyHandler) does the work; this is its state, with the
//! runtime's behaviour.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::Sleep;
use wasmtime::component::ResourceTable;
use wasmtime::{Store, StoreContextMut};
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi_http::handler::{
    HandlerState, Instance, ProxyPre, ShouldAccept, WorkerExpiration, WorkerState, WorkerStatus,
};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpView};

use crate::Options;
use crate::application::Environment;
use crate::key_value::{KeyValue, KeyValueState};
use crate::outbound::{Hooks, Outbound};
use crate::output::Sink;
use crate::runtime::Offers;
use crate::state::State;
use crate::variables::ComponentVariables;

/// The parts of an instance.
pub(crate) struct Instances {
    pub(crate) component: Arc<ProxyPre<State>>,
    pub(crate) environment: Environment,
    pub(crate) variables: Arc<ComponentVariables>,
    pub(crate) key_value: KeyValue,
    pub(crate) key_value_labels: Arc<BTreeSet<String>>,
    pub(crate) outbound: Arc<Outbound>,
    pub(crate) output: Sink,
    pub(crate) reuse: Reuse,
    /// Closed when the host is dropped.
    pub(crate) stop: watch::Receiver<()>,
}

/// The default number of requests per instance of WASI 0.3, in Spin as in `wasmtime serve`.
const REUSE_COUNT: usize = 128;

/// How long and how much an instance may be used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reuse {
    /// `None`: [`REUSE_COUNT`].
    pub(crate) count: Option<usize>,
    pub(crate) concurrent_count: usize,
    pub(crate) idle_timeout: Duration,
    pub(crate) request_timeout: Option<Duration>,
}

impl Reuse {
    /// The options, with the defaults for WASI 0.3.
    pub(crate) fn of(options: &Options) -> Self {
        Self {
            count: options.max_instance_reuse_count,
            concurrent_count: options.max_instance_concurrent_reuse_count,
            idle_timeout: options.idle_instance_timeout,
            request_timeout: options.request_timeout,
        }
    }

    /// An instance of WASI 0.2 handles one request at a time, and in Spin only one, without a time limit.
    pub(crate) fn of_component(self, component: &ProxyPre<State>, offers: Offers) -> Self {
        match (component, offers) {
            (ProxyPre::P3(_), _) => self,
            (ProxyPre::P2(_), Offers::Spin) => {
                Self { count: Some(1), concurrent_count: 1, request_timeout: None, ..self }
            }
            (ProxyPre::P2(_), Offers::Wasi) => Self { count: self.count.or(Some(1)), concurrent_count: 1, ..self },
        }
    }
}

impl HandlerState for Instances {
    type StoreData = State;
    type WorkerExpiration = Expiration;
    type WorkerState = Worker;

    async fn instantiate(&self) -> wasmtime::Result<Instance<State, Expiration, Worker>> {
        let mut wasi = WasiCtxBuilder::new();
        self.output.connect(&mut wasi);
        for (name, value) in &self.environment.0 {
            wasi.env(name, value);
        }
        let state = State {
            table: ResourceTable::new(),
            wasi: wasi.build(),
            http: WasiHttpCtx::new(),
            hooks: Hooks(Arc::clone(&self.outbound)),
            variables: Arc::clone(&self.variables),
            key_value: KeyValueState::new(self.key_value.clone(), Arc::clone(&self.key_value_labels)),
        };
        let engine = match &*self.component {
            ProxyPre::P3(pre) => pre.engine(),
            ProxyPre::P2(pre) => pre.engine(),
        };
        let mut store = Store::new(engine, state);
        let proxy = self.component.instantiate_async(&mut store).await?;
        Ok(Instance {
            store,
            proxy,
            view: State::http,
            expiration: Expiration::new(self.reuse, self.stop.clone()),
            state: Worker { reuse: self.reuse, output: self.output.clone(), stop: self.stop.clone() },
        })
    }
}

/// Ends an instance that has been idle, or busy with one request, for too long.
pub(crate) struct Expiration {
    reuse: Reuse,
    sleep: Pin<Box<Sleep>>,
    stopped: Pin<Box<dyn Future<Output = ()> + Send + Sync>>,
}

impl Expiration {
    fn new(reuse: Reuse, mut stop: watch::Receiver<()>) -> Self {
        let stopped = Box::pin(async move { while stop.changed().await.is_ok() {} });
        Self { reuse, sleep: Box::pin(tokio::time::sleep(Duration::MAX)), stopped }
    }
}

impl WorkerExpiration for Expiration {
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>, status: WorkerStatus, start: Instant) -> Poll<()> {
        if self.stopped.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let timeout = match status {
            WorkerStatus::Idle => Some(self.reuse.idle_timeout),
            WorkerStatus::Requests | WorkerStatus::PostReturn => self.reuse.request_timeout,
        };
        let Some(deadline) = timeout.and_then(|timeout| start.checked_add(timeout)) else {
            return Poll::Pending;
        };
        if self.sleep.deadline() != deadline.into() {
            self.sleep.as_mut().reset(deadline.into());
        }
        self.sleep.as_mut().poll(cx)
    }
}

/// A working instance.
pub(crate) struct Worker {
    reuse: Reuse,
    output: Sink,
    stop: watch::Receiver<()>,
}

impl WorkerState for Worker {
    type StoreData = State;
    type RequestData = ();

    fn should_accept_request(&self, concurrent_count: usize, total_count: usize) -> ShouldAccept {
        if total_count >= self.reuse.count.unwrap_or(REUSE_COUNT) {
            ShouldAccept::Never
        } else if concurrent_count >= self.reuse.concurrent_count {
            ShouldAccept::No
        } else {
            ShouldAccept::Yes
        }
    }

    fn on_request_start(
        &self,
        _: StoreContextMut<'_, State>,
        (): (),
        _: wasmtime::component::GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + 'static + Send + Sync>> {
        Box::pin(tokio::time::sleep(self.reuse.request_timeout.unwrap_or(Duration::MAX)))
    }

    fn drop(&self, store: Store<State>, result: wasmtime::Result<()>) {
        // Dropping the host ends its instances, which is not a failure.
        let stopped = self.stop.has_changed().is_err();
        if let Err(error) = result.as_ref()
            && !stopped
        {
            self.output.say(format_args!("an instance failed: {error:?}"));
        }
        drop(store);
    }
}

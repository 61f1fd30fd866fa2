//! One run: every server, component, store, operation and number of callers, one after the other.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use xtask::artifact::Artifact;
use xtask::build;
use xtask::caller::Caller;
use xtask::redis::Redis;

use crate::cell::{Figures, Operation, Store, milliseconds};
use crate::load::{self, Bounds, Order};
use crate::server::{Component, Kind, Server, Setup};
use crate::stub::{DIRECTORY, Stub};
use crate::{redis_calls, report};

/// Requests sent before anything is counted: instances are up, tokens are there.
const WARM_UP: usize = 20;

/// Requests that are written down, to find what an operation calls upstream.
const RECORDED: usize = 9;

/// What a run covers.
pub(crate) struct Plan {
    pub(crate) servers: Vec<Kind>,
    pub(crate) stores: Vec<Store>,
    pub(crate) operations: Vec<Operation>,
    pub(crate) callers: Vec<usize>,
    pub(crate) bounds: Bounds,
}

/// What all cells need.
pub(crate) struct Bench {
    pub(crate) stub: Stub,
    caller: Caller,
    idhook: PathBuf,
    floor: PathBuf,
    redis: Option<Redis>,
    /// The floor's request body for an operation: the calls that idhook makes.
    calls: BTreeMap<Operation, Bytes>,
}

impl Bench {
    /// Builds the components, and starts the upstream and, where it is installed and `redis` asks for it, a Redis server.
    pub(crate) async fn new(redis: bool) -> Result<Self> {
        Ok(Self {
            idhook: Artifact::Spin.build()?,
            floor: build::component("idhook-floor", "idhook_floor.wasm")?,
            stub: Stub::start().await?,
            caller: Caller::for_trying()?,
            redis: if redis { Redis::start()? } else { None },
            calls: BTreeMap::new(),
        })
    }

    /// Measures everything in the plan; `done` sees each cell as it is done.
    pub(crate) async fn run(&mut self, plan: &Plan, mut done: impl FnMut(&Figures)) -> Result<Vec<Figures>> {
        let mut all: Vec<Figures> = Vec::new();
        for kind in &plan.servers {
            // Without a store first: it finds the calls that the floor repeats.
            for (component, store) in self.rows(plan) {
                for cold in [false, true] {
                    let operations = plan.operations.iter().filter(|operation| operation.is_cold() == cold);
                    let mut operations = operations.peekable();
                    if operations.peek().is_none() {
                        continue;
                    }
                    let mut server = self.server_with(kind, component, store, cold, &[]).await?;
                    for operation in operations {
                        if component == Component::Idhook && !self.calls.contains_key(operation) {
                            let calls = self.record(&server, *operation).await?;
                            report::calls(*operation, &String::from_utf8_lossy(&calls));
                            self.calls.insert(*operation, calls);
                        }
                        for callers in &plan.callers {
                            let cell = (component, store, *operation, *callers);
                            let mut figures = self.cell(kind, &mut server, cell, plan.bounds).await?;
                            if let Some(floor) = all.iter().find(|other| other.is_floor_of(&figures)) {
                                figures.relative_to(floor);
                            }
                            done(&figures);
                            all.push(figures);
                        }
                    }
                }
            }
        }
        // The first row was there before the floor's.
        for at in 0..all.len() {
            let floor = all.get(at).and_then(|own| all.iter().find(|other| other.is_floor_of(own)).cloned());
            if let Some((own, floor)) = all.get_mut(at).zip(floor) {
                own.relative_to(&floor);
            }
        }
        Ok(all)
    }

    fn rows(&self, plan: &Plan) -> Vec<(Component, Store)> {
        let has_redis = self.redis.is_some();
        let stores = plan.stores.iter().filter(|store| **store != Store::Redis || has_redis);
        let mut rows: Vec<_> = stores.map(|store| (Component::Idhook, *store)).collect();
        rows.insert(1.min(rows.len()), (Component::Floor, Store::None));
        rows
    }

    /// Starts a server for these cells, with `more` of the component's variables.
    pub(crate) async fn server_with(
        &self,
        kind: &Kind,
        component: Component,
        store: Store,
        fresh: bool,
        more: &[(&str, String)],
    ) -> Result<Server> {
        let (wasm, mut variables) = match component {
            Component::Floor => (&self.floor, BTreeMap::from([("upstream".to_owned(), self.stub.url())])),
            Component::Idhook => (&self.idhook, self.variables(store)),
        };
        variables.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        let redis = self.redis.as_ref().filter(|_| store == Store::Redis);
        Server::start(kind, Setup { component, wasm, variables, redis, fresh }).await
    }

    fn variables(&self, store: Store) -> BTreeMap<String, String> {
        let store = if store == Store::None { "none" } else { "auto" };
        let pairs = [
            ("vidm_url", self.stub.url()),
            ("vidm_username", "bench".to_owned()),
            ("vidm_password", "no secret".to_owned()),
            ("api_keys", self.caller.api_keys.clone()),
            ("state_key", "a key that protects nothing but a measurement".to_owned()),
            ("store", store.to_owned()),
            ("log_level", "error".to_owned()),
            ("rate_limit", "0".to_owned()),
            ("watch_limit", "0".to_owned()),
        ];
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// idhook's request for an operation. The state's is that of a sync which is started for it.
    pub(crate) async fn order(&self, server: &Server, operation: Operation) -> Result<Order> {
        self.stub.set_running(operation.is_during_a_run());
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, format!("Bearer {}", self.caller.key).parse()?);
        let order = |method, path: String| Order { method, path, headers: headers.clone(), body: Bytes::new() };
        let start = order(Method::POST, format!("/vidm/default/v1/directories/{DIRECTORY}/syncs"));
        Ok(match operation {
            Operation::Start | Operation::Join | Operation::Cold => start,
            Operation::List => order(Method::GET, "/vidm/default/v1/directories".to_owned()),
            Operation::State => {
                let started = load::once(server.address, &start).await?;
                let place = started.headers.get(header::LOCATION).and_then(|place| place.to_str().ok());
                order(Method::GET, place.context("the answer has no Location")?.to_owned())
            }
        })
    }

    /// The calls that idhook makes for one request of this operation, as the floor reads them: those of the request that made
    /// as many as most did.
    async fn record(&self, server: &Server, operation: Operation) -> Result<Bytes> {
        let order = self.order(server, operation).await?;
        let mut requests: Vec<Vec<String>> = Vec::new();
        for number in 0..WARM_UP + RECORDED {
            self.stub.record();
            load::once(server.address, &order).await?;
            let recorded = self.stub.recorded();
            if number >= WARM_UP {
                requests.push(recorded);
            }
        }
        let count = |length: usize| requests.iter().filter(|calls| calls.len() == length).count();
        let usual = requests.iter().max_by_key(|calls| count(calls.len())).context("nothing was recorded")?;
        Ok(usual.join("\n").into())
    }

    async fn cell(
        &self,
        kind: &Kind,
        server: &mut Server,
        (component, store, operation, callers): (Component, Store, Operation, usize),
        bounds: Bounds,
    ) -> Result<Figures> {
        let order = match component {
            Component::Idhook => self.order(server, operation).await?,
            Component::Floor => {
                self.stub.set_running(operation.is_during_a_run());
                let body = self.calls.get(&operation).cloned().unwrap_or_default();
                let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"))]);
                Order { method: Method::POST, path: "/".to_owned(), headers, body }
            }
        };
        let warm_up = Bounds { requests: WARM_UP.max(callers * 2), ..bounds };
        load::run(server.address, &order, callers, warm_up).await?;

        let (stored, upstream) = (self.store_calls(server, store), self.stub.calls());
        let before = server.tree().cpu();
        let seen = load::run(server.address, &order, callers, bounds).await?;
        let cpu = server.tree().cpu().zip(before).map(|(after, before)| after.saturating_sub(before));
        let upstream = self.stub.calls() - upstream;
        let stored = self.store_calls(server, store).zip(stored).map(|(after, before)| after.saturating_sub(before));

        let requests = seen.latencies.len();
        ensure!(requests > 0, "{} {}: no request succeeded", component.name(), operation.name());
        let each = |total: f64| total / requests as f64;
        Ok(Figures {
            server: kind.name(),
            component: component.name(),
            store: store.name(),
            operation: operation.name(),
            callers,
            requests,
            failures: seen.failures,
            seconds: seen.elapsed.as_secs_f64(),
            requests_per_second: requests as f64 / seen.elapsed.as_secs_f64(),
            p50_ms: milliseconds(seen.percentile(0.5)),
            p99_ms: milliseconds(seen.percentile(0.99)),
            cpu_ms: cpu.map(|cpu| each(milliseconds(cpu))),
            memory_kb: server.tree().memory().map(|bytes| bytes / 1000),
            upstream_calls: each(upstream as f64),
            store_calls: stored.map(|calls| each(calls as f64)),
            cpu_ratio: None,
            throughput_ratio: None,
        })
    }

    fn store_calls(&self, server: &mut Server, store: Store) -> Option<u64> {
        match (server.store_calls(), store, &self.redis) {
            (Some(calls), _, _) => Some(calls.values().sum()),
            (None, Store::Redis, Some(redis)) => redis_calls::count(&redis.url()).ok(),
            _ => None,
        }
    }
}

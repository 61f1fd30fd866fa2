//! One run: every server, component, store, operation and number of callers, one after another.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use xtask::artifact::Artifact;
use xtask::build;
use xtask::caller::Caller;
use xtask::redis::Redis;

use crate::cell::{Figures, Operation, Store};
use crate::load::{self, Bounds, Order};
use crate::measure::{Cell, Side, WARM_UP};
use crate::report;
use crate::server::{Component, Kind, Server, Setup};
use crate::stub::{DIRECTORY, Stub};

/// Requests that are recorded to find an operation's upstream calls.
const RECORDED: usize = 9;

/// The parts of a run.
pub(crate) struct Plan {
    pub(crate) servers: Vec<Kind>,
    pub(crate) stores: Vec<Store>,
    pub(crate) operations: Vec<Operation>,
    pub(crate) callers: Vec<usize>,
    pub(crate) bounds: Bounds,
}

/// The parts that all cells share.
pub(crate) struct Bench {
    pub(crate) stub: Stub,
    caller: Caller,
    idhook: PathBuf,
    floor: PathBuf,
    pub(crate) redis: Option<Redis>,
}

impl Bench {
    /// Builds the components, and starts the upstream and, if it is installed and `redis` is set, a Redis server.
    pub(crate) async fn new(redis: bool) -> Result<Self> {
        Ok(Self {
            idhook: Artifact::Spin.build()?,
            floor: build::component("idhook-floor", "idhook_floor.wasm")?,
            stub: Stub::start().await?,
            caller: Caller::for_trying()?,
            redis: if redis { Redis::start()? } else { None },
        })
    }

    /// Measures everything in the plan; `done` gets each finished cell.
    pub(crate) async fn run(&self, plan: &Plan, mut done: impl FnMut(&Figures)) -> Result<Vec<Figures>> {
        let mut all: Vec<Figures> = Vec::new();
        let stores = plan.stores.iter().copied().filter(|store| *store != Store::Redis || self.redis.is_some());
        let rows = stores.flat_map(|store| [(store, false), (store, true)]);
        let rows: Vec<_> = plan.servers.iter().flat_map(|kind| rows.clone().map(move |row| (kind, row))).collect();
        for (kind, (store, cold)) in rows {
            let mut operations = plan.operations.iter().copied().filter(|one| one.is_cold() == cold).peekable();
            if operations.peek().is_none() {
                continue;
            }
            let mut idhook = self.server_with(kind, Component::Idhook, store, cold, &[]).await?;
            let mut floor = self.server_with(kind, Component::Floor, store, cold, &[]).await?;
            for operation in operations {
                let order = self.order(&idhook, operation).await?;
                let calls = self.record(&idhook, &order).await?;
                report::calls(operation, &String::from_utf8_lossy(&calls));
                let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"))]);
                let same = Order { method: Method::POST, path: "/".to_owned(), headers, body: calls };
                for callers in plan.callers.iter().copied() {
                    let floor = Side { server: &mut floor, component: Component::Floor, order: same.clone() };
                    let idhook = Side { server: &mut idhook, component: Component::Idhook, order: order.clone() };
                    let cell = Cell { kind, store, operation, callers };
                    let pair = self.pair(cell, floor, idhook, plan.bounds).await?;
                    pair.iter().for_each(&mut done);
                    all.extend(pair);
                }
            }
        }
        Ok(all)
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
        Server::start(kind, Setup { component, wasm, variables, redis, fresh, log: None }).await
    }

    fn variables(&self, store: Store) -> BTreeMap<String, String> {
        let store = if store == Store::None { "none" } else { "auto" };
        let pairs = [
            ("vidm_url", self.stub.url()),
            ("vidm_username", "bench".to_owned()),
            ("vidm_password", "no secret".to_owned()),
            ("api_keys", self.caller.api_keys.clone()),
            ("state_key", "a key used only for measurements".to_owned()),
            ("store", store.to_owned()),
            ("log_level", "error".to_owned()),
            ("rate_limit", "0".to_owned()),
            ("watch_limit", "0".to_owned()),
        ];
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// idhook's request for an operation. For the state it starts a sync first.
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
                order(Method::GET, place.context("the response has no Location")?.to_owned())
            }
        })
    }

    /// The calls that idhook makes for such a request, as input of the floor: those of the most common count.
    async fn record(&self, server: &Server, order: &Order) -> Result<Bytes> {
        let mut requests: Vec<Vec<String>> = Vec::new();
        for number in 0..WARM_UP + RECORDED {
            self.stub.record();
            load::once(server.address, order).await?;
            let recorded = self.stub.recorded();
            if number >= WARM_UP {
                requests.push(recorded);
            }
        }
        let count = |length: usize| requests.iter().filter(|calls| calls.len() == length).count();
        let usual = requests.iter().max_by_key(|calls| count(calls.len())).context("no calls were recorded")?;
        Ok(usual.join("\n").into())
    }
}

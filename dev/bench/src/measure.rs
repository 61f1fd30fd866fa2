//! One cell: idhook and the floor in turns, so that other load on the machine affects both alike.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::bench::Bench;
use crate::cell::{Figures, Operation, Store, milliseconds};
use crate::load::{self, Bounds, Order, Seen};
use crate::redis_calls;
use crate::server::{Component, Kind, Server};

/// Requests sent before measuring: instances are started, tokens are cached.
pub(crate) const WARM_UP: usize = 20;

/// The number of turns.
const TURNS: u32 = 4;

/// One of the two compared components.
pub(crate) struct Side<'a> {
    pub(crate) server: &'a mut Server,
    pub(crate) component: Component,
    pub(crate) order: Order,
}

/// One side's results so far.
#[derive(Default)]
struct Sum {
    seen: Seen,
    cpu: Option<Duration>,
    upstream: u64,
    stored: Option<u64>,
    operations: BTreeMap<String, u64>,
}

/// Which cell.
#[derive(Clone, Copy)]
pub(crate) struct Cell<'a> {
    pub(crate) kind: &'a Kind,
    pub(crate) store: Store,
    pub(crate) operation: Operation,
    pub(crate) callers: usize,
}

impl Bench {
    /// Measures both sides; returns the floor's figures first.
    pub(crate) async fn pair(
        &self,
        cell: Cell<'_>,
        mut floor: Side<'_>,
        mut idhook: Side<'_>,
        bounds: Bounds,
    ) -> Result<[Figures; 2]> {
        let warm_up = Bounds { requests: WARM_UP.max(cell.callers * 2), ..bounds };
        for side in [&mut floor, &mut idhook] {
            load::run(side.server.address, &side.order, cell.callers, warm_up).await?;
        }
        let turn = Bounds { requests: bounds.requests.div_ceil(TURNS as usize), time: bounds.time / TURNS };
        let (mut below, mut own) = (Sum::default(), Sum::default());
        for _ in 0..TURNS {
            self.turn(cell, &mut floor, &mut below, turn).await?;
            self.turn(cell, &mut idhook, &mut own, turn).await?;
        }
        let below = figures(cell, &floor, below)?;
        let mut own = figures(cell, &idhook, own)?;
        own.relative_to(&below);
        Ok([below, own])
    }

    async fn turn(&self, cell: Cell<'_>, side: &mut Side<'_>, sum: &mut Sum, bounds: Bounds) -> Result<()> {
        let operations = side.server.store_calls();
        let redis = self.redis_calls(cell.store);
        let (upstream, cpu) = (self.stub.calls(), side.server.tree().cpu());
        let seen = load::run(side.server.address, &side.order, cell.callers, bounds).await?;
        let cpu = side.server.tree().cpu().zip(cpu).map(|(after, before)| after.saturating_sub(before));
        sum.cpu = cpu.map(|cpu| cpu + sum.cpu.unwrap_or_default());
        sum.upstream += self.stub.calls() - upstream;
        if let Some((after, before)) = side.server.store_calls().zip(operations) {
            for (name, calls) in after {
                let calls = calls - before.get(&name).copied().unwrap_or_default();
                *sum.stored.get_or_insert_default() += calls;
                *sum.operations.entry(name).or_default() += calls;
            }
            sum.stored.get_or_insert_default();
        } else if let (Component::Idhook, Some((after, before))) =
            (side.component, self.redis_calls(cell.store).zip(redis))
        {
            *sum.stored.get_or_insert_default() += after.saturating_sub(before);
        }
        sum.seen.latencies.extend(seen.latencies);
        sum.seen.failures += seen.failures;
        sum.seen.elapsed += seen.elapsed;
        Ok(())
    }

    fn redis_calls(&self, store: Store) -> Option<u64> {
        let redis = self.redis.as_ref().filter(|_| store == Store::Redis)?;
        redis_calls::count(&redis.url()).ok()
    }
}

fn figures(cell: Cell<'_>, side: &Side<'_>, sum: Sum) -> Result<Figures> {
    let Sum { seen, cpu, upstream, stored, operations } = sum;
    let requests = seen.latencies.len();
    ensure!(requests > 0, "{} {}: no request succeeded", side.component.name(), cell.operation.name());
    let each = |total: f64| total / requests as f64;
    Ok(Figures {
        server: cell.kind.name(),
        component: side.component.name(),
        store: cell.store.name(),
        operation: cell.operation.name(),
        callers: cell.callers,
        requests,
        failures: seen.failures,
        seconds: seen.elapsed.as_secs_f64(),
        requests_per_second: requests as f64 / seen.elapsed.as_secs_f64(),
        p50_ms: milliseconds(seen.percentile(0.5)),
        p99_ms: milliseconds(seen.percentile(0.99)),
        cpu_ms: cpu.map(|cpu| each(milliseconds(cpu))),
        memory_kb: side.server.tree().memory().map(|bytes| bytes / 1000),
        upstream_calls: each(upstream as f64),
        store_calls: stored.map(|calls| each(calls as f64)),
        store_operations: operations.into_iter().map(|(name, calls)| (name, each(calls as f64))).collect(),
        cpu_ratio: None,
        throughput_ratio: None,
    })
}

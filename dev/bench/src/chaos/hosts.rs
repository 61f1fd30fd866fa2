//! The hosts: each in a process of its own, over one Redis, ended by `kill -9` and started again at the same port.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Result};
use serde_json::Value;
use xtask::ports::free_port;
use xtask::redis::Redis;

use super::tally::Tally;
use crate::server::{Component, Kind, Server, Setup};

/// The longest time that a crashed host stays down before it is started again.
const DOWN: Duration = Duration::from_millis(500);

/// What all hosts share.
pub(super) struct Hosts {
    kind: Kind,
    wasm: PathBuf,
    variables: BTreeMap<String, String>,
    pub(super) redis: Redis,
    logs: PathBuf,
    addresses: Vec<SocketAddr>,
    servers: Vec<Mutex<Option<Server>>>,
    crashes: Mutex<Vec<(usize, SystemTime)>>,
}

impl Hosts {
    /// Starts `count` hosts, one after another: the first compiles the component, the others find it compiled.
    pub(super) async fn start(
        (kind, wasm): (Kind, PathBuf),
        count: usize,
        variables: BTreeMap<String, String>,
        redis: Redis,
        logs: &Path,
    ) -> Result<Self> {
        let addresses = (0..count)
            .map(|_| Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?))))
            .collect::<Result<Vec<_>>>()?;
        let servers = addresses.iter().map(|_| Mutex::default()).collect();
        let logs = logs.to_owned();
        let hosts = Self { kind, wasm, variables, redis, logs, addresses, servers, crashes: Mutex::default() };
        for host in 0..count {
            hosts.up(host).await?;
        }
        Ok(hosts)
    }

    pub(super) fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// When a host was killed, and which.
    pub(super) fn crashes(&self) -> Vec<(usize, SystemTime)> {
        self.crashes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn log(&self, host: usize) -> PathBuf {
        self.logs.join(format!("host-{host}.log"))
    }

    fn put(&self, host: usize, server: Option<Server>) -> Option<Server> {
        let place = self.servers.get(host)?;
        std::mem::replace(&mut *place.lock().unwrap_or_else(PoisonError::into_inner), server)
    }

    async fn up(&self, host: usize) -> Result<()> {
        let log = self.log(host);
        let setup = Setup {
            component: Component::Idhook,
            wasm: &self.wasm,
            variables: self.variables.clone(),
            redis: Some(&self.redis),
            fresh: false,
            log: Some(&log),
        };
        let port = self.addresses.get(host).map_or(0, SocketAddr::port);
        let server = Server::start_at(&self.kind, setup, port).await;
        drop(self.put(host, Some(server.with_context(|| format!("host {host} does not start"))?)));
        Ok(())
    }

    /// Kills a random host every few seconds, and starts it again, until `end`.
    pub(super) async fn disturb(
        &self,
        tally: &Tally,
        mut random: fastrand::Rng,
        every: f64,
        end: Instant,
    ) -> Result<()> {
        loop {
            let pause = Duration::from_secs_f64(every * (0.6 + 0.8 * random.f64()));
            if Instant::now() + pause >= end {
                return Ok(());
            }
            tokio::time::sleep(pause).await;
            let host = random.usize(0..self.addresses.len());
            let Some(server) = self.put(host, None) else { continue };
            let crashed = (host, SystemTime::now());
            server.crash()?;
            self.crashes.lock().unwrap_or_else(PoisonError::into_inner).push(crashed);
            tally.count("hosts killed");
            tokio::time::sleep(DOWN.mul_f64(random.f64())).await;
            let begun = Instant::now();
            self.up(host).await?;
            tally.time("start of a host", begun.elapsed());
        }
    }

    /// What the hosts logged about their store: each text, and in how many lines. Also the number of lines.
    pub(super) fn store_troubles(&self) -> Result<(u64, BTreeMap<String, u64>)> {
        let (mut lines, mut troubles) = (0, BTreeMap::new());
        for host in 0..self.addresses.len() {
            for line in BufReader::new(File::open(self.log(host))?).lines() {
                // A host that was killed may have left half a line.
                let Ok(line) = serde_json::from_str::<Value>(&line?) else { continue };
                lines += 1;
                if let Some(trouble) = line.get("store").and_then(Value::as_str) {
                    *troubles.entry(trouble.to_owned()).or_default() += 1;
                }
            }
        }
        Ok((lines, troubles))
    }
}

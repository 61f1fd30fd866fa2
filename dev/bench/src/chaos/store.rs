//! The load on Redis, from its `INFO`.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Instant;

use anyhow::Result;
use serde::Serialize;
use xtask::redis::Redis;

use crate::redis_calls;

/// What Redis reported at one time.
pub(super) struct Reading {
    at: Instant,
    calls: BTreeMap<String, u64>,
}

impl Reading {
    pub(super) fn of(redis: &Redis) -> Result<Self> {
        Ok(Self { at: Instant::now(), calls: redis_calls::by_command(&redis.url())? })
    }
}

/// The commands of a run, and the memory at its end.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Load {
    pub(super) seconds: f64,
    pub(super) commands: BTreeMap<String, u64>,
    pub(super) per_second: f64,
    pub(super) memory_bytes: u64,
    pub(super) keys: u64,
}

impl Load {
    pub(super) fn since(before: &Reading, redis: &Redis) -> Result<Self> {
        let after = redis_calls::by_command(&redis.url())?;
        let seconds = before.at.elapsed().as_secs_f64();
        let commands = redis_calls::difference(&after, &before.calls);
        let per_second = commands.values().sum::<u64>() as f64 / seconds;
        let (memory_bytes, keys) = redis_calls::size(&redis.url())?;
        Ok(Self { seconds, commands, per_second, memory_bytes, keys })
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let commands: Vec<String> = self.commands.iter().map(|(name, calls)| format!("{name} {calls}")).collect();
        write!(
            f,
            "Redis: {:.0} commands a second ({}), {} kB and {} keys at the end",
            self.per_second,
            commands.join(", "),
            self.memory_bytes / 1000,
            self.keys
        )
    }
}

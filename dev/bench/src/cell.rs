//! The measured operations and stores, and the figures of one cell.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

/// A use of the webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Operation {
    /// `POST …/syncs` while the upstream is idle: the kick-off is sent.
    Start,
    /// `POST …/syncs` while a run is in progress: the request joins the next one.
    Join,
    /// As [`Join`](Self::Join), in an instance made only for this request: it has no token.
    Cold,
    /// `GET …/directories`.
    List,
    /// `GET …/syncs/{id}` of a waiting sync.
    State,
}

impl Operation {
    pub(crate) const ALL: [Self; 5] = [Self::Start, Self::Join, Self::List, Self::State, Self::Cold];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Join => "join",
            Self::Cold => "cold",
            Self::List => "list",
            Self::State => "state",
        }
    }

    /// Whether each request gets an instance of its own.
    pub(crate) fn is_cold(self) -> bool {
        self == Self::Cold
    }

    /// Whether an upstream run is always in progress.
    pub(crate) fn is_during_a_run(self) -> bool {
        matches!(self, Self::Join | Self::Cold | Self::State)
    }
}

/// The store that instances share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Store {
    /// `store=none`.
    None,
    /// The runtime's default: memory on dev/host, SQLite on Spin.
    Default,
    Redis,
}

impl Store {
    pub(crate) const ALL: [Self; 3] = [Self::None, Self::Default, Self::Redis];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Default => "default",
            Self::Redis => "redis",
        }
    }
}

/// The figures of one cell.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figures {
    pub(crate) server: &'static str,
    pub(crate) component: &'static str,
    pub(crate) store: &'static str,
    pub(crate) operation: &'static str,
    pub(crate) callers: usize,
    pub(crate) requests: usize,
    pub(crate) failures: usize,
    pub(crate) seconds: f64,
    pub(crate) requests_per_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    /// User and system time of the server's process tree per request.
    pub(crate) cpu_ms: Option<f64>,
    /// Resident memory of the server's process tree at the end of the cell.
    pub(crate) memory_kb: Option<u64>,
    pub(crate) upstream_calls: f64,
    pub(crate) store_calls: Option<f64>,
    /// The same by operation, if dev/host is the server.
    pub(crate) store_operations: BTreeMap<String, f64>,
    /// Relative to the floor, which was measured in turns with it.
    pub(crate) cpu_ratio: Option<f64>,
    pub(crate) throughput_ratio: Option<f64>,
}

impl Figures {
    /// Sets the ratios to the floor's figures.
    pub(crate) fn relative_to(&mut self, floor: &Self) {
        self.cpu_ratio = self.cpu_ms.zip(floor.cpu_ms).map(|(own, floor)| own / floor);
        self.throughput_ratio = Some(self.requests_per_second / floor.requests_per_second);
    }
}

/// In milliseconds.
pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

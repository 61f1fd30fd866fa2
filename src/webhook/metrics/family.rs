//! The metric families: names, types, labels. `docs/reference/metrics.md` is made of them.

/// The value of a label that does not apply: a response without an error code, a path that is no route.
pub(in crate::webhook) const NONE: &str = "none";

/// The upper bounds of a histogram's buckets, in milliseconds.
pub(super) const BOUNDS_MS: [u64; 10] = [50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 120_000];

/// The type of a family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::webhook) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// A family's description.
#[derive(Debug, Clone, Copy)]
pub(super) struct Description {
    name: &'static str,
    kind: Kind,
    labels: &'static [&'static str],
    help: &'static str,
}

const fn counter(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Description {
    Description { name, kind: Kind::Counter, labels, help }
}

const fn gauge(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Description {
    Description { name, kind: Kind::Gauge, labels, help }
}

const fn histogram(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Description {
    Description { name, kind: Kind::Histogram, labels, help }
}

table! {
    /// A metric family.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(in crate::webhook) enum Family -> Description {
        BuildInfo => gauge("idhook_build_info", &["version"], "idhook's version; always 1."),
        Callbacks => counter("idhook_callbacks_total", &["callback", "outcome"],
            "Messages about ended syncs, each attempt: succeeded if the receiver responded with 2xx or 410, else failed."),
        ConfigurationWarnings => gauge("idhook_configuration_warnings", &[],
            "Settings that work but need attention, among them expiring API keys; GET /readyz lists them."),
        CountersShared => gauge("idhook_counters_shared", &[],
            "1 if the counters are those of all instances that use the same store, 0 without a store: then they are those of one instance."),
        Errors => counter("idhook_errors_total", &["code"], "Responses, and ends of event streams, with an error code; and looks at open syncs (advance) that could not read a state, each code once."),
        JoinedCallers => counter("idhook_joined_callers_total", &["target"],
            "Accepted starts that began no run of their own: they joined one, or wait for the next."),
        LostBatches => counter("idhook_lost_batches_total", &[],
            "Batches of an instance's counts that were not found in the store in time; the counters lack them, unless they were handed in again."),
        RejectedLogins => counter("idhook_rejected_logins_total", &["target"],
            "Requests, event streams and looks at open syncs that failed because the target rejected idhook's login (code upstream_auth)."),
        RequestSeconds => histogram("idhook_request_seconds", &["route"],
            "Duration of requests, until the response was complete or its event stream began."),
        Requests => counter("idhook_requests_total", &["route", "method", "status", "code"],
            "Requests, by path template, method, HTTP status and error code."),
        StoreFailures => counter("idhook_store_failures_total", &[],
            "Requests during which the key-value store failed; they continued without it."),
        StoreInfo => gauge("idhook_store_info", &["store"],
            "The id of the store that has the counters, made by the first scrape; always 1. Absent without a store."),
        SyncsStarted => counter("idhook_syncs_started_total", &["target"], "Accepted starts of syncs."),
        Syncs => counter("idhook_syncs_total", &["target", "outcome"],
            "Syncs whose final state a request observed, each counted once."),
        UpstreamCalls => counter("idhook_upstream_calls_total", &["target", "call", "status"],
            "Calls to targets and callbacks, by HTTP status; none without a response."),
        UpstreamSeconds => histogram("idhook_upstream_seconds", &["target"], "Duration of calls to targets and callbacks."),
        Watchers => gauge("idhook_watchers", &[], "Open waits and event streams."),
    }
}

impl Family {
    pub(in crate::webhook) const fn name(self) -> &'static str {
        self.row().name
    }

    pub(in crate::webhook) const fn kind(self) -> Kind {
        self.row().kind
    }

    /// The names of its labels, without `le`.
    pub(in crate::webhook) const fn labels(self) -> &'static [&'static str] {
        self.row().labels
    }

    /// Its meaning, in one line.
    pub(in crate::webhook) const fn help(self) -> &'static str {
        self.row().help
    }
}

impl Kind {
    /// Its word in the text format.
    pub(in crate::webhook) const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::text::LABEL_OF_BOUND;
    use super::*;

    #[test]
    fn names_follow_the_conventions() {
        let mut names: Vec<_> = Family::ALL.iter().map(|family| family.name()).collect();
        assert!(names.is_sorted(), "{names:?}");
        names.dedup();
        assert_eq!(names.len(), Family::ALL.len());
        for family in Family::ALL {
            let name = family.name();
            assert!(name.starts_with("idhook_") && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{name}");
            assert_eq!(name.ends_with("_total"), family.kind() == Kind::Counter, "{name}");
            assert_eq!(name.ends_with("_seconds"), family.kind() == Kind::Histogram, "{name}");
            assert!(!family.labels().contains(&LABEL_OF_BOUND), "{name}");
            assert!(family.help().ends_with('.') && !family.help().contains('\n'), "{name}");
        }
        assert!(BOUNDS_MS.is_sorted());
    }
}

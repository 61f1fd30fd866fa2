//! The metrics of one request: what its log line has, without the texts that others chose.

use std::collections::BTreeSet;
use std::time::Duration;

use http::StatusCode;

use super::{FailedSync, LogLine};
use crate::config::Config;
use crate::error::ErrorCode;
use crate::runtime::millis;
use crate::webhook::metrics::{Family, Metrics, NONE, Totals, label};
use crate::webhook::route::Kind;

impl LogLine {
    /// Adds this request to the `metrics`, unless its route is public: probes come every few seconds and say nothing.
    pub(in crate::webhook) fn count(&self, metrics: &Metrics, config: &Config, (status, took): (StatusCode, Duration)) {
        if self.is_public {
            return;
        }
        if self.caller.is_some() {
            metrics.of_caller();
        }
        let target = self.target_label(config).unwrap_or_else(|| NONE.to_owned());
        let code = self.code.unwrap_or(NONE);
        metrics.count(|totals| {
            // Anybody can request each route with each method: that must not use up the series of callers.
            let route = self.route.filter(|_| self.caller.is_some()).unwrap_or(NONE);
            totals.count(Family::Requests, &[route, method(&self.method), status.as_str(), code]);
            totals.observe(Family::RequestSeconds, &[route], millis(took));
            self.count_problem(totals, &target);
            if self.store.is_some() {
                totals.count(Family::StoreFailures, &[]);
            }
            if let Some(joined) = self.joined {
                totals.count(Family::SyncsStarted, &[&target]);
                if joined {
                    totals.count(Family::JoinedCallers, &[&target]);
                }
            }
            totals.calls(&self.calls, &target);
        });
    }

    /// Adds the problem that ended an event stream to the `metrics`. Its calls were counted as they were made.
    pub(in crate::webhook) fn count_end(&self, metrics: &Metrics, config: &Config) {
        let target = self.target_label(config).unwrap_or_else(|| NONE.to_owned());
        metrics.count(|totals| self.count_problem(totals, &target));
    }

    /// The request's problem, and those of the syncs that it could not read: each code once, as one request has one.
    fn count_problem(&self, totals: &mut Totals, target: &str) {
        let unread = self.failed_syncs.iter().filter_map(FailedSync::unread);
        let codes: BTreeSet<_> = unread.chain(self.code).collect();
        for code in codes {
            totals.count(Family::Errors, &[code]);
            if code == ErrorCode::UpstreamAuth.as_str() {
                totals.count(Family::RejectedLogins, &[target]);
            }
        }
    }

    /// The target as `api_keys` names it; `None` without one, or if it is not configured.
    fn target_label(&self, config: &Config) -> Option<String> {
        let (kind, name) = (self.kind?, self.target.as_deref()?);
        let is_configured = match kind {
            Kind::Vidm => config.vidm.contains_key(name),
            Kind::Vcf => config.vcf.contains_key(name),
            Kind::Fleet => config.fleet.contains_key(name),
        };
        is_configured.then(|| label(kind.as_str(), name))
    }
}

/// The method, if it is one that idhook knows; callers may send any word.
fn method(sent: &str) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.into_iter().find(|known| *known == sent).unwrap_or("other")
}

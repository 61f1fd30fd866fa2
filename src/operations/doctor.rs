//! The doctor: a series of checks on a target, each with a fix. It only reads, except for one login that the caller may
//! allow after rejected ones.
//!
//! A check that was not reached because an earlier one failed is `skipped`. `ok` is whether no check failed; a warning is
//! something that works today but needs attention.

use std::time::Duration;

use serde::Serialize;

use super::{FleetOperations, SyncOperations, VcfOperations, VidmOperations};
use crate::config::ConfigError;
use crate::error::{Error, ErrorCode, excerpt};
use crate::json::escape;
use crate::redact::strike;
use crate::runtime::Runtime;
use crate::secret::Secret;
use crate::upstream::{BaseUrl, CallRecord, Outbound};

mod expiry;
mod fleet;
mod freshness;
mod vcf;
mod vidm;

/// The first check, which makes no call.
const CONFIGURATION: &str = "configuration";

/// Looked up to check that look-ups work; a real group is unlikely to have this name.
const GROUP: &str = "idhook-doctor@corp.example";

/// The diagnosis of a target.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub(crate) struct Diagnosis {
    /// Whether no check failed.
    pub(crate) ok: bool,
    /// The checks, in order.
    checks: Vec<Check>,
}

/// One check of a target.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(rename = "DoctorCheck"))]
struct Check {
    /// The name of the check.
    check: &'static str,
    /// The result of the check.
    result: Finding,
    /// The finding.
    detail: String,
    /// The fix.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    /// How long it took, in milliseconds.
    ms: u64,
}

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
enum Finding {
    /// No fault.
    Ok,
    /// It works today but needs attention.
    Warning,
    /// It does not work.
    Failed,
    /// Not made: an earlier check failed, or the target does not have what it checks.
    Skipped,
}

/// The doctor's inputs besides the target.
#[derive(Debug)]
pub(crate) struct Examination<'a> {
    /// The configuration's warnings, for all targets.
    pub(crate) warnings: Vec<ConfigError>,
    /// The configured vIDM targets.
    pub(crate) vidm: Vec<&'a crate::vidm::Target>,
    /// Texts that must not be shown.
    pub(crate) secrets: Vec<&'a Secret>,
    /// Whether to allow one more login after rejected ones: the operator has unlocked the account, or knows that it is not
    /// locked.
    pub(crate) retry: bool,
    /// The period within which each directory needs a successful sync; `None`: this is not checked. SDDC Manager has no directory
    /// syncs.
    pub(crate) stale_after: Option<Duration>,
}

/// The results so far, in the order of the checks.
struct Report<'a> {
    secrets: Vec<&'a Secret>,
    checks: Vec<Check>,
}

impl<R: Runtime> VidmOperations<'_, R> {
    /// Diagnoses this vIDM and its configuration.
    pub(crate) async fn doctor(&self, examination: Examination<'_>) -> Diagnosis {
        let settings = &self.target.settings;
        let mut report = Report::new(&examination, "vidm", &settings.name);
        if examination.retry {
            self.client.allow_login().await;
        }
        let directories = vidm::run(&mut report, &self.client, self.out, &settings.url).await;
        let syncs = SyncOperations::of_vidm(self.target, self.out, false);
        let found = (directories.as_deref(), examination.stale_after);
        let fresh = freshness::run(&mut report, (&syncs, self.out), &crate::vidm::LOGIN_CALLS, found).await;
        report.finish(&[vidm::ALL, fresh].concat())
    }
}

impl<R: Runtime> VcfOperations<'_, R> {
    /// Diagnoses this SDDC Manager and its configuration.
    pub(crate) async fn doctor(&self, examination: Examination<'_>) -> Diagnosis {
        let settings = &self.target.settings;
        let mut report = Report::new(&examination, "vcf", &settings.name);
        if examination.retry {
            self.client.allow_login().await;
        }
        vcf::run(&mut report, &self.client, self.out, settings, &examination.vidm).await;
        report.finish(vcf::ALL)
    }
}

impl<R: Runtime> FleetOperations<'_, R> {
    /// Diagnoses this VCF Operations and its configuration.
    pub(crate) async fn doctor(&self, examination: Examination<'_>) -> Diagnosis {
        let settings = &self.target.settings;
        let mut report = Report::new(&examination, "fleet", &settings.name);
        if examination.retry {
            self.client.allow_login().await;
        }
        let directories = fleet::run(&mut report, &self.client, self.out, settings).await;
        let syncs = SyncOperations::of_fleet(self.target, self.out);
        let found = (directories.as_deref(), examination.stale_after);
        let fresh = freshness::run(&mut report, (&syncs, self.out), &crate::fleet::LOGIN_CALLS, found).await;
        report.finish(&[fleet::ALL, fresh].concat())
    }
}

impl<'a> Report<'a> {
    /// A report that begins with the configuration of the target `name`.
    fn new(examination: &Examination<'a>, kind: &str, name: &str) -> Self {
        let mut report = Self { secrets: examination.secrets.clone(), checks: Vec::new() };
        report.configuration(&examination.warnings, kind, name);
        report
    }

    fn add(&mut self, check: &'static str, result: Finding, detail: &str, hint: Option<&str>, ms: u64) {
        let clean = |text: &str| strike(text, &self.secrets);
        let (detail, hint) = (excerpt(&clean(detail)), hint.map(clean));
        self.checks.push(Check { check, result, detail, hint, ms });
    }

    fn ok(&mut self, check: &'static str, detail: &str, ms: u64) {
        self.add(check, Finding::Ok, detail, None, ms);
    }

    fn failed(&mut self, check: &'static str, error: &Error, ms: u64) {
        self.add(check, Finding::Failed, error.detail(), error.hint_text(), ms);
    }

    /// Turns the last check, which found no fault, into a warning.
    fn but(&mut self, detail: &str, hint: &str) {
        if let Some(last) = self.checks.last_mut() {
            (last.result, last.hint) = (Finding::Warning, Some(hint.to_owned()));
            last.detail = format!("{}; {detail}", last.detail);
        }
    }

    /// The look-up of [`GROUP`], whose result does not matter.
    fn group_look_up(&mut self, failure: Option<&Error>, works: &str, ms: u64) {
        match failure {
            None => self.ok("groups", works, ms),
            Some(error) => self.failed("groups", error, ms),
        }
    }

    /// The warnings for this target or all targets. A URL without TLS has its own check.
    fn configuration(&mut self, warnings: &[ConfigError], kind: &str, name: &str) {
        let is_ours = |warning: &&ConfigError| {
            let plain = name == "default" && warning.variable.starts_with(&format!("{kind}_"));
            let in_list =
                warning.variable == "targets" && warning.pointer.starts_with(&format!("/{kind}/{}/", escape(name)));
            let is_url = warning.variable.ends_with("_url") || warning.pointer.ends_with("/url");
            (plain || in_list || ["state_key", "api_keys"].contains(&warning.variable.as_str())) && !is_url
        };
        let warnings: Vec<_> = warnings.iter().filter(is_ours).collect();
        let detail: Vec<_> = warnings.iter().map(|warning| format!("{} {}", warning.place(), warning.detail)).collect();
        let hints: Vec<_> = warnings.iter().filter_map(|warning| warning.hint.as_deref()).collect();
        match warnings.is_empty() {
            true => self.ok(CONFIGURATION, "no warnings", 0),
            false => self.add(CONFIGURATION, Finding::Warning, &detail.join(". "), Some(&hints.join(". ")), 0),
        }
    }

    /// The connection checks, derived from the first call. Any response proves a connection.
    fn connection(&mut self, url: &BaseUrl, error: Option<&Error>, ms: u64) -> bool {
        match error.filter(|error| error.upstream_status().is_none()) {
            Some(error) if error.code() == ErrorCode::UpstreamTls => {
                self.ok("reach", "connected", ms);
                self.failed("tls", error, ms);
                return false;
            }
            Some(error)
                if matches!(
                    error.code(),
                    ErrorCode::UpstreamUnreachable
                        | ErrorCode::UpstreamTimeout
                        | ErrorCode::UpstreamFailed
                        | ErrorCode::UpstreamInvalid
                        | ErrorCode::NotConfigured
                ) =>
            {
                self.failed("reach", error, ms);
                return false;
            }
            _ => {}
        }
        self.ok("reach", &format!("{} responds", url.as_str()), ms);
        if url.as_str().starts_with("https:") {
            self.ok("tls", "the certificate is trusted", ms);
        } else if url.is_readable_on_its_way() {
            let detail = "TLS is off: credentials and tokens are sent in clear text";
            self.add("tls", Finding::Warning, detail, Some("use https:// in the target's URL"), 0);
        } else {
            self.ok(
                "tls",
                "TLS is off, but the target is on this machine; only a proxy there may forward the calls",
                0,
            );
        }
        true
    }

    /// The login check, derived from the first call that needs one; `calls` are those made for it.
    fn login(&mut self, error: Option<&Error>, calls: &[CallRecord], logins: &[&str]) -> bool {
        let ms = calls.iter().filter(|call| logins.contains(&call.call)).map(|call| call.ms).sum();
        let refused = error.filter(|error| match error.evidence() {
            Some(evidence) => logins.contains(&evidence.call),
            None => error.code() == ErrorCode::UpstreamAuth,
        });
        if let Some(error) = refused {
            self.failed("login", error, ms);
            return false;
        }
        let asked = calls.iter().any(|call| logins.contains(&call.call));
        self.ok("login", if asked { "logged in" } else { "a token from an earlier login is still valid" }, ms);
        true
    }

    /// All checks in `names`, including those not reached.
    fn finish(mut self, names: &[&'static str]) -> Diagnosis {
        let failed = self.checks.iter().find(|check| check.result == Finding::Failed).map(|check| check.check);
        let detail = format!("skipped because {} failed", failed.unwrap_or("an earlier check"));
        for (at, check) in names.iter().copied().enumerate() {
            if self.checks.get(at).is_none_or(|found| found.check != check) {
                let skipped = Check { check, result: Finding::Skipped, detail: detail.clone(), hint: None, ms: 0 };
                self.checks.insert(at.min(self.checks.len()), skipped);
            }
        }
        Diagnosis { ok: failed.is_none(), checks: self.checks }
    }
}

/// The calls made after the first `from`.
fn calls_since<R: Runtime>(out: &Outbound<'_, R>, from: usize) -> Vec<CallRecord> {
    out.calls().split_off(from)
}

/// The result of `work`, and the duration of its calls without logins.
async fn timed<T, R: Runtime>(out: &Outbound<'_, R>, logins: &[&str], work: impl Future<Output = T>) -> (T, u64) {
    let from = out.calls().len();
    let done = work.await;
    (done, spent(&calls_since(out, from), logins))
}

/// The duration of `calls` without logins.
fn spent(calls: &[CallRecord], logins: &[&str]) -> u64 {
    calls.iter().filter(|call| !logins.contains(&call.call)).map(|call| call.ms).sum()
}

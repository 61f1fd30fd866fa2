//! `GET /vidm/{target}/v1/doctor` and `GET /vcf/{target}/v1/doctor`: what is wrong with a target, one check after another,
//! each with the thing to do about it. It reads; it never starts or changes anything.
//!
//! With `strict=true` the answer is 503 if a check failed, so that a monitor needs to look at the status alone.
//! With `retry=true` it allows one more login after rejected ones: the operator has unlocked the account, or knows that it is not.
//!
//! A check that was not reached, because one before it failed, is `skipped`. `ok` is whether none failed; a warning is
//! for what works today.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Serialize;

use super::route::Name;
use super::{Configured, Context, health, json, no_target};
use crate::config::ConfigError;
use crate::error::{Error, ErrorCode, excerpt};
use crate::json::escape;
use crate::redact::strike;
use crate::runtime::Runtime;
use crate::secret::Secret;
use crate::upstream::{BaseUrl, CallRecord, Outbound};
use crate::{vcf, vidm};

mod vcf_checks;
mod vidm_checks;

/// The first check, which asks nobody.
const CONFIGURATION: &str = "configuration";

/// What ends sooner than this is worth a warning.
const SOON_DAYS: i64 = 30;

/// What is wrong with a target.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub(super) struct Diagnosis {
    /// Whether no check failed.
    ok: bool,
    /// Each check, in the order they are made.
    checks: Vec<Check>,
}

/// One check of a target.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(rename = "DoctorCheck"))]
struct Check {
    /// What is checked.
    check: &'static str,
    /// What came of it.
    result: Finding,
    /// What was found.
    detail: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    /// How long it took, in milliseconds.
    ms: u64,
}

/// What came of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
enum Finding {
    /// All is well.
    Ok,
    /// It works today.
    Warning,
    /// It does not work.
    Failed,
    /// A check before it failed, so this one was not made.
    Skipped,
}

/// The findings so far, in the order of the checks.
struct Report<'a> {
    secrets: Vec<&'a Secret>,
    checks: Vec<Check>,
}

/// Examines the target that is named so.
pub(super) async fn examine<R: Runtime>(
    context: &Context<'_, R>,
    route: Name,
    name: &str,
) -> Result<Response<Bytes>, Error> {
    let (configured, out) = (context.configured, context.outbound);
    let config = &configured.config;
    let retry = context.input.query_flag("retry")?.unwrap_or_default();
    let strict = context.input.query_flag("strict")?.unwrap_or_default();
    let mut report = Report { secrets: config.secrets(), checks: Vec::new() };
    report.configuration(configured, out.runtime(), route, name);
    let all = if route == Name::VidmDoctor {
        let (target, memory) =
            config.vidm.get(name).zip(configured.vidm.get(name)).ok_or_else(|| no_target("vidm", name))?;
        let client = vidm::Client::new(target, memory, out);
        if retry {
            client.allow_login().await;
        }
        vidm_checks::run(&mut report, &client, out, &target.url).await;
        vidm_checks::ALL
    } else {
        let (target, memory) =
            config.vcf.get(name).zip(configured.vcf.get(name)).ok_or_else(|| no_target("vcf", name))?;
        let client = vcf::Client::new(target, memory, out);
        if retry {
            client.allow_login().await;
        }
        vcf_checks::run(&mut report, &client, out, &target.url).await;
        vcf_checks::ALL
    };
    let diagnosis = report.finish(all);
    let status = if strict && !diagnosis.ok { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    json(status, &diagnosis)
}

impl Report<'_> {
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

    /// What `/readyz` warns of, as far as it concerns this target or all of them. A URL without TLS is a check of its own.
    fn configuration<R: Runtime>(&mut self, configured: &Configured, runtime: &R, route: Name, name: &str) {
        let kind = if route == Name::VidmDoctor { "vidm" } else { "vcf" };
        let is_ours = |warning: &ConfigError| {
            let plain = name == "default" && warning.variable.starts_with(&format!("{kind}_"));
            let in_list =
                warning.variable == "targets" && warning.pointer.starts_with(&format!("/{kind}/{}/", escape(name)));
            let is_url = warning.variable.ends_with("_url") || warning.pointer.ends_with("/url");
            (plain || in_list || ["state_key", "api_keys"].contains(&warning.variable.as_str())) && !is_url
        };
        let warnings: Vec<_> = health::warnings(configured, runtime).into_iter().filter(is_ours).collect();
        let detail: Vec<_> = warnings.iter().map(|warning| format!("{} {}", warning.place(), warning.detail)).collect();
        let hints: Vec<_> = warnings.iter().filter_map(|warning| warning.hint.as_deref()).collect();
        match warnings.is_empty() {
            true => self.ok(CONFIGURATION, "nothing in it looks wrong", 0),
            false => self.add(CONFIGURATION, Finding::Warning, &detail.join(". "), Some(&hints.join(". ")), 0),
        }
    }

    /// Whether there is a connection to talk over, by how the first call fared. Any answer at all is a sign of life.
    fn connection(&mut self, url: &BaseUrl, error: Option<&Error>, ms: u64) -> bool {
        match error.filter(|error| error.upstream_status().is_none()) {
            Some(error) if error.code() == ErrorCode::UpstreamTls => {
                self.ok("reach", "something listens there", ms);
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
        self.ok("reach", &format!("{} answers", url.as_str()), ms);
        if url.as_str().starts_with("https:") {
            self.ok("tls", "its certificate is trusted", ms);
        } else if url.is_readable_on_its_way() {
            let detail = "TLS is off: credentials and tokens are sent in clear text";
            self.add("tls", Finding::Warning, detail, Some("write https:// in the target's URL"), 0);
        } else {
            self.ok("tls", "TLS is off, and nothing leaves this machine unless a proxy sends it on", 0);
        }
        true
    }

    /// Whether the login is good, by how the first call fared that needs one; `calls` are those that were made for it.
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
        self.ok("login", if asked { "logged in" } else { "a token of an earlier login is still good" }, ms);
        true
    }

    /// All checks of `names`, those that were not reached among them.
    fn finish(mut self, names: &[&'static str]) -> Diagnosis {
        let failed = self.checks.iter().find(|check| check.result == Finding::Failed).map(|check| check.check);
        let detail = format!("not known, as {} failed", failed.unwrap_or("a check before it"));
        for (at, check) in names.iter().copied().enumerate() {
            if self.checks.get(at).is_none_or(|found| found.check != check) {
                let skipped = Check { check, result: Finding::Skipped, detail: detail.clone(), hint: None, ms: 0 };
                self.checks.insert(at.min(self.checks.len()), skipped);
            }
        }
        Diagnosis { ok: failed.is_none(), checks: self.checks }
    }
}

/// The calls made since there were `from` of them.
fn calls_since<R: Runtime>(out: &Outbound<'_, R>, from: usize) -> Vec<CallRecord> {
    out.calls().split_off(from)
}

/// How long those of `calls` took that are not logins.
fn spent(calls: &[CallRecord], logins: &[&str]) -> u64 {
    calls.iter().filter(|call| !logins.contains(&call.call)).map(|call| call.ms).sum()
}

//! The checks of a vIDM target: its health (which needs no login), the login, the list of directories, one sync state, one
//! group look-up.

use super::{Finding, Report, calls_since, spent, timed};
use crate::directory::{GroupQuery, SyncStatus};
use crate::error::Error;
use crate::runtime::Runtime;
use crate::upstream::{BaseUrl, Outbound};
use crate::vidm::{Check, Client, Directory, Health, LOGIN_CALLS};

pub(super) const ALL: &[&str] = &[
    super::CONFIGURATION,
    "reach",
    "tls",
    "health",
    "login",
    "media_types",
    "permission",
    "directories",
    "sync_state",
    "groups",
];

/// Makes the checks; returns the directories, if they could be listed.
pub(super) async fn run<R: Runtime>(
    report: &mut Report<'_>,
    client: &Client<'_, R>,
    out: &Outbound<'_, R>,
    url: &BaseUrl,
) -> Option<Vec<Directory>> {
    let told = client.health().await;
    let ms = spent(&calls_since(out, 0), &[]);
    if !report.connection(url, told.as_ref().err(), ms) {
        return None;
    }
    health(report, told, ms);

    let from = out.calls().len();
    let listed = client.directories().await;
    let calls = calls_since(out, from);
    if !report.login(listed.as_ref().err(), &calls, &LOGIN_CALLS) {
        return None;
    }
    let found = directories(report, listed, spent(&calls, &LOGIN_CALLS));
    if let Some(directory) = found.as_ref().and_then(|found| found.first()) {
        let (state, ms) = timed(out, &LOGIN_CALLS, client.sync_state(&directory.id)).await;
        let name = shown(directory);
        match state {
            Ok(state) if state.status == SyncStatus::Unknown => {
                let word = state.upstream_word.unwrap_or_default();
                let hint = "syncs can still start, but their outcome cannot be read: if this version uses another path \
                            or media type, set paths.sync or media_types.sync_state of this target in targets";
                let detail = format!("the state of {name} is unknown to idhook; vIDM reports: {word}");
                report.add("sync_state", Finding::Warning, &detail, Some(hint), ms);
            }
            Ok(state) => {
                let word = state.upstream_word.unwrap_or_default();
                report.ok("sync_state", &format!("the state of {name} can be read; vIDM reports: {word}"), ms);
            }
            Err(error) => report.failed("sync_state", &error, ms),
        }
    }

    let (groups, ms) = timed(out, &LOGIN_CALLS, client.groups(&GroupQuery::Name(super::GROUP.to_owned()))).await;
    report.group_look_up(groups.err().as_ref(), "groups can be looked up with SCIM", ms);
    found
}

fn health(report: &mut Report<'_>, told: Result<Health, Error>, ms: u64) {
    let health = match told {
        Ok(health) => health,
        // Nothing depends on it; the next checks report what else is wrong.
        Err(error) => return report.add("health", Finding::Warning, error.detail(), error.hint_text(), ms),
    };
    let version = health.build_version.as_deref().unwrap_or("(unknown version)");
    match health.all_ok {
        Some(true) => report.ok("health", &format!("vIDM {version} reports that it is healthy"), ms),
        Some(false) => {
            let bad =
                health.checks.iter().filter(|(name, check)| name.ends_with("Ok") && **check == Check::Bool(false));
            let bad: Vec<_> = bad.map(|(name, _)| name.as_str()).collect();
            let detail = format!("vIDM {version} reports failed checks: {}", bad.join(", "));
            let hint = "see System Diagnostics in the vIDM console";
            report.add("health", Finding::Failed, &detail, Some(hint), ms);
        }
        None => report.add("health", Finding::Warning, &format!("vIDM {version} does not report its health"), None, ms),
    }
}

/// Checks derived from the list of directories; returns those that can be synced.
fn directories(report: &mut Report<'_>, listed: Result<Vec<Directory>, Error>, ms: u64) -> Option<Vec<Directory>> {
    let mut directories = match listed {
        Ok(directories) => directories,
        Err(error) => {
            match error.upstream_status().map(|status| status.as_u16()) {
                Some(406 | 415) => report.failed(
                    "media_types",
                    &error.hint(
                        "switch this target's profile (vidm_profile) between horizon and json, or override \
                         media_types.directories of this target in targets",
                    ),
                    ms,
                ),
                Some(401 | 403) => report.failed("permission", &error, ms),
                _ => report.failed("directories", &error, ms),
            }
            return None;
        }
    };
    report.ok("media_types", "vIDM accepts the profile's media types", ms);
    report.ok("permission", "the account can list directories", ms);
    let total = directories.len();
    directories.retain(Directory::syncable);
    let names: Vec<_> = directories.iter().map(shown).collect();
    let detail = format!("{total} in total, {} can be synced: {}", names.len(), names.join(", "));
    if directories.is_empty() {
        let hint = "check that the tenant is right (vidm_tenant) and has a directory";
        report.add("directories", Finding::Warning, &format!("{total} in total, none can be synced"), Some(hint), ms);
        report.add("sync_state", Finding::Skipped, "no directory can be synced", None, 0);
    } else {
        report.ok("directories", &detail, ms);
    }
    Some(directories)
}

fn shown(directory: &Directory) -> String {
    directory.name.clone().unwrap_or_else(|| directory.id.clone())
}

//! The checks of a VCF Operations: its node's status (which needs no login), the version with the login, the realms, their
//! directories, one group look-up, and what expires: certificates and the API token.

use std::time::SystemTime;

use super::expiry::{self, Certificates};
use super::{Finding, Report, calls_since, spent, timed};
use crate::directory::{GroupQuery, Listed as _};
use crate::error::{Error, ErrorCode};
use crate::fleet::{Client, Credentials, Directory, FederatedIdentityProvider, LOGIN_CALLS, Realm, Target};
use crate::runtime::Runtime;
use crate::upstream::Outbound;

pub(super) const ALL: &[&str] = &[
    super::CONFIGURATION,
    "reach",
    "tls",
    "node",
    "login",
    "version",
    "permission",
    "realms",
    "directories",
    "groups",
    "certificates",
    "api_token",
];

/// Makes the checks; returns the directories, if they could be listed.
pub(super) async fn run<R: Runtime>(
    report: &mut Report<'_>,
    client: &Client<'_, R>,
    out: &Outbound<'_, R>,
    target: &Target,
) -> Option<Vec<Directory>> {
    let node = client.node_status().await;
    let ms = spent(&calls_since(out, 0), &[]);
    if !report.connection(&target.url, node.as_ref().err(), ms) {
        return None;
    }
    match node {
        Ok(word) if word.eq_ignore_ascii_case("ONLINE") => report.ok("node", "VCF Operations is online", ms),
        Ok(word) => {
            let hint = "see the cluster's state in VCF Operations' administration interface";
            report.add("node", Finding::Failed, &format!("VCF Operations reports: {word}"), Some(hint), ms);
        }
        // Nothing depends on it; the next checks report what else is wrong.
        Err(error) => report.add("node", Finding::Warning, error.detail(), error.hint_text(), ms),
    }

    let from = out.calls().len();
    let version = client.version().await;
    let calls = calls_since(out, from);
    if !report.login(version.as_ref().err(), &calls, &LOGIN_CALLS) {
        return None;
    }
    let ms = spent(&calls, &LOGIN_CALLS);
    match &version {
        Ok(version) => {
            let release = version.release_name.as_deref().unwrap_or("(unnamed)");
            match version.has_iam() {
                true if version.has_principals() => report.ok("version", release, ms),
                true => {
                    let detail = format!("{release}: groups are proved by name; by distinguished name since 9.1.1");
                    report.ok("version", &detail, ms);
                }
                false => {
                    let hint = "upgrade VCF Operations to 9.1 or later";
                    let detail = format!("{release} has no public calls for identity and access management");
                    report.add("version", Finding::Failed, &detail, Some(hint), ms);
                    return None;
                }
            }
        }
        Err(error) => report.add("version", Finding::Warning, error.detail(), error.hint_text(), ms),
    }

    let (realms, ms) = timed(out, &LOGIN_CALLS, client.realms()).await;
    let realms = match realms {
        Ok(realms) => realms,
        Err(error) if matches!(error.code(), ErrorCode::UpstreamAuth | ErrorCode::UpstreamForbidden) => {
            report.failed("permission", &error, ms);
            return None;
        }
        Err(error) => {
            report.failed("realms", &error, ms);
            return None;
        }
    };
    report.ok("permission", "the account can read the realms of VCF single sign-on", ms);
    realms_found(report, &realms, ms);

    let (listed, ms) = timed(out, &LOGIN_CALLS, client.directories_of(&realms)).await;
    let found = directories(report, listed, ms);

    let (groups, ms) = timed(out, &LOGIN_CALLS, client.groups(&GroupQuery::Name(super::GROUP.to_owned()))).await;
    report.group_look_up(groups.err().as_ref(), "groups can be looked up in the identity broker", ms);

    certificates(report, client, out, &realms).await;
    api_token(report, client, out, target, &realms).await;
    found
}

/// Of the realms' identity providers and of the domain controllers of their directories.
async fn certificates<R: Runtime>(
    report: &mut Report<'_>,
    client: &Client<'_, R>,
    out: &Outbound<'_, R>,
    realms: &[Realm],
) {
    let (from, now) = (out.calls().len(), out.runtime().now());
    let mut found = Certificates::default();
    for realm in realms {
        match client.provider_of_realm(realm).await {
            Ok(provider) => add_certificates(&mut found, provider, now),
            // Syncs do not need it, so it is no failure; the certificates of other realms are still checked.
            Err(error) => {
                let line = format!("the identity provider of {}: {}", named(realm), error.detail());
                found.unread(line, error.hint_text());
            }
        }
    }
    let ms = spent(&calls_since(out, from), &LOGIN_CALLS);
    let hint = "send the new certificate with PUT …/identity-providers before the old one expires; certificateChain may \
                have both";
    found.report(report, "no identity provider has a certificate", hint, ms);
}

fn add_certificates(found: &mut Certificates, provider: Option<FederatedIdentityProvider>, now: SystemTime) {
    for entry in provider.iter().flat_map(|provider| provider.certificates(now)) {
        if entry.certificates.is_empty() {
            found.unread(format!("a certificate of {} is not readable", entry.owner), None);
        }
        for certificate in &entry.certificates {
            found.add(certificate, &entry.owner);
        }
    }
}

/// When the configured API token expires. Nothing else depends on the call, so its failure is a warning.
async fn api_token<R: Runtime>(
    report: &mut Report<'_>,
    client: &Client<'_, R>,
    out: &Outbound<'_, R>,
    target: &Target,
    realms: &[Realm],
) {
    const CHECK: &str = "api_token";
    if matches!(target.credentials, Credentials::Account { .. }) {
        return report.add(CHECK, Finding::Skipped, "the target logs in with an account", None, 0);
    }
    let now = out.runtime().now();
    let (listed, ms) = timed(out, &LOGIN_CALLS, client.listed_api_token(realms)).await;
    let unknown = "see its expiry in VCF Operations (Identity & Access, API clients)";
    match listed {
        Ok(Some(token)) => match token.expires_in_days(now) {
            Some(days) => {
                let hint = "make a new API token for the client in VCF Operations and set fleet_api_token to it";
                expiry::token(report, CHECK, &format!("the API token {}", token.name), days, hint, ms);
            }
            None => {
                let detail = format!("VCF Operations does not report when the API token {} expires", token.name);
                report.add(CHECK, Finding::Warning, &detail, Some(unknown), ms);
            }
        },
        Ok(None) => {
            let detail = "no realm lists the configured API token, so its expiry is unknown";
            report.add(CHECK, Finding::Warning, detail, Some(unknown), ms);
        }
        Err(error) => {
            let detail = format!("the API token's expiry is unknown: {}", error.detail());
            report.add(CHECK, Finding::Warning, &detail, Some(unknown), ms);
        }
    }
}

fn named(realm: &Realm) -> &str {
    realm.name.as_deref().unwrap_or(&realm.id)
}

fn realms_found(report: &mut Report<'_>, realms: &[Realm], ms: u64) {
    let without: Vec<_> = realms.iter().filter(|realm| realm.provider.is_none()).map(named).collect();
    let all: Vec<_> = realms.iter().map(named).collect();
    let detail = format!("{} in total: {}", all.len(), all.join(", "));
    match (realms.is_empty(), without.is_empty()) {
        (true, _) => {
            let hint = "configure VCF single sign-on in VCF Operations (Identity & Access)";
            report.add("realms", Finding::Warning, "none", Some(hint), ms);
        }
        (false, true) => report.ok("realms", &detail, ms),
        (false, false) => {
            let detail = format!("{detail}; without identity provider: {}", without.join(", "));
            let hint = "add an identity provider to the realm: POST …/identity-providers; the console's prerequisites alone \
                        create none";
            report.add("realms", Finding::Warning, &detail, Some(hint), ms);
        }
    }
}

/// Checks derived from the list of directories; returns it.
fn directories(report: &mut Report<'_>, listed: Result<Vec<Directory>, Error>, ms: u64) -> Option<Vec<Directory>> {
    let directories = match listed {
        Ok(directories) => directories,
        Err(error) => {
            report.failed("directories", &error, ms);
            return None;
        }
    };
    let name = |directory: &Directory| directory.name.clone().unwrap_or_else(|| directory.id.clone());
    let syncable: Vec<_> =
        directories.iter().filter(|directory| directory.why_not_syncable().is_none()).map(name).collect();
    let detail = format!("{} in total, {} can be synced: {}", directories.len(), syncable.len(), syncable.join(", "));
    let alerts: Vec<_> =
        directories.iter().filter(|directory| directory.alerts.is_some_and(|count| count > 0)).collect();
    if syncable.is_empty() {
        let hint = "only identity providers with LDAP directories have syncs; check the provider in VCF Operations";
        let detail = format!("{} in total, none can be synced", directories.len());
        report.add("directories", Finding::Warning, &detail, Some(hint), ms);
    } else if alerts.is_empty() {
        report.ok("directories", &detail, ms);
    } else {
        let of = |directory: &&Directory| format!("{} ({})", name(directory), directory.alerts.unwrap_or_default());
        let detail = format!("{detail}; with alerts: {}", alerts.iter().map(of).collect::<Vec<_>>().join(", "));
        report.add(
            "directories",
            Finding::Warning,
            &detail,
            Some("see the alerts of these directories in VCF Operations"),
            ms,
        );
    }
    Some(directories)
}

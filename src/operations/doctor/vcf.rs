//! The checks of an SDDC Manager: its list of identity providers, which most of them read; its version; and the Workspace ONE
//! Access that it knows.

use std::time::SystemTime;

use super::expiry::{self, Certificates};
use super::{Finding, Report, calls_since, spent, timed};
use crate::error::Error;
use crate::runtime::Runtime;
use crate::upstream::Outbound;
use crate::vcf::{Client, Credentials, IdentityProvider, LOGIN_CALLS, LdapInfo, Target, Version, WorkspaceOneAccess};

/// The check of vIDM.
const WSA: &str = "workspace_one_access";

/// The routes that replace those of the deprecated calls.
const FLEET: &str = "VCF Operations 9.1 replaces them: configure it as a target (fleet_url) and use \
    PUT /fleet/{target}/v1/identity-providers in place of PUT /vcf/{target}/v1/identity-providers and …/identity-sources/{domainName}, \
    and POST /fleet/{target}/v1/identity-providers/{id}/sync-client in place of …/sync-client";

pub(super) const ALL: &[&str] = &[
    super::CONFIGURATION,
    "reach",
    "tls",
    "login",
    "version",
    "permission",
    "identity_providers",
    "embedded_provider",
    "external_provider",
    "certificates",
    "scim_token",
    "workspace_one_access",
];

pub(super) async fn run<R: Runtime>(
    report: &mut Report<'_>,
    client: &Client<'_, R>,
    out: &Outbound<'_, R>,
    target: &Target,
    vidm: &[&crate::vidm::Target],
) {
    let listed = client.identity_providers().await;
    let (calls, now) = (calls_since(out, 0), out.runtime().now());
    let first = calls.first().map_or(0, |call| call.ms);
    let error = listed.as_ref().err();
    if !report.connection(&target.url, error, first) || !report.login(error, &calls, &LOGIN_CALLS) {
        return;
    }
    if let Credentials::RefreshToken(_) = target.credentials {
        report.but(
            "the target has a refresh token and no password, so it works until that expires, about 24 hours after it was made",
            "replace vcf_refresh_token before it expires, or configure vcf_username and vcf_password",
        );
    }
    let version = version(report, client, out).await;
    let ms = spent(&calls, &LOGIN_CALLS);
    let providers = match listed {
        Ok(list) => list.elements,
        Err(error) => {
            let denied = matches!(error.upstream_status().map(|status| status.as_u16()), Some(401 | 403));
            return report.failed(if denied { "permission" } else { "identity_providers" }, &error, ms);
        }
    };
    report.ok("permission", "the account can read identity providers; changing them requires the role ADMIN", ms);
    report.ok("identity_providers", &format!("{} in total", providers.len()), ms);

    match providers.iter().find(|provider| provider.is_embedded()) {
        Some(embedded) => {
            let domains =
                embedded.identity_sources.iter().flatten().flat_map(|source| source.domain_names.iter().flatten());
            let domains: Vec<_> = domains.map(String::as_str).collect();
            report.ok("embedded_provider", &format!("{}; its domains: {}", shown(embedded), domains.join(", ")), ms);
        }
        None => {
            let hint = "identity sources cannot be configured: GET …/identity-providers lists the providers";
            report.add("embedded_provider", Finding::Warning, "none", Some(hint), ms);
        }
    }
    let external = providers.iter().find(|provider| !provider.is_embedded());
    let detail = external.map_or_else(|| "none".to_owned(), shown);
    report.ok("external_provider", &detail, ms);
    certificates(report, &providers, now, ms);
    scim_token(report, &providers, now, ms);
    if version.is_some_and(|version| !version.has_workspace_one_access()) {
        return report.add(WSA, Finding::Skipped, "since VCF 9 SDDC Manager knows none", None, 0);
    }
    let (found, ms) = timed(out, &LOGIN_CALLS, client.workspace_one_access()).await;
    workspace_one_access(report, found, vidm, ms);
}

/// The version; in VCF 9 with what replaces the calls that are deprecated there.
async fn version<R: Runtime>(
    report: &mut Report<'_>,
    client: &Client<'_, R>,
    out: &Outbound<'_, R>,
) -> Option<Version> {
    let (found, ms) = timed(out, &LOGIN_CALLS, client.version()).await;
    let version = match found {
        Ok(Some(version)) => version,
        Ok(None) => {
            report.add("version", Finding::Warning, "SDDC Manager reports no version that idhook can read", None, ms);
            return None;
        }
        // Nothing depends on it.
        Err(error) => {
            report.add("version", Finding::Warning, error.detail(), error.hint_text(), ms);
            return None;
        }
    };
    let detail = format!("SDDC Manager {}", version.text());
    if !version.deprecates_identity_providers() {
        report.ok("version", &detail, ms);
    } else if version.has_fleet_iam() {
        let detail = format!("{detail}; its calls for identity providers are deprecated since VCF 9.0 and still work");
        report.add("version", Finding::Warning, &detail, Some(FLEET), ms);
    } else {
        let detail =
            format!("{detail}; its calls for identity providers are deprecated, and VCF 9.1 has their replacement");
        report.ok("version", &detail, ms);
    }
    Some(version)
}

/// The settings that a vIDM target would need. Its address is not taken over by itself: a password goes only to configured addresses.
fn workspace_one_access(
    report: &mut Report<'_>,
    found: Result<Vec<WorkspaceOneAccess>, Error>,
    vidm: &[&crate::vidm::Target],
    ms: u64,
) {
    let found = match found {
        Ok(found) => found,
        Err(error) => {
            let detail = format!("SDDC Manager does not list them: {}", error.detail());
            return report.add(WSA, Finding::Skipped, &detail, None, ms);
        }
    };
    let mut lines = Vec::new();
    let mut hint = None;
    for one in &found {
        let Some(url) = one.url() else {
            lines.push("one without a valid address".to_owned());
            continue;
        };
        let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "?".to_owned());
        let configured = vidm.iter().find(|target| target.url.origin().eq_ignore_ascii_case(&url.origin()));
        let place = match configured {
            Some(target) => format!("configured as vidm/{}", target.name),
            None => {
                hint = hint.or_else(|| {
                    Some(format!(
                        "to sync its directories, configure it as a vIDM target: vidm_url={0} with vidm_username and \
                         vidm_password of an account there, and on Spin \"{0}\" in allowed_outbound_hosts; a tenant has an \
                         address or vidm_tenant of its own",
                        url.as_str()
                    ))
                });
                "not configured".to_owned()
            }
        };
        lines.push(format!("{} ({}, {}), {place}", url.as_str(), text(&one.version), text(&one.status)));
    }
    let detail = if lines.is_empty() { "SDDC Manager knows none".to_owned() } else { lines.join("; ") };
    report.add(WSA, Finding::Ok, &detail, hint.as_deref(), ms);
}

fn shown(provider: &IdentityProvider) -> String {
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "?".to_owned());
    let (name, kind, id) = (text(&provider.name), text(&provider.kind), text(&provider.id));
    format!("{name} ({kind}, {}, id {id})", text(&provider.status))
}

fn certificates(report: &mut Report<'_>, providers: &[IdentityProvider], now: SystemTime, ms: u64) {
    let mut found = Certificates::default();
    let mut look = |ldap: &Option<LdapInfo>| {
        let Some(ldap) = ldap else { return };
        for certificate in ldap.certificates(now) {
            found.add(&certificate, ldap.domain_name.as_deref().unwrap_or("?"));
        }
    };
    for provider in providers {
        look(&provider.ldap);
        for source in provider.identity_sources.iter().flatten() {
            look(&source.ldap);
        }
    }
    let hint = "add the new certificate to the old one in the identity source's certChain with \
                PUT …/identity-sources/{domainName}, before the directory's servers switch to it";
    found.report(report, "no identity source has a certificate", hint, ms);
}

fn scim_token(report: &mut Report<'_>, providers: &[IdentityProvider], now: SystemTime, ms: u64) {
    let mut infos = providers.iter().filter_map(|provider| provider.fed_idp.as_ref()?.sync_client_token_info.as_ref());
    let Some(info) = infos.next() else {
        return report.add("scim_token", Finding::Skipped, "no provider reports one", None, ms);
    };
    let renew = "make a new token with POST …/{id}/sync-client and give it to the provider that pushes users; the old one \
                 becomes invalid";
    match info.expires_in_days(now) {
        Some(days) => expiry::token(report, "scim_token", "the token", days, renew, ms),
        None => {
            let told = info.expire_at.as_deref().unwrap_or("nothing");
            let detail = format!("the token's expiry could not be read; SDDC Manager reports: {told}");
            let hint =
                "look in SDDC Manager when the token expires, and make a new one before: POST …/{id}/sync-client";
            report.add("scim_token", Finding::Warning, &detail, Some(hint), ms);
        }
    }
}

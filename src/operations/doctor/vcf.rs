//! The checks of an SDDC Manager: all of them read its list of identity providers.

use std::time::SystemTime;

use super::{Finding, Report, SOON_DAYS, calls_since, spent};
use crate::runtime::Runtime;
use crate::upstream::{BaseUrl, Outbound};
use crate::vcf::{CertificateFacts, Client, IdentityProvider, LOGIN_CALLS, LdapInfo};

pub(super) const ALL: &[&str] = &[
    super::CONFIGURATION,
    "reach",
    "tls",
    "login",
    "permission",
    "identity_providers",
    "embedded_provider",
    "external_provider",
    "certificates",
    "scim_token",
];

pub(super) async fn run<R: Runtime>(
    report: &mut Report<'_>,
    client: &Client<'_, R>,
    out: &Outbound<'_, R>,
    url: &BaseUrl,
) {
    let listed = client.identity_providers().await;
    let (calls, now) = (calls_since(out, 0), out.runtime().now());
    let first = calls.first().map_or(0, |call| call.ms);
    let error = listed.as_ref().err();
    if !report.connection(url, error, first) || !report.login(error, &calls, &LOGIN_CALLS) {
        return;
    }
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
}

fn shown(provider: &IdentityProvider) -> String {
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "?".to_owned());
    let (name, kind, id) = (text(&provider.name), text(&provider.kind), text(&provider.id));
    format!("{name} ({kind}, {}, id {id})", text(&provider.status))
}

fn certificates(report: &mut Report<'_>, providers: &[IdentityProvider], now: SystemTime, ms: u64) {
    let (mut total, mut first, mut soon) = (0, None, Vec::new());
    let mut look = |ldap: &Option<LdapInfo>| {
        let Some(ldap) = ldap else { return };
        for CertificateFacts { subject, expires_in_days: days, .. } in ldap.certificates(now) {
            total += 1;
            let line = format!("{subject} of {} {}", ldap.domain_name.as_deref().unwrap_or("?"), ends(days));
            if days < SOON_DAYS {
                soon.push(line.clone());
            }
            if first.as_ref().is_none_or(|(least, _)| days < *least) {
                first = Some((days, line));
            }
        }
    };
    for provider in providers {
        look(&provider.ldap);
        for source in provider.identity_sources.iter().flatten() {
            look(&source.ldap);
        }
    }
    match first {
        None => report.ok("certificates", "no identity source has a certificate", ms),
        Some((_, line)) if soon.is_empty() => {
            report.ok("certificates", &format!("{total} in total; first to expire: {line}"), ms);
        }
        Some((days, _)) => {
            let hint = "add the new certificate to the old one in the identity source's certChain with \
                        PUT …/identity-sources/{domainName}, before the directory's servers switch to it";
            report.add("certificates", by_days(days), &soon.join("; "), Some(hint), ms);
        }
    }
}

fn scim_token(report: &mut Report<'_>, providers: &[IdentityProvider], now: SystemTime, ms: u64) {
    let mut infos = providers.iter().filter_map(|provider| provider.fed_idp.as_ref()?.sync_client_token_info.as_ref());
    let Some(info) = infos.next() else {
        return report.add("scim_token", Finding::Skipped, "no provider reports one", None, ms);
    };
    let hint = "make a new token with POST …/{id}/sync-client and give it to the provider that pushes users; the old one \
                becomes invalid";
    match info.expires_in_days(now) {
        Some(days) if days >= SOON_DAYS => report.ok("scim_token", &format!("the token {}", ends(days)), ms),
        Some(days) => report.add("scim_token", by_days(days), &format!("the token {}", ends(days)), Some(hint), ms),
        None => {
            let told = info.expire_at.as_deref().unwrap_or("nothing");
            let detail = format!("the token's expiry could not be read; SDDC Manager reports: {told}");
            report.add("scim_token", Finding::Warning, &detail, Some(hint), ms);
        }
    }
}

fn by_days(days: i64) -> Finding {
    if days < 0 { Finding::Failed } else { Finding::Warning }
}

fn ends(days: i64) -> String {
    if days < 0 { format!("expired {} days ago", -days) } else { format!("expires in {days} days") }
}

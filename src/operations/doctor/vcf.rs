//! The checks of an SDDC Manager: all of them read its list of identity providers.

use std::time::SystemTime;

use super::expiry::{self, Certificates};
use super::{Finding, Report, calls_since, spent};
use crate::runtime::Runtime;
use crate::upstream::Outbound;
use crate::vcf::{Client, Credentials, IdentityProvider, LOGIN_CALLS, LdapInfo, Target};

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
    target: &Target,
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
    let hint = "make a new token with POST …/{id}/sync-client and give it to the provider that pushes users; the old one \
                becomes invalid";
    match info.expires_in_days(now) {
        Some(days) => expiry::token(report, "scim_token", "the token", days, hint, ms),
        None => {
            let told = info.expire_at.as_deref().unwrap_or("nothing");
            let detail = format!("the token's expiry could not be read; SDDC Manager reports: {told}");
            report.add("scim_token", Finding::Warning, &detail, Some(hint), ms);
        }
    }
}

//! `/v1/sso-domains`: the domains that vCenter Single Sign-On knows, and their users and groups.
//!
//! The vendor documents `entityName` as a search; here it finds every name that contains it. The response to an unknown
//! domain is not documented: 500 is the only declared status that fits.

use super::state::State;
use super::{Sddc, errors};
use crate::reply::{Answer, Ask, Reply};
use crate::settings::EntityNames;
use crate::{clock, seeds};
use http::StatusCode;
use serde_json::{Value, json};

/// The built-in domain.
const SYSTEM_DOMAIN: &str = "vsphere.local";

/// Types and names in the domain of an identity source.
const OF_SOURCES: [(&str, &str); 5] = [
    ("GROUP", seeds::VCF_GROUP),
    ("GROUP", "gg-vcf-admins-emea"),
    ("GROUP", seeds::VCF_OPERATORS),
    ("USER", seeds::VCF_GROUP),
    ("USER", "ada"),
];

/// The same in the built-in domain.
const OF_SYSTEM: [(&str, &str); 3] = [("GROUP", "Administrators"), ("USER", "Administrator"), ("USER", "svc-idhook")];

/// `GET /v1/sso-domains`
pub(super) fn list(sddc: &Sddc, ask: &Ask) -> Answer {
    let state = sddc.authorized(ask)?;
    Ok(Reply::json(StatusCode::OK, "application/json", &json!({"elements": domains(&state)})))
}

/// `GET /v1/sso-domains/{sso-domain}/entities`
pub(super) fn entities(sddc: &Sddc, ask: &Ask) -> Answer {
    let state = sddc.authorized(ask)?;
    let domain = ask.param("sso-domain");
    let search = ask.query("entityName").unwrap_or_default().to_lowercase();
    let found = of(&state, domain).ok_or_else(|| {
        errors::error_response(
            StatusCode::INTERNAL_SERVER_ERROR,
            "SSO_DOMAIN_NOT_FOUND",
            &format!("SSO domain {domain} not found."),
            "Check the domain.",
        )
    })?;
    let form = state.settings.entity_names;
    let entity = |(kind, name): &(&str, &str)| {
        let written = match form {
            EntityNames::Bare => (*name).to_owned(),
            EntityNames::AtDomain => format!("{name}@{domain}"),
            EntityNames::OfDomain => format!("{}\\{name}", domain.to_uppercase()),
        };
        json!({"id": format!("{kind}:{domain}:{name}"), "name": written, "type": kind})
    };
    let found: Vec<Value> =
        found.iter().filter(|(_, name)| name.to_lowercase().contains(&search)).map(entity).collect();
    Ok(Reply::json(StatusCode::OK, "application/json", &json!({"elements": found})))
}

/// Whether a domain has this user or group.
pub(super) fn has(state: &State, domain: &str, kind: &str, name: &str) -> bool {
    let is_it = |(of, known): &(&str, &str)| *of == kind && known.eq_ignore_ascii_case(name);
    of(state, domain).is_some_and(|found| found.iter().any(is_it))
}

fn domains(state: &State) -> Vec<String> {
    let sources = state.providers.iter().flat_map(|provider| &provider.sources);
    let mut domains: Vec<String> =
        sources.filter(|source| source.kind != "LocalOs").map(|source| source.domain.clone()).collect();
    let external = state.external().and_then(|provider| provider.details.get("domainNames")?.as_array());
    domains.extend(external.into_iter().flatten().filter_map(|domain| domain.as_str().map(str::to_owned)));
    domains
}

/// The users and groups of a domain, without those that have not appeared yet. `None`: no such domain.
fn of(state: &State, domain: &str) -> Option<&'static [(&'static str, &'static str)]> {
    let domain = domains(state).into_iter().find(|known| known.eq_ignore_ascii_case(domain))?;
    if domain == SYSTEM_DOMAIN {
        return Some(&OF_SYSTEM);
    }
    let mut sources = state.providers.iter().flat_map(|provider| &provider.sources);
    let appears = sources.find(|source| source.domain == domain).map_or(0, |source| match source.added {
        0 => 0,
        added => added + clock::millis(state.settings.group_delay),
    });
    Some(if appears <= clock::now() { &OF_SOURCES } else { &[] })
}

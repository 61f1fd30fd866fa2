//! `/v1/identity-providers` and `/v1/identity-broker`: the eight operations of the 5.0.0 guide, and the three that came with
//! VCF 5.1 and 5.2.

use super::state::{Provider, Source, State};
use super::{Sddc, errors, validation};
use crate::clock;
use crate::reply::{Answer, Ask, Reply};
use crate::settings::SourceAdded;
use http::StatusCode;
use serde_json::{Value, json};

/// The default lifetime of a sync client token since VCF 5.2, in seconds.
pub(super) const SIX_MONTHS: u64 = 180 * 24 * 3_600;

/// `GET /v1/identity-providers`
pub(super) fn list(sddc: &Sddc, ask: &Ask) -> Answer {
    let state = sddc.authorized(ask)?;
    let elements: Vec<Value> = state.providers.iter().map(Provider::json).collect();
    Ok(Reply::json(StatusCode::OK, "application/json", &json!({"elements": elements})))
}

/// `GET /v1/identity-providers/{id}`
pub(super) fn one(sddc: &Sddc, ask: &Ask) -> Answer {
    let mut state = sddc.authorized(ask)?;
    let provider = provider(&mut state, ask)?;
    Ok(Reply::json(StatusCode::OK, "application/json", &provider.json()))
}

/// `POST /v1/identity-providers`: 201 and the bare new id, as in the 5.0.0 guide
pub(super) fn add(sddc: &Sddc, ask: &Ask) -> Answer {
    let mut state = sddc.authorized(ask)?;
    super::takes_json(ask)?;
    let spec = validation::provider(ask.json().as_ref(), state.settings.release())?;
    if state.external().is_some() {
        let message = "An external identity provider is already configured. Only one can be added.";
        return Err(errors::refused("EXTERNAL_IDENTITY_PROVIDER_EXISTS", message));
    }
    let id = clock::uuid();
    state.providers.push(Provider {
        id: id.clone(),
        name: spec.name,
        kind: spec.kind,
        active: true,
        sources: Vec::new(),
        details: spec.details,
    });
    state.choose_active();
    Ok(super::text(StatusCode::CREATED, &id, state.settings.quoted_answers))
}

/// `PATCH /v1/identity-providers/{id}`: the whole spec
pub(super) fn update(sddc: &Sddc, ask: &Ask) -> Answer {
    let mut state = sddc.authorized(ask)?;
    super::takes_json(ask)?;
    let release = state.settings.release();
    let provider = external(&mut state, ask)?;
    let spec = validation::provider(ask.json().as_ref(), release)?;
    provider.name = spec.name;
    provider.kind = spec.kind;
    provider.details = spec.details;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// `DELETE /v1/identity-providers/{id}`
pub(super) fn remove(sddc: &Sddc, ask: &Ask) -> Answer {
    let mut state = sddc.authorized(ask)?;
    external(&mut state, ask)?;
    state.providers.retain(|provider| provider.id != ask.param("id"));
    state.choose_active();
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// `POST /v1/identity-providers/{id}/identity-sources`
pub(super) fn add_source(sddc: &Sddc, ask: &Ask) -> Answer {
    let mut state = sddc.authorized(ask)?;
    super::takes_json(ask)?;
    let (added, quoted) = (state.settings.source_added, state.settings.quoted_answers);
    let provider = embedded(&mut state, ask)?;
    let spec = validation::source(ask.json().as_ref())?;
    if provider.sources.iter().any(|source| source.domain.eq_ignore_ascii_case(&spec.domain)) {
        let message = format!("An identity source with domain name {} already exists.", spec.domain);
        return Err(errors::refused("IDENTITY_SOURCE_ALREADY_EXISTS", &message));
    }
    let sentence = format!("Added Identity source with domain name {} successfully", spec.domain);
    provider.sources.push(Source {
        name: spec.name,
        kind: spec.kind,
        domain: spec.domain,
        ldap: Some(spec.ldap),
        added: clock::now(),
    });
    Ok(match added {
        SourceAdded::Sentence => super::text(StatusCode::CREATED, &sentence, quoted),
        SourceAdded::NoContent => Reply::empty(StatusCode::NO_CONTENT),
    })
}

/// `PATCH /v1/identity-providers/{id}/identity-sources/{domainName}`: the whole spec, for the same domain
pub(super) fn update_source(sddc: &Sddc, ask: &Ask) -> Answer {
    let mut state = sddc.authorized(ask)?;
    super::takes_json(ask)?;
    let provider = embedded(&mut state, ask)?;
    let at = source(provider, ask)?;
    let spec = validation::source(ask.json().as_ref())?;
    if !spec.domain.eq_ignore_ascii_case(ask.param("domainName")) {
        return Err(errors::invalid("ldap.domainName", "is not the domain name in the path"));
    }
    if let Some(source) = provider.sources.get_mut(at) {
        let added = source.added;
        *source = Source { name: spec.name, kind: spec.kind, domain: spec.domain, ldap: Some(spec.ldap), added };
    }
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// `DELETE /v1/identity-providers/{id}/identity-sources/{domainName}`
pub(super) fn remove_source(sddc: &Sddc, ask: &Ask) -> Answer {
    let mut state = sddc.authorized(ask)?;
    let provider = embedded(&mut state, ask)?;
    let at = source(provider, ask)?;
    provider.sources.remove(at);
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// `POST /v1/identity-providers/{id}/sync-client?syncClientTokenTTL=`: a new token; later GET responses contain it too,
/// which the model allows, so clients must mask it
pub(super) fn sync_client(sddc: &Sddc, ask: &Ask) -> Answer {
    let mut state = sddc.authorized(ask)?;
    let provider = provider(&mut state, ask)?;
    let Some(Value::Object(federation)) = provider.details.get_mut("fedIdp") else {
        return Err(errors::not_found(
            "FEDERATED_IDENTITY_PROVIDER_NOT_FOUND",
            "The identity provider is not federated.",
        ));
    };
    let default = federation.get("syncClientTokenTTL").and_then(Value::as_u64).unwrap_or(SIX_MONTHS);
    let seconds = match ask.query("syncClientTokenTTL") {
        None => default,
        Some(text) => text.parse().map_err(|_| errors::invalid("syncClientTokenTTL", "is not a number"))?,
    };
    let info = json!({
        "expireIn": seconds,
        "expireAt": clock::iso(clock::now() + seconds * 1_000),
        "token": format!("planted-sync-client-{}", clock::uuid()),
        "scimUrl": "https://vcenter.corp.example/usergroup/t/CUSTOMER/scim/v2",
    });
    federation.insert("syncClientTokenInfo".to_owned(), info.clone());
    Ok(Reply::json(StatusCode::OK, "application/json", &info))
}

/// `GET /v1/identity-broker/prechecks`
pub(super) fn prechecks(sddc: &Sddc, ask: &Ask) -> Answer {
    let state = sddc.authorized(ask)?;
    Ok(Reply::json(StatusCode::OK, "application/json", &state.settings.precheck))
}

/// `GET /v1/identity-broker/sddc-manager-oidc`
pub(super) fn oidc(sddc: &Sddc, ask: &Ask) -> Answer {
    let state = sddc.authorized(ask)?;
    let active = state.providers.iter().find(|provider| provider.active);
    let body = json!({
        "oidcClientId": "sddc-manager-simulator",
        "oidcAuthorizationEndpoint": "https://vcenter.corp.example/acs/t/CUSTOMER/authorize",
        "oidcEndSessionEndpoint": "https://vcenter.corp.example/acs/t/CUSTOMER/logout",
        "idpType": active.map(|provider| &provider.kind),
        "source": active.and_then(|provider| provider.details.get("fedIdp")?.get("source")).unwrap_or(&json!("LOCAL")),
    });
    Ok(Reply::json(StatusCode::OK, "application/json", &body))
}

fn provider<'a>(state: &'a mut State, ask: &Ask) -> Result<&'a mut Provider, Reply> {
    let message = format!("Identity provider {} not found.", ask.param("id"));
    state.provider(ask.param("id")).ok_or_else(|| errors::not_found("IDENTITY_PROVIDER_NOT_FOUND", &message))
}

fn external<'a>(state: &'a mut State, ask: &Ask) -> Result<&'a mut Provider, Reply> {
    let provider = provider(state, ask)?;
    if provider.is_embedded() {
        let message = "The embedded identity provider cannot be changed or deleted.";
        return Err(errors::refused("IDENTITY_PROVIDER_IS_EMBEDDED", message));
    }
    Ok(provider)
}

fn embedded<'a>(state: &'a mut State, ask: &Ask) -> Result<&'a mut Provider, Reply> {
    let provider = provider(state, ask)?;
    if !provider.is_embedded() {
        let message = "Only the embedded identity provider has identity sources.";
        return Err(errors::refused("IDENTITY_PROVIDER_IS_EXTERNAL", message));
    }
    Ok(provider)
}

/// The position of the source with the domain in the path; the two built-in ones cannot be changed.
fn source(provider: &Provider, ask: &Ask) -> Result<usize, Reply> {
    let domain = ask.param("domainName");
    let at = provider.sources.iter().position(|source| source.domain.eq_ignore_ascii_case(domain));
    let message = format!("Identity source with domain name {domain} not found.");
    let at = at.ok_or_else(|| errors::not_found("IDENTITY_SOURCE_NOT_FOUND", &message))?;
    if provider.sources.get(at).is_some_and(|source| source.ldap.is_none()) {
        return Err(errors::refused("IDENTITY_SOURCE_IS_BUILT_IN", "A built-in identity source cannot be changed."));
    }
    Ok(at)
}

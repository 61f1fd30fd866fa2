//! `/v1/tokens`: a pair of tokens, renewal, revocation.

use super::state::State;
use super::{Sddc, errors};
use crate::reply::{Answer, Ask, Reply};
use crate::settings::RefreshBody;
use crate::{clock, credentials, tokens};
use http::StatusCode;
use serde_json::{Value, json};

/// `POST /v1/tokens`
pub(super) fn create(sddc: &Sddc, ask: &Ask) -> Answer {
    super::takes_json(ask)?;
    let body = ask.json().filter(Value::is_object).ok_or_else(|| errors::invalid("body", "is not a JSON object"))?;
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    if (text("username"), text("password")) != (Some(credentials::SDDC_USERNAME), Some(credentials::SDDC_PASSWORD)) {
        return Err(errors::refused_login());
    }
    let mut state = sddc.state();
    let access = access_token(&mut state);
    let id = clock::uuid();
    let expires = clock::now() + clock::millis(state.settings.refresh_lifetime);
    state.refresh.insert(id.clone(), expires);
    let status = StatusCode::from_u16(state.settings.token_status).unwrap_or(StatusCode::OK);
    Ok(Reply::json(status, "application/json", &json!({"accessToken": access, "refreshToken": {"id": id}})))
}

/// `PATCH /v1/tokens/access-token/refresh`
pub(super) fn refresh(sddc: &Sddc, ask: &Ask) -> Answer {
    super::takes_json(ask)?;
    let mut state = sddc.state();
    let id = refresh_id(ask, state.settings.refresh_body)?;
    if state.refresh.get(&id).is_none_or(|expires| *expires <= clock::now()) {
        return Err(no_refresh_token());
    }
    let access = access_token(&mut state);
    Ok(super::text(StatusCode::OK, &access, state.settings.quoted_answers))
}

/// `DELETE /v1/tokens/refresh-token`
pub(super) fn revoke(sddc: &Sddc, ask: &Ask) -> Answer {
    super::takes_json(ask)?;
    let mut state = sddc.state();
    let id = refresh_id(ask, state.settings.refresh_body)?;
    match state.refresh.remove(&id) {
        Some(_) => Ok(Reply::empty(StatusCode::NO_CONTENT)),
        None => Err(no_refresh_token()),
    }
}

fn no_refresh_token() -> Reply {
    errors::not_found("REFRESH_TOKEN_NOT_FOUND", "The refresh token is unknown or expired.")
}

/// The id in the accepted form: with JSON strings a bare id is 400; with bare texts a quoted one never matches.
fn refresh_id(ask: &Ask, form: RefreshBody) -> Result<String, Reply> {
    match form {
        RefreshBody::Quoted => match ask.json() {
            Some(Value::String(id)) => Ok(id),
            _ => Err(errors::invalid("body", "is not a JSON string")),
        },
        RefreshBody::Bare => Ok(String::from_utf8_lossy(&ask.body).trim().to_owned()),
    }
}

fn access_token(state: &mut State) -> String {
    let now = clock::now();
    let expires = now + clock::millis(state.settings.access_lifetime);
    let token = tokens::jwt(&json!({
        "iat": now / 1_000,
        "sub": credentials::SDDC_USERNAME,
        "iss": "vcf-auth",
        "aud": "sddc-services",
        "nbf": now / 1_000,
        "exp": expires / 1_000,
        "user": credentials::SDDC_USERNAME,
        "name": credentials::SDDC_USERNAME,
        "scope": ["SDDC_MANAGER_READ", "SDDC_MANAGER_WRITE", "CREDENTIAL_READ"],
    }));
    state.access.insert(token.clone(), expires);
    token
}

//! The identity broker: its OpenID Connect configuration, and the exchange of an API token for a Bearer token.

use super::state::Caller;
use super::{Fleet, json};
use crate::reply::{Answer, Ask, Reply, find};
use crate::settings::DeadApiToken;
use crate::{clock, tokens};
use http::StatusCode;
use serde_json::json;

/// The grant type of the exchange.
const GRANT: &str = "urn:custom:vcf:params:oauth:grant-type:api-token";

/// `POST /acs/t/CUSTOMER/token`
pub(super) fn token(fleet: &Fleet, ask: &Ask) -> Answer {
    let form = ask.form();
    let Some(grant) = find(&form, "grant_type") else {
        return Err(error(StatusCode::BAD_REQUEST, "invalid_request", "grant_type is missing"));
    };
    if grant != GRANT {
        return Err(error(StatusCode::BAD_REQUEST, "unsupported_grant_type", "oauth2.grant.type.unsupported"));
    }
    let Some(api_token) = find(&form, "api_token") else {
        return Err(error(StatusCode::BAD_REQUEST, "invalid_request", "api_token is missing"));
    };
    let mut state = fleet.state();
    let now = clock::now();
    let Some((name, rights)) = state.exchange(api_token, now) else {
        return Err(dead(state.settings.dead_api_token));
    };
    let lifetime = state.settings.bearer_lifetime;
    let expires = now + clock::millis(lifetime);
    let access_token = tokens::jwt(&json!({
        "iss": state.tenant(ask),
        "sub": clock::uuid(),
        "prn": format!("{name}@CUSTOMER"),
        "aud": "vcf",
        "iat": now / 1_000,
        "exp": expires / 1_000,
    }));
    state.bearers.insert(access_token.clone(), Caller { name, rights, expires });
    let body = json!({
        "scope": "openid profile user email group",
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": lifetime.as_secs(),
    });
    Ok(json(StatusCode::OK, &body))
}

/// `GET /acs/t/CUSTOMER/.well-known/openid-configuration`
pub(super) fn configuration(fleet: &Fleet, ask: &Ask) -> Answer {
    let tenant = fleet.state().tenant(ask);
    let body = json!({
        "issuer": tenant,
        "authorization_endpoint": format!("{tenant}/authorize"),
        "token_endpoint": format!("{tenant}/token"),
        "jwks_uri": format!("{tenant}/publickey.jwks"),
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials", GRANT],
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", "profile", "user", "email", "group"],
    });
    Ok(json(StatusCode::OK, &body))
}

/// The response to an expired, revoked or unknown API token.
pub(super) fn dead(form: DeadApiToken) -> Reply {
    let description = "oauth2.authorization.credentials.invalid";
    match form {
        DeadApiToken::InvalidClient => error(StatusCode::UNAUTHORIZED, "invalid_client", description),
        DeadApiToken::InvalidGrant => error(StatusCode::BAD_REQUEST, "invalid_grant", description),
    }
}

/// The error body of RFC 6749, 5.2.
fn error(status: StatusCode, error: &str, description: &str) -> Reply {
    json(status, &json!({"error": error, "error_description": description}))
}

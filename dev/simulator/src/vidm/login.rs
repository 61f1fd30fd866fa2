//! The three logins: `system/login`, OAuth client credentials, the OAuth password grant.

use super::state::{Refusals, State, Token};
use super::{Vidm, errors, media};
use crate::reply::{Answer, Ask, Reply, find};
use crate::{clock, credentials, tokens};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{StatusCode, header};
use serde_json::{Value, json};
use std::time::Duration;

/// The only domain of local users.
const SYSTEM_DOMAIN: &str = "System Domain";

/// `POST …/API/1.0/REST/auth/system/login`: local users only.
pub(super) fn system(vidm: &Vidm, ask: &Ask) -> Answer {
    media::consumes(ask, true, &[media::JSON])?;
    let body =
        ask.json().filter(Value::is_object).ok_or_else(|| errors::bad_request("The request body is not JSON."))?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let issue = matches!(body.get("issueToken"), Some(Value::Bool(true)))
        || body.get("issueToken").and_then(Value::as_str) == Some("true");
    let mut state = vidm.state();
    let admin = local_user(&mut state, &ask.tenant, text("username"), text("password"))?;
    let token = issue.then(|| {
        let lifetime = state.settings.session_lifetime;
        make(
            &mut state,
            ask,
            &Subject { name: text("username"), domain: SYSTEM_DOMAIN, admin, session: true },
            lifetime,
        )
    });
    // Without `Accept: application/json` the real one returns XML, and a wildcard does not change that.
    let wants_json = ask.header(header::ACCEPT).is_some_and(|accept| accept.to_ascii_lowercase().contains(media::JSON));
    if wants_json {
        // `admin` is false even for administrators.
        let body = json!({"id": null, "sessionToken": token, "firstName": null, "lastName": null, "admin": false});
        return Ok(Reply::json(StatusCode::OK, media::JSON, &body));
    }
    let token = token.map(|token| format!("<sessionToken>{token}</sessionToken>")).unwrap_or_default();
    let xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?><userSession><admin>false</admin>{token}</userSession>"
    );
    Ok(Reply::text(StatusCode::OK, "application/xml", xml))
}

/// Checks a local user and returns whether the user is an administrator.
fn local_user(state: &mut State, tenant: &str, username: &str, password: &str) -> Result<bool, Reply> {
    let right = match username {
        credentials::VIDM_USERNAME => Some((credentials::VIDM_PASSWORD, true)),
        credentials::VIDM_PLAIN_USERNAME => Some((credentials::VIDM_PLAIN_PASSWORD, false)),
        _ => None,
    };
    check(state, (tenant, username), right, password)
}

/// Compares a password with the right one; counts rejections and locks. For an unknown user the right one is `None`.
fn check(
    state: &mut State,
    (tenant, username): (&str, &str),
    right: Option<(&str, bool)>,
    password: &str,
) -> Result<bool, Reply> {
    let (limit, duration) = (state.settings.lockout_after, clock::millis(state.settings.lockout_duration));
    let refusals = state.refusals.entry((tenant.to_owned(), username.to_owned())).or_default();
    let now = clock::now();
    if refusals.locked_until > now {
        return Err(errors::account_locked());
    }
    if let Some((_, admin)) = right.filter(|(right, _)| *right == password) {
        *refusals = Refusals::default();
        return Ok(admin);
    }
    refusals.in_a_row += 1;
    if refusals.in_a_row >= limit {
        *refusals = Refusals { in_a_row: 0, locked_until: now + duration };
    }
    Err(errors::invalid_credentials())
}

/// `POST …/auth/oauthtoken`
pub(super) fn oauth(vidm: &Vidm, ask: &Ask) -> Answer {
    let form = ask.form();
    let field = |name: &str| find(&form, name).or_else(|| ask.query(name));
    let Some(grant @ ("client_credentials" | "password")) = field("grant_type") else {
        // The vendor's own description says 500 here.
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        return Err(oauth_error(status, "unsupported_grant_type", "Grant type is missing or unknown"));
    };
    let basic = ask.header(header::AUTHORIZATION);
    let client = match tokens::authorization(basic.as_deref()) {
        Some((scheme, value)) if scheme.eq_ignore_ascii_case("basic") => basic_pair(value),
        Some(_) => None,
        None => field("client_id").zip(field("client_secret")).map(|(id, secret)| (id.to_owned(), secret.to_owned())),
    };
    let may_use_passwords = match client.as_ref().map(|(id, secret)| (id.as_str(), secret.as_str())) {
        Some((credentials::VIDM_CLIENT_ID, credentials::VIDM_CLIENT_SECRET)) => true,
        Some((credentials::VIDM_LIMITED_CLIENT_ID, credentials::VIDM_LIMITED_CLIENT_SECRET)) => false,
        _ => return Err(oauth_error(StatusCode::UNAUTHORIZED, "invalid_client", "Client authentication failed")),
    };
    let client_id = client.map(|(id, _)| id).unwrap_or_default();
    let mut state = vidm.state();
    let lifetime = state.settings.oauth_lifetime;
    let (username, domain) = (field("username").unwrap_or_default(), field("domain").unwrap_or_default());
    let subject = if grant == "client_credentials" {
        Subject { name: &client_id, domain: SYSTEM_DOMAIN, admin: true, session: false }
    } else if may_use_passwords {
        let admin = password_grant(&mut state, &ask.tenant, username, field("password").unwrap_or_default(), domain)?;
        Subject { name: username, domain, admin, session: false }
    } else {
        return Err(oauth_error(StatusCode::BAD_REQUEST, "unauthorized_client", "The client has no password grant"));
    };
    let token = make(&mut state, ask, &subject, lifetime);
    let body = json!({
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": lifetime.as_secs(),
        "scope": if subject.admin { "admin" } else { "user" },
    });
    Ok(Reply::json(StatusCode::OK, "application/json;charset=UTF-8", &body))
}

/// RFC 6749 requires id and secret to be form-encoded before base64; the vendor's clients send them unchanged, and this
/// simulator expects that.
fn basic_pair(value: &str) -> Option<(String, String)> {
    let text = String::from_utf8(STANDARD.decode(value).ok()?).ok()?;
    text.split_once(':').map(|(id, secret)| (id.to_owned(), secret.to_owned()))
}

fn password_grant(
    state: &mut State,
    tenant: &str,
    username: &str,
    password: &str,
    domain: &str,
) -> Result<bool, Reply> {
    let checked = if domain.is_empty() || domain == SYSTEM_DOMAIN {
        local_user(state, tenant, username, password)
    } else {
        let known =
            username == credentials::VIDM_DOMAIN_USERNAME && domain.eq_ignore_ascii_case(credentials::VIDM_DOMAIN);
        let account = format!("{username}@{}", domain.to_lowercase());
        check(state, (tenant, &account), known.then_some((credentials::VIDM_DOMAIN_PASSWORD, true)), password)
    };
    checked.map_err(|_| oauth_error(StatusCode::BAD_REQUEST, "invalid_grant", "Invalid user credentials"))
}

/// The error body of RFC 6749, 5.2.
pub(super) fn oauth_error(status: StatusCode, error: &str, description: &str) -> Reply {
    Reply::json(status, "application/json;charset=UTF-8", &json!({"error": error, "error_description": description}))
}

/// `GET …/API/1.0/REST/auth/token?attribute=isValid`: checks the request's own token.
pub(super) fn about(vidm: &Vidm, ask: &Ask) -> Answer {
    let valid = vidm.user(ask).is_ok();
    match ask.query("attribute") {
        Some("isValid") => Ok(Reply::text(StatusCode::OK, "text/plain", valid.to_string())),
        Some("isRevoked") => Ok(Reply::text(StatusCode::OK, "text/plain", (!valid).to_string())),
        _ => Err(errors::bad_request("Unknown attribute.")),
    }
}

struct Subject<'a> {
    name: &'a str,
    domain: &'a str,
    admin: bool,
    session: bool,
}

/// Makes a token with the claims of a real one, and records it.
fn make(state: &mut State, ask: &Ask, subject: &Subject<'_>, lifetime: Duration) -> String {
    let now = clock::now();
    let issued = now / 1_000;
    let expires = now + clock::millis(lifetime);
    let host = ask.header(header::HOST).unwrap_or_else(|| "localhost".to_owned());
    let tenant = if ask.tenant.is_empty() { "SIMULATOR".to_owned() } else { ask.tenant.to_uppercase() };
    let base = if ask.tenant.is_empty() { "/SAAS".to_owned() } else { format!("/SAAS/t/{}", ask.tenant) };
    let token = tokens::jwt(&json!({
        "jti": clock::uuid(),
        "prn": format!("{}@{tenant}", subject.name),
        "domain": subject.domain,
        "user_id": "8",
        "auth_time": issued,
        "iss": format!("https://{host}{base}/auth"),
        "aud": format!("https://{host}{base}/auth/oauthtoken"),
        "ctx": "[{\"mtd\":\"urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport\",\"id\":15}]",
        "scp": if subject.admin { "profile admin user email" } else { "profile user email" },
        "idp": "0",
        "eml": "configuser@corp.example",
        "cid": "",
        "did": "",
        "wid": "",
        // The lifetime of the rules inside, not of the token.
        "rules": {"expiry": issued + 1_800, "rules": [], "link": format!("https://{host}/acs/rules/me")},
        "exp": expires / 1_000,
        "iat": issued,
        "sub": clock::uuid(),
        "prn_type": "USER",
    }));
    let known = Token { tenant: ask.tenant.clone(), admin: subject.admin, session: subject.session, expires };
    state.tokens.insert(token.clone(), known);
    token
}

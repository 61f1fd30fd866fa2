//! `/api/auth`, the version and the state of the node: session tokens, and what is known without one.

use super::state::{Caller, Rights, State};
use super::{Fleet, errors, json, object, wants_json};
use crate::reply::{Answer, Ask, Reply};
use crate::settings::FleetVersion;
use crate::{clock, credentials};
use http::{StatusCode, header};
use serde_json::{Value, json};

/// `POST /api/auth/token/acquire`
pub(super) fn acquire(fleet: &Fleet, ask: &Ask) -> Answer {
    let body = object(ask)?;
    let text = |name: &str| match body.get(name) {
        Some(Value::String(text)) => Ok(Some(text.as_str())),
        None | Some(Value::Null) => Ok(None),
        Some(_) => Err(errors::invalid_body(name, "is not a string")),
    };
    let username = text("username")?.ok_or_else(|| errors::invalid_body("username", "is required"))?;
    let password = text("password")?.ok_or_else(|| errors::invalid_body("password", "is required"))?;
    let source = text("authSource")?;
    // A name of Active Directory as user@domain is taken for one of single sign-on (measured by users of 9.0.2).
    let is_upn = source == Some(credentials::FLEET_AD_SOURCE) && username.contains('@');
    if username == credentials::FLEET_SSO_USERNAME || is_upn {
        // No password is checked.
        return Err(errors::html_refusal());
    }
    let mut state = fleet.state();
    let rights = check(&mut state, username, password, source)?;
    let token = format!("{}::{}", clock::uuid(), clock::uuid());
    let expires = clock::now() + clock::millis(state.settings.session_lifetime);
    state.sessions.insert(token.clone(), Caller { name: username.to_owned(), rights, expires });
    let shown = httpdate::fmt_http_date(clock::time(expires));
    if wants_json(ask) {
        let body = json!({"token": token, "validity": expires, "expiresAt": shown, "roles": []});
        return Ok(json(StatusCode::OK, &body));
    }
    Ok(xml("auth-token", &[("ops:token", &token), ("ops:validity", &expires.to_string()), ("ops:expiresAt", &shown)]))
}

/// Compares a password with the account's; counts rejections and locks.
fn check(state: &mut State, username: &str, password: &str, source: Option<&str>) -> Result<Rights, Reply> {
    let is_local =
        source.is_none_or(|source| state.settings.local_sources.iter().any(|name| name.eq_ignore_ascii_case(source)));
    let is_ad = source.is_some_and(|source| source == credentials::FLEET_AD_SOURCE);
    let known = match username {
        credentials::FLEET_USERNAME if is_local => Some((credentials::FLEET_PASSWORD, Rights::All)),
        credentials::FLEET_READER_USERNAME if is_local => Some((credentials::FLEET_READER_PASSWORD, Rights::Read)),
        credentials::FLEET_PLAIN_USERNAME if is_local => Some((credentials::FLEET_PLAIN_PASSWORD, Rights::None)),
        credentials::FLEET_AD_USERNAME if is_ad => Some((credentials::FLEET_AD_PASSWORD, Rights::All)),
        _ => None,
    };
    let limit = state.settings.lockout_after;
    let refused = state.refusals.entry(username.to_owned()).or_default();
    if limit.is_some_and(|limit| *refused >= limit) {
        return Err(errors::locked());
    }
    match known.filter(|(right, _)| *right == password) {
        Some((_, rights)) => {
            *refused = 0;
            Ok(rights)
        }
        None => {
            *refused += 1;
            Err(errors::refused_login())
        }
    }
}

/// `POST /api/auth/token/release`
pub(super) fn release(fleet: &Fleet, ask: &Ask) -> Answer {
    let (mut state, _) = fleet.caller(ask)?;
    let header = ask.header(header::AUTHORIZATION);
    if let Some((_, token)) = crate::tokens::authorization(header.as_deref()) {
        state.sessions.remove(token);
    }
    Ok(Reply::empty(StatusCode::OK))
}

/// `GET /api/auth/currentuser`
pub(super) fn current_user(fleet: &Fleet, ask: &Ask) -> Answer {
    let caller = fleet.caller(ask)?.1;
    let id = "f1000000-0000-4000-8000-0000000000e1";
    if !wants_json(ask) {
        return Ok(xml("user", &[("ops:id", id), ("ops:username", &caller.name)]));
    }
    // The schema requires a password; the server masks it.
    let body = json!({
        "id": id,
        "username": caller.name,
        "password": "",
        "enabled": true,
        "groupIds": [],
        "roleNames": [],
        "role-permissions": [],
        "links": [],
    });
    Ok(json(StatusCode::OK, &body))
}

/// `GET /api/auth/sources/vidb/well-known-url`: needs no login.
pub(super) fn well_known(fleet: &Fleet, ask: &Ask) -> Answer {
    let state = fleet.state();
    if !state.settings.has_broker {
        return Err(errors::no_broker());
    }
    Ok(json(StatusCode::OK, &json!({"url": state.well_known(ask)})))
}

impl State {
    /// The address of the broker's OpenID Connect configuration, with the scheme of the request.
    pub(super) fn well_known(&self, ask: &Ask) -> String {
        format!("{}/.well-known/openid-configuration", self.tenant(ask))
    }

    /// The address of the broker's tenant, with the scheme of the request.
    pub(super) fn tenant(&self, ask: &Ask) -> String {
        let [plain, secure] = &self.broker;
        format!("{}/acs/t/CUSTOMER", if ask.tls { secure } else { plain })
    }
}

/// `GET /api/deployment/node/status`: needs no login.
pub(super) fn node_status(_: &Fleet, ask: &Ask) -> Answer {
    let now = clock::now();
    if !wants_json(ask) {
        return Ok(xml("node-status", &[("ops:status", "ONLINE"), ("ops:systemTime", &now.to_string())]));
    }
    let shown = httpdate::fmt_http_date(clock::time(now));
    Ok(json(StatusCode::OK, &json!({"status": "ONLINE", "systemTime": now, "humanlyReadableSystemTime": shown})))
}

/// `GET /api/versions/current`: 9.0.0 reports itself as 2.0.0.
pub(super) fn version(fleet: &Fleet, ask: &Ask) -> Answer {
    let settings = fleet.state().settings.clone();
    if !settings.open_version && fleet.caller(ask).is_err() {
        return Err(errors::html_refusal());
    }
    let (name, [major, minor, smaller]) = match settings.version {
        FleetVersion::V9_0 => ("VCF Operations 9.0.0.0", [2, 0, 0]),
        FleetVersion::V9_1_0 => ("VCF Operations 9.1.0.0", [9, 1, 0]),
        FleetVersion::V9_1_1 => ("VCF Operations 9.1.1.0", [9, 1, 1]),
    };
    if !wants_json(ask) {
        let numbers = [major.to_string(), minor.to_string(), smaller.to_string()];
        let [major, minor, smaller] = &numbers;
        let fields =
            [("ops:releaseName", name), ("ops:major", major), ("ops:minor", minor), ("ops:minorMinor", smaller)];
        return Ok(xml("version", &fields));
    }
    let mut body = json!({
        "releaseName": name,
        "major": major,
        "minor": minor,
        "minorMinor": smaller,
        "patch": 0,
        "buildNumber": 24_500_000,
        "releasedDate": 1_772_568_000_000_u64,
        "humanlyReadableReleaseDate": "Tuesday, March 3, 2026 at 12:00:00 PM Pacific Standard Time",
        "description": "VMware Cloud Foundation Operations",
    });
    if let (true, Value::Object(fields)) = (settings.irregular, &mut body) {
        fields.insert("description".to_owned(), Value::Null);
    }
    Ok(json(StatusCode::OK, &body))
}

/// The response of calls that offer XML too, without `Accept: application/json`.
fn xml(root: &str, fields: &[(&str, &str)]) -> Reply {
    let fields: String = fields.iter().map(|(name, value)| format!("<{name}>{value}</{name}>")).collect();
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\
         <ops:{root} xmlns:ops=\"http://webservice.vmware.com/vRealizeOpsMgr/1.0/\">{fields}</ops:{root}>"
    );
    Reply::text(StatusCode::OK, "application/xml", body)
}

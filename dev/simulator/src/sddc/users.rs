//! `/v1/users`: users, groups and service accounts with their one role. There is no call that changes an entry.
//!
//! Names are stored as VMware's PowerValidatedSolutions finds them: `DOMAIN\group` and `user@DOMAIN`.

use super::{Sddc, errors, roles, sso_domains};
use crate::reply::{Answer, Ask, Reply};
use crate::{clock, credentials, seeds};
use http::{Method, StatusCode};
use serde_json::{Value, json};

/// The holder of a role.
#[derive(Debug)]
pub(crate) struct User {
    id: String,
    name: String,
    domain: Option<String>,
    kind: &'static str,
    role: String,
    api_key: Option<String>,
}

impl User {
    fn json(&self) -> Value {
        let mut body = json!({
            "id": self.id, "name": self.name, "type": self.kind, "role": {"id": self.role},
            "creationTimestamp": "2026-01-15T08:00:00.000Z",
        });
        if let Value::Object(fields) = &mut body {
            fields.extend(self.domain.iter().map(|domain| ("domain".to_owned(), json!(domain))));
            fields.extend(self.api_key.iter().map(|key| ("apiKey".to_owned(), json!(key))));
        }
        body
    }
}

/// The first holders.
pub(super) fn seeded() -> Vec<User> {
    let user = |kind, name: String, domain: Option<&str>, role: &str| User {
        id: clock::uuid(),
        name,
        domain: domain.map(str::to_owned),
        kind,
        role: role.to_owned(),
        api_key: (kind == "SERVICE").then(|| "planted-sddc-api-key".to_owned()),
    };
    let secure = seeds::LDAPS_SOURCE_DOMAIN.to_uppercase();
    vec![
        user("USER", "administrator@vsphere.local".to_owned(), Some("vsphere.local"), roles::ADMIN),
        user("USER", credentials::SDDC_USERNAME.to_owned(), Some("vsphere.local"), roles::ADMIN),
        user("GROUP", format!("{secure}\\{}", seeds::VCF_OPERATORS), Some(&secure), roles::OPERATOR),
        user("SERVICE", "svc-backup".to_owned(), None, roles::VIEWER),
    ]
}

/// `GET /v1/users`
pub(super) fn list(sddc: &Sddc, ask: &Ask) -> Answer {
    let state = sddc.authorized(ask)?;
    Ok(page(StatusCode::OK, &state.users.iter().collect::<Vec<_>>()))
}

/// `POST /v1/users`: all of the list, or none
pub(super) fn add(sddc: &Sddc, ask: &Ask) -> Answer {
    let mut state = sddc.authorized(ask).map_err(|_| errors::unauthorized(&Method::GET))?;
    super::takes_json(ask)?;
    let Some(Value::Array(specs)) = ask.json() else { return Err(refused("body", "is not a list of users")) };
    let mut added = Vec::new();
    for spec in &specs {
        let text = |name: &str| spec.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let (name, kind) = (text("name"), text("type"));
        let name = name.ok_or_else(|| refused("name", "is required"))?;
        let role = spec.pointer("/role/id").and_then(Value::as_str).ok_or_else(|| refused("role.id", "is required"))?;
        if !roles::exists(role) {
            return Err(refused("role.id", "is not the id of a role"));
        }
        let domain = text("domain");
        let of_domain = || domain.ok_or_else(|| refused("domain", "is required"));
        let (kind, name) = match kind {
            Some("GROUP") => ("GROUP", format!("{}\\{name}", of_domain()?.to_uppercase())),
            Some("USER") => ("USER", name.to_owned()),
            Some("SERVICE") => ("SERVICE", name.to_owned()),
            _ => return Err(refused("type", "is not USER, GROUP or SERVICE")),
        };
        let bare = name.rsplit('\\').next().and_then(|name| name.split('@').next()).unwrap_or_default();
        if kind != "SERVICE" && !sso_domains::has(&state, of_domain()?, kind, bare) {
            return Err(refused("name", "is not in the domain"));
        }
        if state.users.iter().any(|user| user.kind == kind && user.name.eq_ignore_ascii_case(&name)) {
            return Err(refused("name", "has a role already"));
        }
        added.push(User {
            id: clock::uuid(),
            name,
            domain: domain.map(str::to_owned),
            kind,
            role: role.to_owned(),
            api_key: (kind == "SERVICE").then(|| format!("planted-{}", clock::uuid())),
        });
    }
    let reply = page(StatusCode::CREATED, &added.iter().collect::<Vec<_>>());
    state.users.extend(added);
    Ok(reply)
}

/// `DELETE /v1/users/{id}`
pub(super) fn remove(sddc: &Sddc, ask: &Ask) -> Answer {
    let mut state = sddc.authorized(ask)?;
    let before = state.users.len();
    state.users.retain(|user| user.id != ask.param("id"));
    if state.users.len() == before {
        return Err(errors::not_found("USER_NOT_FOUND", "The user was not found."));
    }
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

fn page(status: StatusCode, users: &[&User]) -> Reply {
    let elements: Vec<Value> = users.iter().map(|user| user.json()).collect();
    Reply::json(status, "application/json", &json!({"elements": elements}))
}

fn refused(field: &str, reason: &str) -> Reply {
    errors::error_response(
        StatusCode::BAD_REQUEST,
        "INVALID_INPUT",
        &format!("Invalid input: {field} {reason}"),
        "Correct the input and try again.",
    )
}

//! `/v1/roles`: the three roles, which cannot be changed.

use super::Sddc;
use crate::reply::{Answer, Ask, Reply};
use http::StatusCode;
use serde_json::{Value, json};

/// Ids, names and descriptions.
const ROLES: [(&str, &str, &str); 3] =
    [(ADMIN, "ADMIN", "Administrator"), (OPERATOR, "OPERATOR", "Operator"), (VIEWER, "VIEWER", "Viewer")];

pub(super) const ADMIN: &str = "317cb292-802f-ca6a-e57e-3ac2b707fe34";
pub(super) const OPERATOR: &str = "59adcd39-0ca0-4e6b-9a04-3b4ce6de4d29";
pub(super) const VIEWER: &str = "7f0a5b5a-5d3a-4b8e-8f4f-0f3a1f6f0c11";

/// Whether there is a role with this id.
pub(super) fn exists(id: &str) -> bool {
    ROLES.iter().any(|(known, ..)| *known == id)
}

/// `GET /v1/roles`
pub(super) fn list(sddc: &Sddc, ask: &Ask) -> Answer {
    drop(sddc.authorized(ask)?);
    let role =
        |(id, name, description): &(&str, &str, &str)| json!({"id": id, "name": name, "description": description});
    let elements: Vec<Value> = ROLES.iter().map(role).collect();
    Ok(Reply::json(StatusCode::OK, "application/json", &json!({"elements": elements})))
}

//! Operations for which idhook has no route, and which must not be reachable through it.

use super::Sddc;
use crate::reply::{Answer, Ask, Reply};
use http::StatusCode;
use serde_json::json;

/// `GET /v1/credentials`: all stored passwords
pub(super) fn credentials(sddc: &Sddc, ask: &Ask) -> Answer {
    let _state = sddc.authorized(ask)?;
    let root = json!({"id": "c0000000-0000-4000-8000-000000000001", "username": "root", "password": "planted-estate-password"});
    Ok(Reply::json(StatusCode::OK, "application/json", &json!({"elements": [root]})))
}

/// `DELETE /v1/hosts/{id}`: removes a host
pub(super) fn remove_host(sddc: &Sddc, ask: &Ask) -> Answer {
    let _state = sddc.authorized(ask)?;
    Ok(Reply::json(StatusCode::ACCEPTED, "application/json", &json!({"id": ask.param("id"), "status": "IN_PROGRESS"})))
}

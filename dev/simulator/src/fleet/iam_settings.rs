//! `/settings`: the lifetimes of tokens.

use super::{Fleet, checked, json};
use crate::reply::{Answer, Ask};
use http::StatusCode;
use serde_json::Value;

/// `GET /settings`
pub(super) fn read(fleet: &Fleet, ask: &Ask) -> Answer {
    let state = fleet.reader(ask)?;
    Ok(json(StatusCode::OK, &state.iam_settings))
}

/// `PUT /settings`
pub(super) fn write(fleet: &Fleet, ask: &Ask) -> Answer {
    let mut state = fleet.writer(ask)?;
    let body = checked(ask, state.settings.version, "GlobalIamSettings")?;
    state.iam_settings = Value::Object(body);
    Ok(json(StatusCode::OK, &state.iam_settings))
}

//! `/v1/sddc-managers`: this SDDC Manager and its version.

use super::Sddc;
use crate::reply::{Answer, Ask, Reply};
use http::StatusCode;
use serde_json::json;

/// `GET /v1/sddc-managers`: the vendor's `PageOfSddcManager`
pub(super) fn list(sddc: &Sddc, ask: &Ask) -> Answer {
    let state = sddc.authorized(ask)?;
    let one = json!({
        "id": "60927f26-8910-4dd3-8435-8bb7aef5f659",
        "fqdn": "sddc-manager.corp.example",
        "version": state.settings.version,
        "ipAddress": "192.0.2.7",
        "domain": {"id": "2a6fa5fc-8c6f-4e59-9b1f-1ac7e1e1f1fd", "name": "mgmt"},
    });
    Ok(Reply::json(StatusCode::OK, "application/json", &json!({"elements": [one]})))
}

//! `/v1/wsas`: the Workspace ONE Access (vIDM) that was deployed for VCF.

use super::Sddc;
use crate::reply::{Answer, Ask, Reply};
use http::StatusCode;
use serde_json::json;

/// `GET /v1/wsas`: the vendor's `PageOfWsa`
pub(super) fn list(sddc: &Sddc, ask: &Ask) -> Answer {
    let state = sddc.authorized(ask)?;
    let elements = state.settings.workspace_one_access.iter().map(|host| {
        json!({
            "id": "0b4d8d6c-6d35-4c7c-9a52-2a5d6f9f3a11",
            "version": "3.3.7.0-21173100",
            "loadBalancerFqdn": host,
            "loadBalancerIpAddress": "192.0.2.15",
            "status": "ACTIVE",
            "nodes": [{
                "id": "5a0f6a52-6f0d-4f5c-8f0b-6a1f3a4f5b21", "fqdn": format!("node-1.{host}"), "type": "MASTER",
                "ipAddress": "192.0.2.16",
            }],
        })
    });
    let body = json!({"elements": elements.collect::<Vec<_>>()});
    Ok(Reply::json(StatusCode::OK, "application/json", &body))
}

//! Health and heartbeat, which need no login.

use super::Vidm;
use crate::clock;
use crate::reply::{Answer, Ask, Reply};
use http::StatusCode;
use serde_json::json;

/// `GET …/API/1.0/REST/system/health` and `GET …/jersey/manager/api/system/health`: all values are strings.
pub(super) fn health(vidm: &Vidm, _: &Ask) -> Answer {
    let ok = vidm.state().settings.healthy.to_string();
    let body = json!({
        "AllOk": ok,
        "DatabaseConnectionOk": ok,
        "MessagingConnectionOk": "true",
        "EncryptionConnectionOk": "true",
        "AnalyticsConnectionOk": "true",
        "ElasticsearchServiceOk": "unknown",
        "ServiceReadOnlyMode": "false",
        "AuditWorkerThreadAlive": "true",
        "AuditPollInterval": "1000",
        "EncryptionServiceVerified": "unknown",
        "FederationBrokerStatus": "unknown",
        "BuildVersion": "3.3.7.0 Build 21173100",
        "StatusDate": clock::iso(clock::now()).replace('T', " ").split('.').next().map(|date| format!("{date} UTC")),
    });
    Ok(Reply::json(StatusCode::OK, "application/json;charset=UTF-8", &body))
}

/// `GET …/API/1.0/REST/system/health/heartbeat`
pub(super) fn heartbeat(_: &Vidm, _: &Ask) -> Answer {
    Ok(Reply::text(StatusCode::OK, "text/plain", "ok"))
}

/// `GET /hc/API/1.0/REST/system/health/allOk`, served by the connector.
pub(super) fn connector(vidm: &Vidm, _: &Ask) -> Answer {
    Ok(Reply::text(StatusCode::OK, "text/plain", vidm.state().settings.healthy.to_string()))
}

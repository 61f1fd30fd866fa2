//! `GET /SAAS/API/1.0/REST/system/health`: vIDM's own health.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Method, Request, Response};
use serde::Serialize;
use serde_json::{Map, Value};

use super::api::Vidm;
use super::dialect::{Dialect, Media, Path};
use crate::error::Result;
use crate::retry::Repeat;
use crate::upstream::{Endpoint, bare, read_shown};

/// `GET /SAAS/API/1.0/REST/system/health` (VMware Identity Manager 3.3 documentation, "monitoring")
///
/// Needs no login. A flat object whose values are all strings, booleans included.
#[derive(Debug)]
pub(crate) struct GetHealth;

impl Endpoint for GetHealth {
    type Api = Vidm;
    type Response = Health;
    const CALL: &'static str = "GET /SAAS/API/1.0/REST/system/health";
    const REPEAT: Repeat = Repeat::Always;

    fn request(&self, dialect: &Dialect) -> Result<Request<Bytes>> {
        bare(Method::GET, &dialect.path(Path::Health), &dialect.media(Media::Health))
    }

    fn response(&self, answer: Response<Bytes>) -> Result<Health> {
        let mut body: Map<String, Value> = read_shown(Self::CALL, &answer)?;
        let all_ok = body.remove("AllOk").map(Check::from);
        let build_version = body.remove("BuildVersion").and_then(|value| value.as_str().map(str::to_owned));
        // Not collected: `collect` sorts first, which takes more code than inserting one by one.
        let mut checks = BTreeMap::new();
        checks.extend(body.into_iter().map(|(name, value)| (name, Check::from(value))));
        Ok(Health {
            all_ok: match all_ok {
                Some(Check::Bool(ok)) => Some(ok),
                _ => None,
            },
            build_version,
            checks,
        })
    }
}

/// vIDM's health, in its own words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(rename = "VidmHealth"))]
pub struct Health {
    /// `AllOk`: all of vIDM's checks pass. `None` if absent or "unknown".
    pub all_ok: Option<bool>,
    /// `BuildVersion`, as "version Build number".
    pub build_version: Option<String>,
    /// All other fields, with the vendor's names. Many are "unknown" unless the appliance is configured to check more.
    pub checks: BTreeMap<String, Check>,
}

/// One of vIDM's health checks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(rename = "VidmHealthCheck"))]
pub enum Check {
    /// A boolean.
    Bool(bool),
    /// A name, a number, a time, or "unknown".
    Text(String),
}

impl From<Value> for Check {
    fn from(value: Value) -> Self {
        match value {
            Value::Bool(flag) => Self::Bool(flag),
            Value::String(text) => match text.to_ascii_lowercase().parse() {
                Ok(flag) => Self::Bool(flag),
                Err(_) => Self::Text(text),
            },
            other => Self::Text(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vidm::tests::{answer, sent};

    fn read(body: &str) -> Result<Health> {
        GetHealth.response(answer(200, body))
    }

    #[test]
    fn request_is_encoded() {
        for dialect in [Dialect::horizon(), Dialect::json()] {
            assert_eq!(
                sent(&GetHealth, &dialect),
                "GET /SAAS/API/1.0/REST/system/health\naccept: application/json\n\n"
            );
            let tenant = sent(&GetHealth, &dialect.in_tenant(Some("corp")));
            assert_eq!(tenant, "GET /SAAS/t/corp/API/1.0/REST/system/health\naccept: application/json\n\n");
        }
    }

    #[test]
    fn texts_become_typed_values_and_all_are_kept() {
        let health = read(include_str!("../../tests/fixtures/vidm/health.json")).unwrap();
        assert_eq!(health.all_ok, Some(true));
        assert_eq!(health.build_version.as_deref(), Some("3.3.7.0 Build 21173100"));
        assert_eq!(health.checks["DatabaseConnectionOk"], Check::Bool(true));
        assert_eq!(health.checks["ServiceReadOnlyMode"], Check::Bool(false));
        assert_eq!(health.checks["ElasticsearchServiceOk"], Check::Text("unknown".to_owned()));
        assert_eq!(health.checks["AuditPollInterval"], Check::Text("1000".to_owned()));
        assert_eq!(health.checks.len(), 8);
        let shown = serde_json::to_value(&health).unwrap();
        assert_eq!(
            (&shown["allOk"], &shown["checks"]["MessagingConnectionOk"]),
            (&Value::Bool(true), &Value::Bool(true))
        );
    }

    #[test]
    fn secrets_in_health_are_blanked_but_flags_stay() {
        let health =
            read(r#"{"DbPassword": "hunter2", "TokenOk": "true", "Nodes": [{"authToken": "hunter2"}]}"#).unwrap();
        let shown = serde_json::to_string(&health).unwrap();
        assert!(!shown.contains("hunter2") && shown.contains(r#""TokenOk":true"#), "{shown}");
    }

    #[test]
    fn numbers_in_health_keep_their_digits() {
        let health = read(r#"{"a": 12345678901234567890123, "b": 1.0, "c": -0, "d": {"e": 1e+400}}"#).unwrap();
        let shown = ["a", "b", "c", "d"].map(|name| serde_json::to_value(&health.checks[name]).unwrap());
        assert_eq!(shown, ["12345678901234567890123", "1.0", "-0", r#"{"e":1e+400}"#].map(Value::from));
    }

    #[test]
    fn unknown_health_is_not_healthy() {
        for body in ["{}", r#"{"AllOk": "unknown"}"#, r#"{"AllOk": null, "Nodes": [1, 2]}"#] {
            assert_eq!(read(body).unwrap().all_ok, None, "{body}");
        }
        assert_eq!(read(r#"{"AllOk": "FALSE"}"#).unwrap().all_ok, Some(false));
        assert!(read("ok").is_err());
    }
}

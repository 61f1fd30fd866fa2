//! The common parts of the endpoints: the two servers, and their error formats.

use serde_json::Value;

use crate::error::UpstreamEvidence;
use crate::upstream::{Api, evidence_text as text, segment};

/// The media type of every body.
pub(super) const JSON: &str = "application/json";

/// The beginning of the paths of fleet management's identity and access management.
pub(super) const IAM: &str = "/suite-api/api/fleet-management/iam";

/// The path of an LDAP directory.
pub(super) fn directory_path(provider: &str, directory: &str) -> String {
    format!("{IAM}/identity-providers/{}/ldap-directories/{}", segment(provider), segment(directory))
}

/// Most entries of an error's lists that are kept.
const MAX_DETAILS: usize = 20;

/// VCF Operations.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fleet {}

impl Api for Fleet {
    /// Paths and media types are the same in all versions.
    type Dialect = ();

    /// `{"type", "message", "httpStatusCode", "apiErrorCode", "moreInformation": [{"name", "value"}], "validationFailures":
    /// [{"failureMessage", "violationPath"}]}` (schema `error` of the vendor's OpenAPI document). No field is always there. No call of
    /// identity and access management declares its errors, so two other forms are read too: that of failed tasks (`errorCode`,
    /// `errorMessage`), and that of Spring, which the server is made with: `{"timestamp", "status", "error", "path"}`.
    fn read_error(body: &[u8]) -> Option<UpstreamEvidence> {
        let body: Value = serde_json::from_slice(body).ok()?;
        let either = |one: &str, other: &str| text(&body, one).or_else(|| text(&body, other));
        let (code, mut message) = (either("apiErrorCode", "errorCode"), either("message", "errorMessage"));
        if message.is_none() && ["timestamp", "status", "path"].iter().all(|name| body.get(name).is_some()) {
            message = text(&body, "error");
        }
        let pairs = |list: &str, first: &str, second: &str| -> Vec<String> {
            let items = body.get(list).and_then(Value::as_array).into_iter().flatten();
            let lines = items.map(|item| [text(item, first), text(item, second)]);
            lines
                .map(|pair| pair.into_iter().flatten().collect::<Vec<_>>().join(": "))
                .filter(|line| !line.is_empty())
                .collect()
        };
        let mut details = pairs("validationFailures", "violationPath", "failureMessage");
        details.extend(pairs("moreInformation", "name", "value"));
        details.truncate(MAX_DETAILS);
        if code.is_none() && message.is_none() && details.is_empty() {
            return None;
        }
        Some(UpstreamEvidence { code, message, details, ..UpstreamEvidence::default() })
    }
}

/// The identity broker's token endpoint.
#[derive(Debug, Clone, Copy)]
pub(super) enum Broker {}

impl Api for Broker {
    type Dialect = ();

    /// `{"error", "error_description"}` (RFC 6749, section 5.2).
    fn read_error(body: &[u8]) -> Option<UpstreamEvidence> {
        let body: Value = serde_json::from_slice(body).ok()?;
        let (code, message) = (text(&body, "error"), text(&body, "error_description"));
        code.is_some().then(|| UpstreamEvidence { code, message, ..UpstreamEvidence::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_object_is_read_with_its_lists() {
        let body = r#"{"type":"Error","message":"Invalid request","httpStatusCode":400,"apiErrorCode":1501,
            "validationFailures":[{"failureMessage":"must not be null","violationPath":"directories[0].name"},{}],
            "moreInformation":[{"name":"errorName","value":"idp.pem.certificate.chains.max.exceeded"},7]}"#;
        let said = Fleet::read_error(body.as_bytes()).unwrap();
        assert_eq!((said.code.as_deref(), said.message.as_deref()), (Some("1501"), Some("Invalid request")));
        let details = ["directories[0].name: must not be null", "errorName: idp.pem.certificate.chains.max.exceeded"];
        assert_eq!(said.details, details);
    }

    #[test]
    fn forms_of_tasks_and_of_spring_are_read() {
        let task = Fleet::read_error(br#"{"errorCode":"IAM-7","errorMessage":"no such id"}"#).unwrap();
        assert_eq!((task.code.as_deref(), task.message.as_deref()), (Some("IAM-7"), Some("no such id")));
        let body = br#"{"timestamp":"2026-11-30T10:00:00Z","status":404,"error":"Not Found","path":"/api/x"}"#;
        assert_eq!(Fleet::read_error(body).unwrap().message.as_deref(), Some("Not Found"));
        assert_eq!(Fleet::read_error(br#"{"error":"Not Found"}"#), None);
    }

    #[test]
    fn oauth_error_is_read() {
        let body = br#"{"error":"invalid_client","error_description":"oauth2.authorization.credentials.invalid"}"#;
        let said = Broker::read_error(body).unwrap();
        assert_eq!(said.code.as_deref(), Some("invalid_client"));
        assert_eq!(said.message.as_deref(), Some("oauth2.authorization.credentials.invalid"));
    }

    #[test]
    fn other_bodies_are_not_the_vendors_errors() {
        for body in
            ["", "null", "[]", "<html></html>", "{}", r#"{"message":" "}"#, r#"{"validationFailures":[{}]}"#, "7"]
        {
            assert_eq!(Fleet::read_error(body.as_bytes()), None, "{body}");
            assert_eq!(Broker::read_error(body.as_bytes()), None, "{body}");
        }
    }
}

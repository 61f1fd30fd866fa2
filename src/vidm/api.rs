//! The common parts of vIDM's endpoints: the dialect, and the error formats.

use serde_json::Value;

use super::dialect::Dialect;
use crate::error::{UpstreamEvidence, excerpt};
use crate::upstream::{Api, evidence_text};

/// vIDM's REST API.
#[derive(Debug)]
pub(crate) struct Vidm;

impl Api for Vidm {
    type Dialect = Dialect;

    /// Three formats: `{"errors": [{"code", "message", "parameters"}]}` (the vendor's SCIM guide), OAuth's `{"error",
    /// "error_description"}` (RFC 6749, section 5.2), and a bare `{"code", "message"}`.
    fn read_error(body: &[u8]) -> Option<UpstreamEvidence> {
        let body: Value = serde_json::from_slice(body).ok()?;
        if let Some(errors) = body.get("errors").and_then(Value::as_array) {
            let mut lines = errors.iter().filter_map(|error| one(error, "code", "message"));
            let mut first = lines.next()?;
            first.details.extend(
                lines.map(|next| [next.code, next.message].into_iter().flatten().collect::<Vec<_>>().join(": ")),
            );
            return Some(first);
        }
        one(&body, "error", "error_description").or_else(|| one(&body, "code", "message"))
    }
}

fn one(error: &Value, code: &str, message: &str) -> Option<UpstreamEvidence> {
    let (code, message) = (evidence_text(error, code), evidence_text(error, message));
    if code.is_none() && message.is_none() {
        return None;
    }
    let parameters = error.get("parameters").filter(|value| value.as_object().is_some_and(|map| !map.is_empty()));
    let details = parameters.map(|value| excerpt(&format!("parameters: {value}"))).into_iter().collect();
    Some(UpstreamEvidence { code, message, details, ..UpstreamEvidence::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Option<(Option<String>, Option<String>, Vec<String>)> {
        Vidm::read_error(body.as_bytes()).map(|error| (error.code, error.message, error.details))
    }

    fn text(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn errors_list_is_read() {
        let (code, message, details) = read(include_str!("../../tests/fixtures/vidm/error_forbidden.json")).unwrap();
        assert_eq!((code, message), (text("forbidden"), text("User is not authorized to perform the task.")));
        assert!(details.is_empty());
        let two = r#"{"errors": [{"code": "a", "message": "m", "parameters": {"n": 1}}, {"message": "then"}, {}]}"#;
        assert_eq!(read(two).unwrap(), (text("a"), text("m"), vec![r#"parameters: {"n":1}"#.into(), "then".into()]));
    }

    #[test]
    fn oauth_error_is_read() {
        let (code, message, _) = read(include_str!("../../tests/fixtures/vidm/error_oauth.json")).unwrap();
        assert_eq!((code, message), (text("invalid_client"), text("Client authentication failed.")));
    }

    #[test]
    fn bare_error_is_read() {
        assert_eq!(read(r#"{"code": 1001, "message": "no"}"#).unwrap(), (text("1001"), text("no"), vec![]));
    }

    #[test]
    fn other_bodies_are_not_vidm_errors() {
        for body in
            ["", "null", "[]", "<html></html>", "{}", r#"{"errors": []}"#, r#"{"errors": [1]}"#, r#"{"code": {}}"#]
        {
            assert_eq!(read(body), None, "{body}");
        }
    }
}

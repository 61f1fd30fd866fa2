//! SDDC Manager's two error formats, `Error` (with `causes`) and `ErrorResponse` (with `cause`), read as one.

use serde_json::{Map, Value};

use crate::error::{ErrorCause, UpstreamEvidence, VendorNames, excerpt};

/// Most causes and nested errors that are kept.
const MAX_DETAILS: usize = 20;

/// The deepest level of nested errors that is read.
const MAX_DEPTH: usize = 8;

/// Reads either format; `None` if `body` is something else.
pub(super) fn read(body: &[u8]) -> Option<UpstreamEvidence> {
    let Ok(Value::Object(error)) = serde_json::from_slice(body) else { return None };
    // No field is required in either format; without one of these three there is nothing to report.
    if text(&error, "errorCode").is_none()
        && text(&error, "message").is_none()
        && list(&error, "nestedErrors").next().is_none()
    {
        return None;
    }
    let mut details = Vec::new();
    collect(&error, MAX_DEPTH, &mut details);
    let mut left = MAX_DETAILS;
    let VendorNames { causes, nested_errors, .. } = named(&error, MAX_DEPTH, &mut left);
    Some(UpstreamEvidence {
        code: text(&error, "errorCode"),
        message: text(&error, "message"),
        remediation: text(&error, "remediationMessage"),
        reference: text(&error, "referenceToken"),
        details,
        causes,
        nested: nested_errors,
        ..UpstreamEvidence::default()
    })
}

/// Causes, findings and nested errors below `error`, one line each.
fn collect(error: &Map<String, Value>, depth: usize, lines: &mut Vec<String>) {
    for cause in list(error, "causes").chain(list(error, "cause")) {
        push(lines, [text(cause, "type"), text(cause, "message")]);
    }
    // VCF 9.1 reports the findings of a failed check here.
    for finding in list(error, "notifications") {
        push(lines, [text(finding, "severity"), text(finding, "message"), text(finding, "impactMessage")]);
        for remedy in list(finding, "remediations") {
            push(lines, [text(remedy, "message")]);
        }
    }
    for nested in list(error, "nestedErrors") {
        push(lines, [text(nested, "errorCode"), text(nested, "message"), text(nested, "remediationMessage")]);
        if depth > 1 && lines.len() < MAX_DETAILS {
            collect(nested, depth - 1, lines);
        }
    }
}

/// `error` in the vendor's field names, with at most `left` causes and nested errors.
fn named(error: &Map<String, Value>, depth: usize, left: &mut usize) -> VendorNames {
    let mut names = VendorNames {
        error_code: text(error, "errorCode"),
        message: text(error, "message"),
        remediation_message: text(error, "remediationMessage"),
        reference_token: text(error, "referenceToken"),
        ..VendorNames::default()
    };
    for cause in list(error, "causes").chain(list(error, "cause")) {
        let Some(less) = left.checked_sub(1) else { break };
        *left = less;
        names.causes.push(ErrorCause { kind: text(cause, "type"), message: text(cause, "message") });
    }
    for nested in list(error, "nestedErrors").filter(|_| depth > 0) {
        let Some(less) = left.checked_sub(1) else { break };
        *left = less;
        names.nested_errors.push(named(nested, depth - 1, left));
    }
    names
}

fn push<const N: usize>(lines: &mut Vec<String>, parts: [Option<String>; N]) {
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    if lines.len() < MAX_DETAILS && !parts.is_empty() {
        lines.push(parts.join(": "));
    }
}

fn text(object: &Map<String, Value>, name: &str) -> Option<String> {
    let text = excerpt(object.get(name)?.as_str()?);
    (!text.is_empty()).then_some(text)
}

fn list<'v>(object: &'v Map<String, Value>, name: &str) -> impl Iterator<Item = &'v Map<String, Value>> {
    object.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn error_is_read_with_causes_and_nested_errors() {
        let error = read(include_bytes!("../../tests/fixtures/vcf/error.answer.json")).unwrap();
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            error,
            UpstreamEvidence {
                code: some("IDENTITY_SOURCE_ADD_FAILED"),
                message: some("Failed to add the identity source corp.example"),
                remediation: some("Check the LDAP settings"),
                reference: some("H0IJ5E"),
                details: vec![
                    "com.vmware.vcf.LdapException: The server cannot be contacted".to_owned(),
                    "LDAP_BIND_FAILED: Bind as svc-ldap@corp.example failed".to_owned(),
                    "data 52e".to_owned(),
                ],
                causes: vec![ErrorCause {
                    kind: some("com.vmware.vcf.LdapException"),
                    message: some("The server cannot be contacted"),
                }],
                nested: vec![VendorNames {
                    error_code: some("LDAP_BIND_FAILED"),
                    message: some("Bind as svc-ldap@corp.example failed"),
                    nested_errors: vec![VendorNames { message: some("data 52e"), ..VendorNames::default() }],
                    ..VendorNames::default()
                }],
                ..UpstreamEvidence::default()
            }
        );
    }

    #[test]
    fn error_response_is_read_with_its_cause() {
        let error = read(include_bytes!("../../tests/fixtures/vcf/error-response.answer.json")).unwrap();
        assert_eq!(error.code.as_deref(), Some("UNAUTHORIZED"));
        assert_eq!(error.reference.as_deref(), Some("K1M2N3"));
        assert_eq!(error.details, ["io.jsonwebtoken.ExpiredJwtException: JWT expired"]);
    }

    #[test]
    fn findings_of_vcf_9_1_are_read() {
        let body = br#"{"errorCode":"E","notifications":[{"severity":"ERROR","message":"m","impactMessage":"i","remediations":[{"message":"do"}]}]}"#;
        assert_eq!(read(body).unwrap().details, ["ERROR: m: i", "do"]);
    }

    #[test]
    fn other_bodies_are_not_vendor_errors() {
        for body in [
            "",
            "nginx",
            "[]",
            "{}",
            "null",
            r#"{"status":404,"error":"Not Found","path":"/v1"}"#,
            r#"{"errorCode":7,"message":""}"#,
        ] {
            assert_eq!(read(body.as_bytes()), None, "{body}");
        }
    }

    #[test]
    fn huge_errors_are_bounded() {
        let mut nested = r#"{"message":"m"}"#.to_owned();
        for _ in 0..30 {
            nested = format!(
                r#"{{"message":"{}","nestedErrors":[{nested},{nested_again}]}}"#,
                "x".repeat(2000),
                nested_again = r#"{"message":"n"}"#
            );
        }
        let error = read(nested.as_bytes()).unwrap();
        assert!(error.details.len() <= MAX_DETAILS);
        assert!(error.details.iter().all(|line| line.len() < 2100), "{:?}", error.details);
        let written = serde_json::to_string(&error.nested).unwrap();
        assert!(written.matches("\"message\"").count() <= MAX_DETAILS && written.len() < 40_000, "{written}");
    }

    proptest! {
        #[test]
        fn reader_accepts_any_body(body in any::<Vec<u8>>(), text in "\\PC*") {
            read(&body);
            let object = serde_json::json!({"message": text, "causes": [text, {"message": text}], "nestedErrors": {"a": text}});
            prop_assert!(read(object.to_string().as_bytes()).is_none_or(|error| error.details.len() <= MAX_DETAILS));
        }
    }
}

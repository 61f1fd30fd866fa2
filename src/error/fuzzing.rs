//! What holds for every error, whatever the input was.

use super::{Error, FieldError, MAX_EVIDENCE};

/// The most field errors of one input, with the line that says that there are more.
const MAX_FIELDS: usize = 51;

/// Checks that an error says something, within bounds.
pub(crate) fn check(error: &Error) {
    assert!(!error.detail().trim().is_empty(), "an error without detail: {error:?}");
    assert!(error.detail().len() <= 8 * MAX_EVIDENCE, "a detail of {} bytes", error.detail().len());
    assert!(error.hint_text().is_none_or(|hint| !hint.trim().is_empty()), "an empty hint: {error:?}");
    check_fields(error.fields());
    if let Some(evidence) = error.evidence() {
        let texts = [&evidence.code, &evidence.message, &evidence.remediation, &evidence.reference];
        for text in texts.into_iter().flatten().chain(&evidence.details) {
            assert!(text.len() <= 2 * MAX_EVIDENCE, "evidence of {} bytes", text.len());
        }
    }
}

/// Checks that field errors point into the document and say something.
pub(crate) fn check_fields(fields: &[FieldError]) {
    assert!(fields.len() <= MAX_FIELDS, "{} field errors", fields.len());
    for FieldError { pointer, detail, .. } in fields {
        assert!(!detail.trim().is_empty(), "a field error without detail at {pointer}");
        assert!(pointer.is_empty() || pointer.starts_with('/'), "{pointer} is not a JSON Pointer");
    }
}

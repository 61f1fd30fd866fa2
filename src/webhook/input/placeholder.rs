//! Placeholders that a caller's template engine did not replace: ServiceNow sends `${name}` for a variable without a value,
//! Ansible and n8n send `{{ name }}`. [`crate::template`] defines what counts as one.

use serde_json::Value;

use super::json::prefixed;
use crate::error::{Error, ErrorCode, FieldError};
use crate::json::escape;
use crate::template::is_unfilled;

/// The detail for a field that contains one.
pub(super) const DETAIL: &str = crate::template::REFUSED;

/// The same for `names` outside the body: parts of the path, query parameters.
pub(super) fn outside(names: Vec<String>) -> Vec<FieldError> {
    names.into_iter().map(|name| FieldError::new("", format!("{name} {DETAIL}"))).collect()
}

/// Whether one of the faults is a placeholder.
pub(super) fn is_among(fields: &[FieldError]) -> bool {
    fields.iter().any(|field| field.detail.contains(DETAIL))
}

/// The error for unreplaced placeholders.
pub(super) fn unresolved(fields: Vec<FieldError>) -> Error {
    let place = |field: &FieldError| match field.pointer.as_str() {
        "" => field.detail.strip_suffix(DETAIL).unwrap_or("the body").trim_end_matches([',', ' ']).to_owned(),
        pointer => pointer.to_owned(),
    };
    let mut places: Vec<_> = fields.iter().filter(|field| field.detail.contains(DETAIL)).take(6).map(place).collect();
    if places.len() > 5 {
        places.truncate(5);
        places.push("…".to_owned());
    }
    let detail = format!("a placeholder ${{…}} or {{{{…}}}} was not replaced in: {}", places.join(", "));
    Error::invalid(fields)
        .recode(ErrorCode::UnresolvedPlaceholder, detail)
        .hint("check the variable's name in the caller's template")
}

/// The texts that contain `${…}` or `{{…}}`. Secret fields are skipped: they may hold any text.
pub(super) fn find_placeholders(value: &Value) -> Vec<FieldError> {
    let mut found = Vec::new();
    find(value, &mut found);
    found
}

fn find(value: &Value, found: &mut Vec<FieldError>) {
    let before = found.len();
    match value {
        Value::String(text) if is_unfilled(text) => found.push(FieldError::new("", DETAIL)),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let before = found.len();
                find(item, found);
                prefixed(found, before, || index.to_string());
            }
        }
        Value::Object(fields) => {
            for (name, item) in fields.iter().filter(|(name, item)| !(item.is_string() && is_secret(name))) {
                let before = found.len();
                find(item, found);
                prefixed(found, before, || escape(name));
            }
        }
        _ => {}
    }
    // Beyond the listed number, they need not be distinguished.
    found.truncate(before.max(super::MAX_ERRORS * 2));
}

fn is_secret(name: &str) -> bool {
    ["password", "clientSecret"].iter().any(|secret| secret.eq_ignore_ascii_case(name))
}

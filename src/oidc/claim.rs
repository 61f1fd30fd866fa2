//! The claims that a token must have.

use serde_json::Value;

/// A claim that a token must have, with one of a few values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequiredClaim {
    /// The claim's name, or a JSON Pointer (RFC 6901) to a claim inside another: `/kubernetes.io/namespace`.
    pub(crate) name: String,
    /// The accepted values as text; one of them must be equal.
    pub(crate) values: Vec<String>,
}

impl RequiredClaim {
    /// Whether `claims` has it. A claim that is a list needs one of the values among its own. Numbers and flags are compared by
    /// their JSON text: issuers write them either way (GitLab's `ref_protected` is the text `true`).
    pub(crate) fn is_in(&self, claims: &Value) -> bool {
        let found = if self.name.starts_with('/') { claims.pointer(&self.name) } else { claims.get(&self.name) };
        match found {
            Some(Value::Array(items)) => items.iter().any(|item| self.is(item)),
            Some(value) => self.is(value),
            None => false,
        }
    }

    fn is(&self, value: &Value) -> bool {
        text(value).is_some_and(|text| self.values.contains(&text))
    }
}

/// A text, number or flag as text; `None` for anything else.
pub(crate) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn claim_is_found_by_name_or_pointer_with_an_equal_value() {
        // Claims as the Kubernetes API server, GitLab and Entra ID write them.
        let claims = json!({
            "sub": "system:serviceaccount:ci:deployer", "kubernetes.io": {"namespace": "ci", "serviceaccount": {"name": "deployer"}},
            "project_id": "20", "ref_protected": "true", "roles": ["Sync.Start", "Read"], "a/b": 7, "off": null,
        });
        let is_in = |name: &str, values: &[&str]| {
            let values = values.iter().map(|value| (*value).to_owned()).collect();
            RequiredClaim { name: name.to_owned(), values }.is_in(&claims)
        };
        assert!(is_in("sub", &["x", "system:serviceaccount:ci:deployer"]));
        assert!(
            is_in("/kubernetes.io/namespace", &["ci"]) && is_in("/kubernetes.io/serviceaccount/name", &["deployer"])
        );
        assert!(is_in("project_id", &["20"]) && is_in("ref_protected", &["true"]) && is_in("roles", &["Read"]));
        assert!(is_in("a/b", &["7"]) && is_in("/a~1b", &["7"]));
        for (name, value) in [
            ("sub", "system:serviceaccount:ci:deployer2"),
            ("sub", "system:serviceaccount:ci"),
            ("sub", "SYSTEM:serviceaccount:ci:deployer"),
            ("roles", "Sync.Start,Read"),
            ("kubernetes.io", "ci"),
            ("/kubernetes.io", "ci"),
            ("/sub/x", "ci"),
            ("off", "null"),
            ("absent", ""),
        ] {
            assert!(!is_in(name, &[value]), "{name} {value}");
        }
    }
}

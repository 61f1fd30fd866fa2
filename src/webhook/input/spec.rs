//! A specification for SDDC Manager or VCF Operations: the vendor's document, sent as it is or as another document's `inputs`.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::placeholder::find_placeholders;
use super::{Input, fields};
use crate::error::{Error, FieldError};
use crate::json::unescape;

/// The names that mark a specification.
const NAMES: [&str; 17] = [
    "name",
    "ldap",
    "type",
    "certChain",
    "oidc",
    "fedIdpSpec",
    "ssoRealmId",
    "idpType",
    "idpProtocol",
    "provisionType",
    "vidbResourceId",
    "metadata",
    "password",
    "clientSecret",
    "identitySource",
    "identityProvider",
    "roles",
];

impl Input {
    /// The body as a specification; placeholders are rejected anywhere in it. An empty body is an empty object.
    ///
    /// # Errors
    /// `request_invalid` or `unresolved_placeholder` with every wrong field.
    pub(in crate::webhook) fn spec<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let spec = self.document.value.pointer(self.spec_place()).unwrap_or(&Value::Null);
        let placeholders = find_placeholders(spec);
        if !placeholders.is_empty() {
            return Err(self.spec_invalid(placeholders));
        }
        fields::read(spec.clone()).map_err(|fields| self.spec_invalid(fields))
    }

    /// The error for faults in the result of [`Self::spec`]; their pointers are translated into the original body.
    pub(in crate::webhook) fn spec_invalid(&self, mut fields: Vec<FieldError>) -> Error {
        let place = self.spec_place();
        let spec = self.document.value.pointer(place).unwrap_or(&Value::Null);
        for field in &mut fields {
            field.pointer = format!("{place}{}", origin(spec, &field.pointer));
        }
        self.body_invalid(fields)
    }

    /// Its place in the document.
    fn spec_place(&self) -> &'static str {
        let document = &self.document.value;
        let has_names = |place: &str| {
            document
                .pointer(place)
                .and_then(Value::as_object)
                .is_some_and(|fields| NAMES.iter().any(|name| fields.contains_key(*name)))
        };
        if !has_names("") && has_names("/inputs") { "/inputs" } else { "" }
    }
}

/// The place in the body of the field at `pointer`: a list of one was read as its element, a string or an object as a list of
/// one.
fn origin(spec: &Value, pointer: &str) -> String {
    let (mut at, mut place) = (Some(spec), String::new());
    for step in pointer.split('/').skip(1) {
        let is_index = step.parse::<usize>().is_ok();
        match at {
            Some(Value::Array(items)) if !is_index => {
                place.push_str("/0");
                at = items.first();
            }
            Some(Value::String(text)) if is_index && !text.trim_start().starts_with('[') => continue,
            Some(Value::Object(fields)) if is_index && !fields.contains_key(step) => continue,
            _ => {}
        }
        place.push('/');
        place.push_str(step);
        let name = unescape(step);
        at = at.and_then(|at| match at {
            Value::Array(items) => items.get(name.parse::<usize>().ok()?),
            _ => at.get(&name),
        });
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn pointers_point_into_the_original_body() {
        let spec = json!({"ldap": [{"sourceDetails": {"serverEndpoints": "x", "certChain": ["a", "b"], "more": "[1]"}}], "a/b": {},
            "directories": {"name": "d", "domains": ["x"]}});
        for (pointer, told) in [
            ("/ldap/password", "/ldap/0/password"),
            ("/ldap/0/password", "/ldap/0/password"),
            ("/ldap/sourceDetails/serverEndpoints/0", "/ldap/0/sourceDetails/serverEndpoints"),
            ("/ldap/sourceDetails/certChain/1", "/ldap/0/sourceDetails/certChain/1"),
            ("/ldap/sourceDetails/more/0", "/ldap/0/sourceDetails/more/0"),
            ("/a~1b/c", "/a~1b/c"),
            ("/oidc/clientId", "/oidc/clientId"),
            ("/directories/0/name", "/directories/name"),
            ("/directories/0/domains/0", "/directories/domains/0"),
            ("", ""),
        ] {
            assert_eq!(origin(&spec, pointer), told, "{pointer}");
        }
    }
}

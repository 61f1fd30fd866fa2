//! The filters of `VidbPrincipalQuery` and `ClientTokenQuery`: `searchTerms.allOf` and `searchTerms.anyOf`.

use super::{errors, object};
use crate::reply::{Ask, Reply};
use crate::settings::{EqualsCase, FleetSettings, FleetVersion, LikeTerms};
use serde_json::{Map, Value};

/// The fields since 9.1.0.
const FIELDS: [&str; 7] = ["USERNAME", "DOMAIN", "FIRSTNAME", "LASTNAME", "DISPLAY_NAME", "ROLES", "IS_ACTIVE"];
/// The fields since 9.1.1.
const NEW_FIELDS: [&str; 2] = ["DN", "ID"];

/// A parsed query.
pub(super) struct Search {
    has_role: Option<bool>,
    all_of: Vec<Term>,
    any_of: Vec<Term>,
    equals: EqualsCase,
    like: LikeTerms,
}

struct Term {
    field: String,
    operator: Operator,
    terms: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operator {
    Like,
    Equals,
    Empty,
    NotEmpty,
}

impl Search {
    /// A `VidbPrincipalQuery`.
    pub(super) fn of(ask: &Ask, settings: &FleetSettings) -> Result<Self, Reply> {
        let body = object(ask)?;
        let new = if settings.version >= FleetVersion::V9_1_1 { NEW_FIELDS.as_slice() } else { &[] };
        let mut search = Self::terms(&body, settings, "searchableField", &[&FIELDS, new].concat())?;
        if settings.ignores_dn {
            search.all_of.retain(|term| term.field != "DN");
            search.any_of.retain(|term| term.field != "DN");
        }
        search.has_role = match body.get("filters") {
            None | Some(Value::Null) => None,
            Some(Value::String(word)) if word == "HAS_ROLE" => Some(true),
            Some(Value::String(word)) if word == "HAS_NO_ROLE" => Some(false),
            Some(_) => return Err(errors::invalid_body("filters", "is neither HAS_ROLE nor HAS_NO_ROLE")),
        };
        Ok(search)
    }

    /// The terms of a query whose fields stand under `key`.
    pub(super) fn terms(
        body: &Map<String, Value>,
        settings: &FleetSettings,
        key: &str,
        fields: &[&str],
    ) -> Result<Self, Reply> {
        let terms = |name: &str| match body.get("searchTerms").and_then(|terms| terms.get(name)) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Array(terms)) => {
                terms.iter().map(|term| Term::of(term, &format!("searchTerms.{name}"), key, fields)).collect()
            }
            Some(_) => Err(errors::invalid_body(&format!("searchTerms.{name}"), "is not an array")),
        };
        Ok(Self {
            has_role: None,
            all_of: terms("allOf")?,
            any_of: terms("anyOf")?,
            equals: settings.equals,
            like: settings.like,
        })
    }

    /// Whether an object with these values of its fields matches. Fields that it has not are empty.
    pub(super) fn matches(&self, value: impl Fn(&str) -> Vec<String>) -> bool {
        let holds = |term: &Term| {
            let values = value(&term.field);
            match term.operator {
                Operator::Empty => values.iter().all(String::is_empty),
                Operator::NotEmpty => values.iter().any(|value| !value.is_empty()),
                Operator::Equals => term.any(&values, |value, wanted| match self.equals {
                    EqualsCase::Exact => value == wanted,
                    EqualsCase::Ignored => value.to_lowercase() == wanted.to_lowercase(),
                }),
                Operator::Like => term.any(&values, |value, wanted| like(self.like, value, wanted)),
            }
        };
        self.has_role.is_none_or(|wanted| value("ROLES").is_empty() != wanted)
            && self.all_of.iter().all(holds)
            && (self.any_of.is_empty() || self.any_of.iter().any(holds))
    }
}

impl Term {
    fn of(term: &Value, at: &str, key: &str, fields: &[&str]) -> Result<Self, Reply> {
        let text = |name: &str| term.get(name).and_then(Value::as_str).unwrap_or_default();
        let field = text(key);
        if !fields.contains(&field) {
            return Err(errors::invalid_body(&format!("{at}.{key}"), "is not a field to search"));
        }
        let operator = match text("operator") {
            "LIKE" => Operator::Like,
            "EQUALS" => Operator::Equals,
            "EMPTY" => Operator::Empty,
            "NOT_EMPTY" => Operator::NotEmpty,
            _ => return Err(errors::invalid_body(&format!("{at}.operator"), "is not an operator")),
        };
        let terms: Vec<String> = term
            .get("terms")
            .and_then(Value::as_array)
            .map(|terms| terms.iter().filter_map(|term| term.as_str().map(str::to_owned)).collect())
            .unwrap_or_default();
        if terms.is_empty() && matches!(operator, Operator::Like | Operator::Equals) {
            return Err(errors::invalid_body(&format!("{at}.terms"), "is empty"));
        }
        Ok(Self { field: field.to_owned(), operator, terms })
    }

    /// Whether any value and any term fit.
    fn any(&self, values: &[String], fits: impl Fn(&str, &str) -> bool) -> bool {
        values.iter().any(|value| self.terms.iter().any(|term| fits(value, term)))
    }
}

fn like(terms: LikeTerms, value: &str, wanted: &str) -> bool {
    let (value, wanted) = (value.to_lowercase(), wanted.to_lowercase());
    match terms {
        LikeTerms::Contains => value.contains(&wanted),
        LikeTerms::Asterisk => {
            let parts: Vec<&str> = wanted.split('*').collect();
            let [first, middle @ .., last] = parts.as_slice() else { return value == wanted };
            let Some(mut rest) = value.strip_prefix(first) else { return false };
            for part in middle {
                let Some(at) = rest.find(part) else { return false };
                rest = rest.get(at + part.len()..).unwrap_or_default();
            }
            rest.ends_with(last)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::like;
    use crate::settings::LikeTerms;

    #[test]
    fn asterisk_stands_for_any_text() {
        for (wanted, fits) in [("gg-*", true), ("*app", true), ("g*-*p", true), ("gg", false), ("*x*", false)] {
            assert_eq!(like(LikeTerms::Asterisk, "GG-app", wanted), fits, "{wanted}");
        }
        assert!(like(LikeTerms::Asterisk, "gg-app", "GG-APP"));
        assert!(like(LikeTerms::Contains, "gg-app", "G-A") && !like(LikeTerms::Contains, "gg-app", "gg*"));
    }
}

//! The query: known parameters only, each at most once and with a value.
//!
//! An unread option must not look as if it were read: `?dryrun=true` would make the very change that its sender wanted to
//! preview. So unknown, repeated and empty parameters are rejected, on every route.

use super::{FieldError, Input, content, placeholder, query_error};
use crate::directory::GroupQuery;
use crate::error::{Error, excerpt};
use crate::spelling;
use crate::template::is_unfilled;

/// The longest shown part of a parameter's name, in characters.
const MAX_SHOWN: usize = 64;

/// The parameters, decoded.
#[derive(Debug, Default)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Decodes the query as in the request line.
    ///
    /// # Errors
    /// `request_invalid` if it is not UTF-8.
    pub(super) fn of(query: Option<&str>) -> Result<Self, Error> {
        content::pairs(query.unwrap_or_default().as_bytes())
            .map(Self)
            .map_err(|_| Error::invalid(vec![FieldError::new("", "the query is not UTF-8")]))
    }

    /// The value of `name`, without surrounding white space.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.trim())
    }

    /// All faults in the query of an operation that reads `known`; `fields` are those of its body.
    pub(super) fn faults(&self, known: &[&str], fields: &[&str]) -> Vec<FieldError> {
        let mut faults = Vec::new();
        for (at, (name, value)) in self.0.iter().enumerate() {
            let fault = |what: String| FieldError::new("", format!("the query parameter {} {what}", shown(name)));
            let others = self.0.get(..at).unwrap_or_default();
            if !known.contains(&name.as_str()) {
                faults.push(fault(unknown(name, known, fields)));
            } else if others.iter().any(|(other, _)| other == name) {
                faults.push(fault("occurs more than once; send it once".to_owned()));
            } else if value.trim().is_empty() {
                faults.push(fault("has no value; add one, or omit the parameter".to_owned()));
            }
            if is_unfilled(value) {
                faults.extend(placeholder::outside(vec![format!("the query parameter {}", shown(name))]));
            }
        }
        faults
    }
}

/// The message for an unknown parameter.
fn unknown(name: &str, known: &[&str], fields: &[&str]) -> String {
    if let Some((meant, _)) = spelling::resembled(name, known.iter().copied()) {
        return format!("is unknown: did you mean `{meant}`?");
    }
    let in_body = fields.iter().find(|field| **field == name);
    let in_body = in_body.copied().or_else(|| Some(spelling::resembled(name, fields.iter().copied())?.0));
    match (in_body, known) {
        (Some(field), _) => format!("is not read: `{field}` is a field of the body; send it there"),
        (None, []) => "is unknown: this operation has none".to_owned(),
        (None, known) => format!("is unknown; this operation has: {}", known.join(", ")),
    }
}

/// The part of a parameter's name that is safe to show.
fn shown(name: &str) -> String {
    let text: String = excerpt(name).chars().take(MAX_SHOWN).collect();
    if text.is_empty() { "without a name".to_owned() } else { text }
}

/// The group that the query names, by `dn` or `name`.
pub(in crate::webhook) fn group_query(input: &Input) -> Result<GroupQuery, Error> {
    let (field, text) = match (input.query("dn"), input.query("name")) {
        (Some(dn), None) => ("dn", dn),
        (None, Some(name)) => ("name", name),
        (None, None) => return Err(query_error("dn", "is missing: send dn (CN=…,DC=…) or name (name@domain)")),
        (Some(_), Some(_)) => return Err(query_error("dn", "is sent together with name: send one of them")),
    };
    let query = GroupQuery::parse(text).map_err(|why| query_error(field, &why))?;
    if field == "dn" && matches!(query, GroupQuery::Name(_)) {
        return Err(query_error("dn", "is a name, not a DN: send it as `name`"));
    }
    Ok(query)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(query: &str, known: &[&str], fields: &[&str]) -> Vec<String> {
        let query = Query::of(Some(query)).unwrap();
        query.faults(known, fields).into_iter().map(|fault| fault.detail).collect()
    }

    #[test]
    fn unknown_parameters_are_reported() {
        assert_eq!(faults("name=a&type=b+c", &["name", "type"], &[]), [""; 0]);
        assert_eq!(faults("", &[], &[]), [""; 0]);
        assert_eq!(faults("&&", &[], &[]), [""; 0]);
        for (query, known, says) in [
            ("dryrun=true", &["dryRun", "force"][..], "did you mean `dryRun`?"),
            ("dry-run=true", &["dryRun", "force"], "did you mean `dryRun`?"),
            ("DryRun=true", &["dryRun", "force"], "did you mean `dryRun`?"),
            ("forced=1", &["dryRun", "force"], "did you mean `force`?"),
            ("x=1", &["dryRun", "force"], "has: dryRun, force"),
            ("x=1", &[], "has none"),
            ("x", &[], "has none"),
            ("=1", &[], "without a name"),
            ("dryRun=false&dryRun=true", &["dryRun"], "more than once"),
            ("dryRun=true&dry%52un=true", &["dryRun"], "more than once"),
            ("dryRun", &["dryRun"], "no value"),
            ("dryRun=", &["dryRun"], "no value"),
            ("name=%20", &["name"], "no value"),
            ("name={{ x }}", &["name"], "placeholder"),
        ] {
            let found = faults(query, known, &[]);
            assert!(found.len() == 1 && found[0].contains(says), "{query}: {found:?}");
        }
    }

    #[test]
    fn body_fields_in_the_query_get_a_hint() {
        for name in ["dryRun", "dryrun", "groups", "group"] {
            let found = faults(&format!("{name}=true"), &[], &["dryRun", "groups"]);
            assert!(found[0].contains("field of the body"), "{found:?}");
        }
    }

    #[test]
    fn long_names_are_cut() {
        let found = faults(&format!("{}=1", "n".repeat(5000)), &[], &[]);
        assert!(found[0].len() < 200, "{found:?}");
    }
}

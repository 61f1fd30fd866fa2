//! The body of an apply, and the checked order made from it.

use std::time::SystemTime;

use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::Value;

use super::group::{GroupName, split};
use crate::change::{Checked, Extra, lenient};
use crate::error::FieldError;
use crate::json;
use crate::vcf::{DomainName, IdentityProviderSpec, IdentitySourceSpec};

/// At most this many roles in one request: each may take several calls.
const MAX_ROLES: usize = 50;

/// The longest name of a group, in bytes: four times the 64 characters of an Active Directory name.
const MAX_NAME: usize = 256;

/// The whole job at an SDDC Manager: an identity source or the external provider, and the roles of groups.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct ApplySpec {
    /// The identity source of the embedded provider. Its `ldap.domainName` is required.
    #[serde(deserialize_with = "lenient::object")]
    pub identity_source: Option<IdentitySourceSpec>,
    /// The external identity provider; at most one of both.
    #[serde(deserialize_with = "lenient::object")]
    pub identity_provider: Option<IdentityProviderSpec>,
    /// The roles of groups in SDDC Manager, one entry for each group; at most 50. The caller needs the scope `vcf:roles`.
    #[serde(deserialize_with = "lenient::objects")]
    pub roles: Option<Vec<RoleSpec>>,
    /// Whether SDDC Manager's own check must succeed before a change (VCF 5.1 and later). Omitted: only for a federated
    /// provider.
    #[serde(deserialize_with = "precheck")]
    pub precheck: Option<bool>,
    /// Other fields, which are rejected.
    #[serde(flatten)]
    #[cfg_attr(feature = "contract", schemars(skip))]
    pub extra: Extra,
}

/// The role of a group.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(extend("required" = ["group"])))]
pub struct RoleSpec {
    /// The group.
    #[serde(deserialize_with = "group")]
    pub group: Option<GroupSpec>,
    /// The role: `ADMIN`, `OPERATOR` or `VIEWER`. Required, unless `state` is `absent`: then a group with another role keeps
    /// it, and without a role here any role is removed.
    #[serde(deserialize_with = "lenient::text")]
    pub role: Option<String>,
    /// `present` (default): the group has this role and no other. `absent`: the group does not have it.
    #[serde(deserialize_with = "lenient::text")]
    pub state: Option<String>,
    /// Other fields, which are rejected.
    #[serde(flatten)]
    #[cfg_attr(feature = "contract", schemars(skip))]
    pub extra: Extra,
}

/// A group.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub enum GroupSpec {
    /// `name@domain` or `DOMAIN\name`, with the domain's DNS name.
    Text(String),
    /// The name and the domain.
    Parts(GroupParts),
}

/// A group's name and its domain.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct GroupParts {
    /// Its name, exact but for case.
    pub name: String,
    /// The domain's DNS name.
    pub domain: String,
}

fn precheck<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        flag => lenient::flag(flag).map(Some).map_err(|_| de::Error::custom("something else, expected true or false")),
    }
}

fn group<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<GroupSpec>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(GroupSpec::Text(text))),
        parts @ Value::Object(_) => json::read(&parts).map(|parts| Some(GroupSpec::Parts(parts))).map_err(|_| {
            de::Error::custom("something else, expected an object with the strings name and domain and nothing else")
        }),
        _ => Err(de::Error::custom("something else, expected name@domain or an object with name and domain")),
    }
}

/// A checked order.
#[derive(Debug)]
pub(crate) struct ApplyOrder {
    pub(super) object: Option<Object>,
    pub(super) roles: Vec<Assignment>,
    pub(super) precheck: bool,
}

/// The object to ensure.
#[derive(Debug)]
pub(super) enum Object {
    Source(DomainName, Box<Checked<IdentitySourceSpec>>),
    Provider(Box<Checked<IdentityProviderSpec>>),
}

/// A group's role, or its absence.
#[derive(Debug)]
pub(super) struct Assignment {
    pub(super) group: GroupName,
    /// Always given if `present`.
    pub(super) role: Option<String>,
    pub(super) present: bool,
    /// Its place in the body.
    pub(super) pointer: String,
}

impl ApplyOrder {
    /// Checks a specification, at the time `now`.
    ///
    /// # Errors
    /// Every missing or wrong field, by its JSON Pointer.
    pub(crate) fn of(spec: ApplySpec, now: SystemTime) -> Result<Self, Vec<FieldError>> {
        let mut faults = Faults::default();
        faults.unknown(
            "",
            &spec.extra,
            "identitySource, identityProvider, roles and precheck; options are in the query",
        );
        let is_federated = spec.identity_provider.as_ref().is_some_and(|spec| spec.fed_idp_spec.is_some());
        let object = match (spec.identity_source, spec.identity_provider) {
            (Some(_), Some(_)) => {
                faults.add("/identityProvider", "cannot be combined with identitySource: send two requests");
                None
            }
            (Some(source), None) => {
                let checked = faults.within("/identitySource", Checked::<IdentitySourceSpec>::to_add(source, now));
                // The check requires the domain.
                checked
                    .and_then(|spec| Some(Object::Source(DomainName::parse(spec.domain_name()?).ok()?, Box::new(spec))))
            }
            (None, Some(provider)) => {
                let checked = Checked::<IdentityProviderSpec>::to_add(provider, now);
                faults.within("/identityProvider", checked).map(|spec| Object::Provider(Box::new(spec)))
            }
            (None, None) => None,
        };
        let wanted = spec.roles.unwrap_or_default();
        if wanted.len() > MAX_ROLES {
            faults.add("/roles", &format!("has {} entries; send at most {MAX_ROLES} in one request", wanted.len()));
        }
        let mut roles: Vec<Assignment> = Vec::new();
        for (index, role) in wanted.into_iter().take(MAX_ROLES).enumerate() {
            let pointer = format!("/roles/{index}");
            let Some(role) = faults.assignment(pointer, role) else { continue };
            match roles.iter().find(|other| other.group.is(&role.group)) {
                Some(other) => {
                    let detail =
                        format!("is the group of {} too; a group has one role, so name it once", other.pointer);
                    faults.add(&format!("{}/group", role.pointer), &detail);
                }
                None => roles.push(role),
            }
        }
        if faults.0.is_empty() && object.is_none() && roles.is_empty() {
            faults.add("", "there is nothing to do: send identitySource, identityProvider or roles");
        }
        match faults.0.as_slice() {
            [] => Ok(Self { object, roles, precheck: spec.precheck.unwrap_or(is_federated) }),
            _ => Err(faults.0),
        }
    }

    /// Whether it changes roles, which needs a scope of its own.
    pub(crate) fn has_roles(&self) -> bool {
        !self.roles.is_empty()
    }
}

/// The faults found so far.
#[derive(Debug, Default)]
struct Faults(Vec<FieldError>);

impl Faults {
    fn add(&mut self, pointer: &str, detail: &str) {
        self.0.push(FieldError::new(pointer, detail));
    }

    fn unknown(&mut self, at: &str, extra: &Extra, known: &str) {
        for name in extra.0.keys() {
            self.add(&format!("{at}/{}", json::escape(name)), &format!("is not a field here; the fields are {known}"));
        }
    }

    /// A part of the body after its own checks.
    fn within<T>(&mut self, at: &str, checked: Result<T, Vec<FieldError>>) -> Option<T> {
        match checked {
            Ok(checked) => Some(checked),
            Err(faults) => {
                let placed = |fault: FieldError| FieldError { pointer: format!("{at}{}", fault.pointer), ..fault };
                self.0.extend(faults.into_iter().map(placed));
                None
            }
        }
    }

    fn assignment(&mut self, pointer: String, spec: RoleSpec) -> Option<Assignment> {
        let before = self.0.len();
        self.unknown(&pointer, &spec.extra, "group, role and state");
        let state = spec.state.as_deref().map(str::trim).unwrap_or("present");
        let present = state.eq_ignore_ascii_case("present");
        if !present && !state.eq_ignore_ascii_case("absent") {
            self.add(&format!("{pointer}/state"), "is neither \"present\" nor \"absent\"");
        }
        let role = spec.role.map(|role| role.trim().to_owned()).filter(|role| !role.is_empty());
        if present && role.is_none() {
            self.add(&format!("{pointer}/role"), "is required: ADMIN, OPERATOR or VIEWER");
        }
        let group = self.group(&format!("{pointer}/group"), spec.group);
        let group = group.filter(|_| self.0.len() == before)?;
        Some(Assignment { group, role, present, pointer })
    }

    fn group(&mut self, pointer: &str, spec: Option<GroupSpec>) -> Option<GroupName> {
        const FORM: &str = "write name@domain, or {\"name\": …, \"domain\": …}, with the domain's DNS name";
        let (name, domain) = match &spec {
            None => {
                self.add(pointer, &format!("is required; {FORM}"));
                return None;
            }
            Some(GroupSpec::Parts(parts)) => (parts.name.trim(), parts.domain.trim()),
            Some(GroupSpec::Text(text)) => {
                let (name, domain) = split(text.trim());
                (name, domain.unwrap_or_default())
            }
        };
        if name.is_empty() || domain.is_empty() {
            self.add(pointer, &format!("names no group of a domain; {FORM}"));
            return None;
        }
        if name.len() > MAX_NAME || name.chars().any(char::is_control) {
            self.add(pointer, "is longer than 256 bytes or contains a control character");
            return None;
        }
        match DomainName::parse(domain) {
            Ok(domain) => Some(GroupName { name: name.to_owned(), domain }),
            Err(error) => {
                self.add(pointer, error.detail());
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn order(body: Value) -> Result<ApplyOrder, Vec<String>> {
        let spec: ApplySpec = serde_json::from_value(body).unwrap();
        ApplyOrder::of(spec, SystemTime::UNIX_EPOCH)
            .map_err(|faults| faults.into_iter().map(|fault| format!("{}: {}", fault.pointer, fault.detail)).collect())
    }

    #[test]
    fn groups_are_read_in_three_forms() {
        let body = json!({"roles": [
            {"group": "gg-a@corp.example", "role": " admin "},
            {"group": "CORP.EXAMPLE\\gg-b", "role": "VIEWER", "state": "Present"},
            {"group": {"name": "gg c", "domain": "corp.example"}, "state": "absent"},
        ]});
        let order = order(body).unwrap();
        let shown: Vec<_> =
            order.roles.iter().map(|one| (one.group.to_string(), one.role.as_deref(), one.present)).collect();
        assert_eq!(
            shown,
            [
                ("gg-a@corp.example".to_owned(), Some("admin"), true),
                ("gg-b@CORP.EXAMPLE".to_owned(), Some("VIEWER"), true),
                ("gg c@corp.example".to_owned(), None, false),
            ]
        );
        assert!(order.has_roles() && order.object.is_none() && !order.precheck);
    }

    #[test]
    fn all_faults_are_reported_with_their_places() {
        let faults = order(json!({
            "identitySource": {"name": "corp"}, "dryRun": true,
            "roles": [
                {"group": "gg-a", "role": "ADMIN"},
                {"group": "gg-b@corp.example"},
                {"role": "ADMIN", "stat": "absent"},
                {"group": "gg-c@corp.example", "role": "ADMIN", "state": "gone"},
                {"group": "gg-d@corp/example", "role": "ADMIN"},
                {"group": "gg-e@corp.example", "role": "ADMIN"},
                {"group": "CORP.example\\GG-E", "state": "absent"},
            ]
        }))
        .unwrap_err();
        for place in [
            "/dryRun: is not a field here",
            "/identitySource/ldap: is required",
            "/roles/0/group: names no group of a domain",
            "/roles/1/role: is required",
            "/roles/2/group: is required",
            "/roles/2/stat: is not a field",
            "/roles/3/state: is neither",
            "/roles/4/group: domainName must contain only",
            "/roles/6/group: is the group of /roles/5 too",
        ] {
            assert!(faults.iter().any(|fault| fault.starts_with(place)), "{place}: {faults:?}");
        }
        assert_eq!(faults.len(), 9, "{faults:?}");
    }

    #[test]
    fn one_object_and_at_least_something_is_required() {
        assert!(order(json!({})).unwrap_err()[0].contains("nothing to do"));
        let both = order(json!({"identitySource": {}, "identityProvider": {}})).unwrap_err();
        assert!(both[0].starts_with("/identityProvider: cannot be combined"), "{both:?}");
        let one = json!({"group": "a@corp.example", "state": "absent"});
        let many: Vec<_> = (0..51).map(|_| one.clone()).collect();
        assert!(order(json!({"roles": many})).unwrap_err()[0].contains("51 entries"));
    }

    #[test]
    fn group_of_another_form_is_rejected() {
        for group in [json!(1), json!([]), json!({"name": "a"}), json!({"name": "a", "domain": "b", "x": 1})] {
            assert!(serde_json::from_value::<RoleSpec>(json!({"group": group})).is_err(), "{group}");
        }
    }
}
